// SPDX-License-Identifier: Apache-2.0
//
// What an editor of configurations must know of a text without asking the box:
// its blocks for the outline, and the block and word where the caret is. The box
// alone says what is right.

// A Mark is a block of a text; end is the line of its closing brace.
export type Mark = { type: string; label: string; depth: number; line: number; end: number };

// outline returns the blocks of a text, also of one with mistakes.
export function outline(text: string): Mark[] {
	const out: Mark[] = [];
	const open: (Mark | null)[] = [];
	let line = 1;
	let head = ""; // what stands before a brace on its line
	for (let i = 0; i < text.length; i++) {
		const c = text[i]!;
		if (c === "\n") {
			line++;
			head = "";
		} else if (c === "#" || (c === "/" && text[i + 1] === "/")) {
			while (i + 1 < text.length && text[i + 1] !== "\n") i++;
		} else if (c === "/" && text[i + 1] === "*") {
			const end = text.indexOf("*/", i + 2);
			const stop = end < 0 ? text.length : end + 2;
			line += (text.slice(i, stop).match(/\n/g) ?? []).length;
			i = stop - 1;
		} else if (c === '"') {
			const from = i++;
			while (i < text.length && text[i] !== '"' && text[i] !== "\n") i += text[i] === "\\" ? 2 : 1;
			head += text.slice(from, i + 1);
			if (text[i] === "\n") i--;
		} else if (c === "{") {
			const m = /(?:^|[{}\s])([a-z_][\w-]*)((?:\s+"[^"]*")*)\s*$/.exec(head);
			const mark = m && !/=\s*$/.test(head) ? { type: m[1]!, label: [...m[2]!.matchAll(/"([^"]*)"/g)].map((x) => x[1]).join(" "), depth: open.length, line, end: line } : null;
			if (mark) out.push(mark);
			open.push(mark);
			head = "{";
		} else if (c === "}") {
			const mark = open.pop();
			if (mark) mark.end = line;
			head = "}";
		} else head += c;
	}
	for (const m of open) if (m) m.end = line;
	return out;
}

// enclosing returns the types of the blocks around a line, the outermost first.
export function enclosing(marks: readonly Mark[], line: number): Mark[] {
	return marks.filter((m) => m.line <= line && line <= m.end).sort((a, b) => a.depth - b.depth);
}

// caret returns line, column (in characters, from 1) and word at an offset.
export function caret(text: string, at: number): { line: number; col: number; word: string } {
	const before = text.slice(0, at);
	const start = before.lastIndexOf("\n") + 1;
	const left = /[\w-]*$/.exec(before)?.[0] ?? "";
	const right = /^[\w-]*/.exec(text.slice(at))?.[0] ?? "";
	return { line: before.split("\n").length, col: [...text.slice(start, at)].length + 1, word: left + right };
}

// offset returns where a line and column (in bytes of UTF-8, as the box counts)
// are in a text.
export function offset(text: string, line: number, col: number): number {
	const lines = text.split("\n");
	const n = Math.min(Math.max(1, line), lines.length);
	const start = lines.slice(0, n - 1).reduce((sum, l) => sum + l.length + 1, 0);
	let left = col - 1;
	let units = 0;
	for (const c of lines[n - 1] ?? "") {
		const code = c.codePointAt(0)!;
		left -= code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
		if (left < 0) break;
		units += c.length;
	}
	return start + units;
}
