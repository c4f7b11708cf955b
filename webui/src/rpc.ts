// SPDX-License-Identifier: Apache-2.0
//
// The connection to the box: calls, progress and cancelling over a WebSocket
// that comes back by itself, or by single HTTP requests where something on the
// way refuses WebSockets. Subscriptions are in subs.ts, binary streams in
// streams.ts; both are told of the connection by Hooks.
import { signal } from "@preact/signals";
import { CallError, Code, type Envelope } from "./wire";

// A Link is the state of the connection.
//
//	connecting   first attempt
//	live         WebSocket open and answered
//	delayed      open, but no answer for 5 s
//	lost         down; trying again
//	restarting   the box said that it restarts
//	polling      WebSockets are refused; asking by HTTP every 2 s
//	origin       the box refuses this address of the page
//	ended        the session is over
export type Link = "connecting" | "live" | "delayed" | "lost" | "restarting" | "polling" | "origin" | "ended";

export type Progress = { done: number; total: number; note?: string };

export type CallOptions = {
	signal?: AbortSignal; // cancels the call on the box too
	timeout?: number; // milliseconds; 30 s
	progress?: (p: Progress) => void;
	key?: string; // idempotency key: set by mutate
};

// Env is what the connection takes from the browser; tests give their own.
export type Env = {
	socket(): WebSocket;
	post(body: string, signal: AbortSignal): Promise<Response>;
	now(): number;
	random(): number;
	language(): string;
	active(): boolean; // somebody is at the page: calls are a use of the session
};

export type Hooks = {
	open(hello: unknown, sent: number, received: number): void; // answered sys.hello
	notify(method: string, params: any): void;
	binary(data: ArrayBuffer): void;
	poll(): void; // every 2 s while polling
	ended(): void;
};

type Pending = {
	id: number;
	method: string;
	text: string;
	sent: boolean;
	finish(e: Envelope): void;
	fail(err: CallError): void;
	progress: ((p: Progress) => void) | undefined;
};

const firstRetry = 500;
const lastRetry = 15_000;
const pingEvery = 4_000;
const lateAfter = 3_000;
const deadAfter = 20_000;
const pollEvery = 2_000;
const refusedRetry = 5_000;

export class Connection {
	readonly link = signal<Link>("connecting");
	readonly latency = signal(0); // milliseconds of the last round trip
	readonly heard = signal(0); // when something last came, client's milliseconds
	readonly retryAt = signal(0); // when the next attempt is due

	private ws: WebSocket | null = null;
	private ready = false; // sys.hello has been answered on ws
	private nextID = 1;
	private pending = new Map<number, Pending>();
	private attempt = 0;
	private refused = 0; // handshakes in a row that failed while HTTP worked
	private timer: ReturnType<typeof setTimeout> | undefined;
	private ping: ReturnType<typeof setInterval> | undefined;
	private pinged = 0;
	private stopped = true;
	private readonly env: Env;
	private readonly hooks: Hooks;

	constructor(env: Env, hooks: Hooks) {
		this.env = env;
		this.hooks = hooks;
	}

	// start connects and stays connected until stop or the end of the session.
	start(): void {
		this.stopped = false;
		this.attempt = 0;
		this.link.value = "connecting";
		this.connect();
	}

	stop(): void {
		this.stopped = true;
		clearTimeout(this.timer);
		this.drop();
		for (const p of [...this.pending.values()]) p.fail(new CallError(Code.closed, "the console was left", { kind: "client.closed" }));
	}

	// hurry tries again at once: the browser is back online or visible.
	hurry(): void {
		if (this.stopped || this.ready || this.ws?.readyState === 0) return;
		clearTimeout(this.timer);
		this.connect();
	}

	// call sends a request and waits for its answer. A call that is under way
	// when the connection is lost is sent again afterwards: reading twice does no
	// harm, and what changes something has a key.
	call(method: string, params: object = {}, o: CallOptions = {}): Promise<unknown> {
		if (o.signal?.aborted) return Promise.reject(new CallError(Code.cancelled, "cancelled", { kind: "call.cancelled" }));
		return new Promise((resolve, reject) => {
			const id = this.nextID++;
			const meta: Envelope["meta"] = { lang: this.env.language() };
			if (o.key) meta.key = o.key;
			if (!this.env.active()) meta.auto = true; // an open page alone must not keep the session
			const text = JSON.stringify({ jsonrpc: "2.0", id, method, params, meta } satisfies Envelope);
			const end = () => {
				this.pending.delete(id);
				clearTimeout(timer);
				o.signal?.removeEventListener("abort", abort);
			};
			const fail = (err: CallError) => {
				end();
				reject(err);
			};
			const abort = () => {
				this.notify("$/cancel", { id });
				fail(new CallError(Code.cancelled, "cancelled", { kind: "call.cancelled" }));
			};
			const timeout = o.timeout ?? 30_000;
			const timer = setTimeout(() => {
				this.notify("$/cancel", { id });
				fail(new CallError(Code.timeout, `${method}: no answer within ${timeout / 1000} s`, { kind: "client.timeout", args: { seconds: timeout / 1000 } }, String(id)));
			}, timeout);
			o.signal?.addEventListener("abort", abort);
			const p: Pending = {
				id, method, text, sent: false, fail,
				progress: o.progress,
				finish: (e) => {
					end();
					if (e.error) reject(new CallError(e.error.code, e.error.message, e.error.data, String(id)));
					else resolve(e.result);
				},
			};
			this.pending.set(id, p);
			this.send(p);
		});
	}

	// notify sends what needs no answer; it is lost without a connection.
	notify(method: string, params: object): void {
		if (this.ws?.readyState === 1) this.ws.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
	}

	// sendBinary sends a frame; false without a connection.
	sendBinary(data: Uint8Array<ArrayBuffer>): boolean {
		if (!this.ready || !this.ws) return false;
		this.ws.send(data);
		return true;
	}

	private send(p: Pending): void {
		const hello = p.method === "sys.hello";
		if (this.ws?.readyState === 1 && (this.ready || hello)) {
			p.sent = true;
			this.ws.send(p.text);
		} else if (this.link.peek() === "polling" && !p.sent) {
			p.sent = true;
			void this.byHTTP(p);
		}
	}

	private async byHTTP(p: Pending): Promise<void> {
		const stop = new AbortController();
		try {
			const res = await this.env.post(p.text, stop.signal);
			const body = (await res.json()) as Envelope;
			this.heard.value = this.env.now();
			if (body.error?.code === Code.unauthorized) this.end();
			if (this.pending.has(p.id)) p.finish(body);
		} catch {
			p.sent = false; // the next poll sends it again
		}
	}

	private connect(): void {
		clearTimeout(this.timer);
		this.drop();
		let ws: WebSocket;
		try {
			ws = this.env.socket();
		} catch {
			this.retry();
			return;
		}
		this.ws = ws;
		ws.binaryType = "arraybuffer";
		let opened = false;
		ws.onopen = () => {
			opened = true;
			void this.hello(ws);
		};
		ws.onmessage = (m: MessageEvent) => this.receive(ws, m.data);
		ws.onclose = (e: CloseEvent) => {
			if (this.ws === ws) this.closed(e.code, opened);
		};
	}

	// hello greets the box; only then calls that waited are sent.
	private async hello(ws: WebSocket): Promise<void> {
		const sent = this.env.now();
		try {
			const answer = await this.call("sys.hello", {}, { timeout: 10_000 });
			if (this.ws !== ws) return;
			const received = this.env.now();
			this.ready = true;
			this.attempt = this.refused = 0;
			this.latency.value = received - sent;
			this.link.value = "live";
			clearInterval(this.ping); // that of polling
			this.ping = setInterval(() => this.beat(), 1000);
			this.pinged = received;
			const waiting = [...this.pending.values()]; // not what the hook sends at once
			this.hooks.open(answer, sent, received);
			for (const p of waiting) if (this.pending.has(p.id)) this.send(p);
		} catch (err) {
			if (this.ws !== ws) return;
			if (err instanceof CallError && err.code === Code.unauthorized) this.end();
			else ws.close();
		}
	}

	// beat measures the round trip every few seconds and notices a dead connection,
	// which TCP alone would take minutes to do.
	private beat(): void {
		const now = this.env.now();
		const silent = now - this.heard.peek();
		if (silent > deadAfter) {
			this.ws?.close();
			this.closed(1006, true);
			return;
		}
		if (silent > lateAfter + pingEvery) this.link.value = "delayed";
		if (now - this.pinged < pingEvery) return;
		this.pinged = now;
		const done = () => (this.latency.value = this.env.now() - now);
		// Any answer is a round trip, even that the box does not know the method.
		this.call("$/ping", {}, { timeout: deadAfter }).then(done, (err: CallError) => {
			if (err.code === Code.method) done();
		});
	}

	private receive(ws: WebSocket, data: unknown): void {
		if (this.ws !== ws) return;
		this.heard.value = this.env.now();
		if (this.link.peek() === "delayed") this.link.value = "live";
		if (data instanceof ArrayBuffer) {
			this.hooks.binary(data);
			return;
		}
		let e: Envelope;
		try {
			e = JSON.parse(String(data)) as Envelope;
		} catch {
			return; // the box sends JSON; what is none says nothing
		}
		if (e.method === "$/progress") this.pending.get(e.params?.id)?.progress?.(e.params as Progress);
		else if (e.method) this.hooks.notify(e.method, e.params);
		else if (typeof e.id === "number") this.pending.get(e.id)?.finish(e);
	}

	private closed(code: number, opened: boolean): void {
		this.drop();
		if (this.stopped) return;
		if (code === 4401) this.end();
		else if (code === 4403) this.refusedHere();
		else {
			const link = this.link.peek();
			if (link !== "polling" && link !== "connecting" && (opened || link !== "origin")) this.link.value = code === 4409 ? "restarting" : "lost";
			if (opened) this.retry(code === 4408 ? 2000 : 0);
			else void this.whyRefused();
		}
	}

	// whyRefused finds out by HTTP what a browser hides about a WebSocket that
	// was refused: no session, a foreign origin, or a proxy in between.
	private async whyRefused(): Promise<void> {
		const body = JSON.stringify({ jsonrpc: "2.0", id: 0, method: "sys.hello", params: {} } satisfies Envelope);
		const sent = this.env.now();
		try {
			const res = await this.env.post(body, AbortSignal.timeout(10_000));
			const answer = (await res.json()) as Envelope;
			if (this.stopped || this.ready) return;
			if (res.status === 401 || answer.error?.code === Code.unauthorized) return this.end();
			if (answer.error?.data?.kind === "origin.mismatch") return this.refusedHere();
			if (res.ok && ++this.refused >= 2) this.startPolling(answer.result, sent);
		} catch {
			this.refused = 0;
			if (this.link.peek() === "connecting" || this.link.peek() === "polling") this.link.value = "lost";
		}
		this.retry();
	}

	// refusedHere tries again now and then: a commit that shut this page out may be
	// taken back.
	private refusedHere(): void {
		this.link.value = "origin";
		this.retry(refusedRetry);
	}

	private startPolling(hello: unknown, sent: number): void {
		if (this.link.peek() !== "polling") {
			this.link.value = "polling";
			this.hooks.open(hello, sent, this.env.now());
		}
		clearInterval(this.ping);
		this.ping = setInterval(() => {
			for (const p of this.pending.values()) this.send(p);
			this.hooks.poll();
		}, pollEvery);
		for (const p of this.pending.values()) this.send(p);
	}

	private retry(least = 0): void {
		const most = Math.min(lastRetry, firstRetry * 2 ** this.attempt++);
		// Full jitter: many consoles must not come back at the same moment. While
		// polling works there is no hurry.
		const wait = this.link.peek() === "polling" ? 30_000 : Math.max(least, this.env.random() * most);
		this.retryAt.value = this.env.now() + wait;
		this.timer = setTimeout(() => this.connect(), wait);
	}

	// drop forgets the socket; calls under way wait for the next one. A greeting
	// belongs to its own socket.
	private drop(): void {
		const ws = this.ws;
		this.ws = null;
		this.ready = false;
		if (this.link.peek() !== "polling") clearInterval(this.ping);
		for (const p of [...this.pending.values()]) {
			if (ofOneSocket(p.method)) p.fail(new CallError(Code.closed, "the connection was lost", { kind: "client.closed" }));
			else if (this.link.peek() !== "polling") p.sent = false;
		}
		if (ws && ws.readyState < 2) {
			ws.onclose = ws.onmessage = ws.onopen = null;
			ws.close();
		}
	}

	private end(): void {
		this.stop();
		this.link.value = "ended";
		this.hooks.ended();
	}
}

// ofOneSocket says which calls mean nothing on the next socket.
function ofOneSocket(method: string): boolean {
	return method === "sys.hello" || method === "$/ping" || method.startsWith("sub.");
}
