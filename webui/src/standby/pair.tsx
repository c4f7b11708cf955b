// SPDX-License-Identifier: Apache-2.0
//
// Pairing: one box waits, the other joins, both show a code of six digits, and a
// person on each says that they are the same.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, Button, call, Countdown, Dialog, ErrorNotice, mutate, Notice, RadioField, say, StateIcon, t, TextField, tx } from "../kit";

const every = 1000; // milliseconds between two looks at how far it is

export function Pair({ address, listen, onClose }: { address: string; listen: string; onClose: () => void }) {
	const role = useSignal<"begin" | "join">("begin");
	const to = useSignal(address);
	const state = useSignal<api.HAPairing | null>(null);
	const error = useSignal<unknown>(null);
	const started = useSignal(false); // by this dialog
	useEffect(() => {
		let gone = false;
		const stop = new AbortController();
		const look = async () => {
			try {
				const p = await call("ha.pair.show", {}, { signal: stop.signal });
				if (!gone) state.value = p;
			} catch (err) {
				if (!gone) error.value = err;
			}
		};
		void look();
		const timer = setInterval(look, every);
		return () => {
			gone = true;
			stop.abort();
			clearInterval(timer);
		};
	}, []);
	const step = (run: () => Promise<api.HAPairing>) => async () => {
		error.value = null;
		try {
			state.value = await run();
			started.value = true;
		} catch (err) {
			error.value = err;
		}
	};
	const p = state.value;
	const phase = !p ? "" : (p.phase === "done" || p.phase === "failed") && !started.value ? "idle" : p.phase;
	const busy = phase === "open" || phase === "joining" || phase === "code";
	const cancel = async () => {
		if (busy) await mutate("ha.pair.cancel", {}).catch((err: unknown) => (error.value = err));
		onClose();
	};
	const again = () => { started.value = false; error.value = null; };
	return (
		<Dialog
			title={t("standby.pair_title")} onClose={cancel}
			footer={phase === "code" && p && !p.confirmed_here ? <>
				<Button kind="danger" need="admin" onClick={step(() => mutate("ha.pair.confirm", { code_matches: false }))}>{t("standby.code_differs")}</Button>
				<Button kind="primary" need="admin" onClick={step(() => mutate("ha.pair.confirm", { code_matches: true }))}>{t("standby.code_same")}</Button>
			</> : phase === "idle" ? <>
				<Button onClick={onClose}>{t("common.cancel")}</Button>
				{role.value === "begin"
					? <Button kind="primary" need="admin" why={listen ? undefined : t("standby.no_listen")} onClick={step(() => mutate("ha.pair.begin", {}))}>{t("standby.pair_begin")}</Button>
					: <Button kind="primary" need="admin" why={listen ? (to.value.trim() ? undefined : t("standby.address_first")) : t("standby.no_listen")} onClick={step(() => mutate("ha.pair.join", { address: to.peek().trim() }))}>{t("standby.pair_join")}</Button>}
			</> : phase === "failed" ? <><Button onClick={onClose}>{t("common.close")}</Button><Button kind="primary" onClick={again}>{t("standby.pair_again")}</Button></>
				: <Button onClick={cancel}>{busy ? t("standby.pair_cancel") : t("common.close")}</Button>}
		>
			<div class="stack" aria-live="polite">
				{phase === "idle" && (
					<>
						<p>{t("standby.pair_text")}</p>
						{!listen && <Notice kind="warning">{t("standby.no_listen")}</Notice>}
						<RadioField<"begin" | "join"> label={t("standby.pair_role")} value={role.value} onChange={(v) => (role.value = v)} options={[
							{ value: "begin", text: t("standby.role_begin"), help: t("standby.role_begin_help") },
							{ value: "join", text: t("standby.role_join"), help: t("standby.role_join_help") },
						]} />
						{role.value === "join" && <TextField label={t("standby.join_address")} help={t("standby.join_address_help")} mono value={to.value} onChange={(v) => (to.value = v)} />}
					</>
				)}
				{phase === "open" && p && <><p>{tx("standby.pair_open", { address: <code>{p.listen}</code> })}</p><Until p={p} /></>}
				{phase === "joining" && <p>{t("standby.pair_joining")}</p>}
				{phase === "code" && p && <Code p={p} />}
				{phase === "done" && p && <Notice kind="ok">{t("standby.pair_done", { name: p.peer })}</Notice>}
				{phase === "failed" && p && <Notice kind="error">{say(p, "problem")}</Notice>}
				{error.value !== null && <ErrorNotice error={error.value} />}
			</div>
		</Dialog>
	);
}

const Until = ({ p }: { p: api.HAPairing }) => <>{p.until && <p class="muted">{tx("standby.pair_until", { time: <Countdown until={p.until} /> })}</p>}</>;

export function Code({ p }: { p: api.HAPairing }) {
	const said = (ok: boolean, text: string) => <li><span class="status"><StateIcon state={ok ? "up" : "unknown"} /><span>{text}</span></span></li>;
	return (
		<>
			<p>{t("standby.code_text", { name: p.peer, address: p.address })}</p>
			<p class="standby-code" aria-label={t("standby.code_label", { code: p.code.split("").join(" ") })} role="img"><span>{p.code.slice(0, 3)}</span><span>{p.code.slice(3)}</span></p>
			<ul class="stack tight">
				{said(p.confirmed_here, t(p.confirmed_here ? "standby.confirmed_here" : "standby.unconfirmed_here"))}
				{said(p.confirmed_there, t(p.confirmed_there ? "standby.confirmed_there" : "standby.unconfirmed_there", { name: p.peer }))}
			</ul>
			<Until p={p} />
		</>
	);
}
