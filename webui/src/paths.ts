// SPDX-License-Identifier: Apache-2.0
//
// Paths of blocks, as the box writes them: pool/shop/member/web1,
// pool/shop/probe/http#2, cluster/shop/timeouts.
import type { Change } from "./api";

// A Step is one block within another. Of two labels, kind is the first.
export type Step = { type: string; label: string; index: number; kind?: string };

// Types of blocks that have a label; all others stand alone.
const labelled = new Set(["acme", "alert", "bond", "certificate", "cluster", "group", "mail", "member", "nat", "peer", "persist", "pool", "port", "probe", "responder", "route", "route_rule", "router", "rule", "server", "sni", "syslog", "test", "track", "trust", "vlan"]);

// Those of them that have two.
const twice = new Set(["track"]);

// The box writes a slash within a label as %2F, # as %23, % as %25.
function unescape(label: string): string {
	return label.replace(/%(2F|23|25)/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

// parsePath reads a path; what it does not know stands as a block of its own.
export function parsePath(path: string): Step[] {
	const words = path.split("/").filter(Boolean);
	const out: Step[] = [];
	for (let i = 0; i < words.length; i++) {
		const type = words[i]!;
		if (!labelled.has(type) || i + 1 >= words.length) {
			out.push({ type, label: "", index: 0 });
			continue;
		}
		const kind = twice.has(type) && i + 2 < words.length ? { kind: unescape(words[++i]!) } : {};
		const [, label = "", n] = /^(.*?)(?:#(\d+))?$/.exec(words[++i]!) ?? [];
		out.push({ type, label: unescape(label), index: n ? Number(n) - 1 : 0, ...kind });
	}
	return out;
}

// labels returns what stands behind the type of a block.
export const labels = (s: Step | undefined): string[] => [s?.kind, s?.label].filter((l): l is string => Boolean(l));

// parent returns the path of the block that encloses another, "" for the whole.
export function parent(path: string): string {
	return path.split("/").slice(0, -1 - labels(parsePath(path).at(-1)).length).join("/");
}

// top returns the part of a path that names the outermost block.
export function top(path: string): string {
	const words = path.split("/").filter(Boolean);
	return words.slice(0, labelled.has(words[0] ?? "") ? 2 : 1).join("/");
}

// A Group is what changes in one outermost block.
export type Group = { path: string; changes: Change[] };

// grouped puts changes together by object, in the order in which they come.
export function grouped(changes: readonly Change[]): Group[] {
	const groups = new Map<string, Group>();
	for (const c of changes) {
		const path = top(c.path);
		const g = groups.get(path) ?? { path, changes: [] };
		g.changes.push(c);
		groups.set(path, g);
	}
	return [...groups.values()];
}

// page returns the address of the page that shows an object, "" if none does.
export function page(path: string): string {
	const [first] = parsePath(path);
	if (!first?.label) return "";
	const of: Record<string, string> = { cluster: "/clusters/", pool: "/pools/", server: "/servers/", certificate: "/certificates/" };
	const base = of[first.type];
	return base ? base + encodeURIComponent(first.label) : "";
}
