// SPDX-License-Identifier: Apache-2.0
//
// Commits that cut whoever makes them off: each is taken back by itself, and the
// page that was open comes back. They wait at the same time.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import { Box, shop, sleep, until } from "./box.mjs";
import { launch, live, lost, refused, tab } from "./browser.mjs";
import { Client } from "./client.mjs";
import { Traffic } from "./traffic.mjs";

const span = 90_000; // the confirm is 30 s; the rest is for slow machines

let browser;
before(async () => {
	browser = await launch();
});
after(() => browser?.close());

// shown returns the certificate that the console shows.
const shown = (box) => new Promise((resolve, reject) => {
	const c = connect({ host: "127.0.0.1", port: box.ports.console, rejectUnauthorized: false }, () => {
		resolve(c.getPeerCertificate().fingerprint256);
		c.destroy();
	});
	c.once("error", reject);
});

// cut commits edits with a confirm, in seconds, and says what the commit answered
// and what the review warned of.
async function cut(admin, box, edits, confirm = 30) {
	await admin.call("config.edit", { base: box.status().revision, edits });
	const review = await admin.call("config.review");
	return { done: await admin.call("config.commit", { confirm_s: confirm, comment: "cut off" }), warnings: review.warnings ?? [], advice: review.confirm };
}

const reverted = (box, was) => until("the box takes it back", () => !box.status().pending && box.text() === was, span, 1000);

describe("a commit that cuts the management path reverts by itself", { concurrency: true }, () => {
	const cases = [
		{ name: "console listen", edits: (p) => [{ op: "patch", path: "console", set: { listen: [`127.0.0.1:${p.spare}`] } }], lockout: true, away: true },
		{ name: "console allow", edits: () => [{ op: "patch", path: "console", set: { allow: ["192.0.2.0/24"] } }], lockout: true, away: true },
		{
			name: "console certificate",
			edits: () => [
				{ op: "insert", path: "", text: 'certificate "mgmt" {\n  source = "self_signed"\n  names  = ["elsewhere.example"]\n}\n' },
				{ op: "patch", path: "console", set: { certificate: "mgmt" } },
			],
		},
	];
	for (const c of cases) {
		test(c.name, async (t) => {
			// The servers live in this process, which has much to do: they may be late.
			const box = await Box.start((p) => shop(p, { fall: 20 }));
			const traffic = new Traffic(box.ports.http, { perSecond: 5 });
			t.after(async () => {
				await traffic.stop();
				await box.stop();
			});
			const admin = await box.setUp();
			const { page, guard, base, end } = await tab(browser, box, { cookie: admin.cookie });
			guard.allow(lost, refused(403));
			await page.goto(base);
			await live(page);
			const was = box.text();
			const cert = await shown(box);
			const began = Date.now();
			const { done, warnings, advice } = await cut(admin, box, c.edits(box.ports));
			assert.equal(done.pending.revision, done.revision.number);
			assert.ok(advice, "the review says whether to wait for a confirm");
			if (c.lockout) assert.ok(warnings.some((w) => w.kind.startsWith("lockout.")), JSON.stringify(warnings));
			admin.close();
			if (c.away) {
				await until("the console cannot be reached", async () => {
					const other = new Client(box.url); // by a new connection: one that there is may go on
					const out = await other.post("/api/v1/rpc", {}).then((r) => r.status === 403, () => true);
					other.close();
					return out;
				});
			} else {
				await until("the console shows the other certificate", async () => (await shown(box)) !== cert);
				await page.getByRole("region", { name: "Commit waits for its confirm" }).waitFor();
			}
			await reverted(box, was);
			t.diagnostic(`taken back after ${((Date.now() - began) / 1000).toFixed(1)} s`);
			await live(page, span);
			await page.getByRole("region", { name: "Commit waits for its confirm" }).waitFor({ state: "detached" });
			assert.equal(await shown(box), cert);
			assert.equal(await traffic.stop(), 0, `traffic does not notice: ${traffic.faults}`);
			await end();
		});
	}

	test("the console that moved can be reached with the token of the commit, and kept there", async (t) => {
		const box = await Box.start(shop);
		t.after(() => box.stop());
		const admin = await box.setUp();
		const { done } = await cut(admin, box, [{ op: "patch", path: "console", set: { listen: [`127.0.0.1:${box.ports.spare}`] } }], 300);
		admin.close();
		assert.deepEqual(done.urls?.map((u) => new URL(u).port), [String(box.ports.spare)]);
		const there = new Client(`https://127.0.0.1:${box.ports.spare}`);
		const entered = await until("the console is there", () => there.post("/api/v1/handover", { token: done.handover }).then((r) => r.status === 200 && r, () => false));
		assert.equal(entered.json.user, "admin");
		assert.equal((await there.post("/api/v1/handover", { token: done.handover })).status, 401, "the token is good once");
		const { page, base, end } = await tab(browser, there.url.origin, { cookie: there.cookie });
		await page.goto(base);
		await page.getByRole("region", { name: "Commit waits for its confirm" }).getByRole("button", { name: "Keep" }).click();
		await until("it is kept", () => !box.status().pending);
		await sleep(1000);
		assert.match(box.text(), new RegExp(`127\\.0\\.0\\.1:${box.ports.spare}"`));
		await live(page);
		await end();
		there.close();
	});

	test("a cookie that was stolen is worth nothing once its session has expired", async (t) => {
		const box = await Box.start((p) => shop(p, { console: '  idle_timeout = "1m"\n' }));
		t.after(() => box.stop());
		const victim = await box.setUp();
		const { page, guard, base, end } = await tab(browser, box, { cookie: (await box.login()).cookie });
		guard.allow(refused(401), lost);
		await page.goto(base);
		await live(page);
		const thief = new Client(box.url, { from: "127.0.0.7" });
		thief.cookie = victim.cookie;
		assert.equal((await thief.call("auth.whoami")).user, "admin");
		await sleep(65_000);
		const res = await thief.post("/api/v1/rpc", { jsonrpc: "2.0", id: 1, method: "auth.whoami", params: {} });
		assert.equal(res.status, 401, "a minute without a call has ended it");
		await page.getByRole("heading", { name: "Log in" }).waitFor({ timeout: span });
		await end();
		thief.close();
		victim.close();
	});
});
