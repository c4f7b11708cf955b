// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Connection } from "../src/rpc";
import { Subs } from "../src/subs";
import { decodeFrame, encodeFrame } from "../src/wire";

// A Socket is the browser's end of a WebSocket whose other end the test plays.
class Socket {
	readyState = 0;
	binaryType = "";
	sent: any[] = [];
	onopen: (() => void) | null = null;
	onmessage: ((m: { data: unknown }) => void) | null = null;
	onclose: ((e: { code: number }) => void) | null = null;
	send(text: string) {
		this.sent.push(JSON.parse(text));
	}
	close() {
		this.readyState = 3;
	}
	open() {
		this.readyState = 1;
		this.onopen?.();
	}
	say(o: object) {
		this.onmessage?.({ data: JSON.stringify({ jsonrpc: "2.0", ...o }) });
	}
	drop(code = 1006) {
		this.readyState = 3;
		this.onclose?.({ code });
	}
	last(method: string) {
		return this.sent.filter((m) => m.method === method).at(-1);
	}
}

const settle = async () => {
	for (let i = 0; i < 20; i++) await Promise.resolve();
};

let sockets: Socket[];
let posts: { method: string; params: any; id: number }[];
let http: (body: any) => { status: number; body: any } | null;
let greetings: number;
let endings: number;
let active: boolean;
let notes: string[];
let conn: Connection;
let subs: Subs;

beforeEach(() => {
	mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 });
	sockets = [];
	posts = [];
	notes = [];
	active = true;
	http = () => null;
	greetings = endings = 0;
	conn = new Connection(
		{
			socket: () => {
				const s = new Socket();
				sockets.push(s);
				return s as unknown as WebSocket;
			},
			post: async (text) => {
				const body = JSON.parse(text);
				posts.push(body);
				const a = http(body);
				if (!a) throw new Error("network");
				return { ok: a.status < 300, status: a.status, json: async () => ({ id: body.id, ...a.body }) } as Response;
			},
			now: () => Date.now(),
			random: () => 0.5,
			language: () => "en",
			active: () => active,
		},
		{
			open: () => {
				greetings++;
				subs.opened();
			},
			notify: (m, p) => {
				notes.push(m);
				subs.notify(m, p);
			},
			binary: () => {},
			poll: () => subs.poll(),
			ended: () => endings++,
		},
	);
	subs = new Subs(() => conn);
});
afterEach(() => {
	conn.stop();
	mock.timers.reset();
});

async function connect(): Promise<Socket> {
	if (sockets.length === 0) conn.start();
	const s = sockets.at(-1)!;
	s.open();
	s.say({ id: s.last("sys.hello").id, result: { time: "" } });
	await settle();
	return s;
}

test("a call waits for the greeting and gets its answer", async () => {
	conn.start();
	const answer = conn.call("pool.list", { all: true });
	const s = sockets[0]!;
	s.open();
	assert.equal(s.last("pool.list"), undefined);
	s.say({ id: s.last("sys.hello").id, result: {} });
	await settle();
	const sent = s.last("pool.list");
	assert.deepEqual(sent.params, { all: true });
	assert.equal(sent.meta.lang, "en");
	s.say({ id: sent.id, result: { pools: [] } });
	assert.deepEqual(await answer, { pools: [] });
	assert.equal(conn.link.value, "live");
});

test("what an open page asks while nobody is there says so", async () => {
	const s = await connect();
	mock.timers.tick(11_000);
	assert.equal(s.last("$/ping").meta.auto, undefined);
	active = false;
	s.say({ id: s.last("$/ping").id, error: { code: -32601, message: "no" } });
	mock.timers.tick(11_000);
	assert.equal(s.last("$/ping").meta.auto, true);
	conn.call("pool.list").catch(() => {});
	assert.equal(s.last("pool.list").meta.auto, true);
	active = true;
	conn.call("rule.list").catch(() => {});
	assert.equal(s.last("rule.list").meta.auto, undefined);
});

test("an error of the box carries code, kind and arguments", async () => {
	const s = await connect();
	const answer = conn.call("server.drain", {});
	s.say({ id: s.last("server.drain").id, error: { code: -32020, message: "no", data: { kind: "guard.last_server", args: { pool: "app" } } } });
	await assert.rejects(answer, (e: any) => e.code === -32020 && e.kind === "guard.last_server" && e.data.args.pool === "app");
});

test("a call without an answer ends and is cancelled on the box", async () => {
	const s = await connect();
	const answer = conn.call("probe.run", {}, { timeout: 3000 });
	const { id } = s.last("probe.run");
	mock.timers.tick(3000);
	await assert.rejects(answer, (e: any) => e.kind === "client.timeout");
	assert.deepEqual(s.last("$/cancel").params, { id });
});

test("an aborted call is cancelled on the box", async () => {
	const s = await connect();
	const stop = new AbortController();
	const answer = conn.call("probe.run", {}, { signal: stop.signal });
	stop.abort();
	await assert.rejects(answer, (e: any) => e.kind === "call.cancelled");
	assert.equal(s.last("$/cancel").params.id, s.last("probe.run").id);
});

test("progress reaches the caller", async () => {
	const s = await connect();
	const seen: number[] = [];
	const answer = conn.call("fw.install", {}, { progress: (p) => seen.push(p.done) });
	const { id } = s.last("fw.install");
	s.say({ method: "$/progress", params: { id, done: 3, total: 9 } });
	s.say({ id, result: null });
	await answer;
	assert.deepEqual(seen, [3]);
});

test("a change under way is sent again after a loss, with the same key", async () => {
	const s = await connect();
	const answer = conn.call("config.commit", {}, { key: "k1" });
	s.drop();
	assert.equal(conn.link.value, "lost");
	mock.timers.tick(250);
	const again = await connect();
	assert.equal(again.last("config.commit").meta.key, "k1");
	again.say({ id: again.last("config.commit").id, result: 1 });
	assert.equal(await answer, 1);
});

test("attempts come after 0.5 s doubling to 15 s, with full jitter", async () => {
	const s = await connect();
	s.drop();
	for (const wait of [250, 500, 1000, 2000, 4000, 7500, 7500]) {
		const before = sockets.length;
		mock.timers.tick(wait - 1);
		assert.equal(sockets.length, before, `no attempt before ${wait} ms`);
		mock.timers.tick(1);
		assert.equal(sockets.length, before + 1, `attempt after ${wait} ms`);
		sockets.at(-1)!.drop();
		await settle();
	}
});

test("a page that was shut out tries again, and says all the time that it is", async () => {
	const s = await connect();
	s.drop(4403);
	for (let i = 2; i < 5; i++) {
		mock.timers.tick(5000);
		assert.equal(sockets.length, i);
		assert.equal(conn.link.value, "origin");
		sockets.at(-1)!.drop(4403);
		await settle();
	}
});

test("coming back online tries at once", async () => {
	const s = await connect();
	s.drop();
	conn.hurry();
	assert.equal(sockets.length, 2);
});

test("close codes say what to do", async () => {
	for (const [code, link, ends] of [[4401, "ended", 1], [4403, "origin", 0], [4409, "restarting", 0]] as const) {
		endings = 0;
		sockets = [];
		conn.start();
		const s = await connect();
		s.drop(code);
		assert.equal(conn.link.value, link);
		assert.equal(endings, ends, `code ${code}`);
		conn.stop();
	}
});

test("a slow client waits two seconds before it comes back", async () => {
	const s = await connect();
	s.drop(4408);
	mock.timers.tick(1999);
	assert.equal(sockets.length, 1);
	mock.timers.tick(1);
	assert.equal(sockets.length, 2);
});

test("a dead connection is noticed and replaced", async () => {
	const s = await connect();
	for (let i = 0; i < 22; i++) mock.timers.tick(1000);
	assert.equal(s.readyState, 3);
	assert.equal(conn.link.value, "lost");
});

test("two refused WebSockets while HTTP works lead to polling", async () => {
	http = (b) => ({ status: 200, body: { result: b.method === "sys.hello" ? {} : b.method === "sub.read" ? { epoch: "e", seq: 1, snapshot: { objects: { a: 1 } } } : "polled" } });
	conn.start();
	const seen: unknown[] = [];
	subs.open("state.pools", {}, { snapshot: (d) => seen.push(d), event: () => {} });
	sockets[0]!.drop();
	await settle();
	mock.timers.tick(250);
	sockets[1]!.drop();
	await settle();
	assert.equal(conn.link.value, "polling");
	assert.equal(await conn.call("pool.list"), "polled");
	const before = seen.length;
	mock.timers.tick(2000);
	await settle();
	assert.equal(seen.length, before + 1);
	mock.timers.tick(30_000);
	await connect();
	assert.equal(conn.link.value, "live", "a WebSocket that works again ends the polling");
});

test("no session over HTTP ends the session", async () => {
	http = () => ({ status: 401, body: { error: { code: -32001, message: "log in" } } });
	conn.start();
	sockets[0]!.drop();
	await settle();
	assert.equal(conn.link.value, "ended");
	assert.equal(endings, 1);
});

test("a subscription resumes by epoch and sequence", async () => {
	let s = await connect();
	const seen: string[] = [];
	subs.open("log.events", { kind: "x" }, { snapshot: (d) => seen.push(`snapshot ${d}`), event: (d, seq) => seen.push(`${seq} ${d}`), gap: (n) => seen.push(`gap ${n}`) });
	s.say({ id: s.last("sub.open").id, result: { sub: 4, epoch: "e1", seq: 10, resumed: false, snapshot: "A" } });
	await settle();
	s.say({ method: "sub.event", params: { sub: 4, seq: 11, data: "b" } });
	s.say({ method: "sub.gap", params: { sub: 4, from: 12, to: 15, dropped: 4 } });
	s.say({ method: "sub.event", params: { sub: 99, seq: 1, data: "not ours" } });
	s.drop();
	mock.timers.tick(250);
	s = await connect();
	assert.deepEqual(s.last("sub.open").params.since, { epoch: "e1", seq: 15 });
	assert.deepEqual(s.last("sub.open").params.params, { kind: "x" });
	s.say({ id: s.last("sub.open").id, result: { sub: 1, epoch: "e1", seq: 15, resumed: true } });
	await settle();
	s.say({ method: "sub.event", params: { sub: 1, seq: 16, data: "c" } });
	assert.deepEqual(seen, ["snapshot A", "11 b", "gap 4", "16 c"]);
});

test("a subscription that was being opened at a loss is opened once", async () => {
	let s = await connect();
	const failed: unknown[] = [];
	subs.open("state.pools", {}, { snapshot: () => {}, event: () => {}, failed: (e) => failed.push(e) });
	s.drop();
	mock.timers.tick(250);
	s = await connect();
	assert.equal(s.sent.filter((m) => m.method === "sub.open").length, 1);
	assert.deepEqual(failed, []);
});

test("series slow down while the page is hidden", async () => {
	const s = await connect();
	const sub = subs.open("series.live", { series: ["a"] }, { snapshot: () => {}, event: () => {} });
	s.say({ id: s.last("sub.open").id, result: { sub: 2, epoch: "e", seq: 0, resumed: false } });
	await settle();
	subs.setHidden(true);
	assert.equal(s.last("sub.update").params.max_hz, 0.1);
	s.say({ id: s.last("sub.update").id, result: { sub: 2, epoch: "e2", seq: 7, resumed: false, snapshot: { t: [], cols: {} } } });
	await settle();
	assert.deepEqual([sub.epoch, sub.seq], ["e2", 7]); // what the next connection resumes
	subs.setHidden(false);
	assert.equal(s.last("sub.update").params.max_hz, 0);
});

test("frames keep their header", () => {
	const f = { kind: 1, flags: 2, stream: 0xfedcba98, offset: 2 ** 40 + 5, payload: new Uint8Array([7, 8, 9]) };
	const b = encodeFrame(f);
	assert.deepEqual([...b.slice(0, 16)], [1, 2, 0, 0, 0xfe, 0xdc, 0xba, 0x98, 0, 0, 1, 0, 0, 0, 0, 5]);
	assert.deepEqual(decodeFrame(b.buffer), f);
	assert.equal(decodeFrame(new ArrayBuffer(15)), null);
});
