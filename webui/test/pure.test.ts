// SPDX-License-Identifier: Apache-2.0
import "./dom";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { computed } from "@preact/signals";
import { pickLanguage } from "../src/choice";
import { csvText } from "../src/components/chart";
import { score } from "../src/components/palette";
import { fitted } from "../src/components/plot";
import { bytesToUnits, parseDiff } from "../src/components/text";
import * as format from "../src/format";
import { addTexts, lang, t, tx } from "../src/i18n";
import { addTicks, inTime, merge, Store } from "../src/live";
import { href, match } from "../src/router";

addTexts("en", { x: { hello: "Hello {who}", n: { one: "{n} thing", other: "{n} things" } }, common: { "unit.d": "d", "unit.h": "h", "unit.min": "min", "unit.s": "s" } });
addTexts("zh-Hans", { x: { n: { other: "{n} 个" } } });

test("texts take arguments and plural forms", () => {
	assert.equal(t("x.hello", { who: "{who}" }), "Hello {who}");
	assert.equal(t("x.n", { n: 1 }), "1 thing");
	assert.equal(t("x.n", { n: 1200 }), "1,200 things");
	assert.deepEqual(tx("x.hello", { who: 7 }), ["Hello ", "7", ""]);
	assert.equal(t("x.missing"), "x.missing");
	lang.value = "zh-Hans";
	assert.equal(t("x.n", { n: 1 }), "1 个");
	lang.value = "en";
});

test("the language follows the choice, then the browser", () => {
	assert.equal(pickLanguage("", ["de", "zh-CN", "en"]), "zh-Hans");
	assert.equal(pickLanguage("en", ["zh"]), "en");
	assert.equal(pickLanguage("", ["de"]), "en");
});

test("numbers have units and few digits", () => {
	const text = (q: format.Quantity) => `${q.value}|${q.unit}`;
	assert.equal(text(format.rate(412)), "412|/s");
	assert.equal(text(format.rate(12_345)), "12.3|k/s");
	assert.equal(text(format.bytes(1536)), "1.5|KiB");
	assert.equal(text(format.bits(2.5e9)), "2.5|Gbit/s");
	assert.equal(text(format.percent(0.003)), "0.3|%");
	assert.equal(text(format.latency(0.0381)), "38.1|ms");
	assert.equal(text(format.latency(undefined)), "–|");
	assert.equal(format.duration(3 * 86400 + 4 * 3600 + 59), "3 d 4 h");
	assert.equal(format.duration(0), "0 s");
	assert.equal(format.duration(61), "1 min");
	assert.equal(format.ago(2000, 1000), format.ago(1000, 1000), "clocks that differ a little");
	assert.notEqual(format.ago(9000, 1000), format.ago(1000, 1000));
	assert.equal(format.countdown(102), "1:42");
	assert.equal(format.countdown(3723), "1:02:03");
	assert.equal(format.countdown(-5), "0:00");
	assert.equal(format.parseDuration("1m30.5s"), 90.5);
	assert.equal(format.parseDuration("250ms"), 0.25);
	assert.ok(format.compare("a2", "a10") < 0);
});

test("paths match patterns part by part", () => {
	assert.deepEqual(match("/pools/:pool", "/pools/a%2Fb"), { pool: "a/b" });
	assert.equal(match("/pools/:pool", "/pools"), null);
	assert.equal(match("/pools/:pool", "/pools/%E0%A4%A"), null);
	assert.equal(href("/pools", { q: "a b", sort: "" }), "/pools?q=a+b");
});

test("merge patches follow RFC 7396 and keep what is the same", () => {
	const old = { a: { b: 1, c: 2 }, list: [1, 2] };
	const now = merge(old, { a: { b: null, d: 3 } }) as typeof old;
	assert.deepEqual(now, { a: { c: 2, d: 3 }, list: [1, 2] });
	assert.equal(now.list, old.list);
	assert.deepEqual(merge(old, { list: [3] }), { a: { b: 1, c: 2 }, list: [3] });
});

test("a store keeps signals of objects and tells keys only when they change", () => {
	const s = new Store<{ n: number }>();
	s.reset({ a: { n: 1 }, b: { n: 2 } });
	const keys = s.keys.value;
	const a = s.get("a")!;
	s.patch({ a: { n: 5 } });
	assert.equal(s.get("a"), a);
	assert.equal(a.value.n, 5);
	assert.equal(s.keys.value, keys);
	s.patch({ a: null, c: { n: 3 } });
	assert.deepEqual(s.keys.value, ["b", "c"]);
	s.reset({ c: { n: 4 } });
	assert.deepEqual(s.keys.value, ["c"]);
	assert.equal(s.get("b"), undefined);
});

test("who asks a store for what is not there yet is told when it comes", () => {
	const s = new Store<{ n: number }>();
	const n = computed(() => s.get("a")?.value.n);
	assert.equal(n.value, undefined);
	s.reset({ a: { n: 1 } });
	assert.equal(n.value, 1);
	s.patch({ a: { n: 2 } });
	assert.equal(n.value, 2);
});

test("a pause of the ticks is a gap, and old ticks fall out", () => {
	let h = addTicks({ t: [], cols: {} }, { t: [1, 2], cols: { a: [10, 20] } }, ["a"], 10);
	h = addTicks(h, { t: [2, 6], cols: { a: [99, 60] } }, ["a"], 10);
	assert.deepEqual(h, { t: [1, 2, 3, 6], cols: { a: [10, 20, null, 60] } });
	h = addTicks(h, { t: [12], cols: {} }, ["a"], 10);
	assert.deepEqual(h.t, [3, 6, 7, 12]);
	assert.deepEqual(h.cols["a"], [null, 60, null, null]);
});

test("a diff has the line numbers of both sides", () => {
	const lines = parseDiff("--- a\n+++ b\n@@ -2,2 +2,2 @@\n same\n-old\n+new\n\\ No newline\n");
	assert.deepEqual(lines.map((l) => [l.kind, l.from, l.to]), [["hunk", undefined, undefined], ["same", 2, 2], ["del", 3, undefined], ["add", undefined, 3]]);
});

test("columns of the box are bytes, those of the browser are not", () => {
	assert.equal(bytesToUnits("aé中😀b", 10), 5);
	assert.equal(bytesToUnits("abc", 2), 2);
	assert.equal(bytesToUnits("abc", 9), 3);
});

test("CSV quotes names and disarms formulas", () => {
	const text = csvText([{ id: "a", label: '=1+"x"' }], { t: [0], cols: { a: [1.5] } });
	assert.equal(text, 'time,"\'=1+""x"""\r\n1970-01-01T00:00:00.000Z,1.5\r\n');
});

test("the palette prefers the start of a name, then of a word", () => {
	const best = ["snapshot app", "app", "web/app", "a-p-p"].sort((a, b) => score(b, "app") - score(a, "app"));
	assert.deepEqual(best.slice(0, 1), ["app"]);
	assert.ok(score("web/app", "app") > score("wrapped", "app"));
	assert.equal(score("app", "zz"), 0);
});

// The contrasts that console.md promises: a colour that is changed must keep them.
test("colours keep their contrast on every surface", () => {
	const css = readFileSync(join(import.meta.webui, "src/styles/tokens.css"), "utf8");
	const light = css.slice(css.indexOf(":root {"), css.indexOf('data-theme="dark"'));
	const [dark, system] = css.slice(css.indexOf('data-theme="dark"')).split("@media");
	const get = (block: string, name: string) => new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(block)![1]!;
	const luminance = (hex: string) => {
		const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
	};
	const contrast = (a: string, b: string) => {
		const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
		return (x! + 0.05) / (y! + 0.05);
	};
	for (const block of [light, dark!, system!]) {
		for (const on of ["bg", "surface", "raised"]) {
			for (const name of ["text", "muted", "accent"]) assert.ok(contrast(get(block, name), get(block, on)) >= 4.5, `${name} on ${on}`);
			for (const name of ["border", "up", "degraded", "down", "draining", "disabled", "unknown"]) assert.ok(contrast(get(block, name), get(block, on)) >= 3, `${name} on ${on}`);
		}
		for (let i = 1; i <= 6; i++) assert.ok(contrast(get(block, `series-${i}`), get(block, "bg")) >= 3, `series ${i}`);
		assert.ok(contrast(get(block, "on-accent"), get(block, "accent")) >= 4.5, "text on accent");
		assert.ok(contrast(get(block, "accent"), get(block, "accent-soft")) >= 4.5, "accent on its soft ground");
		for (const on of ["added", "removed"]) assert.ok(contrast(get(block, "text"), get(block, on)) >= 4.5, `text on ${on}`);
	}
	const values = (b: string) => [...b.matchAll(/--[\w-]+: #[0-9a-f]{6}/g)].map((m) => m[0]);
	assert.deepEqual(values(system!), values(dark!), "dark by choice and dark by system are the same");
});

test("the text of a mark ends where the next mark begins", () => {
	const width = (s: string) => [...s].length;
	assert.equal(fitted("web3 down", 9, width), "web3 down");
	assert.equal(fitted("web3 down", 7, width), "web3 d…");
	assert.equal(fitted("web3 down", 6, width), "web3…");
	assert.equal(fitted("web3 down", 3, width), "");
	assert.equal(fitted("r2", -4, width), "");
});

test("rows of a batch are sorted by time, those of a gap stay", () => {
	const row = (seq: number, time: string) => ({ seq, entry: { time } });
	const rows = [row(1, "2026-11-21T12:00:00.2Z"), row(2, "2026-11-21T12:00:00Z"), { seq: 0, dropped: 3 }, row(6, "2026-11-21T12:00:00.15Z"), row(7, "2026-11-21T12:00:00.1Z")];
	assert.deepEqual(inTime(rows).map((r) => r.seq), [2, 1, 0, 7, 6]);
	assert.deepEqual(inTime([{ seq: 2, entry: "b" }, { seq: 1, entry: "a" }]).map((r) => r.seq), [2, 1], "without a time");
});
