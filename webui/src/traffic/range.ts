// SPDX-License-Identifier: Apache-2.0
//
// Histories for charts: five minutes come live, what is longer from the box's
// rings, asked for again as they grow.
import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, call, type CallError, format, type Ticks, useCall, useSeries } from "../kit";
import { eventText, markText } from "../components/happened";

export const ranges = ["5m", "1h", "24h", "14d"] as const;
export type Range = (typeof ranges)[number];
const last: Record<Range, string> = { "5m": "5m", "1h": "1h", "24h": "24h", "14d": "336h" };
const step: Record<Range, number> = { "5m": 1, "1h": 10, "24h": 120, "14d": 1800 };

// ticksOf makes ticks of a history; ids are object:metric, as live series have.
export function ticksOf(object: string, h: api.HistoryTable): Ticks {
	const size = format.parseDuration(h.step);
	const from = Date.parse(h.from) / 1000;
	const n = h.columns[0]?.length ?? 0;
	return { t: Array.from({ length: n }, (_, i) => from + i * size), cols: Object.fromEntries(h.metrics.map((m, i) => [`${object}:${m}`, h.columns[i] ?? []])) };
}

// useRange returns the series of one object over a range.
export function useRange(object: string, metrics: readonly string[], range: Range, paused: Signal<boolean>): { data: ReadonlySignal<Ticks>; error: ReadonlySignal<CallError | null> } {
	const live = useSeries(range === "5m" ? metrics.map((m) => `${object}:${m}`) : [], 300, paused);
	const past = useSignal<Ticks>({ t: [], cols: {} });
	const failed = useSignal<CallError | null>(null);
	const isLive = useSignal(range === "5m");
	isLive.value = range === "5m";
	useEffect(() => {
		if (range === "5m") return;
		const stop = new AbortController();
		const look = () => {
			if (paused.peek() || document.hidden) return;
			call("metrics.history", { object, metrics: [...metrics], last: last[range], step: `${step[range]}s` }, { signal: stop.signal }).then(
				(h) => {
					past.value = ticksOf(object, h);
					failed.value = null;
				},
				(err: CallError) => {
					if (!stop.signal.aborted) failed.value = err;
				},
			);
		};
		past.value = { t: [], cols: {} };
		look();
		const timer = setInterval(look, step[range] * 1000);
		return () => {
			stop.abort();
			clearInterval(timer);
		};
	}, [object, metrics.join(), range]);
	return { data: useComputed(() => (isLive.value ? live.data.value : past.value)), error: useComputed(() => (isLive.value ? live.error.value : failed.value)) };
}

export type Mark = { at: number; text: string };

// useMarks returns what happened meanwhile: commits, and changes of the pools.
export function useMarks(objects: readonly string[]): readonly Mark[] {
	const history = useCall("config.history", {});
	const events = useCall("event.list", objects.length > 0 ? { objects: [...objects], severity: "warning", limit: 50 } : null);
	return [
		...(history.data.value?.revisions ?? []).slice(0, 50).map((r) => ({ at: Date.parse(r.time) / 1000, text: markText(r.number) })),
		...(events.data.value?.events ?? []).map((e) => ({ at: Date.parse(e.time) / 1000, text: eventText(e) })),
	].sort((a, b) => a.at - b.at);
}
