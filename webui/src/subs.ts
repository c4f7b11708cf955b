// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions: three classes, kept over lost connections by epoch and
// sequence number. The class is the first word of the topic: state, series or
// log.
import type { Connection } from "./rpc";
import { CallError, Code } from "./wire";

// What a subscriber is told. All but snapshot and event may be left out.
export type Listener = {
	// The whole state, or for series and logs what the box kept; also after a
	// loss that could not be resumed.
	snapshot(data: any): void;
	event(data: any, seq: number): void;
	gap?(dropped: number): void;
	failed?(err: CallError): void;
};

type Opened = { sub: number; epoch: string; seq: number; resumed: boolean; snapshot?: unknown };

export class Sub {
	id = 0; // 0: not open at present
	epoch = "";
	seq = 0;
	closed = false;
	opening = false;
	readonly topic: string;
	params: object;
	readonly on: Listener;
	private readonly subs: Subs;

	constructor(subs: Subs, topic: string, params: object, on: Listener) {
		this.subs = subs;
		this.topic = topic;
		this.params = params;
		this.on = on;
	}

	close(): void {
		this.subs.close(this);
	}

	// update changes the parameters, such as the series that are on screen.
	update(params: object): void {
		this.params = params;
		this.subs.update(this);
	}
}

export class Subs {
	private all = new Set<Sub>();
	private byID = new Map<number, Sub>();
	private hidden = false;
	private readonly rpc: () => Connection;

	constructor(rpc: () => Connection) {
		this.rpc = rpc;
	}

	open(topic: string, params: object, on: Listener): Sub {
		const sub = new Sub(this, topic, params, on);
		this.all.add(sub);
		const link = this.rpc().link.peek();
		if (link === "live" || link === "delayed") void this.send(sub);
		else if (link === "polling") void this.read(sub);
		return sub;
	}

	close(sub: Sub): void {
		sub.closed = true;
		this.all.delete(sub);
		if (sub.id) {
			this.byID.delete(sub.id);
			this.rpc().call("sub.close", { sub: sub.id }).catch(() => {}); // the box may have ended it already
		}
	}

	update(sub: Sub): void {
		if (!sub.id) return;
		this.rpc()
			.call("sub.update", { sub: sub.id, params: sub.params, max_hz: this.speed(sub) })
			.then((o) => {
				if (!sub.closed) this.take(sub, o as Opened); // it begins anew, with an epoch of the new parameters
			})
			.catch((err: CallError) => sub.on.failed?.(err));
	}

	// opened is called when a new connection has been greeted.
	opened(): void {
		this.byID.clear();
		const polling = this.rpc().link.peek() === "polling";
		for (const sub of this.all) {
			sub.id = 0;
			sub.opening = false;
			void (polling ? this.read(sub) : this.send(sub));
		}
	}

	// setHidden slows series down while nobody sees the page.
	setHidden(hidden: boolean): void {
		if (this.hidden === hidden) return;
		this.hidden = hidden;
		for (const sub of this.all) if (sub.topic.startsWith("series.")) this.update(sub);
	}

	// poll reads every topic once: the WebSocket is refused on the way.
	poll(): void {
		for (const sub of this.all) void this.read(sub);
	}

	notify(method: string, params: any): void {
		const sub = this.byID.get(params?.sub);
		if (!sub) return; // closed here while the event was on its way
		if (method === "sub.event") {
			sub.seq = params.seq;
			sub.on.event(params.data, params.seq);
		} else if (method === "sub.gap") {
			sub.seq = params.to ?? sub.seq;
			sub.on.gap?.(params.dropped);
		} else if (method === "sub.end") {
			this.byID.delete(sub.id);
			sub.id = 0;
			this.all.delete(sub);
			sub.on.failed?.(new CallError(Code.closed, `the box ended the subscription to ${sub.topic}`, { kind: params.kind ?? "sub.end" }));
		}
	}

	// speed is events a second at most; 0 is as they come.
	private speed(sub: Sub): number {
		return this.hidden && sub.topic.startsWith("series.") ? 0.1 : 0;
	}

	private async send(sub: Sub): Promise<void> {
		if (sub.opening) return;
		sub.opening = true;
		const since = sub.epoch ? { epoch: sub.epoch, seq: sub.seq } : undefined;
		try {
			const o = (await this.rpc().call("sub.open", { topic: sub.topic, params: sub.params, since, max_hz: this.speed(sub) })) as Opened;
			sub.opening = false;
			if (sub.closed) {
				this.rpc().call("sub.close", { sub: o.sub }).catch(() => {});
				return;
			}
			this.take(sub, o);
			sub.id = o.sub;
			this.byID.set(o.sub, sub);
		} catch (err) {
			sub.opening = false;
			const lost = (err as CallError).code === Code.closed; // opened will try again
			if (!sub.closed && !lost) sub.on.failed?.(err as CallError);
		}
	}

	// read asks for what sub.open would return, without staying subscribed.
	private async read(sub: Sub): Promise<void> {
		if (sub.opening) return;
		sub.opening = true;
		try {
			const o = (await this.rpc().call("sub.read", { topic: sub.topic, params: sub.params }, { timeout: 10_000 })) as Opened;
			if (!sub.closed) this.take(sub, { ...o, resumed: false });
		} catch (err) {
			if (!sub.closed) sub.on.failed?.(err as CallError);
		}
		sub.opening = false;
	}

	private take(sub: Sub, o: Opened): void {
		sub.epoch = o.epoch;
		if (o.resumed && o.snapshot === undefined) return; // the missed events follow
		sub.seq = o.seq;
		sub.on.snapshot(o.snapshot);
	}
}
