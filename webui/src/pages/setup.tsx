// SPDX-License-Identifier: Apache-2.0
//
// The first set-up: whoever has the code that the box shows on its terminal,
// serial console or panel makes the first administrator.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button, CallError, enter, ErrorNotice, fieldErrors, Gate, go, hello, plainCall, shortestPassword, t, TextField } from "../kit";

export default function Setup() {
	const code = useSignal("");
	const user = useSignal("admin");
	const password = useSignal("");
	const again = useSignal("");
	const tried = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);

	useEffect(() => {
		document.title = `${t("setup.title")} · ${hello.value?.hostname ?? "Evener"}`;
	}, []);

	const wrong = {
		code: code.value.trim() ? undefined : t("setup.code_missing"),
		user: user.value.trim() ? undefined : t("setup.user_missing"),
		password: [...password.value].length >= shortestPassword ? undefined : t("setup.password_short", { n: shortestPassword }),
		again: again.value === password.value ? undefined : t("setup.again_differs"),
	};
	// Before there is a user, only the code can be wrong.
	const denied = error.value instanceof CallError && error.value.kind === "auth.denied";
	const said = denied ? { code: t("setup.code_wrong") } as Record<string, string> : fieldErrors(error.value);
	const show = (name: keyof typeof wrong) => (tried.value ? (wrong[name] ?? said[name]) : undefined);

	const send = async () => {
		tried.value = true;
		if (busy.peek() || Object.values(wrong).some(Boolean)) return;
		busy.value = true;
		error.value = null;
		try {
			await plainCall("setup", { code: code.peek().trim(), user: user.peek().trim(), password: password.peek() });
			enter();
			go("/wizard");
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	return (
		<Gate title={t("setup.title")} sub={t("setup.text")}>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void send(); }}>
				<TextField label={t("setup.code")} help={t("setup.code_help")} value={code.value} onChange={(v) => (code.value = v)} error={show("code")} autocomplete="one-time-code" mono autofocus />
				<TextField label={t("setup.user")} help={t("setup.user_help")} value={user.value} onChange={(v) => (user.value = v)} error={show("user")} autocomplete="username" />
				<TextField label={t("common.password")} help={t("setup.password_help", { n: shortestPassword })} type="password" value={password.value} onChange={(v) => (password.value = v)} error={show("password")} autocomplete="new-password" />
				<TextField label={t("setup.again")} type="password" value={again.value} onChange={(v) => (again.value = v)} error={show("again")} autocomplete="new-password" />
				{error.value !== null && !denied && <ErrorNotice error={error.value} />}
				<Button kind="primary" type="submit" busy={busy.value}>{t("setup.act")}</Button>
			</form>
		</Gate>
	);
}
