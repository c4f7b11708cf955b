// SPDX-License-Identifier: Apache-2.0
//
// The topology: how clients' requests go through the box, in four fixed
// columns. Nothing moves but numbers and the width of edges. The tree shows the
// same as a table, and is what narrow windows get.
import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Drains, openDrain } from "../components/drain";
import { edgeFlow, type Flow, flowOf, memberState, type Sources, useHits } from "../components/flow";
import { build, choose, curve, type Graph, type GraphEdge, type GraphNode, type Layout, layout, order, otherwise, thickness } from "../components/graph";
import { objectHref } from "../components/object";
import { Button, Choice, Count, Empty, ErrorNotice, Facts, format, HealthBar, href, Icon, type IconName, Latency, mutate, Page, type PageProps, Panel, Percent, place, Rate, say, setQuery, Since, Skeleton, stale, StateIcon, Status, t, toast, toastError, useTopic } from "../kit";

const narrowest = 620;

const icons: Record<GraphNode["kind"], IconName> = { cluster: "cluster", rule: "rules", pool: "pool", responder: "responder", server: "server", group: "server" };

export const nameOf = (n: GraphNode) => (n.kind === "rule" && n.name === otherwise ? t("topology.otherwise") : n.kind === "group" ? t("topology.group", { n: n.members?.length ?? 0 }) : n.name);
const kindOf = (n: GraphNode) => (n.nth ? `${t("topology.kind.rule")} ${n.nth}` : t(`topology.kind.${n.kind}`));
const read = (q: { value: string; unit: string }) => (q.unit ? `${q.value} ${q.unit}` : q.value);
const word = (f: Flow) => t(`common.state.${f.state}`);

// numbers writes what a node or an edge does in a line.
function numbers(f: Flow): string {
	return [f.rate === undefined ? "" : read(format.rate(f.rate)), f.p95 === undefined ? "" : read(format.latency(f.p95)), f.errors ? t("topology.errors", { share: read(format.percent(f.errors)) }) : ""].filter(Boolean).join(" · ");
}

export default function Topology(_: PageProps) {
	const clusters = useTopic("state.clusters");
	const rules = useTopic("state.rules");
	const pools = useTopic("state.pools");
	const members = useTopic("state.members");
	const hits = useHits(rules);
	const s = useMemo<Sources>(() => ({ clusters, rules, pools, members, hits }), [clusters, rules, pools, members]);
	const q = place.value.query;
	const width = useSignal(0);
	const frame = useRef<HTMLDivElement>(null);
	const all = useWhole(s);
	const bad = useComputed(() => (place.value.query["problems"] === "1" ? all.value.nodes.filter((n) => !["up", "spare"].includes(flowOf(n, s).state)).map((n) => n.id).join("\n") : ""));
	const graph = useComputed(() => {
		const p = place.value.query;
		const ids = new Set(bad.value.split("\n"));
		return choose(all.value, { ...(p["cluster"] ? { cluster: p["cluster"] } : {}), ...(p["q"] ? { name: p["q"] } : {}), ...(p["problems"] === "1" ? { bad: (n: GraphNode) => ids.has(n.id) } : {}) });
	});
	useEffect(() => {
		const el = frame.current;
		if (!el) return;
		const fit = new ResizeObserver(() => (width.value = el.clientWidth));
		fit.observe(el);
		return () => fit.disconnect();
	}, []);
	const loaded = clusters.loaded.value && pools.loaded.value && members.loaded.value && rules.loaded.value;
	const error = [clusters, pools, members, rules].map((x) => x.error.value).find(Boolean);
	const selected = all.value.nodes.find((n) => n.id === q["select"]);
	const table = q["view"] === "table" || (width.value > 0 && width.value < narrowest);
	return (
		<Page
			name={t("shell.nav_topology")}
			actions={<Choice label={t("topology.view")} value={q["view"] === "table" ? "table" : "graph"} options={[{ value: "graph", text: t("topology.view_graph") }, { value: "table", text: t("topology.view_table") }]} onChange={(v) => setQuery({ view: v === "table" ? v : "" })} />}
			panel={selected && <Details node={selected} s={s} onClose={() => setQuery({ select: "" })} />}
		>
			{error && <ErrorNotice error={error} title={loaded ? undefined : t("common.not_loaded", { name: t("shell.nav_topology") })} />}
			<Filters clusters={clusters.keys.value} shown={graph.value.nodes.length} total={all.value.nodes.length} />
			<div ref={frame} class={stale.value ? "stale" : undefined}>
				{!loaded ? !error && <Skeleton rows={8} /> : clusters.keys.value.length === 0 ? (
					<div class="card"><Empty title={t("topology.empty")} text={t("topology.empty_text")} actions={<Button kind="primary" need="editor" href="/wizard">{t("topology.empty_act")}</Button>} /></div>
				) : graph.value.nodes.length === 0 ? (
					<div class="card"><Empty title={q["problems"] === "1" && !q["q"] ? t("common.no_problems") : t("common.nothing_matches", { text: q["q"] ?? q["cluster"] ?? "" })} actions={<Button onClick={() => setQuery({ q: "", problems: "", cluster: "" })}>{t("common.clear_filter")}</Button>} /></div>
				) : table ? <Tree graph={graph.value} s={s} /> : width.value > 0 && <Picture graph={graph.value} s={s} width={width.value} />}
			</div>
			<Drains />
		</Page>
	);
}

// useWhole is the graph of all that there is. It changes only when something
// comes, goes or leads elsewhere.
function useWhole(s: Sources): ReadonlySignal<Graph> {
	const text = useComputed(() =>
		JSON.stringify({
			clusters: s.clusters.keys.value.map((k) => s.clusters.get(k)!.value).map((c) => ({ name: c.name, pool: c.pool })),
			rules: s.rules.keys.value.map((k) => s.rules.get(k)!.value).sort((a, b) => a.position - b.position).map((r) => ({ cluster: r.cluster, name: r.name, pool: r.pool, responder: r.responder })),
			pools: s.pools.keys.value.map((k) => s.pools.get(k)!.value).map((p) => ({ name: p.name, members: p.members })),
		}),
	);
	return useComputed(() => build(JSON.parse(text.value)));
}

function Filters({ clusters, shown, total }: { clusters: readonly string[]; shown: number; total: number }) {
	const q = place.value.query;
	const only = q["problems"] === "1";
	return (
		<div class="table-tools" style={{ margin: 0 }}>
			<div class="filter">
				<Icon name="search" />
				<input class="input" type="search" placeholder={t("common.filter")} aria-label={t("common.filter_label", { name: t("shell.nav_topology") })} value={q["q"] ?? ""} onInput={(e) => setQuery({ q: e.currentTarget.value })} />
			</div>
			<select class="input topology-cluster" aria-label={t("topology.one_cluster")} value={q["cluster"] ?? ""} onChange={(e) => setQuery({ cluster: e.currentTarget.value })}>
				<option value="">{t("topology.all_clusters")}</option>
				{clusters.map((c) => <option key={c} value={c}>{c}</option>)}
			</select>
			<Button pressed={only} icon="warning" onClick={() => setQuery({ problems: only ? "" : "1" })}>{t("topology.only_unhealthy")}</Button>
			{shown !== total && <span class="count tnum">{t("topology.shown", { n: shown, all: total })}</span>}
		</div>
	);
}

function Picture({ graph, s, width }: { graph: Graph; s: Sources; width: number }) {
	const active = useSignal("");
	const columns = useMemo(() => order(graph), [graph]);
	const plan = useMemo(() => layout(columns, width), [columns, width]);
	const nodes = useMemo(() => new Map(graph.nodes.map((n) => [n.id, n])), [graph]);
	const root = useRef<HTMLDivElement>(null);
	const selected = place.value.query["select"] ?? "";
	const first = nodes.has(selected) ? selected : (columns.find((c) => c.length)?.[0] ?? "");
	const focused = useSignal("");
	const tab = nodes.has(focused.value) ? focused.value : first;
	const at = active.value || (nodes.has(selected) ? selected : "");
	const move = (e: KeyboardEvent) => {
		const here = nodes.get(tab);
		if (!here) return;
		const list = columns[here.column]!;
		const i = list.indexOf(here.id);
		const side = (right: boolean) => graph.edges.find((x) => (right ? x.from : x.to) === here.id);
		const to = { ArrowUp: list[i - 1], ArrowDown: list[i + 1], Home: list[0], End: list.at(-1), ArrowRight: side(true)?.to, ArrowLeft: side(false)?.from }[e.key];
		if (!to) return;
		e.preventDefault();
		focused.value = to;
		root.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(to)}"]`)?.focus();
	};
	const heads = [t("topology.column_cluster"), t("topology.column_rule"), t("topology.column_pool"), t("topology.column_server")];
	return (
		<div class="topology-scroll">
			<div class="topology" ref={root} style={{ height: `${plan.height}px`, width: `${width}px` }} role="group" aria-label={t("topology.label")} aria-description={t("topology.hint")} onKeyDown={move} data-active={at ? "" : undefined}>
				{heads.map((h, c) => <span key={h} class="head" aria-hidden="true" style={{ left: `${plan.x[c]}px`, width: `${plan.w}px` }}>{h}</span>)}
				<svg width={width} height={plan.height} role="list" aria-label={t("topology.edges")}>
					{graph.edges.map((e) => <Edge key={e.id} e={e} nodes={nodes} plan={plan} s={s} at={at} />)}
				</svg>
				{graph.edges.filter((e) => e.from === at || e.to === at).map((e) => <EdgeNumbers key={e.id} e={e} nodes={nodes} plan={plan} s={s} after={e.from === at} />)}
				{graph.nodes.map((n) => <Node key={n.id} n={n} plan={plan} s={s} active={active} focused={focused} tab={tab === n.id} selected={selected === n.id} near={!at || at === n.id || graph.edges.some((e) => (e.from === at && e.to === n.id) || (e.to === at && e.from === n.id))} />)}
			</div>
		</div>
	);
}

function useFlow(make: () => Flow): Flow {
	const text = useComputed(() => JSON.stringify(make()));
	return JSON.parse(text.value) as Flow;
}

type Nodes = ReadonlyMap<string, GraphNode>;

function Edge({ e, nodes, plan, s, at }: { e: GraphEdge; nodes: Nodes; plan: Layout; s: Sources; at: string }) {
	const f = useFlow(() => edgeFlow(e, nodes, s));
	const [from, to] = [nodes.get(e.from)!, nodes.get(e.to)!];
	const name = t("topology.edge", { from: `${kindOf(from)} ${nameOf(from)}`, to: `${kindOf(to)} ${nameOf(to)}`, numbers: numbers(f) || t("topology.no_rate"), state: word(f) });
	return (
		<g role="listitem" aria-label={name} class={`edge st-${f.state}`} data-on={at === e.from || at === e.to || undefined}>
			<path d={curve(plan.at.get(e.from)!, plan.at.get(e.to)!)} fill="none" stroke="currentColor" style={{ strokeWidth: `${thickness(f.rate).toFixed(1)}px` }} />
		</g>
	);
}

// EdgeNumbers stand at the end where edges do not meet.
function EdgeNumbers({ e, nodes, plan, s, after }: { e: GraphEdge; nodes: Nodes; plan: Layout; s: Sources; after: boolean }) {
	const f = useFlow(() => edgeFlow(e, nodes, s));
	const [a, b] = [plan.at.get(e.from)!, plan.at.get(e.to)!];
	const text = f.rate === undefined ? "" : read(format.rate(f.rate));
	if (!text) return null;
	const y = after ? b.y + b.h / 2 : a.y + a.h / 2;
	return <span class="edge-numbers tnum" aria-hidden="true" data-side={after ? "end" : "start"} style={{ top: `${y}px`, left: `${after ? b.x - 6 : a.x + a.w + 6}px` }}>{text}</span>;
}

function Node({ n, plan, s, active, focused, tab, selected, near }: { n: GraphNode; plan: Layout; s: Sources; active: Signal<string>; focused: Signal<string>; tab: boolean; selected: boolean; near: boolean }) {
	const f = useFlow(() => flowOf(n, s));
	const at = plan.at.get(n.id)!;
	const name = nameOf(n);
	const line = numbers(f);
	return (
		<button
			type="button" class="node" data-id={n.id} data-state={f.state} data-near={near || undefined} aria-pressed={selected} tabIndex={tab ? 0 : -1} title={name}
			aria-label={t("topology.node", { name: `${kindOf(n)} ${name}`, state: f.counts ? countsText(f) : word(f), numbers: line || t("topology.no_rate") })}
			style={{ left: `${at.x}px`, top: `${at.y}px`, width: `${at.w}px`, height: `${at.h}px` }}
			onMouseEnter={() => (active.value = n.id)} onMouseLeave={() => (active.value = "")}
			onFocus={() => { focused.value = n.id; active.value = n.id; }} onBlur={() => (active.value = "")}
			onClick={() => setQuery({ select: selected ? "" : n.id })}
		>
			<StateIcon state={f.state} />
			<span class="two">
				<b class={n.kind === "rule" && n.name === otherwise ? "soft" : undefined}>{<Nth n={n} />}{name}</b>
				{f.counts ? <span class="counts"><HealthBar counts={f.counts} /><small>{countsText(f)}</small></span> : <small class="tnum">{line || t(`topology.kind.${n.kind}`)}</small>}
			</span>
		</button>
	);
}

// Nth is when a rule is tried, seen; what is read aloud has it in its kind.
const Nth = ({ n }: { n: GraphNode }) => (n.nth ? <span class="topology-nth" aria-hidden="true">{n.nth}</span> : null);

function countsText(f: Flow): string {
	return Object.entries(f.counts ?? {}).map(([k, n]) => `${n} ${t(`common.state.${k}`)}`).join(" / ");
}

// Tree is the graph as an indented table. What several lead to stands below
// each of them.
function Tree({ graph, s }: { graph: Graph; s: Sources }) {
	const shut = useSignal<ReadonlySet<string>>(new Set());
	const nodes = new Map(graph.nodes.map((n) => [n.id, n]));
	const below = (id: string) => graph.edges.filter((e) => e.from === id);
	const rows: { key: string; n: GraphNode; e: GraphEdge | undefined; level: number; kids: number }[] = [];
	const walk = (n: GraphNode, e: GraphEdge | undefined, level: number, way: string) => {
		const key = `${way}/${n.id}`;
		const kids = below(n.id);
		rows.push({ key, n, e, level, kids: kids.length });
		if (!shut.value.has(key)) for (const k of kids) walk(nodes.get(k.to)!, k, level + 1, key);
	};
	const roots = graph.nodes.filter((n) => !graph.edges.some((e) => e.to === n.id));
	for (const n of roots) walk(n, undefined, 1, "");
	const toggle = (key: string) => {
		const next = new Set(shut.peek());
		if (!next.delete(key)) next.add(key);
		shut.value = next;
	};
	return (
		<div class="table-wrap">
			<div class="table-scroll" tabIndex={0} role="region" aria-label={t("topology.label")}>
				<table class="table topology-tree">
					<caption class="visually-hidden">{t("topology.label")}</caption>
					<thead><tr><th scope="col">{t("topology.name")}</th><th scope="col">{t("topology.state")}</th><th scope="col" class="num">{t("topology.rate")}</th><th scope="col" class="num">{t("topology.error_share")}</th><th scope="col" class="num">{t("topology.p95")}</th><th scope="col" class="num">{t("topology.connections")}</th></tr></thead>
					<tbody>{rows.map(({ key, ...r }) => <Branch key={key} {...r} nodes={nodes} s={s} open={!shut.value.has(key)} toggle={() => toggle(key)} />)}</tbody>
				</table>
			</div>
		</div>
	);
}

function Branch({ n, e, level, kids, nodes, s, open, toggle }: { n: GraphNode; e: GraphEdge | undefined; level: number; kids: number; nodes: Nodes; s: Sources; open: boolean; toggle: () => void }) {
	const f = useFlow(() => (e && (n.kind === "server" || n.kind === "group") ? { ...flowOf(n, s), ...edgeFlow(e, nodes, s) } : flowOf(n, s)));
	return (
		<tr>
			<th scope="row">
				<span class="branch" style={{ paddingInlineStart: `${(level - 1) * 20}px` }}>
					{kids > 0 ? <button type="button" class="twist" aria-expanded={open} aria-label={t(open ? "topology.fold" : "topology.unfold", { name: nameOf(n) })} onClick={toggle}><Icon name={open ? "down" : "right"} /></button> : <span class="twist" />}
					<Icon name={icons[n.kind]} label={kindOf(n)} />
					<Nth n={n} />
					<button type="button" class="link" onClick={() => setQuery({ select: n.id })}>{nameOf(n)}</button>
				</span>
			</th>
			<td>{f.counts ? countsText(f) : <Status word={f.state} state={f.state} />}</td>
			<td class="num"><Rate of={f.rate} /></td>
			<td class="num"><Percent of={f.errors} /></td>
			<td class="num"><Latency of={f.p95} /></td>
			<td class="num"><Count of={f.connections} /></td>
		</tr>
	);
}

// pathOf is the object of a node as the box names it.
function pathOf(n: GraphNode): string {
	if (n.kind === "rule") {
		const [, cluster = "", ...rule] = n.id.split("/");
		return n.name === otherwise ? `cluster/${cluster}` : `cluster/${cluster}/rule/${rule.join("/")}`;
	}
	return n.kind === "group" ? `pool/${n.name}` : n.id;
}

function Details({ node: n, s, onClose }: { node: GraphNode; s: Sources; onClose: () => void }) {
	const f = useFlow(() => flowOf(n, s));
	const path = pathOf(n);
	const page = objectHref(path);
	const charted = n.kind === "cluster" || n.kind === "pool" ? n.id : n.kind === "server" ? (n.members ?? []).slice(0, 5).map((k) => `member/${k}`).join(",") : "";
	const log = n.kind === "rule" ? { cluster: n.id.split("/")[1], ...(n.name ? { rule: n.name } : {}) } : n.kind === "group" ? { pool: n.name } : { [n.kind]: n.name };
	const cluster = n.kind === "cluster" ? s.clusters.get(n.name)?.value : undefined;
	const rule = n.kind === "rule" && n.name !== otherwise ? s.rules.get(n.id.slice(5))?.value : undefined;
	return (
		<Panel name={<>{kindOf(n)} {nameOf(n)}</>} onClose={onClose}>
			<Status word={f.state} state={f.state} />
			<Facts
				list={[
					cluster && [t("topology.address"), <span class="mono">{cluster.listen.join(", ")}</span>],
					rule && [t("topology.when"), <code>{rule.when}</code>],
					[t("topology.rate"), <Rate of={f.rate} />],
					f.errors !== undefined && [t("topology.error_share"), <Percent of={f.errors} />],
					f.p95 !== undefined && [t("topology.p95"), <Latency of={f.p95} />],
					f.connections !== undefined && [t("topology.connections"), <Count of={f.connections} />],
				]}
			/>
			<div class="row">
				{page && <Button kind="primary" href={page}>{t("topology.open")}</Button>}
				{charted && <Button icon="chart" href={href("/charts", { objects: charted })}>{t("shell.nav_charts")}</Button>}
				{n.kind !== "responder" && <Button icon="log" href={href("/logs", log as Record<string, string>)}>{t("shell.nav_logs")}</Button>}
				<Button icon="event" href={href("/events", { object: n.kind === "server" ? "" : path, text: n.kind === "server" ? n.name : "" })}>{t("shell.nav_events")}</Button>
			</div>
			{n.kind === "server" && <section class="stack"><h3>{t("topology.in_pools")}</h3>{(n.members ?? []).map((k) => <Member key={k} id={k} s={s} />)}</section>}
		</Panel>
	);
}

function Member({ id, s }: { id: string; s: Sources }) {
	const m = s.members.get(id)?.value;
	if (!m) return null;
	const enable = () => mutate("server.enable", { member: id }).then(() => toast(t("topology.enabled", { name: m.name, pool: m.pool })), toastError);
	return (
		<div class="topology-member">
			<div class="row"><strong>{m.pool}</strong><Status word={m.state} state={memberState(m)} /><span class="muted"><Since at={m.since} /></span></div>
			{(m.why || m.reason) && <p class="muted small">{say(m, "why") || say(m, "reason")}</p>}
			<div class="row">
				{m.admin === "enabled"
					? <><Button small need="operator" onClick={() => openDrain({ members: [id] })}>{t("topology.drain")}</Button><Button small kind="danger" need="operator" onClick={() => openDrain({ members: [id] }, "now")}>{t("topology.disable")}</Button></>
					: <Button small kind="primary" need="operator" onClick={enable}>{t("topology.enable")}</Button>}
				<span class="muted tnum">{t("topology.active", { n: m.active })}</span>
			</div>
		</div>
	);
}
