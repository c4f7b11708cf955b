// SPDX-License-Identifier: Apache-2.0
import "./dom";
import assert from "node:assert/strict";
import { test } from "node:test";
import { formOf, namesOf } from "../src/admin/requests";
import { hostOf, nextOf, rowsOf, stateOfCA } from "../src/admin/acmeblocks";
import { choose, common, found, goOn, recall, remember } from "../src/pages/cli";
import type { api } from "../src/kit";

const kept = new Map<string, string>();
Object.defineProperty(globalThis, "sessionStorage", { value: { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => kept.set(k, v) } });

const ways = (replaces: string, space: boolean, ...texts: string[]): api.Completions => ({ replaces, space, completions: texts.map((text) => ({ text })) });

test("a line goes on with what all completions have in common", () => {
	assert.equal(common(["shop/web1", "shop/web2"]), "shop/web");
	assert.equal(common([]), "");
	assert.equal(goOn("server dr", ways("dr", true, "drain")), "server drain ");
	assert.equal(goOn("server drain --dead", ways("--dead", false, "--deadline=")), "server drain --deadline=");
	assert.equal(goOn("server drain sh", ways("sh", true, "shop/web1", "shop/web2")), "server drain shop/web");
	assert.equal(goOn("server ", ways("", true, "drain", "enable")), "server ");
	assert.equal(goOn("show 'two w", ways("'two w", true, "'two words/a'")), "show 'two words/a' ");
	assert.equal(goOn("x", ways("x", true)), null);
});

test("a completion that is chosen stands in place of what it replaces, quotes and all", () => {
	const f = found("config show 'pool/two w", " -o json", ways("'pool/two w", true, "'pool/two words'", "'pool/two wings'"));
	assert.deepEqual(choose(f, "'pool/two words'"), { line: "config show 'pool/two words'  -o json", cursor: 29 });
	assert.deepEqual(choose(found("server drain sh", "", ways("sh", true, "shop/web1", "shop/web2")), "shop/web2"), { line: "server drain shop/web2 ", cursor: 23 });
	assert.deepEqual(choose(found("server drain --dea", "", ways("--dea", false, "--deadline=", "--dead")), "--deadline="), { line: "server drain --deadline=", cursor: 24 });
	assert.equal(choose(found("server ", "", ways("", true, "drain", "enable")), "enable").line, "server enable ");
});

test("lines are remembered once, the newest last, and bounded", () => {
	for (let i = 0; i < 150; i++) remember(`line ${i}`);
	remember("line 149");
	remember("line 60");
	const list = recall();
	assert.equal(list.length, 100);
	assert.deepEqual([list[0], list.at(-2), list.at(-1)], ["line 50", "line 149", "line 60"]);
	sessionStorage.setItem("evener.cli.", '{"not":"a list"');
	assert.deepEqual(recall(), []);
	sessionStorage.setItem("evener.cli.", '["a",7]');
	assert.deepEqual(recall(), ["a"]);
});

test("a request says nothing of what was left empty", () => {
	assert.deepEqual(namesOf(" a.example,\nb.example;  192.0.2.1\n"), ["a.example", "b.example", "192.0.2.1"]);
	const f = { name: " shop ", key: "ecdsa-p384" as const, names: "a.example", common_name: "", organization: " Shop Inc. ", unit: "", locality: "", province: "", country: "CH" };
	assert.deepEqual(formOf(f), { name: "shop", key: "ecdsa-p384", names: ["a.example"], organization: "Shop Inc.", country: "CH" });
});

test("a CA is as bad as the worst of its certificates", () => {
	const cert = (name: string, state: "waiting" | "ordering" | "issued" | "failed", next: string): [string, api.Certificate] =>
		[name, { name, source: "acme", state: "valid", names: [], used_by: [], acme: { state, next, failures: 0 } }];
	const values = {
		acme: [{ name: "le", directory: "https://acme.example/dir" }, { name: "other", directory: "no url" }],
		certificates: [{ name: "a", source: "acme", acme: "le" }, { name: "b", source: "acme", acme: "le" }, { name: "new", source: "acme", acme: "other" }, { name: "i", source: "imported" }],
	};
	const rows = rowsOf(values, new Map([cert("a", "issued", "2027-02-01T00:00:00Z"), cert("b", "failed", "2027-01-01T00:00:00Z"), cert("gone", "failed", "")]));
	assert.deepEqual(rows.map((r) => [r.name, stateOfCA(r), nextOf(r), r.certificates.map((c) => c.name).join()]), [["le", "failed", "2027-01-01T00:00:00Z", "a,b"], ["other", "", "", "new"]]);
	assert.deepEqual(rows.map((r) => hostOf(r.directory)), ["acme.example", "no url"]);
	assert.deepEqual(rowsOf({}, new Map()), []);
});
