// SPDX-License-Identifier: Apache-2.0
//
// The other boxes: how they are heard, what the mirror does, and in what the
// configuration differs.
import { useSignal } from "@preact/signals";
import { type api, ask, Button, Card, Count, Facts, format, mutate, Notice, Num, say, Since, StateIcon, t, toast } from "../kit";
import { Differences } from "./sync";
import { peerWord } from "./parts";

const seconds = (text: string) => format.parseDuration(text);
const heard = (p: api.HAPeer) => p.heartbeat.seen ? t("standby.heard") : seconds(p.heartbeat.age) > 0 ? t("standby.silent", { time: format.duration(seconds(p.heartbeat.age)) }) : t("standby.never_heard");

export function Peer({ p, pair }: { p: api.HAPeer; pair: (address: string) => void }) {
	const comparing = useSignal(false);
	const word = peerWord(p);
	const differ = p.differences.objects?.length ?? 0;
	const unpair = () => ask({
		title: t("standby.unpair_title", { name: p.name }), act: t("standby.unpair"), danger: true, need: "admin", type: p.name,
		text: <p>{t("standby.unpair_text", { name: p.name })}</p>,
		run: () => mutate("ha.unpair", { peer: p.name }).then(() => toast(t("standby.unpaired", { name: p.name }))),
	});
	return (
		<Card
			name={<span class="row">{p.name} <span class="status"><StateIcon state={word === "in_sync" ? "up" : word === "away" || word === "conflict" ? "down" : "degraded"} /><span>{t(`standby.peer_${word}`)}</span></span></span>}
			actions={p.paired
				? <><Button small onClick={() => (comparing.value = true)}>{differ ? t("standby.compare_n", { n: differ }) : t("standby.compare")}</Button><Button small kind="quiet" need="admin" onClick={unpair}>{t("standby.unpair")}</Button></>
				: <Button small kind="primary" need="admin" onClick={() => pair(p.address)}>{t("standby.pair")}</Button>}
		>
			<div class="stack">
				{p.mirror.problem && p.paired && <Notice kind="warning">{say(p.mirror, "problem")}</Notice>}
				{p.differences.problem && <Notice kind="error">{say(p.differences, "problem")}</Notice>}
				<Facts list={[
					[t("standby.address"), p.address ? <span class="mono">{p.address}</span> : t("standby.not_in_node")],
					[t("standby.heartbeat"), <span class="status"><StateIcon state={p.heartbeat.seen ? "up" : "down"} /><span>{heard(p)}</span></span>],
					p.paired && [t("standby.mirror"), p.mirror.connected ? <>{t("standby.connected")} <span class="muted"><Since at={p.mirror.since} /></span></> : t("standby.not_connected")],
					p.paired && p.mirror.connected && [t("standby.lag"), <Num q={format.latency(seconds(p.mirror.lag))} />],
					p.paired && p.mirror.connected && [t("standby.queued"), <Count of={p.mirror.queued} />],
					p.paired && [t("standby.configuration"), t(`standby.differences_${p.differences.state.replaceAll(" ", "_")}`)],
					Boolean(p.mirror.software) && [t("standby.software"), p.mirror.software],
				]} />
			</div>
			{comparing.value && <Differences peer={p.name} onClose={() => (comparing.value = false)} />}
		</Card>
	);
}

// Mirror is this box's end.
export function Mirror({ m }: { m: api.HAMirror }) {
	return (
		<Card name={t("standby.this_mirror")}>
			<div class="stack">
				{m.problem && <Notice kind="error">{say(m, "problem")}</Notice>}
				<Facts list={[
					[t("standby.listens"), m.listen ? <span class="mono">{m.listen}</span> : t("standby.no_mirror")],
					Boolean(m.fingerprint) && [t("standby.fingerprint"), <span class="mono standby-hash">{m.fingerprint}</span>],
					Boolean(m.keys) && [t("standby.keys"), m.keys],
				]} />
				{m.tables?.length > 0 && (
					<details>
						<summary>{t("standby.tables")}</summary>
						<div class="table-scroll" tabIndex={0} role="region" aria-label={t("standby.tables")}>
							<table class="table">
								<thead><tr><th scope="col">{t("standby.table")}</th><th scope="col" class="num">{t("standby.applied")}</th><th scope="col" class="num">{t("standby.table_refused")}</th></tr></thead>
								<tbody>{m.tables.map((x) => <tr key={x.name}><th scope="row">{t(`standby.table_name.${x.name}`)}</th><td class="num"><Count of={x.applied} /></td><td class="num"><Count of={x.refused} /></td></tr>)}</tbody>
							</table>
						</div>
					</details>
				)}
			</div>
		</Card>
	);
}
