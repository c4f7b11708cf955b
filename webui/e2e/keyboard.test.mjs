// SPDX-License-Identifier: Apache-2.0
//
// The console without a pointer: on every page Tab reaches whatever a click does,
// shows where it is, and leads out again; and a day's work is done by keys.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { admin as who, Box, shop, until } from "./box.mjs";
import { launch, live, settled, tab } from "./browser.mjs";
import { paths } from "./paths.mjs";

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

// inPage are the functions that the page itself has to run. Those of a widget with one
// stop (a list of tabs, a menu, a group of radio buttons) are reached by arrows.
function inPage() {
	const stops = 'a[href], button, input, select, textarea, summary, [tabindex="0"], [role="button"], [role="switch"]';
	const roving = '[role="tab"], [role="menuitem"], [role="menuitemradio"], [role="option"], [role="radio"], input[type="radio"]';
	const name = (e) => `${e.tagName.toLowerCase()}${e.id ? `#${e.id}` : ""}.${[...e.classList].join(".")} "${(e.getAttribute("aria-label") || e.textContent || e.name || "").trim().slice(0, 40)}"`;
	const seen = new Set();
	globalThis.keys = {
		wanted: () => [...document.querySelectorAll(stops)].filter((e) => !e.disabled && e.tabIndex >= 0 && !e.matches(roving) && e.checkVisibility({ visibilityProperty: true, opacityProperty: false })),
		// step tells of the element that has the focus: null once it is none of the page.
		step() {
			const e = document.activeElement;
			if (!e || e === document.body) return null;
			seen.add(e);
			const bad = [];
			const s = getComputedStyle(e);
			const shown = (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2) || s.boxShadow !== "none";
			if (!shown) bad.push("does not show that it has the focus");
			const r = e.getBoundingClientRect();
			const x = Math.min(Math.max(r.left + r.width / 2, 0), innerWidth - 1), y = Math.min(Math.max(r.top + r.height / 2, 0), innerHeight - 1);
			if (r.bottom < 0 || r.top > innerHeight || r.right < 0 || r.left > innerWidth) bad.push("has the focus out of sight");
			else {
				const top = document.elementFromPoint(x, y);
				if (top && !e.contains(top) && !top.contains(e) && !e.labels?.length) bad.push(`is covered by ${name(top)}`);
			}
			return { begins: e.matches(".skip"), name: name(e), bad };
		},
		missed: () => globalThis.keys.wanted().filter((e) => !seen.has(e)).map(name),
	};
}

// walk presses Tab until the focus leaves the page, and returns what is wrong.
async function walk(page, path) {
	await page.evaluate(inPage);
	await page.evaluate(() => document.activeElement?.blur());
	const most = (await page.evaluate(() => globalThis.keys.wanted().length)) + 60;
	const bad = new Set();
	let left = false;
	for (let i = 0; i < most && !left; i++) {
		await page.keyboard.press("Tab");
		const at = await page.evaluate(() => globalThis.keys.step());
		left = !at || (i > 0 && at.begins); // or straight round to the first stop again
		for (const b of at?.bad ?? []) bad.add(`${path}: ${at.name} ${b}`);
	}
	if (!left) bad.add(`${path}: Tab does not lead out after ${most} stops`);
	for (const m of await page.evaluate(() => globalThis.keys.missed())) bad.add(`${path}: Tab does not reach ${m}`);
	return [...bad];
}

test("every page by Tab alone", async (t) => {
	const { page, base, end } = await tab(browser, box, { cookie: admin.cookie });
	const bad = [];
	const list = paths({ cluster: "shop", pool: "shop", server: "web1", certificate: "none", port: "1" });
	for (const path of list) {
		await page.goto(base + path);
		await live(page);
		await settled(page);
		bad.push(...(await walk(page, path)));
	}
	assert.equal(bad.join("\n"), "");
	t.diagnostic(`${list.length} pages`);
	await end();
});

// focused tells what has the focus, about as a screen reader does.
const focused = (page) => page.evaluate(() => {
	const e = document.activeElement;
	return e?.getAttribute("aria-label") || e?.labels?.[0]?.textContent?.trim() || e?.textContent?.trim() || "";
});

// to presses key, Tab unless it is named, until what has the focus fits.
async function to(page, what, key = "Tab") {
	for (let i = 0; i < 200; i++) {
		if (what.test(await focused(page))) return;
		await page.keyboard.press(key);
	}
	assert.fail(`${key} does not come to ${what}; it is at ${JSON.stringify(await focused(page))}`);
}

test("a night's work by keys: log in, find, drain, change, commit, confirm", async () => {
	const { page, base, end } = await tab(browser, box);
	const keys = page.keyboard;
	await page.goto(base);
	await page.getByLabel("User", { exact: true }).waitFor();
	await to(page, /^User/);
	await keys.type(who.user);
	await to(page, /^Password/);
	await keys.type(who.password);
	await keys.press("Enter");
	await live(page);

	// To a pool by its name.
	await keys.press("Control+k");
	await keys.type("shop/web2");
	await page.getByRole("option", { name: /shop\/web2/ }).first().waitFor();
	await keys.press("Enter");
	await page.waitForURL(/pools\/shop/);
	await settled(page);

	// Drain a server, change one's mind first.
	const dialog = page.getByRole("dialog", { name: "Drain web2" });
	for (const mind of [false, true]) {
		await to(page, /^Drain…/);
		await keys.press("Enter");
		await page.getByRole("menuitem", { name: "web2" }).waitFor();
		await to(page, /web2/, "ArrowDown");
		await keys.press("Enter");
		await dialog.waitFor();
		if (mind) {
			await to(page, /^Note/);
			await keys.type("new disk");
			await to(page, /^Drain web2/);
			await keys.press("Enter");
		} else {
			await keys.press("Escape");
		}
		await dialog.waitFor({ state: "detached" });
		if (!mind) await until("the focus goes back to where it came from", async () => /Drain…/.test(await focused(page)));
	}
	const row = page.getByRole("row", { name: /web2/ }).first();
	await row.getByText("Draining").first().waitFor();

	// Commit a change, and keep it.
	await admin.call("config.patch", { base: box.status().revision, path: "pool/shop/member/web3", set: { weight: 40 } });
	await page.goto(`${base}/changes/review`);
	await settled(page);
	await to(page, /^Comment/);
	await keys.type("less for web3");
	const confirm = page.getByRole("checkbox", { name: /Commit with confirm/ });
	if (!(await confirm.isChecked())) {
		await to(page, /^Commit with confirm/);
		await keys.press("Space");
	}
	await to(page, /^Commit, keep within/);
	await keys.press("Enter");
	const bar = page.getByRole("region", { name: "Commit waits for its confirm" });
	await bar.waitFor();
	await to(page, /^Keep$/);
	await keys.press("Enter");
	await bar.waitFor({ state: "detached" });
	assert.match(box.text(), /weight = 40/);
	assert.equal(box.status().pending, undefined);
	await end();
});
