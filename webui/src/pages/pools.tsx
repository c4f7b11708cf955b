// SPDX-License-Identifier: Apache-2.0
//
// The pools, the worst first to see.
import { useMemo } from "preact/hooks";
import { type api, Button, type Column, Count, HealthBar, lang, Latency, Menu, Notice, Page, type PageProps, Percent, Rate, type State, Status, t, Table, useTopic } from "../kit";
import { BlockDialogs, editBlock } from "../draft/blockdialog";
import { labelOf } from "../draft/keyword";
import { errorShare, Trend, useSparks } from "../components/members";
import { poolState, policyName, removePool } from "../components/poolstate";
import { useConfig } from "../draft/draft";

// counts sorts the states of a pool's members under those of the console.
export function counts(p: api.LivePool): Partial<Record<State, number>> {
	const out: Partial<Record<State, number>> = {};
	const as: Record<string, State> = { up: "up", checking: "unknown", spare: "spare", full: "degraded", quiesced: "draining", disabled: "disabled", down: "down" };
	for (const [word, n] of Object.entries(p.states)) {
		const s = as[word] ?? "unknown";
		out[s] = (out[s] ?? 0) + n;
	}
	return out;
}

export default function Pools(_: PageProps) {
	const pools = useTopic("state.pools");
	const sparks = useSparks(pools.keys.value.map((k) => `pool/${k}`));
	const columns = useMemo((): Column<api.LivePool>[] => [
		{ id: "name", head: t("pools.name"), by: (p) => p.name, cell: (p) => <a href={`/pools/${encodeURIComponent(p.name)}`}>{p.name}</a> },
		{ id: "state", head: t("pools.state"), by: (p) => poolState(p).rank, cell: (p) => { const s = poolState(p); return <Status word={s.word} state={s.state}>{s.why}</Status>; } },
		{ id: "servers", head: t("pools.servers"), by: (p) => p.members.length, cell: (p) => <span class="with-spark"><HealthBar counts={counts(p)} /><span class="tnum nowrap">{t("pools.up_of", { n: (p.states["up"] ?? 0) + (p.states["full"] ?? 0), all: p.members.length })}</span></span> },
		{ id: "policy", head: labelOf("pool", "policy"), by: (p) => p.policy, cell: (p) => policyName(p.policy) },
		{ id: "rate", head: t("pools.rate"), num: true, by: (p) => p.rate.requests, cell: (p) => <span class="with-spark"><Rate of={p.rate.requests} /><Trend of={sparks} id={`pool/${p.name}:requests`} /></span> },
		{ id: "conns", head: t("pools.conns"), num: true, by: (p) => p.rate.connections, cell: (p) => <Count of={p.rate.connections} /> },
		{ id: "p95", head: "p95", num: true, by: (p) => p.rate.p95 ?? -1, cell: (p) => <Latency of={p.rate.p95} /> },
		{ id: "errors", head: t("members.failed"), num: true, by: (p) => errorShare(p.rate) ?? -1, cell: (p) => <Percent of={errorShare(p.rate)} /> },
		{ id: "labels", head: labelOf("any", "labels"), hidden: true, by: (p) => Object.entries(p.labels ?? {}).map((l) => l.join("=")).join(" "), cell: (p) => Object.entries(p.labels ?? {}).map((l) => <span class="tag" key={l[0]}>{l.join("=")}</span>) },
	], [pools, sparks, lang.value]);
	const { config } = useConfig();
	const running = new Set(pools.keys.value);
	const drafts = pools.loaded.value ? (config.value?.values.pools ?? []).filter((p) => !running.has(p.name)) : [];
	const add = <Button kind="primary" icon="plus" need="editor" onClick={() => editBlock({ block: "pool", parent: "" })}>{t("pools.add")}</Button>;
	return (
		<Page name={t("pools.title")} actions={add}>
			{drafts.length > 0 && <Notice>{t("pools.only_draft")}{drafts.map((p) => <a class="tag" key={p.name} href={`/pools/${encodeURIComponent(p.name)}`}>{p.name}</a>)}</Notice>}
			<Table
				name="pools" caption={t("pools.title")} source={pools} columns={columns}
				problem={(p) => poolState(p).rank < 3} edge={(p) => { const s = poolState(p); return s.rank < 3 ? s.state : undefined; }}
				actions={(p) => <Menu small kind="quiet" icon="more" label={t("pools.actions_for", { name: p.name })} items={[
					{ text: t("pools.add_server"), icon: "plus", need: "editor", onClick: () => editBlock({ block: "member", parent: `pool/${p.name}` }) },
					{ text: t("pools.add_probe"), icon: "probe", need: "editor", onClick: () => editBlock({ block: "probe", parent: `pool/${p.name}` }) },
					{ text: t("pools.edit"), icon: "edit", need: "editor", onClick: () => editBlock({ block: "pool", path: `pool/${p.name}`, name: p.name }) },
					{ text: t("pools.remove"), icon: "trash", need: "editor", onClick: () => removePool(p.name) },
				]} />}
				empty={{ title: t("pools.empty"), text: t("pools.empty_text"), actions: <>{add}<Button href="/changes/text">{t("pools.as_text")}</Button></> }}
			/>
			<BlockDialogs />
		</Page>
	);
}
