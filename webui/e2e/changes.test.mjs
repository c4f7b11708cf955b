// SPDX-License-Identifier: Apache-2.0
//
// What administrators do, in the browser, with traffic flowing.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { Box, empty, shop, until } from "./box.mjs";
import { launch, live, tab } from "./browser.mjs";
import { Traffic } from "./traffic.mjs";

let browser, box, admin;
before(async () => {
	browser = await launch();
	box = await Box.start(shop);
	admin = await box.setUp();
});
after(async () => {
	admin?.close();
	await box?.stop();
	await browser?.close();
});

// answer is what a client of a cluster gets.
const answer = (port, path = "/", headers = {}) => new Promise((resolve, reject) => {
	get({ host: "127.0.0.1", port, path, headers, agent: false }, (res) => {
		let text = "";
		res.on("data", (d) => (text += d)).on("end", () => resolve({ status: res.statusCode, location: res.headers.location, text }));
	}).on("error", reject);
});

test("from the wizard to a cluster that answers", async (t) => {
	const fresh = await Box.start(empty);
	t.after(() => fresh.stop());
	const c = await fresh.setUp();
	c.close();
	const { page, base, end } = await tab(browser, fresh, { cookie: c.cookie });
	await page.goto(base);
	await page.getByRole("link", { name: "Publish a site" }).click();
	await page.getByRole("button", { name: "Begin" }).click();
	await page.getByRole("button", { name: "Next" }).click();
	await page.getByRole("radio", { name: /Web site, HTTP requests/ }).check();
	await page.getByLabel("Name", { exact: true }).fill("site");
	// What another block listens on is refused where it is typed.
	await page.getByLabel("Address for clients").fill(`127.0.0.1:${fresh.ports.console}`);
	await page.getByRole("button", { name: "Next" }).click();
	await page.getByText(/overlaps .* of console/).waitFor();
	await page.getByLabel("Address for clients").fill(`127.0.0.1:${fresh.ports.http}`);
	await page.getByRole("button", { name: "Next" }).click();
	await page.getByRole("heading", { name: "Servers", level: 2 }).waitFor();
	for (const [i, port] of fresh.ports.origins.entries()) {
		const addresses = page.getByLabel("Address and port");
		if ((await addresses.count()) <= i) await page.getByRole("button", { name: "Add server" }).click();
		await addresses.nth(i).fill(`127.0.0.1:${port}`);
	}
	await page.getByRole("button", { name: "Next" }).click();
	await page.getByRole("heading", { name: "Review and commit", level: 2 }).waitFor();
	await until("the focus is in the last step", () => page.evaluate(() => document.activeElement?.id === "wizard-step"));
	await page.getByRole("button", { name: /^Commit/ }).click();
	await page.getByText(/Revision 2 runs now/).first().waitFor();
	const bar = page.getByRole("region", { name: "Commit waits for its confirm" });
	if (fresh.status().pending) {
		await bar.getByRole("button", { name: "Keep" }).click();
		await bar.waitFor({ state: "detached" });
	}
	const seen = new Set();
	await until("all three servers answer", async () => {
		const a = await answer(fresh.ports.http);
		if (a.status === 200) seen.add(a.text);
		return seen.size === 3;
	});
	assert.equal(fresh.status().pending, undefined);
	await page.goto(`${base}/pools`);
	await page.getByRole("link", { name: "site", exact: true }).waitFor();
	await end();
});

test("a rule is edited, tested, committed with confirm, and kept", async (t) => {
	const traffic = new Traffic(box.ports.http);
	t.after(() => traffic.stop());
	const { page, base, end } = await tab(browser, box, { cookie: admin.cookie });
	await page.goto(`${base}/clusters/shop`);
	await page.getByRole("tab", { name: "Rules" }).click();
	await page.getByRole("button", { name: "Actions on the rule old" }).click();
	await page.getByRole("menuitem", { name: "Edit" }).click();
	const form = page.getByRole("dialog", { name: "Edit the rule old" });
	await form.getByRole("textbox", { name: "As text" }).fill('path_prefix("/old/", "/older/")');
	await form.getByRole("button", { name: "Save rule" }).click();
	await form.waitFor({ state: "detached" });
	await page.getByRole("region", { name: "Uncommitted changes" }).waitFor();
	assert.equal((await answer(box.ports.http, "/older/tea")).status, 200, "nothing changes before the commit");

	await page.goto(`${base}/tester`);
	await page.getByLabel("URL").fill("http://www.example.com/older/tea");
	await page.getByRole("radio", { name: "Compare" }).check();
	await page.getByRole("button", { name: "Ask" }).click();
	await page.getByText("What your draft changes for this request").waitFor();
	await page.getByRole("main").getByText("moved").first().waitFor();
	await page.getByRole("button", { name: "Run all" }).click();
	await page.getByText("The test passes").first().waitFor();

	await page.getByRole("link", { name: "Review" }).first().click();
	await page.getByRole("heading", { name: "Tests of rules: 1 of 1 passed" }).waitFor();
	await page.getByLabel(/^Comment/).fill("older links, too");
	await page.getByRole("checkbox", { name: /Commit with confirm/ }).check();
	await page.getByRole("button", { name: /^Commit, keep within/ }).click();
	const bar = page.getByRole("region", { name: "Commit waits for its confirm" });
	await bar.waitFor();
	await until("the rule is in force", async () => (await answer(box.ports.http, "/older/tea")).status === 301);
	assert.equal((await answer(box.ports.http, "/old/tea")).location, "/tea");
	const waits = page.getByText("It waits for its confirm");
	await waits.waitFor();
	await bar.getByRole("button", { name: "Keep" }).click();
	await waits.waitFor({ state: "detached" }); // it is kept: nothing waits any more
	await bar.waitFor({ state: "detached" });
	assert.equal(box.status().pending, undefined);
	assert.match(box.text(), /# The shop's servers\./, "comments stay");
	assert.match(box.text(), /description = "the shop has moved/, "what was not edited stays");
	await page.goto(`${base}/changes/history`);
	await page.getByText("older links, too").first().waitFor();
	assert.equal(await traffic.stop(), 0, `no request fails: ${traffic.faults}`);
	await end();
});

test("an admin takes over the draft of somebody who is nobody of the box", async () => {
	const { page, base, end } = await tab(browser, box, { cookie: admin.cookie });
	await admin.call("config.discard", {}).catch(() => {}); // one of the test before
	const file = join(box.dir, "theirs.hcl");
	writeFileSync(file, box.text().replace('pool "api" {', 'pool "api" {\n  queue = 7'));
	box.must("config", "set", file); // over the Unix socket
	await page.goto(`${base}/changes/review`);
	await live(page);
	const others = page.getByRole("note").filter({ hasText: "Somebody else is editing too" });
	await others.getByText("nobody of this box").waitFor();
	await others.getByText(/has a draft with 1 change on revision/).waitFor();
	await others.getByRole("button", { name: "Take over" }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Take over" }).click();
	await others.waitFor({ state: "detached" });
	await page.getByRole("region", { name: "Uncommitted changes" }).or(page.getByRole("button", { name: /^Discard/ })).first().waitFor();
	const theirs = await admin.call("config.object", { path: "" });
	assert.match((await admin.call("config.candidate", {})).text, /queue = 7/, "it is the admin's");

	// A mistake, and what is only odd: each below its own heading.
	await admin.call("config.edit", { version: theirs.version, edits: [
		{ op: "patch", path: "pool/api", set: { queue: -7 } }, { op: "insert", type: "pool", label: "none" },
	] });
	const below = (name) => page.locator(".card").filter({ has: page.getByRole("heading", { name }) }).getByRole("listitem");
	await below(/^1 mistake keeps this/).filter({ hasText: "queue must be" }).waitFor();
	await below(/^Warnings of the language 1/).filter({ hasText: "has no members" }).waitFor();
	assert.deepEqual([await below(/^1 mistake/).count(), await below(/^Warnings of the language/).count()], [1, 1]);
	await admin.call("config.discard", {});
	await end();
});

test("two admins change the same object: the second sees who and when, and merges", async () => {
	box.addUser("berta", "editor", "another long password");
	const other = await box.login("berta", "another long password");
	const base = box.status().revision;
	await admin.call("config.patch", { base, path: "pool/shop", set: { description: "pages, says the admin" } });
	await other.call("config.edit", { base, edits: [
		{ op: "patch", path: "pool/shop", set: { description: "pages, says Berta" } },
		{ op: "patch", path: "cluster/shop", set: { description: "by Berta" } },
	] });
	await other.call("config.commit", { comment: "Berta was first" });
	other.close();
	const { page, base: url, end } = await tab(browser, box, { cookie: admin.cookie });
	await page.goto(`${url}/changes/review`);
	const main = page.getByRole("main");
	await main.getByText(/1 object was changed by you and by somebody else/).waitFor();
	await main.getByText(/berta/).first().waitFor();
	await main.locator("time").first().waitFor();
	assert.match(await main.innerText(), /says the admin/);
	assert.match(await main.innerText(), /says Berta/);
	const merge = main.getByRole("button", { name: "Merge" });
	assert.equal(await merge.getAttribute("aria-disabled"), "true", "nothing is overwritten unasked");
	await main.getByRole("radio", { name: "Yours" }).check();
	await merge.click();
	await main.getByRole("button", { name: /^Commit/ }).waitFor();
	await until("the commit is done", async () => {
		const commit = main.getByRole("button", { name: "Commit", exact: true });
		if (await commit.count()) await commit.first().click({ timeout: 2000 });
		return box.status().revision > base + 1;
	});
	assert.match(box.text(), /says the admin/);
	assert.match(box.text(), /by Berta/, "what only the other one changed stays");
	await end();
});

test("a server is drained to zero under load, with the dialog", async (t) => {
	for (const o of box.origins) o.delay = 300;
	const traffic = new Traffic(box.ports.http, { perSecond: 25 });
	t.after(async () => {
		await traffic.stop();
		for (const o of box.origins) o.delay = 0;
	});
	const { page, base, end } = await tab(browser, box, { cookie: admin.cookie });
	await page.goto(`${base}/pools/shop`);
	await live(page);
	await until("requests run on web1", () => JSON.parse(box.must("show", "servers", "-o", "json")) && box.origins[0].served > 3);
	const draft = (await admin.call("config.candidate", {}).catch(() => ({ text: "" }))).text;
	await page.getByRole("button", { name: "Drain…" }).click();
	await page.getByRole("menuitem", { name: "web1" }).click();
	const dialog = page.getByRole("dialog", { name: "Drain web1" });
	await dialog.getByText("2 of 3 servers remain for new clients").waitFor();
	await dialog.getByRole("rowheader", { name: "web1" }).waitFor();
	await dialog.getByRole("radio", { name: /Drain, ignore stickiness/ }).check();
	await dialog.getByLabel(/^Note/).fill("new disk");
	await dialog.getByRole("button", { name: "Drain web1" }).click();
	await dialog.waitFor({ state: "detached" });
	const row = page.getByRole("row", { name: /web1/ }).first();
	await row.getByText("Draining").first().waitFor();
	await page.getByText(/Empty: nothing runs on it|Nothing runs; /).first().waitFor();
	const served = box.origins[0].served;
	await until("the others serve on", () => traffic.by.web2 > 5 && traffic.by.web3 > 5);
	assert.equal(box.origins[0].served, served, "it gets no request any more");
	assert.equal((await admin.call("config.candidate", {}).catch(() => ({ text: "" }))).text, draft, "the draft is untouched");

	// The last one is guarded.
	await page.getByRole("button", { name: "Actions for web2" }).first().waitFor();
	await admin.call("server.quiesce", { member: "shop/web2" });
	await page.getByRole("button", { name: "Drain…" }).click();
	await page.getByRole("menuitem", { name: "web3" }).click();
	await page.getByText("Nobody would be left in shop").waitFor();
	assert.equal(await page.getByRole("dialog").getByRole("button", { name: "Drain web3" }).getAttribute("aria-disabled"), "true");
	await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
	for (const m of ["web1", "web2"]) await admin.call("server.enable", { member: `shop/${m}` });
	await until("web1 serves again", () => box.origins[0].served > served);
	assert.equal(await traffic.stop(), 0, `no request fails: ${traffic.faults}`);
	await end();
});
