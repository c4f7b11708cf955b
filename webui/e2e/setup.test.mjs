// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { admin, Box, empty, until } from "./box.mjs";
import { launch, live, logIn, refused, tab } from "./browser.mjs";

let browser;
before(async () => {
	browser = await launch();
});
after(() => browser?.close());

async function fillSetup(page, code) {
	await page.getByLabel("Set-up code").fill(code);
	await page.getByLabel("Name of the administrator").fill(admin.user);
	await page.getByLabel("Password", { exact: true }).fill(admin.password);
	await page.getByLabel("Password again").fill(admin.password);
	await page.getByRole("button", { name: "Create administrator" }).click();
}

test("the set-up code makes the first administrator, once", async (t) => {
	const box = await Box.start(empty);
	t.after(() => box.stop());
	const code = box.setupCode();
	const { page, guard, base, end } = await tab(browser, box);
	guard.allow(refused(401));
	await page.goto(base);
	await page.getByRole("heading", { name: "First set-up" }).waitFor();
	await fillSetup(page, "AAAA-AAAA-AAAA-AAAA");
	await page.locator("[aria-invalid=true]").waitFor();
	assert.equal(await page.getByRole("heading", { name: "First set-up" }).isVisible(), true, "a wrong code lets nobody in");
	await fillSetup(page, code);
	await live(page);
	await page.getByRole("button", { name: "User admin" }).waitFor();
	assert.ok(!box.cli("setup-code").out.includes(code), "the code is void");
	const cookie = (await page.context().cookies())[0];
	assert.deepEqual([cookie.name, cookie.httpOnly, cookie.secure, cookie.sameSite], ["__Host-evener", true, true, "Strict"]);
	await end();

	const second = await tab(browser, box);
	await second.page.goto(base);
	await second.page.getByRole("heading", { name: "Log in" }).waitFor();
	await second.end();
});

test("a password lets in, a wrong one does not, and guessing takes ever longer", async (t) => {
	const box = await Box.start(empty);
	t.after(() => box.stop());
	(await box.setUp()).close();
	const { page, guard, base, end } = await tab(browser, box);
	guard.allow(refused(401, 429));
	await page.goto(`${base}/servers`);
	await logIn(page, admin.user, "not this one at all");
	await page.getByText("Name, password or code is wrong.").first().waitFor();
	await logIn(page);
	await live(page);
	assert.equal(new URL(page.url()).pathname, "/servers", "the page that was asked for");
	await page.getByRole("button", { name: "User admin" }).click();
	await page.getByRole("menuitem", { name: "Log out" }).click();
	await page.getByText("You are logged out.").waitFor();
	// The end of the session comes by the WebSocket, and may overtake the answer that clears the cookie.
	await until("the cookie is cleared", async () => (await page.context().cookies()).length === 0);

	await until("the notice that says how long to wait", async () => {
		const act = page.getByRole("button", { name: "Log in" });
		if (await act.isEnabled()) await logIn(page, "nobody", "wrong wrong wrong");
		return page.getByText(/Too many attempts\. Next one in/).first().isVisible();
	});
	await until("the notice goes away", async () => !(await page.getByText(/Too many attempts\. Next one in/).first().isVisible()));
	await logIn(page);
	await live(page, 40_000);
	await end();
});
