// SPDX-License-Identifier: Apache-2.0
//
// What pages see of subscriptions: signals. A state topic is a Source, whose
// objects each have a signal of their own, so that one changed object redraws
// only its own cells. Sources are shared by all that ask for the same topic.
import { batch, computed, type ReadonlySignal, type Signal, signal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Topics } from "./api";
import { boxNow } from "./clock";
import { connection, subs } from "./session";
import type { Sub } from "./subs";
import type { CallError } from "./wire";

// A Source is a live list of objects.
export type Source<T> = {
	readonly keys: ReadonlySignal<readonly string[]>;
	get(key: string): ReadonlySignal<T> | undefined;
	readonly loaded: ReadonlySignal<boolean>; // something has come
	readonly error: ReadonlySignal<CallError | null>;
	readonly updated: ReadonlySignal<number>; // box time of the last news, milliseconds
	readonly total?: ReadonlySignal<number>; // where the box holds more than it sent
};

// merge applies an RFC 7396 merge patch and returns the new value; what has
// not changed keeps its identity.
export function merge(target: unknown, patch: unknown): unknown {
	if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
	const old = target !== null && typeof target === "object" && !Array.isArray(target) ? (target as Record<string, unknown>) : {};
	const out: Record<string, unknown> = { ...old };
	for (const [k, v] of Object.entries(patch)) {
		if (v === null) delete out[k];
		else out[k] = merge(old[k], v);
	}
	return out;
}

// A Store holds the objects of a state topic.
export class Store<T> implements Source<T> {
	readonly keys = signal<readonly string[]>([]);
	readonly loaded = signal(false);
	readonly error = signal<CallError | null>(null);
	readonly updated = signal(0);
	private objects = new Map<string, Signal<T>>();

	// get returns the signal of an object. Who asks for one that is not there is told when
	// it comes.
	get(key: string): Signal<T> | undefined {
		const found = this.objects.get(key);
		if (!found) void this.keys.value;
		return found;
	}

	// reset takes a whole state.
	reset(objects: Record<string, T>): void {
		batch(() => {
			for (const key of this.objects.keys()) if (!(key in objects)) this.objects.delete(key);
			for (const [key, v] of Object.entries(objects)) this.set(key, v);
			this.news();
		});
	}

	// patch takes merge patches by key; null removes.
	patch(patches: Record<string, unknown>): void {
		batch(() => {
			for (const [key, p] of Object.entries(patches)) {
				if (p === null) this.objects.delete(key);
				else this.set(key, merge(this.objects.get(key)?.peek(), p) as T);
			}
			this.news();
		});
	}

	private set(key: string, v: T): void {
		const s = this.objects.get(key);
		if (s) s.value = v;
		else this.objects.set(key, signal(v));
	}

	private news(): void {
		const now = [...this.objects.keys()];
		const old = this.keys.peek();
		if (now.length !== old.length || now.some((k, i) => k !== old[i])) this.keys.value = now;
		this.loaded.value = true;
		this.error.value = null;
		this.updated.value = boxNow();
	}
}

type Shared = { store: Store<any>; sub: Sub; users: number; closing: ReturnType<typeof setTimeout> | undefined };
const shared = new Map<string, Shared>();

// A topic that nobody uses any more stays open for a while: going from one
// page to the next should not fetch it anew.
const keepOpen = 5000;

// acquire returns the shared source of a topic and the function that gives it
// back. Components use useTopic.
export function acquire<K extends keyof Topics>(topic: K, params: object = {}): { source: Source<Topics[K]["data"]>; release: () => void } {
	const name = `${topic} ${JSON.stringify(params)}`;
	let s = shared.get(name);
	if (!s) {
		const store = new Store<Topics[K]["data"]>();
		const sub = subs.open(topic, params, {
			snapshot: (d: { objects?: Record<string, Topics[K]["data"]> } | undefined) => store.reset(d?.objects ?? {}),
			event: (d: Record<string, unknown>) => store.patch(d),
			failed: (err) => (store.error.value = err),
		});
		s = { store, sub, users: 0, closing: undefined };
		shared.set(name, s);
	}
	const mine = s;
	mine.users++;
	clearTimeout(mine.closing);
	const release = () => {
		if (--mine.users > 0) return;
		mine.closing = setTimeout(() => {
			mine.sub.close();
			shared.delete(name);
		}, keepOpen);
	};
	return { source: mine.store, release };
}

// forget closes all topics: the session is over.
export function forget(): void {
	for (const s of shared.values()) {
		clearTimeout(s.closing);
		s.sub.close();
	}
	shared.clear();
}

// useTopic returns the live objects of a state topic for as long as the
// component is on the page.
export function useTopic<K extends keyof Topics>(topic: K, params: object = {}): Source<Topics[K]["data"]> {
	const name = JSON.stringify(params);
	const held = useMemo(() => acquire(topic, params), [topic, name]);
	useEffect(() => held.release, [held]);
	return held.source;
}

// useList makes a Source of a plain array, for tables of what is not live.
export function useList<T>(list: readonly T[] | undefined, key: (item: T) => string, error: CallError | null = null): Source<T> {
	const store = useMemo(() => new Store<T>(), []);
	useEffect(() => {
		if (list) store.reset(Object.fromEntries(list.map((i) => [key(i), i])));
		store.error.value = error;
	}, [list, error]);
	return store;
}

// Ticks is the history of some series: one x (box time in seconds) and one
// column for each id. A null is a gap.
export type Ticks = { t: number[]; cols: Record<string, (number | null)[]> };

type SeriesEvent = { t: number | string; cols: Record<string, (number | null)[] | number | null> };

const seconds = (t: number | string) => (typeof t === "number" ? t : Date.parse(t) / 1000);

// addTicks appends news to a history of at most span seconds. A pause of more
// than two steps becomes a gap.
export function addTicks(old: Ticks, news: Ticks, ids: readonly string[], span: number, step = 1): Ticks {
	const t = [...old.t];
	const cols: Ticks["cols"] = Object.fromEntries(ids.map((id) => [id, [...(old.cols[id] ?? old.t.map(() => null))]]));
	for (const [i, at] of news.t.entries()) {
		const last = t.at(-1);
		if (last !== undefined && at <= last) continue; // sent twice
		if (last !== undefined && at - last > 2.5 * step) {
			t.push(last + step);
			for (const id of ids) cols[id]!.push(null);
		}
		t.push(at);
		for (const id of ids) cols[id]!.push(news.cols[id]?.[i] ?? null);
	}
	const end = t.at(-1) ?? 0;
	const from = t.findIndex((x) => x > end - span);
	return from <= 0 ? { t, cols } : { t: t.slice(from), cols: Object.fromEntries(ids.map((id) => [id, cols[id]!.slice(from)])) };
}

function ticks(e: SeriesEvent | { t: number[]; cols: Ticks["cols"] } | undefined): Ticks {
	if (!e) return { t: [], cols: {} };
	const t = Array.isArray(e.t) ? e.t.map(seconds) : [seconds(e.t)];
	return { t, cols: Object.fromEntries(Object.entries(e.cols).map(([id, v]) => [id, Array.isArray(v) ? v : [v]])) };
}

// useSeries returns the last span seconds of series, kept up by the box's
// ticks. While paused is true what is shown stays; nothing is lost.
export function useSeries(ids: readonly string[], span = 300, paused?: ReadonlySignal<boolean>): { data: ReadonlySignal<Ticks>; error: ReadonlySignal<CallError | null> } {
	const shown = useSignal<Ticks>({ t: [], cols: {} });
	const error = useSignal<CallError | null>(null);
	const name = ids.join(" ");
	useEffect(() => {
		let all: Ticks = { t: [], cols: {} };
		const take = (e: SeriesEvent | undefined, fresh: boolean) => {
			all = addTicks(fresh ? { t: [], cols: {} } : all, ticks(e), ids, span);
			if (!paused?.peek() && !document.hidden) shown.value = all;
			error.value = null;
		};
		const show = () => {
			if (!paused?.peek() && !document.hidden) shown.value = all;
		};
		const sub = subs.open("series.live", { series: ids }, {
			snapshot: (d) => take(d, true),
			event: (d) => take(d, false),
			failed: (err) => (error.value = err),
		});
		document.addEventListener("visibilitychange", show);
		const stop = paused?.subscribe(show);
		return () => {
			sub.close();
			stop?.();
			document.removeEventListener("visibilitychange", show);
		};
	}, [name, span]);
	return { data: shown, error };
}

// An entry of a log, or a gap of entries that the box had to leave out.
export type LogRow<T> = { seq: number; entry?: T; dropped?: number };

// inTime sorts the rows between two gaps by their time: what happened together
// comes in the order in which it began. Rows without a time stay where they are.
export function inTime<T>(rows: readonly LogRow<T>[]): LogRow<T>[] {
	const out: LogRow<T>[] = [];
	const at = (r: LogRow<T>) => Date.parse((r.entry as { time?: string } | undefined)?.time ?? "");
	let from = 0;
	rows.forEach((r, i) => {
		if (!Number.isNaN(at(r))) return;
		out.push(...rows.slice(from, i).sort((a, b) => at(a) - at(b)), r);
		from = i + 1;
	});
	return out.concat(rows.slice(from).sort((a, b) => at(a) - at(b)));
}

// useLog returns the last rows of a log topic, oldest first. While paused is
// true new rows wait; waiting says how many.
export function useLog<T>(topic: string, params: object, keep = 5000, paused?: ReadonlySignal<boolean>): { rows: ReadonlySignal<readonly LogRow<T>[]>; waiting: ReadonlySignal<number>; error: ReadonlySignal<CallError | null>; loaded: ReadonlySignal<boolean> } {
	const rows = useSignal<readonly LogRow<T>[]>([]);
	const waiting = useSignal(0);
	const error = useSignal<CallError | null>(null);
	const loaded = useSignal(false);
	const name = JSON.stringify(params);
	useEffect(() => {
		let all: LogRow<T>[] = [];
		let news = 0;
		let due = 0;
		const show = () => {
			due = 0;
			if (paused?.peek()) {
				waiting.value = news;
				return;
			}
			const old = Math.max(0, all.length - news); // rows that were shown do not move
			all = [...all.slice(0, old), ...inTime(all.slice(old))];
			news = 0;
			batch(() => {
				rows.value = all.slice();
				waiting.value = 0;
				loaded.value = true;
			});
		};
		// Many rows of one moment are drawn at once.
		const soon = () => (due ||= window.setTimeout(show, 100));
		const add = (r: LogRow<T>) => {
			all.push(r);
			news++;
			if (all.length > keep + 500) all = all.slice(-keep);
			soon();
		};
		const sub = subs.open(topic, params, {
			snapshot: (d: { entries?: T[]; seq?: number } | undefined) => {
				news = 0;
				all = (d?.entries ?? []).map((entry, i) => ({ seq: (d?.seq ?? 0) - (d?.entries?.length ?? 0) + i + 1, entry }));
				error.value = null;
				show();
			},
			event: (d: T | T[], seq) => {
				for (const entry of Array.isArray(d) ? d : [d]) add({ seq, entry });
			},
			gap: (dropped) => add({ seq: 0, dropped }),
			failed: (err) => (error.value = err),
		});
		const stop = paused?.subscribe((p) => {
			if (!p) show();
		});
		return () => {
			sub.close();
			stop?.();
			clearTimeout(due);
		};
	}, [topic, name, keep]);
	return { rows, waiting, error, loaded };
}

// stale is true while what is shown may be old: the connection has been away
// for more than a second.
const away = signal(0);
connection.link.subscribe((l) => {
	if (l === "live" || l === "polling" || l === "connecting") away.value = 0;
	else if (!away.peek()) away.value = Date.now();
});
const awayLong = signal(false);
let awayTimer: ReturnType<typeof setTimeout> | undefined;
away.subscribe((since) => {
	clearTimeout(awayTimer);
	if (!since) awayLong.value = false;
	else awayTimer = setTimeout(() => (awayLong.value = true), 1000);
});
export const stale = computed(() => awayLong.value);
