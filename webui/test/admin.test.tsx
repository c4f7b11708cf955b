// SPDX-License-Identifier: Apache-2.0
import { settled } from "./dom";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { render } from "preact";
import { needsCare } from "../src/components/care";
import { CertFacts, CertState, daysLeft, Found, removal, userOf } from "../src/admin/certview";
import { base64, fromBase64, parseScope, print } from "../src/admin/parts";
import { warningText } from "../src/components/changes";
import { type api, shortestPassword } from "../src/kit";
import { addTexts, lang } from "../src/i18n";
import { filterOf } from "../src/pages/audit";
import { mistakes, named } from "../src/draft/draft";
import { Choices } from "../src/draft/keyword";

for (const l of ["en", "zh-Hans"]) {
	const read = (name: string) => JSON.parse(readFileSync(join(import.meta.webui, "src/locales", l, `${name}.json`), "utf8"));
	addTexts(l, Object.fromEntries(["admin", "audit", "blocks", "certificates", "changes", "common", "errors", "shell"].map((n) => [n, read(n)])));
}

test("a mistake stands at its field", () => {
	const d = { problems: [{ message: 'syslog "central": address must be a host', line: 1, col: 1 }, { message: "console: listen must not be so", line: 2, col: 1 }, { message: "old", warning: true, line: 3, col: 1 }] as api.Problem[] };
	assert.deepEqual(mistakes(d, "syslog/central", ["address", "add"]).own, { address: "address must be a host" });
	assert.deepEqual(mistakes(d, "console", ["listen"]).own, { listen: "listen must not be so" });
	assert.equal(mistakes(d, "console", ["listen"]).rest.length, 1);
	assert.deepEqual(named(["mail/ops", "pool/x", "mail/b%2Fc"], "mail"), ["ops", "b/c"]);
});

test("labels of a scope are name=value lines", () => {
	assert.deepEqual(parseScope("team=shop\n site = eu.1 \n"), { team: "shop", site: "eu.1" });
	assert.deepEqual(parseScope(""), {});
	for (const bad of ["team", "team=", "=x", "team=a b", "site=<b>"]) assert.equal(parseScope(bad), null, bad);
});

test("forms ask for passwords as long as the box does", () => {
	const go = readFileSync(join(import.meta.webui, "..", "firmware", "auth", "password.go"), "utf8");
	assert.equal(shortestPassword, Number(/minPassword\s*=\s*(\d+)/.exec(go)?.[1]));
});

test("bytes survive base64, large ones too", () => {
	const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256);
	assert.deepEqual(fromBase64(base64(bytes)), bytes);
	assert.equal(print("0aff"), "0A:FF");
});

test("the address says the filter of the audit log", () => {
	const now = Date.parse("2026-11-21T12:00:00Z");
	assert.deepEqual(filterOf({ user: "lin", since: "hour", record: "3", outcome: "" }, now), { user: "lin", from: "2026-11-21T11:00:00.000Z" });
	assert.deepEqual(filterOf({ since: "never" }, now), {});
});

const cert = (more: Partial<api.Certificate> = {}): api.Certificate => ({ name: "shop", source: "imported", state: "valid", names: ["<b>x</b>.example"], used_by: [], not_after: new Date(Date.now() + 5.5 * 86_400_000).toISOString(), ...more });

test("what needs attention, and what keeps a certificate from being removed", () => {
	assert.equal(needsCare(cert()), false);
	for (const bad of [cert({ state: "expiring" }), cert({ warnings: ["no chain"] }), cert({ acme: { state: "failed", next: "", failures: 2 } })]) assert.equal(needsCare(bad), true);
	assert.equal(Math.floor(daysLeft(cert())), 5);
	assert.ok(Number.isNaN(daysLeft(cert({ not_after: "0001-01-01T00:00:00Z" }))));
	assert.equal(removal(cert()), "");
	assert.notEqual(removal(cert({ source: "acme" })), "");
	assert.match(removal(cert({ used_by: ['cluster "shop"'] })), /shop/);
	assert.deepEqual(userOf('cluster "shop"'), { name: "cluster shop", href: "/clusters/shop" });
	assert.equal(userOf("console").href, "/system?tab=console");
});

for (const l of ["en", "zh-Hans"] as const) {
	test(`a certificate is shown as text, in ${l}`, async () => {
		lang.value = l;
		const box = document.createElement("div");
		document.body.append(box);
		const c = cert({ warnings: ["the chain <i>lacks</i> a CA"], used_by: ['cluster "shop"'] });
		render(<CertState cert={c} />, box);
		await settled();
		assert.ok(box.textContent!.includes("the chain <i>lacks</i> a CA") && box.querySelector(".st-degraded"), "why a valid one needs care");
		render(<><Found cert={c} /><CertFacts cert={c} /></>, box);
		await settled();
		assert.equal(box.querySelector("b, i"), null);
		assert.ok(box.textContent!.includes("<b>x</b>.example") && box.textContent!.includes("the chain <i>lacks</i> a CA"));
		assert.equal(box.querySelector<HTMLAnchorElement>('a[href="/clusters/shop"]')?.textContent, lang.value === "en" ? "cluster shop" : "集群 shop");
		assert.doesNotMatch(box.textContent!, /certificates\.|common\./, "no key is shown in place of its text");
		render(null, box);
		box.remove();
	});

	test(`a warning of being locked out, in ${l}`, () => {
		lang.value = l;
		const w = { kind: "lockout.allow", severity: "error", text: "box's words", args: { client: "192.0.2.7", allow: ["10.0.0.0/8"] } };
		assert.match(warningText(w), /192\.0\.2\.7/);
		assert.equal(warningText({ ...w, args: {} }), "box's words", "a text that lacks its argument");
		assert.equal(warningText({ ...w, kind: "lockout.new" }), "box's words");
		lang.value = "en";
	});
}

test("a list offers the names that there are, and keeps its order", async () => {
	const box = document.createElement("div");
	document.body.append(box);
	let value = "box\nshop";
	render(<Choices label="Certificates" ordered choices={["blog", "shop"]} value={value} onChange={(v) => (value = v)} />, box);
	await settled();
	const [blog, shop, other] = box.querySelectorAll<HTMLInputElement>("input");
	assert.deepEqual([blog!.checked, shop!.checked, other!.checked], [false, true, true]);
	assert.match(box.textContent!, /In this order: box, shop/);
	blog!.click();
	assert.equal(value, "box\nshop\nblog");
	shop!.click(); // the same value is drawn still
	assert.equal(value, "box");
	render(null, box);
	box.remove();
});
