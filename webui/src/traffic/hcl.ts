// SPDX-License-Identifier: Apache-2.0
//
// Values of attributes between forms and the configuration's text. What a form
// cannot show as its kind stays as it is written.
import type { api } from "../kit";
import { quote } from "./expression";

export type Kind = "text" | "lines" | "bool" | "number" | "raw";

// kindOf says by which field a keyword is changed.
export function kindOf(k: Pick<api.Keyword, "kind">): Kind {
	if (k.kind === "true or false") return "bool";
	if (k.kind === "whole number" || k.kind === "number") return "number";
	if (k.kind === "condition" || k.kind.startsWith("map")) return "raw";
	if (k.kind === "list of whole numbers") return "raw";
	return k.kind.startsWith("list") ? "lines" : "text";
}

const stringOf = /^"(?:[^"\\$%]|\\.|[$%](?!\{))*"$/;

// show turns the text of an attribute into what its field shows, or null if it
// is not a plain value of that kind: an escape that JSON does not know, a
// heredoc, a function.
export function show(kind: Kind, hcl: string): string | null {
	const s = hcl.trim();
	if (kind === "raw") return s;
	if (kind === "bool") return s === "true" || s === "false" ? s : null;
	if (kind === "number") return /^-?\d+(\.\d+)?$/.test(s) ? s : null;
	try {
		if (kind === "text") return stringOf.test(s) ? (JSON.parse(s) as string) : null;
		const list = JSON.parse(s.replace(/,\s*\]$/, "]")) as unknown;
		return Array.isArray(list) && list.every((x) => typeof x === "string") && !/[$%]\{/.test(s) ? list.join("\n") : null;
	} catch {
		return null;
	}
}

// write turns what a field shows into the text of the attribute; "" removes it.
export function write(kind: Kind, shown: string): string {
	if (shown.trim() === "") return "";
	if (kind === "text") return quote(shown);
	if (kind === "lines") return `[${shown.split(/\r?\n/).map((l) => l.trim()).filter(Boolean).map(quote).join(", ")}]`;
	return shown.trim();
}

// block writes a block of attributes for an insertion.
export function block(type: string, label: string, attrs: readonly (readonly [string, string])[], inner = ""): string {
	const lines = attrs.filter(([, v]) => v !== "").map(([k, v]) => `  ${k} = ${v}\n`).join("");
	return `${type}${label && ` ${quote(label)}`} {\n${lines}${inner}}\n`;
}

// renamed gives a copied block another label. The block's head is the first
// line that is no comment.
export function renamed(text: string, type: string, name: string): string {
	const lines = text.split("\n");
	const at = lines.findIndex((l) => l.trimStart().startsWith(`${type} `));
	if (at < 0) throw new Error(`the text holds no block ${type}`);
	lines[at] = lines[at]!.replace(/^(\s*\w+\s+)"(?:[^"\\]|\\.)*"/, (_, head: string) => `${head}${quote(name)}`);
	return lines.join("\n");
}
