// SPDX-License-Identifier: Apache-2.0
//
// The firmware in the browser: a bundle is sent, started, tries itself, and one that
// fails comes back; what the box refuses it explains.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { admin as who, Box, shop, until } from "./box.mjs";
import { launch, live, lost, tab, violations } from "./browser.mjs";

const quick = (p) => `${shop(p)}
upgrade {
  soak  = "1s"
  limit = "40s"
}
`;

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

// bundle makes one for the simulated board.
function bundle(box, version, behave = "good") {
	const name = join(box.dir, `evener-${version}.evb`);
	const done = spawnSync(process.env.EVENER_BIN, ["upgrade", "demo-bundle", name, "--version", version, "--behave", behave], { encoding: "utf8" });
	assert.equal(done.status, 0, done.stderr);
	return name;
}

const show = (box) => JSON.parse(box.must("upgrade", "show", "-o", "json"));

test("a version is sent, started and kept; one that fails comes back", async (t) => {
	const box = await Box.start(quick, { board: "sim" });
	t.after(() => box.stop());
	const session = await box.setUp();
	t.after(() => session.close());
	// The password gives the session another cookie: not that of others.
	const own = await box.login();
	t.after(() => own.close());
	const { page, base, guard, end } = await tab(browser, box, { cookie: own.cookie });
	guard.allow(lost); // the box restarts
	await page.goto(`${base}/updates`);
	await live(page);
	await page.getByRole("heading", { name: "Slot A, which runs" }).waitFor();
	await page.getByText("1.0.0 from slot A").waitFor();
	assert.deepEqual(await violations(page), []);

	// A bundle that somebody has changed is refused, with the reason.
	const good = bundle(box, "1.0.1");
	const forged = readFileSync(good);
	forged[2_000_000] ^= 1;
	writeFileSync(join(box.dir, "forged.evb"), forged);
	const send = async (file) => {
		await page.getByLabel("Bundle").setInputFiles(file);
		await page.getByRole("button", { name: "Write it" }).click();
	};
	await send(join(box.dir, "forged.evb"));
	const password = page.getByRole("dialog").getByLabel("Password");
	await password.fill(who.password);
	await password.press("Enter");
	await page.getByRole("alert").getByText("its SHA-256 is not that of its manifest").first().waitFor();
	assert.equal(show(box).slots[1].state, "empty");

	await send(good);
	await page.getByText("1.0.1 is in slot B, read back and whole.").waitFor();
	assert.equal(show(box).slots[1].state, "spare");
	assert.equal(show(box).running.version, "1.0.0");
	await page.getByRole("button", { name: "Start 1.0.1…" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByText("the box goes back to 1.0.0 by itself").waitFor();
	assert.deepEqual(await violations(page), []);
	await dialog.getByRole("button", { name: "Restart the box" }).click();
	await until("1.0.1 is good", () => show(box).running.version === "1.0.1" && show(box).running.ok);
	await page.getByText("1.0.1 from slot B").waitFor();

	// The page follows a version that fails, over both restarts.
	box.must("upgrade", "install", bundle(box, "1.0.2", "fails"), "--start");
	await page.getByRole("heading", { name: "1.0.2 is on trial" }).waitFor();
	await page.getByText("the simulated image was made to fail its self-test").waitFor();
	assert.deepEqual(await violations(page), []);
	await page.getByRole("cell", { name: "Fell back" }).waitFor({ timeout: 150_000 });
	await page.getByText("1.0.2 did not stay: the box went back to 1.0.1 by itself.").waitFor();
	assert.equal(await page.getByText("Start it when it suits you").count(), 0, "1.0.1 was started long ago");
	const rows = page.getByRole("table", { name: "What happened" }).getByRole("row");
	await until("the newest stands first", async () => /Fell back|Given up/.test(await rows.nth(1).innerText()));
	await page.getByText("1.0.1 from slot B").waitFor();
	await page.getByText("Given up").first().waitFor();
	await end();
});

test("without a peer the page says why both boxes cannot be upgraded", async (t) => {
	const box = await Box.start(quick, { board: "sim" });
	t.after(() => box.stop());
	const session = await box.setUp();
	t.after(() => session.close());
	const { page, base, end } = await tab(browser, box, { cookie: session.cookie });
	await page.goto(`${base}/updates`);
	await live(page);
	const button = page.getByRole("button", { name: "Upgrade both boxes…" });
	await button.waitFor();
	assert.match(await button.getAttribute("title"), /no peer: pair it first/);
	await page.getByText(/Not now: .*no peer: pair it first/).waitFor();
	await page.getByLabel("an address that the box fetches").check();
	await page.getByRole("textbox", { name: "Address" }).fill("ftp://example.org/x");
	await page.getByText("An address begins with http:// or https://.").waitFor();
	await end();
});
