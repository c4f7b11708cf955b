// SPDX-License-Identifier: Apache-2.0
//
// Edits of the candidate by the forms of the system's pages: what a block has
// now, what its keywords mean, and how a change of them is kept.
import { type api, call, CallError, Code, go, mutate, t, toast, useCall } from "../kit";

// At says on which text an edit is made.
export type At = { base: number; version?: string };

export const at = (o: { base: number; version?: string | undefined }): At => (o.version ? { base: o.base, version: o.version } : { base: o.base });

// Written is a block as the candidate has it; attrs is empty where it has none.
export type Written = { exists: boolean; attrs: Record<string, string>; at: At };

// useBlock reads a block of the candidate, or of the running configuration
// where there is no candidate. A block that is not written is no error.
export function useBlock(path: string) {
	const top = useCall("config.object", { path: "" });
	const exists = top.data.value?.blocks.includes(path);
	const own = useCall("config.object", exists ? { path } : null);
	const ready = top.data.value && (!exists || own.data.value?.path === path);
	const written: Written | null = ready ? { exists: Boolean(exists), attrs: exists ? own.data.value!.attrs : {}, at: at(exists ? own.data.value! : top.data.value!) } : null;
	return {
		written,
		blocks: top.data.value?.blocks ?? [],
		error: top.error.value ?? (exists ? own.error.value : null),
		again: () => {
			top.again();
			own.again();
		},
	};
}

// named returns the labels of the top blocks of one type.
export function named(blocks: readonly string[], type: string): string[] {
	return blocks.filter((b) => b.startsWith(`${type}/`)).map((b) => b.slice(type.length + 1));
}

let language: Promise<api.Language> | null = null;

// keywords returns what may stand in a top block. The language changes only
// with the program, so it is asked for once.
export async function keywords(block: string): Promise<api.Keyword[]> {
	language ??= call("config.language", {});
	try {
		const l = await language;
		return l.blocks.find((b) => b.name === block && !b.in?.length)?.keywords ?? [];
	} catch (err) {
		language = null;
		throw err;
	}
}

// A value as a form holds it: texts, one line for each entry of a list.
export type Values = Record<string, string>;

const isList = (k: api.Keyword) => k.kind.startsWith("list of");

// literal reads what is written for a keyword; null where it is no plain value,
// which a form must leave alone.
export function literal(text: string | undefined): string | null {
	if (text === undefined) return "";
	try {
		const v: unknown = JSON.parse(text);
		if (Array.isArray(v)) return v.every((x) => typeof x === "string" || typeof x === "number") ? v.join("\n") : null;
		return typeof v === "object" ? null : String(v);
	} catch {
		return null;
	}
}

export const lines = (text: string) => text.split("\n").map((l) => l.trim()).filter(Boolean);

// value turns what a form holds into what the box takes.
export function value(k: api.Keyword, text: string): unknown {
	if (isList(k)) return k.kind === "list of whole numbers" ? lines(text).map(Number) : lines(text);
	if (k.kind === "true or false") return text === "true";
	if (k.kind === "whole number" || k.kind === "number") return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text.trim();
	return text.trim();
}

// difference returns what has to be set and unset to get from before to after.
export function difference(list: readonly api.Keyword[], before: Values, after: Values): { set: Record<string, unknown>; unset: string[] } {
	const set: Record<string, unknown> = {};
	const unset: string[] = [];
	for (const k of list) {
		const was = before[k.name] ?? "";
		const is = after[k.name] ?? "";
		if (was === is) continue;
		if (is.trim() === "") unset.push(k.name);
		else set[k.name] = value(k, is === none ? "" : is);
	}
	return { set, unset };
}

// none stands for a list that is written and empty, which differs from one that
// is not written: console { listen = [] } switches the console off.
export const none = "[]";

// edit changes the candidate and says that this waits for a commit.
export async function edit(where: At, edits: api.EditOp[]): Promise<api.Draft> {
	const d = await mutate("config.edit", { ...where, edits });
	toast(t("admin.saved"), { act: { text: t("admin.review"), run: () => go("/changes/review") } });
	return d;
}

// removeBlock takes a block out of the candidate.
export async function removeBlock(path: string): Promise<void> {
	await edit(at(await call("config.object", { path: "" })), [{ op: "remove", path }]);
}

// mistakes returns what keeps the candidate from being committed, and what of it
// is about the keywords of one block. The box names the block in front of its
// sentence: syslog "central": address must be ...
export function mistakes(d: Pick<api.Draft, "problems"> | null, path: string): { all: string[]; fields: Record<string, string> } {
	const all = (d?.problems ?? []).filter((p) => !p.warning).map((p) => p.message);
	const [type, label] = path.split("/");
	const start = label === undefined ? `${type}: ` : `${type} "${label}": `;
	const fields: Record<string, string> = {};
	for (const m of all) {
		const word = m.startsWith(start) ? /^\w+/.exec(m.slice(start.length))?.[0] : undefined;
		if (word) fields[word] ??= m.slice(start.length);
	}
	return { all, fields };
}

export const isOld = (err: unknown) => err instanceof CallError && err.code === Code.conflict;
