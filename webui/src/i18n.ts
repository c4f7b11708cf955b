// SPDX-License-Identifier: Apache-2.0
//
// Texts in the chosen language. A key is "<file>.<name>", such as
// "pools.title" for the text title in src/locales/<language>/pools.json. A text
// is a string, or an object of plural forms chosen by the argument n:
//
//	"drain": {"one": "Drain {n} server", "other": "Drain {n} servers"}
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { type Language, pickLanguage, read, write } from "./choice";

export type Text = string | { [form: string]: string };
export type Texts = { [key: string]: Text };
export type Args = Record<string, string | number>;

// lang is the language of the page. Reading it in a component, which t does,
// draws the component anew when it changes.
export const lang = signal<Language>("en");

const loaded: Record<string, Record<string, Texts>> = {};

// addTexts makes namespaces of one language known.
export function addTexts(language: string, namespaces: Record<string, Texts>): void {
	loaded[language] = { ...loaded[language], ...namespaces };
}

// startLanguage sets the language that boot.ts chose. It is followed by
// useLanguage whenever a person chooses another one.
export function startLanguage(): Language {
	lang.value = pickLanguage(read("lang"), typeof navigator === "undefined" ? [] : navigator.languages);
	return lang.value;
}

// setLanguage changes the language; its texts must have been added.
export function setLanguage(to: Language): void {
	write("lang", to);
	document.documentElement.lang = to;
	lang.value = to;
}

const plurals = new Map<string, Intl.PluralRules>();
const numbers = new Map<string, Intl.NumberFormat>();

function plural(language: string, n: number): string {
	let rules = plurals.get(language);
	if (!rules) plurals.set(language, (rules = new Intl.PluralRules(language)));
	return rules.select(n);
}

function number(language: string, n: number): string {
	let format = numbers.get(language);
	if (!format) numbers.set(language, (format = new Intl.NumberFormat(language, { maximumFractionDigits: 2 })));
	return format.format(n);
}

function find(key: string): Text | undefined {
	const dot = key.indexOf(".");
	return loaded[lang.value]?.[key.slice(0, dot)]?.[key.slice(dot + 1)];
}

// has says whether there is a text: for kinds that the box may have and this
// console does not know yet.
export function has(key: string): boolean {
	return find(key) !== undefined;
}

function template(key: string, args?: Record<string, unknown>): string {
	const text = find(key);
	if (text === undefined) return key; // a test finds these; a person sees which one is missing
	if (typeof text === "string") return text;
	const n = Number(args?.["n"] ?? 0);
	return text[plural(lang.value, n)] ?? text["other"] ?? key;
}

// t returns the text of key with {name} replaced by args.name; numbers are
// written as the language does.
export function t(key: string, args?: Args): string {
	const language = lang.value;
	return fill(template(key, args), (name) => {
		const v = args?.[name];
		return v === undefined ? `{${name}}` : typeof v === "number" ? number(language, v) : v;
	});
}

// fill puts values in place of {name}. The blank behind a number or a Latin word falls away
// between two Chinese characters.
const fill = (text: string, value: (name: string) => string) =>
	text.replace(/\{(\w+)\}( (?=\p{Script=Han}))?/gu, (_, name: string, blank = "") => {
		const v = value(name);
		return blank && !/\p{Script=Han}$/u.test(v) ? v + blank : v;
	});

// tx is t for arguments that are elements: tx("pools.more", {link: <a …>}).
export function tx(key: string, args: Record<string, ComponentChildren>): ComponentChildren[] {
	return template(key, args)
		.split(/(\{\w+\})/)
		.map((part) => {
			const name = /^\{(\w+)\}$/.exec(part)?.[1];
			if (!name || !(name in args)) return part;
			const v = args[name];
			return typeof v === "number" ? number(lang.value, v) : v;
		});
}

// Names, clauses, and what belongs behind a colon, joined as the language does.
export const comma = (list: readonly string[]) => list.join(t("common.comma"));
export const semicolon = (list: readonly string[]) => list.join(t("common.semicolon"));
export const colon = (...parts: (string | undefined)[]) => parts.filter(Boolean).join(t("common.colon"));

// A Said is what a sentence of the box says: its kind and its values, some of which
// are sentences themselves. The box sends it beside the English text.
export type Said = { kind: string; args?: Record<string, unknown>; text?: string };

// The box's sentences in languages other than its own, by file and kind:
// locales/*/said.json. They are many, and come after the page. What was done, to what, and
// mistakes in a configuration have files of their own, which come when the first of
// them is shown: few pages have any.
const sentences = signal<Record<string, Record<string, Texts>>>({});
const fileOf: Record<string, string> = { did: "did", was: "did", mistake: "mistakes" };
let want: (file: string, language: Language) => void = () => {};

// onWanted says who fetches a file of sentences and then calls addSentences.
export function onWanted(fetch: typeof want): void {
	want = fetch;
}

export function addSentences(language: string, table: Texts, file = "said"): void {
	const all = sentences.peek();
	sentences.value = { ...all, [language]: { ...all[language], [file]: table } };
}

function sentence(kind: string): Text | undefined {
	const file = fileOf[kind.slice(0, kind.indexOf("."))];
	const table = sentences.value[lang.value]?.[file ?? "said"];
	if (!table && file) want(file, lang.value);
	return table?.[kind];
}

const units: Record<string, string> = { h: "h", m: "min", s: "s" };

// inWords writes a time in Go's notation, such as 29m58s, in the units of the language;
// what is none stays.
export function inWords(text: string): string {
	if (!/^(\d+(\.\d+)?(h|m|s|ms|µs))+$/.test(text)) return text;
	const parts = [...text.matchAll(/([\d.]+)([a-zµ]+)/g)];
	const some = parts.filter(([, n]) => Number(n) > 0);
	return (some.length ? some : parts.slice(-1)).map(([, n, u]) => `${n} ${units[u!] ? t(`common.unit.${units[u!]}`) : u}`).join(" ");
}

// Values of these names are names themselves; a mistake shows what somebody has written.
const verbatim = /^(name|member|pool|cluster|server|group|node|peer|user|by|file|path)$/;

// saidText returns a sentence of the box in the language of the page; the box's own
// text where the console does not know what it says.
export function saidText(said: Said | undefined, text: string): string {
	const form = said && sentence(said.kind);
	if (typeof form !== "string") return text;
	const args = said!.args ?? {};
	let whole = true;
	const out = fill(said!.kind.startsWith("did.") ? given(form, args) : form, (name) => {
		const v = args[name];
		if (v === undefined) whole = false;
		if (typeof v === "object" && v) return saidText(v as Said, (v as Said).text ?? "");
		const word = String(v ?? "");
		return /^(mistake|param)\./.test(said!.kind) || verbatim.test(name) ? word : inWords(word);
	});
	return whole ? out : text;
}

// given leaves out those parts of what was done, in brackets, whose values were not given.
const given = (form: string, args: Record<string, unknown>) =>
	form.replace(/\[(.*?\{(\w+)\}.*?)\]/g, (_, part: string, name: string) => (args[name] === "" ? "" : part));

type Speaking = { said?: Record<string, Said> };

// say returns the text of a field that the box has worded, such as say(member, "why").
export function say<F extends string>(o: Speaking & { [K in F]?: string }, field: F): string {
	return saidText(o.said?.[field], o[field] ?? "");
}

// sayAll is say for a list of texts.
export function sayAll<F extends string>(o: Speaking & { [K in F]?: readonly string[] }, field: F): string[] {
	return (o[field] ?? []).map((text, i) => saidText(o.said?.[`${field}.${i}`], text));
}
