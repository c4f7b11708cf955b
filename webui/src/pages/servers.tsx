// SPDX-License-Identifier: Apache-2.0
//
// The servers: one row for each real machine, over all pools that it is in.
import { useEffect, useMemo } from "preact/hooks";
import { Button, type Column, Count, ErrorNotice, HealthBar, href, lang, Latency, Menu, mutate, Page, type PageProps, Percent, Rate, type State, Status, t, Table, toast, toastError, useCall, useTopic } from "../kit";
import { BlockDialogs, editBlock } from "../draft/blockdialog";
import { labelOf } from "../draft/keyword";
import { Drains, openDrain, Progress, Sticky } from "../components/drain";
import { useDrains } from "../components/draining";
import { errorShare, Weights } from "../components/members";
import { testNow, Tests } from "../components/probing";
import { removeServer, serverSource, type Node, nodeState } from "../components/servers";

export default function Servers(_: PageProps) {
	const members = useTopic("state.members");
	const system = useTopic("state.system");
	void system.keys.value;
	const revision = system.get("box")?.value.revision;
	const config = useCall("config.values", { on: "running" });
	useDrains(members);
	const values = config.data.value?.values as { servers?: { name: string; address: string; description?: string }[] } | undefined;
	useEffect(() => {
		if (config.data.peek() && revision && revision !== config.data.peek()!.base) config.again();
	}, [revision]);
	const nodes = useMemo(() => serverSource(members, values?.servers ?? []), [members, values]);
	const keys = members.keys.value;
	const columns = useMemo((): Column<Node>[] => [
		{ id: "name", head: t("servers.name"), by: (n) => `${n.name} ${n.description ?? ""}`, cell: (n) => <a href={`/servers/${encodeURIComponent(n.name)}`}>{n.name}</a> },
		{ id: "address", head: labelOf("server", "address"), by: (n) => n.address, cell: (n) => <span class="mono">{n.address}</span> },
		{ id: "state", head: t("servers.state"), by: (n) => nodeState(n).word, cell: (n) => <Status {...nodeState(n)} /> },
		{ id: "pools", head: t("servers.pools"), by: (n) => n.members.map((m) => m.pool).join(" "), wrap: true, cell: (n) => n.members.length === 0 ? <span class="muted">{t("servers.unused")}</span> : <span class="row">{n.members.map((m) => <a key={m.pool} href={href(`/pools/${encodeURIComponent(m.pool)}`, { server: m.name })}>{m.pool}</a>)}{n.members.length > 1 && <HealthBar counts={bar(n)} />}</span> },
		{ id: "rate", head: t("servers.rate"), num: true, by: (n) => n.rate.requests, cell: (n) => <Rate of={n.rate.requests} /> },
		{ id: "running", head: t("members.running"), num: true, by: (n) => n.active, cell: (n) => <Count of={n.active} /> },
		{ id: "conns", head: t("members.conns"), num: true, by: (n) => n.open, cell: (n) => <Count of={n.open} /> },
		{ id: "sticky", head: t("members.sticky"), num: true, by: (n) => n.sticky, cell: (n) => <Sticky n={n.sticky} cookies={n.cookies} /> },
		{ id: "p95", head: "p95", num: true, by: (n) => n.rate.p95 ?? -1, cell: (n) => <Latency of={n.rate.p95} /> },
		{ id: "errors", head: t("members.failed"), num: true, by: (n) => errorShare(n.rate) ?? -1, cell: (n) => <Percent of={errorShare(n.rate)} /> },
		{ id: "labels", head: labelOf("any", "labels"), hidden: true, by: (n) => Object.entries(n.labels).map((l) => l.join("=")).join(" "), cell: (n) => Object.entries(n.labels).map((l) => <span class="tag" key={l[0]}>{l.join("=")}</span>) },
	], [nodes, lang.value]);
	const add = <Button kind="primary" icon="plus" need="editor" onClick={() => editBlock({ block: "server", parent: "" })}>{t("servers.add")}</Button>;
	const back = (n: Node) => void mutate("server.enable", { server: n.name }).then(() => toast(t("servers.enabled", { name: n.name })), toastError);
	const keysOf = (names: readonly string[]) => names.flatMap((s) => nodes.get(s)?.peek().members.map((m) => `${m.pool}/${m.name}`) ?? []);
	return (
		<Page name={t("servers.title")} actions={add}>
			<Progress source={members} keys={keys} pools />
			{config.error.value && <ErrorNotice error={config.error.value} title={t("servers.config_not_read")} retry={config.again} />}
			<Table
				name="servers" caption={t("servers.title")} source={nodes} columns={columns}
				problem={(n) => n.members.some((m) => m.health === "down")} edge={(n) => { const s = nodeState(n).state; return s === "up" || s === "unknown" || s === "spare" ? undefined : s; }}
				bulk={(names) => <>
					<Button small need="operator" why={keysOf(names).length === 0 ? t("servers.unused") : undefined} onClick={() => openDrain({ members: keysOf(names) })}>{t("servers.drain_many", { n: names.length })}</Button>
					<Button small need="operator" why={keysOf(names).length === 0 ? t("servers.unused") : undefined} onClick={() => testNow({ members: keysOf(names) })}>{t("servers.test_many", { n: names.length })}</Button>
				</>}
				actions={(n) => {
					const why = n.members.length === 0 ? { why: t("servers.unused") } : {};
					return <Menu small kind="quiet" icon="more" label={t("members.actions_for", { name: n.name })} items={[
						{ title: t("members.at_once") },
						{ text: t("servers.drain"), icon: "pause", need: "operator", ...why, onClick: () => openDrain({ server: n.name }) },
						{ text: t("servers.disable"), need: "operator", ...why, onClick: () => openDrain({ server: n.name }, "now") },
						{ text: t("servers.enable"), icon: "play", need: "operator", ...(n.members.some((m) => m.admin !== "enabled") ? {} : { why: t("members.all_enabled") }), onClick: () => back(n) },
						{ text: t("members.test_now"), icon: "probe", need: "operator", ...why, onClick: () => testNow({ members: keysOf([n.name]) }) },
						"line", { title: t("members.in_candidate") },
						{ text: t("servers.replace"), icon: "edit", need: "editor", onClick: () => editBlock({ block: "server", path: `server/${n.name}`, name: n.name }) },
						{ text: t("servers.remove"), icon: "trash", need: "editor", onClick: () => removeServer(n) },
					]} />;
				}}
				empty={{ title: t("servers.empty"), text: t("servers.empty_text"), actions: add }}
			/>
			<Drains /><Weights /><Tests /><BlockDialogs />
		</Page>
	);
}

function bar(n: Node): Partial<Record<State, number>> {
	const out: Partial<Record<State, number>> = {};
	for (const m of n.members) {
		const s = nodeState({ ...n, members: [m] }).state;
		out[s] = (out[s] ?? 0) + 1;
	}
	return out;
}
