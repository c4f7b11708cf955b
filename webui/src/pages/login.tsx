// SPDX-License-Identifier: Apache-2.0
//
// Logging in: name and password, then a code where the account has one.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, Button, CallError, enter, ErrorNotice, format, Gate, hello, Notice, plainCall, t, TextField, toast } from "../kit";
import { ended, start, where } from "../session";

// The token stays in the cookie: the console takes it out of the answer.
type Entered = Omit<api.Entered, "token">;

export default function Login() {
	const user = useSignal("");
	const password = useSignal("");
	const code = useSignal("");
	const needsCode = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const waitUntil = useSignal(0);
	const now = useSignal(Date.now());

	useEffect(() => {
		document.title = `${t("login.title")} · ${hello.value?.hostname ?? "Evener"}`;
		const timer = setInterval(() => {
			if (waitUntil.peek()) now.value = Date.now();
		}, 500);
		return () => clearInterval(timer);
	}, []);
	const wait = Math.max(0, Math.ceil((waitUntil.value - now.value) / 1000));

	const send = async () => {
		if (busy.peek() || wait > 0) return;
		busy.value = true;
		error.value = null;
		try {
			const e = await plainCall<Entered>("login", { user: user.peek(), password: password.peek(), ...(needsCode.peek() ? { code: code.peek().replace(/\s/g, "") } : {}) });
			password.value = "";
			enter();
			greet(e);
		} catch (err) {
			const asked = err instanceof CallError && err.kind === "auth.totp";
			if (asked && !needsCode.peek()) {
				needsCode.value = true;
				return;
			}
			code.value = "";
			error.value = err;
			const ms = err instanceof CallError ? Number(err.data.args?.["retry_after_ms"] ?? 0) : 0;
			if (ms > 0) {
				now.value = Date.now();
				waitUntil.value = Date.now() + ms;
			}
		} finally {
			busy.value = false;
		}
	};
	return (
		<Gate title={t("login.title")} sub={needsCode.value ? t("login.code_text") : t("login.text")}>
			{ended.value && !error.value && <Notice>{t(`login.ended_${known(ended.value)}`)}</Notice>}
			<form class="form" onSubmit={(e) => { e.preventDefault(); void send(); }}>
				{needsCode.value ? (
					<TextField key="code" label={t("login.code")} help={t("login.code_help")} value={code.value} onChange={(v) => (code.value = v)} autocomplete="one-time-code" inputMode="text" mono autofocus required />
				) : (
					<>
						<TextField key="user" label={t("login.user")} value={user.value} onChange={(v) => (user.value = v)} name="username" autocomplete="username" autofocus required />
						<TextField key="password" label={t("common.password")} type="password" value={password.value} onChange={(v) => (password.value = v)} name="password" autocomplete="current-password" required />
					</>
				)}
				{error.value !== null && <ErrorNotice error={error.value} />}
				{wait > 0 && <Notice kind="warning"><span class="tnum">{t("login.wait", { time: format.countdown(wait) })}</span></Notice>}
				<Button kind="primary" type="submit" busy={busy.value} why={wait > 0 ? t("login.wait", { time: format.countdown(wait) }) : undefined}>{t("login.act")}</Button>
				{needsCode.value && <Button kind="quiet" onClick={() => { needsCode.value = false; error.value = null; }}>{t("login.other")}</Button>}
			</form>
			{connectionOff() && <Notice kind="warning" actions={<Button small onClick={() => { where.value = "asking"; void start(); }}>{t("common.retry")}</Button>}>{t("shell.unreachable")}</Notice>}
		</Gate>
	);
}

const connectionOff = () => hello.value === null;

const reasons = ["revoked", "expired", "logout", "password", "role", "idle"];
const known = (kind: string) => (reasons.includes(kind) ? kind : "expired");

// greet says after the login what happened since the last one.
function greet(e: Entered): void {
	const when = e.last_login ? format.moment(Date.parse(e.last_login)) : "";
	if (e.failed > 0) toast(t("login.failed_since", { n: e.failed }), { kind: "warning" });
	if (when) toast(t("login.last", { when }));
}
