// SPDX-License-Identifier: Apache-2.0
//
// How a pool is as a whole, and its removal from the candidate.
import { type api, ask, call, comma, type State, t } from "../kit";
import { has } from "../i18n";
import { removeBlocks } from "../draft/draft";

// rank orders pools: 0 serves nobody, 3 is well.
export type PoolState = { word: string; state: State; why: string; rank: number };

export function poolState(p: api.LivePool): PoolState {
	const n = (word: string) => p.states[word] ?? 0;
	const all = p.members.length;
	if (all === 0) return { word: "none", state: "unknown", why: t("members.pool_empty"), rank: 2 };
	if (p.tier === "none") return { word: "down", state: "down", why: t("members.pool_none"), rank: 0 };
	if (p.tier === "quiesced") return { word: "draining", state: "draining", why: t("members.pool_quiesced"), rank: 1 };
	if (p.tier === "spare") return { word: "degraded", state: "degraded", why: t("members.pool_spare"), rank: 1 };
	if (n("down") > 0) return { word: "degraded", state: "degraded", why: t("members.pool_down", { n: n("down"), all }), rank: 2 };
	if (n("full") > 0) return { word: "degraded", state: "degraded", why: t("members.pool_full", { n: n("full"), all }), rank: 2 };
	const out = n("quiesced") + n("disabled");
	return { word: "up", state: "up", why: out > 0 ? t("members.pool_out", { n: out, all }) : n("checking") === all ? t("members.pool_checking") : "", rank: 3 };
}

// policyName words a policy as the forms do.
export const policyName = (word: string) => {
	const key = `blocks.choice.${word.replace(/ /g, "_")}`;
	return has(key) ? t(key) : word;
};

type Config = { clusters?: { name: string; pool?: string; rules?: { name: string; pool?: string }[]; sni?: { pool?: string }[] }[] };

// usesOf lists what sends clients to a pool.
export function usesOf(config: Config, pool: string): string[] {
	return (config.clusters ?? []).flatMap((c) => [
		...(c.pool === pool || c.sni?.some((s) => s.pool === pool) ? [c.name] : []),
		...(c.rules ?? []).filter((r) => r.pool === pool).map((r) => `${c.name}/${r.name}`),
	]);
}

// removePool asks, and takes a pool out of the candidate.
export async function removePool(name: string): Promise<void> {
	const uses = await call("config.values", {}).then((v) => usesOf(v.values as Config, name), () => []);
	await ask({
		title: t("members.remove_pool_title", { name }), danger: true, need: "editor", act: t("members.remove_pool_act", { name }),
		text: uses.length > 0 ? t("members.remove_pool_used", { n: uses.length, uses: comma(uses) }) : t("members.remove_pool_text"),
		run: () => removeBlocks([`pool/${name}`]),
	});
}
