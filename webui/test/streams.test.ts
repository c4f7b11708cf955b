// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Connection } from "../src/rpc";
import { Streams } from "../src/streams";
import { decodeFrame, encodeFrame } from "../src/wire";

const window = 256 * 1024;

let up: boolean;
let frames: { stream: number; offset: number; size: number }[];
let notes: { method: string; params: any }[];
let streams: Streams;

beforeEach(() => {
	up = true;
	frames = [];
	notes = [];
	const rpc = {
		notify: (method: string, params: any) => void notes.push({ method, params }),
		sendBinary: (b: Uint8Array<ArrayBuffer>) => {
			const f = decodeFrame(b.buffer)!;
			if (up) frames.push({ stream: f.stream, offset: f.offset, size: f.payload.length });
			return up;
		},
	};
	streams = new Streams(() => rpc as unknown as Connection);
});

// settle lets what reads blobs and waits for promises come to rest.
const settle = async () => {
	for (let i = 0; i < 60; i++) await new Promise((r) => setImmediate(r));
};
const sent = () => frames.reduce((n, f) => n + f.size, 0);
const data = (stream: number, offset: number, size: number) =>
	streams.binary(encodeFrame({ kind: 1, flags: 0, stream, offset, payload: new Uint8Array(size).fill(7) }).buffer);

test("an upload stops without credit, and goes on with it", async () => {
	const size = window + 100_000;
	const moved: number[] = [];
	const done = streams.send(3, new Blob([new Uint8Array(size)]), (n, of) => void moved.push(n / of));
	await settle();
	assert.equal(sent(), window, "no more than the first credit");
	streams.notify("stream.credit", { stream: 9, bytes: 99 });
	streams.notify("stream.credit", { stream: 3, bytes: 10 });
	await settle();
	assert.equal(sent(), window + 10);
	assert.deepEqual(notes, [], "it has not ended");
	streams.notify("stream.credit", { stream: 3, bytes: size });
	await settle();
	assert.equal(sent(), size);
	for (let i = 1; i < frames.length; i++) assert.equal(frames[i]!.offset, frames[i - 1]!.offset + frames[i - 1]!.size, "in order, without gaps");
	assert.deepEqual(notes, [{ method: "stream.end", params: { stream: 3, ok: true } }]);
	assert.equal(moved.at(-1), 1);
	streams.notify("stream.end", { stream: 3, ok: true, result: { revision: 4 } });
	assert.deepEqual(await done, { revision: 4 }, "what the box has made of it");
});

test("an upload ends when the box refuses it, also while there is no credit", async () => {
	const done = streams.send(3, new Blob([new Uint8Array(2 * window)]));
	const told = assert.rejects(done, { code: -32002, message: "the passphrase", kind: "backup.passphrase" });
	await settle();
	streams.notify("stream.end", { stream: 3, error: { code: -32002, message: "the passphrase", data: { kind: "backup.passphrase" } } });
	await told;
	assert.equal(sent(), window);
});

test("an upload fails with its connection, and can be given up", async () => {
	const cut = assert.rejects(streams.send(1, new Blob([new Uint8Array(2 * window)])), { kind: "client.closed" });
	await settle();
	streams.lost();
	await cut;
	up = false;
	await assert.rejects(streams.send(2, new Blob(["x"])), { kind: "client.closed" });
	up = true;
	const stop = new AbortController();
	const given = assert.rejects(streams.send(3, new Blob([new Uint8Array(2 * window)]), undefined, stop.signal), { kind: "call.cancelled" });
	await settle();
	stop.abort();
	await given;
	assert.ok(notes.some((n) => n.method === "stream.end" && n.params.stream === 3 && n.params.error), "the box is told");
});

test("a download gives credit for what was taken", async () => {
	let got = 0;
	const done = streams.receive(5, (b) => void (got += b.length));
	for (let at = 0; at < window; at += 32_768) data(5, at, 32_768);
	assert.equal(got, window);
	assert.deepEqual(notes, [{ method: "stream.credit", params: { stream: 5, bytes: window / 2 } }, { method: "stream.credit", params: { stream: 5, bytes: window / 2 } }]);
	data(6, 0, 10); // another's
	streams.notify("stream.end", { stream: 5, ok: true });
	await done;
	data(5, window, 10);
	assert.equal(got, window, "nothing after the end");
});

test("a download with bytes out of place is refused", async () => {
	const done = assert.rejects(streams.receive(5, () => {}), { kind: "stream.offset" });
	data(5, 0, 10);
	data(5, 11, 1);
	await done;
	assert.equal(notes[0]!.method, "stream.end", "the box need not send more");
});

test("a download ends with an error of the box, of who takes it, and with its connection", async () => {
	const failed = assert.rejects(streams.receive(1, () => {}), { message: "disk" });
	streams.notify("stream.end", { stream: 1, error: { code: -32000, message: "disk" } });
	await failed;
	const full = assert.rejects(streams.receive(2, () => { throw new Error("full"); }), { message: "full" });
	data(2, 0, 1);
	await full;
	const stop = new AbortController();
	const given = assert.rejects(streams.receive(3, () => {}, stop.signal), { kind: "call.cancelled" });
	stop.abort();
	await given;
	assert.deepEqual(notes.map((n) => [n.method, n.params.stream]), [["stream.end", 2], ["stream.end", 3]]);
	const cut = assert.rejects(streams.receive(4, () => {}), { kind: "client.closed" });
	streams.lost();
	await cut;
});
