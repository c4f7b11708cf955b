// SPDX-License-Identifier: Apache-2.0
//
// Takes one object of the candidate back to what runs, by edits of the tree:
// all else stays as it is, comments too.
import type { EditOp } from "./api";
import { top } from "./paths";

const typeOf = (path: string) => path.split("/")[0] ?? "";

// undoEdits returns the edits that make path what it is in the running
// configuration. text is its running text, undefined if it is not there; running
// and candidate are the paths of all blocks at the top, in their order.
export function undoEdits(path: string, text: string | undefined, running: readonly string[], candidate: readonly string[]): EditOp[] {
	const out: EditOp[] = [];
	if (candidate.includes(path)) out.push({ op: "remove", path });
	if (text === undefined) return out;
	const after = running.slice(running.indexOf(path) + 1);
	const before = after.find((p) => typeOf(p) === typeOf(path) && p !== path && candidate.includes(p));
	out.push({ op: "insert", text, ...(before ? { before } : {}) });
	return out;
}

// undoable says whether a group of changes can be taken back by itself.
export const undoable = (path: string) => top(path) === path && !path.includes("#");
