// SPDX-License-Identifier: Apache-2.0
import { settled } from "./dom";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { render } from "preact";
import type * as api from "../src/api";
import { parseDiff } from "../src/components/text";
import { addTexts, lang } from "../src/i18n";
import { connection, hello } from "../src/session";
import { Forms } from "../src/standby/begin";
import { unified } from "../src/components/diff";
import { Group, placeOf, Where } from "../src/standby/groups";
import { Code } from "../src/standby/pair";
import { peerWord, sentences, type Standby } from "../src/standby/parts";
import { Differences } from "../src/standby/sync";

for (const l of ["en", "zh-Hans"]) {
	const file = (name: string) => JSON.parse(readFileSync(join(import.meta.webui, "src/locales", l, `${name}.json`), "utf8"));
	addTexts(l, Object.fromEntries(["common", "errors", "shell", "blocks", "standby"].map((n) => [n, file(n)])));
}

let box: HTMLElement;
let sent: { method: string; params: any }[];
let answers: Record<string, unknown>;
beforeEach(() => {
	if (box) render(null, box);
	document.body.innerHTML = "<div></div>";
	box = document.body.firstElementChild as HTMLElement;
	lang.value = "en";
	sent = [];
	answers = {};
	hello.value = { product: "", version: "", hostname: "", time: "", features: [], setup: false, session: { id: "1", user: "ann", role: "admin", idle: "30m" } };
	connection.call = (async (method: string, params: object) => {
		sent.push({ method, params });
		return answers[method] ?? {};
	}) as typeof connection.call;
});

const group = (more: Partial<api.HAGroup> = {}): api.HAGroup => ({
	name: "front", state: "backup", since: "2026-11-21T10:00:00Z", reason: "10.0.0.1 has priority 200, this box 90", active: "left", healthy: true, pinned: false, base: 150, priority: 90,
	parts: [{ cause: "engine", weight: 0, ok: true, detail: "it serves" }, { cause: "port lan2", weight: 60, ok: false, detail: "no link" }],
	routers: [], home: false, preferred: "left", homes: ["left", "right"], clusters: ["shop"], ...more,
});
const peer = (more: Partial<api.HAPeer> = {}): api.HAPeer => ({
	name: "left", address: "10.255.0.1:7460", paired: true, heartbeat: { seen: true, age: "10ms" },
	mirror: { connected: true, version: 1, software: "", lag: "1ms", acked: 1, queued: 0, problem: "" },
	groups: { front: { state: "active", priority: 200, healthy: true, reason: "all is well" } }, differences: { state: "in sync", objects: [], problem: "" }, ...more,
});
const pair = (groups: api.HAGroup[], peers: api.HAPeer[]): Standby => ({
	node: { configured: true, name: "right", simulated: false, summary: "", alarms: [], problem: "", realtime: true }, mirror: undefined, groups, peers,
});

const button = (name: string) => [...document.querySelectorAll("button")].find((b) => b.textContent?.includes(name))!;
const text = () => document.body.textContent!.replace(/\s+/g, " ");

test("the summary is in the page's language, a sentence for each group and box", () => {
	const s = pair([group(), group({ name: "back", state: "active", active: "right" }), group({ name: "dmz", state: "fault", reason: "no link" })], [peer(), peer({ name: "third", paired: false })]);
	assert.deepEqual(sentences(s), ["This box is active for back.", "It is on standby for front, which left serves.", "It cannot serve dmz: no link", "left is in sync.", "third is not paired: nothing is mirrored."]);
	lang.value = "zh-Hans";
	assert.equal(sentences(s)[1], "本设备是 front 的备用设备，主用设备为 left。");
	assert.equal(sentences(pair([group({ active: "" })], []))[0], "本设备是 front 的备用设备；没有已知的主用设备。");
});

test("another box is one of seven words", () => {
	const off = { ...peer().mirror, connected: false };
	const differs = (state: string) => peer({ differences: { state, objects: [], problem: "" } });
	assert.deepEqual([peer({ paired: false }), peer({ mirror: off }), peer({ mirror: off, heartbeat: { seen: false, age: "9s" } }), peer(), differs("conflict"), differs("unknown"), differs("mine newer")].map(peerWord),
		["unpaired", "half", "away", "in_sync", "conflict", "compared", "differs"]);
});

test("what a box told before it fell silent is not shown as if it were so", async () => {
	render(<Where s={pair([group()], [peer({ heartbeat: { seen: false, age: "9s" } })])} />, box);
	await settled();
	assert.match(text(), /frontStandbypriority 90not heard/);
	render(<Where s={pair([group()], [peer()])} />, box);
	await settled();
	assert.match(text(), /Activepriority 200/);
});

test("a group says why, and what its priority is made of", async () => {
	render(<Group g={group({ held: "left is well by its heartbeat" })} s={pair([group()], [peer()])} rehearse={() => {}} />, box);
	await settled();
	assert.match(text(), /Why it is on standby: 10\.0\.0\.1 has priority 200, this box 90/);
	assert.match(text(), /Takeover is held back: left is well by its heartbeat/);
	assert.match(text(), /Place in homes150choice 2 of 2/);
	assert.match(text(), /port lan2−60no link/);
	assert.deepEqual([200, 150, 100, 50].map(placeOf), [1, 2, 3, 4]);
});

test("a switch says where to, and asks for it by name", async () => {
	answers["ha.switch"] = { text: ["group front: handed over to right"] };
	render(<Group g={group()} s={pair([group()], [peer()])} rehearse={() => {}} />, box);
	await settled();
	button("Switch…").click();
	await settled();
	assert.match(text(), /right takes the addresses; new connections go there at once/);
	assert.doesNotMatch(text(), /may be refused/);
	button("Switch front to right").click();
	await settled();
	assert.deepEqual(sent.filter((c) => c.method === "ha.switch").map((c) => [c.params.group, c.params.node]), [["front", "right"]]);
});

test("a new group's name is taken only if somebody has typed that of another", async () => {
	answers = { "config.object": { path: "", blocks: ["node", "group/front"], base: 1 }, "port.list": { ports: [] }, "config.edit": { problems: [{ message: "group \"back\": wrong" }] } };
	render(<Forms open="group" onClose={() => {}} />, box);
	for (let i = 0; i < 3; i++) await settled();
	const fields = [...document.querySelectorAll<HTMLInputElement>("dialog input")];
	const fill = async (i: number, v: string) => {
		fields[i]!.value = v;
		fields[i]!.dispatchEvent(new Event("input", { bubbles: true }));
		await settled();
	};
	const says = () => /There is a group of this name/.test(text());
	assert.equal(fields.length, 5);
	assert.equal(says(), false, "untouched");
	await fill(0, "front");
	assert.equal(says(), true);
	for (const [i, v] of ["back", "left right", "1", "10", "192.0.2.9/24"].entries()) await fill(i, v);
	button("Put into the draft").click();
	await settled();
	assert.equal(sent.filter((c) => c.method === "config.edit").length, 1);
	assert.match(text(), /group "back": wrong/);
	assert.equal(says(), false, "it is not about itself");
});

test("the code stands in two groups of three, with who has confirmed", async () => {
	const p: api.HAPairing = { phase: "code", code: "123456", peer: "left", address: "10.255.0.1:7460", fingerprint: "", own: "", listen: "", confirmed_here: true, confirmed_there: false, problem: "" };
	render(<Code p={p} />, box);
	await settled();
	assert.deepEqual([...box.querySelectorAll(".standby-code span")].map((e) => e.textContent), ["123", "456"]);
	assert.equal(box.querySelector(".standby-code")!.getAttribute("aria-label"), "Code 1 2 3 4 5 6");
	assert.match(text(), /Confirmed here.*Not confirmed on left yet/);
});

test("only the objects that are chosen are taken, from the side that is chosen", async () => {
	answers["ha.sync.differences"] = { state: "conflict", problem: "", objects: [
		{ block: "pool", name: "shop", who: "both", mine: "pool \"shop\" {\n}\n", theirs: "pool \"shop\" {\n  policy = \"random\"\n}\n" },
		{ block: "engine", name: "", who: "theirs", theirs: "engine {}\n" }] };
	render(<Differences peer="left" onClose={() => {}} />, box);
	for (let i = 0; i < 5; i++) await settled();
	assert.match(text(), /changed on both boxes.*changed on left.*It is not on this box/);
	const act = () => button("equal");
	assert.equal(act().getAttribute("aria-disabled"), "true", "nothing is taken before somebody chooses a side");
	document.querySelectorAll<HTMLInputElement>('input[type="checkbox"]')[1]!.click();
	document.querySelectorAll<HTMLInputElement>('input[type="radio"]')[1]!.click();
	await settled();
	act().click();
	await settled();
	const { peer: from, take, objects } = sent.find((c) => c.method === "ha.sync.resolve")!.params;
	assert.deepEqual({ from, take, objects }, { from: "left", take: "theirs", objects: [{ block: "pool", name: "shop" }] });
});

test("a diff keeps the common lines", () => {
	const lines = (a: string, b: string) => parseDiff(unified(a, b)).map((l) => `${l.kind} ${l.text}`).slice(1);
	assert.deepEqual(lines("a\nb\nc\n", "a\nc\nd\n"), ["same a", "del b", "same c", "add d"]);
	assert.deepEqual(lines("", "a\n"), ["add a"]);
	assert.deepEqual(lines("a\n", ""), ["del a"]);
	assert.equal(unified("a\n", "a\n"), "");
	// Texts that are too long to compare line by line are shown whole.
	const long = "x\n".repeat(2500);
	assert.equal(parseDiff(unified(long, `${long}y\n`)).filter((l) => l.kind === "del").length, 2500);
});
