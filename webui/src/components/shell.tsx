// SPDX-License-Identifier: Apache-2.0
//
// What surrounds every page: top bar, bars of pending changes, navigation.
import { computed, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { density, setDensity, setTheme, switchLanguage, theme } from "../appearance";
import { read, write } from "../choice";
import { second, skew, boxNow } from "../clock";
import { clock, count, countdown, duration, parseDuration } from "../format";
import { lang, t, tx } from "../i18n";
import { setSingleKeys, singleKeys, useKeys } from "../keys";
import { useTopic } from "../live";
import { go, place } from "../router";
import { badges, find, groups, routes } from "../routes";
import { call, connection, hello, leave, mutate, newConsole } from "../session";
import { Button } from "./button";
import { needsCare } from "./care";
import { ask } from "./dialog";
import { roleName } from "./errors";
import { Icon, Logo } from "./icons";
import { type Item, Menu, Popover } from "./menu";
import { openPalette, Palette } from "./palette";
import { KeyHelp, openKeyHelp } from "./keyhelp";
import { StateIcon } from "./status";
import { announce, toast, toastError } from "./toast";
import { Ago } from "./value";

export function Shell({ children }: { children: ComponentChildren }) {
	const small = useSignal(read("nav") === "icons");
	const open = useSignal(false);
	const main = useRef<HTMLElement>(null);
	const path = useComputed(() => place.value.path);
	const first = useRef(true);
	useEffect(() => {
		open.value = false;
		if (!first.current) main.current?.focus({ preventScroll: true });
		first.current = false;
	}, [path.value]);
	const toggle = () => {
		if (matchMedia("(max-width: 820px)").matches) open.value = !open.peek();
		else {
			small.value = !small.peek();
			write("nav", small.peek() ? "icons" : "");
		}
	};
	useShellKeys();
	return (
		<div class="shell" data-nav={small.value ? "icons" : "full"} data-menu={open.value ? "open" : "closed"}>
			<a class="skip" href="#main" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>{t("shell.skip")}</a>
			<TopBar toggle={toggle} open={open.value} />
			<Bars />
			<Nav />
			<main class="main" id="main" tabIndex={-1} ref={main}>{children}</main>
			<Palette />
			<KeyHelp />
		</div>
	);
}

function useShellKeys(): void {
	useKeys([
		{ keys: "Mod+K", text: t("shell.key_palette"), run: openPalette },
		{ keys: "?", text: t("shell.key_help"), run: openKeyHelp },
		...routes.filter((r) => r.keys && r.nav).map((r) => ({ keys: `g ${r.keys}`, text: t("shell.key_go", { page: t(`shell.nav_${r.page}`) }), run: () => go(r.path) })),
	], [lang.value]);
}

function TopBar({ toggle, open }: { toggle: () => void; open: boolean }) {
	const mac = navigator.platform.startsWith("Mac");
	return (
		<header class="topbar">
			<Button kind="quiet" icon="menu" label={t("shell.menu")} onClick={toggle} aria-expanded={open} />
			<a class="brand" href="/"><Logo /><span>{hello.value?.hostname || "Evener"}</span></a>
			<button type="button" class="find" onClick={openPalette} aria-label={t("shell.find")}>
				<Icon name="search" /><span>{t("shell.find")}</span><kbd>{mac ? "⌘K" : "Ctrl K"}</kbd>
			</button>
			<Standby />
			<span class="space" />
			<Alerts />
			<LinkButton />
			<Appearance />
			<UserMenu />
		</header>
	);
}

const linkStates = { connecting: "unknown", live: "up", delayed: "degraded", lost: "down", restarting: "degraded", polling: "degraded", origin: "down", ended: "disabled" } as const;

// LinkButton shows how the connection is; a click tells more.
function LinkButton() {
	const link = connection.link.value;
	const name = t(`shell.link_${link}`);
	return (
		<Popover
			kind="quiet" label={t("shell.link_label", { state: name })}
			content={() => (
				<div class="stack" style={{ gap: "8px" }}>
					<strong>{name}</strong>
					<p>{t(`shell.link_${link}_text`)}</p>
					{link === "live" && <p class="muted tnum">{t("shell.round_trip", { ms: connection.latency.value })}</p>}
					{connection.heard.value > 0 && <p class="muted tnum">{t("common.last_update", { time: clock(connection.heard.value - Date.now() + boxNow()) })}</p>}
					<p class="muted tnum">{t("shell.box_time", { time: clock(second.value || boxNow()) })}</p>
					{link === "lost" && <Button small onClick={() => connection.hurry()}>{t("shell.try_now")}</Button>}
				</div>
			)}
		>
			<span class="live"><StateIcon state={linkStates[link]} label={link === "live" ? t("shell.link_label", { state: name }) : undefined} /><span class="wide tnum">{link === "live" ? `${count(connection.latency.value)} ms` : name}</span></span>
		</Popover>
	);
}

// Standby says whether this box of a pair serves clients now.
function Standby() {
	const ha = useTopic("state.ha");
	const word = useComputed(() => {
		const states = ha.keys.value.map((k) => ha.get(k)?.value.group).filter((g) => g && g.base > 0).map((g) => g!.state);
		if (states.length === 0) return "";
		if (states.includes("active")) return states.every((s) => s === "active") ? "active" : "mixed";
		return states.includes("fault") ? "fault" : "backup";
	}).value;
	if (!word) return null;
	const state = t(`shell.standby_${word}`);
	return <Button kind="quiet" href="/standby" label={t("shell.standby_label", { state })}><StateIcon state={word === "fault" ? "down" : word === "backup" ? "spare" : "up"} /><span class="wide" aria-hidden="true">{state}</span><span class="visually-hidden">{t("shell.standby_label", { state })}</span></Button>;
}

// Alerts says how many things need attention, and leads to them.
function Alerts() {
	const problems = useTopic("state.problems");
	const all = problems.keys.value.map((k) => problems.get(k)!.value);
	if (all.length === 0) return null;
	const worst = all.some((p) => p.severity === "error") ? "down" : "degraded";
	const text = t("shell.attention", { n: all.length });
	return <Button kind="quiet" href="/" label={text}><StateIcon state={worst} /><span class="tnum">{count(all.length)}</span><span class="visually-hidden">{text}</span></Button>;
}

// Appearance is the menus of language and of how pages look; the login page
// has them too.
export function Appearance() {
	const languages: Item[] = [
		{ text: "English", checked: lang.value === "en", onClick: () => void switchLanguage("en") },
		{ text: "简体中文", checked: lang.value === "zh-Hans", onClick: () => void switchLanguage("zh-Hans") },
	];
	const looks: Item[] = [
		{ title: t("shell.theme") },
		{ text: t("shell.theme_system"), icon: "screen", checked: theme.value === "system", onClick: () => setTheme("system") },
		{ text: t("shell.theme_light"), icon: "sun", checked: theme.value === "light", onClick: () => setTheme("light") },
		{ text: t("shell.theme_dark"), icon: "moon", checked: theme.value === "dark", onClick: () => setTheme("dark") },
		"line",
		{ title: t("shell.density") },
		{ text: t("shell.density_compact"), checked: density.value === "compact", onClick: () => setDensity("compact") },
		{ text: t("shell.density_normal"), checked: density.value === "normal", onClick: () => setDensity("normal") },
		"line",
		{ text: t("shell.single_keys"), icon: "keyboard", checked: singleKeys.value, onClick: () => setSingleKeys(!singleKeys.peek()) },
	];
	return (
		<>
			<Menu kind="quiet" icon="language" label={t("shell.language")} items={languages} />
			<Menu kind="quiet" icon={theme.value === "dark" ? "moon" : theme.value === "light" ? "sun" : "screen"} label={t("shell.appearance")} items={looks} />
		</>
	);
}

function UserMenu() {
	const s = hello.value?.session;
	const has = (page: string) => routes.some((r) => r.page === page);
	const items: Item[] = [
		{ title: t("shell.signed_in", { user: s?.user ?? "", role: roleName(s?.role ?? "") }) },
		...(has("account") ? [{ text: t("shell.account"), icon: "key", href: "/account" } as const] : []),
		...(has("wizard") ? [{ text: t("shell.wizard"), icon: "play", href: "/wizard", need: "editor" } as const] : []),
		{ text: t("shell.keys"), icon: "keyboard", keys: "?", onClick: openKeyHelp },
		{ text: t("shell.licences"), icon: "text", onClick: () => open("/licences.txt", "_blank", "noopener") },
		"line",
		{ text: t("shell.logout"), icon: "logout", onClick: () => void leave().catch(toastError) },
	];
	return <Menu kind="quiet" icon="user" label={t("shell.user_menu", { user: s?.user ?? "" })} items={items} />;
}

// useBadges counts what needs attention for the navigation.
function useBadges(): void {
	const certificates = useTopic("state.certificates");
	const bad = useComputed(() => certificates.keys.value.filter((k) => {
		const c = certificates.get(k)?.value;
		return c && needsCare(c);
	}).length);
	const n = bad.value;
	const label = t("shell.badge_certificates", { n });
	useEffect(() => {
		badges.value = { ...badges.peek(), certificates: { n, label } };
	}, [n, label]);
}

function Nav() {
	useBadges();
	const here = find(place.value.path)?.route;
	const current = here?.nav ? here.path : (routes.filter((r) => r.nav && r.path !== "/" && here?.path.startsWith(`${r.path}/`)).at(-1)?.path ?? "");
	const nav = useRef<HTMLElement>(null);
	// The entry of the page is to be seen in a low window too, where the list scrolls.
	useEffect(() => {
		const n = nav.current!;
		const a = n.querySelector<HTMLElement>("[aria-current]");
		if (a) n.scrollTop = Math.min(Math.max(n.scrollTop, a.offsetTop + 4 * a.offsetHeight - n.clientHeight), a.offsetTop - a.offsetHeight);
	}, [current]);
	return (
		<nav class="nav" aria-label={t("shell.nav")} ref={nav}>
			{groups.map((g) => {
				const list = routes.filter((r) => r.nav?.group === g);
				if (list.length === 0) return null;
				return (
					<section key={g}>
						{g !== "top" && <h2>{t(`shell.group_${g}`)}</h2>}
						{list.map((r) => {
							const b = badges.value[r.page];
							return (
								<a key={r.path} href={r.path} aria-current={r.path === current ? "page" : undefined} title={t(`shell.nav_${r.page}`)}>
									<Icon name={r.nav!.icon} />
									<span>{t(`shell.nav_${r.page}`)}</span>
									{b && b.n > 0 && <span class="badge" title={b.label}>{b.n}</span>}
								</a>
							);
						})}
					</section>
				);
			})}
		</nav>
	);
}

// Bars stand above every page while there is something to decide or to know.
function Bars() {
	return (
		<div class="bars">
			<LinkBar />
			<ConfirmBar />
			<CandidateBar />
			{skew.value !== 0 && <div class="bar warn" role="status">{t(skew.value > 0 ? "shell.skew_behind" : "shell.skew_ahead", { time: duration(Math.abs(skew.value)) })}</div>}
			{newConsole.value && (
				<div class="bar" role="status">
					{t("shell.new_console")}
					<span class="actions"><Button small onClick={() => location.reload()}>{t("shell.reload")}</Button></span>
				</div>
			)}
		</div>
	);
}

// The bar appears only after a second: short losses should not flicker.
function LinkBar() {
	const link = connection.link.value;
	const late = useSignal(false);
	const bad = link === "lost" || link === "restarting" || link === "origin";
	useEffect(() => {
		late.value = false;
		if (!bad) return;
		const timer = setTimeout(() => {
			late.value = true;
			announce(t(`shell.link_${link}`));
		}, 1000);
		return () => clearTimeout(timer);
	}, [bad, link]);
	if (!bad || !late.value) return null;
	const next = Math.max(0, Math.ceil((connection.retryAt.value - (second.value - boxNow() + Date.now())) / 1000));
	return (
		<div class={`bar ${link === "restarting" ? "warn" : "error"}`} role="status">
			<span>{t(`shell.link_${link}_text`)}</span>
			{connection.heard.value > 0 && <span class="muted tnum">{t("common.last_update", { time: clock(connection.heard.value - Date.now() + boxNow()) })}</span>}
			{link !== "origin" && (
				<span class="actions">
					<span class="muted tnum">{next > 0 && t("shell.next_try", { time: countdown(next) })}</span>
					<Button small onClick={() => connection.hurry()}>{t("shell.try_now")}</Button>
				</span>
			)}
		</div>
	);
}

function CandidateBar() {
	const drafts = useTopic("state.candidate");
	const all = drafts.keys.value.map((k) => drafts.get(k)!.value);
	const own = all.find((c) => c.version !== undefined); // others' drafts have none
	const reviewing = find(place.value.path)?.route.page === "review";
	if (!own || own.changes === 0 || reviewing) return null;
	const discard = () =>
		ask({
			title: t("shell.discard_title"), text: own.changes < 0 ? t("shell.discard_all_text") : t("shell.discard_text", { n: own.changes }), act: own.changes < 0 ? t("shell.discard_all") : t("shell.discard_act", { n: own.changes }), danger: true, need: "editor",
			run: () => mutate("config.discard", {}),
		});
	return (
		<div class="bar" role="region" aria-label={t("shell.changes")}>
			<Icon name="edit" />
			<span><strong>{own.changes < 0 ? t("shell.uncommitted_text") : t("shell.uncommitted", { n: own.changes })}</strong> <span class="muted">{tx("shell.last_change", { when: <Ago at={own.time} /> })}</span></span>
			<span class="actions">
				<Button small kind="primary" href="/changes/review">{t("shell.review")}</Button>
				<Button small need="editor" onClick={discard}>{t("shell.discard")}</Button>
			</span>
		</div>
	);
}

// ConfirmBar counts down to the moment when the box takes a commit back. It
// computes with the box's clock, so that slow timers do not matter.
function ConfirmBar() {
	const topic = useTopic("state.confirm");
	const key = topic.keys.value[0];
	const c = key === undefined ? undefined : topic.get(key)?.value;
	const left = useMemo(() => computed(() => (c ? (Date.parse(c.deadline) - (second.value || boxNow())) / 1000 : 0)), [c?.deadline]);
	const full = useRef({ revision: 0, seconds: 1 });
	if (c && (full.current.revision !== c.revision || left.value > full.current.seconds)) full.current = { revision: c.revision, seconds: Math.max(1, left.peek()) };
	const text = useMemo(() => computed(() => countdown(left.value)), [left]);
	const minute = useMemo(() => computed(() => Math.ceil(left.value / 30)), [left]);
	useEffect(() => {
		if (c && left.peek() > 0) announce(t("shell.reverts_in_said", { time: duration(left.peek()) }));
	}, [c?.revision, minute.value]);
	if (!c) return null;
	const revision = c.revision;
	const keep = () => mutate("config.confirm", { revision }).then(() => toast(t("shell.kept", { n: revision }), { act: { text: t("shell.see_history"), run: () => go("/changes/history") } }), toastError);
	const more = () => mutate("config.extend", { revision, by: "5m" }).catch(toastError);
	const revert = () =>
		ask({
			title: t("shell.revert_title", { n: revision }), text: t("shell.revert_text", { author: c.author }), act: t("shell.revert_act"), danger: true, need: "editor",
			run: () => mutate("config.revert", {}),
		});
	return (
		<div class="bar warn confirm" role="region" aria-label={t("shell.confirm")}>
			<Icon name="warning" label={t("common.warning")} />
			<span>{tx("shell.reverts_in", { n: revision, author: c.author, time: <strong role="timer">{text}</strong> })}</span>
			<span class="actions">
				<Button kind="primary" need="editor" onClick={keep}>{t("shell.keep")}</Button>
				<Button need="editor" onClick={revert}>{t("shell.revert")}</Button>
				<Button need="editor" onClick={more}>{t("shell.more_time")}</Button>
			</span>
			<progress aria-hidden="true" max={full.current.seconds} value={Math.max(0, left.value)} />
		</div>
	);
}

// IdleWarning asks two minutes before the session ends for lack of input.
export function IdleWarning() {
	const idle = parseDuration(hello.value?.session?.idle ?? "");
	const last = useRef(Date.now());
	const asked = useRef(false);
	useEffect(() => {
		if (!idle) return;
		const touch = () => (last.current = Date.now());
		addEventListener("pointerdown", touch);
		addEventListener("keydown", touch);
		const timer = setInterval(() => {
			const quiet = (Date.now() - last.current) / 1000;
			if (asked.current || quiet < idle - 120) return;
			asked.current = true;
			void ask({
				title: t("shell.idle_title"), text: t("shell.idle_text"), act: t("shell.idle_stay"),
				run: () => call("sys.hello", {}),
			}).finally(() => (asked.current = false));
		}, 5000);
		return () => {
			removeEventListener("pointerdown", touch);
			removeEventListener("keydown", touch);
			clearInterval(timer);
		};
	}, [idle]);
	return null;
}
