// SPDX-License-Identifier: Apache-2.0
//
// How fast drains empty members. What is left of each is noted while a page
// looks; the rate is that of the last minute.
import { useSignalEffect } from "@preact/signals";
import { type api, second, type Source } from "../kit";

export type Sample = { at: number; left: number }; // seconds of box time

const span = 60;
const notes = new Map<string, Sample[]>();

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

// pace tells how fast a member empties, as far as is known.
export function pace(key: string, left: number): Pace {
	const s = slope(notes.get(key) ?? []);
	if (s === undefined) return {};
	const perMinute = Math.round(s * 600) / 10;
	if (left <= 0) return { perMinute };
	const eta = left / s;
	return s > 0 && eta < 86_400 ? { perMinute, eta } : { perMinute };
}

// useDrains notes what is left of the members of a source while the component
// is on the page.
export function useDrains(source: Source<api.LiveMember>): void {
	useSignalEffect(() => {
		const at = Math.floor(second.value / 1000);
		for (const key of source.keys.value) {
			const m = source.get(key)?.peek();
			if (m && isDraining(m)) note(key, m.active, at);
			else notes.delete(key);
		}
	});
}
