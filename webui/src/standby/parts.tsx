// SPDX-License-Identifier: Apache-2.0
//
// What the parts of the page of hot standby share: the objects of the topic, and
// the words of states.
import { type ReadonlySignal, useComputed } from "@preact/signals";
import { type api, say, type Source, StateIcon, type State, t } from "../kit";

export type Standby = { node: api.HANode | undefined; mirror: api.HAMirror | undefined; groups: api.HAGroup[]; peers: api.HAPeer[] };

// useStandby sorts the objects of state.ha by what they are.
export function useStandby(source: Source<api.HAObject>): ReadonlySignal<Standby> {
	return useComputed(() => {
		const all = source.keys.value.map((k) => source.get(k)!.value);
		return {
			node: all.find((o) => o.node)?.node,
			mirror: all.find((o) => o.mirror)?.mirror,
			groups: all.flatMap((o) => (o.group ? [o.group] : [])).sort((a, b) => a.name.localeCompare(b.name)),
			peers: all.flatMap((o) => (o.peer ? [o.peer] : [])).sort((a, b) => a.name.localeCompare(b.name)),
		};
	});
}

const known = ["active", "backup", "fault", "init"] as const;
const icons: Record<string, State> = { active: "up", backup: "spare", fault: "down", init: "unknown" };

// stateName is the word for a state of a group.
export const stateName = (s: string) => (known.includes(s as (typeof known)[number]) ? t(`standby.state.${s}`) : s);

export function GroupState({ state, children }: { state: string; children?: preact.ComponentChildren }) {
	return <span class="status"><StateIcon state={icons[state] ?? "unknown"} /><span>{stateName(state)}</span>{children && <span class="muted why">{children}</span>}</span>;
}

// otherHomes are the boxes that a group can be moved to.
export const otherHomes = (g: api.HAGroup) => g.homes.filter((h) => h !== g.active);

// listed joins names as the language does.
export const listed = (names: readonly string[]) => names.join(t("standby.and"));

// sentences sum up what this box does and how the others are, in the page's language.
export function sentences(s: Standby): string[] {
	const of = (state: string) => s.groups.filter((g) => g.state === state);
	const out: string[] = [];
	const active = of("active");
	if (active.length) out.push(t("standby.sum_active", { groups: listed(active.map((g) => g.name)) }));
	for (const g of of("backup")) out.push(g.active ? t("standby.sum_backup", { group: g.name, node: g.active }) : t("standby.sum_backup_none", { group: g.name }));
	for (const g of of("fault")) out.push(t("standby.sum_fault", { group: g.name, why: say(g, "reason") }));
	for (const g of of("init").filter((x) => x.base > 0)) out.push(t("standby.sum_init", { group: g.name, why: say(g, "reason") }));
	for (const p of s.peers) out.push(t(`standby.sum_peer_${peerWord(p)}`, { peer: p.name, n: p.differences.objects?.length ?? 0 }));
	return out;
}

// peerWord says in a word how another box is.
export function peerWord(p: api.HAPeer): "unpaired" | "half" | "away" | "in_sync" | "conflict" | "compared" | "differs" {
	if (!p.paired) return "unpaired";
	if (!p.mirror.connected) return p.heartbeat.seen ? "half" : "away";
	switch (p.differences.state) {
		case "in sync": return "in_sync";
		case "conflict": return "conflict";
		case "unknown": return "compared";
	}
	return "differs";
}
