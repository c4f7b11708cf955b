// SPDX-License-Identifier: Apache-2.0
//
// The audit log: who did what, from where, with what outcome, before and after.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, boxNow, Button, call, type CallError, Card, CheckField, colon, ErrorNotice, Facts, format, has, may, Notice, Page, type PageProps, Panel, place, query, saidText, say, SelectField, semicolon, setQuery, Status, t, Table, TextField, Time, toastError, useList, useLog } from "../kit";
import { Copyable, dayOf, download, momentOf } from "../admin/parts";
import { fetchStream, overStream } from "../admin/transfer";

type Rec = api.AuditRecord;
type Filter = { user?: string; method?: string; object?: string; outcome?: string; text?: string; from?: string };

const names = ["user", "method", "object", "outcome", "text"] as const;
const spans: Record<string, number> = { hour: 3600, day: 86_400, week: 7 * 86_400, month: 30 * 86_400 };
const page = 100;

// filterOf reads the filter out of the address.
export function filterOf(q: Record<string, string>, now: number): Filter {
	const out: Filter = {};
	for (const n of names) if (q[n]) out[n] = q[n];
	const span = spans[q["since"] ?? ""];
	if (span) out.from = new Date(now - span * 1000).toISOString();
	return out;
}

export default function Audit(_: PageProps) {
	const q = place.value.query;
	const key = JSON.stringify([...names, "since"].map((n) => q[n] ?? ""));
	const live = useSignal(true);
	const chosen = query("record").value;
	if (!may("admin")) return <Page name={t("audit.title")}><Notice>{t("audit.not_admin")}</Notice></Page>;
	return (
		<Page name={t("audit.title")}>
			<Verify />
			<Filters key={key} q={q} live={live.value} onLive={(v) => (live.value = v)} />
			<List key={`list ${key}`} filter={filterOf(q, boxNow())} live={live} chosen={chosen} />
		</Page>
	);
}

function Filters({ q, live, onLive }: { q: Record<string, string>; live: boolean; onLive: (v: boolean) => void }) {
	const f = useSignal<Record<string, string>>(Object.fromEntries([...names, "since"].map((n) => [n, q[n] ?? ""])));
	const set = (n: string) => (v: string) => (f.value = { ...f.peek(), [n]: v });
	const use = () => setQuery(f.peek());
	const any = [...names, "since"].some((n) => q[n]);
	return (
		<form class="filters" role="search" aria-label={t("audit.filters")} onSubmit={(e) => { e.preventDefault(); use(); }}>
			<TextField label={t("audit.user")} value={f.value["user"]!} onChange={set("user")} />
			<TextField label={t("audit.method")} placeholder="server.*" value={f.value["method"]!} onChange={set("method")} mono />
			<TextField label={t("audit.object")} placeholder="pool/*" value={f.value["object"]!} onChange={set("object")} mono />
			<SelectField label={t("audit.outcome")} value={f.value["outcome"]!} onChange={(v) => { set("outcome")(v); use(); }} options={[{ value: "", text: t("audit.any") }, { value: "ok", text: t("audit.ok") }, { value: "error", text: t("audit.refused") }]} />
			<SelectField label={t("audit.since")} value={f.value["since"]!} onChange={(v) => { set("since")(v); use(); }} options={[{ value: "", text: t("audit.all_time") }, ...Object.keys(spans).map((s) => ({ value: s, text: t(`audit.last.${s}`) }))]} />
			<TextField label={t("audit.text")} value={f.value["text"]!} onChange={set("text")} />
			<div class="actions">
				<Button type="submit" icon="filter">{t("audit.use")}</Button>
				{any && <Button kind="quiet" onClick={() => setQuery(Object.fromEntries([...names, "since"].map((n) => [n, ""])))}>{t("common.clear_filter")}</Button>}
			</div>
			<CheckField label={t("audit.follow")} value={live} onChange={onLive} />
		</form>
	);
}

function List({ filter, live, chosen }: { filter: Filter; live: { value: boolean }; chosen: string }) {
	const rows = useSignal<readonly Rec[] | undefined>(undefined);
	const error = useSignal<CallError | null>(null);
	const more = useSignal(false);
	const status = useSignal<api.AuditStatus | null>(null);
	const missed = useSignal(0);
	const load = async (before?: number) => {
		try {
			const r = await call("audit.query", { ...filter, limit: page, ...(before ? { before } : {}) });
			const known = new Set((rows.peek() ?? []).map((x) => x.seq));
			rows.value = before ? [...(rows.peek() ?? []), ...r.records.filter((x) => !known.has(x.seq))] : r.records;
			more.value = r.records.length === page;
			status.value = r.status;
			error.value = null;
		} catch (err) {
			error.value = err as CallError;
		}
	};
	useEffect(() => void load(), []);
	const source = useList(rows.value, (r) => String(r.seq), error.value);
	const rec = (rows.value ?? []).find((r) => String(r.seq) === chosen);
	return (
		<div class={rec ? "with-panel" : undefined}>
			<div class="stack">
				{live.value && <Follow filter={filter} onNews={(news, gap) => {
					const known = new Set((rows.peek() ?? []).map((x) => x.seq));
					const fresh = news.filter((x) => !known.has(x.seq));
					if (fresh.length) rows.value = [...fresh.reverse(), ...(rows.peek() ?? [])];
					missed.value += gap;
				}} />}
				{status.value?.problem && <Notice kind="error">{t("audit.not_written", { why: say(status.value, "problem"), n: status.value.waiting })}</Notice>}
				{(status.value?.lost ?? 0) > 0 && <Notice kind="error">{t("audit.lost", { n: status.value!.lost })}</Notice>}
				{missed.value > 0 && <Notice kind="warning" actions={<Button small onClick={() => { missed.value = 0; void load(); }}>{t("audit.load_again")}</Button>}>{t("audit.missed", { n: missed.value })}</Notice>}
				<Table<Rec>
					name="audit" caption={t("audit.title")} source={source} noFilter retry={() => void load()} sort="-seq" paging={500}
					columns={[
						{ id: "time", head: t("common.time"), cell: (r) => <Time at={r.time} /> },
						{ id: "user", head: t("audit.who"), by: (r) => r.user ?? "", cell: (r) => who(r) },
						{ id: "what", head: t("audit.what"), wrap: true, by: (r) => r.what ?? r.method, cell: (r) => <>{done(r) || <code>{r.method}</code>}</> },
						{ id: "object", head: t("audit.object"), wrap: true, by: (r) => r.object ?? "", cell: (r) => (r.object ? <code>{r.object}</code> : "–") },
						{ id: "change", head: t("audit.change"), wrap: true, cell: (r) => <ChangeText r={r} /> },
						{ id: "outcome", head: t("audit.outcome"), by: (r) => r.outcome, cell: (r) => <Outcome r={r} /> },
						{ id: "from", head: t("audit.from"), wrap: true, by: (r) => from(r), cell: (r) => <span class="small">{from(r)}</span> },
						{ id: "seq", head: t("audit.number"), num: true, hidden: true, by: (r) => r.seq, cell: (r) => r.seq },
						{ id: "method", head: t("audit.method"), hidden: true, by: (r) => r.method, cell: (r) => <code>{r.method}</code> },
						{ id: "revision", head: t("audit.revision"), num: true, hidden: true, by: (r) => r.revision ?? 0, cell: (r) => r.revision ?? "–" },
					]}
					edge={(r) => (r.outcome === "ok" ? undefined : "degraded")}
					open={(_, k) => setQuery({ record: k === chosen ? "" : k })} opened={chosen}
					empty={{ title: t("audit.nothing"), text: t("audit.nothing_text") }}
				/>
				{more.value && <div><Button onClick={() => load(Math.min(...(rows.peek() ?? []).map((r) => r.seq)))}>{t("audit.older", { n: page })}</Button></div>}
			</div>
			{rec && <Side r={rec} />}
		</div>
	);
}

// Follow adds what happens from now on. It draws nothing.
function Follow({ filter, onNews }: { filter: Filter; onNews: (news: Rec[], gap: number) => void }) {
	const log = useLog<Rec>("log.audit", filter, 500);
	const seen = useSignal(new Set<object>());
	const rows = log.rows.value;
	useEffect(() => {
		const fresh = rows.filter((r) => !seen.peek().has(r));
		if (fresh.length === 0) return;
		for (const r of fresh) seen.peek().add(r);
		onNews(fresh.flatMap((r) => (r.entry ? [r.entry] : [])), fresh.reduce((n, r) => n + (r.dropped ?? 0), 0));
	}, [rows]);
	return log.error.value ? <ErrorNotice error={log.error.value} /> : null;
}

// done says what was done; the log's own records have a method alone.
function done(r: Rec): string {
	const key = `audit.box.${r.method.replace("audit.", "")}`;
	return say(r, "what") || (r.origin === "box" && has(key) ? t(key) : "");
}

// What the box does by itself has no user, or one that is called box.
const itself = (r: Rec) => r.origin === "box" || r.origin === "engine" || (r.user === "box" && r.origin === "boot");
const who = (r: Rec) => (itself(r) ? <span class="muted">{t("audit.the_box")}</span> : r.user || <span class="muted">{t("audit.nobody")}</span>);

// from says where somebody was; for the box itself there is nothing to say.
function from(r: Rec): string {
	const key = `audit.origin.${r.origin}`;
	return (itself(r) && r.origin !== "boot" ? [] : [r.origin && (has(key) ? t(key) : r.origin), r.remote]).filter(Boolean).join(" · ") || "–";
}

// stateText says how something was or is. Of several things, each stands behind its
// name; an object's own text stays as it is.
export function stateText(r: Pick<Rec, "before" | "after" | "said">, when: "before" | "after"): string {
	const text = r[when];
	if (!text) return t("audit.none");
	if (r.said?.[when] || !Object.keys(r.said ?? {}).some((k) => k.startsWith(`${when}.`))) return say(r, when);
	return semicolon(text.split("; ").map((part, i) => {
		const said = r.said![`${when}.${i}`];
		const end = part.indexOf(": ");
		return said ? colon(part.slice(0, end), saidText(said, part.slice(end + 2))) : part;
	}));
}

// outcomeText says a kind of an error: its own text, or that of its family. In English
// the kind itself is shown, which the filter takes.
export function outcomeText(kind: string): string {
	return [kind, kind.split(".")[0]].map((k) => `audit.kind.${k}`).filter(has).map((k) => t(k))[0] ?? kind;
}

const short = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

function ChangeText({ r }: { r: Rec }) {
	if (!r.before && !r.after) return <>–</>;
	return <span class="small">{short(stateText(r, "before"))} → {short(stateText(r, "after"))}</span>;
}

function Outcome({ r }: { r: Rec }) {
	return r.outcome === "ok" ? <Status word={t("audit.ok")} state="up" /> : <span title={r.outcome}><Status word={outcomeText(r.outcome)} state="degraded" /></span>;
}

function Side({ r }: { r: Rec }) {
	return (
		<Panel name={t("audit.record", { n: r.seq })} onClose={() => setQuery({ record: "" })}>
			<Outcome r={r} />
			{r.message && <Notice kind="warning">{say(r, "message")}</Notice>}
			<Facts list={[
				[t("common.time"), momentOf(r.time)],
				[t("audit.who"), who(r)],
				Boolean(done(r)) && [t("audit.what"), done(r)],
				[t("audit.method"), <code key="m">{r.method}</code>],
				Boolean(r.object) && [t("audit.object"), <code key="o">{r.object}</code>],
				[t("audit.from"), from(r)],
				Boolean(r.session) && [t("audit.session"), <code key="s">{r.session}</code>],
				r.revision !== undefined && [t("audit.revision"), String(r.revision)],
				Boolean(r.note) && [t("audit.note"), say(r, "note")],
			]} />
			{(r.before || r.after) && (
				<div class="before-after">
					<div><h3>{t("audit.before")}</h3><pre tabIndex={0}>{stateText(r, "before")}</pre></div>
					<div><h3>{t("audit.after")}</h3><pre tabIndex={0}>{stateText(r, "after")}</pre></div>
				</div>
			)}
			<Facts list={[[t("audit.hash"), <Copyable key="h" value={r.hash} label={t("audit.hash")} />], [t("audit.prev"), <code key="p" class="small">{r.prev || "–"}</code>]]} />
		</Panel>
	);
}

// inParts exports by single requests.
async function inParts(filter: Filter): Promise<BlobPart> {
	const parts: string[] = [];
	for (let since: number | undefined; ;) {
		const r: api.AuditExport = await call("audit.export", { ...filter, ...(since ? { since } : {}) });
		parts.push(r.lines);
		if (!r.next || r.next === since) return parts.join("");
		since = r.next;
	}
}

// Verify says in words whether the log is as it was written, and gives it out.
function Verify() {
	const report = useSignal<api.AuditReport | null>(null);
	const error = useSignal<unknown>(null);
	const check = async () => {
		error.value = null;
		try {
			report.value = await call("audit.verify", {});
		} catch (err) {
			error.value = err;
		}
	};
	const save = async () => {
		try {
			const filter = filterOf(place.peek().query, boxNow());
			const data = await overStream(async () => fetchStream((await call("audit.download", { filter })).stream), () => inParts(filter));
			download(`audit-${dayOf(boxNow())}.jsonl`, data, "application/jsonl");
		} catch (err) {
			toastError(err);
		}
	};
	const r = report.value;
	return (
		<Card name={t("audit.chain")} actions={<><Button icon="check" onClick={check}>{t("audit.verify")}</Button><Button icon="download" onClick={save}>{t("audit.export")}</Button></>}>
			<div class="stack" aria-live="polite">
				{!r && <p class="muted">{t("audit.chain_text")}</p>}
				{r && r.breaks === 0 && <Notice kind="ok">{t("audit.whole", { n: r.records, first: r.first, last: r.last, files: r.files, time: format.clock(boxNow()) })}</Notice>}
				{r && r.breaks > 0 && <Notice kind="error"><strong>{t("audit.broken", { n: r.breaks })}</strong><p>{t("audit.broken_at", { file: r.file ?? "", line: r.line ?? 0, why: say(r, "why") })}</p></Notice>}
				{r && <Facts list={[[t("audit.last_hash"), <Copyable key="h" value={r.hash} label={t("audit.hash")} />]]} />}
				{error.value !== null && <ErrorNotice error={error.value} retry={check} />}
			</div>
		</Card>
	);
}
