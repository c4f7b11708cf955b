// SPDX-License-Identifier: Apache-2.0
//
// What goes on: a bundle that is written, and a version that tests itself.
import { type api, ask, Button, Bytes, Card, Countdown, mutate, say, Since, StateIcon, t, tx, toastError } from "../kit";

export function Going({ p }: { p: api.UpgradeProgress }) {
	if (p.step === "trial") return null; // Trial shows it
	const title = t(`updates.step.${p.step}`, { version: p.version || t("updates.a_version"), slot: p.slot });
	return (
		<Card name={title} actions={<Button need="admin" onClick={() => mutate("upgrade.cancel", {}).catch(toastError)}>{t("updates.cancel")}</Button>}>
			<div class="stack">
				<progress aria-label={title} {...(p.total > 0 ? { max: p.total, value: p.done } : {})} />
				<p class="muted">{tx("updates.going", { done: <Bytes of={p.done} />, total: p.total > 0 ? <Bytes of={p.total} /> : "?", source: source(p.source), by: p.by || "–" })}</p>
			</div>
		</Card>
	);
}

// source says where a bundle comes from.
const source = (s: string) => (s === "upload" || s === "usb" ? t(`updates.source_${s}`) : s);

export function Trial({ trial, u }: { trial: api.UpgradeTest; u: api.UpgradeShow }) {
	const other = u.slots.find((s) => s.slot !== u.running.slot);
	const back = () => ask({
		title: t("updates.back_title", { version: other?.version ?? "" }), danger: true, need: "admin", act: t("updates.back_act"),
		text: <p>{t("updates.back_text", { version: u.running.version })}</p>,
		run: () => mutate("upgrade.activate", { slot: other!.slot, reboot: true }),
	});
	const keep = () => ask({
		title: t("updates.keep_title", { version: u.running.version }), need: "admin", act: t("updates.keep_act"),
		text: <p>{t("updates.keep_text")}</p>,
		run: () => mutate("upgrade.good", {}),
	});
	return (
		<Card name={t("updates.trial", { version: u.running.version })} actions={<>
			{other && other.state !== "empty" && <Button need="admin" onClick={back}>{t("updates.back")}</Button>}
			<Button need="admin" onClick={keep}>{t("updates.keep")}</Button>
		</>}>
			<div class="stack">
				<p>{trial.gave_up ? t("updates.trial_over", { why: say(trial, "gave_up") }) : trial.good
					? tx("updates.trial_good", { since: <Since at={trial.since} />, soak: trial.soak })
					: tx("updates.trial_waits", { left: <Countdown until={trial.deadline} /> })}</p>
				<ul class="stack tight updates-checks">
					{trial.checks.map((c) => (
						<li key={c.name} class="updates-check">
							<StateIcon state={c.ok ? "up" : "degraded"} label={t(c.ok ? "updates.passed" : "updates.not_yet")} />
							<span><strong>{t(`updates.check.${c.name}`)}</strong> <span class="muted">{say(c, "detail")}</span></span>
						</li>
					))}
				</ul>
			</div>
		</Card>
	);
}
