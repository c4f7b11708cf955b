// SPDX-License-Identifier: Apache-2.0
//
// What holds for every page there is: axe finds nothing, nothing is wider than a
// window of 320 px, and no short word is broken in two, in both themes and languages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Box, shop } from "./box.mjs";
import { launch, live, settled, tab, violations } from "./browser.mjs";
import { paths } from "./paths.mjs";
import { Traffic } from "./traffic.mjs";

let browser, box, admin, traffic;
before(async () => {
	browser = await launch();
	box = await Box.start(shop, { board: "sim" });
	admin = await box.setUp();
	traffic = new Traffic(box.ports.http, { perSecond: 10 });
	await box.origins[1].kill(); // something must be wrong to be shown
});
after(async () => {
	await traffic?.stop();
	admin?.close();
	await box?.stop();
	await browser?.close();
});

// broken returns the short words that stand in more than one line, such as a time
// of day in a column that has no room for it.
const broken = (page) => page.evaluate(() => {
	const found = [];
	const walk = document.createTreeWalker(document.querySelector("main") ?? document.body, NodeFilter.SHOW_TEXT);
	const range = document.createRange();
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		for (const word of n.data.matchAll(/[\w:.]{2,8}(?![\w:.])/g)) {
			range.setStart(n, word.index);
			range.setEnd(n, word.index + word[0].length);
			const lines = new Set([...range.getClientRects()].map((r) => Math.round(r.top)));
			if (lines.size > 1) found.push(`${word[0]} in ${n.parentElement.tagName}.${n.parentElement.className}`);
		}
	}
	return found.slice(0, 5);
});

// look visits a path in one language and returns what is wrong with it.
async function look(page, path) {
	const bad = [];
	await settled(page);
	for (const theme of ["light", "dark"]) {
		await page.evaluate((t) => (document.documentElement.dataset.theme = t), theme);
		for (const v of await violations(page)) bad.push(`${path} (${theme}): ${v}`);
	}
	await page.setViewportSize({ width: 320, height: 800 });
	// Charts are drawn anew a moment later.
	await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth, null, { timeout: 15_000 }).catch(() => {});
	const wide = await page.evaluate(() => {
		const over = document.documentElement.scrollWidth - innerWidth;
		if (over <= 0) return null;
		const clipped = (e) => e !== document.body && (getComputedStyle(e).overflowX !== "visible" || clipped(e.parentElement));
		const right = (e) => e.getBoundingClientRect().right;
		const widest = [...document.querySelectorAll("body *")].filter((e) => !clipped(e.parentElement)).sort((a, b) => right(b) - right(a)).slice(0, 3);
		return `${over} px wider than 320 px: ${widest.map((e) => `${e.tagName}.${e.className} to ${right(e)}`).join(", ")}`;
	});
	if (wide) bad.push(`${path}: ${wide}`);
	for (const b of await broken(page)) bad.push(`${path} at 320 px breaks ${b}`);
	await page.setViewportSize({ width: 1280, height: 900 });
	for (const b of await broken(page)) bad.push(`${path} breaks ${b}`);
	const over = await page.evaluate(() => document.documentElement.scrollHeight - Math.max(innerHeight, Math.ceil(document.querySelector(".shell, .gate")?.getBoundingClientRect().height ?? 0)));
	if (over > 0) bad.push(`${path}: ${over} px higher than what it shows`);
	return bad;
}

for (const lang of ["en", "zh-Hans"]) {
	test(`every page in ${lang}`, async (t) => {
		// The box keeps theme and language for each user.
		box.addUser(`u-${lang}`, "admin", "another long password");
		const c = await box.login(`u-${lang}`, "another long password");
		t.after(() => c.close());
		const { page, base, end } = await tab(browser, box, { cookie: c.cookie, lang });
		await c.call("config.patch", { base: 1, path: "pool/shop/member/web3", set: { weight: 40 } });
		const bad = [];
		const list = [...paths({ cluster: "shop", pool: "shop", server: "web1", certificate: "none", port: "1" }), "/certificates?tab=requests", "/certificates?tab=acme"];
		assert.ok(list.length > 5);
		for (const path of list) {
			await page.goto(base + path);
			await live(page);
			assert.equal(await page.evaluate(() => document.documentElement.lang), lang);
			bad.push(...(await look(page, path)));
		}
		assert.equal(bad.join("\n"), "");
		t.diagnostic(`${list.length} pages`);
		await end();
	});
}

test("the pages before the login", async () => {
	for (const lang of ["en", "zh-Hans"]) {
		const { page, base, end } = await tab(browser, box, { lang });
		await page.goto(base);
		await page.getByLabel(lang === "en" ? "User" : "用户名", { exact: true }).waitFor();
		assert.equal((await look(page, `login in ${lang}`)).join("\n"), "");
		await end();
	}
});
