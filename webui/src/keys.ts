// SPDX-License-Identifier: Apache-2.0
//
// Keys that act on the whole page. Those of one letter can be switched off
// (WCAG 2.1.4), never act while somebody types, and never while an input
// method composes a character.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { read, write } from "./choice";

// A Shortcut is one key, "Mod+K" (Ctrl or Command) or two in a row, "g o".
export type Shortcut = { keys: string; text: string; run: (e: KeyboardEvent) => void };

const all = signal<readonly Shortcut[]>([]);
export const shortcuts = all as { readonly value: readonly Shortcut[] };

// singleKeys says whether keys of one letter work.
export const singleKeys = signal(read("keys") !== "off");

export function setSingleKeys(on: boolean): void {
	singleKeys.value = on;
	write("keys", on ? "" : "off");
}

// useKeys has shortcuts for as long as the component is on the page. The last
// one to come wins where two have the same keys.
export function useKeys(list: readonly Shortcut[], deps: readonly unknown[] = []): void {
	useEffect(() => {
		all.value = [...all.peek(), ...list];
		return () => {
			all.value = all.peek().filter((s) => !list.includes(s));
		};
	}, [...deps]);
}

const typing = (e: KeyboardEvent) => {
	const el = e.target as HTMLElement | null;
	return Boolean(el?.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]"));
};

let prefix = "";
let prefixUntil = 0;

// press handles a key and returns whether it was one of ours.
export function press(e: KeyboardEvent): boolean {
	if (e.isComposing || e.defaultPrevented || e.altKey) return false;
	const mod = e.ctrlKey || e.metaKey;
	const key = e.key.length === 1 ? (mod ? e.key.toUpperCase() : e.key) : e.key;
	if (!mod && (typing(e) || !singleKeys.peek() || document.querySelector("dialog[open], .menu"))) return false;
	const name = mod ? `Mod+${key}` : key;
	const now = Date.now();
	const both = prefix && now < prefixUntil ? `${prefix} ${name}` : "";
	prefix = "";
	const found = all.peek().findLast((s) => s.keys === both) ?? all.peek().findLast((s) => s.keys === name);
	if (found) {
		e.preventDefault();
		found.run(e);
		return true;
	}
	if (all.peek().some((s) => s.keys.startsWith(`${name} `))) {
		prefix = name;
		prefixUntil = now + 1500;
	}
	return false;
}
