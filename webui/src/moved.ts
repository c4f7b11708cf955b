// SPDX-License-Identifier: Apache-2.0
//
// When a commit moves the console: where it is now, whether it answers there,
// and how the session goes along. The token that lets the person in at the new
// address travels in the fragment, which browsers send to nobody.
import { signal } from "@preact/signals";
import type { Committed } from "./api";

// A Move is what the box said after the commit.
export type Move = { urls: string[]; token: string; revision: number; deadline?: string };

const kept = "evener.move";

function readMove(): Move | null {
	try {
		return JSON.parse(sessionStorage.getItem(kept) ?? "null") as Move | null;
	} catch {
		return null;
	}
}

// move is the latest one of this tab; it outlives a reload.
export const move = signal<Move | null>(readMove());

// setMove keeps a move, or forgets it.
export function setMove(to: Move | null): void {
	move.value = to;
	try {
		if (to) sessionStorage.setItem(kept, JSON.stringify(to));
		else sessionStorage.removeItem(kept);
	} catch {
		// Without storage the page must not be reloaded; it says so anyway.
	}
}

// moveOf returns what a commit says about where the console is now.
export function moveOf(c: Committed): Move | null {
	if (!c.urls?.length || !c.handover) return null;
	return { urls: c.urls, token: c.handover, revision: c.revision.number, ...(c.pending ? { deadline: c.pending.deadline } : {}) };
}

// entrance is the address that lets the person in at url.
export const entrance = (url: string, token: string) => `${url.replace(/\/+$/, "")}/changes/review#handover=${encodeURIComponent(token)}`;

// takeToken returns the token of the address, and takes it out of the address
// bar and the browser's history.
export function takeToken(): string {
	const found = /^#handover=([^&]+)$/.exec(location.hash);
	if (!found) return "";
	history.replaceState(null, "", location.pathname + location.search);
	try {
		return decodeURIComponent(found[1]!);
	} catch {
		return "";
	}
}

// arrived is true after a session was taken over from another address.
export const arrived = signal(false);

let worker: Worker | undefined;
let next = 0;
const waiting = new Map<number, (ok: boolean) => void>();

// reaches tries whether the browser gets an answer from a console at url. The
// page itself may talk to its own address only; a worker with a policy of its
// own asks, and only whether there is an answer.
export function reaches(url: string): Promise<boolean> {
	if (!worker) {
		worker = new Worker(REACH_URL);
		worker.onmessage = (e: MessageEvent<{ id: number; ok: boolean }>) => {
			waiting.get(e.data.id)?.(e.data.ok);
			waiting.delete(e.data.id);
		};
		worker.onerror = () => {
			for (const told of waiting.values()) told(false);
			waiting.clear();
			worker = undefined;
		};
	}
	const id = next++;
	return new Promise((resolve) => {
		waiting.set(id, resolve);
		worker!.postMessage({ id, url });
	});
}
