// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const src = join(import.meta.webui, "src");
type Text = string | Record<string, string>;

function read(lang: string): Map<string, Text> {
	const all = new Map<string, Text>();
	for (const f of readdirSync(join(src, "locales", lang))) {
		const file = JSON.parse(readFileSync(join(src, "locales", lang, f), "utf8")) as Record<string, Text>;
		for (const [k, v] of Object.entries(file)) all.set(`${f.replace(/\.json$/, "")}.${k}`, v);
	}
	return all;
}

const en = read("en");
const zh = read("zh-Hans");
const forms = (t: Text) => (typeof t === "string" ? [t] : Object.values(t));
const args = (t: Text) => [...new Set(forms(t).flatMap((f) => f.match(/\{\w+\}/g) ?? []))].sort();

function sources(dir: string): string[] {
	return readdirSync(dir).flatMap((f) => (/\.tsx?$/.test(f) ? [join(dir, f)] : f === "locales" || f === "styles" || f.includes(".") ? [] : sources(join(dir, f))));
}
const code = sources(src).filter((f) => !f.includes("dev-") && !/api\.gen\.ts$/.test(f)).map((f) => readFileSync(f, "utf8").replace(/^\s*\/\/.*$/gm, "")).join("\n");

test("both languages have the same texts", () => {
	assert.deepEqual([...en.keys()].filter((k) => !zh.has(k)), [], "texts that Chinese lacks");
	// The help of keywords and blocks, events, kinds of errors and sentences of the box are its own in English.
	const own = /^(blocks\.(help|without)\.|reference\.|said\.|did\.|mistakes\.|overview\.event\.|audit\.kind\.)/;
	assert.deepEqual([...zh.keys()].filter((k) => !en.has(k) && !own.test(k)), [], "texts that English lacks");
});

test("a text has the same arguments in both languages", () => {
	for (const [key, text] of en) {
		const n = typeof text === "string" ? [] : ["{n}"]; // a form may leave its number out
		const without = (t: Text | undefined) => args(t ?? "").filter((a) => !n.includes(a));
		assert.deepEqual(without(zh.get(key)), without(text), key);
	}
});

test("a text has the plural forms of its language", () => {
	for (const [lang, texts] of [["en", en], ["zh-Hans", zh]] as const) {
		const want = new Intl.PluralRules(lang).resolvedOptions().pluralCategories.slice().sort();
		for (const [key, text] of texts) if (typeof text !== "string") assert.deepEqual(Object.keys(text).sort(), want, `${lang} ${key}`);
	}
});

test("no text is empty, and none of the Chinese ones is English", () => {
	for (const [key, text] of [...en, ...zh]) for (const f of forms(text)) assert.ok(f.trim() !== "", key);
	const words = (t: Text | undefined) => forms(t ?? "").join(" ").replace(/\{\w+\}/g, "").replace(/[^A-Za-z ]/g, "").trim().split(/\s+/).filter((w) => w.length > 2);
	for (const [key, text] of zh) {
		const same = JSON.stringify(text) === JSON.stringify(en.get(key));
		assert.ok(!same || words(text).length < 3, `${key} is not translated: ${JSON.stringify(text)}`);
	}
});

// Keys in calls of t, tx and has, and any other literal of the form file.name.
const literals = new Set([...code.matchAll(/["'`]([a-z][\w-]*\.[\w.-]+)["'`]/g)].map((m) => m[1]!));
const called = new Set([...code.matchAll(/\b(?:t|tx)\(\s*(?:[\w.!? ]+\?\s*)?["'`]([a-z][\w-]*\.[\w.-]+)["'`]/g)].map((m) => m[1]!));
// Parts of keys that code completes: t(`common.state.${word}`). Only kinds of
// errors may be completed from nothing.
const files = new Set([...en.keys()].map((k) => k.split(".")[0]!));
const prefixes = [...code.matchAll(/`([a-z][\w-]*\.[\w.-]*)\$\{/g)].map((m) => m[1]!).filter((p) => files.has(p.split(".")[0]!));

test("every text that code asks for is there", () => {
	assert.ok(called.size > 50, "the search for keys finds some");
	assert.deepEqual([...called].filter((k) => !en.has(k)), []);
});

test("no key is put together from nothing but its file", () => {
	assert.deepEqual(prefixes.filter((p) => p.split(".")[1] === "" && p !== "errors."), []);
});

test("every text is used", () => {
	const used = (k: string) => literals.has(k) || prefixes.some((p) => k.startsWith(p));
	assert.deepEqual([...en.keys()].filter((k) => !used(k)), []);
});

test("texts are sorted by key", () => {
	for (const lang of ["en", "zh-Hans"]) {
		for (const f of readdirSync(join(src, "locales", lang))) {
			const keys = Object.keys(JSON.parse(readFileSync(join(src, "locales", lang, f), "utf8")) as object);
			assert.deepEqual(keys, [...keys].sort((a, b) => (a < b ? -1 : 1)), `${lang}/${f}`);
		}
	}
});
