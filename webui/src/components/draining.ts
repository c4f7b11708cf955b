// SPDX-License-Identifier: Apache-2.0
//
// How fast drains empty members. What is left of each is noted while a page
// looks; the rate is that of the last minute.
import { useSignalEffect } from "@preact/signals";
import { type api, second, type Source } from "../kit";

export type Sample = { at: number; left: number }; // seconds of box time

const span = 60;
const notes = new Map<string, Sample[]>();

// left is what still has to go: what runs, and the sticky clients if they may
// come back.
export const left = (m: api.LiveMember) => m.active + (m.keep_sticky ? m.sticky : 0);

// isDraining says whether a member is being emptied.
export const isDraining = (m: api.LiveMember) => m.admin === "quiesced";

// note keeps what is left of a member now.
export function note(key: string, left: number, at: number): void {
	const list = notes.get(key) ?? [];
	if (list.at(-1)?.at === at) return;
	list.push({ at, left });
	while (list.length > 0 && list[0]!.at < at - span) list.shift();
	notes.set(key, list);
}

// slope returns how many a second go, by least squares; undefined while less
// than five seconds are known.
export function slope(list: readonly Sample[]): number | undefined {
	const first = list[0];
	const last = list.at(-1);
	if (!first || !last || last.at - first.at < 5) return undefined;
	const n = list.length;
	const t = list.reduce((a, s) => a + s.at, 0) / n;
	const y = list.reduce((a, s) => a + s.left, 0) / n;
	const up = list.reduce((a, s) => a + (s.at - t) * (s.left - y), 0);
	const down = list.reduce((a, s) => a + (s.at - t) ** 2, 0);
	return -up / down;
}

export type Pace = { perMinute?: number; eta?: number }; // eta in seconds; absent: not in sight

// pace tells how fast a member empties, as far as is known. A few requests that
// come and go are no pace: what went must be two at least and a fifth of it all.
export function pace(key: string, left: number): Pace {
	const list = notes.get(key) ?? [];
	const s = slope(list);
	if (s === undefined) return {};
	const gone = s * (list.at(-1)!.at - list[0]!.at);
	if (gone < Math.max(2, list[0]!.left / 5)) return { perMinute: 0 };
	const perMinute = Math.round(s * 600) / 10;
	if (left <= 0) return { perMinute };
	const eta = left / s;
	return eta < 86_400 ? { perMinute, eta } : { perMinute };
}

// useDrains notes what is left of the members of a source while the component
// is on the page.
export function useDrains(source: Source<api.LiveMember>): void {
	useSignalEffect(() => {
		const at = Math.floor(second.value / 1000);
		for (const key of source.keys.value) {
			const m = source.get(key)?.peek();
			if (m && isDraining(m)) note(key, left(m), at);
			else notes.delete(key);
		}
	});
}
