// SPDX-License-Identifier: Apache-2.0
//
// What a person chose for this browser: theme, density, language. Kept in
// local storage, because it must be known before the first paint.

export const languages = ["en", "zh-Hans"] as const;
export type Language = (typeof languages)[number];

export type Choice = "theme" | "density" | "lang" | "keys" | "nav";

// read returns what was chosen, "" for nothing or where storage is forbidden.
export function read(name: Choice): string {
	try {
		return localStorage.getItem(`evener.${name}`) ?? "";
	} catch {
		return "";
	}
}

// write keeps a choice; without storage it lasts as long as the page.
export function write(name: Choice, value: string): void {
	try {
		localStorage.setItem(`evener.${name}`, value);
	} catch {
		// Private windows may refuse; the choice still holds on this page.
	}
}

// pickLanguage returns the chosen language, else the first of the browser's
// that there is, else English.
export function pickLanguage(chosen: string, wanted: readonly string[]): Language {
	for (const w of [chosen, ...wanted]) {
		const lower = w.toLowerCase();
		if (lower === "zh" || lower.startsWith("zh-")) return "zh-Hans";
		if (lower === "en" || lower.startsWith("en-")) return "en";
	}
	return "en";
}
