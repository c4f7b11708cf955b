// SPDX-License-Identifier: Apache-2.0
//
// Filters of the access log: what the box gets, what the address holds, and
// which of the rows that are here already fit.
import type { AccessEntry, Topics } from "../api";

export type BoxFilter = Topics["log.access"]["params"];

export const fields = ["cluster", "rule", "pool", "server", "status", "method", "path", "client"] as const;
export type Field = (typeof fields)[number];

// A Term is one value that is wanted or, with not, left out.
export type Term = { field: Field; value: string; not: boolean };

const isField = (s: string): s is Field => (fields as readonly string[]).includes(s);

// fromQuery reads the members of the address: cluster=shop, not.status=2xx.
// Several values are joined by a comma; one in a value is written %2C.
export function fromQuery(q: Record<string, string>): Term[] {
	const out: Term[] = [];
	for (const [k, v] of Object.entries(q)) {
		const not = k.startsWith("not.");
		const field = not ? k.slice(4) : k;
		if (!isField(field)) continue;
		for (const part of v.split(",")) if (part) out.push({ field, value: decode(part), not });
	}
	return out;
}

function decode(s: string): string {
	try {
		return decodeURIComponent(s);
	} catch {
		return s; // typed by hand, with a percent sign that escapes nothing
	}
}

// toQuery returns every member of the address that filters may have; "" for
// those that are not used.
export function toQuery(terms: readonly Term[]): Record<string, string> {
	const out: Record<string, string> = {};
	for (const f of fields) out[f] = out[`not.${f}`] = "";
	for (const { field, value, not } of terms) {
		const k = not ? `not.${field}` : field;
		out[k] += (out[k] ? "," : "") + value.replaceAll("%", "%25").replaceAll(",", "%2C");
	}
	return out;
}

// toBox writes the filter as the topic takes it.
export function toBox(terms: readonly Term[]): BoxFilter {
	const out: Record<string, string[]> = {};
	const not: Record<string, string[]> = {};
	for (const x of terms) ((x.not ? not : out)[x.field] ??= []).push(x.value);
	return (Object.keys(not).length > 0 ? { ...out, not } : out) as BoxFilter;
}

// add returns terms with one more. A value is either wanted or left out.
export function add(terms: readonly Term[], one: Term): Term[] {
	return [...terms.filter((x) => x.field !== one.field || x.value !== one.value), one];
}

export const same = (a: Term, b: Term) => a.field === b.field && a.value === b.value && a.not === b.not;

// narrower says whether everything that fits b fits a too: then rows that are
// here already are all that there were.
export function narrower(a: readonly Term[], b: readonly Term[]): boolean {
	if (!a.every((x) => b.some((y) => same(x, y)))) return false;
	const more = b.filter((y) => !a.some((x) => same(x, y)));
	// A second wanted value of a field lets more through.
	return more.every((y) => (y.not || !a.some((x) => x.field === y.field && !x.not)) && !(y.field === "client" && y.value.includes("/")));
}

// valueOf returns a field of an entry as a filter has it.
export function valueOf(e: AccessEntry, field: Field): string {
	switch (field) {
		case "status":
			return String(e.status);
		case "client":
			return address(e.client);
		case "path":
			return (e.path ?? "").split("?")[0]!;
	}
	return e[field] ?? "";
}

// address cuts the port off a client.
export function address(client: string): string {
	const v6 = /^\[(.*)\]:\d+$/.exec(client);
	return v6 ? v6[1]! : client.replace(/:\d+$/, "");
}

// fits says what the box would say of an entry. Networks are not known here;
// narrower keeps them away.
export function fits(terms: readonly Term[], e: AccessEntry): boolean {
	const hit = (x: Term) => {
		if (x.field === "path") return (e.path ?? "").includes(x.value);
		if (x.field === "status" && x.value.endsWith("xx")) return String(e.status).length === 3 && String(e.status)[0] === x.value[0];
		return valueOf(e, x.field) === x.value;
	};
	for (const f of fields) {
		const wanted = terms.filter((x) => x.field === f && !x.not);
		if (wanted.length > 0 && !wanted.some(hit)) return false;
		if (terms.some((x) => x.field === f && x.not && hit(x))) return false;
	}
	return true;
}
