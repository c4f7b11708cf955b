// SPDX-License-Identifier: Apache-2.0
//
// A unified diff of two texts that the browser has.

const most = 4_000_000; // cells of the table; longer texts are shown whole

// unified returns all lines of both texts as one hunk, "" where they are equal.
export function unified(before: string, after: string): string {
	if (before === after) return "";
	const a = split(before);
	const b = split(after);
	const body = a.length * b.length > most ? [...a.map((l) => `-${l}`), ...b.map((l) => `+${l}`)] : common(a, b);
	return [`@@ -${a.length ? 1 : 0},${a.length} +${b.length ? 1 : 0},${b.length} @@`, ...body].join("\n");
}

const split = (text: string) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

// common keeps the longest common lines.
function common(a: readonly string[], b: readonly string[]): string[] {
	const w = b.length + 1;
	const length = new Uint32Array((a.length + 1) * w);
	for (let i = a.length - 1; i >= 0; i--) {
		for (let j = b.length - 1; j >= 0; j--) {
			length[i * w + j] = a[i] === b[j] ? length[(i + 1) * w + j + 1]! + 1 : Math.max(length[(i + 1) * w + j]!, length[i * w + j + 1]!);
		}
	}
	const out: string[] = [];
	let i = 0;
	let j = 0;
	while (i < a.length || j < b.length) {
		if (i < a.length && j < b.length && a[i] === b[j]) {
			out.push(` ${a[i++]}`);
			j++;
		} else if (i < a.length && (j >= b.length || length[(i + 1) * w + j]! >= length[i * w + j + 1]!)) out.push(`-${a[i++]}`);
		else out.push(`+${b[j++]}`);
	}
	return out;
}
