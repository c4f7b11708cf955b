// SPDX-License-Identifier: Apache-2.0
//
// A chart over 5 minutes (live), an hour, a day or two weeks (from the rings of
// the box), with marks where something happened.
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, call, type CallError, Card, Chart, Choice, ErrorNotice, format, has, type Line, query, setQuery, t, type Ticks, useKeys, useSeries } from "../kit";
import { eventText, type Happening, markText } from "./happened";

export const ranges = ["5m", "1h", "24h", "14d"] as const;
export type Range = (typeof ranges)[number];
const spans: Record<Range, string> = { "5m": "5m", "1h": "1h", "24h": "24h", "14d": "336h" };
const seconds: Record<Range, number> = { "5m": 300, "1h": 3600, "24h": 86_400, "14d": 1_209_600 };

export const rangeOf = (text: string): Range => ranges.find((r) => r === text) ?? "5m";

// join puts tables of single objects under one row of times.
export function join(tables: readonly { id: string; table: api.HistoryTable }[]): Ticks {
	const first = tables[0]?.table;
	if (!first) return { t: [], cols: {} };
	const step = format.parseDuration(first.step);
	const from = Math.max(...tables.map((x) => Date.parse(x.table.from) / 1000));
	const end = Math.min(...tables.map((x) => Date.parse(x.table.from) / 1000 + (x.table.columns[0]?.length ?? 0) * format.parseDuration(x.table.step)));
	const t_ = Array.from({ length: Math.max(0, Math.round((end - from) / step)) }, (_, i) => from + i * step);
	const cols: Ticks["cols"] = {};
	for (const { id, table } of tables) {
		const own = format.parseDuration(table.step);
		const start = Date.parse(table.from) / 1000;
		cols[id] = t_.map((x) => table.columns[0]?.[Math.round((x - start) / own)] ?? null);
	}
	return { t: t_, cols };
}

// usePast asks the box for the history of series, each OBJECT:METRIC, and again
// every minute.
function usePast(ids: readonly string[], range: Range): { data: ReadonlySignal<Ticks>; error: ReadonlySignal<CallError | null>; again: () => void } {
	const data = useSignal<Ticks>({ t: [], cols: {} });
	const error = useSignal<CallError | null>(null);
	const turn = useSignal(0);
	useEffect(() => {
		if (range === "5m" || ids.length === 0) return;
		const stop = new AbortController();
		const ask = () =>
			Promise.all(ids.map(async (id) => {
				const cut = id.lastIndexOf(":");
				return { id, table: await call("metrics.history", { object: id.slice(0, cut), metrics: [id.slice(cut + 1)], last: spans[range] }, { signal: stop.signal }) };
			})).then(
				(tables) => {
					data.value = join(tables);
					error.value = null;
				},
				(err: CallError) => { if (!stop.signal.aborted) error.value = err; },
			);
		data.value = { t: [], cols: {} };
		void ask();
		const timer = setInterval(() => { if (!document.hidden) void ask(); }, 60_000);
		return () => {
			stop.abort();
			clearInterval(timer);
		};
	}, [ids.join(" "), range, turn.value]);
	return { data, error, again: () => turn.value++ };
}

// changeText says in a chart what became of a member.
function changeText(e: Happening): string {
	const state = `common.state.${e.kind.split(".").at(-1)}`;
	return has(state) ? `${String(e.args?.["member"] ?? "")} ${t(state)}`.trim() : eventText(e);
}

// useMarks returns the commits and the changes of an object in the range.
export function useMarks(object: string, range: Range): ReadonlySignal<readonly { at: number; text: string }[]> {
	const marks = useSignal<readonly { at: number; text: string }[]>([]);
	useEffect(() => {
		const stop = new AbortController();
		const ask = async () => {
			const since = Date.now() / 1000 - seconds[range];
			const [history, events] = await Promise.all([
				call("config.history", {}, { signal: stop.signal }),
				call("event.list", { objects: [object], kinds: ["member.*"], limit: 50 }, { signal: stop.signal }),
			]);
			const commits = history.revisions.map((r) => ({ at: Date.parse(r.time) / 1000, text: markText(r.number) }));
			const changes = events.events.map((e) => ({ at: Date.parse(e.time) / 1000, text: changeText(e) }));
			marks.value = [...commits, ...changes].filter((m) => m.at > since).sort((a, b) => a.at - b.at).slice(-30);
		};
		const quiet = () => ask().catch(() => {}); // marks only add to the chart
		void quiet();
		const timer = setInterval(quiet, 15_000);
		return () => {
			stop.abort();
			clearInterval(timer);
		};
	}, [object, range]);
	return marks;
}

export type Metric = { id: string; text: string; format: (v: number | undefined) => ReturnType<typeof format.rate>; lines: readonly (Line & { series: string })[] };

// RangeChart draws one of several metrics; range and metric are in the address.
export function RangeChart({ title, metrics, object }: { title: string; metrics: readonly Metric[]; object: string }) {
	const range = rangeOf(query("range").value);
	const metric = metrics.find((m) => m.id === query("metric").value) ?? metrics[0]!;
	const paused = useSignal(false);
	const ids = metric.lines.map((l) => l.series);
	const live = useSeries(range === "5m" ? ids : [], 300, paused);
	const past = usePast(ids, range);
	const marks = useMarks(object, range);
	const data = useComputed(() => (rangeOf(query("range").value) === "5m" ? live.data.value : past.data.value));
	useKeys([{ keys: "p", text: t("common.pause"), run: () => (paused.value = !paused.peek()) }], []);
	const error = range === "5m" ? live.error.value : past.error.value;
	return (
		<Card
			name={title}
			actions={<>
				<Choice label={t("members.metric")} value={metric.id} onChange={(v) => setQuery({ metric: v === metrics[0]!.id ? "" : v })} options={metrics.map((m) => ({ value: m.id, text: m.text }))} />
				<Choice<Range> label={t("members.range")} value={range} onChange={(v) => setQuery({ range: v === "5m" ? "" : v })} options={ranges.map((v) => ({ value: v, text: t(`members.range_${v}`) }))} />
			</>}
		>
			{error && <ErrorNotice error={error} retry={past.again} />}
			<Chart key={`${metric.id} ${range}`} title={metric.text} lines={metric.lines.map(({ series, ...l }) => ({ ...l, id: series }))} data={data} format={metric.format} marks={marks.value} {...(range === "5m" ? { paused } : {})} height={180} />
		</Card>
	);
}
