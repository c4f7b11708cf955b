// SPDX-License-Identifier: Apache-2.0
//
// How the box itself is reached: its management port, name and time zone, now
// and as the draft has them. A commit that locks everybody out takes itself back.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Ago, type api, Button, Card, Choice, ErrorNotice, Facts, format, mutate, Notice, Page, type PageProps, Skeleton, t, Time, useTopic } from "../kit";
import { Warnings } from "../admin/warnings";
import { BlockForm } from "../draft/form";
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
			<div class="grid">
				<Card name={t("network.now")}>{source.error.value ? <ErrorNotice error={source.error.value} /> : n ? <Now n={n} /> : <Skeleton rows={8} />}</Card>
				<Card name={t("network.management")}>
					<div class="stack">
						<p class="muted">{t("network.management_about")}</p>
						<BlockForm block="management" path="management" first={["method", "address", "gateway", "dns", "port"]} onDone={done} />
						<Warnings again={kept.value} about="management" />
					</div>
				</Card>
				<Card name={t("network.system")}><BlockForm block="system" path="system" first={["host_name", "time_zone"]} onDone={done} /></Card>
			</div>
		</Page>
	);
}

const tags = (list: readonly string[]) => <span class="tags">{list.map((a) => <span class="tag" key={a}>{a}</span>)}</span>;

function Now({ n }: { n: api.NetworkInfo }) {
	return (
		<div class="stack">
			{n.problems.length > 0 && <Notice kind="error"><ul>{n.problems.map((p) => <li key={p}>{p}</li>)}</ul></Notice>}
			{!n.managed && <Notice>{n.method === "none" || !n.why ? t("network.unmanaged") : n.why}</Notice>}
			<Facts list={[
				[t("network.port"), n.port ? <a key="p" href={`/ports/${encodeURIComponent(n.port)}`}>{n.port}</a> : "–"],
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
