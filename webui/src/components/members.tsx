// SPDX-License-Identifier: Apache-2.0
//
// Members of pools as a table, with what one can do to them, and the details of
// one in a side panel. Health, what an operator did, and the role stand apart.
import { computed, type ReadonlySignal, signal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Ago, type api, ask, Button, CheckField, colon, type Column, Count, Dialog, ErrorNotice, Facts, format, href, type Item, lang, Latency, Live, Menu, mutate, Num, NumberField, Panel, Percent, Rate, type Said, saidText, say, setQuery, Since, type Source, Spark, type State, StateIcon, Status, t, Table, TextField, type Ticks, toast, toastError, useKeys, useSeries } from "../kit";
import { removeBlocks } from "../draft/draft";
import { editBlock } from "../draft/blockdialog";
import { cancelDrain, Left, openDrain, Sticky } from "./drain";
import { isDraining, left } from "./draining";
import { testNow } from "./probing";

export type Members = Source<api.LiveMember>;

// At most so many sparklines are followed.
const mostSparks = 100;

// usePart makes a source of some of another's objects.
export function usePart<T>(source: Source<T>, choose: () => readonly string[]): Source<T> {
	return useMemo(() => {
		let last: readonly string[] = [];
		const keys = computed(() => {
			const have = new Set(source.keys.value);
			const next = choose().filter((k) => have.has(k));
			return next.length === last.length && next.every((k, i) => k === last[i]) ? last : (last = next);
		});
		return { ...pick(source), keys };
	}, [source, choose]);
}

const pick = <T,>(s: Source<T>) => ({ get: (k: string) => s.get(k), loaded: s.loaded, error: s.error, updated: s.updated });

// stand is the state that the table shows: that of the box, where a drain that
// still has something to end is apart from one that has nothing.
export function stand(m: api.LiveMember): { word: string; state: State } {
	if (isDraining(m)) return left(m) > 0 || m.until ? { word: "draining", state: "draining" } : { word: "quiesced", state: "draining" };
	switch (m.state) {
		case "up": return { word: "up", state: "up" };
		case "down": return { word: "down", state: "down" };
		case "disabled": return { word: "disabled", state: "disabled" };
		case "full": return { word: "full", state: "degraded" };
		case "spare": return { word: "spare", state: "spare" };
		default: return { word: "checking", state: "unknown" };
	}
}

// bad says whether somebody should look at a member.
export const bad = (m: api.LiveMember) => m.health === "down" || m.state === "full" || m.admin === "disabled";

const edge = (m: api.LiveMember): State | undefined => {
	const s = stand(m).state;
	return s === "up" || s === "spare" || s === "unknown" ? undefined : s;
};

// lastProbe returns the answer that says most: the last bad one, else the last.
export function lastProbe(m: api.LiveMember): api.LiveProbe | undefined {
	const asked = m.probes.filter((p) => p.at);
	return asked.find((p) => p.outcome === "bad" || p.outcome === "unavailable") ?? asked[0];
}

// errorShare is the part of attempts that failed, those that were tried again
// elsewhere too; undefined without requests.
export const errorShare = (r: api.Rate) => (r.requests > 0 ? Math.min(1, r.errors / r.requests) : undefined);

// useSparks follows one metric of many objects, for sparklines.
export function useSparks(ids: readonly string[], metric = "requests"): ReadonlySignal<Ticks> {
	return useSeries(ids.slice(0, mostSparks).map((id) => `${id}:${metric}`), 60).data;
}

// Trend is the sparkline of one series.
export function Trend({ of, id }: { of: ReadonlySignal<Ticks>; id: string }) {
	return <Live of={of} show={(d) => <Spark values={(d.cols[id] ?? []).slice(-60)} />} />;
}

export function Admin({ m }: { m: api.LiveMember }) {
	const why = colon(m.admin_by, m.admin_reason);
	return (
		<span class="row nowrap admin" title={why || undefined}>
			{m.admin !== "enabled" && <StateIcon state={isDraining(m) ? "draining" : "disabled"} />}
			{isDraining(m) ? t("members.admin_draining") : m.admin === "disabled" ? t("members.admin_disabled") : t("members.admin_enabled")}
			{m.admin !== "enabled" && <span class="muted"><Since at={m.admin_since} /></span>}
		</span>
	);
}

export function RoleOf({ m }: { m: api.LiveMember }) {
	if (!m.spare) return <>{t("members.role_active")}</>;
	return <span class="row nowrap" style={{ gap: "4px", flexWrap: "nowrap" }}><StateIcon state="spare" />{m.state === "up" ? t("members.role_spare_used") : t("members.role_spare")}</span>;
}

function Weight({ m }: { m: api.LiveMember }) {
	if (m.override === undefined && m.weight === m.static) return <Count of={m.weight} />;
	return <span class="tnum" title={say(m, "weight_why") || t("members.weight_configured", { n: m.static })}>{m.weight}<span class="unit">/ {m.override ?? m.static}</span></span>;
}

// brief leaves out of a probe's words what the row says anyway: the probe's name
// and the address. The whole is in the title and in the panel.
export function brief<F extends string>(o: Parameters<typeof say<F>>[0], field: F): string {
	const english = (text: string) => text.replace(/^[a-z]+(-\d+)?: /, "").replace(/^connect \S+: /, "").replace(/^status (\d+[^,]*).*$/, "$1");
	let said = o.said?.[field];
	for (let inner: unknown; said && /^(join\.about|probe\.connect)$/.test(said.kind) && typeof (inner = said.args?.["why"]) === "object"; ) said = inner as Said;
	if (said?.kind === "probe.status_and") return String(said.args?.["status"]);
	return saidText(said, english(o[field] ?? ""));
}

function LastProbe({ m, id }: { m: api.LiveMember; id: string }) {
	if (isDraining(m) && left(m) > 0) return <span>{t("members.left_running", { n: left(m) })} <span class="muted"><Left id={id} m={m} /></span></span>;
	const p = lastProbe(m);
	if (!p) return <span class="muted">{m.probes.length > 0 ? t("members.not_asked") : say(m, "reason") || t("members.no_probes")}</span>;
	return (
		<span class="last-probe" title={[m.health === "down" && say(m, "reason"), say(p, "detail")].filter(Boolean).join(" · ")}>
			<StateIcon state={p.outcome === "good" ? "up" : p.outcome === "abstain" ? "unknown" : "down"} label={t(`members.outcome.${p.outcome ?? "abstain"}`)} />
			<span class="text">{p.outcome !== "good" && m.health === "down" && m.reason ? brief(m, "reason") : brief(p, "detail")}</span>
			{p.outcome === "good" && <span class="muted nowrap"><Num q={format.latency(format.parseDuration(p.took))} /> · <Ago at={p.at} /></span>}
		</span>
	);
}

const key = (m: api.LiveMember) => `${m.pool}/${m.name}`;

export function MembersTable({ source, caption, byPool, link, opened, tools, empty, retry }: {
	source: Members; caption: string; byPool?: boolean; link: (m: api.LiveMember) => string; opened: string;
	tools?: preact.ComponentChildren; empty: { title: string; text?: string; actions?: preact.ComponentChildren }; retry?: () => void;
}) {
	const ids = source.keys.value.map((k) => `member/${k}`);
	const sparks = useSparks(ids);
	const columns = useMemo((): Column<api.LiveMember>[] => [
		{
			id: "name", head: t(byPool ? "members.pool" : "members.server"), by: (m) => (byPool ? m.pool : m.name),
			cell: (m) => <span class="row nowrap" style={{ flexWrap: "nowrap" }}><a href={link(m)}>{byPool ? m.pool : m.name}</a><span class="muted tnum member-address">{m.address}</span></span>,
		},
		{ id: "state", head: t("members.state"), by: (m) => stand(m).word, cell: (m) => <span title={say(m, "why")}><Status {...stand(m)} /></span>, hidden: true },
		{ id: "address", head: t("members.address"), by: (m) => m.address, cell: (m) => <span class="mono">{m.address}</span>, hidden: true },
		{ id: "health", head: t("members.health"), by: (m) => m.health, cell: (m) => <span title={say(m, "reason")}><Status word={m.health}><Since at={m.since} /></Status></span> },
		{ id: "admin", head: t("members.admin"), by: (m) => m.admin, cell: (m) => <Admin m={m} /> },
		{ id: "role", head: t("members.role"), by: (m) => String(m.spare), cell: (m) => <RoleOf m={m} /> },
		{ id: "weight", head: t("members.weight"), num: true, by: (m) => m.weight, cell: (m) => <Weight m={m} /> },
		{ id: "running", head: t("members.running"), num: true, by: (m) => m.active, cell: (m) => <span class="row nowrap admin" title={m.limit ? t("members.limit", { n: m.limit }) : undefined}>{m.state === "full" && <Status word="full" />}<Count of={m.active} /></span> },
		{ id: "conns", head: t("members.conns"), num: true, by: (m) => m.open, cell: (m) => <Count of={m.open} />, hidden: true },
		{ id: "sticky", head: t("members.sticky"), num: true, by: (m) => m.sticky, cell: (m) => <Sticky n={m.sticky} cookies={m.cookies} /> },
		{ id: "rate", head: t("members.rate"), num: true, by: (m) => m.rate.requests, cell: (m) => <span class="with-spark"><Rate of={m.rate.requests} /><Trend of={sparks} id={`member/${key(m)}:requests`} /></span> },
		{ id: "p95", head: "p95", num: true, by: (m) => m.rate.p95 ?? -1, cell: (m) => <Latency of={m.rate.p95} /> },
		{ id: "errors", head: t("members.failed"), num: true, by: (m) => errorShare(m.rate) ?? -1, cell: (m) => <Percent of={errorShare(m.rate)} /> },
		{ id: "probe", head: t("members.last_probe"), by: (m) => lastProbe(m)?.detail ?? "", wrap: true, cell: (m) => <LastProbe m={m} id={key(m)} /> },
	], [source, sparks, byPool, lang.value]);
	return (
		<Table
			name="members" caption={caption} source={source} columns={columns} problem={bad} edge={edge} empty={empty} retry={retry} tools={tools}
			open={(m) => setQuery({ server: byPool ? m.pool : m.name })} opened={opened}
			bulk={(keys, clear) => <Bulk source={source} keys={keys} clear={clear} />}
			actions={(m, k) => <Menu small kind="quiet" icon="more" label={t("members.actions_for", { name: m.name })} items={memberItems(m, k)} />}
		/>
	);
}

function Bulk({ source, keys, clear }: { source: Members; keys: readonly string[]; clear: () => void }) {
	const n = keys.length;
	const all = keys.map((k) => source.get(k)?.value);
	const out = all.some((m) => m && m.admin !== "enabled");
	const enable = () => mutate("server.enable", { members: [...keys] }).then(() => { toast(t("members.enabled_done", { n })); clear(); }, toastError);
	return (
		<>
			<Button small need="operator" onClick={() => openDrain({ members: [...keys] })}>{t("members.bulk_drain", { n })}</Button>
			<Button small need="operator" why={out ? undefined : t("members.all_enabled")} onClick={enable}>{t("members.bulk_enable", { n })}</Button>
			<Button small need="operator" onClick={() => openDrain({ members: [...keys] }, "now")}>{t("members.bulk_disable", { n })}</Button>
			<Button small need="operator" onClick={() => openWeight(keys)}>{t("members.bulk_weight", { n })}</Button>
			<Button small need="operator" onClick={() => testNow({ members: keys })}>{t("members.bulk_test", { n })}</Button>
		</>
	);
}

const enable = (k: string) => void mutate("server.enable", { member: k }).then(() => toast(t("members.back", { name: k })), toastError);

// memberItems lists what can be done to a member: first what acts at once, then
// what goes into the candidate.
export function memberItems(m: api.LiveMember, k: string): Item[] {
	const runtime: Item[] = isDraining(m)
		? [{ text: t("members.cancel_drain"), icon: "refresh", need: "operator", onClick: () => void cancelDrain(k) }, { text: t("members.disable_now"), need: "operator", onClick: () => openDrain({ members: [k] }, "now") }]
		: m.admin === "disabled"
			? [{ text: t("members.enable"), icon: "play", need: "operator", onClick: () => enable(k) }]
			: [{ text: t("members.drain"), icon: "pause", need: "operator", onClick: () => openDrain({ members: [k] }) }, { text: t("members.disable_now"), need: "operator", onClick: () => openDrain({ members: [k] }, "now") }];
	return [
		{ title: t("members.at_once") }, ...runtime,
		{ text: t("members.set_weight"), icon: "system", need: "operator", onClick: () => openWeight([k], m) },
		{ text: t("members.test_now"), icon: "probe", need: "operator", onClick: () => testNow({ members: [k] }) },
		"line", { title: t("members.in_candidate") },
		{ text: t("members.edit_member"), icon: "edit", need: "editor", onClick: () => editBlock({ block: "member", path: `pool/${m.pool}/member/${m.name}`, name: m.name }) },
		{ text: t("members.edit_server"), icon: "server", need: "editor", onClick: () => editBlock({ block: "server", path: `server/${m.name}`, name: m.name }) },
		{ text: t("members.remove_member"), icon: "trash", need: "editor", onClick: () => removeMember(m) },
	];
}

function removeMember(m: api.LiveMember): void {
	void ask({
		title: t("members.remove_title", { name: m.name, pool: m.pool }), text: t("members.remove_text", { n: m.active }), act: t("members.remove_act", { name: m.name }), danger: true, need: "editor",
		run: () => removeBlocks([`pool/${m.pool}/member/${m.name}`]),
	});
}

const weighed = signal<{ keys: readonly string[]; m?: api.LiveMember } | null>(null);

export function openWeight(keys: readonly string[], m?: api.LiveMember): void {
	weighed.value = m ? { keys, m } : { keys };
}

// Weights is where a page draws the dialog.
export function Weights() {
	const w = weighed.value;
	return w && <WeightDialog key={w.keys.join()} keys={w.keys} m={w.m} onClose={() => (weighed.value = null)} />;
}

function WeightDialog({ keys, m, onClose }: { keys: readonly string[]; m: api.LiveMember | undefined; onClose: () => void }) {
	const weight = useSignal(m ? (m.override ?? m.static) : 100);
	const back = useSignal(false);
	const force = useSignal(false);
	const reason = useSignal("");
	const error = useSignal<unknown>(null);
	const act = keys.length > 1 ? t("members.weight_act_many", { n: keys.length }) : t("members.weight_act", { name: keys[0]! });
	const run = async () => {
		error.value = null;
		try {
			for (const k of keys) await mutate("server.weight", { member: k, weight: back.peek() ? -1 : weight.peek(), ...(reason.peek() ? { reason: reason.peek() } : {}), ...(force.peek() ? { force: true } : {}) });
			toast(t("members.weight_done", { n: keys.length }));
			onClose();
		} catch (err) {
			error.value = err;
		}
	};
	const wrong = !back.value && !(weight.value >= 0 && weight.value <= 200);
	return (
		<Dialog title={act} onClose={onClose} footer={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" need="operator" why={wrong ? t("common.range", { min: 0, max: 200 }) : undefined} onClick={run}>{act}</Button></>}>
			<p class="muted">{t("members.weight_note")}</p>
			<CheckField label={m ? t("members.weight_back", { n: m.static }) : t("members.weight_back_many")} value={back.value} onChange={(v) => (back.value = v)} />
			{!back.value && <NumberField label={t("members.weight")} help={t("members.weight_help")} min={0} max={200} value={weight.value} onChange={(v) => (weight.value = v)} />}
			<TextField label={t("members.note")} optional value={reason.value} onChange={(v) => (reason.value = v)} />
			{error.value !== null && <><ErrorNotice error={error.value} /><CheckField label={t("members.guard_force")} value={force.value} onChange={(v) => (force.value = v)} /></>}
		</Dialog>
	);
}

// MemberPanel shows the details of one member.
export function MemberPanel({ source, id, onClose, other }: { source: Members; id: string; onClose: () => void; other?: { text: string; href: string } }) {
	const live = source.get(id);
	const m = live?.value;
	const series = useSeries(m ? [`member/${id}:requests`] : [], 300);
	useKeys(m ? [{ keys: "d", text: t("members.key_drain"), run: () => openDrain({ members: [id] }) }] : [], [id, Boolean(m)]);
	if (!m) return <Panel name={id} onClose={onClose}><p>{source.loaded.value ? t("members.gone", { name: id }) : t("common.loading")}</p></Panel>;
	return (
		<Panel name={<span class="row"><span>{m.name}</span><Status {...stand(m)} /></span>} onClose={onClose}>
			<div class="row">
				{isDraining(m)
					? <Button need="operator" onClick={() => cancelDrain(id)}>{t("members.cancel_drain")}</Button>
					: m.admin === "disabled"
						? <Button kind="primary" need="operator" onClick={() => enable(id)}>{t("members.enable")}</Button>
						: <Button need="operator" onClick={() => openDrain({ members: [id] })}>{t("members.drain")}</Button>}
				<Button need="operator" icon="probe" onClick={() => testNow({ members: [id] })}>{t("members.test_now")}</Button>
				<Menu icon="more" label={t("members.actions_for", { name: m.name })} items={memberItems(m, id)} />
			</div>
			<Spark values={(series.data.value.cols[`member/${id}:requests`] ?? []).slice(-300)} label={t("members.spark_label")} />
			<Facts list={[
				[t("members.address"), <code>{m.address}</code>],
				[t("members.pool"), <a href={href(`/pools/${encodeURIComponent(m.pool)}`, { server: m.name })}>{m.pool}</a>],
				[t("members.server"), <a href={`/servers/${encodeURIComponent(m.name)}`}>{m.name}</a>],
				Boolean(m.why) && [t("members.no_clients"), say(m, "why")],
			]} />
			<section class="stack tight"><h3>{t("members.health")}</h3>
				<Facts list={[[t("members.state"), <Status word={m.health}><Since at={m.since} /></Status>], Boolean(m.reason) && [t("members.reason"), say(m, "reason")]]} />
			</section>
			<section class="stack tight"><h3>{t("members.admin")}</h3>
				<Facts list={[
					[t("members.state"), <Admin m={m} />],
					Boolean(m.admin_by) && [t("members.by"), m.admin_by],
					Boolean(m.admin_reason) && [t("members.reason"), m.admin_reason],
					isDraining(m) && [t("members.sticky"), m.keep_sticky ? t("members.sticky_kept") : t("members.sticky_ignored")],
					Boolean(m.until) && [t("members.disabled_at"), <Ago at={m.until} />],
					[t("members.role"), <RoleOf m={m} />],
				]} />
			</section>
			<section class="stack tight"><h3>{t("members.load")}</h3>
				<Facts list={[
					[t("members.rate"), <Rate of={m.rate.requests} />], [t("members.running"), <>{m.active}{m.limit ? ` / ${m.limit}` : ""}</>], [t("members.conns"), <Count of={m.open} />],
					[t("members.sticky"), <Sticky n={m.sticky} cookies={m.cookies} />], ["p50", <Latency of={m.rate.p50} />], ["p95", <Latency of={m.rate.p95} />], [t("members.failed"), <Percent of={errorShare(m.rate)} />],
					[t("members.weight"), <>{m.weight}{m.weight !== m.static && <span class="muted"> {t("members.weight_configured", { n: m.static })}</span>}</>],
					Boolean(m.weight_why) && [t("members.weight_why"), say(m, "weight_why")],
				]} />
			</section>
			<section class="stack tight"><h3>{t("members.probes")}</h3>
				{m.probes.length === 0 && <p class="muted">{t("members.no_probes")}</p>}
				<ul class="probe-list">{m.probes.map((p) => (
					<li key={p.name}>
						<span class="row"><Status word={p.state} /><strong>{p.name}</strong>{!p.deciding && <span class="tag">{t("members.not_deciding")}</span>}<span class="muted nowrap"><Ago at={p.at} /></span></span>
						{p.detail && <span>{say(p, "detail")} <span class="muted"><Num q={format.latency(format.parseDuration(p.took))} /></span></span>}
					</li>
				))}</ul>
			</section>
			{other && <a href={other.href}>{other.text}</a>}
		</Panel>
	);
}

