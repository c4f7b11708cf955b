// SPDX-License-Identifier: Apache-2.0
//
// Rehearsals: a failover on purpose, what it has cost, and how that has changed.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Ago, type api, Button, comma, Dialog, ErrorNotice, format, mutate, Notice, Num, RadioField, say, Skeleton, Spark, Status, t, Table, TextField, toast, useCall, useList } from "../kit";
import { otherHomes } from "./parts";

export function RehearseDialog({ g, onClose }: { g: api.HAGroup; onClose: () => void }) {
	const kind = useSignal<"planned" | "crash">("planned");
	const path = useSignal("");
	const error = useSignal<unknown>(null);
	const wrong = path.value && !path.value.startsWith("/") ? t("standby.path_wrong") : "";
	const run = async () => {
		error.value = null;
		try {
			await mutate("ha.rehearse", { group: g.name, kind: kind.peek(), ...(path.peek() ? { path: path.peek() } : {}) });
			toast(t("standby.rehearsing", { name: g.name }));
			onClose();
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Dialog
			title={t("standby.rehearse_title", { name: g.name })} onClose={onClose}
			footer={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind={kind.value === "crash" ? "danger" : "primary"} need="admin" why={wrong || undefined} onClick={run}>{t(`standby.rehearse_${kind.value}`, { name: g.name })}</Button></>}
		>
			<div class="stack">
				<p>{t("standby.rehearse_text", { from: g.active || "–", to: comma(otherHomes(g)) || "–" })}</p>
				<RadioField<"planned" | "crash"> label={t("standby.kind")} value={kind.value} onChange={(v) => (kind.value = v)} options={[
					{ value: "planned", text: t("standby.kind_planned"), help: t("standby.kind_planned_help") },
					{ value: "crash", text: t("standby.kind_crash"), help: t("standby.kind_crash_help") },
				]} />
				<TextField label={t("standby.path")} help={t("standby.path_help")} mono value={path.value} onChange={(v) => (path.value = v.trim())} error={wrong || undefined} />
				{kind.value === "crash" && <Notice kind="warning">{t("standby.crash_warning")}</Notice>}
				{error.value !== null && <ErrorNotice error={error.value} />}
			</div>
		</Dialog>
	);
}

const gap = (l: api.HARehearsalLeg) => format.parseDuration(l.gap);
const Leg = ({ l }: { l: api.HARehearsalLeg }) => l.asked === 0 ? <>–</> : <span class="tnum nowrap">{t("standby.failed_of", { n: l.failed, all: l.asked })} · <Num q={format.latency(gap(l))} /></span>;

export function Rehearsals({ groups }: { groups: readonly api.HAGroup[] }) {
	const all = useCall("ha.rehearsals", {});
	useEffect(() => {
		const timer = setInterval(() => { if (!document.hidden) all.again(); }, 3000);
		return () => clearInterval(timer);
	}, []);
	const source = useList(all.data.value?.rehearsals, (r) => r.id, all.error.value);
	const running = all.data.value?.running;
	if (!all.data.value && !all.error.value) return <Skeleton rows={4} />;
	return (
		<>
			<p class="muted">{t("standby.rehearsals_about")}</p>
			{running && <Notice>{t("standby.running", { group: running.group, state: t(`standby.rehearsal.${running.state}`), prober: running.prober, target: running.target })}</Notice>}
			<Trend groups={groups.map((g) => g.name)} list={all.data.value?.rehearsals ?? []} />
			<Table<api.HARehearsal>
				name="rehearsals" query="rehearsals" caption={t("standby.tab_rehearsals")} source={source} retry={all.again} sort="-started"
				columns={[
					{ id: "started", head: t("standby.started"), by: (r) => r.started, cell: (r) => <Ago at={r.started} /> },
					{ id: "group", head: t("standby.group"), by: (r) => r.group, cell: (r) => r.group },
					{ id: "kind", head: t("standby.kind"), by: (r) => r.kind, cell: (r) => t(r.kind === "crash" ? "standby.kind_crash" : "standby.kind_planned") },
					{ id: "state", head: t("standby.outcome"), wrap: true, by: (r) => r.state, cell: (r) => <Status word={r.state === "done" ? "ok" : "failed"}>{say(r, "problem")}</Status> },
					{ id: "away", head: t("standby.away"), by: (r) => gap(r.away), cell: (r) => <Leg l={r.away} /> },
					{ id: "back", head: t("standby.back"), by: (r) => gap(r.back), cell: (r) => <Leg l={r.back} /> },
					{ id: "kept", head: t("standby.kept"), cell: (r) => (r.away.kept + r.away.broken > 0 ? t("standby.kept_of", { n: r.away.kept, all: r.away.kept + r.away.broken }) : "–") },
					{ id: "way", head: t("standby.way"), by: (r) => r.from, cell: (r) => `${r.from} → ${r.to}` },
					{ id: "by", head: t("standby.by"), by: (r) => r.by, cell: (r) => r.by, hidden: true },
					{ id: "target", head: t("standby.target"), by: (r) => r.target, cell: (r) => <code>{r.target}</code>, hidden: true },
				]}
				empty={{ title: t("standby.no_rehearsals"), text: t("standby.no_rehearsals_text") }}
			/>
		</>
	);
}

// Trend draws how long the gaps were; the table below has the numbers.
function Trend({ groups, list }: { groups: readonly string[]; list: readonly api.HARehearsal[] }) {
	const lines = groups.flatMap((g) => (["planned", "crash"] as const).map((kind) => ({ g, kind, gaps: list.filter((r) => r.group === g && r.kind === kind && r.state === "done").map((r) => gap(r.away)).reverse() }))).filter((l) => l.gaps.length > 1);
	if (lines.length === 0) return null;
	return (
		<ul class="row">{lines.map((l) => (
			<li key={`${l.g} ${l.kind}`} class="row">
				<span>{t(l.kind === "crash" ? "standby.trend_crash" : "standby.trend_planned", { group: l.g })}</span>
				<Spark values={l.gaps} label={t("standby.trend_label", { n: l.gaps.length, last: words(l.gaps.at(-1)!), worst: words(Math.max(...l.gaps)) })} />
				<Num q={format.latency(l.gaps.at(-1))} />
			</li>
		))}</ul>
	);
}

const words = (s: number) => { const q = format.latency(s); return q.unit ? `${q.value} ${q.unit}` : q.value; };
