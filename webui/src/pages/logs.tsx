// SPDX-License-Identifier: Apache-2.0
//
// Logs: what clients asked, and what the engine says of itself. Filters run on
// the box; what it had to leave out is a row of its own.
import { batch, type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { add, address, type Field, fields, fits, fromQuery, narrower, same, type Term, toBox, toQuery, valueOf } from "../components/logfilter";
import { WindowList } from "../components/window";
import { type api, Button, call, Choice, ErrorNotice, Facts, format, href, Icon, type LogRow, Menu, mutate, Num, Page, type PageProps, Panel, place, Popover, save, setQuery, stale, StateIcon, t, TextField, toast, toastError, useCall, useKeys, useLog } from "../kit";

const keep = 5000;
const rowHeight = 28;

export default function Logs(_: PageProps) {
	const system = place.value.query["log"] === "system";
	return system ? <SystemLog key="system" /> : <AccessLog key="access" />;
}

function Which() {
	const system = place.value.query["log"] === "system";
	return <Choice label={t("logs.which")} value={system ? "system" : "access"} options={[{ value: "access", text: t("logs.access") }, { value: "system", text: t("logs.system") }]} onChange={(v) => setQuery({ log: v === "system" ? v : "", row: "" })} />;
}

// usePaused is the pause of a log: by the button, by the key p, or by scrolling
// up.
function usePaused() {
	const paused = useSignal(false);
	useKeys([{ keys: "p", text: t("logs.key_pause"), run: () => (paused.value = !paused.peek()) }]);
	return paused;
}

// Flow says whether rows come, and how many wait.
function Flow({ paused, waiting, n }: { paused: Signal<boolean>; waiting: number; n: number }) {
	return (
		<>
			<Button icon={paused.value ? "play" : "pause"} pressed={paused.value} keys="p" onClick={() => (paused.value = !paused.peek())}>{t(paused.value ? "common.resume" : "common.pause")}</Button>
			{paused.value && waiting > 0
				? <Button kind="primary" onClick={() => (paused.value = false)}>{t("logs.new_rows", { n: waiting })}</Button>
				: <span class="count muted tnum">{t("logs.rows", { n })}{n >= keep ? ` · ${t("logs.kept", { n: keep })}` : ""}</span>}
		</>
	);
}

type Access = LogRow<api.AccessEntry>;

// useCarried keeps rows that are here already when the filter gets narrower: the
// box begins anew with what comes.
function useCarried(rows: readonly Access[], terms: readonly Term[]): readonly Access[] {
	const o = useRef({ key: "", terms, before: null as readonly Access[] | null, carried: [] as readonly Access[], shown: [] as readonly Access[] }).current;
	const key = JSON.stringify(terms);
	if (o.key !== key) {
		if (o.key) {
			o.carried = narrower(o.terms, terms) ? o.shown.filter((r) => !r.entry || fits(terms, r.entry)) : [];
			o.before = rows; // those of the filter before, until the box has answered
		}
		o.key = key;
		o.terms = terms;
	}
	const news = rows === o.before ? [] : rows;
	o.shown = o.carried.length > 0 ? [...o.carried, ...news].slice(-keep) : news;
	return o.shown;
}

function AccessLog() {
	const paused = usePaused();
	const query = place.value.query;
	const terms = useMemo(() => fromQuery(query), [JSON.stringify(query)]);
	const log = useLog<api.AccessEntry>("log.access", toBox(terms), keep, paused);
	const rows = useCarried(log.rows.value, terms);
	const picked = useSignal<api.AccessEntry | null>(null);
	const set = (next: readonly Term[]) => {
		batch(() => {
			paused.value = false;
			setQuery(toQuery(next));
		});
	};
	const choose = (e: MouseEvent, field: Field, value: string) => {
		e.stopPropagation();
		set(add(terms, { field, value, not: e.altKey }));
	};
	return (
		<Page
			name={t("shell.nav_logs")} actions={<Which />}
			panel={picked.value && <Entry e={picked.value} terms={terms} set={set} onClose={() => (picked.value = null)} />}
		>
			<div class="log-tools">
				<AddFilter add={(x) => set(add(terms, x))} />
				<SavedFilters query={toQuery(terms)} />
				<span class="end">
					<Flow paused={paused} waiting={log.waiting.value} n={rows.length} />
					<Export rows={rows} name="access" head={accessColumns.map((c) => c.id)} line={(e) => accessColumns.map((c) => c.text(e))} />
				</span>
				<Terms terms={terms} set={set} />
			</div>
			{log.error.value && <ErrorNotice error={log.error.value} title={t("logs.not_followed")} />}
			<div class={`log access${stale.value ? " stale" : ""}`}>
				{rows.length === 0 && !log.error.value && <Nothing filtered={terms.length > 0} clear={() => set([])} />}
				<WindowList
					n={rows.length} row={rowHeight} label={t("logs.access")} columns={accessColumns.length + 1} follow={!paused.value} left={() => (paused.value = true)}
					head={<div class="log-row log-head" role="row">{accessColumns.map((c) => <span key={c.id} role="columnheader" class={c.id}>{t(`logs.column.${c.id}`)}</span>)}<span role="columnheader" class="test"><span class="visually-hidden">{t("logs.test")}</span></span></div>}
					draw={(i) => {
						const r = rows[i];
						if (!r) return null;
						if (!r.entry) return <Gap key={i} n={r.dropped ?? 0} />;
						return <AccessRow key={i} e={r.entry} i={i} on={picked.value === r.entry} open={() => (picked.value = picked.peek() === r.entry ? null : r.entry!)} choose={choose} />;
					}}
				/>
			</div>
			<p class="muted small">{t("logs.hint")} {t("logs.begins")}</p>
		</Page>
	);
}

type AccessColumn = { id: string; field?: Field; text: (e: api.AccessEntry) => string };
const took = (s: string | undefined) => (s ? plain(format.latency(format.parseDuration(s))) : "");
const plain = (q: { value: string; unit: string }) => (q.unit ? `${q.value} ${q.unit}` : q.value);

const accessColumns: readonly AccessColumn[] = [
	{ id: "time", text: (e) => e.time },
	{ id: "status", field: "status", text: (e) => String(e.status) },
	{ id: "method", field: "method", text: (e) => e.method ?? "" },
	{ id: "host", text: (e) => e.host ?? "" },
	{ id: "path", field: "path", text: (e) => e.path ?? "" },
	{ id: "client", field: "client", text: (e) => address(e.client) },
	{ id: "cluster", field: "cluster", text: (e) => e.cluster },
	{ id: "rule", field: "rule", text: (e) => e.rule ?? "" },
	{ id: "pool", field: "pool", text: (e) => e.pool ?? "" },
	{ id: "server", field: "server", text: (e) => e.server ?? "" },
	{ id: "duration", text: (e) => took(e.duration) },
	{ id: "size", text: (e) => plain(format.bytes(e.bytes_out)) },
];

const stateOfStatus = (e: api.AccessEntry) => (e.status === 0 || e.status >= 500 ? "down" : e.status >= 400 ? "degraded" : undefined);

function AccessRow({ e, i, on, open, choose }: { e: api.AccessEntry; i: number; on: boolean; open: () => void; choose: (ev: MouseEvent, f: Field, v: string) => void }) {
	const bad = stateOfStatus(e);
	return (
		<div class="log-row" role="row" aria-rowindex={i + 2} data-edge={bad} data-on={on || undefined} onClick={open}>
			{accessColumns.map((c) => {
				const text = c.text(e);
				const field = c.field;
				return (
					<span key={c.id} role="cell" class={c.id}>
						{c.id === "time" ? <button type="button" class="cell" aria-expanded={on} title={format.moment(Date.parse(e.time))} onClick={(ev) => { ev.stopPropagation(); open(); }}>{stamp(e.time)}</button>
							: c.id === "status" ? <button type="button" class="cell" title={t("logs.cell_hint")} onClick={(ev) => choose(ev, "status", String(e.status))}>{bad && <StateIcon state={bad} />}{e.status || "–"}</button>
								: field && text ? <button type="button" class="cell" title={`${text} – ${t("logs.cell_hint")}`} onClick={(ev) => choose(ev, field, valueOf(e, field))}>{text}</button>
									: <span title={text}>{text}</span>}
					</span>
				);
			})}
			<span role="cell" class="test" onClick={(ev) => ev.stopPropagation()}>{e.method && <a class="cell" href={testLink(e)} title={t("logs.test")} aria-label={t("logs.test_row", { method: e.method, path: e.path ?? "/" })}><Icon name="tester" size={14} /></a>}</span>
		</div>
	);
}

const stamp = (at: string) => {
	const ms = Date.parse(at);
	return <>{format.clock(ms)}<span class="ms">.{String(ms % 1000).padStart(3, "0")}</span></>;
};

function Gap({ n }: { n: number }) {
	return <div class="log-row gap" role="row"><span role="cell"><Icon name="warning" />{n > 0 ? t("logs.gap", { n }) : t("logs.gap_unknown")}</span></div>;
}

function Nothing({ filtered, clear }: { filtered: boolean; clear: () => void }) {
	return (
		<div class="log-nothing">
			<strong>{t(filtered ? "logs.nothing_fits" : "logs.nothing")}</strong>
			<p class="muted">{t("logs.nothing_text")}</p>
			{filtered && <Button small onClick={clear}>{t("common.clear_filter")}</Button>}
		</div>
	);
}

function Terms({ terms, set }: { terms: readonly Term[]; set: (next: readonly Term[]) => void }) {
	if (terms.length === 0) return null;
	const turn = (x: Term) => set(terms.map((y) => (same(x, y) ? { ...y, not: !y.not } : y)));
	return (
		<ul class="terms" aria-label={t("logs.filters")}>
			{terms.map((x) => {
				const text = t(x.not ? "logs.term_not" : "logs.term", { field: t(`logs.column.${x.field}`), value: x.value });
				return (
					<li key={`${x.field} ${x.value}`} data-not={x.not || undefined}>
						<button type="button" title={t(x.not ? "logs.make_only" : "logs.make_not")} onClick={() => turn(x)}>{text}</button>
						<button type="button" aria-label={t("logs.drop_term", { term: text })} onClick={() => set(terms.filter((y) => !same(x, y)))}><Icon name="close" size={12} /></button>
					</li>
				);
			})}
			{terms.length > 1 && <li class="all"><Button small kind="quiet" onClick={() => set([])}>{t("common.clear_filter")}</Button></li>}
		</ul>
	);
}

function AddFilter({ add: put }: { add: (x: Term) => void }) {
	const field = useSignal<Field>("path");
	const value = useSignal("");
	const not = useSignal(false);
	const box = useRef<HTMLInputElement>(null);
	useKeys([{ keys: "/", text: t("common.key_filter"), run: () => box.current?.focus() }]);
	const wrong = field.value === "status" && value.value.trim() !== "" && !/^([1-9]\d\d|[1-9]xx|0)$/.test(value.value.trim());
	const send = (e: Event) => {
		e.preventDefault();
		const v = value.peek().trim();
		if (!v || wrong) return;
		put({ field: field.peek(), value: v, not: not.peek() });
		value.value = "";
	};
	return (
		<form class="add-filter" onSubmit={send}>
			<select class="input" aria-label={t("logs.field")} value={field.value} onChange={(e) => (field.value = e.currentTarget.value as Field)}>
				{fields.map((f) => <option key={f} value={f}>{t(`logs.column.${f}`)}</option>)}
			</select>
			<select class="input" aria-label={t("logs.how")} value={not.value ? "not" : "is"} onChange={(e) => (not.value = e.currentTarget.value === "not")}>
				<option value="is">{t(field.value === "path" ? "logs.contains" : "logs.is")}</option>
				<option value="not">{t(field.value === "path" ? "logs.contains_not" : "logs.is_not")}</option>
			</select>
			<input ref={box} class="input" aria-label={t("logs.value")} placeholder={t(`logs.example.${field.value}`)} value={value.value} aria-invalid={wrong ? "true" : undefined} title={wrong ? t("logs.status_wrong") : undefined} onInput={(e) => (value.value = e.currentTarget.value)} />
			<Button type="submit" icon="filter" why={wrong ? t("logs.status_wrong") : undefined}>{t("logs.add")}</Button>
		</form>
	);
}

type Kept = { name: string; query: Record<string, string> };
type Settings = { log_filters?: Kept[] };

// SavedFilters are those of the user, kept on the box.
function SavedFilters({ query }: { query: Record<string, string> }) {
	const settings = useCall("auth.settings_get", {});
	const name = useSignal("");
	const all = ((settings.data.value?.settings as Settings | undefined)?.log_filters ?? []).filter((k) => k.name && k.query);
	const write = async (change: (list: Kept[]) => Kept[]) => {
		try {
			const now = ((await call("auth.settings_get", {})).settings ?? {}) as Settings;
			await mutate("auth.settings_set", { settings: { ...now, log_filters: change(now.log_filters ?? []) } });
			settings.again();
		} catch (err) {
			toastError(err);
		}
	};
	const used = Object.fromEntries(Object.entries(query).filter(([, v]) => v));
	const any = Object.keys(used).length > 0;
	const none = toQuery([]);
	return (
		<>
			<Menu
				icon="down" kind="quiet" items={[
					...(all.length === 0 ? [{ title: t("logs.no_saved") }] : all.map((k) => ({ text: k.name, onClick: () => setQuery({ ...none, ...k.query }) }))),
					...(all.length > 0 ? ["line" as const, { title: t("logs.forget") }, ...all.map((k) => ({ text: k.name, icon: "trash" as const, onClick: () => void write((l) => l.filter((x) => x.name !== k.name)) }))] : []),
				]}
			>{t("logs.saved")}</Menu>
			{any && (
				<Popover
					kind="quiet" content={(close) => (
						<form class="form" onSubmit={(e) => { e.preventDefault(); const n = name.peek().trim(); if (!n) return; close(); void write((l) => [...l.filter((x) => x.name !== n), { name: n, query: used }].slice(-40)).then(() => toast(t("logs.filter_saved", { name: n }))); }}>
							<TextField label={t("logs.filter_name")} value={name.value} maxLength={60} onChange={(v) => (name.value = v)} />
							<Button type="submit" kind="primary">{t("logs.save_filter")}</Button>
						</form>
					)}
				>{t("logs.save_filter")}</Popover>
			)}
		</>
	);
}

// asCSV writes rows for a spreadsheet; a value must not pass for a formula.
export function asCSV(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const cell = (s: string) => `"${(/^[=+\-@\t\r]/.test(s) ? `'${s}` : s).replaceAll('"', '""')}"`;
	return [head, ...rows].map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n";
}

function Export<T>({ rows, name, head, line }: { rows: readonly LogRow<T>[]; name: string; head: readonly string[]; line: (e: T) => string[] }) {
	const entries = () => rows.flatMap((r) => (r.entry ? [r.entry] : []));
	return (
		<Menu
			icon="download" kind="quiet" label={t("logs.export")} items={[
				{ text: t("logs.export_json"), onClick: () => save(`${name}.jsonl`, "application/x-ndjson", rows.map((r) => JSON.stringify(r.entry ?? { gap: r.dropped ?? null })).join("\n") + "\n") },
				{ text: t("logs.export_csv"), onClick: () => save(`${name}.csv`, "text/csv", asCSV(head, entries().map(line))) },
			]}
		/>
	);
}

// testLink opens the rule tester with the values of a request of the log.
export function testLink(e: api.AccessEntry): string {
	return href("/tester", { cluster: e.cluster, method: e.method, url: `http://${e.host ?? ""}${e.path ?? "/"}`, fields: e.user_agent ? `User-Agent: ${e.user_agent}` : "", client: address(e.client) });
}

function Entry({ e, terms, set, onClose }: { e: api.AccessEntry; terms: readonly Term[]; set: (next: readonly Term[]) => void; onClose: () => void }) {
	const pick = (field: Field) => {
		const value = valueOf(e, field);
		if (!value) return null;
		return (
			<span class="pick">
				<Button small kind="quiet" aria-label={t("logs.only_this", { field: t(`logs.column.${field}`), value })} onClick={() => set(add(terms, { field, value, not: false }))}>{t("logs.only")}</Button>
				<Button small kind="quiet" aria-label={t("logs.not_this", { field: t(`logs.column.${field}`), value })} onClick={() => set(add(terms, { field, value, not: true }))}>{t("logs.not")}</Button>
			</span>
		);
	};
	const row = (label: string, value: ComponentChildren, field?: Field) => (value ? ([label, <span class="with-pick"><span class="value">{value}</span>{field && pick(field)}</span>] as const) : null);
	return (
		<Panel name={<>{e.method || t("logs.connection")} {e.status || ""}</>} onClose={onClose}>
			<div class="row">
				{e.method && <Button kind="primary" icon="tester" href={testLink(e)}>{t("logs.test")}</Button>}
				{e.request_id && <Button icon="copy" onClick={() => navigator.clipboard?.writeText(e.request_id!).then(() => toast(t("logs.copied")), toastError)}>{t("logs.copy_id")}</Button>}
			</div>
			<Facts
				list={[
					row(t("logs.column.time"), format.moment(Date.parse(e.time))),
					row(t("logs.column.path"), <code>{e.host}{e.path}</code>, "path"),
					row(t("logs.column.method"), e.method, "method"),
					row(t("logs.column.status"), e.status || t("logs.no_answer"), "status"),
					row(t("logs.reason"), e.reason),
					row(t("logs.column.client"), <span class="mono">{e.client}</span>, "client"),
					row(t("logs.column.cluster"), e.cluster, "cluster"),
					row(t("logs.column.rule"), e.rule, "rule"),
					row(t("logs.column.pool"), e.pool, "pool"),
					row(t("logs.column.server"), e.server, "server"),
					row(t("logs.persist"), e.persist),
					row(t("logs.retries"), e.retries),
					row(t("logs.column.duration"), took(e.duration)),
					row(t("logs.first_byte"), took(e.first_byte)),
					row(t("logs.bytes_in"), <Num q={format.bytes(e.bytes_in)} />),
					row(t("logs.bytes_out"), <Num q={format.bytes(e.bytes_out)} />),
					row(t("logs.protocol"), e.protocol),
					row(t("logs.agent"), e.user_agent),
					row(t("logs.request_id"), e.request_id && <code>{e.request_id}</code>),
					row(t("logs.generation"), String(e.generation)),
				]}
			/>
		</Panel>
	);
}

type SystemRow = api.Topics["log.system"]["data"];
const levels = ["debug", "info", "warn", "error"] as const;
const stateOfLevel = (level: string) => (level === "ERROR" ? "down" : level === "WARN" ? "degraded" : undefined);

function SystemLog() {
	const paused = usePaused();
	const level = (levels as readonly string[]).includes(place.value.query["level"] ?? "") ? place.value.query["level"]! : "info";
	const text = place.value.query["q"] ?? "";
	const log = useLog<SystemRow>("log.system", { level, ...(text ? { text: text.split(/\s+/).filter(Boolean) } : {}) }, keep, paused);
	const rows = log.rows.value;
	const box = useRef<HTMLInputElement>(null);
	const typed = useSignal(text);
	useEffect(() => {
		const timer = setTimeout(() => {
			if (typed.value === (place.peek().query["q"] ?? "")) return;
			paused.value = false;
			setQuery({ q: typed.value });
		}, 300);
		return () => clearTimeout(timer);
	}, [typed.value]);
	useKeys([{ keys: "/", text: t("common.key_filter"), run: () => box.current?.focus() }]);
	const put = (e: MouseEvent, key: string, value: string) => {
		const word = `${e.altKey ? "-" : ""}${key}=${value.replace(/\s.*$/s, "")}`;
		typed.value = [...typed.peek().split(/\s+/).filter((w) => w && w.replace(/^-/, "") !== word.replace(/^-/, "")), word].join(" ");
	};
	return (
		<Page name={t("shell.nav_logs")} actions={<Which />}>
			<div class="log-tools">
				<Choice label={t("logs.level")} value={level} options={levels.map((l) => ({ value: l, text: t(`logs.level_${l}`) }))} onChange={(v) => { paused.value = false; setQuery({ level: v === "info" ? "" : v }); }} />
				<div class="filter wide">
					<input ref={box} class="input" type="search" aria-label={t("logs.system_filter")} placeholder={t("logs.system_example")} value={typed.value} onInput={(e) => (typed.value = e.currentTarget.value)} />
				</div>
				<span class="end">
					<Flow paused={paused} waiting={log.waiting.value} n={rows.length} />
					<Export rows={rows} name="system" head={["time", "level", "message", "attributes"]} line={(e) => [e.time, e.level, e.message, (e.attrs ?? []).map((a) => `${a.key}=${a.value}`).join(" ")]} />
				</span>
			</div>
			{log.error.value && <ErrorNotice error={log.error.value} title={t("logs.not_followed")} />}
			<div class={`log system${stale.value ? " stale" : ""}`}>
				{rows.length === 0 && log.loaded.value && <Nothing filtered={Boolean(text)} clear={() => (typed.value = "")} />}
				<WindowList
					n={rows.length} row={rowHeight} label={t("logs.system")} columns={3} follow={!paused.value} left={() => (paused.value = true)}
					head={<div class="log-row log-head" role="row"><span role="columnheader" class="time">{t("logs.column.time")}</span><span role="columnheader" class="level">{t("logs.level")}</span><span role="columnheader" class="message">{t("logs.message")}</span></div>}
					draw={(i) => {
						const e = rows[i]?.entry;
						if (!e) return <Gap key={i} n={rows[i]?.dropped ?? 0} />;
						const bad = stateOfLevel(e.level);
						return (
							<div key={i} class="log-row" role="row" aria-rowindex={i + 2} data-edge={bad}>
								<span role="cell" class="time" title={format.moment(Date.parse(e.time))}>{stamp(e.time)}</span>
								<span role="cell" class="level">{bad && <StateIcon state={bad} />}{e.level}</span>
								<span role="cell" class="message" title={`${e.message} ${(e.attrs ?? []).map((a) => `${a.key}=${a.value}`).join(" ")}`}>
									<b>{e.message}</b>
									{(e.attrs ?? []).map((a) => <button key={a.key} type="button" class="cell attr" title={t("logs.cell_hint")} onClick={(ev) => put(ev, a.key, a.value)}><i>{a.key}=</i>{a.value}</button>)}
								</span>
							</div>
						);
					}}
				/>
			</div>
			<p class="muted small">{t("logs.hint_system")}</p>
		</Page>
	);
}
