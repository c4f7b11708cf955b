// SPDX-License-Identifier: Apache-2.0
//
// One pool: how its members are, what they carry, and what can be done to them.
import { useCallback, useMemo } from "preact/hooks";
import { type api, Button, colon, comma, Count, Empty, ErrorNotice, format, href, lang, Latency, Menu, Num, Page, type PageProps, Percent, query, Rate, setQuery, Skeleton, Status, t, Tile, useTopic,  } from "../kit";
import { BlockDialogs, editBlock } from "../draft/blockdialog";
import { Drains, openDrain, Progress } from "../components/drain";
import { useDrains } from "../components/draining";
import { brief, errorShare, MemberPanel, MembersTable, Trend, usePart, useSparks, Weights } from "../components/members";
import { policyName, poolState, removePool } from "../components/poolstate";
import { testNow, Tests } from "../components/probing";
import { type Metric, RangeChart } from "../components/trend";
import { useConfig } from "../draft/draft";

const most = 5; // lines of a chart

export default function PoolPage({ params }: PageProps) {
	const name = params["pool"] ?? "";
	const pools = useTopic("state.pools");
	const all = useTopic("state.members");
	const pool = pools.keys.value.includes(name) ? pools.get(name)?.value : undefined;
	const choose = useCallback(() => (pools.get(name)?.value.members ?? []).map((m) => `${name}/${m}`), [pools, name]);
	const members = usePart(all, choose);
	useDrains(members);
	const server = query("server").value;
	const { config } = useConfig();
	const crumbs = [{ text: t("pool.pools"), href: "/pools" }];
	if (!pool) {
		const draft = config.value?.values.pools.find((p) => p.name === name);
		return draft ? <DraftPool name={name} servers={draft.members.map((m) => m.server)} /> : (
			<Page name={name} crumbs={crumbs}>
				{pools.error.value ? <ErrorNotice error={pools.error.value} title={t("pool.not_loaded")} /> : pools.loaded.value ? <Empty title={t("pool.gone", { name })} text={t("pool.gone_text")} actions={<Button href="/pools">{t("pool.all")}</Button>} /> : <Skeleton rows={8} />}
			</Page>
		);
	}
	const s = poolState(pool);
	const keys = members.keys.value;
	const first = worst(members, keys);
	return (
		<Page
			name={name} crumbs={crumbs}
			state={<><Status word={s.word} state={s.state}>{colon(s.why, first)}</Status><span class="tag">{policyName(pool.policy)}</span></>}
			actions={<>
				<Button icon="plus" need="editor" onClick={() => editBlock({ block: "member", parent: `pool/${name}` })}>{t("pool.add_server")}</Button>
				<Menu kind="primary" label={t("pool.drain")} why={keys.length === 0 ? t("pool.no_servers") : undefined} items={[{ title: t("pool.drain_which") }, ...keys.map((k) => drainItem(k, all.get(k)?.value)), ...(keys.length > 1 ? ["line" as const, { text: t("pool.drain_all"), need: "operator" as const, onClick: () => openDrain({ members: [...keys] }) }] : [])]}>{t("pool.drain")}</Menu>
				<Menu icon="more" label={t("pool.more")} items={[
					{ text: t("pool.test_all"), icon: "probe", need: "operator", ...(keys.length === 0 ? { why: t("pool.no_servers") } : {}), onClick: () => testNow({ members: keys }) },
					"line",
					{ text: t("pool.edit"), icon: "edit", need: "editor", onClick: () => editBlock({ block: "pool", path: `pool/${name}`, name }) },
					{ text: t("pool.add_probe"), icon: "plus", need: "editor", onClick: () => editBlock({ block: "probe", parent: `pool/${name}` }) },
					{ text: t("pool.probes"), icon: "probe", href: href("/probes", { q: name }) },
					{ text: t("pool.remove"), icon: "trash", need: "editor", onClick: () => void removePool(name) },
				]} />
			</>}
			panel={server && <MemberPanel key={server} source={all} id={`${name}/${server}`} onClose={() => setQuery({ server: "" })} />}
		>
			<Tiles pool={pool} />
			<Progress source={all} keys={keys} />
			<MembersTable
				source={members} caption={t("pool.members_of", { name })} opened={server ? `${name}/${server}` : ""}
				link={(m) => href(`/pools/${encodeURIComponent(name)}`, { ...query_(), server: m.name })}
				empty={{ title: t("pool.empty"), text: t("pool.empty_text"), actions: <Button kind="primary" icon="plus" need="editor" onClick={() => editBlock({ block: "member", parent: `pool/${name}` })}>{t("pool.add_server")}</Button> }}
			/>
			{keys.length > 0 && <Traffic pool={pool} keys={keys} members={all} />}
			<Drains /><Weights /><Tests /><BlockDialogs />
		</Page>
	);
}

// DraftPool shows a pool that no commit has brought yet, so that its servers can
// be added before the first one.
function DraftPool({ name, servers }: { name: string; servers: readonly string[] }) {
	return (
		<Page name={name} crumbs={[{ text: t("pool.pools"), href: "/pools" }]} actions={<>
			<Button icon="plus" need="editor" onClick={() => editBlock({ block: "member", parent: `pool/${name}` })}>{t("pool.add_server")}</Button>
			<Button icon="probe" need="editor" onClick={() => editBlock({ block: "probe", parent: `pool/${name}` })}>{t("pool.add_probe")}</Button>
			<Menu icon="more" label={t("pool.more")} items={[
				{ text: t("pool.edit"), icon: "edit", need: "editor", onClick: () => editBlock({ block: "pool", path: `pool/${name}`, name }) },
				{ text: t("pool.remove"), icon: "trash", need: "editor", onClick: () => void removePool(name) },
			]} />
		</>}>
			<Empty title={t("pool.only_draft")} text={servers.length > 0 ? t("pool.only_draft_servers", { servers: comma(servers) }) : t("pool.only_draft_empty")} actions={<Button kind="primary" href="/changes/review">{t("pool.to_review")}</Button>} />
			<BlockDialogs />
		</Page>
	);
}

function drainItem(k: string, m: api.LiveMember | undefined) {
	const out = m && m.admin !== "enabled" ? { why: t("pool.already_out") } : {};
	return { text: k.slice(k.indexOf("/") + 1), need: "operator" as const, ...out, onClick: () => openDrain({ members: [k] }) };
}

// query_ keeps the range of the chart in links to single members.
const query_ = () => ({ range: query("range").peek(), metric: query("metric").peek() });

// worst names the first member that is down, and why.
function worst(source: { get(k: string): { value: api.LiveMember } | undefined }, keys: readonly string[]): string {
	for (const k of keys) {
		const m = source.get(k)?.value;
		if (m?.health === "down") return `${m.name} “${brief(m, "reason")}”`;
	}
	return "";
}

function Tiles({ pool }: { pool: api.LivePool }) {
	const spark = useSparks([`pool/${pool.name}`]);
	const up = (pool.states["up"] ?? 0) + (pool.states["full"] ?? 0);
	const share = errorShare(pool.rate);
	return (
		<div class="tiles five">
			<Tile label={t("pool.requests")} value={<Rate of={pool.rate.requests} />} spark={<Trend of={spark} id={`pool/${pool.name}:requests`} />} />
			<Tile label={t("members.failed")} value={<Percent of={share} />} note={<Num q={format.rate(pool.rate.errors)} />} />
			<Tile label="p95" value={<Latency of={pool.rate.p95} />} note={<>p50 <Latency of={pool.rate.p50} /></>} />
			<Tile label={t("pool.conns")} value={<Count of={pool.rate.connections} />} />
			<Tile label={t("pool.servers_up")} value={<>{up}<span class="unit">/ {pool.members.length}</span></>} />
		</div>
	);
}

function Traffic({ pool, keys, members }: { pool: api.LivePool; keys: readonly string[]; members: { get(k: string): { peek(): api.LiveMember } | undefined } }) {
	// Which members the chart has is chosen once: lines that change places cannot be read.
	const shown = useMemo(() => [...keys].sort((a, b) => (members.get(b)?.peek().rate.requests ?? 0) - (members.get(a)?.peek().rate.requests ?? 0)).slice(0, most).sort(format.compare), [keys]);
	const metrics = useMemo((): Metric[] => {
		const lines = (metric: string) => shown.map((k) => ({ id: k, label: k.slice(k.indexOf("/") + 1), series: `member/${k}:${metric}` }));
		return [
			{ id: "requests", text: t("pool.metric_requests"), format: format.rate, lines: [...lines("requests").slice(0, most - 1), { id: "failed", label: t("members.failed"), colour: "var(--down)", series: `pool/${pool.name}:errors` }] },
			{ id: "p95", text: "p95", format: format.latency, lines: lines("p95") },
			{ id: "connections", text: t("pool.metric_connections"), format: format.short, lines: lines("connections") },
			{ id: "errors", text: t("members.failed"), format: format.rate, lines: lines("errors") },
		];
	}, [shown, pool.name, lang.value]);
	return (
		<RangeChart title={shown.length < keys.length ? t("pool.chart_top", { n: shown.length, all: keys.length }) : t("pool.chart")} object={`pool/${pool.name}`} metrics={metrics} />
	);
}
