// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { build, type Wanted } from "../src/traffic/create";
import type { Config } from "../src/draft/draft";
import { fields, functions, parse, print, quote, retarget, SyntaxProblem, type Test } from "../src/traffic/expression";
import { block, difference, kindOf, none, read, renamed, show, shownOf } from "../src/draft/values";
import { rate } from "../src/traffic/rates";
import { compareHeads, readRequest, received, words } from "../src/traffic/request";

test("the functions are those of the box", () => {
	const go = readFileSync(join(import.meta.webui, "..", "firmware", "match", "functions.go"), "utf8");
	const lines = [...go.matchAll(/\{name: ("\w+"|fn\w+),(.*)example:/g)];
	const constant = new Map([...go.matchAll(/(fn\w+)\s+= "(\w+)"/g)].map((m) => [m[1]!, m[2]!]));
	const box = new Map(lines.map((m) => {
		const name = m[1]!.startsWith('"') ? m[1]!.slice(1, -1) : constant.get(m[1]!)!;
		const number = (key: string) => { const v = new RegExp(`${key}: (\\w+)`).exec(m[2]!)?.[1]; return v === "many" ? Infinity : Number(v ?? 0); };
		return [name, { min: number("min"), max: number("max"), named: /named: true/.test(m[2]!) }];
	}));
	assert.ok(box.size > 60);
	assert.deepEqual([...functions.keys()].sort(), [...box.keys()].sort());
	for (const [name, want] of box) {
		const got = functions.get(name)!;
		assert.deepEqual({ min: got.min, max: got.max, named: Boolean(got.field.named) }, want, name);
	}
});

test("conditions come back as they were written", () => {
	for (const text of [
		"any()",
		'path_prefix("/v1/")',
		'host("a.example.com") && path_prefix("/v1/", "/v2/")',
		'host("a") && (method("GET") || !tls()) && cookie("x")',
		'!(host("a") || host("b"))',
		'header_regex("User-Agent", "(Android|iPhone)\\\\d \\"x\\" $${a}")',
	]) assert.equal(print(parse(text)), text);
	assert.equal(print(parse('((host("a")))&&!!tls( )')), 'host("a") && tls()');
	assert.equal(print(parse('host("a") || tls() && any()')), 'host("a") || (tls() && any())');
	assert.deepEqual((parse('filename("\\u00e9\\n")') as Test).args, ["é\n"]);
});

test("any tree that is printed is read back as the same", () => {
	let seed = 7;
	const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
	const names = [...functions.keys()];
	const text = () => Array.from({ length: random(5) }, () => 'a"\\${%{\n\té界'[random(11)] ?? "x").join("");
	const make = (depth: number): ReturnType<typeof parse> => {
		const not = random(3) === 0;
		if (depth === 0 || random(2) === 0) {
			const fn = names[random(names.length)]!;
			const spec = functions.get(fn)!;
			return { kind: "test", not, fn, args: Array.from({ length: Math.min(spec.max, spec.min + random(3)) }, text) };
		}
		return { kind: random(2) ? "all" : "any", not, parts: [make(depth - 1), make(depth - 1)] };
	};
	for (let i = 0; i < 500; i++) {
		const once = print(make(4));
		assert.equal(print(parse(once)), once);
	}
});

test("mistakes have their kind and place", () => {
	const wrong = (text: string) => {
		try {
			parse(text);
		} catch (err) {
			assert.ok(err instanceof SyntaxProblem);
			return [err.kind, err.at];
		}
		return null;
	};
	assert.deepEqual(wrong('hots("a")'), ["function", 0]);
	assert.deepEqual(wrong('host("a") &&'), ["end", 12]);
	assert.deepEqual(wrong('host("a" && tls()'), ["close", 9]);
	assert.deepEqual(wrong('host("a'), ["string", 5]);
	assert.deepEqual(wrong("host()"), ["few", 0]);
	assert.deepEqual(wrong('tls("x")'), ["many", 0]);
	assert.deepEqual(wrong('header_prefix("a")'), ["few", 0]);
	assert.deepEqual(wrong("tls() # note"), ["comment", 6]);
	assert.deepEqual(wrong("host(a)"), ["argument", 5]);
	assert.deepEqual(wrong('host("${x}")'), ["string", 6]);
	assert.deepEqual(wrong("tls())"), ["open", 5]);
	assert.deepEqual(wrong("!".repeat(200) + "tls()"), ["deep", 128]);
});

test("another field keeps what fits", () => {
	const field = (id: string) => fields.find((f) => f.id === id)!;
	const a = parse('path_prefix("/a", "/b")') as Test;
	assert.equal(print(retarget(a, field("host"), "under")), 'host("/a", "/b")');
	assert.equal(print(retarget(a, field("header"), "is")), 'header("", "/a", "/b")');
	assert.equal(print(retarget(a, field("tls"), "is")), "tls()");
	const h = parse('header("X-A", "1")') as Test;
	assert.equal(print(retarget(h, field("cookie"), "contains")), 'cookie_substr("X-A", "1")');
	assert.equal(print(retarget(h, field("header"), "exists")), 'header("X-A")');
	assert.equal(print(retarget(parse('header("X-A")') as Test, field("header"), "ends")), 'header_suffix("X-A", "")');
});

test("what is pasted is understood", () => {
	assert.deepEqual(readRequest("https://www.example.com/a?b=1"), { method: "GET", url: "https://www.example.com/a?b=1", fields: [], client: "" });
	assert.deepEqual(readRequest("$ curl -sS -XPOST 'https://x.example/a b' \\\n  -H 'X-A: \"1\"' --cookie=k=v -d a=1 --max-time 3"), { method: "POST", url: "https://x.example/a b", fields: ['X-A: "1"', "Cookie: k=v"], client: "" });
	assert.deepEqual(readRequest('curl -G -d q=1 -d r=2 x.example/s -A "me/1" -u a:b'), { method: "GET", url: "http://x.example/s?q=1&r=2", fields: ["User-Agent: me/1", "Authorization: Basic YTpi"], client: "" });
	assert.equal(readRequest("curl -I http://x/")?.method, "HEAD");
	assert.deepEqual(readRequest("PUT /a HTTP/1.1\r\nHost: x.example\r\nCookie: a=b\r\n\r\nbody: no"), { method: "PUT", url: "http://x.example/a", fields: ["Cookie: a=b"], client: "" });
	for (const no of ["", "hello", "curl", "GET /a HTTP/1.1\nno field"]) assert.equal(readRequest(no), null, no);
	assert.deepEqual(words("a 'b c' \"d \\\" e\" f\\ g $'h\\ti' ''"), ["a", "b c", 'd " e', "f g", "h\ti", ""]);
});

test("heads are compared by field, not by place", () => {
	const from = received({ method: "GET", url: "http://x.example/a?b", fields: ["Cookie: a=b", "X-Old: 1"], client: "" });
	assert.equal(from, "GET /a?b HTTP/1.1\nHost: x.example\nCookie: a=b\nX-Old: 1\n");
	const c = compareHeads(from, "GET /a?b HTTP/1.1\r\ncookie: a=b\r\nHost: x.example\r\nVia: 1.1 box\r\n\r\n");
	assert.deepEqual(c.from.map((l) => l.kind), ["same", "same", "same", "removed"]);
	assert.deepEqual(c.to.map((l) => l.kind), ["same", "same", "same", "added"]);
});

test("attributes are shown and written back", () => {
	assert.equal(show("text", '"a \\"b\\""'), 'a "b"');
	assert.equal(show("text", '"${x}"'), null);
	assert.equal(show("lines", '["a", "b",]'), "a\nb");
	assert.equal(show("lines", '[a, "b"]'), null);
	assert.equal(show("bool", "maybe"), null);
	assert.equal(show("lines", "[]"), none);
	assert.equal(show("numbers", "[200, 204]"), "200\n204");
	assert.equal(show("pairs", "{ team = upper(x) }", { team: "X" }), "team = X");
	assert.equal(show("pairs", "{}", undefined), null);
	assert.deepEqual(read("lines", " a \n\nb"), ["a", "b"]);
	assert.deepEqual(read("lines", none), []);
	assert.equal(kindOf({ kind: "list of addresses" }), "lines");
	assert.equal(kindOf({ kind: "condition" }), "raw");
	assert.equal(block("server", 'a"b', [["address", quote("x:1")], ["description", ""]]), 'server "a\\"b" {\n  address = "x:1"\n}\n');
	assert.equal(renamed('# the shop\n# cluster "no"\ncluster "shop" {\n  pool = "shop"\n}\n', "cluster", "two"), '# the shop\n# cluster "no"\ncluster "two" {\n  pool = "shop"\n}\n');
	assert.throws(() => renamed("# nothing", "cluster", "x"));
});

test("an edit has only what differs", () => {
	const word = (name: string, kind: string) => ({ name, kind, purpose: "" });
	const attrs = { listen: '["127.0.0.1:1"]', loops: "2", when: "lower(x)" };
	const list = [word("listen", "list of single addresses"), word("loops", "whole number"), word("on", "true or false"), word("path", "string"), word("when", "string")].map((k) => shownOf(k, attrs, null));
	assert.deepEqual(list.map((f) => [f.kind, f.shown]), [["lines", "127.0.0.1:1"], ["number", "2"], ["bool", ""], ["text", ""], ["raw", "lower(x)"]], "an expression is left as it is written");
	assert.deepEqual(difference(list, { loops: "2", path: "" }), { set: {}, hcl: {}, unset: [] });
	assert.deepEqual(difference(list, { listen: "127.0.0.1:1\n 127.0.0.1:2 ", loops: "", on: "false", path: " x ", when: "upper(x)" }), {
		set: { listen: ["127.0.0.1:1", "127.0.0.1:2"], on: false, path: " x " }, hcl: { when: "upper(x)" }, unset: ["loops"],
	});
	assert.deepEqual(difference(list, { listen: none }), { set: { listen: [] }, hcl: {}, unset: [] });
	assert.equal(difference(list, { loops: "many" }).set["loops"], "many", "the box says what is wrong with it");
});

test("a rate is what a counter grew by", () => {
	assert.equal(rate([{ at: 0, n: 5 }]), undefined);
	assert.equal(rate([{ at: 0, n: 5 }, { at: 2000, n: 25 }]), 10);
	assert.equal(rate([{ at: 0, n: 500 }, { at: 1000, n: 0 }, { at: 3000, n: 8 }]), 4);
});

test("a cluster from a template is told the client's address, and its redirect has nothing idle", () => {
	const config = { base: 1, values: { clusters: [], pools: [], servers: [], certificates: [] } } as unknown as Config;
	const wanted: Wanted = { template: "https", name: "shop", address: "192.0.2.1", port: 443, pool: "app", servers: [], path: "/", certificate: "", redirect: true, sticky: false };
	const texts = (w: Partial<Wanted>) => build({ ...wanted, ...w }, config).map((e) => e.text ?? "");
	const [cluster = "", redirect = ""] = texts({});
	assert.match(cluster, /client_ip = true/);
	assert.match(redirect, /redirect_https = 301/);
	assert.doesNotMatch(redirect, /pool|client_ip/);
	assert.match(texts({ template: "http" })[0]!, /client_ip = true/);
	for (const template of ["tcp", "udp"] as const) assert.doesNotMatch(texts({ template })[0]!, /client_ip/);
});
