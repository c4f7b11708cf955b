// SPDX-License-Identifier: Apache-2.0
import "./dom";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { pathText, warningText } from "../src/components/changes";
import { resolutions } from "../src/components/conflicts";
import { caret, enclosing, offset, outline } from "../src/components/outline";
import { addTexts, lang } from "../src/i18n";
import { entrance, moveOf, takeToken } from "../src/moved";
import { findBlock, lineDiff } from "../src/pages/edit";
import { grouped, page, parent, parsePath, top } from "../src/paths";
import { blocksOf, edits, fresh, listening, named, nameOK, overlap, readPlan, serverName, taken, text, trialText, withPort, writePlan } from "../src/plan";
import { known } from "../src/preferences";
import { readDraft, writeDraft } from "../src/localdraft";
import { words } from "../src/draft/draft";
import { undoable, undoEdits } from "../src/undo";
import { parseDiff } from "../src/components/text";

for (const l of ["en", "zh-Hans"]) {
	const read = (name: string) => JSON.parse(readFileSync(join(import.meta.webui, "src/locales", l, `${name}.json`), "utf8"));
	addTexts(l, { common: read("common"), changes: read("changes") });
}
beforeEach(() => {
	lang.value = "en";
	localStorage.clear();
});

test("an address that another block has is found, on whichever side the box names", () => {
	const p = (message: string, warning = false) => ({ line: 1, message, warning });
	const own = p(`cluster "web": listen "10.0.0.1:80" overlaps "0.0.0.0:80" of cluster "shop" (line 9)`);
	const other = p(`console: listen "0.0.0.0:443" overlaps "10.0.0.1:443" of cluster "web" (line 3)`);
	const rest = [p(`pool "web": a pool needs a member`), p(`cluster "web2": listen "10.0.0.2:80" overlaps "0.0.0.0:80" of cluster "shop" (line 9)`)];
	assert.equal(overlap([...rest, own], `cluster "web"`), own);
	assert.equal(overlap([...rest, other], `cluster "web"`), other);
	assert.equal(overlap([...rest, other], "console"), other);
	assert.equal(overlap([...rest, { ...own, warning: true }], `cluster "web"`), undefined);
});

test("paths are read as the box writes them", () => {
	assert.deepEqual(parsePath("pool/shop/probe/http#2"), [{ type: "pool", label: "shop", index: 0 }, { type: "probe", label: "http", index: 1 }]);
	assert.deepEqual(parsePath("cluster/a%2Fb%23c%25/timeouts").map((s) => s.label), ["a/b#c%", ""]);
	assert.equal(top("cluster/shop/rule/api"), "cluster/shop");
	assert.deepEqual(parsePath("group/front/track/custom/upstream#2"), [{ type: "group", label: "front", index: 0 }, { type: "track", label: "upstream", index: 1, kind: "custom" }]);
	assert.deepEqual([parent("group/front/track/custom/upstream"), parent("group/front"), parent("node/peer/right")], ["group/front", "", "node"]);
	assert.equal(words("group/front/track/custom/upstream"), 'group "front" track "custom" "upstream"');
	assert.equal(top("group/front/router/lan"), "group/front");
	assert.equal(top("console"), "console");
	assert.equal(page("pool/a%2Fb/member/x"), "/pools/a%2Fb");
	assert.equal(page("console"), "");
	assert.equal(pathText("pool/shop/member/web1"), "Pool shop › member web1");
	assert.equal(pathText("group/front/track/custom/up"), "Failover group front › track custom up");
	lang.value = "zh-Hans";
	assert.equal(pathText("pool/<b>/member/web1"), "服务器池 <b> › 成员 web1");
});

test("changes are put together by object, in their order", () => {
	const c = (path: string) => ({ path, kind: "changed", text: "" });
	assert.deepEqual(grouped([c("pool/a"), c("pool/b"), c("pool/a/member/x")]).map((g) => [g.path, g.changes.length]), [["pool/a", 2], ["pool/b", 1]]);
});

test("warnings are worded from their codes in both languages, and never with holes", () => {
	const w = { kind: "lockout.allow", severity: "error", object: "console", args: { client: "192.0.2.7", allow: ["10.0.0.0/8"] }, text: "box's words" };
	assert.match(warningText(w), /192\.0\.2\.7.*10\.0\.0\.0\/8/);
	lang.value = "zh-Hans";
	assert.match(warningText(w), /您来自 192\.0\.2\.7/);
	assert.equal(warningText({ ...w, args: {} }), "box's words");
	assert.equal(warningText({ ...w, kind: "lint.brand_new" }), "box's words");
});

test("one object is taken back to where it stood", () => {
	const running = ["server/a", "pool/a", "pool/b", "pool/c"];
	assert.deepEqual(undoEdits("pool/b", "pool \"b\" {}", running, ["pool/a", "pool/b", "pool/c"]), [{ op: "remove", path: "pool/b" }, { op: "insert", text: "pool \"b\" {}", before: "pool/c" }]);
	assert.deepEqual(undoEdits("pool/b", "B", running, ["pool/a", "pool/c"]), [{ op: "insert", text: "B", before: "pool/c" }], "what was removed comes back");
	assert.deepEqual(undoEdits("pool/new", undefined, running, ["pool/new"]), [{ op: "remove", path: "pool/new" }], "what was added goes");
	assert.deepEqual(undoEdits("pool/c", "C", running, ["pool/c"]).at(-1), { op: "insert", text: "C" }, "the last one has nothing to stand before");
	assert.ok(undoable("pool/a") && !undoable("pool/a/member/x"));
});

test("no conflict is resolved by itself", () => {
	const c = (path: string) => ({ path, kind: "changed", base: "", mine: "m", theirs: "t" });
	assert.equal(resolutions([c("a"), c("b")], { a: { take: "mine", text: "m" } }), null);
	assert.deepEqual(resolutions([c("a"), c("b")], { a: { take: "theirs", text: "m" }, b: { take: "text", text: "x" } }), { a: { take: "theirs" }, b: { take: "text", text: "x" } });
});

test("the outline finds blocks, also in a text with mistakes", () => {
	const source = '# pool "no" {\npool "a" { # {\n  member "x" {}\n  probe "http" {\n    path = "/{"\n  }\n}\n/* server "no" {\n*/\nlabels = { a = "b" }\ncluster "b" {\n  rule "r" {';
	const marks = outline(source);
	assert.deepEqual(marks.map((m) => [m.type, m.label, m.depth, m.line, m.end]), [["pool", "a", 0, 2, 7], ["member", "x", 1, 3, 3], ["probe", "http", 1, 4, 6], ["cluster", "b", 0, 11, 12], ["rule", "r", 1, 12, 12]]);
	assert.deepEqual(enclosing(marks, 5).map((m) => m.type), ["pool", "probe"]);
});

test("the caret knows its line, column and word; the box's columns are bytes", () => {
	assert.deepEqual(caret("a\n  policy = 1", 6), { line: 2, col: 5, word: "policy" });
	assert.equal(offset("x\nä = 1", 2, 4), 4);
	assert.equal(offset("x", 99, 99), 1);
});

test("keyword help finds the block by what encloses it", () => {
	const b = (name: string, within?: string[]) => ({ name, ...(within ? { in: within } : {}), purpose: "", keywords: [] });
	const blocks = [b("pool"), b("tls", ["cluster"]), b("tls", ["pool"])];
	const mark = (type: string, depth: number) => ({ type, label: "", depth, line: 1, end: 9 });
	assert.equal(findBlock(blocks, [mark("pool", 0), mark("tls", 1)]), blocks[2]);
	assert.equal(findBlock(blocks, []), undefined);
});

test("the difference of two drafts shows both sides", () => {
	assert.deepEqual(parseDiff(lineDiff("a\nb\nc", "a\nx\nc")).map((l) => l.kind), ["hunk", "same", "del", "add", "same"]);
	assert.equal(lineDiff("a", "a"), "");
});

test("what was typed outlives a reload, for its user alone", () => {
	writeDraft("ann", { text: "t", base: 3, version: "v", time: 1 });
	assert.equal(readDraft("ann")?.text, "t");
	assert.equal(readDraft("bob"), null);
	writeDraft("ann", null);
	assert.equal(readDraft("ann"), null);
	localStorage.setItem("evener.text.ann", "{broken");
	assert.equal(readDraft("ann"), null);
});

test("a moved console is entered by a token in the fragment, taken out at once", () => {
	assert.equal(entrance("https://192.0.2.1:9443/", "a/b#c"), "https://192.0.2.1:9443/changes/review#handover=a%2Fb%23c");
	history.replaceState(null, "", "/changes/review?x=1#handover=a%2Fb%23c");
	assert.equal(takeToken(), "a/b#c");
	assert.equal(location.hash, "");
	assert.equal(location.search, "?x=1");
	assert.equal(takeToken(), "");
	const revision = { number: 4, parent: 3, author: "ann", time: "", origin: "console", sha256: "", size: 1, status: "pending" };
	assert.equal(moveOf({ revision }), null);
	assert.equal(moveOf({ revision, urls: ["https://192.0.2.1"], handover: "t" })?.revision, 4);
});

test("the wizard's plan becomes edits, once", () => {
	const p = { ...fresh(), name: "shop", template: "https" as const, address: "192.0.2.10", servers: [{ name: "w1", address: "10.0.0.1:80" }], origin: "https://lb.test", sticky: true };
	const first = edits(p, ["console"]);
	assert.deepEqual(first[0], { op: "patch", path: "console", set: { allowed_origins: ["https://lb.test"] } });
	assert.match(first.at(-1)!.text!, /protocol = "https"[^]*listen = \["192\.0\.2\.10:443"\][^]*persist "cookie"[^]*tls \{\}/);
	const again = edits({ ...p, made: blocksOf(p) }, ["console", ...blocksOf(p)]);
	assert.deepEqual(again.slice(0, 3).map((e) => [e.op, e.path]), [["remove", "cluster/shop"], ["remove", "pool/shop"], ["remove", "server/w1"]], "what refers to others goes first");
	assert.deepEqual(taken(p, ["pool/shop"]), ["pool/shop"]);
	assert.deepEqual(taken({ ...p, made: ["pool/shop"] }, ["pool/shop"]), []);
	assert.doesNotMatch(trialText(p), /cluster/);
	assert.equal(edits({ ...p, origin: "" }, ["console"]).some((e) => e.path === "console"), false, "an untouched console stays as it is");
	const named = edits({ ...p, certificates: "shop", certificate: "shop" }, ["console"]).filter((e) => e.text?.startsWith("certificate "));
	assert.deepEqual(named.map((e) => e.text), ['certificate "shop" {}'], "an imported certificate is defined, once");
	assert.equal(edits({ ...p, certificates: "shop" }, ["certificate/shop"]).some((e) => e.text?.startsWith("certificate ")), false);
});

test("the wizard takes names that are free, and leaves those that somebody chose", () => {
	const have = ["console", "server/web1", "server/web2", "server/web3", "pool/shop", "cluster/shop"];
	const p = named(fresh(), have);
	assert.deepEqual([p.name, ...p.servers.map((s) => s.name)], ["web", "web4", "web5"]);
	assert.deepEqual(taken(p, have), []);
	const second = [...have, ...blocksOf(p)];
	assert.deepEqual([named(fresh(), second).name, taken(named(fresh(), second), second)], ["web-2", []]);
	assert.deepEqual(named(fresh(), ["console"]), fresh(), "nothing is in the way");
	const filled = { ...fresh(), servers: [{ name: "web1", address: "10.0.0.1:80" }] };
	assert.deepEqual(named(filled, have), filled);
	assert.equal(serverName(p, have), "web6");
	assert.equal(serverName({ name: "web", servers: [{ name: "web2", address: "" }] }, []), "web3");
});

test("what people type cannot leave its quotes", () => {
	assert.equal(text('a" { ${x} %{y} \\'), '"a\\" { $${x} %%{y} \\\\"');
	assert.equal(nameOK('x" {'), false);
	assert.equal(listening("2001:db8::1", "http"), "[2001:db8::1]:80");
	assert.equal(listening("192.0.2.1", "tcp"), "192.0.2.1");
	assert.equal(withPort("[2001:db8::1]:80"), true);
	for (const good of ["127.0.0.1:1", " 127.0.0.1:65535 "]) assert.equal(withPort(good), true, good);
	for (const bad of ["example.com:80", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:99999", "127.0.0.256:80", "[80]:80"]) assert.equal(withPort(bad), false, bad);
});

test("the wizard can be left and resumed", () => {
	writePlan("ann", { ...fresh(), step: 3, name: "shop" });
	assert.equal(readPlan("ann").name, "shop");
	assert.equal(readPlan("bob").step, 0);
	localStorage.setItem("evener.wizard.ann", "[]");
	assert.equal(readPlan("ann").step, 0);
});

test("settings of the box are taken over only as far as they are known", () => {
	assert.deepEqual(known({ theme: "dark", density: "huge", lang: "zh-Hans", keys: 1, other: true }), { theme: "dark", lang: "zh-Hans" });
	assert.deepEqual(known(null), {});
});
