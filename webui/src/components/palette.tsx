// SPDX-License-Identifier: Apache-2.0
//
// The command palette: pages, objects of the box, and actions that pages add.
import { signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Role } from "../api";
import { t } from "../i18n";
import { useTopic } from "../live";
import { go } from "../router";
import { routes } from "../routes";
import { needs } from "./button";
import { type IconName, Icon } from "./icons";

export type Command = { text: string; kind?: string; icon?: IconName; need?: Role; run: () => void };

const open = signal(false);
const added = signal<readonly Command[]>([]);

export const openPalette = () => (open.value = true);

// useCommands offers actions in the palette while the component is on the page.
export function useCommands(list: readonly Command[], deps: readonly unknown[] = []): void {
	useEffect(() => {
		added.value = [...added.peek(), ...list];
		return () => {
			added.value = added.peek().filter((c) => !list.includes(c));
		};
	}, [...deps]);
}

// score says how well text fits what was typed: 0 is not at all.
export function score(text: string, typed: string): number {
	const a = text.toLowerCase();
	const b = typed.toLowerCase().trim();
	if (!b) return 1;
	const at = a.indexOf(b);
	if (at === 0) return 100;
	if (at > 0) return /[\s/.:-]/.test(a[at - 1]!) ? 80 : 60;
	let i = 0;
	for (const c of a) if (c === b[i]) i++;
	return i === b.length ? 20 : 0;
}

export function Palette() {
	return open.value ? <Open /> : null;
}

function useAll(): readonly Command[] {
	const clusters = useTopic("state.clusters");
	const pools = useTopic("state.pools");
	const has = (page: string) => routes.some((r) => r.page === page);
	return useComputed(() => {
		const to = (path: string) => () => go(path);
		const list: Command[] = [...added.value];
		for (const r of routes) if (r.nav) list.push({ text: t(`shell.nav_${r.page}`), kind: t("shell.kind_page"), icon: r.nav.icon, run: to(r.path) });
		if (has("cluster")) for (const c of clusters.keys.value) list.push({ text: c, kind: t("shell.kind_cluster"), icon: "cluster", run: to(`/clusters/${encodeURIComponent(c)}`) });
		if (has("pool")) {
			for (const p of pools.keys.value) {
				list.push({ text: p, kind: t("shell.kind_pool"), icon: "pool", run: to(`/pools/${encodeURIComponent(p)}`) });
				for (const m of pools.get(p)?.value.members ?? []) {
					list.push({ text: `${p}/${m}`, kind: t("shell.kind_server"), icon: "server", run: to(`/pools/${encodeURIComponent(p)}?server=${encodeURIComponent(m)}`) });
				}
			}
		}
		return list;
	}).value;
}

function Open() {
	const box = useRef<HTMLDialogElement>(null);
	const typed = useSignal("");
	const at = useSignal(0);
	const id = useId();
	const all = useAll();
	const close = () => (open.value = false);
	const found = all
		.map((c) => ({ c, s: Math.max(score(c.text, typed.value), typed.value ? score(c.kind ?? "", typed.value) / 2 : 0) }))
		.filter((x) => x.s > 0)
		.sort((a, b) => b.s - a.s)
		.slice(0, 50)
		.map((x) => x.c);
	// Before the next key is typed.
	useLayoutEffect(() => {
		box.current?.showModal();
		return () => box.current?.close();
	}, []);
	useEffect(() => box.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" }), [at.value]);
	const run = (c: Command | undefined) => {
		if (!c || needs(c.need)) return;
		close();
		c.run();
	};
	const key = (e: KeyboardEvent) => {
		if (e.isComposing) return;
		const n = found.length;
		if (e.key === "Enter") run(found[at.peek()]);
		else if (e.key === "ArrowDown" && n) at.value = (at.peek() + 1) % n;
		else if (e.key === "ArrowUp" && n) at.value = (at.peek() + n - 1) % n;
		else return;
		e.preventDefault();
	};
	return (
		<dialog ref={box} class="palette" aria-label={t("shell.find")} onCancel={(e) => { e.preventDefault(); close(); }} onClick={(e) => e.target === box.current && close()}>
			<input
				type="text" role="combobox" aria-expanded="true" aria-controls={id} aria-activedescendant={found[at.value] ? `${id}-${at.value}` : undefined}
				aria-label={t("shell.find")} placeholder={t("shell.find_hint")} value={typed.value} autocomplete="off" spellcheck={false}
				onInput={(e) => { typed.value = e.currentTarget.value; at.value = 0; }} onKeyDown={key}
			/>
			{found.length === 0 && <p class="none">{t("common.nothing_matches", { text: typed.value })}</p>}
			<ul role="listbox" id={id} aria-label={t("shell.find")} hidden={found.length === 0}>
				{found.map((c, i) => (
					<li key={`${c.kind}${c.text}`} id={`${id}-${i}`} role="option" aria-selected={i === at.value} aria-disabled={needs(c.need) ? "true" : undefined} onPointerMove={() => (at.value = i)} onClick={() => run(c)}>
						{c.icon && <Icon name={c.icon} />}<span>{c.text}</span><small>{needs(c.need) || c.kind}</small>
					</li>
				))}
			</ul>
		</dialog>
	);
}
