// SPDX-License-Identifier: Apache-2.0
//
// Who may come in: users, their sessions, API tokens, and who has failed to.
import { useSignal } from "@preact/signals";
import { Ago, type api, ask, boxNow, Button, Dialog, ErrorNotice, fieldErrors, format, hello, may, Menu, mutate, Notice, Page, type PageProps, type Role, SelectField, Status, shortestPassword, t, Table, Tabs, TextArea, TextField, Time, toast, useCall, useList, useTopic } from "../kit";
import { Copyable, isTime, parseScope, scopeWords, ScopeText } from "../admin/parts";

const roles: readonly Role[] = ["viewer", "operator", "editor", "admin"];
export default function Users(_: PageProps) {
	const admin = may("admin");
	return (
		<Page name={t("users.title")}>
			{!admin && <Notice>{t("users.not_admin")}</Notice>}
			<Tabs label={t("users.title")} tabs={[
				...(admin ? [{ id: "users", text: t("users.tab_users"), show: () => <UserList /> }] : []),
				{ id: "sessions", text: t("users.tab_sessions"), show: () => <SessionList all={admin} /> },
				{ id: "tokens", text: t("users.tab_tokens"), show: () => <TokenList all={admin} /> },
				...(admin ? [{ id: "throttled", text: t("users.tab_throttled"), show: () => <ThrottleList /> }] : []),
			]} />
		</Page>
	);
}

type Open = { what: "create" } | { what: "change" | "password"; user: api.User };

function UserList() {
	const source = useTopic("state.users");
	const open = useSignal<Open | null>(null);
	const me = hello.value?.session?.user;
	const admins = source.keys.value.filter((k) => source.get(k)?.value.role === "admin").length;
	const close = () => (open.value = null);
	const drop = async (u: api.User) => {
		const done = await ask({
			title: t("users.delete_title", { name: u.name }), danger: true, need: "admin", act: t("users.delete_act", { name: u.name }),
			text: <><p>{t("users.delete_text", { name: u.name, n: u.sessions })}</p>{u.name === me && <Notice kind="warning">{t("users.delete_self")}</Notice>}</>,
			run: () => mutate("user.delete", { name: u.name }),
		});
		if (done) toast(t("users.deleted", { name: u.name }));
	};
	const resetTOTP = async (u: api.User) => {
		const done = await ask({
			title: t("users.totp_title", { name: u.name }), danger: true, need: "admin", act: t("users.totp_act"), text: <p>{t("users.totp_text", { name: u.name })}</p>,
			run: () => mutate("user.reset_totp", { name: u.name }),
		});
		if (done) toast(t("users.totp_done", { name: u.name }));
	};
	const lastAdmin = (u: api.User) => (u.role === "admin" && admins <= 1 ? t("users.last_admin") : undefined);
	return (
		<>
			<Table<api.User>
				name="users" query="users" caption={t("users.tab_users")} source={source} sort="name"
				columns={[
					{ id: "name", head: t("users.name"), by: (u) => u.name, cell: (u) => <>{u.name}{u.name === me && <span class="tag" style={{ marginInlineStart: "8px" }}>{t("users.you")}</span>}</> },
					{ id: "role", head: t("users.role"), by: (u) => roles.indexOf(u.role as Role), cell: (u) => t(`common.role.${u.role}`) },
					{ id: "scope", head: t("users.scope"), wrap: true, by: (u) => scopeWords(u.scope), cell: (u) => <ScopeText scope={u.scope} /> },
					{ id: "totp", head: t("users.totp"), by: (u) => (u.totp ? 1 : 0), cell: (u) => (u.totp ? <Status word="up" state="up">{t("users.codes_left", { n: u.recovery_codes })}</Status> : <span class="muted">{t("users.totp_off")}</span>) },
					{ id: "sessions", head: t("users.sessions"), num: true, by: (u) => u.sessions, cell: (u) => format.count(u.sessions) },
					{ id: "login", head: t("users.last_login"), by: (u) => u.last_login ?? "", cell: (u) => (isTime(u.last_login) ? <Ago at={u.last_login} /> : <span class="muted">{t("admin.never")}</span>) },
					{ id: "failed", head: t("users.failed"), num: true, by: (u) => u.failed, cell: (u) => format.count(u.failed) },
					{ id: "password", head: t("users.password_changed"), hidden: true, by: (u) => u.password_changed, cell: (u) => <Ago at={u.password_changed} /> },
					{ id: "created", head: t("users.created"), hidden: true, by: (u) => u.created, cell: (u) => <Time at={u.created} /> },
				]}
				actions={(u) => (
					<Menu icon="more" kind="quiet" small label={t("users.actions", { name: u.name })} items={[
						{ text: t("users.change"), icon: "edit", need: "admin", onClick: () => (open.value = { what: "change", user: u }) },
						{ text: t("users.set_password"), icon: "key", need: "admin", onClick: () => (open.value = { what: "password", user: u }) },
						{ text: t("users.totp_act"), icon: "lock", need: "admin", onClick: () => void resetTOTP(u), ...(u.totp ? {} : { why: t("users.totp_is_off") }) },
						"line",
						{ text: t("users.delete"), icon: "trash", need: "admin", onClick: () => void drop(u), ...(lastAdmin(u) ? { why: lastAdmin(u)! } : {}) },
					]} />
				)}
				tools={<Button kind="primary" icon="plus" need="admin" onClick={() => (open.value = { what: "create" })}>{t("users.create")}</Button>}
				empty={{ title: t("users.empty") }}
			/>
			{open.value?.what === "create" && <UserDialog onClose={close} onDone={close} />}
			{open.value?.what === "change" && <UserDialog user={open.value.user} lastAdmin={lastAdmin(open.value.user)} onClose={close} onDone={close} />}
			{open.value?.what === "password" && <PasswordDialog user={open.value.user} onClose={close} onDone={close} />}
		</>
	);
}

const roleOptions = () => roles.map((r) => ({ value: r, text: `${t(`common.role.${r}`)} – ${t(`users.may.${r}`)}` }));

// UserDialog makes a user or changes role and scope of one.
function UserDialog({ user, lastAdmin, onClose, onDone }: { user?: api.User; lastAdmin?: string | undefined; onClose: () => void; onDone: () => void }) {
	const name = useSignal(user?.name ?? "");
	const password = useSignal("");
	const role = useSignal<Role>((user?.role as Role) ?? "viewer");
	const scope = useSignal(scopeWords(user?.scope));
	const tried = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const labels = parseScope(scope.value);
	const wrong = {
		name: name.value.trim() ? undefined : t("admin.missing"),
		password: user || [...password.value].length >= shortestPassword ? undefined : t("users.password_short", { n: shortestPassword }),
		scope: labels ? undefined : t("users.scope_wrong"),
	};
	const said = fieldErrors(error.value);
	const show = (k: keyof typeof wrong) => (tried.value ? (wrong[k] ?? said[k]) : undefined);
	const changed = !user || role.value !== user.role || scope.value.trim() !== scopeWords(user.scope);
	const send = async () => {
		tried.value = true;
		if (Object.values(wrong).some(Boolean) || busy.peek()) return;
		busy.value = true;
		error.value = null;
		try {
			if (user) await mutate("user.update", { name: user.name, role: role.peek(), scope: labels! });
			else await mutate("user.create", { name: name.peek().trim(), password: password.peek(), role: role.peek(), ...(Object.keys(labels!).length ? { scope: labels! } : {}) });
			toast(t(user ? "users.changed" : "users.made", { name: name.peek().trim() }));
			onDone();
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	return (
		<Dialog
			title={user ? t("users.change_title", { name: user.name }) : t("users.create")} onClose={onClose}
			footer={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" need="admin" busy={busy.value} why={changed ? undefined : t("users.nothing_changed")} onClick={send}>{user ? t("users.change_act", { name: user.name }) : t("users.create")}</Button></>}
		>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void send(); }}>
				{!user && <TextField label={t("users.name")} help={t("users.name_help")} value={name.value} onChange={(v) => (name.value = v)} error={show("name")} autocomplete="off" autofocus />}
				{!user && <TextField label={t("common.password")} help={t("users.password_help", { n: shortestPassword })} type="password" value={password.value} onChange={(v) => (password.value = v)} error={show("password")} autocomplete="new-password" />}
				<SelectField label={t("users.role")} value={role.value} onChange={(v) => (role.value = v as Role)} options={lastAdmin ? roleOptions().map((o) => (o.value === "admin" ? o : { ...o, why: lastAdmin })) : roleOptions()} />
				<TextArea label={t("users.scope")} optional help={t("users.scope_help")} rows={3} mono placeholder={"team=shop"} value={scope.value} onChange={(v) => (scope.value = v)} error={show("scope")} />
				{role.value === "admin" && scope.value.trim() !== "" && <Notice kind="warning">{t("users.scoped_admin")}</Notice>}
				{user && changed && user.sessions > 0 && <Notice kind="warning">{t("users.sessions_end", { n: user.sessions })}</Notice>}
				{error.value !== null && <ErrorNotice error={error.value} />}
			</form>
		</Dialog>
	);
}

function PasswordDialog({ user, onClose, onDone }: { user: api.User; onClose: () => void; onDone: () => void }) {
	const password = useSignal("");
	const again = useSignal("");
	const tried = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const wrong = {
		password: [...password.value].length >= shortestPassword ? undefined : t("users.password_short", { n: shortestPassword }),
		again: again.value === password.value ? undefined : t("users.again_differs"),
	};
	const send = async () => {
		tried.value = true;
		if (wrong.password || wrong.again || busy.peek()) return;
		busy.value = true;
		error.value = null;
		try {
			await mutate("user.set_password", { name: user.name, password: password.peek() });
			toast(t("users.password_set", { name: user.name }));
			onDone();
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	return (
		<Dialog
			title={t("users.password_title", { name: user.name })} onClose={onClose}
			footer={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" need="admin" busy={busy.value} onClick={send}>{t("users.set_password")}</Button></>}
		>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void send(); }}>
				<TextField label={t("users.new_password")} help={t("users.password_help", { n: shortestPassword })} type="password" autocomplete="new-password" autofocus value={password.value} onChange={(v) => (password.value = v)} error={tried.value ? wrong.password : undefined} />
				<TextField label={t("users.again")} type="password" autocomplete="new-password" value={again.value} onChange={(v) => (again.value = v)} error={tried.value ? wrong.again : undefined} />
				{user.sessions > 0 && <Notice kind="warning">{t("users.sessions_end", { n: user.sessions })}</Notice>}
				{error.value !== null && <ErrorNotice error={error.value} />}
			</form>
		</Dialog>
	);
}

function SessionList({ all }: { all: boolean }) {
	const source = useTopic("state.sessions", all ? { all } : {});
	const revoke = async (ids: readonly string[], clear?: () => void) => {
		const mine = ids.some((id) => source.get(id)?.peek().current);
		const done = await ask({
			title: t("users.revoke_title", { n: ids.length }), danger: true, act: t("users.revoke_act", { n: ids.length }),
			text: <><p>{t("users.revoke_text")}</p>{mine && <Notice kind="warning">{t("users.revoke_self")}</Notice>}</>,
			run: async () => {
				// The own one last: after it nothing more can be asked.
				for (const id of [...ids].sort((a) => (source.get(a)?.peek().current ? 1 : -1))) await mutate("session.revoke", { id });
			},
		});
		if (!done) return;
		clear?.();
		toast(t("users.revoked", { n: ids.length }));
	};
	return (
		<Table<api.Session>
			name="sessions" query="sessions" caption={t("users.tab_sessions")} source={source}
			columns={[
				{ id: "user", head: t("users.user"), by: (s) => s.user, cell: (s) => <>{s.user}{s.current && <span class="tag" style={{ marginInlineStart: "8px" }}>{t("users.this_session")}</span>}</> },
				{ id: "remote", head: t("users.from"), by: (s) => s.remote, cell: (s) => <code>{s.remote}</code> },
				{ id: "seen", head: t("users.seen"), by: (s) => s.seen, cell: (s) => <Ago at={s.seen} /> },
				{ id: "created", head: t("users.began"), by: (s) => s.created, cell: (s) => <Time at={s.created} /> },
				{ id: "idle", head: t("users.ends"), by: (s) => (s.idle < s.expires ? s.idle : s.expires), cell: (s) => <span title={t("users.ends_help", { time: format.moment(Date.parse(s.expires)) })}><Ago at={s.idle < s.expires ? s.idle : s.expires} /></span> },
				{ id: "agent", head: t("users.agent"), wrap: true, by: (s) => s.agent, cell: (s) => <span class="small">{s.agent}</span> },
			]}
			bulk={(keys, clear) => <Button small kind="danger" onClick={() => revoke(keys, clear)}>{t("users.revoke_act", { n: keys.length })}</Button>}
			actions={(s) => <Button small kind="quiet" onClick={() => revoke([s.id])}>{t("users.revoke")}</Button>}
			empty={{ title: t("users.no_sessions") }}
		/>
	);
}

function TokenList({ all }: { all: boolean }) {
	const source = useTopic("state.tokens", all ? { all } : {});
	const creating = useSignal(false);
	const revoke = async (x: api.Token) => {
		const done = await ask({
			title: t("users.token_revoke_title", { name: x.name }), danger: true, act: t("users.token_revoke_act"),
			text: <p>{isTime(x.used) ? t("users.token_revoke_used", { time: format.ago(Date.parse(x.used), boxNow()) }) : t("users.token_revoke_unused")}</p>,
			run: () => mutate("token.revoke", { id: x.id }),
		});
		if (done) toast(t("users.token_revoked", { name: x.name }));
	};
	return (
		<>
			{source.keys.value.length > 0 && <p class="muted">{t("users.token_about")}</p>}
			<Table<api.Token>
				name="tokens" query="tokens" caption={t("users.tab_tokens")} source={source} sort="name"
				columns={[
					{ id: "name", head: t("admin.name"), by: (x) => x.name, cell: (x) => x.name },
					{ id: "owner", head: t("users.owner"), by: (x) => x.owner, cell: (x) => x.owner },
					{ id: "role", head: t("users.role"), by: (x) => roles.indexOf(x.role as Role), cell: (x) => t(`common.role.${x.role}`) },
					{ id: "scope", head: t("users.scope"), wrap: true, by: (x) => scopeWords(x.scope), cell: (x) => <ScopeText scope={x.scope} /> },
					{ id: "used", head: t("users.used"), by: (x) => x.used ?? "", cell: (x) => (isTime(x.used) ? <Ago at={x.used} /> : <span class="muted">{t("admin.never")}</span>) },
					{ id: "expires", head: t("users.expires"), by: (x) => x.expires ?? "9", cell: (x) => (x.expired ? <Status word="expired" /> : isTime(x.expires) ? <Ago at={x.expires} /> : <span class="muted">{t("users.no_end")}</span>) },
					{ id: "created", head: t("users.created"), hidden: true, by: (x) => x.created, cell: (x) => <Time at={x.created} /> },
				]}
				problem={(x) => Boolean(x.expired)} edge={(x) => (x.expired ? "degraded" : undefined)}
				actions={(x) => <Button small kind="quiet" onClick={() => revoke(x)}>{t("users.revoke")}</Button>}
				tools={source.keys.value.length > 0 && <Button kind="primary" icon="plus" onClick={() => (creating.value = true)}>{t("users.token_create")}</Button>}
				empty={{ title: t("users.no_tokens"), text: t("users.token_about"), actions: <Button kind="primary" icon="plus" onClick={() => (creating.value = true)}>{t("users.token_create")}</Button> }}
			/>
			{creating.value && <TokenDialog onClose={() => (creating.value = false)} />}
		</>
	);
}

// TokenDialog makes a token and shows its secret this one time.
function TokenDialog({ onClose }: { onClose: () => void }) {
	const name = useSignal("");
	const role = useSignal<Role>("viewer");
	const days = useSignal("90");
	const scope = useSignal("");
	const tried = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const made = useSignal<api.NewToken | null>(null);
	const labels = parseScope(scope.value);
	const send = async () => {
		tried.value = true;
		if (!name.peek().trim() || !labels || busy.peek()) return;
		busy.value = true;
		error.value = null;
		try {
			const end = days.peek() === "never" ? {} : { expires: new Date(boxNow() + Number(days.peek()) * 86_400_000).toISOString() };
			made.value = await mutate("token.create", { name: name.peek().trim(), role: role.peek(), ...(Object.keys(labels).length ? { scope: labels } : {}), ...end });
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	const m = made.value;
	return (
		<Dialog
			title={t("users.token_create")} onClose={onClose}
			footer={m ? <Button kind="primary" onClick={onClose}>{t("users.token_kept")}</Button> : <><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" busy={busy.value} onClick={send}>{t("users.token_create")}</Button></>}
		>
			{m ? (
				<div class="stack">
					<Notice kind="warning">{t("users.token_once")}</Notice>
					<Copyable wide value={m.secret} label={t("users.token_secret")} />
					<p class="small muted">{t("users.token_header")}</p>
				</div>
			) : (
				<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void send(); }}>
					<TextField label={t("admin.name")} help={t("users.token_name_help")} value={name.value} onChange={(v) => (name.value = v)} error={tried.value && !name.value.trim() ? t("admin.missing") : undefined} autocomplete="off" autofocus />
					<SelectField label={t("users.role")} value={role.value} onChange={(v) => (role.value = v as Role)} options={roleOptions().map((o) => (may(o.value) ? o : { ...o, why: t("users.more_than_you") }))} />
					<SelectField label={t("users.expires")} value={days.value} onChange={(v) => (days.value = v)} options={[...["7", "30", "90", "365"].map((d) => ({ value: d, text: t("users.in_days", { n: Number(d) }) })), { value: "never", text: t("users.no_end") }]} />
					<TextArea label={t("users.scope")} optional help={t("users.scope_help")} rows={2} mono placeholder={"team=shop"} value={scope.value} onChange={(v) => (scope.value = v)} error={tried.value && !labels ? t("users.scope_wrong") : undefined} />
					{error.value !== null && <ErrorNotice error={error.value} />}
				</form>
			)}
		</Dialog>
	);
}

function ThrottleList() {
	const list = useCall("throttle.list", {});
	const source = useList(list.data.value?.throttles, (x) => `${x.kind} ${x.key}`, list.error.value);
	const clear = async (key: string) => {
		const done = await ask({
			title: key ? t("users.clear_title", { key }) : t("users.clear_all"), act: t(key ? "users.clear_act" : "users.clear_all"), need: "admin", text: <p>{t("users.clear_text")}</p>,
			run: () => mutate("throttle.clear", key ? { key } : {}),
		});
		if (done) {
			toast(t("users.cleared"));
			list.again();
		}
	};
	const any = (list.data.value?.throttles.length ?? 0) > 0;
	return (
		<>
			<p class="muted">{t("users.throttle_about")}</p>
			<Table<api.Throttle>
				name="throttled" query="throttled" caption={t("users.tab_throttled")} source={source} retry={list.again}
				columns={[
					{ id: "key", head: t("users.who"), by: (x) => x.key, cell: (x) => <code>{x.key}</code> },
					{ id: "kind", head: t("users.kind"), by: (x) => x.kind, cell: (x) => t(`users.kind.${x.kind}`) },
					{ id: "failures", head: t("users.failures"), num: true, by: (x) => x.failures, cell: (x) => format.count(x.failures) },
					{ id: "last", head: t("users.last_failure"), by: (x) => x.last, cell: (x) => <Ago at={x.last} /> },
					{ id: "until", head: t("users.waits"), by: (x) => x.until ?? "", cell: (x) => (isTime(x.until) ? <Ago at={x.until} /> : <span class="muted">{t("users.no_wait")}</span>) },
				]}
				actions={(x) => <Button small kind="quiet" need="admin" onClick={() => clear(x.key)}>{t("users.clear")}</Button>}
				tools={<><Button icon="refresh" onClick={list.again}>{t("admin.refresh")}</Button>{any && <Button need="admin" onClick={() => clear("")}>{t("users.clear_all")}</Button>}</>}
				empty={{ title: t("users.no_throttles") }}
			/>
		</>
	);
}

