// SPDX-License-Identifier: Apache-2.0
import { settled } from "./dom";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join as path } from "node:path";
import { beforeEach, test } from "node:test";
import { render } from "preact";
import type * as api from "../src/api";
import { BlockDialog } from "../src/draft/blockdialog";
import { mistakes, words } from "../src/draft/draft";
import { plain, read, wrongValue } from "../src/draft/values";
import { DrainDialog, Progress, takeOut } from "../src/components/drain";
import { left, note, pace, slope } from "../src/components/draining";
import { brief, errorShare, lastProbe, MembersTable, stand } from "../src/components/members";
import { poolState, usesOf } from "../src/components/poolstate";
import { Exchange } from "../src/components/probing";
import { nodeState, serverSource } from "../src/components/servers";
import { join, rangeOf } from "../src/components/trend";
import { addTexts, lang } from "../src/i18n";
import { Store } from "../src/live";
import { counts } from "../src/pages/pools";
import { definitions, question } from "../src/pages/probes";
import { place } from "../src/router";
import { connection, hello } from "../src/session";
import { CallError } from "../src/wire";

for (const l of ["en", "zh-Hans"]) {
	const file = (name: string) => JSON.parse(readFileSync(path(import.meta.webui, "src/locales", l, `${name}.json`), "utf8"));
	addTexts(l, Object.fromEntries(["common", "errors", "shell", "members", "blocks", "pools", "pool", "servers", "server", "probes"].map((n) => [n, file(n)])));
}

const rate: api.Rate = { requests: 10, errors: 1, connections: 3, bytes_in: 0, bytes_out: 0, p95: 0.04 };
const member = (name: string, more: Partial<api.LiveMember> = {}): api.LiveMember => ({
	pool: "app", name, address: "192.0.2.1:80", state: "up", health: "up", reason: "http: status 200 OK", since: "2026-11-21T10:00:00Z", admin: "enabled", static: 100, weight: 100, active: 3, open: 5,
	picked: 1, failed: 0, p95: "40ms", spare: false, keep_sticky: false, sticky: 2, cookies: false, rate, probes: [], ...more,
});
const effect = (name: string, more: Partial<api.ServerPreviewEffect> = {}): api.ServerPreviewEffect => ({ member: `app/${name}`, state: "up", active: 41, open: 50, sticky: 7, share: 0.25, left: 3, total: 4, ...more });

let box: HTMLElement;
let answers: Record<string, (p: any) => unknown>;
let asked: { method: string; params: any }[];

beforeEach(() => {
	if (box) render(null, box);
	document.body.innerHTML = "<div></div>";
	box = document.body.firstElementChild as HTMLElement;
	(HTMLElement.prototype as any).showModal ??= function (this: HTMLElement) { this.setAttribute("open", ""); };
	(HTMLElement.prototype as any).close ??= function (this: HTMLElement) { this.removeAttribute("open"); };
	place.value = { path: "/pools/app", query: {} };
	lang.value = "en";
	asked = [];
	answers = {};
	hello.value = { product: "", version: "", hostname: "", time: "", features: [], setup: false, session: { id: "1", user: "ann", role: "operator", idle: "30m" } };
	connection.call = (async (method: string, params: unknown) => {
		asked.push({ method, params });
		const a = answers[method];
		if (!a) throw new CallError(-32601, `no ${method}`, { kind: "method.unknown" });
		return a(params);
	}) as typeof connection.call;
});

// What waits long must not keep the tests alive.
const later = globalThis.setTimeout;
globalThis.setTimeout = ((run: () => void, ms?: number) => {
	const timer = later(run, ms) as unknown as { unref(): void };
	if ((ms ?? 0) >= 2000) timer.unref();
	return timer;
}) as unknown as typeof setTimeout;

async function shows(text: RegExp): Promise<void> {
	for (let i = 0; i < 50 && !text.test(box.textContent!); i++) await settled();
	assert.match(box.textContent!, text);
}

const buttons = () => [...document.querySelectorAll("button")];
const button = (text: string) => buttons().find((b) => b.textContent === text)!;

test("a drain is of one kind, with what was chosen and no more", async () => {
	for (const m of ["server.drain", "server.quiesce", "server.disable"]) answers[m] = () => ({ results: [] });
	await takeOut({ members: ["app/a1"] }, { mode: "keep-sticky", minutes: 15, cut: false, reason: "", force: false });
	await takeOut({ members: ["app/a1"] }, { mode: "keep-sticky", minutes: 5, cut: true, reason: "", force: false });
	await takeOut({ server: "a1" }, { mode: "ignore-sticky", minutes: null, cut: true, reason: "disk", force: true });
	await takeOut({ members: ["app/a1"] }, { mode: "now", minutes: 15, cut: false, reason: "", force: false });
	await takeOut({ members: ["app/a1"] }, { mode: "now", minutes: 15, cut: true, reason: "", force: false });
	assert.deepEqual(asked, [
		{ method: "server.drain", params: { members: ["app/a1"], mode: "keep-sticky", deadline: "15m" } },
		{ method: "server.drain", params: { members: ["app/a1"], mode: "keep-sticky", deadline: "5m", cut: true } },
		{ method: "server.quiesce", params: { server: "a1", reason: "disk", force: true, ignore_sticky: true } },
		{ method: "server.disable", params: { members: ["app/a1"] } },
		{ method: "server.disable", params: { members: ["app/a1"], cut: true } },
	]);
});

test("the dialog shows what runs and what is left, in both languages", async () => {
	answers["server.preview"] = () => ({ effects: [effect("a1")], guarded: false });
	for (const [l, text] of [["en", "3 of 4 servers remain for new clients; what goes had 25 %"], ["zh-Hans", "剩余 3 / 4 台服务器接收新客户端"]] as const) {
		lang.value = l;
		render(<DrainDialog targets={{ members: ["app/a1"] }} mode="keep-sticky" onClose={() => {}} />, box);
		await shows(new RegExp(text));
		assert.match(box.querySelector("tbody")!.textContent!, /41.*50.*7/);
		render(null, box);
	}
});

test("the last server needs a tick before the button does anything", async () => {
	let closed = 0;
	answers["server.preview"] = () => ({ effects: [effect("a1", { left: 0, last: true })], guarded: true });
	answers["server.drain"] = () => ({ results: [effect("a1")] });
	render(<DrainDialog targets={{ members: ["app/a1"] }} mode="keep-sticky" onClose={() => closed++} />, box);
	await shows(/Nobody would be left in app/);
	assert.doesNotMatch(box.textContent!, /no server remains/, "it is said once");
	button("Drain a1").click();
	await settled();
	assert.equal(asked.filter((a) => a.method === "server.drain").length, 0);
	const tick = [...box.querySelectorAll("label")].find((x) => x.textContent!.includes("Do it all the same"))!.querySelector("input")!;
	tick.checked = true;
	tick.dispatchEvent(new Event("change", { bubbles: true }));
	await settled();
	button("Drain a1").click();
	for (let i = 0; i < 50 && closed === 0; i++) await settled();
	assert.equal(asked.find((a) => a.method === "server.drain")!.params.force, true);
	assert.equal(closed, 1);
});

test("a refusal by the box is shown, and the dialog stays", async () => {
	answers["server.preview"] = () => ({ effects: [effect("a1")], guarded: false });
	answers["server.drain"] = () => { throw new CallError(-32020, "nobody would be left in pool app", { kind: "guard.last_server" }); };
	render(<DrainDialog targets={{ members: ["app/a1"] }} mode="keep-sticky" onClose={() => assert.fail("closed")} />, box);
	await shows(/remain/);
	button("Drain a1").click();
	await shows(/Not done/);
	assert.match(box.textContent!, /Do it all the same/);
});

test("a viewer sees the dialog and cannot drain", async () => {
	hello.value = { ...hello.value!, session: { ...hello.value!.session!, role: "viewer" } };
	answers["server.preview"] = () => ({ effects: [effect("a1")], guarded: false });
	render(<DrainDialog targets={{ members: ["app/a1"] }} mode="keep-sticky" onClose={() => {}} />, box);
	await shows(/remain/);
	button("Drain a1").click();
	await settled();
	assert.equal(asked.filter((a) => a.method !== "server.preview").length, 0);
	assert.equal(button("Drain a1").title, "needs the role operator");
});

test("the pace is a slope, and noise is none", () => {
	assert.equal(slope([{ at: 0, left: 9 }, { at: 4, left: 1 }]), undefined, "too short");
	assert.ok(Math.abs(slope([0, 1, 2, 3, 4, 5, 6].map((at) => ({ at, left: 60 - 2 * at })))! - 2) < 1e-9);
	for (let at = 0; at <= 30; at++) note("app/falls", 100 - at, at);
	assert.deepEqual(pace("app/falls", 70), { perMinute: 60, eta: 70 });
	for (let at = 0; at <= 30; at++) note("app/noise", at % 2, at);
	assert.deepEqual(pace("app/noise", 1), { perMinute: 0 });
	for (let at = 0; at <= 30; at++) note("app/grows", 10 + at, at);
	assert.deepEqual(pace("app/grows", 40), { perMinute: 0 });
	assert.deepEqual(pace("app/new", 5), {});
});

test("what is left counts sticky clients only where they may come back", () => {
	assert.equal(left(member("a", { active: 3, sticky: 9, keep_sticky: true })), 12);
	assert.equal(left(member("a", { active: 3, sticky: 9, keep_sticky: false })), 3);
});

test("progress lists what drains, and Cancel brings it back", async () => {
	const s = new Store<api.LiveMember>();
	s.reset({ "app/a1": member("a1", { admin: "quiesced", admin_by: "ann", admin_reason: "disk" }), "app/a2": member("a2") });
	answers["server.cancel"] = () => ({ results: [] });
	render(<Progress source={s} keys={["app/a1", "app/a2"]} />, box);
	await settled();
	assert.equal(box.querySelectorAll("li").length, 1);
	assert.match(box.textContent!, /a1.*ann: disk.*3 requests run, 2 sticky/);
	button("Cancel drain").click();
	await settled();
	assert.deepEqual(asked, [{ method: "server.cancel", params: { member: "app/a1" } }]);
	s.patch({ "app/a1": { active: 0, sticky: 0 } });
	await settled();
	await shows(/Empty: nothing runs on it/);
	s.patch({ "app/a1": { admin: "enabled" } });
	await settled();
	assert.equal(box.textContent, "");
});

test("health, admin state and role stand apart; names with markup are text", async () => {
	const name = "<img src=x onerror=alert(1)>";
	const s = new Store<api.LiveMember>();
	s.reset({ [`app/${name}`]: member(name, { health: "down", state: "down", admin: "disabled", spare: true }) });
	for (const [l, words] of [["en", ["Down", "Disabled", "Hot spare"]], ["zh-Hans", ["故障", "停用", "备用"]]] as const) {
		lang.value = l;
		render(<MembersTable source={s} caption="x" link={() => "/"} opened="" empty={{ title: "-" }} />, box);
		await settled();
		const cells = [...box.querySelectorAll("tbody tr > *")].map((c) => c.textContent!);
		assert.equal(cells[1], `${name}192.0.2.1:80`);
		assert.ok(cells[2]!.startsWith(words[0]) && cells[3]!.startsWith(words[1]) && cells[4] === words[2], cells.join("|"));
		assert.equal(box.querySelector("img"), null);
		render(null, box);
	}
});

test("an empty pool says what to do, an error what failed", async () => {
	const s = new Store<api.LiveMember>();
	s.reset({});
	render(<MembersTable source={s} caption="Servers" link={() => "/"} opened="" empty={{ title: "No servers in this pool yet" }} />, box);
	await settled();
	assert.match(box.textContent!, /No servers in this pool yet/);
	render(null, box);
	const broken = new Store<api.LiveMember>();
	broken.error.value = new CallError(-32002, "no", { kind: "auth.role", args: { need: "viewer", have: "nobody" } });
	render(<MembersTable source={broken} caption="Servers" link={() => "/"} opened="" empty={{ title: "-" }} />, box);
	await settled();
	assert.match(box.textContent!, /Your role may not see this/);
});

test("states of members, servers and pools", () => {
	assert.equal(stand(member("a", { admin: "quiesced", active: 1 })).word, "draining");
	assert.equal(stand(member("a", { admin: "quiesced", active: 0 })).word, "quiesced");
	assert.equal(stand(member("a", { state: "spare", spare: true })).word, "spare");
	assert.equal(errorShare({ ...rate, requests: 0, errors: 0 }), undefined);
	const pool = (tier: string, states: Record<string, number>): api.LivePool => ({ name: "app", policy: "x", tier, states, members: Object.values(states).flatMap((n) => Array(n).fill("m")), rate });
	assert.deepEqual([pool("none", { down: 2 }), pool("quiesced", { quiesced: 1 }), pool("spare", { down: 1, up: 1 }), pool("regular", { up: 4, down: 1 }), pool("regular", { up: 2 })].map((p) => poolState(p).rank), [0, 1, 1, 2, 3]);
	assert.deepEqual(counts(pool("regular", { up: 3, checking: 1, quiesced: 1 })), { up: 3, unknown: 1, draining: 1 });
	assert.deepEqual(usesOf({ clusters: [{ name: "c", pool: "app", rules: [{ name: "r", pool: "app" }, { name: "s", pool: "b" }] }] }, "app"), ["c", "c/r"]);
});

test("a server is the sum of its members, and those in no pool are there", () => {
	const s = new Store<api.LiveMember>();
	s.reset({ "app/a1": member("a1"), "api/a1": { ...member("a1", { health: "down", state: "down" }), pool: "api" } });
	const nodes = serverSource(s, [{ name: "idle", address: "192.0.2.9:80" }]);
	assert.deepEqual([...nodes.keys.value], ["idle", "a1"]);
	const a1 = nodes.get("a1")!;
	assert.equal(a1.value.rate.requests, 20);
	assert.equal(nodeState(a1.value).word, "degraded");
	s.patch({ "app/a1": { active: 10 } });
	assert.equal(a1.value.active, 13);
	assert.equal(nodes.get("idle")!.value.address, "192.0.2.9:80");
	assert.equal(nodes.get("nobody"), undefined);
});

test("the last probe is the bad one, in few words", () => {
	const p = (outcome: string): api.LiveProbe => ({ name: outcome, type: "http", state: "up", deciding: true, at: "2026-11-21T10:00:00Z", outcome, took: "4ms" });
	assert.equal(lastProbe(member("a", { probes: [p("good"), p("bad")] }))!.outcome, "bad");
	assert.equal(lastProbe(member("a", { probes: [{ name: "x", type: "tcp", state: "checking", deciding: true, took: "0s" }] })), undefined);
	assert.equal(brief({ reason: "http-2: connect 192.0.2.1:80: connection refused (3 of 3)" }, "reason"), "connection refused (3 of 3)");
	assert.equal(brief({ detail: 'status 200 OK, found "ok" in the body' }, "detail"), "200 OK");
});

test("health checks are named as the box names them", () => {
	const d = definitions({ pools: [{ name: "app", members: [{ server: "a", dont_probe: false }, { server: "b", dont_probe: true }], probes: [{ type: "tcp" }, { type: "http", method: "GET", path: "/h", expect: "ok" }, { type: "tcp" }] }] });
	assert.deepEqual(d.map((x) => [x.key, x.path]), [["app/tcp", "pool/app/probe/tcp"], ["app/http", "pool/app/probe/http"], ["app/tcp-2", "pool/app/probe/tcp#2"]]);
	assert.deepEqual(d[0]!.members, ["app/a"]);
	assert.equal(question(d[1]!.config), "GET /h, expects “ok”");
	lang.value = "zh-Hans";
	assert.equal(question(d[0]!.config), "建立连接");
});

test("an exchange shows what was sent and received, as text", async () => {
	render(<Exchange open x={{ probe: "http", address: "192.0.2.1:80", outcome: "bad", detail: "status 500", verdict: "down", took: "4ms", connect: "1ms", first_byte: "3ms", sent: "GET / HTTP/1.1", sent_bytes: 14, received: "<script>x</script>", received_bytes: 18 }} />, box);
	await settled();
	assert.equal(box.querySelector("script"), null);
	assert.match(box.textContent!, /Bad http status 500.*Sent, 14 bytesGET \/ HTTP\/1.1.*<script>x<\/script>/);
});

test("values of fields are read, shown and refused", () => {
	const k = (kind: string, more: Partial<api.Keyword> = {}): api.Keyword => ({ name: "x", kind, purpose: "", ...more });
	assert.deepEqual(read("numbers", "200, 204"), [200, 204]);
	assert.deepEqual(read("pairs", "team = shop, site=b"), { team: "shop", site: "b" });
	assert.equal(read("pairs", "team"), undefined);
	assert.equal(read("text", "10s"), "10s");
	assert.equal(plain({ team: "shop" }), "team = shop");
	assert.equal(wrongValue(k("whole number", { min: "0", max: "200" }), "900"), "must be 0 to 200");
	assert.equal(wrongValue(k("whole number"), "many"), "must be a whole number");
	assert.equal(wrongValue(k("address", { required: true }), ""), "is needed");
	assert.equal(wrongValue(k("whole number", { min: "0", max: "200" }), "20"), "");
});

test("mistakes of the box go to their fields", () => {
	assert.equal(words("pool/shop/probe/http#2"), 'pool "shop" probe "http" #2');
	const d = { base: 1, running: 1, problems: [{ message: 'pool "shop" member "web1": weight must be 0 to 200, not 900' }, { message: 'server "web1": address is missing' }, { message: "old", warning: true }] };
	const found = mistakes(d, "pool/shop/member/web1", ["weight", "hot_spare"]);
	assert.deepEqual(found.own, { weight: "weight must be 0 to 200, not 900" });
	assert.equal(found.rest.length, 1);
});

test("histories of several objects share one row of times", () => {
	const table = (from: string, values: (number | null)[]): api.HistoryTable => ({ from, step: "5s", metrics: ["requests"], columns: [values] });
	assert.deepEqual(join([{ id: "a", table: table("2026-11-21T10:00:00Z", [1, 2, 3]) }, { id: "b", table: table("2026-11-21T10:00:05Z", [7, null]) }]).cols, { a: [2, 3], b: [7, null] });
	assert.equal(rangeOf("1h"), "1h");
	assert.equal(rangeOf("never"), "5m");
});

const language = { blocks: [
	{ name: "pool", purpose: "", keywords: [{ name: "policy", kind: "string", one_of: ["round_robin", "adaptive"], default: "round_robin", purpose: "How." }] },
	{ name: "member", in: ["pool"], purpose: "", keywords: [{ name: "weight", kind: "whole number", min: "0", max: "200", default: "100", purpose: "Share." }] },
] };

function fill(label: string, value: string): void {
	const input = [...box.querySelectorAll<HTMLInputElement>(".field")].find((f) => f.querySelector("label")!.textContent!.startsWith(label))!.querySelector("input")!;
	input.value = value;
	input.dispatchEvent(new Event("input", { bubbles: true }));
}

test("a form sends only what differs, and keeps mistakes in sight", async () => {
	answers["config.language"] = () => language;
	let version = "v1";
	let attrs: Record<string, string> = { weight: "50" };
	answers["config.object"] = ({ path }) => ({ path, text: "", attrs: path === "pool/app/member/a1" ? attrs : {}, values: {}, blocks: path === "pool/app" ? ["pool/app/member/a1"] : [], line: 1, on: "candidate", base: 4, version });
	answers["config.values"] = () => ({ values: {}, on: "running", base: 4 });
	let problems: api.Problem[] = [{ message: 'pool "app" member "a1": weight must be 0 to 9' }];
	answers["config.edit"] = () => {
		version = "v2";
		attrs = { weight: "70" };
		return { base: 4, version, running: 4, problems };
	};
	hello.value = { ...hello.value!, session: { ...hello.value!.session!, role: "editor" } };
	let closed = 0;
	render(<BlockDialog subject={{ block: "member", path: "pool/app/member/a1" }} onClose={() => closed++} />, box);
	await shows(/Weight/);
	fill("Weight", "900");
	await settled();
	button("Save to draft").click();
	await shows(/must be 0 to 200/);
	assert.equal(asked.filter((a) => a.method === "config.edit").length, 0, "it is not even sent");
	fill("Weight", "70");
	await settled();
	button("Save to draft").click();
	await shows(/weight must be 0 to 9.*It cannot be committed/s);
	assert.equal(closed, 0);
	problems = [];
	fill("Weight", "");
	await settled();
	button("Save to draft").click();
	for (let i = 0; i < 50 && closed === 0; i++) await settled();
	assert.deepEqual(asked.filter((a) => a.method === "config.edit").map((a) => a.params), [
		{ base: 4, version: "v1", edits: [{ op: "patch", path: "pool/app/member/a1", set: { weight: 70 }, unset: [] }] },
		{ base: 4, version: "v2", edits: [{ op: "patch", path: "pool/app/member/a1", set: {}, unset: ["weight"] }] },
	]);
	assert.equal(closed, 1);
});
