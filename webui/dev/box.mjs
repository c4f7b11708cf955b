// SPDX-License-Identifier: Apache-2.0
//
// A developer's imitation of a box: it serves a dev build of the console and
// answers just enough of the protocol, with made-up data, to look at pages.
// Nothing of it is part of the program. The WebSocket's server side is written
// out here because no library for it is needed elsewhere.
//
//	node dev/box.mjs [--port 9444] [--setup] [--role viewer] [--confirm] [--quiet]
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../build.mjs";
import { answer, changes, series, topics } from "./data.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const option = (name) => process.argv.includes(`--${name}`);
const value = (name, other) => (option(name) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : other);

const { files, manifest } = await build({ out: join(here, "..", "node_modules", ".cache", "dev"), dev: true });
const state = { role: value("role", "admin"), setup: option("setup"), confirm: option("confirm"), uiHash: manifest.ui_hash };
const types = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", txt: "text/plain; charset=utf-8" };
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const server = createServer(async (req, res) => {
	const path = new URL(req.url, "http://box").pathname;
	if (req.method === "POST" && path.startsWith("/api/v1/")) {
		let body = "";
		for await (const part of req) body += part;
		return post(path.slice(8), JSON.parse(body || "{}"), req, res);
	}
	const name = path.slice(1);
	const found = files.has(name) ? name : path.startsWith("/assets/") || path.startsWith("/api/") ? null : "index.html";
	res.writeHead(found ? 200 : 404, { "Content-Type": types[found?.split(".").at(-1)] ?? "text/plain", "Content-Security-Policy": csp, "Cache-Control": "no-cache" });
	res.end(found ? files.get(found) : "not found");
});

const loggedIn = (req) => /(^|; )dev=in/.test(req.headers.cookie ?? "");

function post(path, body, req, res) {
	const send = (status, json, headers = {}) => {
		res.writeHead(status, { "Content-Type": "application/json", ...headers });
		res.end(JSON.stringify(json));
	};
	const fail = (status, code, kind, message, args) => send(status, { error: { code, message, data: { kind, args } } });
	switch (path) {
		case "rpc":
			return send(200, reply(body, loggedIn(req)));
		case "login":
			if (body.password === "wrong") return fail(401, -32001, "auth.denied", "the name, the password or the code is wrong");
			if (body.password === "slow") return fail(429, -32003, "auth.throttled", "too many attempts", { retry_after_ms: 42_000 });
			if (body.user === "totp" && !body.code) return fail(401, -32001, "auth.totp", "a code is needed");
			return send(200, { user: body.user, role: state.role, last_login: new Date(Date.now() - 86_400_000).toISOString(), failed: 3, totp: false }, { "Set-Cookie": "dev=in; Path=/; SameSite=Strict" });
		case "setup":
			if (body.code === "wrong") return fail(401, -32001, "auth.code", "the set-up code is wrong; the box shows the right one");
			state.setup = false;
			return send(200, { user: body.user, role: "admin" }, { "Set-Cookie": "dev=in; Path=/; SameSite=Strict" });
		case "sudo":
			if (body.password === "wrong") return fail(403, -32002, "auth.denied", "the password is wrong");
			return send(200, { until: new Date(Date.now() + 300_000).toISOString() });
		case "logout":
			return send(200, {}, { "Set-Cookie": "dev=; Path=/; Max-Age=0" });
	}
	return fail(404, -32030, "not_found", "no such path");
}

function reply(e, session) {
	try {
		return { jsonrpc: "2.0", id: e.id, result: answer(e.method, e.params ?? {}, { ...state, session }) };
	} catch (err) {
		return { jsonrpc: "2.0", id: e.id, error: err.code ? err : { code: -32603, message: String(err) } };
	}
}

server.on("upgrade", (req, socket) => {
	const accept = createHash("sha1").update(req.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
	socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: evener.v1\r\n\r\n`);
	const send = (o) => socket.writable && socket.write(frame(1, Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...o }))));
	const subs = new Map();
	let nextSub = 1;
	let pending = Buffer.alloc(0);
	const tick = setInterval(() => {
		for (const [sub, s] of subs) {
			const data = s.topic === "series.live" ? series(s.params.series ?? [], 1) : changes(s.topic);
			if (data) send({ method: "sub.event", params: { sub, seq: ++s.seq, data } });
		}
	}, 1000);
	const end = () => {
		clearInterval(tick);
		socket.destroy();
	};
	const handle = (e) => {
		if (e.method === "sub.open") {
			const sub = nextSub++;
			const isSeries = e.params.topic === "series.live";
			const snapshot = isSeries ? series(e.params.params.series ?? [], 300) : topics(e.params.topic, state);
			if (snapshot === undefined) return send({ id: e.id, error: { code: -32030, message: `no topic ${e.params.topic}`, data: { kind: "topic.unknown" } } });
			subs.set(sub, { topic: e.params.topic, params: e.params.params, seq: 0 });
			return send({ id: e.id, result: { sub, epoch: "dev", seq: 0, resumed: false, snapshot: isSeries || e.params.topic.startsWith("log.") ? snapshot : { objects: snapshot } } });
		}
		if (e.method === "sub.close") subs.delete(e.params.sub);
		if (e.id !== undefined) send(reply(e, loggedIn(req)));
	};
	socket.on("data", (b) => {
		pending = Buffer.concat([pending, b]);
		for (let m; (m = read(pending)); pending = pending.subarray(m.size)) {
			if (m.kind === 8) return end();
			if (m.kind === 1) handle(JSON.parse(m.data.toString()));
		}
	});
	socket.on("close", end);
	socket.on("error", end);
});

function frame(kind, data) {
	const head = data.length < 126 ? Buffer.from([0x80 | kind, data.length]) : data.length < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
	if (head.length > 2) head.set([0x80 | kind, head.length === 4 ? 126 : 127]);
	if (head.length === 4) head.writeUInt16BE(data.length, 2);
	if (head.length === 10) head.writeBigUInt64BE(BigInt(data.length), 2);
	return Buffer.concat([head, data]);
}

// read takes one masked frame off a buffer, or null if it is not whole.
function read(b) {
	if (b.length < 6) return null;
	let n = b[1] & 127;
	let at = 2;
	if (n === 126) {
		n = b.readUInt16BE(2);
		at = 4;
	} else if (n === 127) {
		if (b.length < 14) return null;
		n = Number(b.readBigUInt64BE(2));
		at = 10;
	}
	if (b.length < at + 4 + n) return null;
	const mask = b.subarray(at, at + 4);
	const data = Buffer.from(b.subarray(at + 4, at + 4 + n));
	for (let i = 0; i < n; i++) data[i] ^= mask[i & 3];
	return { kind: b[0] & 15, data, size: at + 4 + n };
}

server.listen(Number(value("port", 9444)), "127.0.0.1", () => {
	if (!option("quiet")) console.log(`imitated box: http://127.0.0.1:${server.address().port} (any name; password "wrong" is refused, user "totp" has a code)`);
});
