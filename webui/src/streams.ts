// SPDX-License-Identifier: Apache-2.0
//
// Binary streams: a call returns a stream number, its bytes come and go as
// frames. The receiver gives credit; the sender stops at none left.
import type { Connection } from "./rpc";
import { CallError, Code, decodeFrame, encodeFrame } from "./wire";

const firstCredit = 256 * 1024;
const largestFrame = 32 * 1024;
const dataFrame = 1;

type Incoming = { next: number; unacked: number; take(b: Uint8Array): void; end(err: CallError | null): void };
type Outgoing = { credit: number; more: () => void };

export class Streams {
	private incoming = new Map<number, Incoming>();
	private outgoing = new Map<number, Outgoing>();
	private readonly rpc: () => Connection;

	constructor(rpc: () => Connection) {
		this.rpc = rpc;
	}

	// receive hands over the bytes of a stream in order and settles at its end.
	receive(stream: number, take: (b: Uint8Array) => void): Promise<void> {
		return new Promise((resolve, reject) => {
			const end = (err: CallError | null) => {
				this.incoming.delete(stream);
				if (err) reject(err);
				else resolve();
			};
			this.incoming.set(stream, { next: 0, unacked: 0, take, end });
		});
	}

	// send writes a file or other bytes to a stream that the box opened.
	async send(stream: number, from: Blob, progress?: (done: number, total: number) => void): Promise<void> {
		const out: Outgoing = { credit: firstCredit, more: () => {} };
		this.outgoing.set(stream, out);
		try {
			for (let offset = 0; offset < from.size; ) {
				while (out.credit === 0) await new Promise<void>((go) => (out.more = go));
				const size = Math.min(out.credit, largestFrame, from.size - offset);
				const payload = new Uint8Array(await from.slice(offset, offset + size).arrayBuffer());
				if (out.credit < 0 || !this.rpc().sendBinary(encodeFrame({ kind: dataFrame, flags: 0, stream, offset, payload }))) {
					throw new CallError(Code.closed, "the connection was lost during the upload", { kind: "client.closed" });
				}
				out.credit -= size;
				offset += size;
				progress?.(offset, from.size);
			}
			this.rpc().notify("stream.end", { stream, ok: true });
		} finally {
			this.outgoing.delete(stream);
		}
	}

	binary(data: ArrayBuffer): void {
		const f = decodeFrame(data);
		const s = f && this.incoming.get(f.stream);
		if (!f || !s || f.kind !== dataFrame) return;
		if (f.offset !== s.next) {
			s.end(new CallError(Code.closed, `stream ${f.stream} went on at byte ${f.offset}, not ${s.next}`, { kind: "stream.offset" }));
			return;
		}
		s.next += f.payload.length;
		s.unacked += f.payload.length;
		s.take(f.payload);
		if (s.unacked >= firstCredit / 2) {
			this.rpc().notify("stream.credit", { stream: f.stream, bytes: s.unacked });
			s.unacked = 0;
		}
	}

	notify(method: string, params: any): void {
		if (method === "stream.credit") {
			const out = this.outgoing.get(params?.stream);
			if (!out) return;
			out.credit += params.bytes;
			out.more();
		} else if (method === "stream.end") {
			const bad = params?.error;
			this.incoming.get(params?.stream)?.end(bad ? new CallError(bad.code ?? Code.closed, bad.message ?? String(bad), bad.data) : null);
		}
	}

	// lost ends all streams: they belong to one connection.
	lost(): void {
		const err = new CallError(Code.closed, "the connection was lost during the transfer", { kind: "client.closed" });
		for (const s of [...this.incoming.values()]) s.end(err);
		for (const o of this.outgoing.values()) {
			o.credit = -1;
			o.more();
		}
	}
}
