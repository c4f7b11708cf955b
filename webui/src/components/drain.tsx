// SPDX-License-Identifier: Apache-2.0
//
// Taking members out: what it would mean, how, and the progress to zero. All of
// this is at once and apart from the candidate.
import { batch, signal, useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import { type api, Button, call, CallError, Card, CheckField, colon, comma, Count, Countdown, Dialog, Duration, ErrorNotice, Icon, Live, mutate, Notice, NumberField, Percent, RadioField, say, second, Skeleton, type Source, StateIcon, Status, t, TextField, toast, toastError } from "../kit";
import { isDraining, left, pace } from "./draining";

export type Mode = "keep-sticky" | "ignore-sticky" | "now";

// What is taken out: members, or a server in all of its pools.
export type Targets = { members?: string[]; server?: string };

const asked = signal<{ targets: Targets; mode: Mode } | null>(null);

// openDrain asks how members are to be taken out, and does it.
export function openDrain(targets: Targets, mode: Mode = "keep-sticky"): void {
	asked.value = { targets, mode };
}

// Drains is where a page draws the dialog.
export function Drains() {
	const a = asked.value;
	return a && <DrainDialog key={JSON.stringify(a)} {...a} onClose={() => (asked.value = null)} />;
}

const memberName = (key: string) => key.slice(key.indexOf("/") + 1);
export const poolName = (key: string) => key.slice(0, key.indexOf("/"));

// drainName says what is taken out, in words.
function drainName(targets: Targets): { name: string; n: number } {
	const n = targets.members?.length ?? 1;
	return { name: targets.server ?? memberName(targets.members?.[0] ?? ""), n };
}

// takeOut returns the call that does what was chosen.
export function takeOut(targets: Targets, o: { mode: Mode; minutes: number | null; cut: boolean; reason: string; force: boolean }): Promise<api.Acted> {
	const common = { ...targets, ...(o.reason ? { reason: o.reason } : {}), ...(o.force ? { force: true } : {}) };
	const cut = o.cut ? { cut: true } : {};
	if (o.mode === "now") return mutate("server.disable", { ...common, ...cut });
	if (o.minutes === null) return mutate("server.quiesce", { ...common, ignore_sticky: o.mode === "ignore-sticky" });
	return mutate("server.drain", { ...common, mode: o.mode, deadline: `${o.minutes}m`, ...cut });
}

export function DrainDialog({ targets, mode: first, onClose }: { targets: Targets; mode: Mode; onClose: () => void }) {
	const seen = useSignal<api.Previewed | null>(null);
	const error = useSignal<unknown>(null);
	const mode = useSignal<Mode>(first);
	const limited = useSignal(true);
	const cut = useSignal(false);
	const minutes = useSignal(15);
	const reason = useSignal("");
	const force = useSignal(false);
	useEffect(() => {
		let gone = false;
		const look = () =>
			call("server.preview", targets).then(
				(p) => { if (!gone) seen.value = p; },
				(err: unknown) => { if (!gone && !seen.peek()) error.value = err; },
			);
		void look();
		const timer = setInterval(look, 2000);
		return () => {
			gone = true;
			clearInterval(timer);
		};
	}, []);

	const effects = seen.value?.effects ?? [];
	const running = effects.reduce((n, e) => n + e.active, 0);
	const { name, n } = drainName(targets);
	const pools = new Set(effects.map((e) => poolName(e.member))).size;
	const many = targets.server === undefined && n > 1;
	const now = mode.value === "now";
	const act = now
		? many ? t("members.act_disable_many", { n }) : t("members.act_disable", { name })
		: many ? t("members.act_drain_many", { n }) : t("members.act_drain", { name });
	const wrongTime = !now && limited.value && !(minutes.value >= 1 && minutes.value <= 1440);
	const why = !seen.value ? t("common.loading") : seen.value.guarded && !force.value ? t("members.guard_why") : wrongTime ? t("common.range", { min: 1, max: 1440 }) : undefined;
	const run = async () => {
		error.value = null;
		try {
			const done = await takeOut(targets, { mode: mode.peek(), minutes: limited.peek() ? minutes.peek() : null, cut: cut.peek(), reason: reason.peek().trim(), force: force.peek() });
			const failed = done.results.filter((r) => r.error);
			if (failed.length > 0) toast(t("members.some_failed", { n: failed.length, first: colon(failed[0]!.member, say(failed[0]!, "error")) }), { kind: "warning" });
			else toast(now ? t("members.disabled_done", { name: many ? String(n) : name }) : t("members.drain_begun", { name: many ? String(n) : name }), { act: { text: t("members.undo"), run: () => void mutate("server.enable", targets).catch(toastError) } });
			onClose();
		} catch (err) {
			batch(() => {
				error.value = err;
				if (err instanceof CallError && err.kind === "guard.last_server" && seen.peek()) seen.value = { ...seen.peek()!, guarded: true };
			});
		}
	};
	return (
		<Dialog
			form title={targets.server ? t("members.drain_everywhere_title", { name, n: pools }) : act} onClose={onClose}
			footer={<>
				<Button onClick={onClose}>{t("common.cancel")}</Button>
				<Button kind={now || seen.value?.guarded ? "danger" : "primary"} need="operator" why={why} onClick={run}>{act}</Button>
			</>}
		>
			<p class="muted">{t("members.runtime_note")}</p>
			{!seen.value && error.value === null && <Skeleton rows={3} />}
			{seen.value && <Effects effects={effects} />}
			{seen.value && <Remaining effects={effects.filter((e) => !e.last)} />}
			{seen.value?.guarded && (
				<Notice kind="error">
					<strong>{t("members.guard", { pools: comma([...new Set(effects.filter((e) => e.last).map((e) => poolName(e.member)))]) })}</strong>
					<CheckField label={t("members.guard_force")} value={force.value} onChange={(v) => (force.value = v)} />
				</Notice>
			)}
			<RadioField<Mode>
				label={t("members.mode")} value={mode.value} onChange={(v) => (mode.value = v)}
				options={[
					{ value: "keep-sticky", text: t("members.mode_keep"), help: t("members.mode_keep_help") },
					{ value: "ignore-sticky", text: t("members.mode_ignore"), help: t("members.mode_ignore_help") },
					{ value: "now", text: t("members.mode_now"), help: t("members.mode_now_help", { n: running }) },
				]}
			/>
			{now && <CheckField label={t("members.cut_now")} help={t("members.cut_now_help", { n: running })} value={cut.value} onChange={(v) => (cut.value = v)} />}
			{!now && (
				<div class="drain-then">
					<CheckField label={t("members.then_disable")} help={limited.value ? t("members.then_disable_help") : t("members.no_deadline_help")} value={limited.value} onChange={(v) => (limited.value = v)} />
					{limited.value && <NumberField label={t("members.after")} unit={t("common.unit.min")} min={1} max={1440} value={minutes.value} onChange={(v) => (minutes.value = v)} />}
					{limited.value && <CheckField label={t("members.cut_then")} help={t("members.cut_then_help")} value={cut.value} onChange={(v) => (cut.value = v)} />}
				</div>
			)}
			<TextField label={t("members.note")} optional help={t("members.note_help")} value={reason.value} maxLength={200} onChange={(v) => (reason.value = v)} />
			{error.value !== null && <ErrorNotice error={error.value} title={t("members.not_done")} />}
		</Dialog>
	);
}

// Effects shows what runs on each of what is taken out. The counts are live.
function Effects({ effects }: { effects: readonly api.ServerPreviewEffect[] }) {
	return (
		<div class="table-wrap">
			<div class="table-scroll" tabIndex={0} role="region" aria-label={t("members.effects")}>
				<table class="table">
					<caption class="visually-hidden">{t("members.effects")}</caption>
					<thead>
						<tr>
							<th scope="col">{t("members.server")}</th><th scope="col">{t("members.state")}</th><th scope="col" class="num">{t("members.running")}</th>
							<th scope="col" class="num">{t("members.conns")}</th><th scope="col" class="num">{t("members.sticky")}</th><th scope="col" class="num">{t("members.share")}</th>
						</tr>
					</thead>
					<tbody>
						{effects.map((e) => (
							<tr key={e.member}>
								<th scope="row">{memberName(e.member)} <span class="muted">{poolName(e.member)}</span></th>
								<td><Status word={e.state} /></td>
								<td class="num"><Count of={e.active} /></td>
								<td class="num"><Count of={e.open} /></td>
								<td class="num"><Sticky n={e.sticky} cookies={Boolean(e.cookies)} /></td>
								<td class="num"><Percent of={e.share} /></td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
		</div>
	);
}

// Sticky shows how many clients are kept on a member, as far as one can know.
export function Sticky({ n, cookies }: { n: number; cookies: boolean }) {
	if (!cookies) return <Count of={n} />;
	return <span class="tnum" title={t("members.cookies_help")}>{n > 0 ? `≥ ${n}` : t("members.cookies")}</span>;
}

// Remaining says for each pool who serves new clients afterwards.
function Remaining({ effects }: { effects: readonly api.ServerPreviewEffect[] }) {
	const first = new Map<string, api.ServerPreviewEffect>();
	if (effects.length === 0) return null; // what is said of pools that would have nobody
	for (const e of effects) if (!first.has(poolName(e.member))) first.set(poolName(e.member), e);
	return (
		<ul class="drain-left" aria-label={t("members.capacity")}>
			{[...first].map(([pool, e]) => {
				const share = effects.filter((x) => poolName(x.member) === pool).reduce((a, x) => a + x.share, 0);
				return (
					<li key={pool}>
						<StateIcon state={e.left === 0 ? "down" : e.promoted?.length ? "spare" : share > 0.5 ? "degraded" : "up"} />
						<span>
							{e.left === 0 ? t("members.left_none", { pool }) : e.promoted?.length
								? t("members.left_spare", { pool, spares: comma(e.promoted) })
								: t("members.left", { pool, n: e.left, all: e.total, share: Math.round(share * 100) })}
						</span>
					</li>
				);
			})}
		</ul>
	);
}

// cancelDrain brings a member back and says so.
export async function cancelDrain(key: string): Promise<void> {
	try {
		await mutate("server.cancel", { member: key });
		toast(t("members.back", { name: key }));
	} catch (err) {
		toastError(err);
	}
}

// Progress lists the members that are being emptied, with the way to zero.
export function Progress({ source, keys, pools }: { source: Source<api.LiveMember>; keys: readonly string[]; pools?: boolean }) {
	const busy = keys.filter((k) => {
		const m = source.get(k)?.value;
		return m && isDraining(m);
	});
	if (busy.length === 0) return null;
	return (
		<Card name={<span class="row"><StateIcon state="draining" />{t("members.progress", { n: busy.length })}</span>}>
			<ul class="drains">{busy.map((k) => <Drain key={k} id={k} source={source} pools={Boolean(pools)} />)}</ul>
		</Card>
	);
}

function Drain({ id, source, pools }: { id: string; source: Source<api.LiveMember>; pools: boolean }) {
	const m = source.get(id)?.value;
	const most = useSignal(1);
	const label = useId();
	if (!m) return null;
	const now = left(m);
	if (now > most.peek()) most.value = now;
	return (
		<li>
			<div class="who" id={label}><strong>{m.name}</strong>{pools && <span class="muted">{m.pool}</span>}{(m.admin_by || m.admin_reason) && <span class="muted small">{colon(m.admin_by, m.admin_reason)}</span>}</div>
			<div class="way">
				{m.active === 0
					? <span class="row"><Icon name="check" />{m.sticky > 0 && m.keep_sticky ? t("members.empty_sticky", { n: m.sticky }) : t("members.empty_now")}</span>
					: <span>{t("members.running_sticky", { n: m.active, sticky: m.sticky })} <span class="muted"><Left id={id} m={m} rate /></span></span>}
				<progress max={most.value} value={most.value - Math.min(now, most.value)} aria-labelledby={label} />
			</div>
			<div class="until muted">{m.until ? <>{t("members.disabled_in")} <Countdown until={m.until} /></> : t("members.no_deadline")}</div>
			<div class="row">
				<Button small need="operator" onClick={() => cancelDrain(id)}>{t("members.cancel_drain")}</Button>
				<Button small kind="quiet" need="operator" onClick={() => openDrain({ members: [id] }, "now")}>{t("members.disable_now")}</Button>
			</div>
		</li>
	);
}

// Left says how long it will take until a member is empty.
export function Left({ id, m, rate }: { id: string; m: api.LiveMember; rate?: boolean }) {
	return (
		<Live
			of={second}
			show={() => {
				const p = pace(id, left(m));
				if (p.perMinute === undefined) return rate ? t("members.measuring") : null;
				if (p.eta === undefined) return t("members.not_falling");
				return <>{rate && <>{t("members.per_minute", { n: p.perMinute })}, </>}≈ <Duration seconds={p.eta} /></>;
			}}
		/>
	);
}
