// SPDX-License-Identifier: Apache-2.0
//
// Charts: objects and metrics side by side, live or from the box's rings, with
// what happened marked on them. The address holds all that is chosen.
import { batch, type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { eventText, type Happening, markText } from "../components/happened";
import { ObjectLink, objectHref, objectName } from "../components/object";
import { type api, boxNow, Button, call, CallError, Card, Chart, Choice, ErrorNotice, format, type Line, Page, type PageProps, place, Popover, setQuery, Skeleton, stale, StateIcon, stateOf, t, type Ticks, toast, toastError, useKeys, useSeries, useTopic } from "../kit";

export const ranges = {
	"5m": { last: 300, step: 1, again: 10 },
	"1h": { last: 3600, step: 10, again: 10 },
	"24h": { last: 86_400, step: 120, again: 60 },
	"14d": { last: 14 * 86_400, step: 1800, again: 300 },
} as const;
export type Range = keyof typeof ranges;

const most = 5;

type Metric = "requests" | "errors" | "connections" | "p50" | "p95" | "p99" | "accepted" | "bytes_in" | "bytes_out" | "busy" | "descriptors";
const member: readonly Metric[] = ["requests", "errors", "connections", "p50", "p95"];
const cluster: readonly Metric[] = ["requests", "errors", "accepted", "connections", "bytes_in", "bytes_out", "p50", "p95", "p99"];
const metricsOf: Record<string, readonly Metric[]> = { engine: [...cluster, "busy", "descriptors"], cluster, pool: member, member };
const all = metricsOf["engine"]!;

const formats: Record<Metric, (v: number | undefined) => { value: string; unit: string }> = {
	requests: format.rate, errors: format.rate, accepted: format.rate, connections: format.short, descriptors: format.short,
	p50: format.latency, p95: format.latency, p99: format.latency, busy: format.percent,
	bytes_in: (v) => format.bits(v === undefined ? v : v * 8), bytes_out: (v) => format.bits(v === undefined ? v : v * 8),
};

// knows says whether the box keeps a metric of an object.
export const knows = (object: string, metric: string) => (metricsOf[object.split("/")[0]!] ?? []).includes(metric as Metric);

const list = (text: string) => text.split(",").filter(Boolean);

// tableTicks makes ticks of what metrics.history answered for some objects. Rows
// of different objects are joined by their time.
export function tableTicks(tables: readonly { object: string; table: api.HistoryTable }[]): Ticks {
	const times = new Set<number>();
	const rows = tables.map(({ object, table }) => {
		const from = Math.round(Date.parse(table.from) / 1000);
		const step = format.parseDuration(table.step);
		const n = table.columns[0]?.length ?? 0;
		const at = Array.from({ length: n }, (_, i) => from + i * step);
		for (const x of at) times.add(x);
		return { object, table, at };
	});
	const t = [...times].sort((a, b) => a - b);
	const place = new Map(t.map((x, i) => [x, i]));
	const cols: Ticks["cols"] = {};
	for (const { object, table, at } of rows) {
		for (const [m, name] of table.metrics.entries()) {
			const col = Array.from<number | null>({ length: t.length }).fill(null);
			for (const [i, x] of at.entries()) col[place.get(x)!] = table.columns[m]![i] ?? null;
			cols[`${object}:${name}`] = col;
		}
	}
	return { t, cols };
}

export default function Charts(_: PageProps) {
	const q = place.value.query;
	const range: Range = q["range"] && Object.hasOwn(ranges, q["range"]) ? (q["range"] as Range) : "5m";
	const objects = list(q["objects"] ?? "").slice(0, most);
	const chosen = objects.length > 0 ? objects : ["engine"];
	const metrics = list(q["metrics"] ?? "").filter((m): m is Metric => (all as readonly string[]).includes(m));
	const shown = metrics.length > 0 ? metrics : (["requests", "errors", "p95", "connections"] as Metric[]);
	const paused = useSignal(false);
	useKeys([{ keys: "p", text: t("charts.key_pause"), run: () => (paused.value = !paused.peek()) }]);
	const happened = useHappened(range, paused);
	const copy = () => navigator.clipboard?.writeText(location.href).then(() => toast(t("charts.copied")), toastError);
	return (
		<Page
			name={t("shell.nav_charts")}
			actions={<>
				<Choice label={t("charts.range")} value={range} options={(Object.keys(ranges) as Range[]).map((r) => ({ value: r, text: t(`charts.range_${r}`) }))} onChange={(r) => setQuery({ range: r === "5m" ? "" : r })} />
				<Button icon={paused.value ? "play" : "pause"} pressed={paused.value} keys="p" onClick={() => (paused.value = !paused.peek())}>{t(paused.value ? "common.resume" : "common.pause")}</Button>
				<Button icon="link" onClick={copy}>{t("charts.share")}</Button>
			</>}
		>
			<Chosen objects={chosen} />
			<div class="row" role="group" aria-label={t("charts.metrics")}>
				{all.filter((m) => chosen.some((o) => knows(o, m))).map((m) => (
					<Button
						key={m} small pressed={shown.includes(m)}
						onClick={() => { const next = shown.includes(m) ? shown.filter((x) => x !== m) : all.filter((x) => shown.includes(x) || x === m); if (next.length) setQuery({ metrics: next.join(",") }); }}
					>{t(`charts.metric.${m}`)}</Button>
				))}
			</div>
			{range === "5m" ? <LiveCharts objects={chosen} metrics={shown} paused={paused} happened={happened.value} /> : <PastCharts key={range} range={range} objects={chosen} metrics={shown} paused={paused} happened={happened.value} />}
			<Marked list={happened.value} />
		</Page>
	);
}

// lineName is the name of an object in a legend.
const lineName = (object: string) => (object === "engine" ? t("charts.whole_box") : object.startsWith("member/") ? object.slice(7) : objectName(object));

function Chosen({ objects }: { objects: readonly string[] }) {
	const set = (next: readonly string[]) => setQuery({ objects: next.join(",") });
	const full = objects.length >= most;
	return (
		<div class="row chosen">
			<ul class="terms" aria-label={t("charts.objects")}>
				{objects.map((o) => (
					<li key={o}>
						<span>{o === "engine" ? t("charts.whole_box") : t(`charts.kind.${o.split("/")[0] === "member" ? "member" : o.split("/")[0] === "pool" ? "pool" : "cluster"}`)} {o === "engine" ? "" : <b>{lineName(o)}</b>}</span>
						{objects.length > 1 && <button type="button" aria-label={t("charts.remove", { name: lineName(o) })} onClick={() => set(objects.filter((x) => x !== o))}>×</button>}
					</li>
				))}
			</ul>
			<Popover icon="plus" label={t("charts.add")} why={full ? t("charts.most", { n: most }) : undefined} content={(close) => <Pick taken={objects} pick={(o) => { set([...objects, o]); close(); }} />}>{t("charts.add")}</Popover>
		</div>
	);
}

function Pick({ taken, pick }: { taken: readonly string[]; pick: (object: string) => void }) {
	const clusters = useTopic("state.clusters");
	const pools = useTopic("state.pools");
	const members = useTopic("state.members");
	const q = useSignal("");
	const every = ["engine", ...clusters.keys.value.map((k) => `cluster/${k}`), ...pools.keys.value.map((k) => `pool/${k}`), ...members.keys.value.map((k) => `member/${k}`)];
	const fit = every.filter((o) => !taken.includes(o) && `${o} ${o === "engine" ? t("charts.whole_box") : ""}`.toLowerCase().includes(q.value.toLowerCase()));
	return (
		<div class="pick-object">
			<input class="input" type="search" aria-label={t("charts.find")} placeholder={t("charts.find")} value={q.value} onInput={(e) => (q.value = e.currentTarget.value)} />
			<ul>
				{fit.slice(0, 40).map((o) => <li key={o}><button type="button" onClick={() => pick(o)}><span class="muted">{o === "engine" ? "" : t(`charts.kind.${o.startsWith("member/") ? "member" : o.startsWith("pool/") ? "pool" : "cluster"}`)}</span> {lineName(o)}</button></li>)}
				{fit.length === 0 && <li class="muted">{t("common.nothing_matches", { text: q.value })}</li>}
				{fit.length > 40 && <li class="muted">{t("common.too_many", { n: 40, all: fit.length })}</li>}
			</ul>
		</div>
	);
}

type Shown = { objects: readonly string[]; metrics: readonly Metric[]; paused: Signal<boolean>; happened: readonly Happening[] };

function LiveCharts(p: Shown) {
	const ids = p.objects.flatMap((o) => p.metrics.filter((m) => knows(o, m)).map((m) => `${o}:${m}`));
	const live = useSeries(ids, ranges["5m"].last, p.paused);
	return <Panels {...p} data={live.data} error={live.error.value} range="5m" />;
}

// PastCharts asks the box again as often as its rings have something new.
function PastCharts(p: Shown & { range: Range }) {
	const r = ranges[p.range];
	const data = useSignal<Ticks>({ t: [], cols: {} });
	const error = useSignal<CallError | null>(null);
	const what = `${p.objects.join()} ${p.metrics.join()}`;
	const turn = useSignal(0);
	useEffect(() => {
		const stop = new AbortController();
		const ask = async () => {
			if (p.paused.peek() || document.hidden) return;
			try {
				const tables = await Promise.all(
					p.objects.map(async (object) => {
						const metrics = p.metrics.filter((m) => knows(object, m));
						return metrics.length === 0 ? [] : [{ object, table: await call("metrics.history", { object, metrics, last: `${r.last}s`, step: `${r.step}s` }, { signal: stop.signal }) }];
					}),
				);
				batch(() => {
					data.value = tableTicks(tables.flat());
					error.value = null;
				});
			} catch (err) {
				if (!stop.signal.aborted) error.value = err as CallError;
			}
		};
		void ask();
		const timer = setInterval(() => void ask(), r.again * 1000);
		const free = p.paused.subscribe((x) => { if (!x && data.peek().t.length) void ask(); });
		return () => {
			stop.abort();
			clearInterval(timer);
			free();
		};
	}, [what, p.range, turn.value]);
	return <Panels {...p} data={data} error={error.value} retry={() => turn.value++} />;
}

function Panels({ objects, metrics, paused, happened, data, error, range, retry }: Shown & { data: ReadonlySignal<Ticks>; error: CallError | null; range: Range; retry?: () => void }) {
	const any = useComputed(() => data.value.t.length > 0);
	const marks = useMemo(() => marksOf(happened, ranges[range].last), [happened, range]);
	const time = range === "24h" || range === "14d" ? (s: number) => shortTime(s, range) : undefined;
	if (error && !any.value) return <ErrorNotice error={error} title={t("common.not_loaded", { name: t("shell.nav_charts") })} retry={retry} />;
	if (!any.value) return <Card><Skeleton rows={6} /></Card>;
	return (
		<>
			{error && <ErrorNotice error={error} retry={retry} />}
			<h2 class="visually-hidden">{t("shell.nav_charts")}</h2>
			<div class={`charts${stale.value ? " stale" : ""}`} data-one={metrics.length === 1 || undefined}>
				{metrics.map((m) => {
					const lines: Line[] = objects.filter((o) => knows(o, m)).map((o) => ({ id: `${o}:${m}`, label: lineName(o), ...(m === "errors" && objects.length === 1 ? { colour: "var(--down)" } : {}) }));
					if (lines.length === 0) return null;
					return <Card key={m}><Chart title={t(`charts.metric.${m}`)} lines={lines} data={data} format={formats[m]} marks={marks} paused={paused} sync="charts" height={metrics.length === 1 ? 380 : 200} {...(time ? { time } : {})} /></Card>;
				})}
			</div>
		</>
	);
}

// shortTime is the text of the time axis of long ranges: with the day.
function shortTime(s: number, range: Range): string {
	const clock = format.clock(s * 1000).slice(0, 5);
	return range === "24h" ? clock : `${format.day(s * 1000).replace(/,? ?\d{4}年?/, "")} ${clock}`;
}

const marked = ["config.committed", "config.reverted", "member.down", "member.up", "pool.down", "role.crashed", "engine.started", "certificate.expired"];

// useHappened asks for events of the range that are worth a mark.
function useHappened(range: Range, paused: Signal<boolean>): ReadonlySignal<readonly Happening[]> {
	const out = useSignal<readonly Happening[]>([]);
	useEffect(() => {
		const stop = new AbortController();
		const ask = () => {
			if (paused.peek() || document.hidden) return;
			const from = new Date(boxNow() - ranges[range].last * 1000).toISOString();
			call("event.list", { from, kinds: marked, limit: 200 }, { signal: stop.signal }).then(
				(r) => {
					if (JSON.stringify(r.events) !== JSON.stringify(out.peek())) out.value = r.events;
				},
				() => {}, // charts are whole without marks; the list below says what is missing
			);
		};
		ask();
		const timer = setInterval(ask, ranges[range].again * 1000);
		return () => {
			stop.abort();
			clearInterval(timer);
		};
	}, [range]);
	return out;
}

const mostMarks = 12; // beside those of commits

// marksOf makes marks of events: each commit with its number, and of the rest
// the worst, and one where several stand close together. The list below the
// charts says what they are.
export function marksOf(events: readonly Happening[], span: number): { at: number; text: string }[] {
	const out: { at: number; text: string }[] = [];
	const rank = (e: Happening) => (e.kind.startsWith("config.") ? 0 : e.severity === "error" ? 1 : e.severity === "warning" ? 2 : 3);
	let others = 0;
	for (const e of [...events].sort((a, b) => rank(a) - rank(b))) {
		const commit = rank(e) === 0;
		const at = Date.parse(e.time) / 1000;
		if (out.some((m) => Math.abs(m.at - at) < span / 50) || (!commit && ++others > mostMarks)) continue;
		out.push({ at, text: e.kind === "config.committed" ? markText(e.args?.["revision"]) : "" });
	}
	return out;
}

function Marked({ list: events }: { list: readonly Happening[] }) {
	return (
		<Card name={t("charts.happened")} actions={<Button small kind="quiet" href="/events">{t("shell.nav_events")}</Button>}>
			{events.length === 0 ? <p class="muted">{t("charts.nothing_happened")}</p> : (
				<ol class="feed">
					{events.slice(0, 12).map((e) => (
						<li key={e.seq}>
							<StateIcon state={stateOf(e.severity)} label={t(`common.state.${e.severity}`)} />
							<span class="text">{eventText(e)}</span>
							<span class="muted by tnum">{objectHref(e.object) ? <><ObjectLink path={e.object!} /> · </> : null}{format.moment(Date.parse(e.time))}</span>
						</li>
					))}
				</ol>
			)}
		</Card>
	);
}
