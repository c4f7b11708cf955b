// SPDX-License-Identifier: Apache-2.0
//
// What somebody is typing, kept in this browser until it is saved: a reload, a
// crash of the browser or the end of the session loses nothing.

// A LocalDraft is a text and what it was made from.
export type LocalDraft = { text: string; base: number; version: string; time: number };

const name = (user: string) => `evener.text.${user}`;

export function readDraft(user: string): LocalDraft | null {
	try {
		const d = JSON.parse(localStorage.getItem(name(user)) ?? "null") as LocalDraft | null;
		return d && typeof d.text === "string" && typeof d.base === "number" ? d : null;
	} catch {
		return null;
	}
}

// writeDraft keeps a draft, or forgets it; false if the browser refuses.
export function writeDraft(user: string, d: LocalDraft | null): boolean {
	try {
		if (d) localStorage.setItem(name(user), JSON.stringify(d));
		else localStorage.removeItem(name(user));
		return true;
	} catch {
		return false;
	}
}
