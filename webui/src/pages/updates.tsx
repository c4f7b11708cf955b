// SPDX-License-Identifier: Apache-2.0
//
// The firmware: what runs and from which slot, what goes on, how another version
// comes, and what happened before.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, ErrorNotice, Notice, Page, type PageProps, say, Skeleton, stale, t, useTopic } from "../kit";
import { Install } from "../updates/install";
import { Journal, Keys } from "../updates/journal";
import { Pair } from "../updates/pair";
import { Going, Trial } from "../updates/progress";
import { restarting, Slots } from "../updates/slots";

export default function Updates(_: PageProps) {
	const source = useTopic("state.upgrade");
	const first = source.keys.value[0]; // there is one object, once it has come
	const u = first === undefined ? undefined : source.get(first)?.value;
	const state = u?.running.slot ? t("updates.runs", { version: u.running.version, slot: u.running.slot }) : u?.running.version;
	const gone = u?.slots.find((s) => s.state === "bad" && s.slot !== u.running.slot);
	return (
		<Page name={t("shell.nav_updates")} state={state}>
			{source.error.value && <ErrorNotice error={source.error.value} title={t("common.not_loaded", { name: t("shell.nav_updates") })} />}
			{!u ? !source.error.value && <Skeleton rows={8} /> : (
				<div class={`stack${stale.value ? " stale" : ""}`}>
					{!u.available && <Notice kind="warning">{t("updates.unavailable", { why: say(u, "why") })}</Notice>}
					{u.problem && <Notice kind="error">{say(u, "problem")}</Notice>}
					{u.running.recovery && <Notice kind="error">{t("updates.recovery")}</Notice>}
					{u.simulated && <Notice>{t("updates.simulated")}</Notice>}
					<Restarting u={u} />
					{gone && !u.trial && <Notice kind="warning"><strong>{t("updates.went_back", { version: gone.version, running: u.running.version })}</strong> {say(gone, "reason")}</Notice>}
					{u.trial && <Trial trial={u.trial} u={u} />}
					{u.progress && <Going p={u.progress} />}
					{u.available && <Slots u={u} />}
					{u.available && <div class="grid updates-ways"><Install u={u} /><Pair u={u} /></div>}
					<Journal list={u.journal} />
					<Keys list={u.keys} index={u.rollback_index} />
				</div>
			)}
		</Page>
	);
}

// Restarting says that the box is away, until it has been away and answers again.
function Restarting({ u }: { u: api.UpgradeShow }) {
	const away = useSignal(false);
	useEffect(() => {
		if (u.trial || u.running.version === restarting.peek() || (away.peek() && !stale.value)) restarting.value = "";
		away.value = stale.value;
	}, [u, stale.value]);
	return restarting.value ? <Notice>{t("updates.restarting", { version: restarting.value })}</Notice> : null;
}
