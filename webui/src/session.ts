// SPDX-License-Identifier: Apache-2.0
//
// Who is logged in, and the one connection of the page. Pages use call, mutate
// and the signals; only app.tsx starts and ends a session.
import { computed, signal } from "@preact/signals";
import type { Hello, Methods, Role } from "./api";
import { setBoxTime } from "./clock";
import { lang } from "./i18n";
import { type CallOptions, Connection, type Progress } from "./rpc";
import { Streams } from "./streams";
import { Subs } from "./subs";
import { CallError, Code, type ErrorData } from "./wire";

// hello is the box's greeting, null before the first one.
export const hello = signal<Hello | null>(null);

// where is what the page shows: the box is asked first.
//
//	asking  no answer yet
//	setup   the box has no administrator yet
//	login   nobody is logged in
//	in      somebody is
export const where = signal<"asking" | "setup" | "login" | "in">("asking");

// ended says why the last session ended, "" if none did.
export const ended = signal("");

// newConsole is set when the box serves another build of the console.
export const newConsole = computed(() => {
	const have = typeof document === "undefined" ? "" : document.documentElement.dataset["build"];
	return Boolean(have && hello.value?.ui_hash && hello.value.ui_hash !== have);
});

const ranks: Role[] = ["viewer", "operator", "editor", "admin"];

// may says whether the person's role suffices. The box decides; this is only
// for showing what it would refuse.
export function may(need: Role): boolean {
	const have = hello.value?.session?.role;
	return have !== undefined && ranks.indexOf(have) >= ranks.indexOf(need);
}

// post sends one request by HTTP.
export async function post(path: string, body: string, stop?: AbortSignal): Promise<Response> {
	return fetch(`/api/v1/${path}`, {
		method: "POST",
		headers: { "Content-Type": "application/json", "Accept-Language": lang.peek() },
		credentials: "same-origin",
		body,
		signal: stop ?? null,
	});
}

// touched is when the person last did something here, in milliseconds.
let touched = Date.now();
if (typeof addEventListener === "function")
	for (const what of ["pointerdown", "keydown"]) addEventListener(what, () => (touched = Date.now()), { capture: true, passive: true });

// active says whether somebody is at the page. The box ends a session when
// nobody is for its idle time, however much the page asks by itself. While
// somebody is, the ping of the connection tells it so.
export function active(): boolean {
	return Date.now() - touched < 60_000;
}

export const connection = new Connection(
	{
		socket: () => new WebSocket(`${location.protocol === "http:" ? "ws" : "wss"}://${location.host}/api/v1/ws`, "evener.v1"),
		post: (body, stop) => post("rpc", body, stop),
		now: () => Date.now(),
		random: () => Math.random(),
		language: () => lang.peek(),
		active,
	},
	{
		open(answer, sent, received) {
			const h = answer as Hello;
			hello.value = h;
			setBoxTime(h.time, sent, received);
			streams.lost();
			subs.opened();
			where.value = h.session ? "in" : "login";
		},
		notify(method, params) {
			if (method.startsWith("sub.")) subs.notify(method, params);
			else if (method.startsWith("stream.")) streams.notify(method, params);
			else if (method === "session.end") ended.value = String(params?.kind ?? "expired");
		},
		binary: (data) => streams.binary(data),
		poll() {
			subs.poll();
			if (active()) connection.call("$/ping").catch(() => {}); // tells the box that somebody is here
		},
		ended() {
			streams.lost();
			if (where.peek() === "in" && !ended.peek()) ended.value = "expired";
			where.value = "login";
		},
	},
);
export const subs = new Subs(() => connection);
export const streams = new Streams(() => connection);

// askPassword is set by the shell: it asks for the password again and resolves
// to whether the box took it.
export const sudo: { ask: () => Promise<boolean> } = { ask: async () => false };

async function withSudo<T>(run: () => Promise<T>): Promise<T> {
	try {
		return await run();
	} catch (err) {
		if (err instanceof CallError && err.kind === "auth.sudo" && (await sudo.ask())) return run();
		throw err;
	}
}

// call asks the box for something. It rejects with a CallError.
export function call<M extends keyof Methods>(method: M, params: Methods[M]["params"], o?: CallOptions): Promise<Methods[M]["result"]> {
	return withSudo(() => connection.call(method, params, o)) as Promise<Methods[M]["result"]>;
}

// mutate is call for what changes something: it has a key, so that the box does
// it once even when the connection is lost in between and it is sent again.
export function mutate<M extends keyof Methods>(method: M, params: Methods[M]["params"], o: CallOptions = {}): Promise<Methods[M]["result"]> {
	return withSudo(() => connection.call(method, params, { ...o, key: o.key ?? newKey() })) as Promise<Methods[M]["result"]>;
}

// newKey returns a random idempotency key.
export function newKey(): string {
	return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

// plainCall sends one of the calls that set or clear the session's cookie.
export async function plainCall<T>(path: "login" | "logout" | "setup" | "handover" | "sudo", body: object): Promise<T> {
	let res: Response;
	try {
		res = await post(path, JSON.stringify(body));
	} catch {
		throw new CallError(Code.unreachable, "the box cannot be reached", { kind: "client.unreachable" });
	}
	const answer = (await res.json().catch(() => null)) as { error?: { code: number; message: string; data?: ErrorData }; kind?: string } | null;
	if (res.ok) return answer as T;
	const e = answer?.error ?? { code: Code.unreachable, message: `HTTP ${res.status}`, data: { kind: answer?.kind ?? "client.http", args: { status: res.status } } };
	throw new CallError(e.code, e.message, e.data);
}

// start asks the box who this is. A WebSocket would be refused without a
// session, so the first question goes by HTTP.
export async function start(): Promise<void> {
	try {
		const res = await post("rpc", JSON.stringify({ jsonrpc: "2.0", id: 0, method: "sys.hello", params: {} }), AbortSignal.timeout(15_000));
		const answer = (await res.json()) as { result?: Hello & { setup?: boolean }; error?: unknown };
		const h = answer.result;
		if (h) hello.value = h;
		if (h?.session) {
			where.value = "in";
			connection.start();
		} else where.value = h?.setup ? "setup" : "login";
	} catch {
		connection.link.value = "lost";
		setTimeout(() => void start(), 2000);
	}
}

// enter begins a session whose cookie the browser has just got.
export function enter(): void {
	ended.value = "";
	where.value = "in";
	connection.start();
}

// leave ends the session.
export async function leave(): Promise<void> {
	await plainCall("logout", {});
	connection.stop();
	ended.value = "logout";
	hello.value = hello.value && { ...hello.value, session: null };
	where.value = "login";
}

export type { CallOptions, Progress };
