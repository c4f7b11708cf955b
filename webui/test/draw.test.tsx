// SPDX-License-Identifier: Apache-2.0
import { settled } from "./dom";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { render } from "preact";
import { errorText } from "../src/components/errors";
import { Button } from "../src/components/button";
import { Table } from "../src/components/table";
import { Status } from "../src/components/status";
import { TextField } from "../src/components/form";
import { addTexts, lang } from "../src/i18n";
import { press, setSingleKeys } from "../src/keys";
import { Store } from "../src/live";
import { place, setQuery } from "../src/router";
import { hello } from "../src/session";
import { CallError, Code } from "../src/wire";

for (const l of ["en", "zh-Hans"]) {
	const read = (name: string) => JSON.parse(readFileSync(join(import.meta.webui, "src/locales", l, `${name}.json`), "utf8"));
	addTexts(l, { common: read("common"), errors: read("errors"), shell: read("shell") });
}

type Server = { name: string; conns: number; bad?: boolean };
let box: HTMLElement;
let store: Store<Server>;
let drawn: number;

const columns = [
	{ id: "name", head: "Name", by: (s: Server) => s.name, cell: (s: Server) => s.name },
	{ id: "conns", head: "Conns", num: true, by: (s: Server) => s.conns, cell: (s: Server) => { drawn++; return s.conns; } },
];

async function table(more: Partial<Parameters<typeof Table<Server>>[0]> = {}) {
	render(<Table<Server> name="servers" caption="Servers" source={store} columns={columns} problem={(s) => Boolean(s.bad)} empty={{ title: "No servers yet" }} {...more} />, box);
	await settled();
}
const names = () => [...box.querySelectorAll("tbody th")].map((e) => e.textContent);
const find = (text: string) => [...box.querySelectorAll("button")].find((b) => b.textContent === text)!;

beforeEach(() => {
	if (box) render(null, box);
	document.body.innerHTML = "<div></div>";
	box = document.body.firstElementChild as HTMLElement;
	store = new Store<Server>();
	place.value = { path: "/", query: {} };
	history.replaceState(null, "", "/");
	lang.value = "en";
	drawn = 0;
	setSingleKeys(true);
	hello.value = { product: "", version: "", hostname: "", time: "", ui_hash: "", features: [], setup: false, session: { id: "1", user: "ann", role: "viewer", idle: "30m" } };
});

test("a table redraws only the cells of what changed, and keeps its rows' order", async () => {
	store.reset({ a: { name: "a", conns: 1 }, b: { name: "b", conns: 2 } });
	setQuery({ sort: "-conns" });
	await table();
	assert.deepEqual(names(), ["b", "a"]);
	const before = drawn;
	const row = box.querySelector('tr[data-key="a"]');
	store.patch({ a: { conns: 9 } });
	await settled();
	assert.equal(drawn, before + 1);
	assert.deepEqual(names(), ["b", "a"], "rows do not jump");
	assert.equal(box.querySelector('tr[data-key="a"]'), row);
	assert.equal(row!.querySelector("td")!.textContent, "9");
	store.patch({ c: { name: "c", conns: 5 } });
	await settled();
	assert.deepEqual(names(), ["b", "a", "c"], "a new row stands at the end");
	find("Conns").click();
	await settled();
	assert.deepEqual(names(), ["b", "c", "a"], "ascending when asked for");
	assert.equal(box.querySelector("th[aria-sort]")!.getAttribute("aria-sort"), "ascending");
});

test("filters stand in the address and can exclude", async () => {
	store.reset({ a1: { name: "a1", conns: 1 }, a2: { name: "a2", conns: 2, bad: true }, b1: { name: "b1", conns: 3 } });
	await table();
	setQuery({ q: "a -2" });
	await settled();
	assert.deepEqual(names(), ["a1"]);
	assert.equal(location.search, "?q=a+-2");
	setQuery({ q: "", problems: "1" });
	await settled();
	assert.deepEqual(names(), ["a2"]);
	store.patch({ a2: { bad: false } });
	await settled();
	assert.match(box.textContent!, /Nothing here has a problem/);
	setQuery({ q: "zzz", problems: "" });
	await settled();
	assert.match(box.textContent!, /Nothing matches “zzz”/);
	find("Clear filter").click();
	await settled();
	assert.equal(names().length, 3);
});

test("a list says why it is empty", async () => {
	await table();
	assert.ok(box.querySelector("[aria-busy]"), "loading");
	store.error.value = new CallError(Code.forbidden, "x", { kind: "auth.role", args: { need: "admin", have: "viewer" } });
	await table();
	assert.match(box.textContent!, /Your role may not see this.*needs the role admin; you have viewer/);
	store.error.value = new CallError(Code.timeout, "x", { kind: "client.timeout", args: { seconds: 30 } });
	await table();
	assert.match(box.textContent!, /Not loaded: Servers.*did not answer within 30 seconds/);
	store.reset({});
	await table();
	assert.match(box.textContent!, /No servers yet/);
});

test("more than 200 rows come in pages", async () => {
	store.reset(Object.fromEntries(Array.from({ length: 450 }, (_, i) => [`s${i}`, { name: `s${i}`, conns: i }])));
	await table();
	assert.equal(names().length, 200);
	assert.match(box.textContent!, /Page 1 of 3/);
	[...box.querySelectorAll("button")].find((b) => b.getAttribute("aria-label") === "Next page")!.click();
	await settled();
	assert.equal(names()[0], "s200");
});

test("keys move, select and open", async () => {
	store.reset({ a: { name: "a", conns: 1 }, b: { name: "b", conns: 2 } });
	let opened = "";
	await table({ open: (_, key) => (opened = key), bulk: (keys) => <b id="bulk">{keys.join()}</b> });
	const type = (key: string, more: object = {}) => {
		const e = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
		(document.activeElement ?? document.body).dispatchEvent(e);
		return press(e as unknown as KeyboardEvent);
	};
	type("j");
	type("j");
	type("x");
	await settled();
	assert.equal(box.querySelector("#bulk")!.textContent, "b");
	type("Enter");
	assert.equal(opened, "b");
	assert.equal(type("j", { isComposing: true }), false, "an input method is composing");
	type("/");
	assert.equal((document.activeElement as HTMLInputElement).type, "search");
	setSingleKeys(false);
	(document.activeElement as HTMLElement).blur();
	assert.equal(type("j"), false, "keys of one letter are off");
});

test("names with markup are shown as text", async () => {
	const name = '<img src=x onerror="alert(1)">';
	store.reset({ [name]: { name, conns: 1 } });
	await table({ bulk: () => null });
	assert.equal(box.querySelector("img"), null);
	assert.equal(names()[0], name);
});

test("what a role may not do is there, does nothing, and says why", async () => {
	let clicks = 0;
	render(<Button need="operator" onClick={() => clicks++}>Drain</Button>, box);
	const b = box.querySelector("button")!;
	b.click();
	assert.equal(clicks, 0);
	assert.equal(b.getAttribute("aria-disabled"), "true");
	assert.equal(b.title, "needs the role operator");
	hello.value = { ...hello.value!, session: { ...hello.value!.session!, role: "editor" } };
	render(<Button need="operator" onClick={() => clicks++}>Drain</Button>, box);
	box.querySelector("button")!.click();
	assert.equal(clicks, 1);
});

test("errors are translated by kind, and else in the words of the box", () => {
	const e = new CallError(-32002, "server.drain needs the role operator", { kind: "auth.role", args: { need: "operator", have: "viewer" } });
	lang.value = "zh-Hans";
	assert.equal(errorText(e), "此操作需要角色“操作员”，您的角色是“查看者”。");
	lang.value = "en";
	assert.equal(errorText(new CallError(-32000, "the disk is full", { kind: "never.heard" })), "the disk is full");
	assert.equal(errorText(new CallError(-32002, "own words", { kind: "auth.role" })), "own words", "arguments are missing");
	assert.equal(errorText(new CallError(-32003, "x")), "Too many attempts. Wait a moment.");
});

test("a state has an icon and its word in both languages", () => {
	for (const [l, word] of [["en", "Draining"], ["zh-Hans", "排空中"]] as const) {
		lang.value = l;
		render(<Status word="draining" />, box);
		assert.equal(box.textContent, word);
		assert.ok(box.querySelector("svg.st-draining"));
		render(null, box);
	}
});

test("a field is tied to its label, help and mistake", () => {
	render(<TextField label="Weight" help="0 to 255" error="too large" value="300" onChange={() => {}} />, box);
	const input = box.querySelector("input")!;
	assert.equal(box.querySelector("label")!.getAttribute("for"), input.id);
	const said = input.getAttribute("aria-describedby")!.split(" ").map((id) => document.getElementById(id)!.textContent);
	assert.deepEqual(said, ["too large", "0 to 255"]);
	assert.equal(input.getAttribute("aria-invalid"), "true");
});
