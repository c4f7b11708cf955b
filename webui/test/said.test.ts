// SPDX-License-Identifier: Apache-2.0
import "./dom";
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { loadTexts } from "../src/appearance";
import { reasonOf, titleOf, type Problem } from "../src/components/attention";
import { errorText } from "../src/components/errors";
import { commentText, eventText } from "../src/components/happened";
import { brief } from "../src/components/members";
import { mistakes, ofRule } from "../src/draft/draft";
import { helpOf, withoutOf } from "../src/draft/keyword";
import type { api } from "../src/kit";
import { addSentences, inWords, lang, saidText, say, sayAll } from "../src/i18n";
import { CallError } from "../src/wire";

const refused = { kind: "probe.connect", args: { address: "192.0.2.1:80", why: { kind: "os.refused", text: "connection refused" } }, text: "connect 192.0.2.1:80: connection refused" };
const down = { kind: "member.down_since", args: { time: "2026-11-21 10:00:00", why: refused } };
const text = "down since 2026-11-21 10:00:00 UTC: connect 192.0.2.1:80: connection refused";

async function chinese(): Promise<void> {
	await loadTexts([], "zh-Hans");
	lang.value = "zh-Hans";
	const end = Date.now() + 30_000; // the sentences come after the page's texts
	while (saidText({ kind: "os.eof" }, "") === "" && Date.now() < end) await new Promise((r) => setTimeout(r, 20));
}
afterEach(() => {
	lang.value = "en";
});

test("a sentence of the box is said in the language of the page, with those inside it", async () => {
	const m = { why: text, said: { why: down } };
	assert.equal(say(m, "why"), text);
	await chinese();
	assert.equal(say(m, "why"), "自 2026-11-21 10:00:00 UTC 起故障：连接 192.0.2.1:80：连接被拒绝");
	assert.equal(brief(m, "why"), say(m, "why"));
	assert.equal(brief({ why: refused.text, said: { why: refused } }, "why"), "连接被拒绝");
	assert.deepEqual(sayAll({ list: ["link down", "new"], said: { "list.0": { kind: "group.link_down" } } }, "list"), ["链路断开", "new"]);
});

test("what the console does not know is shown in the box's words", async () => {
	await chinese();
	assert.equal(say({ why: "new words" }, "why"), "new words");
	assert.equal(saidText({ kind: "of.tomorrow" }, "new words"), "new words");
	assert.equal(saidText({ kind: "probe.no_connection" }, "no connection within 1s"), "no connection within 1s", "an argument is missing");
	const half = { kind: "probe.connect", args: { address: "a", why: { kind: "of.tomorrow", text: "new words" } } };
	assert.equal(saidText(half, "connect a: new words"), "连接 a：new words");
});

test("reasons of problems and events are said too", async () => {
	await chinese();
	const p = { kind: "member.down", severity: "error", args: { pool: "shop", member: "web2", why: text }, text: `shop/web2: ${text}`, said: { why: down } } as unknown as Problem;
	assert.equal(titleOf(p), "服务器池 shop 中的 web2 故障");
	assert.equal(reasonOf(p), "连接 192.0.2.1:80：连接被拒绝", "since when is beside it");
	const e = { kind: "member.down", args: { pool: "shop", member: "web2", reason: refused.text }, text: "", said: { reason: refused } } as Parameters<typeof eventText>[0];
	assert.equal(eventText(e), "shop/web2 故障：连接 192.0.2.1:80：连接被拒绝");
	const r = { kind: "rehearsal.done", args: { group: "front", kind: "planned", asked: 9, failed: 0, gap: "1s" }, text: "" } as Parameters<typeof eventText>[0];
	assert.equal(eventText(r), "已演练 front 的计划内切换：9 个请求中 0 个失败，最长间隔 1 秒");
	const bypass = { kind: "bypass.on", severity: "warning", args: { pair: "lan1-lan2", mode: "open" }, text: "" } as unknown as Problem;
	assert.match(titleOf(bypass), /处于断开状态/);
});

// Sentences of these kinds are in files that come when the first of them is shown.
async function later(show: () => string, want: string): Promise<void> {
	const end = Date.now() + 30_000;
	while (show() !== want && Date.now() < end) await new Promise((r) => setTimeout(r, 20));
	assert.equal(show(), want);
}

test("what was done is said in the language of the page once its file has come", async () => {
	const r = { what: "create the user ann as admin", said: { what: { kind: "did.user", args: { name: "ann", role: { kind: "did.admin", text: "admin" } } } } };
	assert.equal(say(r, "what"), r.what);
	await chinese();
	await later(() => say(r, "what"), "创建用户 ann，角色：管理员");
	const sent = (args: object) => saidText({ kind: "did.bundle", args: args as Record<string, unknown> }, "");
	assert.equal(sent({ size: "9", downgrade: { kind: "did.no", text: "false" } }), "发送 9 字节的升级包，降级：否");
	assert.equal(sent({ size: "", downgrade: "" }), "发送升级包", "nothing stands behind a colon that has nothing to say");
});

test("times are in the units of the language, and names and what somebody wrote stay", async () => {
	await chinese();
	assert.deepEqual(["29m58s", "2m0s", "0s", "1.5s", "100ms", "1h", "10s later"].map(inWords), ["29 分钟 58 秒", "2 分钟", "0 秒", "1.5 秒", "100 ms", "1 小时", "10s later"]);
	assert.equal(saidText({ kind: "probe.no_connection", args: { limit: "1m30s" } }, ""), "1 分钟 30 秒内未能建立连接");
});

test("the comment of the first revision is the box's own", async () => {
	await chinese();
	assert.deepEqual([["box", "from first.hcl"], ["ann", "from first.hcl"], ["box", "x"]].map(([by, c]) => commentText(by!, c!)), ["来自 first.hcl", "from first.hcl", "x"]);
});

test("a mistake of the configuration is said with the block that it is in, and in a form without it", async () => {
	const why = { kind: "mistake.of", args: { keyword: "interval", why: { kind: "mistake.span", args: { min: "1s", max: "1h", value: "0" } } } };
	const said = { message: { kind: "mistake.at", args: { where: 'pool "shop" probe "tcp"', why } } };
	const p = { message: 'pool "shop" probe "tcp": interval must be 1s to 1h, not "0"', said };
	assert.equal(say(p, "message"), p.message);
	await chinese();
	await later(() => say(p, "message"), 'pool "shop" probe "tcp"：interval 须为 1s 到 1h，而不是“0”');
	assert.deepEqual(mistakes({ problems: [p] }, "pool/shop/probe/tcp", ["interval"]).own, { interval: "interval 须为 1s 到 1h，而不是“0”" });
	const rule = { message: 'cluster "web" rule "a": this is never true', said: { message: { kind: "mistake.at", args: { where: 'cluster "web" rule "a"', why: { kind: "mistake.never_true" } } } } };
	assert.deepEqual(ofRule([rule], "web", "a").map((p) => say(p, "message")), ["永不成立"]);
	assert.deepEqual(ofRule([rule], "web", "b"), []);
});

test("the language of the configuration is helped with in the language of the page", async () => {
	await loadTexts(["blocks", "reference"], "en");
	const k = { name: "soak", kind: "duration", purpose: "How long.", unset: "none" } as api.Keyword;
	assert.deepEqual([helpOf("upgrade", k), withoutOf("port", { ...k, name: "addresses" })], ["How long.", "none"]);
	await chinese();
	assert.deepEqual([helpOf("upgrade", k), withoutOf("port", { ...k, name: "addresses" })], ["自检须连续通过多久，版本才算正常。", "无"]);
	assert.equal(helpOf("upgrade", { ...k, name: "of_tomorrow" }), "How long.");
});

test("an error is said by its kind, else by its message, else by its code", async () => {
	await chinese();
	const of = (code: number, data: object) => errorText(new CallError(code, "english", data));
	assert.equal(of(-32001, { kind: "auth.totp", said: { message: { kind: "auth.denied" } } }), "验证码错误或已使用。请等待下一个。");
	assert.equal(of(-32030, { kind: "not_found", said: { message: { kind: "auth.no_user", args: { name: "ann" } } } }), "没有用户“ann”");
	assert.equal(of(-32003, { kind: "auth.of_tomorrow" }), "尝试次数过多。请稍候。");
	assert.equal(of(-32603, { kind: "internal" }), "english");
	addSentences("zh-Hans", {});
	assert.equal(of(-32030, { kind: "not_found", said: { message: { kind: "auth.no_user", args: { name: "ann" } } } }), "english", "before they have come");
});
