// SPDX-License-Identifier: Apache-2.0
//
// Binary streams: a call returns a stream number, its bytes come and go as
// frames. The receiver gives credit; the sender stops at none left.
import type { Connection } from "./rpc";
import { CallError, Code, decodeFrame, encodeFrame } from "./wire";

const firstCredit = 256 * 1024;
const largestFrame = 48 * 1024;
const dataFrame = 1;

type Incoming = { next: number; unacked: number; take(b: Uint8Array): void; end(err: unknown): void };
type Outgoing = { credit: number; wake: () => void; over: { result?: unknown; error?: CallError } | null };

// By how many bytes of how many a transfer has come; 0 for an unknown total.
export type Moved = (done: number, total: number) => void;

const cancelled = () => new CallError(Code.cancelled, "cancelled", { kind: "call.cancelled" });

export class Streams {
	private incoming = new Map<number, Incoming>();
	private outgoing = new Map<number, Outgoing>();
	private readonly rpc: () => Connection;

	constructor(rpc: () => Connection) {
		this.rpc = rpc;
	}

	// receive hands over the bytes of a stream in order and settles at its end. It
	// must be called before the next message is read: right after the answer of the
	// call. When stop fires, or take throws, the box is told to send no more.
	receive(stream: number, take: (b: Uint8Array) => void, stop?: AbortSignal): Promise<void> {
		return new Promise((resolve, reject) => {
			const abort = () => this.refuse(stream, cancelled());
			const end = (err: unknown) => {
				stop?.removeEventListener("abort", abort);
				this.incoming.delete(stream);
				if (err) reject(err);
				else resolve();
			};
			this.incoming.set(stream, { next: 0, unacked: 0, take, end });
			stop?.addEventListener("abort", abort);
			if (stop?.aborted) abort();
		});
	}

	// send writes a file or other bytes to a stream that the box opened, and
	// resolves to what the box says came of it, which may be before the end.
	async send(stream: number, from: Blob, moved?: Moved, stop?: AbortSignal): Promise<unknown> {
		const out: Outgoing = { credit: firstCredit, wake: () => {}, over: null };
		const abort = () => this.over(out, { error: cancelled() });
		this.outgoing.set(stream, out);
		stop?.addEventListener("abort", abort);
		if (stop?.aborted) abort();
		try {
			for (let offset = 0; offset < from.size && !out.over; ) {
				if (out.credit === 0) {
					await new Promise<void>((go) => (out.wake = go));
					continue;
				}
				const size = Math.min(out.credit, largestFrame, from.size - offset);
				const payload = new Uint8Array(await from.slice(offset, offset + size).arrayBuffer());
				if (out.over) break;
				if (!this.rpc().sendBinary(encodeFrame({ kind: dataFrame, flags: 0, stream, offset, payload }))) throw lostError();
				out.credit -= size;
				offset += size;
				moved?.(offset, from.size);
			}
			if (!out.over) this.rpc().notify("stream.end", { stream, ok: true });
			while (!out.over) await new Promise<void>((go) => (out.wake = go));
			if (out.over.error) throw out.over.error;
			return out.over.result;
		} catch (err) {
			// Also where the file could not be read. To the box it is no mistake if the
			// stream has ended there.
			this.rpc().notify("stream.end", { stream, error: { message: String(err) } });
			throw err;
		} finally {
			stop?.removeEventListener("abort", abort);
			this.outgoing.delete(stream);
		}
	}

	binary(data: ArrayBuffer): void {
		const f = decodeFrame(data);
		const s = f && this.incoming.get(f.stream);
		if (!f || !s || f.kind !== dataFrame) return;
		if (f.offset !== s.next) {
			this.refuse(f.stream, new CallError(Code.closed, `stream ${f.stream} went on at byte ${f.offset}, not ${s.next}`, { kind: "stream.offset" }));
			return;
		}
		s.next += f.payload.length;
		s.unacked += f.payload.length;
		try {
			s.take(f.payload);
		} catch (err) {
			this.refuse(f.stream, err);
			return;
		}
		if (s.unacked >= firstCredit / 2) {
			this.rpc().notify("stream.credit", { stream: f.stream, bytes: s.unacked });
			s.unacked = 0;
		}
	}

	notify(method: string, params: any): void {
		const out = this.outgoing.get(params?.stream);
		if (method === "stream.credit" && out) {
			out.credit += params.bytes;
			out.wake();
		} else if (method === "stream.end") {
			const bad = params?.error;
			const error = bad ? new CallError(bad.code ?? Code.closed, bad.message ?? String(bad), bad.data) : undefined;
			this.incoming.get(params?.stream)?.end(error);
			if (out) this.over(out, error ? { error } : { result: params.result });
		}
	}

	// lost ends all streams: they belong to one connection.
	lost(): void {
		for (const s of [...this.incoming.values()]) s.end(lostError());
		for (const o of this.outgoing.values()) this.over(o, { error: lostError() });
	}

	private over(out: Outgoing, how: NonNullable<Outgoing["over"]>): void {
		out.over ??= how;
		out.wake();
	}

	private refuse(stream: number, err: unknown): void {
		const s = this.incoming.get(stream);
		if (!s) return;
		this.rpc().notify("stream.end", { stream, error: { message: String(err) } });
		s.end(err);
	}
}

const lostError = () => new CallError(Code.closed, "the connection was lost during the transfer", { kind: "client.closed" });
