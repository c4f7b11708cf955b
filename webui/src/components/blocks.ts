// SPDX-License-Identifier: Apache-2.0
//
// Edits of the candidate from forms: what a block is now, lists of edits, and
// what is said when they are kept.
import { type api, call, go, mutate, t, toast } from "../kit";

// At says on which text an edit is made.
export type At = { base: number; version?: string };

// at takes it from what was shown.
export const at = (o: { base: number; version?: string }): At => (o.version ? { base: o.base, version: o.version } : { base: o.base });

// current asks for it.
export async function current(): Promise<At> {
	return at(await call("config.object", { path: "" }));
}

export const edit = (where: At, edits: api.EditOp[]) => mutate("config.edit", { ...where, edits });

// removeBlocks takes blocks out of the candidate, all or none.
export async function removeBlocks(paths: readonly string[]): Promise<api.Draft> {
	return edit(await current(), paths.map((path) => ({ op: "remove", path })));
}

// saved says that a change waits for its commit.
export function saved(_: api.Draft): void {
	toast(t("blocks.saved"), { act: { text: t("blocks.review"), run: () => go("/changes/review") } });
}

// words returns how the box names a block in its messages: pool/shop/member/web1
// is pool "shop" member "web1".
export function words(path: string): string {
	const parts = path.split("/");
	const out: string[] = [];
	for (let i = 0; i < parts.length; i += 2) {
		const [label, index] = (parts[i + 1] ?? "").split("#");
		out.push(`${parts[i]} "${label}"${index ? ` #${index}` : ""}`);
	}
	return out.join(" ");
}

// mistakes returns what is wrong within a block by attribute, and what else is
// wrong in the candidate.
export function mistakes(d: api.Draft, path: string, names: readonly string[]): { own: Record<string, string>; rest: api.Problem[] } {
	const own: Record<string, string> = {};
	const rest: api.Problem[] = [];
	const start = `${words(path)}: `;
	for (const p of d.problems) {
		if (p.warning) continue;
		const message = p.message.startsWith(start) ? p.message.slice(start.length) : "";
		const name = names.find((n) => message === n || message.startsWith(`${n} `));
		if (name) own[name] ??= message;
		else rest.push(p);
	}
	return { own, rest };
}
