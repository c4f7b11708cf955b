// SPDX-License-Identifier: Apache-2.0
//
// The console: waits for boot.ts, asks the box who this is, and draws the page
// that the address names.
import { useSignal } from "@preact/signals";
import { type ComponentType, render } from "preact";
import { useEffect, useId } from "preact/hooks";
import { pages } from "virtual:pages";
import { loadTexts } from "./appearance";
import { Button } from "./components/button";
import { Dialog, Questions } from "./components/dialog";
import { ErrorNotice } from "./components/errors";
import { Empty, Page } from "./components/page";
import { IdleWarning, Shell } from "./components/shell";
import { Skeleton } from "./components/table";
import { Toasts, toastError } from "./components/toast";
import { startLanguage, t } from "./i18n";
import { press } from "./keys";
import { forget } from "./live";
import { arrived, takeToken } from "./moved";
import { followPreferences } from "./preferences";
import { place, startRouter } from "./router";
import { find } from "./routes";
import type { Self } from "./api";
import { connection, plainCall, start, subs, sudo, where } from "./session";
import { CallError } from "./wire";

// PageProps is what every page gets: the named parts of its path.
export type PageProps = { params: Record<string, string> };

type Loaded = { page: string; view: ComponentType<PageProps> };

// Lazy loads a page and its texts, then shows it. A page that is loaded once
// comes without waiting from the browser's cache of modules.
function Lazy({ page, params, texts = [] }: { page: string; params: Record<string, string>; texts?: readonly string[] }) {
	const loaded = useSignal<Loaded | null>(null);
	const failed = useSignal<unknown>(null);
	const turn = useSignal(0);
	useEffect(() => {
		let gone = false;
		failed.value = null;
		Promise.all([pages[page]!(), loadTexts([page, ...texts])]).then(
			([m]) => {
				if (!gone) loaded.value = { page, view: m.default as ComponentType<PageProps> };
			},
			(err: unknown) => {
				if (!gone) failed.value = err;
			},
		);
		return () => {
			gone = true;
		};
	}, [page, turn.value]);
	if (failed.value) return <ErrorNotice title={t("shell.page_failed")} error={failed.value} retry={() => turn.value++} />;
	if (loaded.value?.page !== page) return <Skeleton rows={8} />;
	const View = loaded.value.view;
	return <View key={JSON.stringify(params)} params={params} />;
}

function NotFound() {
	return (
		<Page name={t("shell.not_found")}>
			<Empty title={t("shell.not_found_title", { path: place.value.path })} text={t("shell.not_found_text")} actions={<Button kind="primary" href="/">{t("shell.to_overview")}</Button>} />
		</Page>
	);
}

function Content() {
	const found = find(place.value.path);
	return found ? <Lazy page={found.route.page} params={found.params} texts={found.route.texts ?? []} /> : <NotFound />;
}

function App() {
	const at = where.value;
	useEffect(() => {
		if (at !== "in") forget();
	}, [at]);
	if (at === "asking") return <p class="plain" role="status">{connection.link.value === "lost" ? t("shell.unreachable") : ""}</p>;
	return (
		<>
			{at === "in" ? <><Shell><Content /></Shell><IdleWarning /><Sudo /></> : <Lazy page={at} params={{}} />}
			<Questions />
			<Toasts />
		</>
	);
}

// Sudo asks for the password again where the box wants to be sure.
function Sudo() {
	const asked = useSignal<((ok: boolean) => void) | null>(null);
	const password = useSignal("");
	const code = useSignal("");
	// Whether the account has a second factor: the box is asked each time.
	const factor = useSignal(false);
	const error = useSignal<unknown>(null);
	const id = useId();
	useEffect(() => {
		sudo.ask = () =>
			new Promise((resolve) => {
				password.value = "";
				code.value = "";
				error.value = null;
				connection.call("auth.whoami", {}).then((r) => (factor.value = (r as Self).totp), () => {});
				asked.value = resolve;
			});
		return () => {
			sudo.ask = async () => false;
		};
	}, []);
	if (!asked.value) return null;
	const end = (ok: boolean) => {
		asked.peek()?.(ok);
		asked.value = null;
		password.value = "";
		code.value = "";
	};
	const send = async () => {
		const typed = code.peek().replace(/\s/g, "");
		try {
			// By HTTP: the session gets a new token, which only the cookie holds.
			await plainCall("sudo", { password: password.peek(), ...(typed ? { code: typed } : {}) });
			end(true);
		} catch (err) {
			code.value = "";
			if (err instanceof CallError && err.kind === "auth.totp" && !factor.peek()) factor.value = true;
			else error.value = err;
		}
	};
	return (
		<Dialog title={t("shell.sudo_title")} onClose={() => end(false)}>
			<form class="form" onSubmit={(e) => { e.preventDefault(); void send(); }}>
				<p>{t("shell.sudo_text")}</p>
				<div class="field">
					<label for={id}>{t("common.password")}</label>
					<input id={id} class="input" type="password" autocomplete="current-password" value={password.value} onInput={(e) => (password.value = e.currentTarget.value)} autofocus />
				</div>
				{factor.value && (
					<div class="field">
						<label for={`${id}-c`}>{t("shell.sudo_code")}</label>
						<input id={`${id}-c`} class="input mono" autocomplete="one-time-code" aria-describedby={`${id}-h`} value={code.value} onInput={(e) => (code.value = e.currentTarget.value)} required />
						<p class="help" id={`${id}-h`}>{t("shell.sudo_code_help")}</p>
					</div>
				)}
				{error.value !== null && <ErrorNotice error={error.value} />}
				<div class="actions"><Button onClick={() => end(false)}>{t("common.cancel")}</Button><Button kind="primary" type="submit">{t("shell.sudo_act")}</Button></div>
			</form>
		</Dialog>
	);
}

// takeOver exchanges the token of somebody who comes from the console's former
// address for a session here. Without a good one the person logs in as usual.
async function takeOver(): Promise<void> {
	const token = takeToken();
	if (!token) return;
	try {
		await plainCall("handover", { token });
		arrived.value = true;
	} catch (err) {
		toastError(err);
	}
}

async function begin(): Promise<void> {
	const language = startLanguage();
	await loadTexts([], language);
	startRouter();
	addEventListener("keydown", press);
	addEventListener("online", () => connection.hurry());
	document.addEventListener("visibilitychange", () => {
		subs.setHidden(document.hidden);
		if (!document.hidden) connection.hurry();
	});
	followPreferences(toastError);
	render(<App />, document.getElementById("app")!);
	await takeOver();
	await start();
}

if (typeof document !== "undefined") document.addEventListener("evener:start", () => void begin(), { once: true });

