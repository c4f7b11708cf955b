// SPDX-License-Identifier: Apache-2.0
//
// What the list and the page of a cluster have in common: its state, the pools
// behind it and its certificates.
import type { ReadonlySignal } from "@preact/signals";
import { type api, boxNow, HealthBar, type Source, type State, Status, stateOf, t } from "../kit";

// stateWord says how a cluster is: its own switch first, then the worst that its
// own pool tells.
export function stateWord(c: { disabled: boolean; pool?: string }, pools: Source<api.LivePool>): string {
	if (c.disabled) return "disabled";
	if (!c.pool) return "up";
	const p = pools.keys.value.includes(c.pool) ? pools.get(c.pool)?.value : undefined;
	if (!p) return "unknown";
	const n = p.states;
	const all = Object.values(n).reduce((a, b) => a + b, 0);
	if (p.tier === "none" || all === 0) return "down";
	return (n["down"] ?? 0) > 0 || p.tier !== "regular" ? "degraded" : "up";
}

export function ClusterStatus({ cluster, pools }: { cluster: { disabled: boolean; pool?: string }; pools: Source<api.LivePool> }) {
	return <Status word={stateWord(cluster, pools)} />;
}

// poolsOf are the pools of a cluster: its own and those of its rules.
export function poolsOf(c: api.LiveCluster, rules: Source<api.Rule>): string[] {
	const out = new Set(c.pool ? [c.pool] : []);
	for (const k of rules.keys.value) {
		const r = rules.get(k)?.value;
		if (r && r.cluster === c.name && r.pool && !r.disabled) out.add(r.pool);
	}
	return [...out];
}

// PoolBar is the health of all members behind a cluster.
export function PoolBar({ names, pools }: { names: readonly string[]; pools: Source<api.LivePool> }) {
	const counts: Partial<Record<State, number>> = {};
	let [up, all] = [0, 0];
	for (const name of names) {
		const states = pools.keys.value.includes(name) ? pools.get(name)?.value.states : undefined;
		for (const [word, n] of Object.entries(states ?? {})) {
			const s = stateOf(word === "full" ? "warning" : word);
			counts[s] = (counts[s] ?? 0) + n;
			all += n;
			if (s === "up") up += n;
		}
	}
	if (all === 0) return <>–</>;
	return <span class="pool-bar"><HealthBar counts={counts} /><span class="tnum small">{up}/{all}</span></span>;
}

// certificatesOf are the certificates that a cluster uses.
export function certificatesOf(name: string, certificates: Source<api.Certificate>): api.Certificate[] {
	const used = `cluster ${JSON.stringify(name)}`;
	return certificates.keys.value.map((k) => certificates.get(k)?.value).filter((c): c is api.Certificate => Boolean(c?.used_by.some((u) => u === used || u.startsWith(`${used} `))));
}

// daysLeft returns whole days until the first of them ends, undefined if
// nobody knows.
export function daysLeft(list: readonly api.Certificate[], now = boxNow()): number | undefined {
	const ends = list.filter((c) => c.not_after).map((c) => Date.parse(c.not_after!));
	return ends.length === 0 ? undefined : Math.floor((Math.min(...ends) - now) / 86_400_000);
}

export function CertificateLeft({ list }: { list: readonly api.Certificate[] }) {
	const days = daysLeft(list);
	if (list.length === 0) return <>–</>;
	const order = ["missing", "expired", "imminent", "critical", "not_yet_valid", "waiting", "expiring", "valid"];
	const worst = [...list].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))[0]!;
	const text = days === undefined ? t(`common.state.${worst.state}`) : t("clusters.days", { n: days });
	const page = `/certificates/${encodeURIComponent(worst.name)}`;
	return worst.state === "valid" ? <a href={page} class="tnum">{text}</a> : <Status word={worst.state}><a href={page} class="tnum">{text}</a></Status>;
}

// errorShare is the part of requests that failed.
export const errorShare = (r: api.Rate | undefined) => (r && r.requests > 0 ? Math.min(1, r.errors / r.requests) : undefined);

// column returns the last values of one series.
export const column = (data: ReadonlySignal<{ cols: Record<string, (number | null)[]> }>, id: string, n = 60) => (data.value.cols[id] ?? []).slice(-n);
