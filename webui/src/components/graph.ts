// SPDX-License-Identifier: Apache-2.0
//
// The graph of what is balanced: clusters, rules, pools and servers in four
// columns. All of this is pure: what stands where depends only on what there
// is, never on traffic, so that nothing moves while somebody looks.

export type Kind = "cluster" | "rule" | "pool" | "responder" | "server" | "group";

// members are the keys POOL/MEMBER of a server or group; nth is which rule of its cluster one is.
export type GraphNode = { id: string; kind: Kind; column: 0 | 1 | 2 | 3; name: string; members?: readonly string[]; nth?: number };
export type GraphEdge = { id: string; from: string; to: string };
export type Graph = { nodes: readonly GraphNode[]; edges: readonly GraphEdge[] };

// What there is, as the state topics say it. Rules of a cluster stand in the order
// in which they are tried.
export type Shape = {
	clusters: readonly { name: string; pool?: string | undefined }[];
	rules: readonly { cluster: string; name: string; pool?: string | undefined; responder?: string | undefined }[];
	pools: readonly { name: string; members: readonly string[] }[];
};

// A pool with more members than this shows them as one bar.
export const mostServers = 60;

// otherwise is the name of the node for what no rule takes.
export const otherwise = "";

// build makes the graph. What a rule names and is not there is left out.
export function build(s: Shape): Graph {
	const nodes = new Map<string, GraphNode>();
	const edges = new Map<string, GraphEdge>();
	const link = (from: string, to: string) => edges.set(`${from} > ${to}`, { id: `${from} > ${to}`, from, to });
	const pools = new Map(s.pools.map((p) => [p.name, p]));
	for (const c of s.clusters) nodes.set(`cluster/${c.name}`, { id: `cluster/${c.name}`, kind: "cluster", column: 0, name: c.name });
	const rules: Shape["rules"] = [...s.rules, ...s.clusters.filter((c) => c.pool).map((c) => ({ cluster: c.name, name: otherwise, pool: c.pool }))];
	const count = new Map<string, number>();
	for (const r of rules) {
		const id = `rule/${r.cluster}/${r.name}`;
		if (!nodes.has(`cluster/${r.cluster}`)) continue;
		const nth = (count.get(r.cluster) ?? 0) + 1;
		count.set(r.cluster, nth);
		nodes.set(id, { id, kind: "rule", column: 1, name: r.name, ...(r.name !== otherwise && { nth }) });
		link(`cluster/${r.cluster}`, id);
		if (r.pool && pools.has(r.pool)) link(id, `pool/${r.pool}`);
		else if (r.responder) {
			const to = `responder/${r.responder}`;
			nodes.set(to, { id: to, kind: "responder", column: 2, name: r.responder });
			link(id, to);
		}
	}
	for (const p of s.pools) {
		const id = `pool/${p.name}`;
		const keys = p.members.map((m) => `${p.name}/${m}`);
		nodes.set(id, { id, kind: "pool", column: 2, name: p.name, members: keys });
		if (keys.length > mostServers) {
			nodes.set(`group/${p.name}`, { id: `group/${p.name}`, kind: "group", column: 3, name: p.name, members: keys });
			link(id, `group/${p.name}`);
			continue;
		}
		for (const m of p.members) {
			const to = `server/${m}`;
			const old = nodes.get(to)?.members ?? [];
			nodes.set(to, { id: to, kind: "server", column: 3, name: m, members: [...old, `${p.name}/${m}`] });
			link(id, to);
		}
	}
	return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

// near returns, for each node, its neighbours in the column before or after.
function near(g: Graph, forward: boolean): Map<string, string[]> {
	const out = new Map<string, string[]>();
	for (const e of g.edges) {
		const [at, other] = forward ? [e.from, e.to] : [e.to, e.from];
		out.set(at, [...(out.get(at) ?? []), other]);
	}
	return out;
}

// reach returns all nodes that can be reached from some, themselves included.
export function reach(g: Graph, from: Iterable<string>, forward: boolean): Set<string> {
	const next = near(g, forward);
	const seen = new Set<string>(from);
	const todo = [...seen];
	for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
		for (const n of next.get(id) ?? []) {
			if (seen.has(n)) continue;
			seen.add(n);
			todo.push(n);
		}
	}
	return seen;
}

// narrow keeps the nodes of keep and the edges between them.
export function narrow(g: Graph, keep: ReadonlySet<string>): Graph {
	return { nodes: g.nodes.filter((n) => keep.has(n.id)), edges: g.edges.filter((e) => keep.has(e.from) && keep.has(e.to)) };
}

// choose returns what fits the filters: the nodes that are wanted, with the ways
// that lead to them and, but for unhealthy ones, all that is behind them.
export function choose(g: Graph, want: { cluster?: string; name?: string; bad?: (n: GraphNode) => boolean }): Graph {
	let out = g;
	if (want.cluster) out = narrow(out, reach(out, [`cluster/${want.cluster}`], true));
	if (want.name) {
		const words = want.name.toLowerCase();
		const hits = out.nodes.filter((n) => n.name.toLowerCase().includes(words)).map((n) => n.id);
		out = narrow(out, new Set([...reach(out, hits, true), ...reach(out, hits, false)]));
	}
	if (want.bad) {
		const hits = out.nodes.filter(want.bad).map((n) => n.id);
		out = narrow(out, reach(out, hits, false));
	}
	return out;
}

// order returns the ids of each column from top to bottom. Rules stay below each
// other as they are tried, cluster by cluster. The rest goes by the mean place of
// what it is linked with, swept to and fro; a cluster by that of its pools. Ties
// keep the order they had.
export function order(g: Graph): string[][] {
	const columns: string[][] = [[], [], [], []];
	for (const n of g.nodes) columns[n.column]!.push(n.id);
	const [before, after] = [near(g, false), near(g, true)];
	const rules = columns[1]!;
	const pools = new Map(columns[0]!.map((id) => [id, (after.get(id) ?? []).flatMap((r) => after.get(r) ?? [])]));
	const sweep = (column: number, neighbours: Map<string, string[]>, other: number) => {
		const place = new Map(columns[other]!.map((id, i) => [id, i]));
		const old = new Map(columns[column]!.map((id, i) => [id, i]));
		const centre = (id: string) => {
			const at = (neighbours.get(id) ?? []).map((n) => place.get(n)).filter((p): p is number => p !== undefined);
			return at.length ? at.reduce((a, b) => a + b, 0) / at.length : old.get(id)!;
		};
		const by = new Map(columns[column]!.map((id) => [id, centre(id)]));
		columns[column] = [...columns[column]!].sort((a, b) => by.get(a)! - by.get(b)! || old.get(a)! - old.get(b)!);
	};
	const right = () => {
		for (let c = 1; c < 4; c++) sweep(c, before, c - 1);
	};
	for (let turn = 0; turn < 4; turn++) {
		right();
		sweep(2, after, 3);
		sweep(0, pools, 2);
		columns[1] = rules;
	}
	right();
	return columns;
}

// crossings counts pairs of edges that cross.
export function crossings(g: Graph, columns: readonly (readonly string[])[]): number {
	const place = new Map(columns.flatMap((list) => list.map((id, i) => [id, i] as const)));
	const column = new Map(g.nodes.map((n) => [n.id, n.column]));
	let n = 0;
	for (const [i, a] of g.edges.entries()) {
		for (const b of g.edges.slice(i + 1)) {
			if (column.get(a.from) !== column.get(b.from)) continue;
			const x = place.get(a.from)! - place.get(b.from)!;
			const y = place.get(a.to)! - place.get(b.to)!;
			if (x * y < 0) n++;
		}
	}
	return n;
}

export type Placed = { x: number; y: number; w: number; h: number };
export type Layout = { at: ReadonlyMap<string, Placed>; width: number; height: number; x: readonly number[]; w: number };

// layout puts nodes into a width: columns of equal size, each centred.
export function layout(columns: readonly (readonly string[])[], width: number, o = { h: 52, gap: 12, top: 32 }): Layout {
	const w = Math.min(250, Math.floor((width - 3 * (width < 900 ? 40 : 64)) / 4));
	const space = (width - 4 * w) / 3;
	const tall = Math.max(...columns.map((c) => c.length), 1);
	const height = o.top + tall * (o.h + o.gap);
	const at = new Map<string, Placed>();
	const x = [0, 1, 2, 3].map((c) => Math.round(c * (w + space)));
	for (const [c, list] of columns.entries()) {
		const own = list.length * (o.h + o.gap) - o.gap;
		const start = o.top + Math.max(0, (height - o.top - o.gap - own) / 2);
		for (const [i, id] of list.entries()) at.set(id, { x: x[c]!, y: Math.round(start + i * (o.h + o.gap)), w, h: o.h });
	}
	return { at, width, height, x, w };
}

// curve is the path of an edge between two nodes.
export function curve(a: Placed, b: Placed): string {
	const [x1, y1, x2, y2] = [a.x + a.w, a.y + a.h / 2, b.x, b.y + b.h / 2];
	const bend = Math.max(24, (x2 - x1) * 0.45);
	return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

// thickness is the width of an edge in pixels, by the logarithm of its rate.
export function thickness(rate: number | undefined): number {
	return Math.min(9, 1.5 + 1.7 * Math.log10(1 + Math.max(0, rate ?? 0)));
}
