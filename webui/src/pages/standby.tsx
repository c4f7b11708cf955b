// SPDX-License-Identifier: Apache-2.0
//
// Hot standby: one sentence, what is wrong, who is active for what and why, the
// other boxes, and what can be done about it.
import { useSignal } from "@preact/signals";
import { Button, Card, ErrorNotice, Notice, Page, type PageProps, say, Since, Skeleton, stale, StateIcon, t, Tabs, useCommands, useTopic } from "../kit";
import { Begin, Forms } from "../standby/begin";
import { Group, Rebalance, Where } from "../standby/groups";
import { Pair } from "../standby/pair";
import { sentences, type Standby, useStandby } from "../standby/parts";
import { Mirror, Peer } from "../standby/peers";
import { RehearseDialog, Rehearsals } from "../standby/rehearse";
import { Timeline } from "../standby/timeline";

export default function HotStandby(_: PageProps) {
	const source = useTopic("state.ha");
	const s = useStandby(source).value;
	const pairing = useSignal<string | null>(null);
	const adding = useSignal<"node" | "group" | null>(null);
	const pair = (address: string) => (pairing.value = address);
	useCommands(s.node ? [{ text: t("standby.pair_title"), need: "admin", run: () => pair("") }] : [], [Boolean(s.node)]);
	const loaded = source.loaded.value && s.node;
	const pairButton = <Button need="admin" icon="link" onClick={() => pair("")}>{t("standby.pair")}</Button>;
	return (
		<Page name={t("shell.nav_standby")} state={s.node?.simulated && s.node.configured ? t("standby.simulated") : undefined}
			actions={s.node?.configured && <><Rebalance groups={s.groups} />{pairButton}<Button icon="plus" need="editor" onClick={() => (adding.value = "group")}>{t("standby.begin_group")}</Button></>}>
			{source.error.value && <ErrorNotice error={source.error.value} title={t("common.not_loaded", { name: t("shell.nav_standby") })} />}
			{!loaded ? !source.error.value && <Skeleton rows={8} /> : !s.node!.configured ? <Begin pair={pairButton} /> : <Pairs s={s} pair={pair} />}
			{pairing.value !== null && <Pair address={pairing.value} listen={s.mirror?.listen ?? ""} onClose={() => (pairing.value = null)} />}
			<Forms open={adding.value} onClose={() => (adding.value = null)} />
		</Page>
	);
}

function Pairs({ s, pair }: { s: Standby; pair: (address: string) => void }) {
	const stamp = s.groups.map((g) => `${g.name} ${g.state} ${g.since}`).join(", ");
	return (
		<div class={`stack${stale.value ? " stale" : ""}`}>
			<Card name={t("standby.summary", { name: s.node!.name })}><ul class="plain-list standby-summary">{sentences(s).map((x) => <li key={x}>{x}</li>)}</ul></Card>
			<Alarms s={s} />
			<Tabs label={t("shell.nav_standby")} tabs={[
				{ id: "boxes", text: t("standby.tab_boxes"), show: () => <Boxes s={s} pair={pair} /> },
				{ id: "timeline", text: t("standby.tab_timeline"), show: () => <Timeline groups={s.groups} stamp={stamp} /> },
				{ id: "rehearsals", text: t("standby.tab_rehearsals"), show: () => <Rehearsals groups={s.groups} /> },
			]} />
		</div>
	);
}

function Alarms({ s }: { s: Standby }) {
	const n = s.node!;
	const list = n.alarms ?? [];
	if (list.length === 0 && !n.problem) return null;
	return (
		<section class="card attention" aria-labelledby="alarms">
			<header><h2 id="alarms">{t("standby.alarms")}</h2></header>
			<ul>
				{n.problem && <li data-severity="error"><StateIcon state="down" label={t("common.state.error")} /><div class="what"><strong>{say(n, "problem")}</strong></div></li>}
				{list.map((a) => (
					<li key={`${a.group} ${a.text}`} data-severity={a.severity}>
						<StateIcon state={a.severity === "error" ? "down" : "degraded"} label={t(`common.state.${a.severity === "error" ? "error" : "warning"}`)} />
						<div class="what">{a.group && <strong>{t("standby.group_named", { name: a.group })}</strong>}<span class={a.group ? "why" : undefined}>{say(a, "text")}</span></div>
						<span class="since muted"><Since at={a.since} /></span>
					</li>
				))}
			</ul>
		</section>
	);
}

function Boxes({ s, pair }: { s: Standby; pair: (address: string) => void }) {
	const rehearsing = useSignal("");
	const group = s.groups.find((g) => g.name === rehearsing.value);
	return (
		<>
			{s.groups.length > 0 ? <Where s={s} /> : <Notice>{t("standby.no_groups")}</Notice>}
			<div class="grid">{s.groups.map((g) => <Group key={g.name} g={g} s={s} rehearse={() => (rehearsing.value = g.name)} />)}</div>
			<div class="grid">{s.peers.map((p) => <Peer key={p.name} p={p} pair={pair} />)}{s.mirror && <Mirror m={s.mirror} />}</div>
			{group && <RehearseDialog g={group} onClose={() => (rehearsing.value = "")} />}
		</>
	);
}
