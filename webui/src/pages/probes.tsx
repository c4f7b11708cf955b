// SPDX-License-Identifier: Apache-2.0
//
// Health checks: what is asked, of whom, what came back last, and asking now.
import { computed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Ago, type api, ask, Button, type Column, comma, Facts, format, href, lang, Menu, Num, Page, type PageProps, Panel, query, say, setQuery, type Source, type State, Status, StateIcon, t, Table, useCall, useTopic } from "../kit";
import { BlockDialogs, editBlock } from "../draft/blockdialog";
import { removeBlocks } from "../draft/draft";
import { labelOf } from "../draft/keyword";
import { plain } from "../draft/values";
import { brief } from "../components/members";
import { testNow, Tests } from "../components/probing";

type Written = Record<string, unknown> & { type: string };
type Config = { pools?: { name: string; members: { server: string; dont_probe: boolean }[]; probes: Written[] }[] };

// A Check is one probe of a pool with what its members last answered.
export type Check = { key: string; pool: string; name: string; path: string; config: Written; asked: { member: string; probe: api.LiveProbe }[]; members: string[] };

// definitions lists the probes of a configuration, named as the box names them.
export function definitions(c: Config): Omit<Check, "asked">[] {
	return (c.pools ?? []).flatMap((p) => {
		const seen: Record<string, number> = {};
		return p.probes.map((config) => {
			const n = (seen[config.type] = (seen[config.type] ?? 0) + 1);
			const name = n > 1 ? `${config.type}-${n}` : config.type;
			return { key: `${p.name}/${name}`, pool: p.name, name, path: `pool/${p.name}/probe/${config.type}${n > 1 ? `#${n}` : ""}`, config, members: p.members.filter((m) => !m.dont_probe).map((m) => `${p.name}/${m.server}`) };
		});
	});
}

function checkSource(list: readonly Omit<Check, "asked">[] | undefined, members: Source<api.LiveMember>, error: Source<Check>["error"]): Source<Check> {
	const made = new Map((list ?? []).map((d) => [d.key, computed((): Check => {
		void members.keys.value;
		const asked = d.members.flatMap((k) => {
			const probe = members.get(k)?.value.probes.find((p) => p.name === d.name);
			return probe ? [{ member: k.slice(k.indexOf("/") + 1), probe }] : [];
		});
		return { ...d, asked };
	})]));
	const keys = computed(() => [...made.keys()]);
	return { keys, get: (k) => made.get(k), loaded: computed(() => list !== undefined), error, updated: members.updated };
}

// question says in one line what is asked.
export function question(c: Written): string {
	const parts = c.type === "http" ? [`${String(c["method"] ?? "GET")} ${String(c["path"] ?? "/")}`] : [];
	if (c["service"]) parts.push(String(c["service"]));
	if (c["send"]) parts.push(t("probes.sends", { text: String(c["send"]) }));
	if (c["expect"]) parts.push(t("probes.expects", { text: String(c["expect"]) }));
	if (c["expect_regex"]) parts.push(t("probes.expects", { text: String(c["expect_regex"]) }));
	if (c["port"]) parts.push(t("probes.on_port", { n: String(c["port"]) }));
	return comma(parts) || t(`probes.asks_${c.type}`);
}

const good = (c: Check) => c.asked.filter((a) => a.probe.state === "up").length;
const down = (c: Check) => c.asked.filter((a) => a.probe.state === "down");
const state = (c: Check): State => (c.asked.length === 0 ? "unknown" : down(c).length === c.asked.length ? "down" : down(c).length > 0 ? "degraded" : good(c) === c.asked.length ? "up" : "unknown");

const span = (v: unknown) => format.duration(format.parseDuration(String(v)));

export default function Probes(_: PageProps) {
	const members = useTopic("state.members");
	const system = useTopic("state.system");
	const config = useCall("config.values", { on: "running" });
	void system.keys.value;
	const revision = system.get("box")?.value.revision;
	useEffect(() => {
		if (config.data.peek() && revision && revision !== config.data.peek()!.base) config.again();
	}, [revision]);
	const values = config.data.value?.values as Config | undefined;
	const source = useMemo(() => checkSource(values && definitions(values), members, config.error), [values, members]);
	const columns = useMemo((): Column<Check>[] => [
		{ id: "name", head: t("probes.check"), by: (c) => `${c.pool} ${c.name}`, cell: (c) => <a href={href("/probes", { probe: c.key })}>{c.pool} · {c.name}</a> },
		{ id: "state", head: t("probes.answers"), by: (c) => state(c), cell: (c) => <Status word={c.asked.length === 0 ? t("probes.nobody") : t("probes.good_of", { n: good(c), all: c.asked.length })} state={state(c)} /> },
		{ id: "question", head: t("probes.question"), by: (c) => question(c.config), wrap: true, cell: (c) => <span class="question">{question(c.config)}</span> },
		{ id: "last", head: t("probes.last"), wrap: true, by: (c) => latest(c)?.probe.detail ?? "", cell: (c) => <Latest c={c} /> },
		{ id: "every", head: labelOf("probe", "interval"), num: true, by: (c) => format.parseDuration(String(c.config["interval"])), cell: (c) => span(c.config["interval"]) },
		{ id: "turn", head: t("probes.rise_fall"), num: true, cell: (c) => <span class="tnum">{String(c.config["rise"])} / {String(c.config["fall"])}</span> },
		{ id: "pool", head: t("probes.used_by"), by: (c) => c.pool, cell: (c) => <a href={`/pools/${encodeURIComponent(c.pool)}`}>{t("probes.used_by_pool", { pool: c.pool, n: c.members.length })}</a> },
	], [source, lang.value]);
	const open = query("probe").value;
	const c = open ? source.get(open)?.value : undefined;
	return (
		<Page name={t("probes.title")} panel={open && <Details c={c} name={open} loaded={source.loaded.value} />} actions={<AddCheck values={values} />}>
			<Table
				name="probes" caption={t("probes.title")} source={source} columns={columns} retry={config.again}
				problem={(x) => down(x).length > 0} edge={(x) => { const s = state(x); return s === "down" || s === "degraded" ? s : undefined; }}
				open={(x) => setQuery({ probe: x.key })} opened={open}
				actions={(x) => <Menu small kind="quiet" icon="more" label={t("members.actions_for", { name: x.key })} items={[
					{ text: t("members.test_now"), icon: "probe", need: "operator", ...(x.members.length === 0 ? { why: t("probes.nobody") } : {}), onClick: () => testNow({ members: x.members, probe: x.name }) },
					"line",
					{ text: t("probes.edit"), icon: "edit", need: "editor", onClick: () => edit(x) },
					{ text: t("probes.remove"), icon: "trash", need: "editor", onClick: () => remove(x) },
				]} />}
				empty={{ title: t("probes.empty"), text: t("probes.empty_text"), actions: <AddCheck values={values} /> }}
			/>
			<Tests /><BlockDialogs />
		</Page>
	);
}

function AddCheck({ values }: { values: Config | undefined }) {
	const pools = values?.pools ?? [];
	if (pools.length === 0) return <Button kind="primary" icon="plus" need="editor" why={t("probes.no_pools")}>{t("probes.add")}</Button>;
	return <Menu kind="primary" icon="plus" items={[{ title: t("probes.to_pool") }, ...pools.map((p) => ({ text: p.name, need: "editor" as const, onClick: () => editBlock({ block: "probe", parent: `pool/${p.name}` }) }))]}>{t("probes.add")}</Menu>;
}

const edit = (c: Check) => editBlock({ block: "probe", path: c.path, name: `${c.pool} ${c.name}` });

function remove(c: Check): void {
	const others = c.members.length;
	void ask({
		title: t("probes.remove_title", { name: c.name, pool: c.pool }), text: t("probes.remove_text", { n: others }), act: t("probes.remove_act"), danger: true, need: "editor",
		run: () => removeBlocks([c.path]),
	});
}

// latest is the answer that says most: a bad one if there is one, else the newest.
function latest(c: Check) {
	const asked = c.asked.filter((a) => a.probe.at);
	const newest = (list: Check["asked"]) => [...list].sort((a, b) => (a.probe.at! < b.probe.at! ? 1 : -1))[0];
	return newest(asked.filter((a) => a.probe.outcome !== "good")) ?? newest(asked);
}

function Latest({ c }: { c: Check }) {
	const a = latest(c);
	if (!a) return <span class="muted">{t("members.not_asked")}</span>;
	return <span class="last-probe"><StateIcon state={a.probe.outcome === "good" ? "up" : "down"} label={t(`members.outcome.${a.probe.outcome ?? "abstain"}`)} /><span class="text">{a.member}: {brief(a.probe, "detail")}</span><span class="muted nowrap"><Ago at={a.probe.at} /></span></span>;
}

function Details({ c, name, loaded }: { c: Check | undefined; name: string; loaded: boolean }) {
	const close = () => setQuery({ probe: "" });
	if (!c) return <Panel name={name} onClose={close}><p>{loaded ? t("probes.gone", { name }) : t("common.loading")}</p></Panel>;
	const written = Object.entries(c.config).filter(([k, v]) => k !== "type" && plain(v) !== "");
	return (
		<Panel name={<Status word={`${c.pool} · ${c.name}`} state={state(c)} />} onClose={close}>
			<div class="row">
				<Button kind="primary" icon="probe" need="operator" why={c.members.length === 0 ? t("probes.nobody") : undefined} onClick={() => testNow({ members: c.members, probe: c.name })}>{t("members.test_now")}</Button>
				<Button icon="edit" need="editor" onClick={() => edit(c)}>{t("probes.edit")}</Button>
				<Button kind="quiet" icon="trash" label={t("probes.remove")} need="editor" onClick={() => remove(c)} />
			</div>
			<section class="stack tight"><h3>{t("probes.last_answers")}</h3>
				<ul class="probe-list">{c.asked.map((a) => (
					<li key={a.member}>
						<span class="row"><Status word={a.probe.state} /><a href={href(`/pools/${encodeURIComponent(c.pool)}`, { server: a.member })}>{a.member}</a><span class="muted nowrap"><Ago at={a.probe.at} /></span></span>
						<span>{say(a.probe, "detail") || t("members.not_asked")} {a.probe.at && <span class="muted"><Num q={format.latency(format.parseDuration(a.probe.took))} /></span>}</span>
					</li>
				))}</ul>
			</section>
			<section class="stack tight"><h3>{t("probes.definition")}</h3>
				<Facts list={written.map(([k, v]) => [labelOf("probe", k), <code>{plain(v)}</code>] as const)} />
			</section>
		</Panel>
	);
}
