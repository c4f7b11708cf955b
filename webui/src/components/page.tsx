// SPDX-License-Identifier: Apache-2.0
//
// The frame of a page: breadcrumb, title, state, actions; cards, tiles, tabs,
// the side panel and notices.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { hello } from "../session";
import { place, setQuery } from "../router";
import { t } from "../i18n";
import { Button } from "./button";
import { type IconName, Icon } from "./icons";

// title is what the browser's tab says.
export const title = signal("");

export type Crumb = { text: string; href: string };

// Page is the outermost element of every page.
export function Page({ name, crumbs = [], state, actions, panel, children }: { name: string; crumbs?: readonly Crumb[]; state?: ComponentChildren; actions?: ComponentChildren; panel?: ComponentChildren; children: ComponentChildren }) {
	useEffect(() => {
		title.value = name;
		document.title = [name, hello.value?.hostname, "Evener"].filter(Boolean).join(" · ");
	}, [name, hello.value?.hostname]);
	return (
		<>
			<header class="page-head">
				{crumbs.length > 0 && (
					<nav class="crumbs" aria-label={t("common.breadcrumb")}>
						<ol>
							{crumbs.map((c) => <li key={c.href}><a href={c.href}>{c.text}</a></li>)}
							<li aria-current="page">{name}</li>
						</ol>
					</nav>
				)}
				<h1>{name}</h1>
				{state && <div class="state">{state}</div>}
				{actions && <div class="actions">{actions}</div>}
			</header>
			{/* The same elements with and without a panel: what is inside keeps its focus and its place. */}
			<div class={panel ? "with-panel" : undefined}><div class="stack">{children}</div>{panel}</div>
		</>
	);
}

// Panel shows the details of what is selected. Escape closes it.
export function Panel({ name, onClose, children }: { name: ComponentChildren; onClose: () => void; children: ComponentChildren }) {
	const id = useId();
	const close = useRef(onClose);
	close.current = onClose;
	useEffect(() => {
		const key = (e: KeyboardEvent) => {
			if (e.key === "Escape" && !e.defaultPrevented && !document.querySelector("dialog[open], .menu")) close.current();
		};
		addEventListener("keydown", key);
		return () => removeEventListener("keydown", key);
	}, []);
	return (
		<aside class="panel" aria-labelledby={id}>
			<header><h2 id={id}>{name}</h2><Button kind="quiet" icon="close" label={t("common.close")} onClick={onClose} /></header>
			<div class="stack">{children}</div>
		</aside>
	);
}

export function Card({ name, actions, children, table }: { name?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; table?: boolean }) {
	return (
		<section class="card">
			{(name || actions) && <header>{name && <h2>{name}</h2>}{actions && <div class="actions">{actions}</div>}</header>}
			{table ? children : <div class="body">{children}</div>}
		</section>
	);
}

export function Tile({ label, value, note, href, spark }: { label: string; value: ComponentChildren; note?: ComponentChildren; href?: string; spark?: ComponentChildren }) {
	const inside = <><span class="label">{label}</span><span class="value">{value}</span>{note !== undefined && <span class="note">{note}</span>}{spark}</>;
	return href ? <a class="tile" href={href}>{inside}</a> : <div class="tile">{inside}</div>;
}

export function Facts({ list }: { list: readonly (readonly [string, ComponentChildren] | false | null | undefined)[] }) {
	return <dl class="facts">{list.map((f) => f && <><dt>{f[0]}</dt><dd>{f[1]}</dd></>)}</dl>;
}

export function Notice({ kind = "info", children, actions }: { kind?: "info" | "ok" | "warning" | "error"; children: ComponentChildren; actions?: ComponentChildren }) {
	const icon: IconName = kind === "ok" ? "check" : kind;
	return (
		<div class={`notice ${kind}`} role={kind === "error" ? "alert" : "note"}>
			<Icon name={icon} label={kind === "info" || kind === "ok" ? undefined : t(kind === "error" ? "common.error" : "common.warning")} />
			<div>{children}{actions && <div class="actions">{actions}</div>}</div>
		</div>
	);
}

export function Empty({ title: head, text, actions }: { title: string; text?: ComponentChildren; actions?: ComponentChildren }) {
	return <div class="empty"><strong>{head}</strong>{text && <p>{text}</p>}{actions && <div class="actions">{actions}</div>}</div>;
}

export type Tab = { id: string; text: string; show: () => ComponentChildren };

// Tabs keeps the chosen one in the address as ?tab=; the first is the default.
export function Tabs({ tabs, label, query = "tab" }: { tabs: readonly Tab[]; label: string; query?: string }) {
	const id = useId();
	const chosen = tabs.find((x) => x.id === place.value.query[query]) ?? tabs[0];
	const pick = (x: Tab) => setQuery({ [query]: x === tabs[0] ? "" : x.id });
	const key = (e: KeyboardEvent) => {
		const at = tabs.indexOf(chosen!);
		const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[e.key];
		if (to === undefined) return;
		e.preventDefault();
		const next = tabs.at(to % tabs.length)!;
		pick(next);
		document.getElementById(`${id}-${next.id}`)?.focus();
	};
	if (!chosen) return null;
	return (
		<div>
			<div class="tabs" role="tablist" aria-label={label} onKeyDown={key}>
				{tabs.map((x) => (
					<button key={x.id} type="button" role="tab" id={`${id}-${x.id}`} aria-selected={x === chosen} aria-controls={x === chosen ? `${id}-p` : undefined} tabIndex={x === chosen ? 0 : -1} onClick={() => pick(x)}>{x.text}</button>
				))}
			</div>
			<div role="tabpanel" id={`${id}-p`} aria-labelledby={`${id}-${chosen.id}`} class="stack" key={chosen.id}>{chosen.show()}</div>
		</div>
	);
}
