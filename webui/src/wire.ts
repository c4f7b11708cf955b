// SPDX-License-Identifier: Apache-2.0
//
// The words of the protocol: JSON-RPC 2.0 with named parameters, and the
// header of binary frames.

import type { Said } from "./i18n";

// A Problem is one mistake in a text or in parameters.
export type Problem = { file?: string; line?: number; col?: number; path?: string; message: string; warning?: boolean; said?: Record<string, Said> };

export type ErrorData = {
	kind?: string;
	path?: string;
	hint?: string;
	args?: Record<string, unknown>;
	problems?: Problem[];
	said?: Record<string, Said>;
};

// The codes that the console treats in a special way; firmware/api/error.go
// has all.
export const Code = {
	method: -32601,
	unauthorized: -32001,
	forbidden: -32002,
	throttled: -32003,
	conflict: -32010,
	confirmPending: -32011,
	guard: -32020,
	validation: -32021,
	notFound: -32030,
	cancelled: -32050,
	timeout: -32051,
	// These two are the console's own: the box never sends them.
	unreachable: -1,
	closed: -2,
} as const;

// A CallError is what went wrong with a call.
export class CallError extends Error {
	readonly code: number;
	readonly data: ErrorData;
	// Number of the request, which the box's log has too.
	readonly request: string;

	constructor(code: number, message: string, data: ErrorData = {}, request = "") {
		super(message);
		this.name = "CallError";
		this.code = code;
		this.data = data;
		this.request = request;
	}

	get kind(): string {
		return this.data.kind ?? "";
	}
}

export type Envelope = {
	jsonrpc: "2.0";
	id?: number | null;
	method?: string;
	params?: any;
	result?: unknown;
	error?: { code: number; message: string; data?: ErrorData };
	meta?: { key?: string; lang?: string; auto?: boolean };
};

// A Frame is one binary message of a stream: 16 bytes of header, big endian,
// then the bytes that begin at offset.
//
//	u8 kind | u8 flags | u16 0 | u32 stream | u64 offset
export type Frame = { kind: number; flags: number; stream: number; offset: number; payload: Uint8Array };

const headerSize = 16;

// encodeFrame returns the bytes of f.
export function encodeFrame(f: Frame): Uint8Array<ArrayBuffer> {
	const b = new Uint8Array(headerSize + f.payload.length);
	const v = new DataView(b.buffer);
	v.setUint8(0, f.kind);
	v.setUint8(1, f.flags);
	v.setUint32(4, f.stream);
	v.setBigUint64(8, BigInt(f.offset));
	b.set(f.payload, headerSize);
	return b;
}

// decodeFrame reads a binary message; null if it is none.
export function decodeFrame(data: ArrayBuffer): Frame | null {
	if (data.byteLength < headerSize) return null;
	const v = new DataView(data);
	const offset = v.getBigUint64(8);
	if (v.getUint16(2) !== 0 || offset > BigInt(Number.MAX_SAFE_INTEGER)) return null;
	return {
		kind: v.getUint8(0),
		flags: v.getUint8(1),
		stream: v.getUint32(4),
		offset: Number(offset),
		payload: new Uint8Array(data, headerSize),
	};
}
