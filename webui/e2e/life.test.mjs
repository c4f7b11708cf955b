// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box, shop, sleep, until } from "./box.mjs";
import { launch, live, lost, refused, tab } from "./browser.mjs";
import { Wire } from "./proxy.mjs";
import { Traffic } from "./traffic.mjs";

let browser, box, admin, wire;
before(async () => {
	browser = await launch();
	// The servers live in this process, which stands still while it waits for a command.
	box = await Box.start((p) => shop(p, { fall: 20, console: `  allowed_origins = ["https://127.0.0.1:${p.spare}"]\n` }));
	admin = await box.setUp();
	wire = new Wire(box.ports.spare, box.ports.console);
	await wire.start();
});
after(async () => {
	wire?.stop();
	admin?.close();
	await box?.stop();
	await browser?.close();
});

// frames counts the text frames that the page gets and remembers answers that
// say how a subscription went on.
function frames(page) {
	const seen = { sockets: 0, resumed: 0, events: 0 };
	page.on("websocket", (w) => {
		seen.sockets++;
		w.on("framereceived", ({ payload }) => {
			const s = String(payload);
			if (s.includes('"resumed":true')) seen.resumed++;
			if (s.includes('"sub.event"')) seen.events++;
		});
	});
	return seen;
}

const backAgain = (seen, before) => until("the page connects again and gets events", () => seen.sockets > before.sockets && seen.events > before.events, 40_000);

test("a killed member is on the overview at once", async (t) => {
	const { page, base, end } = await tab(browser, box, { cookie: admin.cookie });
	const traffic = new Traffic(box.ports.http);
	t.after(() => traffic.stop());
	await page.goto(base);
	await live(page);
	const attention = page.getByRole("region", { name: /needs? attention/ });
	await attention.waitFor({ state: "detached" });
	const at = Date.now();
	await box.origins[1].kill();
	await attention.getByText(/web2/).first().waitFor();
	t.diagnostic(`seen after ${((Date.now() - at) / 1000).toFixed(1)} s (the aim is 2 s)`);
	await box.origins[1].start();
	await attention.waitFor({ state: "detached" });
	assert.equal(await traffic.stop(), 0, `no request fails for it: ${traffic.faults}`);
	await end();
});

test("the console's process is killed: traffic goes on, the page connects again and resumes", async (t) => {
	const { page, guard, base, end } = await tab(browser, box, { cookie: admin.cookie });
	guard.allow(lost);
	const seen = frames(page);
	await page.goto(base);
	await live(page);
	await until("events", () => seen.events > 2);
	const traffic = new Traffic(box.ports.http, { perSecond: 50 });
	t.after(() => traffic.stop());
	const before = { ...seen };
	const pid = box.pid("console");
	process.kill(pid, "SIGKILL");
	await until("another process", () => box.pid("console") !== pid && box.pid("console") > 0);
	await backAgain(seen, before);
	await live(page);
	await until("subscriptions go on where they were", () => seen.resumed > before.resumed);
	await sleep(500);
	assert.equal(await traffic.stop(), 0, `traffic does not notice: ${traffic.faults}`);
	assert.ok(traffic.sent > 20);
	await end();
});

test("the engine is restarted: the page connects again", async (t) => {
	const { page, guard, base, end } = await tab(browser, box, { cookie: admin.cookie });
	guard.allow(lost, refused(503));
	const seen = frames(page);
	await page.goto(base);
	await live(page);
	const traffic = new Traffic(box.ports.http, { perSecond: 50 });
	t.after(() => traffic.stop());
	const before = { ...seen };
	box.must("restart", "engine");
	await backAgain(seen, before);
	await live(page);
	assert.equal(await traffic.stop(), 0, `no request fails: ${traffic.faults}`);
	await end();
});

test("the wire is cut, slow and dead: the page says so and comes back by itself", async () => {
	const { page, guard, base, end } = await tab(browser, `https://127.0.0.1:${wire.port}`, { cookie: admin.cookie });
	guard.allow(lost);
	const seen = frames(page);
	await page.goto(base);
	await live(page);
	let before = { ...seen };
	wire.cut();
	await backAgain(seen, before);
	await live(page);

	wire.delay = 1500;
	await page.getByRole("link", { name: "Servers", exact: true }).click();
	await page.getByRole("heading", { name: "Servers" }).waitFor();
	await page.getByRole("cell", { name: /web1/ }).first().waitFor();
	wire.delay = 0;

	wire.stalled = true; // neither side learns of it
	await page.getByRole("status").getByText(/What you see (is|may be) old/).first().waitFor({ timeout: 60_000 });
	before = { ...seen };
	wire.stalled = false;
	wire.cut();
	await backAgain(seen, before);
	await live(page);
	await end();
});

test("a flood of messages leaves the page usable", async () => {
	const { page, base, end } = await tab(browser, box, { cookie: admin.cookie });
	let flood;
	await page.routeWebSocket(/\/api\/v1\/ws$/, (ws) => {
		const server = ws.connectToServer();
		let last;
		server.onMessage((m) => {
			if (typeof m === "string" && m.includes('"sub.event"')) last = m;
			ws.send(m);
		});
		flood = (n) => {
			for (let i = 0; i < n; i++) {
				ws.send(last ?? "{}");
				ws.send(`{"jsonrpc":"2.0","method":"sub.event","params":{"sub":${900_000 + i},"seq":1,"data":{}}}`);
				if (i % 100 === 0) ws.send(`no JSON ${i} {`);
			}
		};
	});
	await page.goto(base);
	await live(page);
	await sleep(1500);
	flood(5000);
	await page.getByRole("link", { name: "Servers", exact: true }).click({ timeout: 300_000 }); // the driver has much to hand on first
	await page.getByRole("heading", { name: "Servers" }).waitFor();
	await live(page);
	await end();
});
