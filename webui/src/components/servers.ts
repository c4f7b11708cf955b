// SPDX-License-Identifier: Apache-2.0
//
// Servers as the sum of their members in all pools.
import { computed, type ReadonlySignal } from "@preact/signals";
import { type api, ask, call, comma, type Source, type State, t } from "../kit";
import { removeBlocks } from "../draft/draft";
import { stand } from "./members";

export type Node = {
	name: string; address: string; description?: string; labels: Record<string, string>;
	members: readonly api.LiveMember[]; // by pool
	rate: api.Rate; active: number; open: number; sticky: number; cookies: boolean;
};

type Configured = { name: string; address: string; description?: string; labels?: Record<string, string> };

// sum makes one row of a server's members.
export function sum(c: Configured, members: readonly api.LiveMember[]): Node {
	const total = (f: (m: api.LiveMember) => number) => members.reduce((a, m) => a + f(m), 0);
	const worst = (f: (r: api.Rate) => number | undefined) => members.map((m) => f(m.rate)).reduce((a, v) => (v === undefined ? a : Math.max(a ?? v, v)), undefined);
	const p50 = worst((r) => r.p50);
	const p95 = worst((r) => r.p95);
	return {
		name: c.name, address: members[0]?.address ?? c.address, ...(c.description ? { description: c.description } : {}), labels: members[0]?.labels ?? c.labels ?? {}, members,
		rate: {
			requests: total((m) => m.rate.requests), errors: total((m) => m.rate.errors), connections: total((m) => m.rate.connections),
			bytes_in: total((m) => m.rate.bytes_in), bytes_out: total((m) => m.rate.bytes_out), ...(p50 === undefined ? {} : { p50 }), ...(p95 === undefined ? {} : { p95 }),
		},
		active: total((m) => m.active), open: total((m) => m.open), sticky: total((m) => m.sticky), cookies: members.some((m) => m.cookies),
	};
}

// serverSource makes a live list of servers out of that of members. Servers that
// no pool has come from the configuration.
export function serverSource(members: Source<api.LiveMember>, configured: readonly Configured[]): Source<Node> {
	const byName = new Map(configured.map((c) => [c.name, c]));
	let groups = new Map<string, string[]>();
	let last: readonly string[] = [];
	const keys = computed(() => {
		groups = new Map(configured.map((c) => [c.name, []]));
		for (const k of members.keys.value) {
			const name = k.slice(k.indexOf("/") + 1);
			const list = groups.get(name);
			if (list) list.push(k);
			else groups.set(name, [k]);
		}
		const next = [...groups.keys()];
		return next.length === last.length && next.every((k, i) => k === last[i]) ? last : (last = next);
	});
	const made = new Map<string, ReadonlySignal<Node>>();
	return {
		keys, loaded: members.loaded, error: members.error, updated: members.updated,
		get(name) {
			void keys.value;
			if (!groups.has(name)) return undefined;
			let s = made.get(name);
			if (!s) {
				s = computed(() => {
					void members.keys.value;
					const list = (groups.get(name) ?? []).flatMap((k) => members.get(k)?.value ?? []);
					return sum(byName.get(name) ?? { name, address: "" }, list);
				});
				made.set(name, s);
			}
			return s;
		},
	};
}

// nodeState says how a server is over all of its pools.
export function nodeState(n: Node): { word: string; state: State } {
	const all = n.members.map(stand);
	const first = all[0];
	if (!first) return { word: "unknown", state: "unknown" };
	if (all.every((s) => s.word === first.word)) return first;
	for (const word of ["down", "draining", "quiesced", "disabled", "full"]) if (all.some((s) => s.word === word)) return { word: word === "down" ? "degraded" : word, state: word === "down" || word === "full" ? "degraded" : word === "disabled" ? "disabled" : "draining" };
	return all.find((s) => s.word === "up") ?? first;
}

// removeServer asks, and takes a server and its members out of the candidate.
export function removeServer(n: Node): void {
	void ask({
		title: t("members.remove_server_title", { name: n.name }), danger: true, need: "editor", act: t("members.remove_server_act", { name: n.name }),
		text: n.members.length > 0 ? t("members.remove_server_used", { n: n.members.length, pools: comma(n.members.map((m) => m.pool)) }) : t("members.remove_server_text"),
		// The candidate may have it in other pools than those that run.
		run: async () => {
			const all = await call("config.values", {});
			const pools = (all.values as { pools?: { name: string; members: { server: string }[] }[] }).pools ?? [];
			const inside = pools.filter((p) => p.members.some((m) => m.server === n.name)).map((p) => `pool/${p.name}/member/${n.name}`);
			await removeBlocks([...inside, `server/${n.name}`]);
		},
	});
}
