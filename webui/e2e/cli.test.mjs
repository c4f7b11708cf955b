// SPDX-License-Identifier: Apache-2.0
//
// The command line of the console, requests of certificates and CAs by form, in
// the browser.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { admin as who, Box, shop, until } from "./box.mjs";
import { launch, live, tab, violations } from "./browser.mjs";

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

async function open(path, session = admin) {
	const t = await tab(browser, box, { cookie: session.cookie });
	await t.page.goto(t.base + path);
	await live(t.page);
	return t;
}

const line = (page) => page.getByLabel("Command", { exact: true });
const answer = (page) => page.getByRole("log", { name: "Commands and their output" }).getByRole("article").last();

// type runs a line and returns what it prints.
async function type(page, text) {
	const before = await page.getByRole("article").count();
	await line(page).fill(text);
	await line(page).press("Enter");
	await until(`${text} has ended`, async () => (await page.getByRole("article").count()) > before);
	return answer(page).innerText();
}

test("commands run with the rights of the session, and nothing in them is markup", async () => {
	const { page, end } = await open("/system/cli");
	assert.match(await type(page, "show servers"), /shop\/web1\s+\S+\s+up/);
	assert.match(await type(page, 'server drain shop/web1 --deadline 5m -m "<img src=x onerror=alert(1)>"'), /shop\/web1 is quiesced/);
	assert.match(await type(page, "show servers"), /<img src=x onerror=alert\(1\)>/);
	assert.equal(await page.locator(".cli-log img").count(), 0);
	assert.match(await type(page, "config set /etc/passwd"), /does not have "config set"[^]*exit code 2/i);
	const r = (await admin.call("audit.query", { method: "server.drain" })).records[0];
	assert.deepEqual([r.user, r.origin, r.session], [who.user, "web", (await admin.call("session.list", {})).sessions.find((s) => s.current).id]);

	// Keys: history, completion, and Tab that leaves a line which it cannot complete.
	await line(page).press("ArrowUp");
	await line(page).press("ArrowUp");
	assert.equal(await line(page).inputValue(), "show servers");
	await line(page).fill("serv");
	for (const [typed, want] of [["", "server "], ["ena", "server enable "], ["sh", "server enable shop/web"]]) {
		await line(page).pressSequentially(typed);
		await line(page).press("Tab");
		await until(`the line is ${want}`, async () => (await line(page).inputValue()) === want);
	}
	assert.deepEqual(await violations(page), [], "with output and ways to go on");
	await page.getByRole("list", { name: "Ways to go on" }).getByRole("button", { name: "shop/web1" }).click();
	assert.equal(await line(page).inputValue(), "server enable shop/web1 ");
	await line(page).press("Enter");
	await until("the server is enabled", async () => /shop\/web1 is (up|enabled)/.test(await answer(page).innerText()));
	await line(page).fill("no such thing");
	await line(page).press("Tab");
	await page.getByText("Nothing to complete", { exact: false }).waitFor();
	await line(page).press("Tab");
	assert.equal(await line(page).evaluate((e) => e === document.activeElement), false, "Tab leaves the line");
	await end();
});

test("a command that needs the password asks for it; a viewer's are refused", async () => {
	box.addUser("eve", "viewer", "another long password");
	box.addUser("gone", "viewer", "another long password");
	const own = await box.login();
	const { page, end } = await open("/system/cli", own);
	await line(page).fill("user remove gone");
	await line(page).press("Enter");
	const dialog = page.getByRole("dialog");
	await dialog.getByLabel("Password").fill(who.password);
	await dialog.getByLabel("Password").press("Enter");
	await until("the user is removed", async () => (await page.getByRole("article").count()) === 1 && /removed/.test(await answer(page).innerText()));
	await end();
	const eve = await box.login("eve", "another long password");
	const hers = await open("/system/cli", eve);
	assert.match(await type(hers.page, "server disable shop/web1"), /needs the role operator; eve has viewer/);
	await hers.page.getByText("with your role (viewer)", { exact: false }).waitFor();
	await hers.end();
	own.close();
	eve.close();
});

test("a command that takes long is cancelled", async () => {
	const { page, end } = await open("/system/cli");
	await line(page).fill("ping 127.0.0.1 -c 50");
	await line(page).press("Enter");
	await page.getByRole("button", { name: "Cancel" }).click();
	await until("it is cancelled", async () => /Cancelled/.test(await answer(page).innerText()));
	assert.match(await type(page, "status"), /revision/);
	await end();
});

test("the box makes a key and a request, and takes what the CA makes of it", async (t) => {
	const dir = mkdtempSync(join(tmpdir(), "evener-e2e-ca-"));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	const { page, end } = await open("/certificates?tab=requests");
	await page.getByText("No request is waiting").waitFor();
	await admin.call("certificate.request", { name: "elsewhere", names: ["elsewhere.example"] });
	await page.getByText("elsewhere.example", { exact: true }).waitFor(); // nobody has loaded the page anew
	await admin.call("certificate.request_remove", { name: "elsewhere" });
	await page.getByText("No request is waiting").waitFor();
	await page.getByRole("button", { name: "New request" }).first().click();
	const dialog = page.getByRole("dialog");
	assert.deepEqual(await violations(page), []);
	await dialog.getByRole("button", { name: "Make key and request" }).click();
	await dialog.getByText("Write at least one host name or address.").waitFor();
	await dialog.getByLabel("Name of the request").fill("shop");
	await dialog.getByLabel("Host names and addresses").fill("shop.example, www.shop.example");
	await dialog.getByRole("button", { name: "Make key and request" }).click();
	const field = dialog.getByLabel("Certificate request (PEM)");
	await field.waitFor();
	const [file] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Download request" }).click()]);
	assert.equal(file.suggestedFilename(), "shop.csr");
	const csr = await field.inputValue();
	assert.equal(readFileSync(await file.path(), "utf8"), csr);
	assert.doesNotMatch(await page.content(), /PRIVATE KEY/);
	await dialog.getByRole("button", { name: "Close" }).last().click();

	writeFileSync(join(dir, "shop.csr"), csr);
	const openssl = (...args) => {
		const r = spawnSync("openssl", args, { cwd: dir, encoding: "utf8" });
		assert.equal(r.status, 0, r.stderr);
		return r.stdout;
	};
	assert.match(openssl("req", "-in", "shop.csr", "-noout", "-text", "-verify"), /DNS:shop\.example, DNS:www\.shop\.example/);
	openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a CA", "-days", "900");
	openssl("x509", "-req", "-in", "shop.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "90", "-copy_extensions", "copy", "-out", "shop.pem");

	await page.getByRole("button", { name: "Actions for shop" }).click();
	await page.getByRole("menuitem", { name: "Import its certificate" }).click();
	await dialog.getByLabel("Or paste PEM text").fill(readFileSync(join(dir, "ca.pem"), "utf8"));
	await dialog.getByRole("button", { name: "Check" }).click();
	await dialog.getByText("none of the 1 pending requests", { exact: false }).first().waitFor();
	await dialog.getByLabel("Or paste PEM text").fill(readFileSync(join(dir, "shop.pem"), "utf8") + readFileSync(join(dir, "ca.pem"), "utf8"));
	await dialog.getByRole("button", { name: "Check" }).click();
	await dialog.getByText("That of the request shop", { exact: false }).waitFor();
	await dialog.getByRole("button", { name: "Import shop" }).click();
	await page.getByText("No request is waiting").waitFor();

	await page.getByRole("tab", { name: "Certificates" }).click();
	await page.getByRole("button", { name: "Actions for shop" }).click();
	await page.getByRole("menuitem", { name: "Request its successor" }).click();
	await until("the names are those of the certificate", async () => (await dialog.getByLabel("Host names and addresses").inputValue()) === "shop.example\nwww.shop.example");
	await end();
});

test("a CA is added, changed and removed by the form, and its account gets a key", async () => {
	const { page, end } = await open("/certificates?tab=acme");
	const dialog = page.getByRole("dialog");
	await page.getByRole("button", { name: "Add a CA" }).first().click();
	await dialog.getByLabel("Name", { exact: true }).fill("le");
	await dialog.getByLabel("I agree to the CA's terms of service").check();
	await dialog.getByLabel("E-mail addresses").fill("ops@shop.example");
	await dialog.getByText("Advanced", { exact: false }).click();
	await dialog.getByLabel("Account key ID").fill("kid-1");
	await dialog.getByRole("button", { name: "Add to draft" }).click();
	await page.getByRole("cell", { name: "acme-v02.api.letsencrypt.org" }).waitFor();
	const text = async () => (await admin.call("config.candidate", {})).text;
	assert.match(await text(), /acme "le" \{\s+agree_tos\s+= true\s+(eab_key_id\s+= "kid-1"\s+)?email\s+= \["ops@shop.example"\]/);

	await page.getByRole("button", { name: "Actions for le" }).click();
	await page.getByRole("menuitem", { name: "Account key" }).click();
	await dialog.getByLabel("MAC key, as the CA gives it").fill("c2VjcmV0");
	await dialog.getByRole("button", { name: "Keep key" }).click();
	await page.getByText("The account key of le is kept").waitFor();

	await page.getByRole("button", { name: "Actions for le" }).click();
	await page.getByRole("menuitem", { name: "Edit" }).click();
	await dialog.getByLabel("E-mail addresses").fill("web@shop.example");
	await dialog.getByRole("button", { name: "Save to draft" }).click();
	await until("the address is another", async () => /web@shop\.example/.test(await text()));
	await page.getByRole("button", { name: "Actions for le" }).click();
	await page.getByRole("menuitem", { name: "Remove" }).click();
	await dialog.getByRole("button", { name: "Remove CA" }).click();
	await page.getByText("There is no CA yet").waitFor();
	assert.doesNotMatch(await text(), /acme/);
	await end();
});
