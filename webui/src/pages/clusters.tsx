// SPDX-License-Identifier: Apache-2.0
//
// The clusters: the addresses that clients connect to, with what they do now
// and what is behind them.
import { useComputed, useSignal } from "@preact/signals";
import {
	type api, Button, Card, Count, format, go, href, Menu, Notice, Num, type PageProps, Page, Rate, Spark, t, Table, toastError, useCommands, useSeries, useTopic,
} from "../kit";
import { CertificateLeft, certificatesOf, ClusterStatus, column, daysLeft, errorShare, PoolBar, poolsOf, stateWord } from "../traffic/clusterlive";
import { Clone, Create, enableEdit, removeCluster } from "../traffic/create";
import { type ClusterValues, edit, listen, useConfig } from "../draft/draft";

export default function Clusters(_: PageProps) {
	const clusters = useTopic("state.clusters");
	const pools = useTopic("state.pools");
	const rules = useTopic("state.rules");
	const certificates = useTopic("state.certificates");
	const { config, error, again } = useConfig();
	const creating = useSignal(false);
	const cloning = useSignal<ClusterValues | null>(null);
	const names = clusters.keys.value;
	const series = useSeries(names.slice(0, 256).map((n) => `cluster/${n}:requests`), 60);
	const drafted = useComputed(() => {
		const live = new Set(clusters.keys.value);
		const all = config.value?.on === "candidate" ? config.value.values.clusters : [];
		const kept = new Set(all.map((c) => c.name));
		return { fresh: all.filter((c) => !live.has(c.name)), gone: config.value?.on === "candidate" ? [...live].filter((n) => !kept.has(n)) : [] };
	});
	const create = () => (creating.value = true);
	useCommands([{ text: t("clusters.create"), icon: "plus", need: "editor", run: create }]);
	const to = (name: string) => `/clusters/${encodeURIComponent(name)}`;
	const find = (name: string) => config.value?.values.clusters.find((c) => c.name === name);
	const noConfig = error.value ? t("clusters.no_draft") : undefined;
	const button = <Button kind="primary" icon="plus" need="editor" why={noConfig} onClick={create}>{t("clusters.create")}</Button>;
	const toggle = async (name: string, on: boolean) => {
		try {
			await edit(config.peek()!, [enableEdit(name, on)], t(on ? "clusters.enabled_done" : "clusters.disabled_done", { name }));
		} catch (err) {
			toastError(err);
		}
		again();
	};
	return (
		<Page name={t("clusters.title")} actions={names.length > 0 && button}>
			{(drafted.value.fresh.length > 0 || drafted.value.gone.length > 0) && (
				<Card name={t("clusters.in_draft")} actions={<Button small href="/changes/review">{t("rules.to_review")}</Button>}>
					<ul class="drafted">
						{drafted.value.fresh.map((c) => <li key={c.name}><span class="tag">{t("clusters.new")}</span> <a href={to(c.name)}>{c.name}</a> <span class="muted">{c.protocol} · {c.listen.map(listen).join(", ")}</span></li>)}
						{drafted.value.gone.map((n) => <li key={n}><span class="tag">{t("clusters.removed")}</span> <a href={to(n)}>{n}</a></li>)}
					</ul>
				</Card>
			)}
			{error.value && <Notice kind="warning" actions={<Button small href="/changes/text">{t("rules.to_text")}</Button>}>{t("clusters.no_draft")}</Notice>}
			<Table<api.LiveCluster>
				name="clusters" caption={t("clusters.title")} source={clusters} sort="name"
				columns={[
					{ id: "name", head: t("clusters.name"), by: (c) => c.name, cell: (c) => <a href={to(c.name)}>{c.name}</a> },
					{ id: "state", head: t("clusters.state"), by: (c) => stateWord(c, pools), cell: (c) => <ClusterStatus cluster={c} pools={pools} /> },
					{ id: "listen", head: t("clusters.listen"), by: (c) => c.listen.join(" "), cell: (c) => <Addresses list={c.listen} /> },
					{ id: "protocol", head: t("clusters.protocol"), by: (c) => c.protocol, cell: (c) => c.protocol.toUpperCase() },
					{ id: "trend", head: t("clusters.trend"), cell: (c) => <Spark values={column(series.data, `cluster/${c.name}:requests`)} label={t("clusters.trend_of", { name: c.name })} /> },
					{ id: "rate", head: t("clusters.rate"), num: true, by: (c) => c.rate?.requests ?? 0, cell: (c) => <Rate of={c.rate?.requests} /> },
					{ id: "connections", head: t("clusters.connections"), num: true, by: (c) => c.connections, cell: (c) => <Count of={c.connections} /> },
					{ id: "errors", head: t("clusters.errors"), num: true, by: (c) => errorShare(c.rate) ?? 0, cell: (c) => <Num q={format.percent(errorShare(c.rate))} /> },
					{ id: "p95", head: "p95", num: true, by: (c) => c.rate?.p95 ?? 0, cell: (c) => <Num q={format.latency(c.rate?.p95)} /> },
					{ id: "health", head: t("clusters.servers_up"), cell: (c) => <PoolBar names={poolsOf(c, rules)} pools={pools} /> },
					{ id: "certificate", head: t("clusters.certificate"), by: (c) => daysLeft(certificatesOf(c.name, certificates)) ?? 1e9, cell: (c) => (c.protocol === "https" ? <CertificateLeft list={certificatesOf(c.name, certificates)} /> : "–") },
					{ id: "pool", head: t("clusters.pool"), hidden: true, by: (c) => c.pool ?? "", cell: (c) => (c.pool ? <a href={`/pools/${encodeURIComponent(c.pool)}`}>{c.pool}</a> : "–") },
					{ id: "waiting", head: t("clusters.waiting"), hidden: true, num: true, by: (c) => c.waiting, cell: (c) => <Count of={c.waiting} /> },
				]}
				edge={(c) => ({ down: "down", degraded: "degraded", disabled: "disabled" })[stateWord(c, pools)] as never}
				problem={(c) => ["down", "degraded"].includes(stateWord(c, pools)) || certificatesOf(c.name, certificates).some((x) => x.state !== "valid")}
				open={(c) => go(to(c.name))}
				actions={(c) => {
					const v = find(c.name);
					const why = noConfig ?? (v ? undefined : t("clusters.not_in_draft"));
					return (
						<Menu
							small kind="quiet" icon="more" label={t("clusters.actions", { name: c.name })}
							items={[
								{ text: t("clusters.open"), icon: "cluster", href: to(c.name) },
								{ text: t("clusters.edit"), icon: "edit", href: href(to(c.name), { tab: "settings" }) },
								...(c.protocol.startsWith("http") ? [{ text: t("clusters.rules"), icon: "rules" as const, href: href(to(c.name), { tab: "rules" }) }] : []),
								{ text: t("clusters.clone"), icon: "copy", need: "editor", ...(why ? { why } : {}), onClick: () => (cloning.value = v!) },
								{ text: t(v?.disabled ? "clusters.enable" : "clusters.disable"), need: "editor", ...(why ? { why } : {}), onClick: () => void toggle(c.name, Boolean(v?.disabled)) },
								"line",
								{ text: t("clusters.delete"), icon: "trash", need: "editor", ...(why ? { why } : {}), onClick: () => void removeCluster(c.name, c.connections, config.peek()!, again) },
							]}
						/>
					);
				}}
				empty={{ title: t("clusters.empty"), text: t("clusters.empty_text"), actions: button }}
			/>
			{creating.value && config.value && <Create config={config.value} onClose={() => { creating.value = false; again(); }} />}
			{cloning.value && config.value && <Clone config={config.value} cluster={cloning.value} onClose={() => (cloning.value = null)} />}
		</Page>
	);
}

function Addresses({ list }: { list: readonly string[] }) {
	return <span class="mono">{list.slice(0, 2).join(", ")}{list.length > 2 && <span class="muted" title={list.join(", ")}> +{list.length - 2}</span>}</span>;
}
