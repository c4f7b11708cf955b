// SPDX-License-Identifier: Apache-2.0
//
// The box as a thing, in the browser: its panel, ports, network and packets. It
// is the simulated board.
import assert from "node:assert/strict";
import { get } from "node:http";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { admin as who, Box, shop, until } from "./box.mjs";
import { launch, live, lost, tab } from "./browser.mjs";

let browser, box, admin;
before(async () => {
	browser = await launch();
	box = await Box.start(shop, { board: "sim" });
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

test("keys of the panel change its screen, by pointer and keyboard", async () => {
	// The password gives the session another cookie: not that of the other tests.
	const own = await box.login();
	const { page, end } = await open("/hardware", own);
	const screen = page.getByRole("group", { name: "Screen of the panel" });
	const shows = (text) => until(`the screen shows ${text}`, async () => (await screen.innerText()).includes(text));
	// Which of its pages it shows is a matter of time.
	const status = () => until("the screen shows the status", async () => {
		const text = (await screen.innerText()).trim();
		return text !== "" && !text.includes("Menu");
	});
	await status();
	const keys = page.getByRole("group", { name: "Keys of the panel" });
	await keys.getByRole("button", { name: "Escape" }).click();
	// The panel can turn the box off: the box wants the password again.
	const dialog = page.getByRole("dialog");
	await dialog.getByRole("button", { name: "Cancel" }).click();
	await page.getByText("This needs your password again.").waitFor();
	await status();
	await keys.getByRole("button", { name: "Escape" }).click();
	await dialog.getByLabel("Password").fill(who.password);
	await dialog.getByLabel("Password").press("Enter");
	await shows("Menu");
	await shows(">Network");
	await keys.getByRole("button", { name: "Down" }).click();
	await shows(">Fingerprint");
	await screen.focus();
	await page.keyboard.press("ArrowUp");
	await shows(">Network");
	// The box has them from here: the panel itself shows the same.
	await until("the box shows it too", async () => (await admin.call("panel.screen", {})).lines.some((l) => l.includes(">Network")));
	await keys.getByRole("button", { name: "Escape" }).press("Space");
	await until("the menu is left", async () => !(await screen.innerText()).includes("Menu"));
	await end();
	own.close();
});

test("the lamp that finds the box blinks, and ends", async () => {
	const { page, end } = await open("/hardware");
	await page.getByRole("button", { name: "Blink to be found" }).click();
	await page.getByRole("button", { name: "Stop blinking" }).waitFor();
	assert.equal((await admin.call("hardware.show", {})).machine.locate, true);
	await page.getByRole("button", { name: "Stop blinking" }).click();
	await page.getByRole("button", { name: "Blink to be found" }).waitFor();
	await end();
});

test("a port is identified by its lamp", async () => {
	const { page, end } = await open("/ports");
	const blinks = async () => (await admin.call("port.list", {})).ports.find((p) => p.name === "3").identify;
	const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "3", exact: true }) });
	await row.getByRole("button", { name: "Identify" }).click();
	await row.getByRole("button", { name: "Blinks", pressed: true }).waitFor();
	assert.equal(await blinks(), true);
	await row.getByRole("link", { name: "3", exact: true }).click();
	await page.getByRole("heading", { name: "Port 3", level: 1 }).waitFor();
	await page.getByRole("button", { name: "Blinks" }).click();
	await page.getByRole("button", { name: "Identify", pressed: false }).waitFor();
	assert.equal(await blinks(), false);
	await end();
});

// visit sends a request to the cluster.
const visit = (path) => new Promise((resolve, reject) => {
	get({ host: "127.0.0.1", port: box.ports.http, path, agent: false }, (res) => res.resume().on("end", () => resolve(res.statusCode))).on("error", reject);
});

// Elsewhere than in CI, who is not root may capture nothing.
const rights = process.getuid() === 0 || process.env.CI === "true" ? false : "capturing needs the rights of root";

test("a request is captured, and the file is downloaded", { skip: rights }, async () => {
	const own = await box.login(); // whose token the password changes
	const { page, end } = await open("/capture", own);
	await page.getByLabel("any", { exact: true }).uncheck();
	await page.getByLabel("lo", { exact: true }).check();
	await page.getByLabel("Filter").fill("tcp port");
	await page.getByRole("button", { name: "Start capture" }).click();
	const password = page.getByRole("dialog").getByLabel("Password");
	// The box wants the password again; then it says what is wrong with the filter.
	await password.fill(who.password);
	await password.press("Enter");
	await page.getByText("Not started").waitFor();
	await page.getByLabel("Filter").fill(`tcp port ${box.ports.http}`);
	await page.getByLabel("Cluster").selectOption("shop");
	await page.getByRole("button", { name: "Start capture" }).click();
	await page.getByRole("cell", { name: /Runs/ }).waitFor();
	assert.equal(await visit("/captured-by-the-test"), 200);
	const row = page.getByRole("row").filter({ has: page.getByRole("button", { name: "Stop", exact: true }) });
	await until("packets are counted", async () => Number(await row.getByRole("cell").nth(2).innerText()) > 4);
	await page.getByRole("button", { name: "Stop", exact: true }).click();
	const save = page.getByRole("button", { name: "Download", exact: true });
	await save.waitFor();
	await page.getByRole("cell", { name: /Done/ }).waitFor();
	const coming = page.waitForEvent("download");
	await save.click();
	const file = await coming;
	assert.match(file.suggestedFilename(), /^capture-.+\.pcapng$/);
	const data = readFileSync(await file.path());
	assert.equal(data.readUInt32BE(0), 0x0a0d0d0a, "it begins with a section header of pcapng");
	assert.ok(data.includes("GET /captured-by-the-test"), "the request is in it");
	await page.getByRole("button", { name: /^More for capture/ }).click();
	await page.getByRole("menuitem", { name: "Delete" }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
	await page.getByText("No captures").waitFor();
	assert.deepEqual((await admin.call("capture.list", {})).captures, []);
	await end();
});

test("a management address that nobody keeps is taken back, and the page says so", async () => {
	const { page, end } = await open("/system/network");
	const now = async () => (await admin.call("network.show", {})).addresses;
	assert.deepEqual(await now(), []);
	await page.getByLabel("Addresses come from").selectOption("static");
	await page.getByLabel("Addresses", { exact: true }).fill("192.0.2.10/24");
	await page.getByRole("button", { name: "Save to draft" }).first().click();
	await page.getByRole("radio", { name: "30 s" }).click();
	await page.getByRole("button", { name: "Commit for 30 s" }).click();
	await page.getByRole("region", { name: "Commit waits for its confirm" }).waitFor();
	await until("the port has the address", async () => (await now()).includes("192.0.2.10/24"));
	await page.locator(".facts .tag", { hasText: "192.0.2.10/24" }).waitFor();
	await page.getByText(/was taken back: nobody kept it in time/).waitFor({ timeout: 90_000 });
	await until("the port has it no more", async () => (await now()).length === 0);
	assert.doesNotMatch(box.text(), /192\.0\.2\.10/);
	await end();
});

test("the box reboots, and the page comes back by itself", async () => {
	const own = await box.login();
	const { page, guard, end } = await open("/system", own);
	guard.allow(lost);
	const engine = async (client) => (await client.call("sys.info", {})).roles.find((r) => r.name === "engine").pid;
	const before = await engine(own);
	await page.getByRole("button", { name: "Switch off", exact: true }).click();
	const dialog = page.getByRole("dialog");
	assert.equal(await dialog.getByRole("button", { name: "Switch off", exact: true }).isDisabled(), true, "the box is not named yet");
	await dialog.getByRole("button", { name: "Cancel" }).click();
	await page.getByRole("button", { name: "Reboot", exact: true }).click();
	await dialog.getByRole("button", { name: "Reboot", exact: true }).click();
	await dialog.getByLabel("Password").fill(who.password);
	await dialog.getByLabel("Password").press("Enter");
	await page.getByRole("region", { name: "Messages" }).getByText(/ reboots: this page comes back by itself/).waitFor();
	await until("another engine runs", async () => {
		const next = await box.login();
		const pid = await engine(next);
		next.close();
		return pid !== before;
	});
	await live(page);
	assert.equal(page.url().includes("/login"), false, "the session outlives the reboot");
	own.close();
	await end();
});
