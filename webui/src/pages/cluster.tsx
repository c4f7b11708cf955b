// SPDX-License-Identifier: Apache-2.0
//
// One cluster: what it does now, its rules, settings, TLS and events.
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import {
	type api, Bits, Button, Card, Chart, Choice, Count, Empty, ErrorNotice, Facts, format, go, has, Menu, Notice, Num, type PageProps, Page, query, Rate, setQuery, Skeleton, stale, Status, t, Tabs, Tile, Time,
	toastError, useCommands, useKeys, useLog, useTopic,
} from "../kit";
import { eventText } from "../components/happened";
import { CertificateLeft, certificatesOf, ClusterStatus, errorShare, PoolBar, poolsOf } from "../traffic/clusterlive";
import { Clone, enableEdit, removeCluster } from "../traffic/create";
import { type Config, edit, listen, path, useConfig, useProblems } from "../draft/draft";
import { type Range, ranges, useMarks, useRange } from "../traffic/range";
import { Configured, RuleList, Target } from "../traffic/rulelist";
import { BlockForm } from "../draft/form";
import { PersistForm } from "../traffic/persistform";

export default function Cluster({ params }: PageProps) {
	const name = params["cluster"]!;
	const clusters = useTopic("state.clusters");
	const pools = useTopic("state.pools");
	const rules = useTopic("state.rules");
	const certificates = useTopic("state.certificates");
	const { config, error, again } = useConfig();
	const problems = useProblems(config);
	const cloning = useSignal(false);
	const live = useComputed(() => (clusters.keys.value.includes(name) ? clusters.get(name)?.value : undefined));
	const mine = useComputed(() => config.value?.values.clusters.find((c) => c.name === name));
	const http = (live.value ?? mine.value)?.protocol.startsWith("http");
	const crumbs = [{ text: t("clusters.title"), href: "/clusters" }];
	useCommands([{ text: t("cluster.try_rules", { name }), icon: "tester", run: () => go(`/tester?cluster=${encodeURIComponent(name)}`) }], [name]);

	if (!live.value && !mine.value) {
		if (clusters.error.value) return <Page name={name} crumbs={crumbs}><ErrorNotice error={clusters.error.value} /></Page>;
		if (!clusters.loaded.value || (!config.value && !error.value)) return <Page name={name} crumbs={crumbs}><Skeleton /></Page>;
		return <Page name={name} crumbs={crumbs}><Empty title={t("cluster.missing", { name })} text={t("cluster.missing_text")} actions={<Button href="/clusters">{t("rules.to_clusters")}</Button>} /></Page>;
	}
	const v = mine.value;
	const why = v ? undefined : t(error.value ? "clusters.no_draft" : "clusters.not_in_draft");
	const toggle = async () => {
		try {
			await edit(config.peek()!, [enableEdit(name, Boolean(v!.disabled))], t(v!.disabled ? "clusters.enabled_done" : "clusters.disabled_done", { name }));
		} catch (err) {
			toastError(err);
		}
		again();
	};
	const tabs = [
		{ id: "live", text: t("cluster.live"), show: () => (live.value ? <LiveTab cluster={live as ReadonlySignal<api.LiveCluster>} pools={pools} rules={rules} certificates={certificates} /> : <Empty title={t("cluster.only_draft")} text={t("cluster.only_draft_text")} actions={<Button kind="primary" href="/changes/review">{t("rules.to_review")}</Button>} />) },
		...(http ? [{ id: "rules", text: t("cluster.rules"), show: () => <Configured config={config.value} error={error.value} again={again}>{(c) => (v ? <RuleList config={c} cluster={v} live={rules} problems={problems.value} again={again} /> : <Gone />)}</Configured> }] : []),
		{ id: "settings", text: t("cluster.settings"), show: () => <Configured config={config.value} error={error.value} again={again}>{(c) => (v ? <Settings config={c} name={name} protocol={v.protocol} persist={v.persist} again={again} /> : <Gone />)}</Configured> },
		{ id: "tls", text: "TLS", show: () => <Configured config={config.value} error={error.value} again={again}>{() => (v ? <TLS name={name} protocol={v.protocol} certificates={certificatesOf(name, certificates)} again={again} /> : <Gone />)}</Configured> },
		{ id: "events", text: t("cluster.events"), show: () => <Events objects={[`cluster/${name}`, ...(live.value ? poolsOf(live.value, rules).map((p) => `pool/${p}`) : [])]} /> },
	];
	return (
		<Page
			name={name} crumbs={crumbs}
			state={<>{live.value ? <ClusterStatus cluster={live.value} pools={pools} /> : <span class="tag">{t("rules.in_draft")}</span>}<span class="muted">{(live.value?.protocol ?? v!.protocol).toUpperCase()} · <span class="mono">{(live.value?.listen ?? v!.listen.map(listen)).join(", ")}</span></span></>}
			actions={<>
				{http && <Button icon="tester" href={`/tester?cluster=${encodeURIComponent(name)}`}>{t("rules.try")}</Button>}
				<Menu
					icon="more" label={t("clusters.actions", { name })}
					items={[
						{ text: t("clusters.clone"), icon: "copy", need: "editor", ...(why ? { why } : {}), onClick: () => (cloning.value = true) },
						{ text: t(v?.disabled ? "clusters.enable" : "clusters.disable"), need: "editor", ...(why ? { why } : {}), onClick: () => void toggle() },
						"line",
						{ text: t("clusters.delete"), icon: "trash", need: "editor", ...(why ? { why } : {}), onClick: () => void removeCluster(name, live.value?.connections ?? 0, config.peek()!, again).then((done) => done && go("/clusters")) },
					]}
				/>
			</>}
		>
			{v?.description && <p class="muted">{v.description}</p>}
			{live.value && v && live.value.disabled !== v.disabled && <Notice actions={<Button small href="/changes/review">{t("rules.to_review")}</Button>}>{t(v.disabled ? "cluster.draft_disables" : "cluster.draft_enables")}</Notice>}
			<Tabs label={t("cluster.tabs", { name })} tabs={tabs} />
			{cloning.value && config.value && v && <Clone config={config.value} cluster={v} onClose={() => (cloning.value = false)} />}
		</Page>
	);
}

const Gone = () => <Empty title={t("cluster.gone")} text={t("cluster.gone_text")} actions={<Button href="/changes/review">{t("rules.to_review")}</Button>} />;

type LiveProps = { cluster: ReadonlySignal<api.LiveCluster>; pools: ReturnType<typeof useTopic<"state.pools">>; rules: ReturnType<typeof useTopic<"state.rules">>; certificates: ReturnType<typeof useTopic<"state.certificates">> };

function LiveTab({ cluster, pools, rules, certificates }: LiveProps) {
	const c = cluster.value;
	const paused = useSignal(false);
	const range = (ranges as readonly string[]).includes(query("range").value) ? (query("range").value as Range) : "5m";
	const object = `cluster/${c.name}`;
	const names = poolsOf(c, rules);
	const { data, error } = useRange(object, ["requests", "errors", "connections", "bytes_in", "bytes_out", "p50", "p95", "p99"], range, paused);
	const marks = useMarks([object, ...names.map((p) => `pool/${p}`)]);
	useKeys([{ keys: "p", text: t("common.pause"), run: () => (paused.value = !paused.peek()) }]);
	const line = (metric: string, label: string, colour?: string) => ({ id: `${object}:${metric}`, label, ...(colour ? { colour } : {}) });
	const http = c.protocol.startsWith("http");
	const common = { data, marks, paused, sync: "cluster", height: 180 };
	const reasons = Object.entries(c.reasons).sort((a, b) => b[1] - a[1]);
	return (
		<div class={`stack${stale.value ? " stale" : ""}`}>
			<div class="tiles">
				<Tile label={t(http ? "cluster.requests" : "cluster.new_connections")} value={<Rate of={c.rate?.requests} />} note={t("cluster.total", { n: c.requests })} />
				<Tile label={t("cluster.errors")} value={<Num q={format.percent(errorShare(c.rate))} />} note={t("cluster.retries", { n: c.retries })} />
				<Tile label={t("cluster.p95")} value={<Num q={format.latency(c.rate?.p95)} />} note={`p50 ${text(format.latency(c.rate?.p50))}`} />
				<Tile label={t("cluster.connections")} value={<Count of={c.connections} />} note={t("cluster.waiting", { n: c.waiting })} />
				<Tile label={t("cluster.throughput")} value={<Bits of={(c.rate?.bytes_out ?? 0) * 8} />} note={`${t("cluster.in")} ${text(format.bits((c.rate?.bytes_in ?? 0) * 8))}`} />
				<Tile label={t("cluster.servers")} value={<PoolBar names={names} pools={pools} />} note={c.protocol === "https" ? <CertificateLeft list={certificatesOf(c.name, certificates)} /> : ""} />
			</div>
			<h2 class="visually-hidden">{t("cluster.charts")}</h2>
			<div class="row"><Choice label={t("cluster.range")} value={range} onChange={(v) => setQuery({ range: v === "5m" ? "" : v })} options={ranges.map((r) => ({ value: r, text: t(`cluster.range_${r}`) }))} />{stale.value && <Status word="warning">{t("cluster.stale")}</Status>}</div>
			{error.value && <ErrorNotice error={error.value} />}
			<div class="charts-two">
				<Card><Chart title={t("cluster.chart_requests")} lines={[line("requests", t(http ? "cluster.requests" : "cluster.new_connections")), line("errors", t("cluster.errors"), "var(--down)")]} format={format.rate} {...common} /></Card>
				<Card><Chart title={t("cluster.chart_latency")} lines={[line("p50", "p50"), line("p95", "p95"), line("p99", "p99")]} format={format.latency} {...common} /></Card>
				<Card><Chart title={t("cluster.chart_connections")} lines={[line("connections", t("cluster.connections"))]} format={format.short} {...common} /></Card>
				<Card><Chart title={t("cluster.chart_throughput")} lines={[line("bytes_in", t("cluster.in")), line("bytes_out", t("cluster.out"))]} format={(n) => format.bits(n === undefined ? n : n * 8)} {...common} /></Card>
			</div>
			<div class="grid">
				<Card name={t("cluster.behind")}>
					<Facts list={[[t("cluster.otherwise"), <Target rule={c} />] as const, ...names.map((p) => [t("cluster.pool_named", { name: p }), <PoolBar names={[p]} pools={pools} />] as const)]} />
				</Card>
				<Card name={t("cluster.how_ended")}>
					{reasons.length === 0 ? <p class="muted">{t("cluster.nothing_yet")}</p> : <Facts list={[...Object.entries(c.classes).filter(([, n]) => n > 0).map(([k, n]) => [k, <Count of={n} />] as const), ...reasons.filter(([, n]) => n > 0).map(([k, n]) => [has(`cluster.reason.${k}`) ? t(`cluster.reason.${k}`) : k, <><Count of={n} /> <code class="muted">{k}</code></>] as const)]} />}
				</Card>
			</div>
		</div>
	);
}

const text = (q: { value: string; unit: string }) => `${q.value} ${q.unit}`;

type SettingsProps = { config: Config; name: string; protocol: string; again: () => void };

function Settings({ config, name, protocol, persist, again }: SettingsProps & { persist: { method: string; age?: string; timeout?: string }[] }) {
	const at = path("cluster", name);
	return (
		<div class="stack">
			<p class="muted">{t("rules.draft_only")}</p>
			<Card name={t("cluster.general")}><BlockForm block="cluster" path={at} grid first={["description", "listen", "pool", "responder", "client_ip", "retries"]} leave={["protocol", "disabled"]} onDone={again} /></Card>
			<PersistForm key={JSON.stringify(persist)} config={config} cluster={{ name, protocol, persist }} again={again} />
			<Card name={t("cluster.timeouts")}><BlockForm block="timeouts" path={`${at}/timeouts`} of={protocol} grid first={[]} onDone={again} /></Card>
			<Card name={t("cluster.limits_title")}><BlockForm block="limits" path={`${at}/limits`} of={protocol} grid first={[]} onDone={again} /></Card>
			{protocol.startsWith("http") && <Card name={t("cluster.compress")}><BlockForm block="compress" path={`${at}/compress`} of={protocol} grid first={["codings", "min_size", "disabled"]} absent={t("cluster.not_compressed")} onDone={again} /></Card>}
		</div>
	);
}

function TLS({ name, protocol, certificates, again }: Omit<SettingsProps, "config"> & { certificates: readonly api.Certificate[] }) {
	if (protocol !== "https") return <Empty title={t("cluster.no_tls")} text={t(protocol === "http" ? "cluster.no_tls_http" : "cluster.no_tls_bytes")} />;
	return (
		<div class="stack">
			<Card name={t("cluster.certificates")}>
				{certificates.length === 0 ? <p class="muted">{t("cluster.no_certificates")}</p> : (
					<ul class="cert-list">
						{certificates.map((c) => (
							<li key={c.name}>
								<Status word={c.state} /><a href={`/certificates/${encodeURIComponent(c.name)}`}>{c.name}</a>
								<span class="muted">{c.names.join(", ")}</span><span><CertificateLeft list={[c]} /></span>
								{c.warnings?.map((w) => <p key={w} class="small">{w}</p>)}
							</li>
						))}
					</ul>
				)}
			</Card>
			<Card name={t("cluster.tls_title")}><BlockForm block="tls" path={`${path("cluster", name)}/tls`} grid first={["certificates", "profile", "http2", "strict_sni", "client_auth", "client_ca"]} onDone={again} /></Card>
		</div>
	);
}

function Events({ objects }: { objects: readonly string[] }) {
	const log = useLog<api.LogEventsEvent>("log.events", { objects }, 500);
	const rows = log.rows.value.slice().reverse();
	if (log.error.value) return <ErrorNotice error={log.error.value} title={t("common.not_loaded", { name: t("cluster.events") })} />;
	if (!log.loaded.value) return <Skeleton />;
	if (rows.length === 0) return <Empty title={t("cluster.no_events")} text={t("cluster.no_events_text")} />;
	return (
		<div class={`table-wrap${stale.value ? " stale" : ""}`}>
			<div class="table-scroll">
				<table class="table">
					<caption class="visually-hidden">{t("cluster.events")}</caption>
					<thead><tr><th scope="col">{t("common.time")}</th><th scope="col">{t("cluster.severity")}</th><th scope="col">{t("cluster.event")}</th></tr></thead>
					<tbody>
						{rows.map((r, i) => (r.entry ? (
							<tr key={r.entry.seq}><td><Time at={r.entry.time} /></td><td><Status word={r.entry.severity} /></td><td class="wrap">{eventText(r.entry)}</td></tr>
						) : <tr key={`gap${i}`}><td colSpan={3} class="muted">{t("cluster.gap", { n: r.dropped ?? 0 })}</td></tr>))}
					</tbody>
				</table>
			</div>
		</div>
	);
}
