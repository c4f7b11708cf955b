// SPDX-License-Identifier: Apache-2.0
//
// Conditions of rules: text to tree and back. The builder draws the tree. The
// box decides what a condition means; this knows its syntax and its functions,
// and a test compares them with the box's own list.

export type Op = "is" | "begins" | "ends" | "contains" | "matches" | "under" | "exists" | "label" | "domain" | "true";

// A Field is what a test looks at; each of its operators is a function.
export type Field = { id: string; group: "request" | "path" | "fields" | "client" | "tls" | "cert" | "switch"; named?: boolean; min?: number; ops: Partial<Record<Op, string>>; example: string };

const five = (f: string, first: Op = "is"): Partial<Record<Op, string>> => ({ [first]: f, begins: `${f}_prefix`, ends: `${f}_suffix`, contains: `${f}_substr`, matches: `${f}_regex` });

export const fields: readonly Field[] = [
	{ id: "host", group: "request", ops: { is: "host", label: "host_prefix", domain: "host_suffix", contains: "host_substr", matches: "host_regex" }, example: "www.example.com" },
	{ id: "method", group: "request", ops: { is: "method" }, example: "GET" },
	{ id: "path", group: "path", ops: { under: "path_prefix", ...five("pathname") }, example: "/shop/" },
	{ id: "dirname", group: "path", ops: five("dirname"), example: "/img/" },
	{ id: "filename", group: "path", ops: five("filename"), example: "robots.txt" },
	{ id: "query", group: "path", ops: five("query"), example: "page=1" },
	{ id: "param", group: "path", named: true, ops: { is: "query_param", exists: "query_param" }, example: "de" },
	{ id: "header", group: "fields", named: true, ops: { ...five("header"), exists: "header" }, example: "gold" },
	{ id: "cookie", group: "fields", named: true, ops: { ...five("cookie"), exists: "cookie" }, example: "b" },
	{ id: "client", group: "client", ops: { is: "client_ip" }, example: "192.0.2.0/24" },
	{ id: "http2", group: "client", ops: { true: "http_2" }, example: "" },
	{ id: "http09", group: "client", ops: { true: "http_09" }, example: "" },
	{ id: "tls", group: "tls", ops: { true: "tls" }, example: "" },
	{ id: "tls_version", group: "tls", ops: { is: "tls_version" }, example: "1.3" },
	{ id: "sni", group: "tls", ops: { is: "sni", label: "sni_prefix", domain: "sni_suffix", contains: "sni_substr", matches: "sni_regex" }, example: "www.example.com" },
	{ id: "cert", group: "cert", ops: { true: "client_cert" }, example: "" },
	{ id: "cert_subject", group: "cert", ops: five("client_cert_subject"), example: "CN=alice,O=Example,C=CH" },
	{ id: "cert_issuer", group: "cert", ops: five("client_cert_issuer"), example: "CN=Staff CA,O=Example,C=CH" },
	{ id: "cert_fingerprint", group: "cert", ops: { is: "client_cert_fingerprint" }, example: "ab".repeat(32) },
	{ id: "cert_san", group: "cert", ops: five("client_cert_san"), example: "alice@example.com" },
	{ id: "any", group: "switch", ops: { true: "any" }, example: "" },
	{ id: "ignore_case", group: "switch", ops: { true: "ignore_case" }, example: "" },
	{ id: "observe_case", group: "switch", ops: { true: "observe_case" }, example: "" },
	{ id: "debug", group: "switch", ops: { is: "debug_message" }, example: "rule 3 was tried" },
];

// A Spec says how many arguments a function takes.
export type Spec = { field: Field; op: Op; min: number; max: number };

export const functions: ReadonlyMap<string, Spec> = new Map(
	fields.flatMap((field) =>
		(Object.entries(field.ops) as [Op, string][]).map(([op, name]): [string, Spec] => {
			if (op === "true") return [name, { field, op, min: 0, max: 0 }];
			if (name === "debug_message") return [name, { field, op, min: 1, max: 1 }];
			const bare = field.named && "exists" in field.ops && field.ops.exists === name;
			return [name, { field, op: bare ? "is" : op, min: field.named && !bare ? 2 : 1, max: Number.POSITIVE_INFINITY }];
		}),
	),
);

// A Node is a test or a group of nodes; not turns its result round.
export type Test = { kind: "test"; not: boolean; fn: string; args: string[] };
export type Group = { kind: "all" | "any"; not: boolean; parts: Node[] };
export type Node = Test | Group;

// A SyntaxProblem has its place in UTF-16 units from the beginning.
export class SyntaxProblem extends Error {
	constructor(
		readonly kind: "character" | "string" | "end" | "close" | "open" | "function" | "few" | "many" | "argument" | "deep" | "comment",
		readonly at: number,
		readonly what = "",
	) {
		super(`${kind} at ${at}${what && `: ${what}`}`);
	}
}

type Token = { text: string; at: number; string?: string };

const escapes: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\" };

function lex(text: string): Token[] {
	const out: Token[] = [];
	let i = 0;
	while (i < text.length) {
		const c = text[i]!;
		const at = i;
		if (/\s/.test(c)) i++;
		else if (text.startsWith("&&", i) || text.startsWith("||", i)) {
			out.push({ text: text.slice(i, i + 2), at });
			i += 2;
		} else if (c === "#" || text.startsWith("//", i) || text.startsWith("/*", i)) throw new SyntaxProblem("comment", at);
		else if ("!(),".includes(c)) {
			out.push({ text: c, at });
			i++;
		} else if (c === '"') {
			const [value, end] = readString(text, i);
			out.push({ text: '"', at, string: value });
			i = end;
		} else {
			const word = /^[A-Za-z_]\w*/.exec(text.slice(i))?.[0];
			if (!word) throw new SyntaxProblem("character", at, c);
			out.push({ text: word, at });
			i += word.length;
		}
	}
	out.push({ text: "", at: text.length });
	return out;
}

// readString reads a string of HCL that begins at i and returns its value and
// where it ends.
function readString(text: string, i: number): [string, number] {
	const at = i++;
	let value = "";
	for (; i < text.length && text[i] !== '"'; i++) {
		const c = text[i]!;
		if (c === "\n") break;
		if (c === "\\") {
			const code = /^(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(text.slice(i + 1));
			if (code) {
				const point = Number.parseInt(code[1] ?? code[2]!, 16);
				if (point > 0x10ffff) throw new SyntaxProblem("string", i);
				value += String.fromCodePoint(point);
				i += code[0].length;
			} else {
				const plain = escapes[text[i + 1] ?? ""];
				if (plain === undefined) throw new SyntaxProblem("string", i);
				value += plain;
				i++;
			}
		} else if ((c === "$" || c === "%") && text[i + 1] === c && text[i + 2] === "{") {
			value += `${c}{`;
			i += 2;
		} else if ((c === "$" || c === "%") && text[i + 1] === "{") throw new SyntaxProblem("string", i);
		else value += c;
	}
	if (text[i] !== '"') throw new SyntaxProblem("string", at);
	return [value, i + 1];
}

// parse reads a condition; it throws a SyntaxProblem.
export function parse(text: string): Node {
	const tokens = lex(text);
	let i = 0;
	let depth = 0;
	const peek = () => tokens[i]!;
	const row = (op: "||" | "&&", kind: Group["kind"], one: () => Node): Node => {
		const parts = [one()];
		while (peek().text === op) {
			i++;
			parts.push(one());
		}
		return parts.length === 1 ? parts[0]! : { kind, not: false, parts };
	};
	const either = (): Node => row("||", "any", both);
	const both = (): Node => row("&&", "all", unary);
	const unary = (): Node => {
		const tok = tokens[i++]!;
		if (++depth > 128) throw new SyntaxProblem("deep", tok.at);
		try {
			if (tok.text === "!") {
				const n = unary();
				return { ...n, not: !n.not };
			}
			if (tok.text === "(") {
				const n = either();
				if (peek().text !== ")") throw new SyntaxProblem("close", peek().at, peek().text);
				i++;
				return n;
			}
			if (tok.text === "") throw new SyntaxProblem("end", tok.at);
			if (!/^\w/.test(tok.text)) throw new SyntaxProblem("character", tok.at, tok.text);
			return called(tok);
		} finally {
			depth--;
		}
	};
	const called = (name: Token): Test => {
		const spec = functions.get(name.text);
		if (!spec) throw new SyntaxProblem("function", name.at, name.text);
		if (peek().text !== "(") throw new SyntaxProblem("open", peek().at, name.text);
		i++;
		const args: string[] = [];
		while (peek().text !== ")") {
			const arg = tokens[i]!;
			if (arg.string === undefined) throw new SyntaxProblem(arg.text === "" ? "close" : "argument", arg.at, arg.text);
			args.push(arg.string);
			i++;
			if (peek().text === ",") i++;
			else if (peek().text !== ")") throw new SyntaxProblem("close", peek().at, peek().text);
		}
		i++;
		if (args.length < spec.min) throw new SyntaxProblem("few", name.at, name.text);
		if (args.length > spec.max) throw new SyntaxProblem("many", name.at, name.text);
		return { kind: "test", not: false, fn: name.text, args };
	};
	const n = either();
	if (peek().text !== "") throw new SyntaxProblem(peek().text === ")" ? "open" : "character", peek().at, peek().text);
	return n;
}

// quote writes a string of HCL.
export function quote(s: string): string {
	const plain = s.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n").replace(/\r/g, "\\r").replace(/\t/g, "\\t");
	return `"${plain.replace(/([$%])\{/g, "$1$1{").replace(/[\u0000-\u001f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

// print writes a condition with no more parentheses than it needs.
export function print(n: Node, within: "" | "all" | "any" | "not" = ""): string {
	if (n.not) return `!${print({ ...n, not: false }, "not")}`;
	if (n.kind === "test") return `${n.fn}(${n.args.map(quote).join(", ")})`;
	if (n.parts.length === 0) return "any()";
	if (n.parts.length === 1) return print(n.parts[0]!, within);
	const text = n.parts.map((p) => print(p, n.kind)).join(n.kind === "all" ? " && " : " || ");
	return within === "not" || within !== "" && within !== n.kind ? `(${text})` : text;
}

// opOf returns the operator of a test: a function whose name alone is given
// asks whether there is such a thing.
export function opOf(n: Test): Op {
	const spec = functions.get(n.fn);
	if (!spec) return "is";
	return spec.field.named && n.args.length === 1 && spec.min === 1 ? "exists" : spec.op;
}

// retarget gives a test another field or operator and keeps what still fits.
export function retarget(n: Test, field: Field, op: Op): Test {
	const had = functions.get(n.fn)!;
	const wanted: Op = op in field.ops ? op : (Object.keys(field.ops)[0] as Op);
	const fn = field.ops[wanted]!;
	if (wanted === "true") return { ...n, fn, args: [] };
	const name = field.named ? [had.field.named ? (n.args[0] ?? "") : ""] : [];
	let values = had.field.named ? n.args.slice(1) : n.args;
	if (had.op === "true" || values.length === 0) values = [""];
	if (wanted === "exists") values = [];
	if (functions.get(fn)!.max === 1) values = values.slice(0, 1);
	return { ...n, fn, args: [...name, ...values] };
}
