// SPDX-License-Identifier: Apache-2.0
//
// The address bar: which page, and with which filters. Addresses can be kept
// as bookmarks; the query holds filters, selection and range.
import { batch, computed, signal } from "@preact/signals";

export type Place = { path: string; query: Record<string, string> };

function here(): Place {
	return { path: location.pathname, query: Object.fromEntries(new URLSearchParams(location.search)) };
}

// place is where the page is now.
export const place = signal<Place>({ path: "/", query: {} });

// A guard may keep a person from leaving what is not saved; it returns a
// question, or "" if nothing would be lost.
type Guard = () => string;
const guards = new Set<Guard>();

// holdUnsaved asks before the page is left while text returns a question. It
// returns a function that ends this.
export function holdUnsaved(guard: Guard): () => void {
	guards.add(guard);
	return () => guards.delete(guard);
}

function mayLeave(): boolean {
	for (const g of guards) {
		const question = g();
		if (question && !confirm(question)) return false;
	}
	return true;
}

// href writes an address; query members that are "" or undefined are left out.
export function href(path: string, query: Record<string, string | number | undefined> = {}): string {
	const q = new URLSearchParams();
	for (const [k, v] of Object.entries(query)) if (v !== undefined && v !== "") q.set(k, String(v));
	const text = q.toString();
	return text ? `${path}?${text}` : path;
}

// go opens an address of the console.
export function go(to: string, options: { replace?: boolean } = {}): void {
	const url = new URL(to, location.href);
	const other = url.pathname !== location.pathname;
	if (other && !mayLeave()) return;
	if (options.replace) history.replaceState(null, "", url);
	else history.pushState(null, "", url);
	place.value = here();
	if (other) scrollTo(0, 0);
}

// setQuery changes members of the query and leaves the others. It replaces the
// entry of the history: going back leaves the page.
export function setQuery(change: Record<string, string | number | undefined>): void {
	const q: Record<string, string | number | undefined> = { ...place.peek().query, ...change };
	history.replaceState(null, "", href(place.peek().path, q));
	place.value = here();
}

// query returns a signal of one member, "" where it is missing.
export function query(name: string) {
	return computed(() => place.value.query[name] ?? "");
}

// match compares a path with a pattern such as /pools/:pool and returns the
// named parts, or null.
export function match(pattern: string, path: string): Record<string, string> | null {
	const want = pattern.split("/").filter(Boolean);
	const have = path.split("/").filter(Boolean);
	if (want.length !== have.length) return null;
	const params: Record<string, string> = {};
	for (const [i, w] of want.entries()) {
		if (!w.startsWith(":")) {
			if (w !== have[i]) return null;
			continue;
		}
		try {
			params[w.slice(1)] = decodeURIComponent(have[i]!);
		} catch {
			return null; // a broken escape names nothing
		}
	}
	return params;
}

// startRouter follows the address bar and takes over clicks on links of the
// console. It returns a function that ends this.
export function startRouter(): () => void {
	place.value = here();
	let last = location.pathname + location.search;
	const pop = () => {
		if (location.pathname !== place.peek().path && !mayLeave()) {
			history.pushState(null, "", last);
			return;
		}
		batch(() => (place.value = here()));
	};
	const click = (e: MouseEvent) => {
		if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
		const a = (e.target as Element | null)?.closest?.("a");
		if (!a || !a.href || a.target || a.hasAttribute("download") || a.origin !== location.origin) return;
		if (a.pathname.startsWith("/api/") || a.pathname.startsWith("/assets/") || a.pathname === "/licences.txt") return;
		if (a.hash && a.pathname === location.pathname) return;
		e.preventDefault();
		go(a.href);
	};
	const unload = (e: BeforeUnloadEvent) => {
		for (const g of guards) if (g()) e.preventDefault();
	};
	const stop = place.subscribe(() => (last = location.pathname + location.search));
	addEventListener("popstate", pop);
	addEventListener("beforeunload", unload);
	document.addEventListener("click", click);
	return () => {
		stop();
		removeEventListener("popstate", pop);
		removeEventListener("beforeunload", unload);
		document.removeEventListener("click", click);
	};
}
