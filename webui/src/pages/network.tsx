// SPDX-License-Identifier: Apache-2.0
//
// The network of the box: a picture of its ports with the bonds and VLANs on them,
// routes and NAT, and how the box itself is reached, now and as the draft has it. A
// commit that locks everybody out takes itself back.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Ago, type api, Button, Card, Choice, colon, ErrorNotice, Facts, format, mutate, Notice, Page, type PageProps, say, sayAll, Skeleton, t, Time, useTopic } from "../kit";
import { Warnings } from "../admin/warnings";
import { useConfig } from "../draft/draft";
import { BlockForm } from "../draft/form";
import { Front, type Link } from "../machine/front";
import { LinkDialog, Links, type NetworkValues, rowsOf, type Target, Ways } from "../machine/links";
import { useTraffic } from "../machine/ports";
import { moveOf, setMove } from "../moved";

export default function Network(_: PageProps) {
	const source = useTopic("state.network");
	const first = source.keys.value[0];
	const n = first === undefined ? undefined : source.get(first)?.value;
	const kept = useSignal(0);
	const done = () => kept.value++;
	return (
		<Page name={t("network.title")}>
			<Reverted />
			<TryCommit />
			<Cabling now={n} done={done} />
			<div class="grid">
				<Card name={t("network.now")}>{source.error.value ? <ErrorNotice error={source.error.value} /> : n ? <Now n={n} /> : <Skeleton rows={8} />}</Card>
				<Card name={t("network.management")}>
					<div class="stack">
						<p class="muted">{t("network.management_about")}</p>
						<BlockForm block="management" path="management" first={["method", "address", "gateway", "dns", "vlan", "port"]} onDone={done} />
						<Warnings again={kept.value} about="management" />
					</div>
				</Card>
				<Card name={t("network.forwarding")}>
					<div class="stack">
						{n && <Facts list={[["IPv4", t(n.forwarding.ipv4 ? "network.forwards" : "network.forwards_not")], ["IPv6", t(n.forwarding.ipv6 ? "network.forwards" : "network.forwards_not")]]} />}
						<BlockForm block="forwarding" path="forwarding" first={[]} onDone={done} />
					</div>
				</Card>
				<Card name={t("network.system")}><BlockForm block="system" path="system" first={["host_name", "time_zone", "ntp"]} onDone={done} /></Card>
				<Clock />
			</div>
		</Page>
	);
}

// Cabling is the picture of the ports, and what is made of them.
function Cabling({ now, done }: { now: api.NetworkInfo | undefined; done: () => void }) {
	const ports = useTopic("state.ports");
	const { rx, tx } = useTraffic(ports);
	const { config, error, again } = useConfig();
	const dialog = useSignal<Target | null>(null);
	const values = config.value?.values as NetworkValues | undefined;
	const rows = values ? rowsOf(values, now?.links ?? []) : [];
	const list = ports.keys.value.flatMap((name) => ports.get(name)?.value ?? []).sort((a, b) => a.position - b.position);
	const pick = (l: Link) => {
		const row = rows.find((x) => x.name === l.name);
		const bond = rows.find((x) => x.members?.includes(l.name));
		const of = row ?? bond;
		dialog.value = of ? { block: of.kind, path: of.path, name: of.name } : { block: "port", port: l.name };
	};
	const closed = () => { dialog.value = null; again(); done(); };
	const busy = (name: string) => (rx(name) ?? 0) + (tx(name) ?? 0) > 0;
	return (
		<>
			<Card name={t("network.front")}>
				{ports.error.value ? <ErrorNotice error={ports.error.value} /> : !ports.loaded.value ? <Skeleton rows={4} /> : (
					<div class="stack">
						<Front ports={list} links={rows} busy={busy} pick={pick} />
						<p class="muted small">{t("network.front_about")}</p>
					</div>
				)}
			</Card>
			{error.value && !values && <ErrorNotice error={error.value} title={t("network.draft_wrong")} retry={again} />}
			{values && <Links rows={rows} open={(s) => (dialog.value = s)} done={again} />}
			{values && <Ways values={values} now={now?.ways ?? []} open={(s) => (dialog.value = s)} done={again} />}
			{dialog.value && <LinkDialog key={JSON.stringify(dialog.value)} target={dialog.value} ports={list.map((p) => p.name)} links={rows} onClose={closed} />}
		</>
	);
}

const tags = (list: readonly string[]) => <span class="tags">{list.map((a) => <span class="tag" key={a}>{a}</span>)}</span>;

function Now({ n }: { n: api.NetworkInfo }) {
	return (
		<div class="stack">
			{n.problems.length > 0 && <Notice kind="error"><ul>{sayAll(n, "problems").map((p) => <li key={p}>{p}</li>)}</ul></Notice>}
			{!n.managed && <Notice>{n.method === "none" || !n.why ? t("network.unmanaged") : say(n, "why")}</Notice>}
			<Facts list={[
				[t("network.port"), n.port ? <a key="p" href={`/ports/${encodeURIComponent(n.port)}`}>{n.port}</a> : "–"],
				...(n.vlan ? [["VLAN", `${n.vlan} (${n.interface || "–"})`] as const] : []),
				[t("network.method"), t(`network.method.${n.method}`)],
				[t("network.addresses"), n.addresses.length ? tags(n.addresses) : t("network.no_addresses")],
				[t("network.gateway"), n.gateways.length ? tags(n.gateways) : "–"],
				[t("network.dns"), n.dns.length ? tags(n.dns) : "–"],
				[t("network.host_name"), n.host_name || "–"],
				[t("network.time_zone"), n.time_zone || "–"],
			]} />
			{n.lease && <Lease l={n.lease} />}
		</div>
	);
}

function Lease({ l }: { l: api.NetworkLease }) {
	return (
		<>
			<h3>{t("network.lease")}</h3>
			<Facts list={[
				[t("network.addresses"), l.address],
				[t("network.server"), l.server],
				[t("network.routers"), l.routers.length ? tags(l.routers) : "–"],
				[t("network.dns"), l.dns.length ? tags(l.dns) : "–"],
				[t("network.obtained"), <Ago key="o" at={l.obtained} />],
				[t("network.renews"), <Time key="r" at={l.renews} />],
				[t("network.expires"), l.expires ? <Time key="e" at={l.expires} /> : t("network.never")],
			]} />
		</>
	);
}

// Clock shows how the clock of the box does, and whom it follows.
function Clock() {
	const source = useTopic("state.time");
	const first = source.keys.value[0];
	const c = first === undefined ? undefined : source.get(first)?.value;
	if (source.error.value) return <Card name={t("network.clock")}><ErrorNotice error={source.error.value} /></Card>;
	if (!c) return <Card name={t("network.clock")}><Skeleton rows={4} /></Card>;
	const state = c.synced ? t("network.clock_synced", { n: c.stratum }) : c.servers.length === 0 ? t("network.clock_alone")
		: c.simulated ? t("network.clock_simulated") : c.corrects ? t("network.clock_unsynced") : say(c, "why");
	return (
		<Card name={t("network.clock")}>
			<div class="stack">
				{c.problems.length > 0 && <Notice kind="error"><ul>{sayAll(c, "problems").map((p) => <li key={p}>{p}</li>)}</ul></Notice>}
				<Facts list={[
					[t("network.clock_state"), state],
					...(c.would ? [[t("network.clock_would"), c.would] as const] : []),
					[t("network.clock_source"), t(`network.clock_source.${c.source}`)],
					...(c.last ? [
						[t("network.clock_offset"), `${seconds(c.offset)} ± ${seconds(c.error)}`] as const,
						[t("network.clock_last"), <Ago key="l" at={c.last} />] as const,
					] : []),
				]} />
				{c.servers.map((s) => <TimeServer key={s.name + s.address} s={s} />)}
			</div>
		</Card>
	);
}

function TimeServer({ s }: { s: api.TimeServer }) {
	return (
		<>
			<h3>{s.name}{s.address && s.address !== s.name && <> <span class="muted">{s.address}</span></>}</h3>
			<Facts list={[
				[t("network.clock_state"), colon(t(`network.clock_server.${s.state}`), say(s, "why"))],
				...(s.at ? [
					[t("network.clock_offset"), `${seconds(s.offset)} ± ${seconds(s.distance)}`] as const,
					[t("network.clock_stratum"), String(s.stratum)] as const,
					[t("network.clock_last"), <Ago key="a" at={s.at} />] as const,
				] : []),
			]} />
		</>
	);
}

const fixed = (n: number, digits: number) => n.toFixed(digits);

// seconds writes a small difference as people read it.
function seconds(s: number): string {
	const a = Math.abs(s);
	if (a >= 1) return `${fixed(s, 2)} s`;
	return a >= 0.001 ? `${fixed(s * 1e3, 2)} ms` : `${fixed(s * 1e6, 0)} µs`;
}

// After one of these, in seconds, a commit from here is taken back unless it is
// kept. 30 is the least that the box takes.
const trials = ["30", "60", "120", "300"] as const;

// TryCommit commits the draft for a while.
function TryCommit() {
	const drafts = useTopic("state.candidate");
	const own = drafts.keys.value.includes("own") ? drafts.get("own")?.value : undefined;
	const error = useSignal<unknown>(null);
	const trial = useSignal<(typeof trials)[number]>("60");
	if (!own || own.changes === 0) return error.value === null ? null : <ErrorNotice error={error.value} />;
	const run = async () => {
		error.value = null;
		try {
			setMove(moveOf(await mutate("config.commit", { version: own.version!, comment: t("network.comment"), confirm_s: Number(trial.peek()) })));
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<>
			<Notice actions={<>
				<Button kind="primary" need="editor" why={own.changes < 0 ? t("shell.uncommitted_text") : own.base !== own.running ? t("network.behind") : undefined} onClick={run}>{t("network.try", { time: format.duration(Number(trial.value)) })}</Button>
				<Button href="/changes/review">{t("network.review")}</Button>
			</>}>
				<strong>{own.changes < 0 ? t("shell.uncommitted_text") : t("shell.uncommitted", { n: own.changes })}</strong>
				<p>{t("network.try_text")}</p>
				<Choice label={t("network.trial")} value={trial.value} onChange={(v) => (trial.value = v)} options={trials.map((s) => ({ value: s, text: format.duration(Number(s)) }))} />
			</Notice>
			{error.value !== null && <ErrorNotice error={error.value} />}
		</>
	);
}

// Reverted says so when a commit that waited has been taken back.
function Reverted() {
	const confirm = useTopic("state.confirm");
	const system = useTopic("state.system");
	const waited = useSignal(0);
	const pending = confirm.keys.value.map((k) => confirm.get(k)!.value)[0];
	useEffect(() => {
		if (pending) waited.value = pending.revision;
	}, [pending?.revision]);
	const runs = system.get("box")?.value.revision;
	if (pending || !waited.value || runs === undefined || runs >= waited.value) return null;
	return <Notice kind="warning" actions={<Button small href="/changes/history">{t("network.history")}</Button>}>{t("network.reverted", { n: waited.value, runs })}</Notice>;
}
