// SPDX-License-Identifier: Apache-2.0
//
// Files that the box makes, saved by the browser.
import { call } from "../kit";
import { download } from "../admin/parts";
import { fetchStream } from "../admin/transfer";

// saveBundle asks for a file that comes as a stream, and saves it.
export async function saveBundle<M extends "capture.download" | "support.bundle">(method: M, params: M extends "capture.download" ? { id: string } : Record<string, never>, moved?: (bytes: number) => void): Promise<void> {
	const r = (await call(method, params as never)) as { stream: number; name: string };
	download(r.name, await fetchStream(r.stream, moved), "application/octet-stream");
}
