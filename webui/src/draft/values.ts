// SPDX-License-Identifier: Apache-2.0
//
// Values of attributes between forms and the configuration's text. What a form
// cannot show as its kind stays as it is written.
import { type api, has, t } from "../kit";
import { quote } from "../traffic/expression";

export type Kind = "text" | "lines" | "numbers" | "pairs" | "bool" | "number" | "raw";

// kindOf says by which field a keyword is changed.
export function kindOf(k: Pick<api.Keyword, "kind">): Kind {
	if (k.kind === "true or false") return "bool";
	if (k.kind === "whole number" || k.kind === "number") return "number";
	if (k.kind === "condition") return "raw";
	if (k.kind === "map of strings") return "pairs";
	if (k.kind === "list of whole numbers") return "numbers";
	return k.kind.startsWith("list") ? "lines" : "text";
}

// none is what the field of a list shows for one that is written and empty,
// which differs from one that is not written: console { listen = [] } switches
// the console off.
export const none = "[]";

const stringOf = /^"(?:[^"\\$%]|\\.|[$%](?!\{))*"$/;

// show turns the text of an attribute into what its field shows, or null if it
// is not a plain value of that kind: an escape that JSON does not know, a
// heredoc, a function. value is the checked one, which maps are shown by.
export function show(kind: Kind, hcl: string, value?: unknown): string | null {
	const s = hcl.trim();
	if (kind === "raw") return s;
	if (kind === "bool") return s === "true" || s === "false" ? s : null;
	if (kind === "number") return /^-?\d+(\.\d+)?$/.test(s) ? s : null;
	if (kind === "pairs") return value !== null && typeof value === "object" ? pairs(value).join("\n") : null;
	try {
		if (kind === "text") return stringOf.test(s) ? (JSON.parse(s) as string) : null;
		const list = JSON.parse(s.replace(/,\s*\]$/, "]")) as unknown;
		const entry = kind === "numbers" ? "number" : "string";
		if (!Array.isArray(list) || list.some((x) => typeof x !== entry) || /[$%]\{/.test(s)) return null;
		return list.length === 0 ? none : list.join("\n");
	} catch {
		return null;
	}
}

const pairs = (v: object) => Object.entries(v).map(([k, x]) => `${k} = ${String(x)}`);

// plain writes a checked value for people.
export function plain(v: unknown): string {
	if (v === undefined || v === null) return "";
	if (Array.isArray(v)) return v.join(", ");
	return typeof v === "object" ? pairs(v).join(", ") : String(v);
}

export const lines = (text: string) => (text.trim() === none ? [] : text.split(/\r?\n/).map((l) => l.trim()).filter(Boolean));

// read turns what a field shows into the value that the box takes; undefined if
// it cannot be one.
export function read(kind: Kind, shown: string): unknown {
	const parts = () => lines(shown.replaceAll(",", "\n"));
	switch (kind) {
		case "bool":
			return shown === "true";
		case "number":
			return /^-?\d+(\.\d+)?$/.test(shown.trim()) ? Number(shown) : undefined;
		case "numbers":
			return parts().every((p) => /^-?\d+$/.test(p)) ? parts().map(Number) : undefined;
		case "pairs": {
			const two = parts().map((p) => p.split("=").map((x) => x.trim()));
			return two.every((p) => p.length === 2 && p[0]) ? Object.fromEntries(two) : undefined;
		}
		case "lines":
			return lines(shown);
	}
	return shown;
}

// wrongValue says what would be right, "" if the text is.
export function wrongValue(k: api.Keyword, text: string): string {
	if (text.trim() === "") return k.required ? t("blocks.required") : "";
	const v = read(kindOf(k), text);
	const key = `blocks.wrong.${k.kind.replace(/ /g, "_")}`;
	if (v === undefined || (k.kind === "whole number" && !Number.isInteger(v))) return has(key) ? t(key) : t("blocks.wrong.number");
	if (typeof v === "number" && k.min !== undefined && k.max !== undefined && (v < Number(k.min) || v > Number(k.max))) return t("common.range", { min: k.min, max: k.max });
	return "";
}

// A Shown is a keyword with what is written for it and what its field shows.
export type Shown = { key: api.Keyword; kind: Kind; given: boolean; shown: string };

// shownOf reads what a block has written for a keyword.
export function shownOf(key: api.Keyword, attrs: Record<string, string>, values: unknown): Shown {
	const hcl = attrs[key.name];
	const kind = kindOf(key);
	if (hcl === undefined) return { key, kind, given: false, shown: "" };
	const shown = show(kind, hcl, (values as Record<string, unknown> | null)?.[key.name]);
	return shown === null ? { key, kind: "raw", given: true, shown: hcl } : { key, kind, given: true, shown };
}

export type Difference = { set: Record<string, unknown>; hcl: Record<string, string>; unset: string[] };

// difference returns what has to be set and unset so that the block holds what
// was typed.
export function difference(list: readonly Shown[], typed: Record<string, string>): Difference {
	const out: Difference = { set: {}, hcl: {}, unset: [] };
	for (const { key, kind, given, shown } of list) {
		const is = typed[key.name];
		if (is === undefined || is === shown) continue;
		if (is.trim() === "" && (kind !== "text" || is === "")) {
			if (given) out.unset.push(key.name);
		} else if (kind === "raw") out.hcl[key.name] = is.trim();
		else out.set[key.name] = read(kind, key.kind === "string" ? is : is.trim()) ?? is;
	}
	return out;
}

export const isDifferent = (d: Difference) => Object.keys(d.set).length + Object.keys(d.hcl).length + d.unset.length > 0;

// block writes a block of attributes for an insertion.
export function block(type: string, label: string, attrs: readonly (readonly [string, string])[], inner = ""): string {
	const written = attrs.filter(([, v]) => v !== "").map(([k, v]) => `  ${k} = ${v}\n`).join("");
	return `${type}${label && ` ${quote(label)}`} {\n${written}${inner}}\n`;
}

// renamed gives a copied block another label. The block's head is the first
// line that is no comment.
export function renamed(text: string, type: string, name: string): string {
	const all = text.split("\n");
	const head = all.findIndex((l) => l.trimStart().startsWith(`${type} `));
	if (head < 0) throw new Error(`the text holds no block ${type}`);
	all[head] = all[head]!.replace(/^(\s*\w+\s+)"(?:[^"\\]|\\.)*"/, (_, start: string) => `${start}${quote(name)}`);
	return all.join("\n");
}
