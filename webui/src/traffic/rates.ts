// SPDX-License-Identifier: Apache-2.0
//
// Rates of counters that the box gives only as totals: what a counter grew by
// in the last seconds, by the box's time.
import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { boxNow, type Source } from "../kit";

export type Sample = { at: number; n: number };

// rate returns the mean growth a second over the samples, undefined while there
// are too few. A counter that shrinks has begun anew.
export function rate(list: readonly Sample[]): number | undefined {
	const last = list.at(-1);
	const first = list[list.findLastIndex((s, i) => i > 0 && s.n < list[i - 1]!.n)] ?? list[0];
	if (!first || !last || last.at - first.at < 900) return undefined;
	return ((last.n - first.n) * 1000) / (last.at - first.at);
}

// useRates samples a counter of all objects every second and keeps span seconds.
export function useRates<T>(source: Source<T>, count: (v: T) => number, span = 10): ReadonlySignal<ReadonlyMap<string, number | undefined>> {
	const out = useSignal<ReadonlyMap<string, number | undefined>>(new Map());
	useEffect(() => {
		const samples = new Map<string, Sample[]>();
		const look = () => {
			const at = boxNow();
			const next = new Map<string, number | undefined>();
			for (const key of source.keys.peek()) {
				const v = source.get(key)?.peek();
				if (v === undefined) continue;
				const list = [...(samples.get(key) ?? []), { at, n: count(v) }].filter((s) => s.at >= at - span * 1000);
				samples.set(key, list);
				next.set(key, rate(list));
			}
			out.value = next;
		};
		look();
		const timer = setInterval(look, 1000);
		return () => clearInterval(timer);
	}, [source]);
	return out;
}
