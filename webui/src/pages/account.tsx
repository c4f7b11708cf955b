// SPDX-License-Identifier: Apache-2.0
//
// The own account: password, second factor, sessions, API tokens, and how the
// console looks.
import { type Signal, useSignal } from "@preact/signals";
import { Ago, type api, ask, boxNow, Button, Card, Choice, Dialog, enter, ErrorNotice, Facts, fieldErrors, format, hello, lang, mutate, Notice, Page, plainCall, roleName, SelectField, Skeleton, Status, shortestPassword, t, Table, TextField, Time, toast, tx, useCall, useTopic } from "../kit";
import { density, setDensity, setTheme, switchLanguage, theme } from "../appearance";
import { download } from "../download";
import { setSingleKeys, singleKeys } from "../keys";

export default function Account() {
	const self = useCall("auth.whoami", {});
	const me = self.data.value;
	return (
		<Page name={t("account.title")} state={me && <span class="muted">{me.user} · {roleName(me.role)}</span>}>
			{self.error.value && <ErrorNotice error={self.error.value} retry={self.again} />}
			{!me && !self.error.value && <Skeleton rows={8} />}
			{me && (
				<>
					<div class="grid halves">
						<Who me={me} />
						<Looks />
						<Password me={me} />
						<Factor me={me} again={self.again} />
					</div>
					<Sessions user={me.user} />
					<Tokens me={me} />
				</>
			)}
		</Page>
	);
}

function Who({ me }: { me: api.Self }) {
	const scope = Object.entries(me.scope ?? {});
	return (
		<Card name={t("account.who")}>
			<Facts list={[
				[t("account.user"), me.user],
				[t("account.role"), `${roleName(me.role)} — ${t(`account.role_${me.role}`)}`],
				[t("account.scope"), scope.length > 0 ? scope.map(([k, v]) => <code key={k} class="val">{`${k} = ${v}`}</code>) : t("account.scope_all")],
				[t("account.last_login"), me.last_login ? <Time at={me.last_login} /> : t("account.first_login")],
				me.expires ? [t("account.session_ends"), <Time at={me.expires} />] : null,
			]} />
		</Card>
	);
}

function Looks() {
	const row = (label: string, control: preact.ComponentChildren) => <div class="pref"><span>{label}</span>{control}</div>;
	return (
		<Card name={t("account.looks")}>
			<div class="stack" style={{ gap: "12px" }}>
				{row(t("shell.language"), <Choice label={t("shell.language")} value={lang.value} onChange={(v) => void switchLanguage(v as "en" | "zh-Hans")} options={[{ value: "en", text: "English" }, { value: "zh-Hans", text: "简体中文" }]} />)}
				{row(t("shell.theme"), <Choice label={t("shell.theme")} value={theme.value as "system" | "light" | "dark"} onChange={setTheme} options={[{ value: "system", text: t("shell.theme_system") }, { value: "light", text: t("shell.theme_light") }, { value: "dark", text: t("shell.theme_dark") }]} />)}
				{row(t("shell.density"), <Choice label={t("shell.density")} value={density.value as "compact" | "normal"} onChange={setDensity} options={[{ value: "compact", text: t("shell.density_compact") }, { value: "normal", text: t("shell.density_normal") }]} />)}
				{row(t("shell.single_keys"), <Choice label={t("shell.single_keys")} value={singleKeys.value ? "on" : "off"} onChange={(v) => setSingleKeys(v === "on")} options={[{ value: "on", text: t("account.on") }, { value: "off", text: t("account.off") }]} />)}
				<p class="muted caption">{t("shell.single_keys_help")}</p>
				<p class="muted caption">{t("account.looks_kept")}</p>
			</div>
		</Card>
	);
}

function Password({ me }: { me: api.Self }) {
	const now = useSignal("");
	const next = useSignal("");
	const again = useSignal("");
	const code = useSignal("");
	const tried = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const wrong = {
		password: now.value ? undefined : t("account.password_missing"),
		new: [...next.value].length >= shortestPassword ? undefined : t("account.password_short", { n: shortestPassword }),
		again: again.value === next.value ? undefined : t("account.again_differs"),
		code: !me.totp || code.value.trim() ? undefined : t("account.code_missing"),
	};
	const said = fieldErrors(error.value);
	const show = (k: keyof typeof wrong) => (tried.value ? (wrong[k] ?? said[k]) : undefined);
	const send = async () => {
		tried.value = true;
		if (busy.peek() || Object.values(wrong).some(Boolean)) return;
		busy.value = true;
		error.value = null;
		const password = next.peek();
		try {
			await mutate("auth.password", { password: now.peek(), new: password, ...(me.totp ? { code: code.peek().replace(/\s/g, "") } : {}) });
			for (const s of [now, next, again, code]) s.value = "";
			tried.value = false;
			// The box ends all sessions, this one too; log in again at once where no
			// further code is needed.
			if (!me.totp) {
				await plainCall("login", { user: me.user, password });
				enter();
			}
			toast(t("account.password_changed"));
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	return (
		<Card name={t("common.password")}>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void send(); }}>
				<input type="text" name="username" autocomplete="username" value={me.user} readOnly hidden />
				<TextField label={t("account.password_now")} type="password" autocomplete="current-password" value={now.value} onChange={(v) => (now.value = v)} error={show("password")} />
				<TextField label={t("account.password_new")} type="password" autocomplete="new-password" value={next.value} onChange={(v) => (next.value = v)} error={show("new")} help={t("account.password_help", { n: shortestPassword })} />
				<TextField label={t("account.password_again")} type="password" autocomplete="new-password" value={again.value} onChange={(v) => (again.value = v)} error={show("again")} />
				{me.totp && <TextField label={t("account.code")} autocomplete="one-time-code" mono value={code.value} onChange={(v) => (code.value = v)} error={show("code")} />}
				{error.value !== null && <ErrorNotice error={error.value} />}
				<div><Button kind="primary" type="submit" busy={busy.value}>{t("account.password_act")}</Button></div>
			</form>
		</Card>
	);
}

function Factor({ me, again }: { me: api.Self; again: () => void }) {
	const secret = useSignal<api.TOTPSecret | null>(null);
	const codes = useSignal<readonly string[] | null>(null);
	const error = useSignal<unknown>(null);
	const run = (f: () => Promise<void>) => async () => {
		error.value = null;
		await f().catch((err: unknown) => {
			error.value = err;
		});
	};
	const begin = run(async () => {
		secret.value = await mutate("auth.totp_begin", {});
	});
	const renew = () =>
		ask({
			title: t("account.codes_title"), text: t("account.codes_text"), act: t("account.codes_act"),
			run: async () => {
				codes.value = (await mutate("auth.recovery_codes", {})).codes;
				again();
			},
		});
	const off = () =>
		ask({
			title: t("account.factor_off_title"), text: t("account.factor_off_text"), act: t("account.factor_off"), danger: true,
			run: async () => {
				await mutate("auth.totp_disable", {});
				again();
			},
		});
	return (
		<Card name={t("account.factor")}>
			<div class="stack" style={{ gap: "12px" }}>
				<Status word={me.totp ? "enabled" : "disabled"}>{me.totp ? t("account.codes_left", { n: me.recovery_codes }) : undefined}</Status>
				<p class="muted">{t("account.factor_text")}</p>
				{me.totp && me.recovery_codes < 3 && <Notice kind="warning">{t("account.codes_few", { n: me.recovery_codes })}</Notice>}
				{error.value !== null && <ErrorNotice error={error.value} />}
				<div class="row-actions">
					{me.totp ? <><Button onClick={renew}>{t("account.codes_new")}</Button><Button kind="danger" onClick={off}>{t("account.factor_off")}</Button></> : <Button kind="primary" onClick={begin}>{t("account.factor_on")}</Button>}
				</div>
			</div>
			{secret.value && <Enrol secret={secret.value} onClose={() => (secret.value = null)} done={(c) => { secret.value = null; codes.value = c; again(); }} />}
			{codes.value && <Codes codes={codes.value} onClose={() => (codes.value = null)} />}
		</Card>
	);
}

function Enrol({ secret: s, done, onClose }: { secret: api.TOTPSecret; done: (codes: readonly string[]) => void; onClose: () => void }) {
	const code = useSignal("");
	const error = useSignal<unknown>(null);
	const send = async () => {
		error.value = null;
		try {
			done((await mutate("auth.totp_confirm", { code: code.peek().replace(/\s/g, "") })).codes);
		} catch (err) {
			error.value = err;
			code.value = "";
		}
	};
	return (
		<Dialog title={t("account.enrol_title")} onClose={onClose}>
			<form class="form" onSubmit={(e) => { e.preventDefault(); void send(); }}>
				<p>{t("account.enrol_scan")}</p>
				<img class="qr" src={`data:image/svg+xml,${encodeURIComponent(s.qr)}`} alt={t("account.qr")} width="208" height="208" />
				<details>
					<summary>{t("account.enrol_type")}</summary>
					<p><code class="secret">{s.secret.replace(/(.{4})/g, "$1 ").trim()}</code></p>
					<p><a href={s.url}>{t("account.enrol_link")}</a></p>
				</details>
				<TextField label={t("account.code")} help={t("account.enrol_code_help")} autocomplete="one-time-code" inputMode="numeric" mono autofocus value={code.value} onChange={(v) => (code.value = v)} required />
				{error.value !== null && <ErrorNotice error={error.value} />}
				<div class="actions"><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" type="submit" why={code.value.replace(/\s/g, "").length < 6 ? t("account.code_missing") : undefined}>{t("account.factor_on")}</Button></div>
			</form>
		</Dialog>
	);
}

function Codes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
	const text = codes.join("\n");
	return (
		<Dialog title={t("account.codes_are")} onClose={onClose} footer={<Button kind="primary" onClick={onClose}>{t("account.codes_kept")}</Button>}>
			<p>{t("account.codes_help")}</p>
			<ul class="codes">{codes.map((c) => <li key={c}><code>{c}</code></li>)}</ul>
			<div class="row-actions">
				<Button icon="copy" onClick={() => navigator.clipboard?.writeText(text).then(() => toast(t("account.copied")))}>{t("account.copy")}</Button>
				<Button icon="download" onClick={() => download(`${hello.value?.hostname || "evener"}-recovery-codes.txt`, `${text}\n`)}>{t("account.save_file")}</Button>
			</div>
		</Dialog>
	);
}

function Sessions({ user }: { user: string }) {
	const rows = useTopic("state.sessions", { user });
	const end = (s: api.Session) =>
		ask({
			title: t("account.end_title"), text: tx("account.end_text", { from: s.remote, when: <Ago at={s.seen} /> }), act: t("account.end_act"), danger: true,
			run: () => mutate("session.revoke", { id: s.id }),
		});
	return (
		<Card name={t("account.sessions")} table>
			<Table<api.Session>
				name="sessions" query="sessions" caption={t("account.sessions")} source={rows} noFilter
				columns={[
					{ id: "remote", head: t("account.from"), by: (s) => s.remote, cell: (s) => <>{s.remote}{s.current && <> <span class="tag">{t("account.this")}</span></>}</> },
					{ id: "agent", head: t("account.agent"), by: (s) => s.agent, wrap: true, cell: (s) => s.agent || "–" },
					{ id: "created", head: t("account.began"), by: (s) => s.created, cell: (s) => <Time at={s.created} /> },
					{ id: "seen", head: t("account.seen"), by: (s) => s.seen, cell: (s) => <Ago at={s.seen} /> },
					{ id: "idle", head: t("account.ends"), by: (s) => s.idle, cell: (s) => <Time at={s.idle < s.expires ? s.idle : s.expires} /> },
				]}
				actions={(s) => <Button small kind="quiet" why={s.current ? t("account.end_current") : undefined} label={t("account.end_label", { from: s.remote })} onClick={() => end(s)}>{t("account.end")}</Button>}
				empty={{ title: t("account.no_sessions") }}
			/>
		</Card>
	);
}

function Tokens({ me }: { me: api.Self }) {
	const rows = useTopic("state.tokens", { user: me.user });
	const making = useSignal(false);
	const made = useSignal<api.NewToken | null>(null);
	const end = (k: api.Token) =>
		ask({
			title: t("account.token_end_title", { name: k.name }), text: t("account.token_end_text"), act: t("account.token_end"), danger: true,
			run: () => mutate("token.revoke", { id: k.id }),
		});
	return (
		<Card name={t("account.tokens")} table actions={<Button small icon="plus" onClick={() => (making.value = true)}>{t("account.token_add")}</Button>}>
			<Table<api.Token>
				name="tokens" query="tokens" caption={t("account.tokens")} source={rows} noFilter
				columns={[
					{ id: "name", head: t("account.token_name"), by: (k) => k.name, cell: (k) => k.name },
					{ id: "role", head: t("account.role"), by: (k) => k.role, cell: (k) => roleName(k.role) },
					{ id: "created", head: t("account.token_created"), by: (k) => k.created, cell: (k) => <Time at={k.created} /> },
					{ id: "used", head: t("account.token_used"), by: (k) => k.used ?? "", cell: (k) => (k.used ? <Ago at={k.used} /> : t("account.never")) },
					{ id: "expires", head: t("account.token_expires"), by: (k) => k.expires ?? "", cell: (k) => k.expired ? <Status word="expired" /> : k.expires ? <Time at={k.expires} /> : t("account.never") },
				]}
				actions={(k) => <Button small kind="quiet" label={t("account.token_end_label", { name: k.name })} onClick={() => end(k)}>{t("account.token_end")}</Button>}
				empty={{ title: t("account.no_tokens"), text: t("account.no_tokens_text") }}
			/>
			{making.value && <NewToken me={me} onClose={() => (making.value = false)} done={(k) => { making.value = false; made.value = k; }} />}
			{made.value && (
				<Dialog title={t("account.token_made", { name: made.value.name })} onClose={() => (made.value = null)} footer={<Button kind="primary" onClick={() => (made.value = null)}>{t("common.close")}</Button>}>
					<p>{t("account.token_once")}</p>
					<p><code class="secret">{made.value.secret}</code></p>
					<div><Button icon="copy" onClick={() => navigator.clipboard?.writeText(made.value!.secret).then(() => toast(t("account.copied")))}>{t("account.copy")}</Button></div>
				</Dialog>
			)}
		</Card>
	);
}

const roles = ["viewer", "operator", "editor", "admin"] as const;

function NewToken({ me, done, onClose }: { me: api.Self; done: (k: api.NewToken) => void; onClose: () => void }) {
	const name = useSignal("");
	const role: Signal<(typeof roles)[number]> = useSignal("viewer");
	const life = useSignal("90"); // days; "" is for ever
	const error = useSignal<unknown>(null);
	const send = async () => {
		error.value = null;
		try {
			done(await mutate("token.create", { name: name.peek().trim(), role: role.peek(), ...(life.peek() ? { expires: new Date(boxNow() + Number(life.peek()) * 86_400_000).toISOString() } : {}) }));
		} catch (err) {
			error.value = err;
		}
	};
	const days = (n: number) => format.duration(n * 86_400);
	return (
		<Dialog title={t("account.token_add")} onClose={onClose}>
			<form class="form" onSubmit={(e) => { e.preventDefault(); if (name.peek().trim()) void send(); }}>
				<TextField label={t("account.token_name")} help={t("account.token_name_help")} value={name.value} onChange={(v) => (name.value = v)} error={fieldErrors(error.value)["name"]} autofocus required />
				<SelectField label={t("account.role")} help={t("account.token_role_help")} value={role.value} onChange={(v) => (role.value = v as (typeof roles)[number])} options={roles.slice(0, roles.indexOf(me.role) + 1).map((r) => ({ value: r, text: roleName(r) }))} />
				<SelectField label={t("account.token_life")} value={life.value} onChange={(v) => (life.value = v)} options={[...[30, 90, 365].map((n) => ({ value: String(n), text: days(n) })), { value: "", text: t("account.never") }]} />
				{error.value !== null && <ErrorNotice error={error.value} />}
				<div class="actions"><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" type="submit" why={name.value.trim() ? undefined : t("account.token_name_missing")}>{t("account.token_act")}</Button></div>
			</form>
		</Dialog>
	);
}
