// SPDX-License-Identifier: Apache-2.0
//
// The logic of the overview, topology, charts, events and logs.
import "./dom";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { actionOf, reasonOf, sorted, titleOf } from "../src/components/attention";
import { hitRate, poolState, worst } from "../src/components/flow";
import { build, choose, crossings, layout, order, thickness } from "../src/components/graph";
import { eventText } from "../src/components/happened";
import { add, address, fits, fromQuery, narrower, type Term, toBox, toQuery } from "../src/components/logfilter";
import { objectHref, objectName } from "../src/components/object";
import { spanOf } from "../src/components/window";
import { addTexts, lang } from "../src/i18n";
import { knows, marksOf, tableTicks } from "../src/pages/charts";
import { filterOf, fitsRest, join as joinEvents } from "../src/pages/events";
import { asCSV, testLink } from "../src/pages/logs";
import { isFresh, means, tally } from "../src/pages/overview";

for (const l of ["en", "zh-Hans"]) {
	const read = (name: string) => JSON.parse(readFileSync(join(import.meta.webui, "src/locales", l, `${name}.json`), "utf8"));
	addTexts(l, { common: read("common"), overview: read("overview"), shell: read("shell") });
}
beforeEach(() => (lang.value = "en"));

const down = { kind: "member.down", severity: "error", object: "pool/shop/member/web4", args: { pool: "shop", member: "web4", why: "down since 2026-11-21 10:49:38 UTC: http: connection refused (3 of 3)" }, text: "words", since: "2026-11-21T10:49:38Z" };

test("a problem says what, why and where to go, in both languages", () => {
	assert.equal(titleOf(down), "web4 in pool shop is down");
	assert.equal(reasonOf(down), "http: connection refused (3 of 3)");
	assert.deepEqual(actionOf(down), { href: "/pools/shop?server=web4", text: "overview.show_server" });
	lang.value = "zh-Hans";
	assert.equal(titleOf(down), "服务器池 shop 中的 web4 故障");
	assert.equal(titleOf({ ...down, kind: "new.kind" }), "words", "a kind that the console does not know yet");
	assert.equal(titleOf({ ...down, args: {} }), "words", "arguments that are missing");
});

test("errors come before warnings, and the newest first", () => {
	const at = (severity: string, since: string) => ({ p: { ...down, severity, since } });
	const list = sorted([at("warning", "2026-11-21T12:00:00Z"), at("error", "2026-11-21T10:00:00Z"), at("error", "2026-11-21T11:00:00Z")]);
	assert.deepEqual(list.map((x) => `${x.p.severity} ${x.p.since.slice(11, 13)}`), ["error 11", "error 10", "warning 12"]);
});

test("a server in several pools counts once, by its worst state", () => {
	assert.deepEqual(tally([{ name: "a", state: "up" }, { name: "a", state: "down" }, { name: "b", state: "up" }, { name: "c", state: "quiesced" }]), { total: 3, up: 1, by: { down: 1, up: 1, quiesced: 1 } });
	assert.equal(tally([{ name: "a", state: "checking", probes: [] }]).up, 1, "nobody asks it");
	assert.equal(tally([{ name: "a", state: "checking", probes: [{}] }]).up, 0);
});

test("means leave gaps as gaps", () => {
	assert.deepEqual(means([1, 3, null, null, 5, null], 2), [2, null, 5]);
	assert.deepEqual(means([9, 1, 3], 2), [2], "what does not fill a mean is left out at the old end");
});

test("events read in the language of the page", () => {
	const e = { kind: "config.committed", args: { revision: 1700, by: "ann", comment: "more" }, text: "revision 1700 was committed by ann: more" };
	assert.equal(eventText(e), e.text);
	lang.value = "zh-Hans";
	assert.equal(eventText(e), "版本 1700 由 ann 提交：more");
	assert.equal(eventText({ ...e, kind: "x.y" }), e.text);
	assert.equal(eventText({ ...e, args: { revision: 1 } }), e.text, "the box left out an argument");
});

test("objects have names and pages", () => {
	assert.equal(objectName("pool/shop/member/web2"), "shop/web2");
	assert.equal(objectHref("cluster/<b>"), "/clusters/%3Cb%3E");
	assert.equal(objectHref("nothing/x"), undefined);
	assert.equal(objectHref(undefined), undefined);
});

const shape = {
	clusters: [{ name: "a", pool: "p" }, { name: "b", pool: "q" }],
	rules: [{ cluster: "a", name: "r", pool: "q" }, { cluster: "a", name: "gone", pool: "missing" }, { cluster: "b", name: "sorry", responder: "s" }],
	pools: [{ name: "p", members: ["w1", "w2"] }, { name: "q", members: ["w2", "w3"] }],
};

test("the graph has four columns, and a server of two pools once", () => {
	const g = build(shape);
	assert.deepEqual(g.nodes.filter((n) => n.column === 3).map((n) => [n.name, n.members]), [["w1", ["p/w1"]], ["w2", ["p/w2", "q/w2"]], ["w3", ["q/w3"]]]);
	assert.ok(g.edges.some((e) => e.from === "rule/b/sorry" && e.to === "responder/s"));
	assert.ok(!g.edges.some((e) => e.to.includes("missing")), "a pool that is not there");
	assert.ok(g.edges.some((e) => e.from === "rule/a/" && e.to === "pool/p"), "what no rule takes");
});

test("the order of the columns untangles edges and is stable", () => {
	const many = build({ clusters: [{ name: "a", pool: "p0" }], rules: [], pools: Array.from({ length: 6 }, (_, i) => ({ name: `p${i}`, members: [`w${5 - i}`] })) });
	const given = [0, 1, 2, 3].map((c) => many.nodes.filter((n) => n.column === c).map((n) => n.id).sort());
	assert.ok(crossings(many, given) > 0);
	assert.equal(crossings(many, order(many)), 0);
	const g = build(shape);
	assert.deepEqual(order(g), order(g));
});

test("rules stand as they are tried, whatever their edges cross", () => {
	const pools = ["p", "q", "r"].map((name) => ({ name, members: [`${name}1`] }));
	const g = build({ clusters: [{ name: "a", pool: "p" }, { name: "b", pool: "p" }], rules: [{ cluster: "a", name: "z", pool: "r" }, { cluster: "b", name: "x", pool: "r" }, { cluster: "a", name: "m", pool: "p" }, { cluster: "a", name: "c", pool: "q" }], pools });
	assert.deepEqual(order(g)[1], ["rule/a/z", "rule/a/m", "rule/a/c", "rule/a/", "rule/b/x", "rule/b/"]);
	const nth = (x: typeof g) => x.nodes.filter((n) => n.kind === "rule" && n.name).map((n) => [n.id, n.nth]);
	assert.deepEqual(nth(g), [["rule/a/z", 1], ["rule/b/x", 1], ["rule/a/m", 2], ["rule/a/c", 3]]);
	assert.deepEqual(nth(choose(g, { name: "c" })).at(-1), ["rule/a/c", 3], "a filter leaves the numbers");
});

test("a pool of more than 60 servers is one bar", () => {
	const members = Array.from({ length: 61 }, (_, i) => `w${i}`);
	const g = build({ ...shape, pools: [{ name: "p", members }, shape.pools[1]!] });
	assert.equal(g.nodes.find((n) => n.id === "group/p")?.members?.length, 61);
	assert.equal(g.nodes.filter((n) => n.column === 3).length, 3);
	assert.equal(build({ ...shape, pools: [{ name: "p", members: members.slice(1) }] }).nodes.filter((n) => n.column === 3).length, 60);
});

test("filters keep the ways to what they want", () => {
	const g = build(shape);
	const names = (x: typeof g) => x.nodes.map((n) => n.id).sort();
	assert.ok(!names(choose(g, { cluster: "b" })).includes("server/w1"));
	assert.ok(names(choose(g, { cluster: "b" })).includes("server/w2"));
	assert.deepEqual(names(choose(g, { bad: (n) => n.id === "server/w1" })), ["cluster/a", "pool/p", "rule/a/", "server/w1"]);
	assert.ok(names(choose(g, { name: "W3" })).includes("cluster/b"));
	assert.deepEqual(choose(g, { name: "zzz" }).nodes, []);
});

test("a layout fits the width and no nodes overlap", () => {
	const l = layout(order(build(shape)), 900);
	const all = [...l.at.values()];
	assert.ok(all.every((p) => p.x >= 0 && p.x + p.w <= 900 && p.y + p.h <= l.height));
	for (const a of all) for (const b of all) assert.ok(a === b || a.x !== b.x || Math.abs(a.y - b.y) >= a.h);
	assert.ok(thickness(1000) > thickness(10) && thickness(10) > thickness(0) && thickness(1e12) <= 9 && thickness(undefined) > 0);
});

test("states of pools and rates of rules", () => {
	assert.equal(poolState(["up", "down"], "regular"), "degraded");
	assert.equal(poolState(["down", "down"], "regular"), "down");
	assert.equal(poolState(["up"], "none"), "down");
	assert.equal(poolState(["up", "draining"], "regular"), "up");
	assert.equal(worst(["up", "down", "draining"]), "down");
	assert.equal(hitRate([{ at: 0, n: 5 }]), undefined);
	assert.equal(hitRate([{ at: 0, n: 5 }, { at: 5000, n: 55 }]), 10);
	assert.equal(hitRate([{ at: 0, n: 55 }, { at: 5000, n: 5 }]), undefined, "the engine began anew");
});

test("tables of the past are joined by their time", () => {
	const table = (from: string, column: (number | null)[]) => ({ from, step: "10s", metrics: ["requests"], columns: [column] });
	const d = tableTicks([{ object: "engine", table: table("2026-11-21T10:00:00Z", [1, null, 3]) }, { object: "pool/p", table: table("2026-11-21T10:00:10Z", [7, 8, 9]) }]);
	assert.equal(d.t.length, 4);
	assert.deepEqual(d.cols["engine:requests"], [1, null, 3, null]);
	assert.deepEqual(d.cols["pool/p:requests"], [null, 7, 8, 9]);
	assert.ok(knows("engine", "busy") && !knows("pool/p", "busy") && !knows("x", "requests"));
});

test("marks show each commit and few of the rest", () => {
	const at = (s: number, kind: string, args = {}) => ({ seq: s, time: new Date(s * 1000).toISOString(), kind, severity: "error", text: "", args });
	const marks = marksOf([at(100, "config.committed", { revision: 7 }), at(101, "role.crashed"), ...Array.from({ length: 40 }, (_, i) => at(120 + i * 20, "role.crashed"))], 1000);
	assert.equal(marks[0]!.text, "Revision 7");
	assert.ok(marks.length <= 13 && !marks.some((m) => m.at === 101));
});

test("events are filtered by the address, and live ones by the same", () => {
	const f = filterOf({ severity: "error", group: "servers", text: "web", unacked: "1", span: "1h", other: "x" }, Date.parse("2026-11-21T12:00:00Z"));
	assert.deepEqual(f, { severity: "error", kinds: ["member.*", "pool.*"], text: "web", unacked: true, from: "2026-11-21T11:00:00.000Z" });
	assert.deepEqual(filterOf({ severity: "zzz", group: "toString", span: "valueOf" }, 0), {}, "what is no filter");
	const e = { seq: 1, time: "", kind: "member.down", severity: "error", text: "Web4 is down" };
	assert.ok(fitsRest(f, e));
	assert.ok(!fitsRest(f, { ...e, text: "other" }));
	assert.ok(!fitsRest(f, { ...e, ack: { by: "ann", time: "" } }));
	const both = joinEvents([{ ...e, ack: { by: "ann", time: "" } }], [e, { ...e, seq: 2 }]);
	assert.deepEqual(both.map((x) => [x.seq, Boolean(x.ack)]), [[2, false], [1, true]]);
});

const term = (field: Term["field"], value: string, not = false): Term => ({ field, value, not });
const entry = { time: "", cluster: "shop", pool: "app", server: "web1", client: "[2001:db8::1]:51000", method: "GET", host: "www.example.com", path: "/a,b?x=1%", status: 502, reason: "completed", bytes_in: 0, bytes_out: 0, duration: "0s", generation: 1 };

test("filters of the log survive the address", () => {
	const terms = [term("path", "/a,b?x=1%"), term("status", "5xx", true), term("client", "192.0.2.0/24")];
	assert.deepEqual(fromQuery(toQuery(terms)).sort((a, b) => a.field.localeCompare(b.field)), [...terms].sort((a, b) => a.field.localeCompare(b.field)));
	assert.deepEqual(toBox(terms), { path: ["/a,b?x=1%"], client: ["192.0.2.0/24"], not: { status: ["5xx"] } });
	assert.deepEqual(toBox([]), {});
	assert.deepEqual(fromQuery({ path: "50%", log: "system", "not.toString": "x" }), [term("path", "50%")]);
	assert.deepEqual(add([term("status", "404")], term("status", "404", true)), [term("status", "404", true)], "a value is wanted or left out, not both");
});

test("rows that are here stay when a filter gets narrower, and only then", () => {
	assert.ok(narrower([], [term("status", "5xx")]));
	assert.ok(narrower([term("pool", "app")], [term("pool", "app"), term("status", "404", true)]));
	assert.ok(!narrower([term("pool", "app")], [term("pool", "app"), term("pool", "api")]), "a second value lets more through");
	assert.ok(!narrower([term("pool", "app")], []));
	assert.ok(!narrower([], [term("client", "192.0.2.0/24")]), "networks are for the box to know");
	assert.ok(fits([term("status", "5xx"), term("path", "/a"), term("client", "2001:db8::1")], entry));
	assert.ok(!fits([term("status", "502", true)], entry));
	assert.ok(!fits([term("server", "web2")], entry));
});

test("a request of the log can be tried again", () => {
	assert.equal(address("192.0.2.7:80"), "192.0.2.7");
	const to = new URL(testLink(entry), "https://box.test");
	assert.equal(to.pathname, "/tester");
	assert.equal(to.searchParams.get("url"), "http://www.example.com/a,b?x=1%");
	assert.equal(to.searchParams.get("client"), "2001:db8::1");
});

test("a spreadsheet takes no value of a log for a formula", () => {
	assert.equal(asCSV(["path"], [["=1+1"], ['say "x"']]), '"path"\r\n"\'=1+1"\r\n"say ""x"""\r\n');
});

test("only rows in view are drawn", () => {
	assert.deepEqual(spanOf(5000, 28, 28_000, 560, 8), { from: 992, to: 1028 });
	assert.deepEqual(spanOf(3, 28, 0, 560), { from: 0, to: 3 });
});

test("a box whose configuration is only unserved is not fresh", () => {
	assert.equal(isFresh(0, []), true);
	assert.equal(isFresh(0, [{ kind: "member.down" }]), true);
	assert.equal(isFresh(0, [{ kind: "config.unserved" }]), false);
	assert.equal(isFresh(1, []), false);
});
