// SPDX-License-Identifier: Apache-2.0
//
// Failover groups: which box is active for which, and of each why this box is in
// its state, and what its priority is made of.
import { useSignal } from "@preact/signals";
import { type api, ask, Button, Card, colon, comma, Dialog, ErrorNotice, Facts, format, mutate, Notice, RadioField, say, sayAll, semicolon, Since, StateIcon, t, toast, tx } from "../kit";
import { path } from "../draft/draft";
import { BlockForm } from "../draft/form";
import { GroupState, otherHomes, type Standby } from "./parts";

// Where shows all boxes beside each other: a row for each group.
export function Where({ s }: { s: Standby }) {
	const me = s.node?.name ?? "";
	return (
		<Card name={t("standby.where")} table>
			<div class="table-scroll" tabIndex={0} role="region" aria-label={t("standby.where")}>
				<table class="table">
					<thead><tr><th scope="col">{t("standby.group")}</th><th scope="col">{me} <span class="muted">{t("standby.this_box")}</span></th>{s.peers.map((p) => <th scope="col" key={p.name}>{p.name}</th>)}</tr></thead>
					<tbody>{s.groups.map((g) => (
						<tr key={g.name}>
							<th scope="row">{g.name}</th>
							<td>{g.base > 0 ? <GroupState state={g.state}>{t("standby.with_priority", { n: g.priority })}</GroupState> : <span class="muted">{t("standby.no_home")}</span>}</td>
							{s.peers.map((p) => <td key={p.name}><There g={g} p={p} /></td>)}
						</tr>
					))}</tbody>
				</table>
			</div>
		</Card>
	);
}

// There is what a peer tells of a group; what it told before it fell silent is not shown as if it were so.
function There({ g, p }: { g: api.HAGroup; p: api.HAPeer }) {
	const x = p.groups?.[g.name];
	if (!g.homes.includes(p.name)) return <span class="muted">{t("standby.no_home")}</span>;
	if (!x || !p.heartbeat.seen) return <span class="status"><StateIcon state="unknown" /><span>{t("standby.not_heard")}</span></span>;
	return <span title={say(x, "reason")}><GroupState state={x.state}>{t("standby.with_priority", { n: x.priority })}</GroupState></span>;
}

export function Group({ g, s, rehearse }: { g: api.HAGroup; s: Standby; rehearse: () => void }) {
	const moving = useSignal(false);
	const editing = useSignal(false);
	const others = otherHomes(g);
	return (
		<Card
			name={<span class="row">{g.name} <GroupState state={g.state} /></span>}
			actions={<>
				<Button small need="operator" why={others.length ? undefined : t("standby.no_other_home")} onClick={() => (moving.value = true)}>{t("standby.switch")}</Button>
				<Button small need="admin" why={s.node?.simulated ? t("standby.rehearse_simulated") : others.length ? undefined : t("standby.no_other_home")} onClick={rehearse}>{t("standby.rehearse")}</Button>
				<Button small kind="quiet" icon="edit" need="editor" label={t("standby.edit_group", { name: g.name })} onClick={() => (editing.value = true)} />
			</>}
		>
			<div class="stack">
				<p class="standby-why"><strong>{t(`standby.why_${g.state === "active" || g.state === "backup" || g.state === "fault" ? g.state : "init"}`)}</strong> {say(g, "reason") || "–"}</p>
				{g.held && <Notice kind="warning">{tx("standby.held", { why: say(g, "held") })}</Notice>}
				<Facts list={[
					[t("standby.active_on"), g.active || t("standby.nobody")],
					[t("standby.since"), <Since at={g.since} />],
					[t("standby.homes"), g.homes.join(" → ")],
					Boolean(g.pinned) && [t("standby.pinned"), t("standby.pinned_text")],
					g.clusters.length > 0 && [t("standby.clusters"), <>{g.clusters.map((c, i) => <>{i > 0 && t("common.comma")}<a href={`/clusters/${encodeURIComponent(c)}`}>{c}</a></>)}</>],
				]} />
				{g.base > 0 && <Priority g={g} />}
				<Routers g={g} />
			</div>
			{moving.value && <Switch g={g} s={s} onClose={() => (moving.value = false)} />}
			{editing.value && (
				<Dialog form title={t("standby.edit_group", { name: g.name })} onClose={() => (editing.value = false)}>
					<BlockForm block="group" path={path("group", g.name)} first={["description", "homes", "interval", "preempt", "on_split"]} onDone={(d) => { if (!d.problems.some((p) => !p.warning)) editing.value = false; }} onCancel={() => (editing.value = false)} />
				</Dialog>
			)}
		</Card>
	);
}

function Priority({ g }: { g: api.HAGroup }) {
	return (
		<section class="stack tight">
			<h3>{g.priority === 255 ? t("standby.owner") : t("standby.priority", { n: g.priority })}</h3>
			<div class="table-scroll" tabIndex={0} role="region" aria-label={t("standby.priority_parts", { name: g.name })}>
				<table class="table">
					<thead><tr><th scope="col">{t("standby.cause")}</th><th scope="col" class="num">{t("standby.counts")}</th><th scope="col">{t("standby.detail")}</th></tr></thead>
					<tbody>
						<tr><th scope="row">{t("standby.by_home")}</th><td class="num tnum">{g.base}</td><td>{t("standby.place", { n: g.homes.length, place: placeOf(g.base) })}</td></tr>
						{g.parts.map((p) => (
							<tr key={p.cause}>
								<th scope="row"><span class="status"><StateIcon state={p.ok ? "up" : "down"} label={t(p.ok ? "standby.part_ok" : "standby.part_fails")} /><span>{say(p, "cause")}</span></span></th>
								<td class="num tnum">{p.cause === "pinned" ? `→ ${g.priority}` : p.ok ? "0" : p.weight > 0 ? `−${p.weight}` : t("standby.part_all")}</td>
								<td class="wrap">{say(p, "detail") || "–"}</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
		</section>
	);
}

// placeOf is the place in homes that a base priority stands for.
export const placeOf = (base: number) => Math.max(1, Math.round((250 - base) / 50));

function Routers({ g }: { g: api.HAGroup }) {
	if (g.routers.length === 0) return null;
	return (
		<details>
			<summary>{t("standby.routers", { n: g.routers.length })}</summary>
			<div class="stack">{g.routers.map((r) => (
				<section key={r.name} class="stack tight">
					<h3><span class="row">{r.name} <GroupState state={r.state} /></span></h3>
					{r.problem && <Notice kind="error">{say(r, "problem")}</Notice>}
					<Facts list={[
						[t("standby.addresses"), <span class="mono">{r.addresses.join(", ")}</span>],
						[t("standby.interface"), r.interface || "–"],
						["VRRP", t("standby.vrrp", { version: r.version, vrid: r.vrid })],
						[t("standby.mac"), <span class="mono">{r.mac || "–"}</span>],
						[t("standby.master"), r.master ? <span class="mono">{r.master} ({r.master_priority})</span> : "–"],
						[t("standby.adverts"), t("standby.adverts_text", { sent: format.count(r.sent), received: format.count(r.received) })],
						Boolean(r.peer_checksum) && [t("standby.checksum"), r.peer_checksum],
						Object.keys(r.errors ?? {}).length > 0 && [t("standby.refused"), comma(Object.entries(r.errors).map(([k, n]) => colon(k, String(n))))],
					]} />
				</section>
			))}</div>
		</details>
	);
}

// Switch asks where a group is to go, and says what happens then.
function Switch({ g, s, onClose }: { g: api.HAGroup; s: Standby; onClose: () => void }) {
	const others = otherHomes(g);
	const well = (name: string) => name === s.node?.name ? g.healthy : s.peers.find((p) => p.name === name)?.groups?.[g.name]?.healthy;
	const to = useSignal(others.find((o) => well(o)) ?? others[0]!);
	const error = useSignal<unknown>(null);
	const run = async () => {
		error.value = null;
		try {
			const r = await mutate("ha.switch", { group: g.name, node: to.peek() });
			toast(t("standby.switched", { group: g.name, node: to.peek() }) + (r.text.length > 1 ? ` ${semicolon(sayAll(r, "text"))}` : ""));
			onClose();
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Dialog
			title={t("standby.switch_title", { name: g.name })} onClose={onClose}
			footer={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" need="operator" onClick={run}>{t("standby.switch_act", { group: g.name, node: to.value })}</Button></>}
		>
			<div class="stack">
				{others.length > 1 && <RadioField label={t("standby.switch_to")} value={to.value} onChange={(v) => (to.value = v)} options={others.map((o) => ({ value: o, text: o, help: well(o) ? t("standby.well") : t("standby.not_well") }))} />}
				<ul class="plain-list">
					<li>{t("standby.switch_new", { node: to.value })}</li>
					{g.active && <li>{t("standby.switch_old", { node: g.active })}</li>}
					<li>{t("standby.switch_stays", { node: to.value })}</li>
				</ul>
				{!well(to.value) && <Notice kind="warning">{t("standby.switch_unwell", { node: to.value })}</Notice>}
				{error.value !== null && <ErrorNotice error={error.value} />}
			</div>
		</Dialog>
	);
}

export function Rebalance({ groups }: { groups: readonly api.HAGroup[] }) {
	const away = groups.filter((g) => g.pinned || (g.active && g.active !== g.preferred));
	const run = () => ask({
		title: t("standby.rebalance_title"), act: t("standby.rebalance"), need: "operator",
		text: <ul class="plain-list">{away.map((g) => <li key={g.name}>{t("standby.rebalance_text", { group: g.name, from: g.active || "–", to: g.preferred })}</li>)}</ul>,
		run: async () => {
			const r = await mutate("ha.rebalance", {});
			toast(semicolon(sayAll(r, "text")));
		},
	});
	return <Button need="operator" why={away.length ? undefined : t("standby.rebalance_none")} onClick={run}>{t("standby.rebalance")}</Button>;
}
