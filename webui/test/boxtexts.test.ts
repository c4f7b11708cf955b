// SPDX-License-Identifier: Apache-2.0
//
// What the box words itself is shown in the language of the page: whatever has a sentence
// comes with what it says, and no page shows the English text beside that.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { outcomeText, stateText } from "../src/pages/audit";
import { careReason, type Cert } from "../src/admin/certview";
import { loadTexts } from "../src/appearance";
import { lang, saidText } from "../src/i18n";

const src = join(import.meta.webui, "src");

// Names of fields that hold sentences of the box, wherever they are.
const sentences = ["detail", "error", "gave_up", "lacks", "last_error", "message", "missing", "notes", "pair_why", "problem", "problems", "reason", "recognised", "refused", "warnings", "weight_why", "why"];

// Objects whose fields of such a name are none, or are on no page.
const others: Record<string, string> = {
	"AccessEntry.reason": "a word of the access log, which programs read",
	"Advice.why": "codes",
	"Cleared.problems": "names of boxes",
	"HAEngine.why": "between the processes of the box",
	"HATrackState.why": "between the processes of the box",
	"LogSystemRecord.message": "of the log",
	"MachineProcess.problem": "on no page",
	"PeerHealth.reason": "on no page",
	"Settlement.why": "the page words it by the origin",
	"Stop.why": "a word of the black box",
	"StoreBeat.problem": "on no page; state.problems has it too",
	"SysLogRecord.message": "of the log",
};

function interfaces(): Map<string, string[]> {
	const out = new Map<string, string[]>();
	let fields: string[] | undefined;
	for (const line of readFileSync(join(src, "api.gen.ts"), "utf8").split("\n")) {
		const name = /^export interface (\w+) \{/.exec(line)?.[1];
		if (name) out.set(name, (fields = []));
		const field = /^\t(\w+)\??: (string|string\[\]|Record<string, Said>);/.exec(line);
		if (field) fields?.push(field[1]!);
	}
	return out;
}

test("whatever the box words comes with what it says", () => {
	const all = interfaces();
	assert.ok(all.size > 200 && all.get("AuditRecord")!.includes("said"), "the search finds the types of the box");
	const without = [...all].filter(([, f]) => !f.includes("said")).flatMap(([name, f]) => f.filter((x) => sentences.includes(x)).map((x) => `${name}.${x}`));
	assert.deepEqual(without.filter((x) => !(x in others)), [], "texts of the box without a field said");
	assert.deepEqual(Object.keys(others).filter((x) => !without.includes(x)), [], "exceptions that nobody needs");
});

function pages(dir: string): [string, string][] {
	return readdirSync(dir, { withFileTypes: true }).flatMap((f): [string, string][] =>
		f.isDirectory() ? pages(join(dir, f.name)) : /\.tsx$/.test(f.name) && !f.name.startsWith("dev-") ? [[f.name, readFileSync(join(dir, f.name), "utf8")]] : []);
}

test("no page shows a text of the box as it came", () => {
	const raw = new RegExp(String.raw`[>}]\{(?:[\w.!?[\]0]+ && )?[\w.!?[\]]+[.](${sentences.join("|")})\b[!]?(?: \?\? "[^"]*")?\}`, "g");
	assert.ok("<p>{x.now!.lacks}</p>".match(raw) && '<td>{x.error ?? "–"}</td>'.match(raw) && !'<p>{say(x, "lacks")}</p>'.match(raw), "the search finds what it is for");
	const found = pages(src).flatMap(([name, text]) => [...text.matchAll(raw)].map((m) => `${name}: ${m[0].slice(1)}`));
	assert.deepEqual(found, ["logs.tsx: {e.message}", "pools.tsx: {s.why}"], "the log is English, and the page words the state of a pool itself");
});

test("how something was is said, and the text of an object is left as it is", async () => {
	const orders = { before: "enabled, weight 5; x", said: { before: { kind: "was.revision", args: { n: 6 } } } };
	const two = {
		after: "shop/web1: disabled, weight 5; shop/web2: odd words",
		said: { "after.0": { kind: "was.orders", args: { state: { kind: "was.disabled", text: "disabled" }, weight: "5" } } },
	};
	await loadTexts(["audit"], "en");
	assert.equal(stateText(two, "after"), two.after);
	await loadTexts(["audit", "certificates"], "zh-Hans");
	lang.value = "zh-Hans";
	try {
		const end = Date.now() + 30_000; // the sentences come when the first is asked for
		while (stateText(orders, "before") !== "版本 6" && Date.now() < end) await new Promise((r) => setTimeout(r, 20));
		assert.equal(stateText(orders, "before"), "版本 6");
		assert.equal(stateText(two, "after"), "shop/web1：停用，权重 5；shop/web2: odd words");
		assert.equal(stateText({ before: "a; b" }, "before"), "a; b");
		assert.equal(stateText({}, "before"), "无");
		assert.deepEqual(["auth.denied", "params.of_tomorrow", "of.tomorrow"].map(outcomeText), ["登录被拒", "参数有误", "of.tomorrow"]);
	} finally {
		lang.value = "en";
	}
	assert.equal(outcomeText("auth.denied"), "auth.denied");
});

test("why a certificate needs care is said", async () => {
	const title = { kind: "cert.title", args: { name: "a.example" }, text: 'the certificate "a.example"' };
	const c = { warnings: ["english"], said: { "warnings.0": { kind: "cert.expired", args: { cert: title, day: "2026-11-01" } } } } as unknown as Cert;
	assert.equal(careReason(c), "english");
	await loadTexts(["certificates"], "zh-Hans");
	lang.value = "zh-Hans";
	try {
		const end = Date.now() + 30_000;
		while (saidText({ kind: "os.eof" }, "") === "" && Date.now() < end) await new Promise((r) => setTimeout(r, 20));
		assert.equal(careReason(c), "证书“a.example”已于 2026-11-01 到期");
	} finally {
		lang.value = "en";
	}
});
