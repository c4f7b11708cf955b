// SPDX-License-Identifier: Apache-2.0
//
// Events: what happened to the box, the newest first, kept up as it happens.
// The filters run on the box and stand in the address.
import { batch, type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { eventText, type Happening } from "../components/happened";
import { ObjectLink, objectHref } from "../components/object";
import { Ago, boxNow, Button, call, CallError, Choice, Code, Dialog, Empty, errorText, ErrorNotice, format, Icon, Menu, mutate, Page, type PageProps, place, save, say, setQuery, Skeleton, stale, StateIcon, stateOf, t, TextField, toast, useKeys, useLog } from "../kit";

const perAsk = 200;
const mostShown = 1000;

// Groups of kinds that people look for.
const groups = {
	servers: ["member.*", "pool.*"], changes: ["config.*"], certificates: ["certificate.*"], box: ["engine.*", "role.*", "events.*"], logins: ["login.*"], alerts: ["alert.*", "audit.*"],
} as const;
type Group = keyof typeof groups;
const spans: Record<string, number> = { "1h": 3600, "24h": 86_400, "7d": 7 * 86_400 };

type Filter = { severity?: string; kinds?: string[]; objects?: string[]; text?: string; unacked?: boolean; from?: string };

// filterOf reads the address.
export function filterOf(q: Record<string, string>, now: number): Filter {
	const f: Filter = {};
	if (q["severity"] === "warning" || q["severity"] === "error") f.severity = q["severity"];
	if (q["group"] && Object.hasOwn(groups, q["group"])) f.kinds = [...groups[q["group"] as Group]];
	if (q["object"]) f.objects = [q["object"]];
	if (q["text"]) f.text = q["text"];
	if (q["unacked"] === "1") f.unacked = true;
	if (q["span"] && Object.hasOwn(spans, q["span"])) f.from = new Date(now - spans[q["span"]]! * 1000).toISOString();
	return f;
}

// fitsRest says whether a live event fits what the live topic cannot filter by.
export function fitsRest(f: Filter, e: Happening): boolean {
	if (f.unacked && (e.ack || e.severity === "info")) return false;
	return !f.text || JSON.stringify([e.kind, e.object, e.text, e.args]).toLowerCase().includes(f.text.toLowerCase());
}

export default function Events(_: PageProps) {
	const q = place.value.query;
	const f = useMemo(() => filterOf(q, boxNow()), [JSON.stringify(q)]);
	const paused = useSignal(false);
	const got = useSignal<readonly Happening[] | null>(null);
	const error = useSignal<CallError | null>(null);
	const more = useSignal(false);
	const unacked = useSignal(0);
	const problem = useSignal("");
	const turn = useSignal(0);
	const picked = useSignal<ReadonlySet<number>>(new Set());
	const asking = useSignal<readonly Happening[] | null>(null);
	useKeys([{ keys: "p", text: t("events.key_pause"), run: () => (paused.value = !paused.peek()) }]);

	useEffect(() => {
		const stop = new AbortController();
		got.value = null;
		picked.value = new Set();
		call("event.list", { ...f, limit: perAsk }, { signal: stop.signal }).then(
			(r) => batch(() => {
				got.value = r.events;
				more.value = r.events.length === perAsk;
				unacked.value = r.unacked;
				problem.value = say(r, "problem");
				error.value = null;
			}),
			(err: CallError) => { if (!stop.signal.aborted) error.value = err; },
		);
		return () => stop.abort();
	}, [f, turn.value]);

	// What happens now is joined with what was asked for.
	const topic = { ...(f.severity ? { severity: f.severity } : {}), ...(f.kinds ? { kinds: f.kinds } : {}), ...(f.objects ? { objects: f.objects } : {}) };
	const log = useLog<Happening>("log.events", topic, mostShown, paused);
	const list = useComputed(() => join(got.value ?? [], log.rows.value.flatMap((r) => (r.entry ? [r.entry] : [])).filter((e) => fitsRest(f, e))).filter((e) => !f.unacked || !e.ack));
	const skipped = log.rows.value.reduce((n, r) => n + (r.dropped ?? 0), 0);

	const older = async () => {
		const last = list.peek().at(-1);
		if (!last) return;
		try {
			const r = await call("event.list", { ...f, limit: perAsk, before: last.seq });
			batch(() => {
				got.value = join(got.peek() ?? [], r.events);
				more.value = r.events.length === perAsk;
			});
		} catch (err) {
			error.value = err as CallError;
		}
	};
	const acked = (changed: readonly Happening[], left: number) => batch(() => {
		const by = new Map(changed.map((e) => [e.seq, e]));
		got.value = list.peek().map((e) => by.get(e.seq) ?? e); // acknowledged ones too: the live log does not know of it
		unacked.value = left;
		picked.value = new Set();
		asking.value = null;
		toast(t("events.acked", { n: changed.length }));
	});
	const open = list.value.filter((e) => needsAck(e));
	const chosen = list.value.filter((e) => picked.value.has(e.seq));
	const filtered = Boolean(f.severity || f.kinds || f.objects || f.text || f.unacked || f.from);
	return (
		<Page
			name={t("shell.nav_events")} state={unacked.value > 0 ? <span>{t("events.unacked", { n: unacked.value })}</span> : undefined}
			actions={<>
				<Button icon={paused.value ? "play" : "pause"} pressed={paused.value} keys="p" onClick={() => (paused.value = !paused.peek())}>{t(paused.value ? "common.resume" : "common.pause")}</Button>
				{paused.value && log.waiting.value > 0 && <Button kind="primary" onClick={() => (paused.value = false)}>{t("events.new", { n: log.waiting.value })}</Button>}
				<Button need="operator" icon="check" why={open.length === 0 ? t("events.none_open") : undefined} onClick={() => (asking.value = open)}>{t("events.ack_all")}</Button>
				<Export filter={f} />
			</>}
		>
			<Filters />
			{problem.value && <ErrorNotice error={new Error(problem.value)} title={t("events.not_kept")} />}
			{chosen.length > 0 && (
				<div class="bulk" role="region" aria-label={t("common.selection")}>
					<strong>{t("common.selected", { n: chosen.length })}</strong>
					<Button small need="operator" onClick={() => (asking.value = chosen)}>{t("events.ack_n", { n: chosen.length })}</Button>
					<Button small kind="quiet" onClick={() => (picked.value = new Set())}>{t("common.clear_selection")}</Button>
				</div>
			)}
			{error.value && (got.value || error.value.code !== Code.forbidden) && <ErrorNotice error={error.value} title={got.value ? undefined : t("common.not_loaded", { name: t("shell.nav_events") })} retry={() => turn.value++} />}
			{error.value && !got.value && error.value.code === Code.forbidden && <div class="card"><Empty title={t("common.forbidden")} text={errorText(error.value)} /></div>}
			{!got.value ? !error.value && <div class="card"><Skeleton rows={8} /></div> : list.value.length === 0 ? (
				<div class="card">
					{filtered ? <Empty title={t("events.nothing_fits")} actions={<Button onClick={() => setQuery({ severity: "", group: "", object: "", text: "", unacked: "", span: "" })}>{t("common.clear_filter")}</Button>} /> : <Empty title={t("events.empty")} text={t("events.empty_text")} />}
				</div>
			) : (
				<>
					{skipped > 0 && <p class="notice warning"><Icon name="warning" /><span>{t("events.gap", { n: skipped })} <button type="button" class="link" onClick={() => turn.value++}>{t("events.reload")}</button></span></p>}
					<Days list={list.value.slice(0, mostShown)} picked={picked} ack={(e) => (asking.value = [e])} />
					{list.value.length > mostShown ? <p class="muted">{t("events.too_many", { n: mostShown })}</p> : more.value && <div class="row"><Button onClick={older}>{t("events.older")}</Button></div>}
				</>
			)}
			{asking.value && <Acknowledge list={asking.value} done={acked} close={() => (asking.value = null)} />}
		</Page>
	);
}

const needsAck = (e: Happening) => !e.ack && e.severity !== "info";

// join puts events together, each once, the newest first. What was asked for
// knows of acknowledgements.
export function join(asked: readonly Happening[], more: readonly Happening[]): Happening[] {
	const by = new Map<number, Happening>();
	for (const e of [...asked, ...more]) if (!by.get(e.seq)?.ack) by.set(e.seq, by.get(e.seq) && !e.ack ? by.get(e.seq)! : e);
	return [...by.values()].sort((a, b) => b.seq - a.seq);
}

function Filters() {
	const q = place.value.query;
	const text = useSignal(q["text"] ?? "");
	useEffect(() => {
		const timer = setTimeout(() => { if (text.value !== (place.peek().query["text"] ?? "")) setQuery({ text: text.value }); }, 300);
		return () => clearTimeout(timer);
	}, [text.value]);
	useEffect(() => { text.value = q["text"] ?? ""; }, [q["text"]]);
	const severity = q["severity"] ?? "";
	return (
		<div class="table-tools" style={{ margin: 0 }}>
			<div class="filter">
				<Icon name="search" />
				<input class="input" type="search" placeholder={t("common.filter")} aria-label={t("common.filter_label", { name: t("shell.nav_events") })} value={text.value} onInput={(e) => (text.value = e.currentTarget.value)} />
			</div>
			<Choice label={t("events.severity")} value={severity} options={[{ value: "", text: t("events.severity_all") }, { value: "warning", text: t("events.severity_warning") }, { value: "error", text: t("events.severity_error") }]} onChange={(v) => setQuery({ severity: v })} />
			<select class="input events-select" aria-label={t("events.group")} value={q["group"] ?? ""} onChange={(e) => setQuery({ group: e.currentTarget.value })}>
				<option value="">{t("events.group_all")}</option>
				{(Object.keys(groups) as Group[]).map((g) => <option key={g} value={g}>{t(`events.group_${g}`)}</option>)}
			</select>
			<select class="input events-select" aria-label={t("events.span")} value={q["span"] ?? ""} onChange={(e) => setQuery({ span: e.currentTarget.value })}>
				<option value="">{t("events.span_all")}</option>
				{Object.keys(spans).map((s) => <option key={s} value={s}>{t(`events.span_${s}`)}</option>)}
			</select>
			<Button pressed={q["unacked"] === "1"} onClick={() => setQuery({ unacked: q["unacked"] === "1" ? "" : "1" })}>{t("events.only_unacked")}</Button>
			{q["object"] && <ul class="terms" style={{ flexBasis: "auto" }}><li><button type="button" aria-label={t("events.drop_object", { name: q["object"] })} onClick={() => setQuery({ object: "" })}>{q["object"]} ×</button></li></ul>}
		</div>
	);
}

function Days({ list, picked, ack }: { list: readonly Happening[]; picked: Signal<ReadonlySet<number>>; ack: (e: Happening) => void }) {
	const days: { day: string; list: Happening[] }[] = [];
	for (const e of list) {
		const day = format.day(Date.parse(e.time));
		if (days.at(-1)?.day !== day) days.push({ day, list: [] });
		days.at(-1)!.list.push(e);
	}
	const today = format.day(boxNow());
	return (
		<div class={`timeline${stale.value ? " stale" : ""}`}>
			{days.map((d) => (
				<section key={d.day} aria-label={d.day}>
					<h2>{d.day === today ? t("events.today") : d.day} <span class="badge">{format.count(d.list.length)}</span></h2>
					<ol>{d.list.map((e) => <One key={e.seq} e={e} on={picked.value.has(e.seq)} pick={() => { const next = new Set(picked.peek()); if (!next.delete(e.seq)) next.add(e.seq); picked.value = next; }} ack={ack} />)}</ol>
				</section>
			))}
		</div>
	);
}

function One({ e, on, pick, ack }: { e: Happening; on: boolean; pick: () => void; ack: (e: Happening) => void }) {
	const state = stateOf(e.severity);
	const ms = Date.parse(e.time);
	return (
		<li data-severity={e.severity}>
			<span class="pick">{needsAck(e) && <input type="checkbox" aria-label={t("common.select", { name: `${format.clock(ms)} ${eventText(e)}` })} checked={on} onChange={pick} />}</span>
			<time dateTime={e.time} title={format.moment(ms)} class="tnum">{format.clock(ms)}</time>
			<span class="dot"><StateIcon state={state} label={t(`common.state.${e.severity}`)} /></span>
			<div class="said">
				<span>{eventText(e)}</span>
				<span class="muted small">
					{e.object && objectHref(e.object) && <><ObjectLink path={e.object} /> · </>}
					<button type="button" class="quiet-link" title={t("events.only_object")} onClick={() => setQuery({ object: e.object ?? "" })}>{e.kind}</button> · <Ago at={e.time} />
					{e.ack && <> · <Icon name="check" size={12} /> {e.ack.note ? t("events.ack_note", { by: e.ack.by, note: e.ack.note }) : t("events.ack_by", { by: e.ack.by })}</>}
				</span>
			</div>
			{needsAck(e) && <Button small kind="quiet" need="operator" aria-label={t("events.ack_one", { text: eventText(e) })} onClick={() => ack(e)}>{t("events.ack")}</Button>}
		</li>
	);
}

function Acknowledge({ list, done, close }: { list: readonly Happening[]; done: (changed: readonly Happening[], left: number) => void; close: () => void }) {
	const note = useSignal("");
	const error = useSignal<unknown>(null);
	const send = async () => {
		try {
			const r = await mutate("event.ack", { events: list.map((e) => e.seq), ...(note.peek().trim() ? { note: note.peek().trim() } : {}) });
			done(r.events, r.unacked);
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Dialog title={t("events.ack_n", { n: list.length })} onClose={close} footer={<><Button onClick={close}>{t("common.cancel")}</Button><Button kind="primary" need="operator" onClick={send}>{t("events.ack_n", { n: list.length })}</Button></>}>
			<p>{t("events.ack_text")}</p>
			<ul class="ack-list">{list.slice(0, 6).map((e) => <li key={e.seq}>{format.clock(Date.parse(e.time))} {eventText(e)}</li>)}{list.length > 6 && <li class="muted">{t("events.and_more", { n: list.length - 6 })}</li>}</ul>
			<TextField label={t("events.note")} optional value={note.value} maxLength={200} onChange={(v) => (note.value = v)} />
			{error.value !== null && <ErrorNotice error={error.value} />}
		</Dialog>
	);
}

// Export asks for everything that fits, not only for what is shown.
function Export({ filter }: { filter: Filter }) {
	const get = async (write: (list: readonly Happening[]) => void) => {
		try {
			write((await call("event.list", { ...filter, limit: 10_000 }, { timeout: 60_000 })).events);
		} catch (err) {
			toast(errorText(err), { kind: "error" });
		}
	};
	const cell = (s: string) => `"${(/^[=+\-@\t\r]/.test(s) ? `'${s}` : s).replaceAll('"', '""')}"`;
	return (
		<Menu
			icon="download" label={t("events.export")} items={[
				{ text: t("events.export_json"), onClick: () => void get((l) => save("events.jsonl", "application/x-ndjson", l.map((e) => JSON.stringify(e)).join("\n") + "\n")) },
				{ text: t("events.export_csv"), onClick: () => void get((l) => save("events.csv", "text/csv", [["time", "severity", "kind", "object", "text", "acknowledged by", "note"], ...l.map((e) => [e.time, e.severity, e.kind, e.object ?? "", e.text, e.ack?.by ?? "", e.ack?.note ?? ""])].map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n")) },
			]}
		/>
	);
}
