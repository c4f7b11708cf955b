// SPDX-License-Identifier: Apache-2.0
//
// How a person likes the console: kept on the box for the user, so that it is
// the same in every browser, and in the browser too, because the first paint
// must know it.
import { effect } from "@preact/signals";
import { density, setDensity, setTheme, switchLanguage, theme } from "./appearance";
import type { Language } from "./choice";
import { lang } from "./i18n";
import { setSingleKeys, singleKeys } from "./keys";
import { call, hello, mutate, where } from "./session";

type Look = { theme: string; density: string; lang: string; keys: string };

const allowed: { [K in keyof Look]: readonly string[] } = {
	theme: ["system", "light", "dark"], density: ["compact", "normal"], lang: ["en", "zh-Hans"], keys: ["on", "off"],
};

const present = (): Look => ({ theme: theme.value, density: density.value, lang: lang.value, keys: singleKeys.value ? "on" : "off" });

// known returns what the box has kept, as far as it is something we know.
export function known(settings: unknown): Partial<Look> {
	const out: Partial<Look> = {};
	if (settings === null || typeof settings !== "object") return out;
	for (const k of Object.keys(allowed) as (keyof Look)[]) {
		const v = (settings as Record<string, unknown>)[k];
		if (typeof v === "string" && allowed[k].includes(v)) out[k] = v;
	}
	return out;
}

async function apply(p: Partial<Look>): Promise<void> {
	if (p.theme && p.theme !== theme.peek()) setTheme(p.theme as "system" | "light" | "dark");
	if (p.density && p.density !== density.peek()) setDensity(p.density as "compact" | "normal");
	if (p.keys && (p.keys === "on") !== singleKeys.peek()) setSingleKeys(p.keys === "on");
	if (p.lang && p.lang !== lang.peek()) await switchLanguage(p.lang as Language);
}

// failed is what keeping them on the box has failed with, for whoever shows it.
let tell: (err: unknown) => void = () => {};

// followPreferences takes over what the box has kept for whoever logs in, and
// keeps there what that person changes. It returns a function that ends this.
export function followPreferences(report: (err: unknown) => void): () => void {
	tell = report;
	let user = ""; // whose settings have been read
	let all: Record<string, unknown> = {}; // also what other versions of the console keep
	let sent = "";
	let timer: ReturnType<typeof setTimeout> | undefined;

	const read = async (of: string) => {
		const before = JSON.stringify(present());
		const { settings } = await call("auth.settings_get", {});
		if (hello.peek()?.session?.user !== of) return;
		all = settings !== null && typeof settings === "object" ? { ...(settings as Record<string, unknown>) } : {};
		// Somebody who was quicker than the box has the last word.
		if (JSON.stringify(present()) === before) await apply(known(all));
		sent = JSON.stringify(known(all));
		user = of;
		keep();
	};
	const keep = () => {
		const look = present();
		const text = JSON.stringify(look);
		clearTimeout(timer);
		if (!user || text === sent) return;
		timer = setTimeout(() => {
			sent = text;
			all = { ...all, ...look };
			mutate("auth.settings_set", { settings: all }).catch((err: unknown) => {
				sent = "";
				tell(err);
			});
		}, 500);
	};
	const stopIn = effect(() => {
		const now = where.value === "in" ? (hello.value?.session?.user ?? "") : "";
		if (now === user) return;
		user = "";
		if (now) read(now).catch(tell);
	});
	const stopKeep = effect(() => {
		present();
		keep();
	});
	return () => {
		stopIn();
		stopKeep();
		clearTimeout(timer);
	};
}
