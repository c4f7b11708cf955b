// SPDX-License-Identifier: Apache-2.0
//
// Files to and from the box as streams, which need the WebSocket.
import { CallError, connection, streams } from "../kit";

// Done is how far a transfer has come; total 0 is unknown.
export type Done = { done: number; total: number };

// overStream runs stream, or plain where only single requests get through.
export async function overStream<T>(stream: () => Promise<T>, plain: () => Promise<T>): Promise<T> {
	if (connection.link.peek() === "polling") return plain();
	try {
		return await stream();
	} catch (err) {
		// The way was given up for single requests while the call waited.
		if (err instanceof CallError && err.kind === "method.connection") return plain();
		throw err;
	}
}

// fetchStream returns the bytes of a stream that a call has just opened.
export async function fetchStream(stream: number, moved?: (bytes: number) => void): Promise<Blob> {
	const parts: BlobPart[] = [];
	let bytes = 0;
	await streams.receive(stream, (b) => {
		parts.push(b as Uint8Array<ArrayBuffer>);
		bytes += b.length;
		moved?.(bytes);
	});
	return new Blob(parts, { type: "application/octet-stream" });
}
