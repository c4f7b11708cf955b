// SPDX-License-Identifier: Apache-2.0
//
// What nodes and edges of the topology do now, and how they are.
import { useSignal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { LiveCluster, LiveMember, LivePool, Rate, Topics } from "../api";
import { boxNow } from "../clock";
import type { Source } from "../live";
import { type State, stateOf } from "./status";
import { type GraphEdge, type GraphNode, otherwise } from "./graph";

type Rule = Topics["state.rules"]["data"];

export type Flow = { state: State; rate?: number | undefined; errors?: number | undefined; p95?: number | undefined; connections?: number | undefined; counts?: Partial<Record<State, number>> };

export type Sources = { clusters: Source<LiveCluster>; rules: Source<Rule>; pools: Source<LivePool>; members: Source<LiveMember>; hits: ReadonlySignal<Record<string, number>> };

// useHits returns how often each rule is hit in a second: the mean of the last
// five, from the box's counters.
export function useHits(rules: Source<Rule>): ReadonlySignal<Record<string, number>> {
	const out = useSignal<Record<string, number>>({});
	useEffect(() => {
		const seen = new Map<string, { at: number; n: number }[]>();
		const look = () => {
			const now = boxNow();
			const next: Record<string, number> = {};
			for (const k of rules.keys.peek()) {
				const list = [...(seen.get(k) ?? []), { at: now, n: rules.get(k)!.peek().hits }].slice(-6);
				seen.set(k, list);
				const rate = hitRate(list);
				if (rate !== undefined) next[k] = rate;
			}
			if (JSON.stringify(next) !== JSON.stringify(out.peek())) out.value = next;
		};
		look();
		const timer = setInterval(look, 1000);
		return () => clearInterval(timer);
	}, [rules]);
	return out;
}

// hitRate is the growth of a counter in a second, undefined while one sight of it
// is all there is, or where it began anew.
export function hitRate(list: readonly { at: number; n: number }[]): number | undefined {
	const [a, b] = [list[0], list.at(-1)];
	if (!a || !b || b.at - a.at < 500 || b.n < a.n) return undefined;
	return Math.round(((b.n - a.n) * 10_000) / (b.at - a.at)) / 10;
}

// From this share of errors on, what is up counts as degraded.
const tooManyErrors = 0.1;

const ranks: State[] = ["up", "spare", "unknown", "draining", "disabled", "degraded", "down"];
export const worst = (list: readonly State[]): State => list.reduce<State>((a, b) => (ranks.indexOf(b) > ranks.indexOf(a) ? b : a), "up");

// memberState is how a member counts: one that nobody asks counts as up.
export const memberState = (m: LiveMember): State => (m.state === "checking" && m.probes.length === 0 ? "up" : stateOf(m.state));

// poolState joins the states of members: all down is down, any not right is
// degraded.
export function poolState(list: readonly State[], tier: string): State {
	if (list.length === 0) return "unknown";
	if (tier === "none" || list.every((s) => s === "down" || s === "disabled")) return "down";
	return list.some((s) => s === "down" || s === "degraded") ? "degraded" : "up";
}

const sum = (rates: readonly Rate[]): Omit<Flow, "state"> => ({
	rate: rates.reduce((n, r) => n + r.requests, 0),
	errors: share(rates.reduce((n, r) => n + r.errors, 0), rates.reduce((n, r) => n + r.requests, 0)),
	connections: rates.reduce((n, r) => n + r.connections, 0),
	p95: rates.some((r) => r.p95 !== undefined) ? Math.max(...rates.map((r) => r.p95 ?? 0)) : undefined,
});

const share = (errors: number, requests: number) => (requests > 0 ? Math.min(1, errors / requests) : undefined);
const strained = (s: State, f: Omit<Flow, "state">): Flow => ({ ...f, state: s === "up" && (f.errors ?? 0) > tooManyErrors ? "degraded" : s });

function membersOf(keys: readonly string[], s: Sources): LiveMember[] {
	return keys.flatMap((k) => s.members.get(k)?.value ?? []);
}

function poolFlow(name: string, s: Sources): Flow {
	const p = s.pools.get(name)?.value;
	if (!p) return { state: "unknown" };
	const states = membersOf(p.members.map((m) => `${name}/${m}`), s).map(memberState);
	return strained(poolState(states, p.tier), sum([p.rate]));
}

function ruleFlow(cluster: string, name: string, s: Sources): Flow {
	const c = s.clusters.get(cluster)?.value;
	if (name === otherwise) {
		const taken = s.rules.keys.value.filter((k) => s.rules.get(k)!.value.cluster === cluster).map((k) => s.hits.value[k]);
		const known = taken.every((n) => n !== undefined);
		return { state: c?.pool ? poolFlow(c.pool, s).state : "unknown", rate: c && known ? Math.max(0, c.rate.requests - taken.reduce<number>((n, x) => n + x!, 0)) : undefined };
	}
	const key = `${cluster}/${name}`;
	const r = s.rules.get(key)?.value;
	if (!r) return { state: "unknown" };
	return { state: r.disabled ? "disabled" : r.pool ? poolFlow(r.pool, s).state : "up", rate: s.hits.value[key] };
}

// flowOf returns what a node does. It reads signals: call it inside a computed.
export function flowOf(n: GraphNode, s: Sources): Flow {
	const [, first = "", ...rest] = n.id.split("/");
	switch (n.kind) {
		case "cluster": {
			const c = s.clusters.get(first)?.value;
			if (!c) return { state: "unknown" };
			const targets = [c.pool, ...s.rules.keys.value.map((k) => s.rules.get(k)!.value).filter((r) => r.cluster === c.name && !r.disabled).map((r) => r.pool)];
			const states = [...new Set(targets)].flatMap((p) => (p ? [poolFlow(p, s).state] : []));
			const state: State = c.disabled ? "disabled" : states.length > 0 && states.every((x) => x === "down") ? "down" : states.some((x) => x === "down" || x === "degraded") ? "degraded" : "up";
			return strained(state, sum([c.rate]));
		}
		case "rule":
			return ruleFlow(first, rest.join("/"), s);
		case "pool":
			return poolFlow(n.name, s);
		case "responder":
			return { state: "up" };
		case "server": {
			const list = membersOf(n.members ?? [], s);
			return strained(worst(list.map(memberState)), sum(list.map((m) => m.rate)));
		}
		case "group": {
			const list = membersOf(n.members ?? [], s);
			const counts: Partial<Record<State, number>> = {};
			for (const m of list) counts[memberState(m)] = (counts[memberState(m)] ?? 0) + 1;
			return { ...sum(list.map((m) => m.rate)), state: poolState(list.map(memberState), ""), counts };
		}
	}
}

// edgeFlow returns what goes along an edge, and the health of where it leads.
export function edgeFlow(e: GraphEdge, nodes: ReadonlyMap<string, GraphNode>, s: Sources): Flow {
	const [from, to] = [nodes.get(e.from)!, nodes.get(e.to)!];
	if (to.kind === "server") {
		const m = s.members.get(`${from.name}/${to.name}`)?.value;
		return m ? strained(memberState(m), sum([m.rate])) : { state: "unknown" };
	}
	if (to.kind === "group") return flowOf(to, s);
	if (from.kind === "rule") return { ...flowOf(from, s), state: flowOf(to, s).state };
	return flowOf(to, s);
}
