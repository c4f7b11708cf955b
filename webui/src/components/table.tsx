// SPDX-License-Identifier: Apache-2.0
//
// Tables of live objects. Cells follow their object's signal one by one; rows
// move only when somebody sorts or filters, never under the pointer.
import { batch, computed, type ReadonlySignal, type Signal, signal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { clock, compare } from "../format";
import { t } from "../i18n";
import { useKeys } from "../keys";
import { type Source, stale } from "../live";
import { place, setQuery } from "../router";
import { Code } from "../wire";
import { Button } from "./button";
import { ErrorNotice, errorText } from "./errors";
import { Icon } from "./icons";
import { Menu } from "./menu";
import type { State } from "./status";

export type Column<T> = {
	id: string;
	head: string;
	cell: (row: T) => ComponentChildren;
	// What the column is sorted by and filtered in; without it, neither.
	by?: (row: T) => string | number;
	num?: boolean; // numbers: at the end, tabular
	wrap?: boolean; // long text
	hidden?: boolean; // shown only when chosen
};

export type TableProps<T> = {
	name: string; // unique on the page; the query's prefix unless it is the only table
	caption: string; // for screen readers
	source: Source<T>;
	columns: readonly Column<T>[];
	empty: { title: string; text?: string; actions?: ComponentChildren };
	query?: string; // prefix of the members of the address; "" for the main table
	edge?: (row: T) => State | undefined; // colour of the left edge
	problem?: (row: T) => boolean; // offers "only problems"
	open?: (row: T, key: string) => void; // Enter or a click on the row
	opened?: string; // key of the row in the side panel
	bulk?: (keys: readonly string[], clear: () => void) => ComponentChildren; // offers selection
	actions?: (row: T, key: string) => ComponentChildren; // last column
	tools?: ComponentChildren; // beside the filter
	sort?: string; // column id, "-id" for descending
	paging?: number;
	noFilter?: boolean;
	retry?: () => void;
};

const perPage = 200;

export function Table<T>(p: TableProps<T>) {
	const pre = p.query ?? "";
	const member = (name: string) => (pre ? `${pre}.${name}` : name);
	const q = useComputed(() => place.value.query[member("q")] ?? "");
	const onlyBad = useComputed(() => place.value.query[member("problems")] === "1");
	const sort = useComputed(() => place.value.query[member("sort")] ?? p.sort ?? "");
	const still = !p.bulk && !p.actions && p.columns.every((c) => !c.by); // nothing in it takes the focus: it must, to scroll by keys
	const page = useSignal(0);
	const picked = useSignal<ReadonlySet<string>>(new Set());
	const shownColumns = useSignal<ReadonlySet<string> | null>(null);
	const columns = p.columns.filter((c) => (shownColumns.value ? shownColumns.value.has(c.id) : !c.hidden));
	const order = useOrder(p, sort);
	const visible = useVisible(p, order, q, onlyBad);
	const root = useRef<HTMLDivElement>(null);

	const size = p.paging ?? perPage;
	const pages = Math.max(1, Math.ceil(visible.value.length / size));
	const at = Math.min(page.value, pages - 1);
	const rows = visible.value.slice(at * size, (at + 1) * size);
	const total = p.source.keys.value.length;
	const chosen = [...picked.value].filter((k) => p.source.get(k));
	useTableKeys(p, root, picked);

	const setSort = (id: string) => {
		setQuery({ [member("sort")]: sort.peek() === id ? `-${id}` : id });
		order.again();
	};
	const clear = () => (picked.value = new Set());
	const wanted = q.value || onlyBad.value;
	return (
		<div ref={root} data-table={p.name}>
			<Tools {...{ p, member, q, onlyBad, shownColumns, total, shown: visible.value.length }} />
			{p.bulk && chosen.length > 0 && (
				<div class="bulk" role="region" aria-label={t("common.selection")}>
					<strong>{t("common.selected", { n: chosen.length })}</strong>
					{p.bulk(chosen, clear)}
					<Button small kind="quiet" onClick={clear}>{t("common.clear_selection")}</Button>
				</div>
			)}
			{p.source.error.value && p.source.loaded.value && <ErrorNotice error={p.source.error.value} retry={p.retry} />}
			<div class={`table-wrap sticky${stale.value ? " stale" : ""}`}>
				<div class="table-scroll" tabIndex={rows.length === 0 ? -1 : still ? 0 : undefined}>
					<table class="table">
						<caption class="visually-hidden">{p.caption}</caption>
						<thead>
							<tr>
								{p.bulk && <th class="pick" scope="col"><PickAll rows={rows} picked={picked} /></th>}
								{columns.map((c) => <Head key={c.id} column={c} sort={sort.value} onSort={setSort} />)}
								{p.actions && <th scope="col"><span class="visually-hidden">{t("common.actions")}</span></th>}
							</tr>
						</thead>
						<tbody>
							{rows.map((k) => {
								const row = p.source.get(k);
								return row && <Row key={k} id={k} row={row} columns={columns} p={p} picked={picked} opened={p.opened === k} />;
							})}
						</tbody>
					</table>
				</div>
				{rows.length === 0 && <Nothing p={p} wanted={Boolean(wanted)} q={q.value} clear={() => setQuery({ [member("q")]: "", [member("problems")]: "" })} />}
				{(pages > 1 || (p.source.total && p.source.total.value > total)) && (
					<div class="table-foot">
						{pages > 1 && <>
							<Button small icon="left" label={t("common.page_before")} why={at === 0 ? t("common.first_page") : undefined} onClick={() => (page.value = at - 1)} />
							<span class="tnum">{t("common.page_of", { n: at + 1, all: pages })}</span>
							<Button small icon="right" label={t("common.page_after")} why={at === pages - 1 ? t("common.last_page") : undefined} onClick={() => (page.value = at + 1)} />
						</>}
						{p.source.total && p.source.total.value > total && <span>{t("common.too_many", { n: total, all: p.source.total.value })}</span>}
					</div>
				)}
			</div>
		</div>
	);
}

type Order = { readonly keys: ReadonlySignal<readonly string[]>; again: () => void };

// useOrder sorts when somebody asks for it. Rows that come later stand at the
// end until the next time.
function useOrder<T>(p: TableProps<T>, sort: ReadonlySignal<string>): Order {
	const columns = useRef(p.columns);
	columns.current = p.columns;
	return useMemo(() => {
		const turn = signal(0);
		let last: readonly string[] = [];
		let lastSort = "\0";
		const keys = computed(() => {
			const how = `${sort.value} ${turn.value}`;
			const all = p.source.keys.value;
			if (how === lastSort && last.length > 0) {
				const have = new Set(all);
				const old = last.filter((k) => have.has(k));
				const known = new Set(old);
				last = [...old, ...all.filter((k) => !known.has(k))];
				return last;
			}
			lastSort = how;
			const id = sort.value.replace(/^-/, "");
			const by = columns.current.find((c) => c.id === id)?.by;
			if (!by) return (last = all);
			const value = (k: string) => by(p.source.get(k)!.peek());
			const sign = sort.value.startsWith("-") ? -1 : 1;
			last = [...all].sort((a, b) => {
				const [x, y] = [value(a), value(b)];
				return sign * (typeof x === "number" && typeof y === "number" ? x - y : compare(String(x), String(y)));
			});
			return last;
		});
		return { keys, again: () => turn.value++ };
	}, [p.source]);
}

// useVisible filters. The result keeps its identity while it holds the same
// keys, so that a tick of numbers draws no table anew.
function useVisible<T>(p: TableProps<T>, order: Order, q: ReadonlySignal<string>, onlyBad: ReadonlySignal<boolean>): ReadonlySignal<readonly string[]> {
	const now = useRef(p);
	now.current = p;
	return useMemo(() => {
		let last: readonly string[] = [];
		return computed(() => {
			const words = q.value.toLowerCase().split(/\s+/).filter(Boolean);
			const bad = onlyBad.value ? now.current.problem : undefined;
			const keep = (k: string) => {
				const row = p.source.get(k)?.value;
				if (row === undefined || (bad && !bad(row))) return false;
				if (words.length === 0) return true;
				const text = now.current.columns.map((c) => c.by?.(row) ?? "").join(" ").toLowerCase();
				return words.every((w) => (w.startsWith("-") && w.length > 1 ? !text.includes(w.slice(1)) : text.includes(w)));
			};
			const next = words.length === 0 && !bad ? order.keys.value : order.keys.value.filter(keep);
			if (next.length === last.length && next.every((k, i) => k === last[i])) return last;
			return (last = next);
		});
	}, [p.source, order]);
}

type Picked = Signal<ReadonlySet<string>>;

function Tools<T>({ p, member, q, onlyBad, shownColumns, total, shown }: { p: TableProps<T>; member: (n: string) => string; q: ReadonlySignal<string>; onlyBad: ReadonlySignal<boolean>; shownColumns: Signal<ReadonlySet<string> | null>; total: number; shown: number }) {
	const choosable = p.columns.some((c) => c.hidden);
	const set = shownColumns.value ?? new Set(p.columns.filter((c) => !c.hidden).map((c) => c.id));
	const toggle = (id: string) => {
		const next = new Set(set);
		if (!next.delete(id)) next.add(id);
		shownColumns.value = next;
	};
	const nothing = p.source.loaded.value && total === 0 && !q.value && !onlyBad.value;
	if ((p.noFilter || nothing) && !p.tools && (nothing || !choosable) && !stale.value) return null;
	return (
		<div class="table-tools">
			{!p.noFilter && !nothing && (
				<div class="filter">
					<Icon name="search" />
					<input
						class="input" type="search" placeholder={t("common.filter")} aria-label={t("common.filter_label", { name: p.caption })} value={q.value}
						onInput={(e) => setQuery({ [member("q")]: e.currentTarget.value })}
						onKeyDown={(e) => { if (e.key === "Escape") { setQuery({ [member("q")]: "" }); e.currentTarget.blur(); } }}
					/>
					<kbd aria-hidden="true">/</kbd>
				</div>
			)}
			{p.problem && !nothing && <Button pressed={onlyBad.value} icon="warning" onClick={() => setQuery({ [member("problems")]: onlyBad.peek() ? "" : "1" })}>{t("common.only_problems")}</Button>}
			{p.source.loaded.value && !nothing && <span class="count tnum">{shown === total ? t("common.rows", { n: total }) : t("common.rows_of", { n: shown, all: total })}</span>}
			{stale.value && p.source.updated.value > 0 && <span class="stale-note"><Icon name="warning" />{t("common.last_update", { time: clock(p.source.updated.value) })}</span>}
			<span class="end">
				{p.tools}
				{choosable && !nothing && <Menu icon="columns" label={t("common.columns")} kind="quiet" items={p.columns.map((c) => ({ text: c.head, checked: set.has(c.id), onClick: () => toggle(c.id) }))} />}
			</span>
		</div>
	);
}

function Head<T>({ column: c, sort, onSort }: { column: Column<T>; sort: string; onSort: (id: string) => void }) {
	const is = sort === c.id ? "ascending" : sort === `-${c.id}` ? "descending" : undefined;
	return (
		<th scope="col" class={c.num ? "num" : undefined} aria-sort={is}>
			{c.by ? <button type="button" onClick={() => onSort(c.id)}>{c.head}<Icon name={is === "descending" ? "down" : "up"} /></button> : c.head}
		</th>
	);
}

function PickAll({ rows, picked }: { rows: readonly string[]; picked: Picked }) {
	const some = rows.some((k) => picked.value.has(k));
	const all = some && rows.every((k) => picked.value.has(k));
	const box = useRef<HTMLInputElement>(null);
	useEffect(() => {
		if (box.current) box.current.indeterminate = some && !all;
	});
	return <input ref={box} type="checkbox" aria-label={t("common.select_all")} checked={all} onChange={() => (picked.value = new Set(all ? [] : rows))} />;
}

function toggle(picked: Picked, key: string): void {
	const next = new Set(picked.peek());
	if (!next.delete(key)) next.add(key);
	picked.value = next;
}

function Row<T>({ id, row, columns, p, picked, opened }: { id: string; row: ReadonlySignal<T>; columns: readonly Column<T>[]; p: TableProps<T>; picked: Picked; opened: boolean }) {
	const selected = useComputed(() => picked.value.has(id));
	const edge = useMemo(() => computed(() => p.edge?.(row.value)), [row]);
	const click = (e: MouseEvent) => {
		if ((e.target as Element).closest("a, button, input, select, label") || getSelection()?.toString()) return;
		p.open?.(row.peek(), id);
	};
	return (
		<tr data-key={id} data-edge={edge.value} data-open={opened || undefined} tabIndex={-1} aria-selected={p.bulk ? selected.value : undefined} style={p.open ? { cursor: "pointer" } : undefined} onClick={click}>
			{p.bulk && <td class="pick"><input type="checkbox" aria-label={t("common.select", { name: id })} checked={selected.value} onChange={() => toggle(picked, id)} /></td>}
			{columns.map((c, i) => <Cell key={c.id} row={row} column={c} first={i === 0} edge={Boolean(p.edge)} />)}
			{p.actions && <td class="acts"><Acts row={row} id={id} show={p.actions} /></td>}
		</tr>
	);
}

function Cell<T>({ row, column, first, edge }: { row: ReadonlySignal<T>; column: Column<T>; first: boolean; edge: boolean }) {
	const latest = useRef(column);
	const changed = latest.current !== column;
	latest.current = column;
	const v = useMemo(() => computed(() => latest.current.cell(row.value)), [row, changed ? column : null]);
	const classes = [column.num && "num", column.wrap && "wrap", first && edge && "edge"].filter(Boolean).join(" ") || undefined;
	return first ? <th scope="row" class={classes}>{v.value}</th> : <td class={classes}>{v.value}</td>;
}

function Acts<T>({ row, id, show }: { row: ReadonlySignal<T>; id: string; show: (row: T, key: string) => ComponentChildren }) {
	return <>{show(row.value, id)}</>;
}

// Nothing says why there are no rows.
function Nothing<T>({ p, wanted, q, clear }: { p: TableProps<T>; wanted: boolean; q: string; clear: () => void }) {
	const error = p.source.error.value;
	if (error && !p.source.loaded.value) {
		if (error.code === Code.forbidden) {
			return <div class="empty"><Icon name="lock" size={24} /><strong>{t("common.forbidden")}</strong><p>{errorText(error)}</p></div>;
		}
		return <div style={{ padding: "16px" }}><ErrorNotice error={error} title={t("common.not_loaded", { name: p.caption })} retry={p.retry} /></div>;
	}
	if (!p.source.loaded.value) return <Skeleton />;
	if (wanted && p.source.keys.value.length > 0) {
		return (
			<div class="empty">
				<strong>{q ? t("common.nothing_matches", { text: q }) : t("common.no_problems")}</strong>
				<div class="actions"><Button onClick={clear}>{t("common.clear_filter")}</Button></div>
			</div>
		);
	}
	return (
		<div class="empty">
			<strong>{p.empty.title}</strong>
			{p.empty.text && <p>{p.empty.text}</p>}
			{p.empty.actions && <div class="actions">{p.empty.actions}</div>}
		</div>
	);
}

// Skeleton appears only when loading takes longer than 300 ms.
export function Skeleton({ rows = 5 }: { rows?: number }) {
	const late = useSignal(false);
	useEffect(() => {
		const timer = setTimeout(() => (late.value = true), 300);
		return () => clearTimeout(timer);
	}, []);
	if (!late.value) return <div style={{ height: `${rows * 32}px` }} aria-busy="true" />;
	return (
		<div role="status" aria-busy="true" style={{ padding: "12px", display: "grid", gap: "22px" }}>
			<span class="visually-hidden">{t("common.loading")}</span>
			{Array.from({ length: rows }, (_, i) => <div key={i} class="skeleton" style={{ width: `${90 - ((i * 17) % 45)}%` }} />)}
		</div>
	);
}

// useTableKeys moves between rows: j and k, x to select, Enter to open, / for
// the filter. They work on the table that has the focus, else on the first.
function useTableKeys<T>(p: TableProps<T>, root: { current: HTMLDivElement | null }, picked: Picked): void {
	const now = useRef(p);
	now.current = p;
	const rows = () => [...(root.current?.querySelectorAll<HTMLElement>("tbody tr[data-key]") ?? [])];
	const current = () => (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("tr[data-key]") ?? null;
	const step = (by: number) => {
		const all = rows();
		const here = current();
		const at = here ? all.indexOf(here) : -1;
		all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
	};
	useKeys([
		{ keys: "/", text: t("common.key_filter"), run: () => root.current?.querySelector<HTMLElement>("input[type=search]")?.focus() },
		{ keys: "j", text: t("common.key_next"), run: () => step(1) },
		{ keys: "k", text: t("common.key_before"), run: () => step(-1) },
		{
			keys: "x", text: t("common.key_select"),
			run: () => {
				const key = current()?.dataset["key"];
				if (key && now.current.bulk) batch(() => toggle(picked, key));
			},
		},
	]);
	useEffect(() => {
		const el = root.current;
		const enter = (e: KeyboardEvent) => {
			const row = e.target as HTMLElement;
			const key = row.dataset?.["key"];
			const value = key ? now.current.source.get(key)?.peek() : undefined;
			if (e.key !== "Enter" || !key || value === undefined) return;
			if (now.current.open) now.current.open(value, key);
			else row.querySelector<HTMLElement>("a")?.click();
		};
		el?.addEventListener("keydown", enter);
		return () => el?.removeEventListener("keydown", enter);
	}, []);
}

