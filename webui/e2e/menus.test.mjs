// SPDX-License-Identifier: Apache-2.0
//
// Menus can be used with a mouse wherever they open: nothing of the page lies
// over them, and what lives beside them does not move them away.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box } from "./box.mjs";
import { launch, live, settled, tab } from "./browser.mjs";

let browser, box, admin;
before(async () => {
	browser = await launch();
	box = await Box.start();
	admin = await box.setUp();
});
after(async () => {
	admin?.close();
	await box?.stop();
	await browser?.close();
});

// covered returns the entries of the open menu that a click in their middle would miss.
const covered = (page) => page.getByRole("menuitem").evaluateAll((items) => items.filter((i) => {
	const r = i.getBoundingClientRect();
	return !i.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2));
}).map((i) => i.textContent));

test("nothing lies over the menu of a row: not the next row, no chart", async () => {
	const { page, base, end } = await tab(browser, box, { cookie: admin.cookie });
	for (const path of ["/servers", "/pools/shop"]) {
		await page.goto(base + path);
		await live(page);
		await settled(page);
		await page.locator("tbody tr").first().locator("td.acts button").click();
		await page.getByRole("menuitem").first().waitFor();
		assert.deepEqual(await covered(page), [], path);
	}
	// A chart is in its place as soon as its library is.
	await page.locator(".uplot canvas").first().waitFor();
	assert.deepEqual(await covered(page), [], "with the chart");
	await page.setViewportSize({ width: 1200, height: 900 });
	await page.getByRole("menu").waitFor({ state: "detached" });
	await end();
});

test("the rows of servers are as high with long numbers as with short ones", async () => {
	const { page, base, end } = await tab(browser, box, { cookie: admin.cookie });
	await page.goto(`${base}/pools/shop`);
	await settled(page);
	const probe = page.locator("tbody .last-probe:has(.muted)").first();
	await probe.waitFor();
	const height = (text) => probe.evaluate((p, t) => {
		const number = p.querySelector(".muted .tnum").firstChild;
		const was = number.data;
		number.data = t;
		const h = p.closest("tr").getBoundingClientRect().height;
		number.data = was;
		return h;
	}, text);
	assert.equal(await height("1"), await height("1,234,567,890"));
	await end();
});
