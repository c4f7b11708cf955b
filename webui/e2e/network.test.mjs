// SPDX-License-Identifier: Apache-2.0
//
// The network of the box in the browser: the picture of its ports, and the forms for
// addresses, VLANs, bonds, routes and NAT. It is the simulated board.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box, shop, until } from "./box.mjs";
import { launch, live, tab } from "./browser.mjs";

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

async function open(path) {
	const t = await tab(browser, box, { cookie: admin.cookie });
	await t.page.goto(t.base + path);
	await live(t.page);
	return t;
}

test("ports get addresses, VLANs, a bond, a route and NAT by the picture and its forms", async () => {
	const { page, end } = await open("/system/network");
	const front = page.getByRole("group", { name: "The front" });
	const names = (await admin.call("port.list", {})).ports.map((p) => p.name);
	await until("the picture has every port", async () => (await front.locator(".socket").count()) === names.length);
	assert.deepEqual((await front.locator(".socket-name").allInnerTexts()).map((x) => x.trim()), names, "in their order, named as on the front");
	const dialog = page.getByRole("dialog");
	const add = async (fill) => {
		await fill();
		await dialog.getByRole("button", { name: "Add to draft" }).click();
		await dialog.waitFor({ state: "detached" });
	};

	await front.getByRole("button", { name: /^Port 1,/ }).click();
	await add(() => dialog.getByLabel("Addresses", { exact: true }).fill("198.51.100.2/24\n2001:db8:64::2/64"));
	const links = page.getByRole("table", { name: "Ports, bonds and VLANs" });
	const row = (name) => links.getByRole("row", { name });
	await row(/^1 In the draft/).waitFor();

	await row(/^1 In the draft/).getByRole("button", { name: "VLAN" }).click();
	await add(async () => {
		await dialog.getByLabel("Number").fill("100");
		await dialog.getByLabel("Addresses", { exact: true }).fill("203.0.113.2/24");
	});
	await page.getByRole("button", { name: "Add bond" }).click();
	await add(async () => {
		await dialog.getByLabel("Name").fill("bond0");
		for (const p of ["2", "3"]) await dialog.getByRole("checkbox", { name: p, exact: true }).check();
		await dialog.getByLabel("Addresses", { exact: true }).fill("10.1.0.1/16");
	});
	await page.getByRole("button", { name: "Route", exact: true }).click();
	await add(async () => {
		await dialog.getByLabel("Name").fill("branch");
		await dialog.getByLabel("To networks").fill("10.20.0.0/16");
		await dialog.getByLabel("By router").fill("198.51.100.1");
	});
	await page.getByRole("button", { name: "NAT", exact: true }).click();
	await add(async () => {
		await dialog.getByLabel("Name").fill("out");
		await dialog.getByLabel("From networks").fill("10.1.0.0/16");
		await dialog.getByLabel("Out by port").fill("1.100");
	});
	await page.getByText("4 uncommitted changes").first().waitFor(); // the last one has come here
	await page.getByRole("button", { name: /^Commit for/ }).click();
	await page.getByRole("region", { name: "Commit waits for its confirm" }).waitFor();
	const link = async (name) => (await admin.call("network.show", {})).links.find((l) => l.name === name);
	await until("all is set", async () => {
		const n = await admin.call("network.show", {});
		return n.links.length === 3 && n.links.every((l) => l.up) && n.ways.length === 2 && n.ways.every((w) => w.set);
	});
	assert.deepEqual((await link("1.100")).addresses, ["203.0.113.2/24"]);
	assert.deepEqual((await link("bond0")).members.map((m) => [m.port, m.active]), [["2", true], ["3", true]]);
	await front.getByRole("button", { name: "bond0, Up" }).waitFor();
	await front.getByRole("button", { name: "1.100, Up" }).waitFor();
	await row(/^bond0 Up/).waitFor();
	await page.getByRole("region", { name: "Commit waits for its confirm" }).getByRole("button", { name: "Keep" }).click();
	await page.getByRole("region", { name: "Commit waits for its confirm" }).waitFor({ state: "detached" });
	await admin.call("port.plug", { port: "2", in: false });
	await front.getByRole("button", { name: /^Port 2, No link/ }).waitFor();
	await row(/^bond0/).first().getByRole("button", { name: "Remove" }).click();
	await dialog.getByRole("button", { name: "Remove", exact: true }).click();
	await until("the bond is out of the draft", async () => (await row(/^bond0/).count()) === 0);
	await end();
});
