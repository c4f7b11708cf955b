// SPDX-License-Identifier: Apache-2.0
//
// One server: its members in all pools.
import { useCallback, useMemo } from "preact/hooks";
import { Button, Count, Empty, ErrorNotice, format, href, lang, Latency, Menu, Page, type PageProps, Percent, query, Rate, setQuery, Skeleton, Status, t, Tile, useCall, useTopic } from "../kit";
import { BlockDialogs, editBlock } from "../draft/blockdialog";
import { Drains, openDrain, Progress, Sticky } from "../components/drain";
import { useDrains } from "../components/draining";
import { errorShare, MemberPanel, MembersTable, usePart, Weights } from "../components/members";
import { testNow, Tests } from "../components/probing";
import { nodeState, removeServer, serverSource } from "../components/servers";
import { type Metric, RangeChart } from "../components/trend";

type Config = { servers?: { name: string; address: string; description?: string }[] };

export default function ServerPage({ params }: PageProps) {
	const name = params["server"] ?? "";
	const all = useTopic("state.members");
	const config = useCall("config.values", { on: "running" });
	const values = config.data.value?.values as Config | undefined;
	const nodes = useMemo(() => serverSource(all, values?.servers ?? []), [all, values]);
	const choose = useCallback(() => all.keys.value.filter((k) => k.slice(k.indexOf("/") + 1) === name), [all, name]);
	const members = usePart(all, choose);
	useDrains(members);
	const keys = members.keys.value;
	const n = nodes.get(name)?.value;
	const pool = query("server").value; // the row that is open: here rows are pools
	const metrics = useMemo((): Metric[] => {
		const lines = (metric: string) => keys.slice(0, 5).map((k) => ({ id: k, label: k.slice(0, k.indexOf("/")), series: `member/${k}:${metric}` }));
		return [
			{ id: "requests", text: t("server.metric_requests"), format: format.rate, lines: lines("requests") },
			{ id: "p95", text: "p95", format: format.latency, lines: lines("p95") },
			{ id: "connections", text: t("server.metric_connections"), format: format.short, lines: lines("connections") },
			{ id: "errors", text: t("members.failed"), format: format.rate, lines: lines("errors") },
		];
	}, [keys, lang.value]);
	const crumbs = [{ text: t("server.servers"), href: "/servers" }];
	if (!n) {
		const known = all.loaded.value && config.data.value;
		return (
			<Page name={name} crumbs={crumbs}>
				{config.error.value ? <ErrorNotice error={config.error.value} retry={config.again} /> : known ? <Empty title={t("server.gone", { name })} actions={<Button href="/servers">{t("server.all")}</Button>} /> : <Skeleton rows={6} />}
			</Page>
		);
	}
	const unused = keys.length === 0 ? t("server.unused") : undefined;
	return (
		<Page
			name={name} crumbs={crumbs} state={<><Status {...nodeState(n)} /><code>{n.address}</code>{n.description && <span>{n.description}</span>}</>}
			actions={<>
				<Button icon="edit" need="editor" onClick={() => editBlock({ block: "server", path: `server/${name}`, name })}>{t("server.replace")}</Button>
				<Button kind="primary" need="operator" why={unused} onClick={() => openDrain({ server: name })}>{t("server.drain")}</Button>
				<Menu icon="more" label={t("server.more")} items={[
					{ text: t("server.test"), icon: "probe", need: "operator", ...(unused ? { why: unused } : {}), onClick: () => testNow({ members: keys }) },
					{ text: t("server.disable"), need: "operator", ...(unused ? { why: unused } : {}), onClick: () => openDrain({ server: name }, "now") },
					"line",
					{ text: t("server.remove"), icon: "trash", need: "editor", onClick: () => removeServer(n) },
				]} />
			</>}
			panel={pool && <MemberPanel key={pool} source={all} id={`${pool}/${name}`} onClose={() => setQuery({ server: "" })} />}
		>
			<div class="tiles five">
				<Tile label={t("server.requests")} value={<Rate of={n.rate.requests} />} />
				<Tile label={t("members.failed")} value={<Percent of={errorShare(n.rate)} />} />
				<Tile label="p95" value={<Latency of={n.rate.p95} />} />
				<Tile label={t("members.conns")} value={<Count of={n.open} />} />
				<Tile label={t("members.sticky")} value={<span class="word"><Sticky n={n.sticky} cookies={n.cookies} /></span>} />
			</div>
			<Progress source={all} keys={keys} pools />
						<MembersTable
				source={members} byPool caption={t("server.pools_of", { name })} opened={pool ? `${pool}/${name}` : ""} link={(m) => href(`/pools/${encodeURIComponent(m.pool)}`, { server: m.name })}
				empty={{ title: t("server.unused"), text: t("server.unused_text"), actions: <Button href="/pools">{t("server.to_pools")}</Button> }}
			/>
			{keys.length > 0 && <RangeChart title={t("server.chart")} object={`pool/*/member/${name}`} metrics={metrics} />}
			<Drains /><Weights /><Tests /><BlockDialogs />
		</Page>
	);
}
