// SPDX-License-Identifier: Apache-2.0
//
// What no browser of an honest person does. One box bears all of it, and at the
// end still serves its clients and lets its admin in.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { admin as person, Box, patience, shop, sleep, until } from "./box.mjs";
import { launch, live, logIn, refused, tab } from "./browser.mjs";
import { Client } from "./client.mjs";

let box, admin;
before(async () => {
	box = await Box.start(shop);
	admin = await box.setUp();
});
after(async () => {
	admin?.close();
	await box?.stop();
});

const hello = { jsonrpc: "2.0", id: 1, method: "auth.whoami", params: {} };

test("a foreign Origin is refused, and the answer says what to change", async () => {
	for (const origin of ["https://evil.example", "https://127.0.0.1:1", "null", `http://127.0.0.1:${box.ports.console}`]) {
		const ws = await admin.socket({ Origin: origin });
		assert.equal(ws.status, 403, `WebSocket from ${origin}`);
		const a = JSON.parse(ws.text);
		assert.equal(a.kind, "origin.mismatch");
		assert.match(a.error.message, /allowed_origins/);
		assert.equal(a.origin, origin);
		const res = await admin.post("/api/v1/rpc", hello, { Origin: origin });
		assert.equal(res.status, 403, `POST from ${origin}`);
		assert.equal(res.json.kind, "origin.mismatch");
	}
	const own = await admin.socket();
	assert.equal(own.status, 101);
	own.socket.destroy();
});

test("a page of another site can call nothing, with the admin's browser neither", async (t) => {
	// All that a hostile page has: a form, fetch without CORS, a WebSocket.
	const evil = createServer((_, res) => res.setHeader("Content-Type", "text/html").end("<!doctype html><title>evil</title><iframe name=sink></iframe>"));
	await new Promise((r) => evil.listen(0, "127.0.0.1", r));
	const browser = await launch();
	t.after(async () => {
		await browser.close();
		evil.close();
		evil.closeAllConnections();
	});
	const before = box.text();
	const context = await browser.newContext({ ignoreHTTPSErrors: true });
	const [name, value] = admin.cookie.split("=");
	await context.addCookies([{ name, value, url: box.url, secure: true, httpOnly: true, sameSite: "Strict" }]);
	const page = await context.newPage();
	for (const site of [`http://127.0.0.1:${evil.address().port}`, `http://localhost:${evil.address().port}`]) {
		await page.goto(site);
		const got = await page.evaluate(async (url) => {
			const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "config.discard", params: {} });
			const form = document.createElement("form");
			Object.assign(form, { method: "POST", action: `${url}/api/v1/rpc`, enctype: "text/plain", target: "sink" });
			const input = document.createElement("input");
			Object.assign(input, { name: body.slice(0, -1) + ',"x":"', value: '"}' });
			form.append(input);
			document.body.append(form);
			form.submit();
			const fetched = async (o) => {
				try {
					return (await fetch(`${url}/api/v1/rpc`, { method: "POST", body, credentials: "include", ...o })).type;
				} catch {
					return "error";
				}
			};
			const ws = await new Promise((r) => {
				const w = new WebSocket(`${url.replace("https", "wss")}/api/v1/ws`, "evener.v1");
				w.onopen = () => r("open");
				w.onerror = () => r("error");
			});
			return { plain: await fetched({ mode: "no-cors" }), cors: await fetched({ headers: { "Content-Type": "application/json" } }), ws };
		}, box.url);
		assert.equal(got.cors, "error");
		assert.equal(got.ws, "error");
		assert.notEqual(got.plain, "basic");
	}
	assert.equal(box.text(), before);
	// What the browser sends for a form, with the cookie for good measure.
	for (const h of [{ Origin: "http://localhost:1", "Sec-Fetch-Site": "same-site" }, { "Sec-Fetch-Site": "cross-site" }, { Origin: "null" }]) {
		assert.equal((await admin.post("/api/v1/rpc", hello, h)).status, 403, JSON.stringify(h));
		assert.equal((await admin.post("/api/v1/logout", {}, h)).status, 403, JSON.stringify(h));
	}
	assert.equal((await admin.post("/api/v1/rpc", hello, { "Content-Type": "text/plain" })).status, 415);
	assert.equal((await admin.call("auth.whoami")).user, person.user, "the admin is still logged in");
});

test("a cookie that was stolen is worth nothing once its session has ended", async () => {
	const thief = new Client(box.url, { from: "127.0.0.7" });
	for (const end of [
		(c) => c.post("/api/v1/logout", {}),
		async () => {
			const { sessions } = await admin.call("session.list", { user: person.user });
			const mine = (await admin.call("auth.whoami")).session;
			for (const s of sessions) if (!s.current && s.id !== mine) await admin.call("session.revoke", { id: s.id });
		},
	]) {
		const victim = await box.login();
		thief.cookie = victim.cookie;
		const ws = await thief.socket();
		assert.equal((await ws.socket.call("auth.whoami")).user, person.user);
		await end(victim);
		await until("the thief's WebSocket is closed", () => ws.socket.closed);
		assert.equal(ws.socket.closed.code, 4401);
		assert.equal((await thief.post("/api/v1/rpc", hello)).status, 401);
		const again = await thief.socket();
		const said = again.socket ? await until("the WebSocket is closed", () => again.socket.closed) : again;
		assert.ok(said.code === 4401 || said.status === 401, JSON.stringify(said));
		victim.close();
	}
	for (const value of ["", "x", "A".repeat(43), "A".repeat(600), "%00", "../../etc/passwd"]) {
		thief.cookie = `__Host-evener=${value}`;
		const res = await thief.post("/api/v1/rpc", hello);
		assert.ok(res.status === 401, `cookie ${value.slice(0, 20)}: ${res.status}`);
	}
	thief.close();
});

test("frames that are too large or break the protocol end their own connection", async () => {
	const witness = (await admin.socket()).socket;
	const tries = {
		"a message of 2 MB": (s) => s.text("x".repeat(2 << 20)),
		"a frame that claims 2^40 bytes": (s) => s.frame(1, "x", { length: 2 ** 40 }),
		"fragments without an end": (s) => {
			s.frame(1, "x".repeat(60_000), { fin: false });
			for (let i = 0; i < 40; i++) s.frame(0, "x".repeat(60_000), { fin: false });
		},
		"a frame without a mask": (s) => s.frame(1, "{}", { mask: false }),
		"a reserved opcode": (s) => s.frame(3, "{}"),
		"a control frame of 200 bytes": (s) => s.frame(9, "x".repeat(200)),
		"a flood of pings": (s) => {
			for (let i = 0; i < 5000; i++) s.frame(9, "x");
		},
		"text that is no UTF-8": (s) => s.frame(1, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])),
	};
	for (const [what, act] of Object.entries(tries)) {
		const { socket } = await admin.socket();
		act(socket);
		await until(`${what}: closed`, () => socket.closed ?? Promise.race([socket.ended.then(() => true), sleep(10)]));
		assert.equal((await witness.call("auth.whoami")).user, person.user, what);
	}
	// What is no JSON-RPC gets an answer, and the connection lives on.
	const { socket } = await admin.socket();
	for (const s of ["", "{", "[]", "null", '{"jsonrpc":"2.0","id":7001,"method":7}', "[".repeat(50_000), '{"id":7002,"meta":{"token":"x","origin":"console"}}']) socket.text(s);
	assert.equal((await socket.call("auth.whoami")).user, person.user);
	socket.destroy();
	witness.destroy();
});

test("large bodies and half requests are refused", async () => {
	const nobody = new Client(box.url, { from: "127.0.0.8" });
	assert.equal((await nobody.post("/api/v1/login", { user: "x".repeat(100_000), password: "y" })).status, 413);
	assert.equal((await nobody.post("/api/v1/rpc", "x".repeat(100_000))).status, 413);
	const res = await admin.post("/api/v1/rpc", "x".repeat(3 << 20)).catch((err) => err);
	assert.ok(res.status === 413 || /EPIPE|ECONNRESET|hang up/.test(res.message), `${res.status} ${res.message}`);
	nobody.close();
});

test("who asks without end and reads nothing holds up nobody", async () => {
	const witness = (await admin.socket()).socket;
	const { socket: greedy } = await box.login().then((c) => c.socket());
	for (const topic of ["state.members", "state.clusters", "state.system", "log.events", "log.access"]) void greedy.call("sub.open", { topic, params: {} }).catch(() => {});
	greedy.pause();
	for (let i = 0; i < 5000; i++) greedy.text({ jsonrpc: "2.0", id: 10_000 + i, method: "sys.metrics", params: {} });
	const began = Date.now();
	for (let i = 0; i < 20; i++) await witness.call("auth.whoami");
	assert.ok(Date.now() - began < patience);
	greedy.destroy();
	witness.destroy();
});

test("no path leads out of the console's files", async () => {
	const shadow = readFileSync("/etc/passwd", "utf8").split("\n")[0];
	const index = (await admin.send("GET", "/")).text;
	for (const path of [
		"/../../../../etc/passwd", "/assets/../../../../etc/passwd", "/assets/..%2f..%2f..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
		"/assets/%2e%2e%2f%2e%2e%2fetc/passwd", "//etc/passwd", "/..\\..\\..\\etc\\passwd", "/assets/..%5c..%5cetc%5cpasswd", "/assets/%00", "/assets/", "/assets/x.js",
		"/manifest.json%00.html", "/.gitignore", "/api/v1/../../etc/passwd", "/api/v1/%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "/?file=../../etc/passwd",
	]) {
		const res = await admin.send("GET", path);
		assert.ok(!res.text.includes(shadow), `${path} gives out a file`);
		assert.ok(res.status >= 300 || res.text === index, `${path}: ${res.status}, and neither the page nor a refusal`);
		if (path.startsWith("/assets/")) assert.ok(res.status >= 300, `${path} must not be answered with the page`);
	}
});

test("every answer forbids what our pages do not need", async () => {
	for (const path of ["/", "/pools/x", "/assets/none", "/api/v1/rpc", "/licences.txt"]) {
		const { headers } = await admin.send("GET", path);
		assert.match(headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/, path);
		assert.equal(headers["x-content-type-options"], "nosniff", path);
		assert.equal(headers["referrer-policy"], "no-referrer", path);
	}
});

test("10 000 bad logins: the box stays calm, and the admin gets in from where the admin is known", async (t) => {
	const began = Date.now();
	const count = {};
	const each = 400;
	const crowd = Array.from({ length: 25 }, (_, i) => new Client(box.url, { from: `127.0.1.${i + 1}`, sockets: 2 }));
	const witness = (await admin.socket()).socket;
	await Promise.all(
		crowd.flatMap((c, k) => [0, 1].map(async (half) => {
			for (let i = 0; i < each / 2; i++) {
				const res = await c.post("/api/v1/login", { user: i % 3 ? person.user : `guess${k}`, password: `guess ${half} ${i}` });
				count[res.status] = (count[res.status] ?? 0) + 1;
			}
		})),
	);
	t.diagnostic(`${each * crowd.length} attempts in ${((Date.now() - began) / 1000).toFixed(1)} s: ${JSON.stringify(count)}`);
	assert.equal(Object.values(count).reduce((a, b) => a + b), 10_000);
	assert.deepEqual(Object.keys(count).filter((s) => s !== "401" && s !== "429"), [], "each is refused in words");
	assert.ok(count[429] > 9000, "few are tried at all");
	assert.equal((await witness.call("auth.whoami")).user, person.user);
	witness.destroy();

	const stranger = await crowd[0].post("/api/v1/login", { user: person.user, password: person.password });
	assert.equal(stranger.status, 429, "a right guess from the attacker's address has to wait, too");
	assert.ok(Number(stranger.headers["retry-after"]) > 0);
	const list = await admin.call("throttle.list");
	assert.ok(list.throttles.some((x) => x.kind === "user" && x.key === person.user), "the attack is visible");
	assert.ok(list.throttles.some((x) => x.kind === "address" && x.key.startsWith("127.0.1.")));
	for (const c of crowd) c.close();

	const browser = await launch();
	t.after(() => browser.close());
	const { page, guard, base, end } = await tab(browser, box);
	guard.allow(refused(401));
	await page.goto(base);
	await logIn(page);
	await live(page);
	await page.getByText(/logins? with your name failed/).first().waitFor();
	await end();
});
