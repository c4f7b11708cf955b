// SPDX-License-Identifier: Apache-2.0
//
// Theme, density and language as a person changes them; boot.ts sets them at
// the start.
import { signal } from "@preact/signals";
import { texts } from "virtual:texts";
import { type Language, read, write } from "./choice";
import { addSentences, addTexts, lang, onWanted, setLanguage } from "./i18n";

export const theme = signal(read("theme") || "system");
export const density = signal(read("density") || "compact");

export function setTheme(to: "system" | "light" | "dark"): void {
	theme.value = to;
	write("theme", to);
	document.documentElement.dataset["theme"] = to;
}

export function setDensity(to: "compact" | "normal"): void {
	density.value = to;
	write("density", to);
	document.documentElement.dataset["density"] = to;
}

// Namespaces that pages have asked for: a change of language needs them too.
const wanted = new Set<string>();

// loadTexts makes the texts of a page known in the present language.
export async function loadTexts(names: readonly string[], language: Language = lang.peek()): Promise<void> {
	for (const n of names) wanted.add(n);
	const of = texts[language]!;
	const parts = await Promise.all([of.core(), ...[...wanted].filter((n) => n in of.pages).map((n) => of.pages[n]!())]);
	for (const p of parts) addTexts(language, p.default);
	// No page waits for these; a text that is there already is drawn anew.
	of.pages["said"]?.().then((m) => addSentences(language, m.default["said"]!), () => {});
}

// Files of sentences that were asked for; one that could not be fetched is asked for
// again when the next of its sentences is shown.
const asked = new Set<string>();
onWanted((file, language) => {
	const key = `${language}/${file}`;
	const load = texts[language]?.pages[file];
	if (!load || asked.has(key)) return;
	asked.add(key);
	load().then((m) => addSentences(language, m.default[file]!, file), () => asked.delete(key));
});

// switchLanguage changes the language without losing what is on the page.
export async function switchLanguage(to: Language): Promise<void> {
	await loadTexts([], to);
	setLanguage(to);
}
