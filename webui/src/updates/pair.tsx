// SPDX-License-Identifier: Apache-2.0
//
// Both boxes of a pair with one button: the steps, how far they are, and why it
// stopped.
import { useSignal } from "@preact/signals";
import { type api, ask, Button, Card, CheckField, ErrorNotice, mutate, Notice, say, Since, StateIcon, type State, t, tx, toastError } from "../kit";
import { locked } from "./slots";

const icons: Record<string, State> = { waits: "unknown", runs: "draining", done: "up", failed: "down" };
const over = (p: api.UpgradePair | null) => !p || p.step === "done" || p.step === "stopped";

export function Pair({ u }: { u: api.UpgradeShow }) {
	const p = u.pair;
	const stay = useSignal(false);
	const error = useSignal<unknown>(null);
	const why = locked(u) ?? (u.pair_why ? t("updates.pair_not_ready", { why: say(u, "pair_why") }) : undefined);
	const begin = async () => {
		error.value = null;
		await ask({
			title: t("updates.pair_title"), need: "admin", act: t("updates.pair_act"),
			text: <ol>{(["peer", "soak", "switch", "self", "back"] as const).map((s) => <li key={s}>{t(`updates.pair_will_${s}`)}</li>)}</ol>,
			run: () => mutate("upgrade.pair.begin", stay.peek() ? { stay: true } : {}),
		});
	};
	return (
		<Card
			name={t("updates.pair")}
			actions={!over(p) && <Button need="admin" onClick={() => mutate("upgrade.pair.stop", {}).catch(toastError)}>{t("updates.pair_stop")}</Button>}
		>
			<div class="stack">
				<p>{t("updates.pair_text")}</p>
				{p && <Steps p={p} />}
				{over(p) && <>
					<CheckField label={t("updates.stay")} help={t("updates.stay_help")} value={stay.value} onChange={(v) => (stay.value = v)} />
					{error.value !== null && <ErrorNotice error={error.value} />}
					<div class="row"><Button need="admin" icon="standby" why={why} onClick={begin}>{t("updates.pair_begin")}</Button>{why && <p class="muted updates-why">{why}</p>}</div>
				</>}
			</div>
		</Card>
	);
}

function Steps({ p }: { p: api.UpgradePair }) {
	return (
		<div class="stack" aria-live="polite">
			{p.step === "stopped" && <Notice kind="warning"><strong>{t("updates.pair_stopped", { step: t(`updates.pair_step.${p.at}`) })}</strong> {say(p, "why")}</Notice>}
			{p.step === "done" && <Notice kind="ok">{t("updates.pair_done", { version: p.version })}</Notice>}
			{!over(p) && <p>{tx("updates.pair_runs_since", { version: p.version, since: <Since at={p.began} />, by: p.by })}</p>}
			<ol class="stack tight updates-checks">
				{p.steps.map((s) => (
					<li key={s.step} class="updates-check">
						<StateIcon state={icons[s.state] ?? "unknown"} label={t(`updates.pair_state.${s.state}`)} />
						<span><strong>{t(`updates.pair_step.${s.step}`, { first: p.first, second: p.second })}</strong> <span class="muted">{say(s, "text")}</span></span>
					</li>
				))}
			</ol>
			{!over(p) && p.total > 0 && <progress aria-label={t(`updates.pair_step.${p.step}`)} max={p.total} value={p.done} />}
		</div>
	);
}
