// SPDX-License-Identifier: Apache-2.0
//
// The overview: what needs attention first, then what the box does, then what
// was changed last.
import { computed, type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { needsCare } from "../components/care";
import { objectHref, ObjectLink } from "../components/object";
import { Ago, type api, boxNow, Button, Card, Chart, Empty, ErrorNotice, format, Icon, Latency, type Line, Num, Page, type PageProps, Rate, Since, Skeleton, type Source, Spark, stale, StateIcon, stateOf, t, type Ticks, Tile, useCall, useKeys, useLog, useSeries, useTopic } from "../kit";
import { reasonOf, sorted, titleOf, actionOf, type Problem } from "../components/attention";
import { commentText, eventText, type Happening, markText } from "../components/happened";

const series = ["engine:requests", "engine:errors", "engine:connections", "engine:bytes_in", "engine:bytes_out", "engine:p50", "engine:p95"] as const;

export default function Overview(_: PageProps) {
	const problems = useTopic("state.problems");
	const system = useTopic("state.system");
	const clusters = useTopic("state.clusters");
	const members = useTopic("state.members");
	const certificates = useTopic("state.certificates");
	const paused = useSignal(false);
	const past = useSeries(series, 300, paused);
	const history = useCall("config.history", {});
	useKeys([{ keys: "p", text: t("overview.key_pause"), run: () => (paused.value = !paused.peek()) }]);
	const box = useComputed(() => (system.keys.value.length ? system.get(system.keys.value[0]!)?.value : undefined));
	const fresh = useComputed(() => clusters.loaded.value && problems.loaded.value && isFresh(clusters.keys.value.length, problems.keys.value.map((k) => problems.get(k)!.value)));
	if (fresh.value) return <Fresh problems={problems} />;
	return (
		<Page name={t("shell.nav_overview")} state={<Running box={box} />}>
			<Attention problems={problems} members={members} />
			<div class={`tiles overview-tiles${stale.value ? " stale" : ""}`}>
				<Traffic box={box} past={past.data} />
				<Servers members={members} />
				<Certificates list={certificates} />
				<Load box={box} />
			</div>
			<Past past={past} paused={paused} revisions={history.data} />
			<div class="grid">
				<Commits answer={history} />
				<Happened />
			</div>
		</Page>
	);
}

type Box = ReadonlySignal<api.LiveSystem | undefined>;

function Running({ box }: { box: Box }) {
	const b = useComputed(() => box.value && { revision: box.value.revision, started: box.value.started, version: box.value.version }).value;
	if (!b) return null;
	return <span class="tnum">{t("overview.revision", { n: String(b.revision) })} · {t("overview.uptime")} <Since at={b.started} /></span>;
}

// isFresh tells whether the box balances nothing yet. One whose running
// revision could not be served has clusters to come back to.
export function isFresh(clusters: number, problems: readonly Pick<Problem, "kind">[]): boolean {
	return clusters === 0 && !problems.some((p) => p.kind === "config.unserved");
}

// Fresh is the page of a box that balances nothing yet.
function Fresh({ problems }: { problems: Source<Problem> }) {
	return (
		<Page name={t("shell.nav_overview")}>
			{problems.keys.value.length > 0 && <Attention problems={problems} />}
			<Card><Empty title={t("overview.fresh")} text={t("overview.fresh_text")} actions={<><Button kind="primary" need="editor" href="/wizard">{t("overview.fresh_wizard")}</Button><Button href="/clusters">{t("overview.fresh_clusters")}</Button></>} /></Card>
		</Page>
	);
}

const shownFirst = 6;

// Attention lists what is wrong. It is drawn anew only when problems come, go
// or change; how long they last counts by itself.
function Attention({ problems, members }: { problems: Source<Problem>; members?: Source<api.LiveMember> }) {
	const all = useSignal(false);
	const list = useComputed(() => sorted(problems.keys.value.map((k) => ({ key: k, p: problems.get(k)!.value }))));
	const up = useComputed(() => (members ? new Set(members.keys.value.map((k) => k.slice(k.lastIndexOf("/") + 1))).size : 0));
	if (problems.error.value && !problems.loaded.value) return <ErrorNotice error={problems.error.value} title={t("common.not_loaded", { name: t("overview.attention_name") })} />;
	if (!problems.loaded.value) return <div class="card"><Skeleton rows={2} /></div>;
	if (list.value.length === 0) {
		return (
			<div class={`attention-none${stale.value ? " stale" : ""}`} role="note">
				<StateIcon state="up" />
				<strong>{t("overview.all_well")}</strong>
				{up.value > 0 && <span class="muted">{t("overview.all_well_text", { n: up.value })}</span>}
			</div>
		);
	}
	const shown = all.value ? list.value : list.value.slice(0, shownFirst);
	return (
		<section class={`card attention${stale.value ? " stale" : ""}`} aria-labelledby="attention">
			<header>
				<h2 id="attention">{t("shell.attention", { n: list.value.length })}</h2>
				<div class="actions"><Button small kind="quiet" href="/events?unacked=1">{t("overview.unacked")}</Button></div>
			</header>
			<ul>
				{shown.map(({ key, p }) => <ProblemRow key={key} p={p} />)}
			</ul>
			{list.value.length > shownFirst && <footer><Button small kind="quiet" aria-expanded={all.value} onClick={() => (all.value = !all.peek())}>{all.value ? t("overview.fewer") : t("overview.more", { n: list.value.length - shownFirst })}</Button></footer>}
		</section>
	);
}

function ProblemRow({ p }: { p: Problem }) {
	const act = actionOf(p);
	const why = reasonOf(p);
	return (
		<li data-severity={p.severity}>
			<StateIcon state={stateOf(p.severity)} label={t(`common.state.${p.severity === "error" ? "error" : "warning"}`)} />
			<div class="what">
				<strong>{titleOf(p)}</strong>
				{why && <span class="why">{why}</span>}
			</div>
			<span class="since muted">{t("overview.since")} <Since at={p.since} /></span>
			<Button small href={act.href}>{t(act.text)}</Button>
		</li>
	);
}

// Traffic is the tiles of the whole box.
function Traffic({ box, past }: { box: Box; past: ReadonlySignal<Ticks> }) {
	const rate = useComputed(() => box.value?.rate);
	const spark = (id: string) => <Small past={past} id={id} />;
	return (
		<>
			<Tile label={t("overview.requests")} href="/charts?metrics=requests&objects=engine" value={<Now of={rate} show={(r) => <Rate of={r?.requests} />} />} spark={spark("engine:requests")} />
			<Tile label={t("overview.connections")} href="/charts?metrics=connections&objects=engine" value={<Now of={rate} show={(r) => <Num q={format.short(r && Math.round(r.connections))} />} />} spark={spark("engine:connections")} />
			<Tile label={t("overview.throughput")} href="/charts?metrics=bytes_out&objects=engine" value={<Now of={rate} show={(r) => <Num q={format.bits(r && r.bytes_out * 8)} />} />} note={<Now of={rate} show={(r) => <>{t("overview.inbound")} <Num q={format.bits(r && r.bytes_in * 8)} /></>} />} spark={spark("engine:bytes_out")} />
			<Tile label={t("overview.errors")} href="/charts?metrics=errors&objects=engine" value={<Now of={rate} show={(r) => <Num q={format.percent(r && (r.requests > 0 ? Math.min(1, r.errors / r.requests) : 0))} />} />} note={<Now of={rate} show={(r) => <Rate of={r?.errors} />} />} spark={spark("engine:errors")} />
			<Tile label={t("overview.p95")} href="/charts?metrics=p95&objects=engine" value={<Now of={rate} show={(r) => <Latency of={r?.p95} />} />} note={<Now of={rate} show={(r) => <>{t("overview.median")} <Latency of={r?.p50} /></>} />} spark={spark("engine:p95")} />
		</>
	);
}

function Now<T>({ of, show }: { of: ReadonlySignal<T>; show: (v: T) => preact.ComponentChildren }) {
	return <>{show(of.value)}</>;
}

// Small draws the last five minutes as 60 means.
function Small({ past, id }: { past: ReadonlySignal<Ticks>; id: string }) {
	const values = useMemo(() => computed(() => means(past.value.cols[id] ?? [], 5)), [past, id]);
	return <Spark values={values.value} />;
}

// means joins each n values to their mean; null where none is known.
export function means(list: readonly (number | null)[], n: number): (number | null)[] {
	const out: (number | null)[] = [];
	for (let i = list.length % n; i < list.length; i += n) {
		const known = list.slice(i, i + n).filter((v): v is number => v !== null);
		out.push(known.length ? known.reduce((a, b) => a + b, 0) / known.length : null);
	}
	return out;
}

// tally counts servers; one that is in several pools counts once, by its worst
// state.
export function tally(list: readonly (Pick<api.LiveMember, "name" | "state"> & { probes?: readonly unknown[] })[]): { total: number; up: number; by: Record<string, number> } {
	const worst = new Map<string, string>();
	const rank = (s: string) => ["up", "full", "spare", "checking", "quiesced", "disabled", "down"].indexOf(s);
	for (const m of list) {
		const state = m.state === "checking" && m.probes?.length === 0 ? "up" : m.state; // nobody asks it
		if (rank(state) > rank(worst.get(m.name) ?? "")) worst.set(m.name, state);
	}
	const by: Record<string, number> = {};
	for (const s of worst.values()) by[s] = (by[s] ?? 0) + 1;
	return { total: worst.size, up: (by["up"] ?? 0) + (by["full"] ?? 0) + (by["spare"] ?? 0), by };
}

function Servers({ members }: { members: Source<api.LiveMember> }) {
	const of = useComputed(() => JSON.stringify(tally(members.keys.value.map((k) => members.get(k)!.value))));
	const c = JSON.parse(of.value) as ReturnType<typeof tally>;
	const rest = ["down", "checking", "quiesced", "disabled"].filter((s) => c.by[s]);
	if (!members.loaded.value) return <Tile label={t("overview.servers")} value="–" note=" " />;
	return (
		<Tile
			label={t("overview.servers")} href={c.by["down"] ? "/servers?problems=1" : "/servers"}
			value={<><span>{c.up}</span><span class="unit"> / {c.total}</span></>}
			note={rest.length ? <span class="marks">{rest.map((s) => <span key={s} class="status"><StateIcon state={stateOf(s)} />{c.by[s]} {t(`common.state.${s === "quiesced" ? "draining" : s}`)}</span>)}</span> : t("overview.all_up")}
		/>
	);
}

function Certificates({ list }: { list: Source<api.Certificate> }) {
	const all = list.keys.value.map((k) => list.get(k)!.value);
	const bad = all.filter(needsCare);
	const next = all.filter((c) => c.not_after).sort((a, b) => Date.parse(a.not_after!) - Date.parse(b.not_after!))[0];
	const left = next ? (Date.parse(next.not_after!) - boxNow()) / 1000 : 0;
	if (!list.loaded.value) return <Tile label={t("overview.certificates")} value="–" note=" " />;
	return (
		<Tile
			label={t("overview.certificates")} href={bad.length ? "/certificates?problems=1" : "/certificates"}
			value={<span>{bad.length}<span class="unit"> / {all.length}</span></span>}
			note={next ? (left > 0 ? t("overview.next_end", { time: format.duration(left) }) : t("overview.has_ended", { name: next.name })) : t("overview.no_certificates")}
		/>
	);
}

function Load({ box }: { box: Box }) {
	const of = useComputed(() => box.value && { busy: box.value.busy, cpus: box.value.cpus, heap: box.value.heap });
	const b = of.value;
	return <Tile label={t("overview.busy")} href="/charts?metrics=busy&objects=engine" value={<Num q={format.percent(b?.busy)} />} note={b ? <>{t("overview.cpus", { n: b.cpus })} · <Num q={format.bytes(b.heap)} /></> : " "} />;
}

// Past is the last five minutes; the box has them, so they are never empty.
function Past({ past, paused, revisions }: { past: ReturnType<typeof useSeries>; paused: Signal<boolean>; revisions: ReadonlySignal<api.History | undefined> }) {
	const line = (id: string, label: string, colour?: string): Line => ({ id: `engine:${id}`, label, ...(colour ? { colour } : {}) });
	const bits = useComputed<Ticks>(() => ({ t: past.data.value.t, cols: Object.fromEntries(["engine:bytes_in", "engine:bytes_out"].map((id) => [id, (past.data.value.cols[id] ?? []).map((v) => (v === null ? null : v * 8))])) }));
	const marks = (revisions.value?.revisions ?? []).slice(0, 20).map((r) => ({ at: Date.parse(r.time) / 1000, text: markText(r.number) }));
	if (past.error.value && past.data.value.t.length === 0) return <ErrorNotice error={past.error.value} title={t("common.not_loaded", { name: t("overview.past") })} />;
	const common = { marks, paused, sync: "overview", height: 130 };
	return (
		<section aria-label={t("overview.past")} class={`overview-charts${stale.value ? " stale" : ""}`}>
			<Card><Chart {...common} title={t("overview.requests_errors")} lines={[line("requests", t("overview.requests")), line("errors", t("overview.failed"), "var(--down)")]} data={past.data} format={format.rate} /></Card>
			<Card><Chart {...common} title={t("overview.latency")} lines={[line("p50", t("overview.median")), line("p95", t("overview.p95"))]} data={past.data} format={format.latency} /></Card>
			<Card><Chart {...common} title={t("overview.connections")} lines={[line("connections", t("overview.connections"))]} data={past.data} format={format.short} /></Card>
			<Card><Chart {...common} title={t("overview.throughput")} lines={[line("bytes_out", t("overview.outbound")), line("bytes_in", t("overview.inbound"))]} data={bits} format={format.bits} /></Card>
		</section>
	);
}

function Commits({ answer }: { answer: { data: ReadonlySignal<api.History | undefined>; error: ReadonlySignal<unknown>; again: () => void } }) {
	const list = answer.data.value?.revisions.slice(0, 5);
	return (
		<Card name={t("overview.commits")} actions={<Button small kind="quiet" href="/changes/history">{t("overview.all_commits")}</Button>}>
			{answer.error.value && !list ? <ErrorNotice error={answer.error.value} retry={answer.again} /> : !list ? <Skeleton rows={3} /> : (
				<ol class="feed">
					{list.map((r) => (
						<li key={r.number}>
							<Icon name="history" />
							<a href={`/changes/history?revision=${r.number}`} class="tnum">#{r.number}</a>
							<span class="text">{commentText(r.author, r.comment ?? "") || t("overview.no_comment")}</span>
							<span class="muted by">{r.author} · <Ago at={r.time} /></span>
						</li>
					))}
				</ol>
			)}
		</Card>
	);
}

// Happened shows the last events, whatever they are.
function Happened() {
	const log = useLog<Happening>("log.events", {}, 200);
	const list = log.rows.value.flatMap((r) => (r.entry ? [r.entry] : [])).slice(-5).reverse();
	return (
		<Card name={t("overview.events")} actions={<Button small kind="quiet" href="/events">{t("overview.all_events")}</Button>}>
			{log.error.value && list.length === 0 ? <ErrorNotice error={log.error.value} /> : !log.loaded.value ? <Skeleton rows={3} /> : list.length === 0 ? <p class="muted">{t("overview.no_events")}</p> : (
				<ol class="feed">
					{list.map((e) => (
						<li key={e.seq}>
							<StateIcon state={stateOf(e.severity)} label={t(`common.state.${e.severity}`)} />
							<span class="text">{eventText(e)}</span>
							<span class="muted by">{e.object && objectHref(e.object) ? <><ObjectLink path={e.object} /> · </> : null}<Ago at={e.time} /></span>
						</li>
					))}
				</ol>
			)}
		</Card>
	);
}

