// SPDX-License-Identifier: Apache-2.0
//
// What the box remembers of clients: which member each is kept on.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, ask, Button, call, Card, Choice, comma, Count, Empty, ErrorNotice, Facts, format, mutate, Notice, type PageProps, Page, query, setQuery, t, Table, TextField, toast, useCall, useList,  } from "../kit";
import { type ClusterValues, useConfig } from "../draft/draft";

type Share = { key: string; pool: string; member: string; clients: number; open: number };
type Row = api.Source & { key: string };

// shares counts the records of each member.
export function shares(records: readonly api.Source[]): Share[] {
	const out = new Map<string, Share>();
	for (const r of records) {
		const key = `${r.pool ?? ""}/${r.member ?? ""}`;
		const s = out.get(key) ?? { key, pool: r.pool ?? "", member: r.member ?? "", clients: 0, open: 0 };
		s.clients++;
		s.open += r.open;
		out.set(key, s);
	}
	return [...out.values()];
}

export default function Persistence(_: PageProps) {
	const list = useCall("persist.list", {});
	const { config } = useConfig("running");
	const by = query("by").value === "server" ? "server" : "client";
	const rows = useComputed(() => list.data.value?.records.map((r, i): Row => ({ ...r, key: `${r.client} ${r.pool ?? ""} ${r.member ?? ""} ${i}` })));
	const clients = useList<Row>(rows.value, (r) => r.key, list.data.value ? null : list.error.value);
	const counted = useComputed(() => list.data.value && shares(list.data.value.records));
	const members = useList<Share>(counted.value, (s) => s.key, list.data.value ? null : list.error.value);
	const clusters = useComputed(() => (config.value?.values.clusters ?? []).filter((c) => c.persist.some((p) => p.method !== "none")));
	useEffect(() => {
		const timer = setInterval(() => document.hidden || list.again(), 5000);
		return () => clearInterval(timer);
	}, []);
	const total = list.data.value?.total ?? 0;
	const clear = (client: string, cluster: string) => {
		const n = client ? (list.data.peek()?.records.filter((r) => r.client === client).length ?? 0) : total;
		void ask({
			title: client ? t("persistence.clear_client", { client }) : cluster ? t("persistence.clear_cluster", { cluster }) : t("persistence.clear_all"),
			text: client ? t("persistence.clear_text_client", { n }) : cluster ? t("persistence.clear_text_cluster", { cluster }) : t("persistence.clear_text_all", { n }),
			act: t("persistence.clear"), danger: true, need: "operator",
			run: async () => {
				const r = await mutate("persist.clear", { ...(client ? { client } : {}), ...(cluster ? { cluster } : {}) });
				toast(t("persistence.cleared", { n: r.records }));
				list.again();
			},
		});
	};
	const rotate = () =>
		ask({
			title: t("persistence.rotate_title"), text: t("persistence.rotate_text"), act: t("persistence.rotate_act"), need: "admin",
			run: () => mutate("persist.rotate", {}).then((r) => toast(t("persistence.rotated", { n: r.keys }))),
		});
	const nobody = clusters.value.length === 0;
	const empty = { title: t(nobody ? "persistence.none" : "persistence.empty"), text: t(nobody ? "persistence.none_text" : "persistence.empty_text"), ...(nobody ? { actions: <Button href="/clusters">{t("persistence.to_clusters")}</Button> } : {}) };
	return (
		<Page name={t("persistence.title")} actions={<>
			<Button icon="key" need="admin" onClick={() => void rotate()}>{t("persistence.rotate")}</Button>
			<Button kind="danger" need="operator" why={total === 0 ? t("persistence.nothing") : undefined} onClick={() => clear("", "")}>{t("persistence.clear_all_act")}</Button>
		</>}>
			<p class="muted">{t("persistence.text")}</p>
			<div class="grid">
				<Card name={t("persistence.who")}>
					{nobody ? <p class="muted">{t("persistence.none_text")}</p> : (
						<ul class="drafted">
							{clusters.value.map((c) => (
								<li key={c.name}>
									<a href={`/clusters/${encodeURIComponent(c.name)}?tab=settings`}>{c.name}</a> <span class="muted">{comma(c.persist.map(method))}</span>
									{c.persist.some((p) => p.method === "source") && <span class="push-end"><Button small kind="quiet" need="operator" onClick={() => clear("", c.name)}>{t("persistence.clear_of", { cluster: c.name })}</Button></span>}
								</li>
							))}
						</ul>
					)}
				</Card>
				<LookUp clusters={clusters.value} records={list.data.value?.records ?? []} total={total} onClear={(client) => clear(client, "")} />
			</div>
			<div class="row"><Choice label={t("persistence.by")} value={by} onChange={(v) => setQuery({ by: v === "server" ? "server" : "" })} options={[{ value: "client", text: t("persistence.by_client") }, { value: "server", text: t("persistence.by_server") }]} /><span class="muted">{t("persistence.total", { n: total })}</span></div>
			{total > (list.data.value?.records.length ?? 0) && <Notice>{t("persistence.too_many", { n: list.data.value?.records.length ?? 0, all: total })}</Notice>}
			{by === "server" ? (
				<Table<Share>
					key="server" name="shares" caption={t("persistence.by_server")} source={members} sort="-clients" retry={list.again} empty={empty}
					columns={[
						{ id: "pool", head: t("persistence.pool"), by: (s) => s.pool, cell: (s) => (s.pool ? <a href={`/pools/${encodeURIComponent(s.pool)}`}>{s.pool}</a> : "–") },
						{ id: "member", head: t("persistence.server"), by: (s) => s.member, cell: (s) => (s.member ? <a href={`/servers/${encodeURIComponent(s.member)}`}>{s.member}</a> : "–") },
						{ id: "clients", head: t("persistence.clients"), num: true, by: (s) => s.clients, cell: (s) => <Count of={s.clients} /> },
						{ id: "open", head: t("persistence.open"), num: true, by: (s) => s.open, cell: (s) => <Count of={s.open} /> },
					]}
				/>
			) : (
				<Table<Row>
					key="client" name="records" caption={t("persistence.by_client")} source={clients} sort="client" retry={list.again} empty={empty}
					columns={[
						{ id: "client", head: t("persistence.client"), by: (r) => r.client, cell: (r) => <code>{r.client}</code> },
						{ id: "pool", head: t("persistence.pool"), by: (r) => r.pool ?? "", cell: (r) => (r.pool ? <a href={`/pools/${encodeURIComponent(r.pool)}`}>{r.pool}</a> : "–") },
						{ id: "member", head: t("persistence.server"), by: (r) => r.member ?? "", cell: (r) => (r.member ? <a href={`/servers/${encodeURIComponent(r.member)}`}>{r.member}</a> : "–") },
						{ id: "open", head: t("persistence.open"), num: true, by: (r) => r.open, cell: (r) => <Count of={r.open} /> },
						{ id: "idle", head: t("persistence.idle"), num: true, by: (r) => seconds(r.idle), cell: (r) => (r.open > 0 ? "–" : format.duration(seconds(r.idle))) },
						{ id: "left", head: t("persistence.left"), num: true, by: (r) => left(r), cell: (r) => (r.open > 0 ? format.duration(seconds(r.keep)) : format.duration(left(r))) },
					]}
					actions={(r) => <Button small kind="quiet" icon="trash" label={t("persistence.clear_client", { client: r.client })} need="operator" onClick={() => clear(r.client, "")} />}
				/>
			)}
		</Page>
	);
}

const seconds = (d: string | undefined) => (d ? format.parseDuration(d) : 0);
const left = (r: api.Source) => Math.max(0, seconds(r.keep) - seconds(r.idle));
const method = (p: ClusterValues["persist"][number]) => t(p.method === "cookie" ? "persistence.by_cookie" : p.method === "source" ? "persistence.by_address" : "persistence.by_none");

type LookUpProps = { clusters: readonly ClusterValues[]; records: readonly api.Source[]; total: number; onClear: (client: string) => void };

// LookUp answers "where is this client kept": an address in the records, a
// cookie by asking the box what it would do with a request that has it.
function LookUp({ clusters, records, total, onClear }: LookUpProps) {
	const text = useSignal("");
	const asked = useSignal<{ text: string; found: readonly api.Source[] } | null>(null);
	const cookie = useSignal<readonly { cluster: string; found?: api.Explained; error?: unknown }[] | null>(null);
	const busy = useSignal(false);
	const look = async () => {
		const s = text.peek().trim();
		if (!s) return;
		cookie.value = null;
		asked.value = null;
		if (!s.includes("=")) {
			asked.value = { text: s, found: records.filter((r) => r.client === s) };
			return;
		}
		busy.value = true;
		const list = clusters.filter((c) => c.protocol.startsWith("http") && c.persist.some((p) => p.method === "cookie"));
		cookie.value = await Promise.all(
			list.map((c) =>
				call("explain.request", { cluster: c.name, url: "/", fields: [`Cookie: ${s.replace(/^cookie:\s*/i, "")}`], on: "running" }).then(
					(found) => ({ cluster: c.name, found }),
					(error: unknown) => ({ cluster: c.name, error }),
				),
			),
		);
		busy.value = false;
	};
	return (
		<Card name={t("persistence.look_up")}>
			<form class="form" onSubmit={(e) => { e.preventDefault(); void look(); }}>
				<TextField label={t("persistence.address_or_cookie")} mono value={text.value} onChange={(v) => (text.value = v)} placeholder="192.0.2.7" help={t("persistence.look_help")} />
				<div class="row"><Button type="submit" icon="search" busy={busy.value} why={text.value.trim() ? undefined : t("persistence.type_first")}>{t("persistence.look")}</Button></div>
				<div aria-live="polite" class="stack">
					{asked.value && (asked.value.found.length > 0 ? (
						<>
							<Facts list={asked.value.found.map((r) => [r.client, `${r.pool ?? "–"} → ${r.member ?? "–"}`] as const)} />
							<div><Button small kind="danger" need="operator" onClick={() => onClear(asked.peek()!.text)}>{t("persistence.clear")}</Button></div>
						</>
					) : <p>{t(total > records.length ? "persistence.not_in_part" : "persistence.not_found", { client: asked.value.text })}</p>)}
					{cookie.value && (cookie.value.length === 0 ? <Empty title={t("persistence.no_cookie_cluster")} /> : <Facts list={cookie.value.map((x) => [x.cluster, x.error !== undefined ? <ErrorNotice error={x.error} /> : <>{x.found!.persist ?? "–"}{x.found!.member && <> → <strong>{x.found!.member}</strong></>}</>] as const)} />)}
				</div>
			</form>
		</Card>
	);
}
