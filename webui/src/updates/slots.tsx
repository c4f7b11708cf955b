// SPDX-License-Identifier: Apache-2.0
//
// The two places for a version: what is in them, and starting the other one.
import { signal } from "@preact/signals";
import { type api, ask, Button, Card, comma, Facts, mutate, Notice, say, Status, t, Time, type State } from "../kit";

const icons: Record<string, State> = { good: "up", trying: "degraded", bad: "down", empty: "disabled", spare: "spare" };

// restarting is the version that was started here, until the box answers again.
export const restarting = signal("");

// locked says why nothing of the slots can be changed now, undefined if it can.
export function locked(u: api.UpgradeShow): string | undefined {
	if (u.pair && u.pair.step !== "done" && u.pair.step !== "stopped") return t("updates.pair_runs");
	if (u.progress && u.progress.step !== "trial") return t("updates.busy");
	return undefined;
}

export function Slots({ u }: { u: api.UpgradeShow }) {
	return <div class="grid updates-slots">{u.slots.map((s) => <Slot key={s.slot} s={s} u={u} />)}</div>;
}

function Slot({ s, u }: { s: api.UpgradeSlot; u: api.UpgradeShow }) {
	const runs = s.slot === u.running.slot;
	const usable = s.state !== "empty";
	return (
		<Card
			name={runs ? t("updates.slot_runs", { slot: s.slot }) : t("updates.slot", { slot: s.slot })}
			actions={!runs && usable && <Button need="admin" icon="refresh" why={locked(u)} onClick={() => start(s, u)}>{t("updates.start")}</Button>}
		>
			<div class="stack">
				<p class="updates-version">{s.version || t("updates.nothing")}</p>
				<p><Status word={t(`updates.state.${s.state}`)} state={icons[s.state] ?? "unknown"}>{say(s, "reason")}</Status></p>
				<Facts list={[
					Boolean(s.created) && [t("updates.created"), <Time key="c" at={s.created} />],
					s.boards.length > 0 && [t("updates.boards"), comma(s.boards)],
					[t("updates.next"), t(s.next ? "updates.next_this" : "updates.next_other")],
				]} />
			</div>
		</Card>
	);
}

// start asks, and has the box start the version of a slot.
export function start(s: { slot: string; version: string; state?: string }, u: api.UpgradeShow): Promise<boolean> {
	return ask({
		title: t("updates.start_title", { version: s.version, slot: s.slot }), danger: true, need: "admin", act: t("updates.start_act"),
		text: <>
			<p>{t("updates.start_text")}</p>
			<p>{t("updates.start_trial", { version: u.running.version })}</p>
			{s.state === "bad" && <Notice kind="warning">{t("updates.start_bad")}</Notice>}
			{u.pair === null && <p class="muted">{t("updates.start_clients")}</p>}
		</>,
		run: async () => {
			await mutate("upgrade.activate", { slot: s.slot, reboot: true });
			restarting.value = s.version;
			scrollTo(0, 0); // what becomes of it stands at the top
		},
	});
}
