// SPDX-License-Identifier: Apache-2.0
//
// The browser, and what holds for every page in it: nothing is fetched from
// another host, nothing is complained about in its console, no script fails.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { admin, patience, sleep } from "./box.mjs";

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// launch starts a browser with a profile of its own in a temporary folder. Its close
// may wait for ever for a process of the browser's that holds on to its output; what is
// left then ends with us.
export async function launch() {
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", headless: true, args: flags });
	const close = browser.close.bind(browser);
	browser.close = () => Promise.race([close(), sleep(40_000)]);
	return browser;
}

// tab opens a page of a box in a context of its own. box may be a Box or a
// URL. Its guard collects what must not happen; end() asserts that nothing did.
export async function tab(browser, box, { cookie, lang = "en", theme = "light", width = 1280, height = 900, agent } = {}) {
	const base = typeof box === "string" ? box : box.url;
	const context = await browser.newContext({ viewport: { width, height }, ignoreHTTPSErrors: true, reducedMotion: "reduce", ...(agent && { userAgent: agent }) });
	context.setDefaultTimeout(patience);
	await context.addInitScript(([t, l]) => {
		if (!localStorage.getItem("evener.theme")) localStorage.setItem("evener.theme", t);
		if (!localStorage.getItem("evener.lang")) localStorage.setItem("evener.lang", l);
	}, [theme, lang]);
	if (cookie) {
		const [name, value] = cookie.split("=");
		await context.addCookies([{ name, value, url: base, secure: true, httpOnly: true, sameSite: "Strict" }]);
	}
	const page = await context.newPage();
	const guard = new Guard(page, base);
	return { context, page, guard, base, async end() {
		await context.close();
		guard.check();
	} };
}

class Guard {
	faults = [];
	#allowed = [];

	constructor(page, base) {
		const hosts = new Set([new URL(base).host]);
		this.hosts = hosts;
		page.on("request", (r) => {
			const u = new URL(r.url());
			if (!/^(data|blob|about):$/.test(u.protocol) && !hosts.has(u.host)) this.faults.push(`asks another host: ${r.url()}`);
		});
		page.on("websocket", (w) => {
			if (!hosts.has(new URL(w.url()).host)) this.faults.push(`asks another host: ${w.url()}`);
		});
		page.on("console", (m) => {
			if (m.type() === "error") this.faults.push(`console: ${m.text()} (${m.location().url})`);
		});
		page.on("pageerror", (e) => this.faults.push(`unhandled: ${e.stack ?? e.message}`)); // rejections, too
	}

	// allow names what a test brings about on purpose.
	allow(...patterns) {
		this.#allowed.push(...patterns);
	}

	check() {
		const bad = this.faults.filter((f) => !this.#allowed.some((p) => p.test(f)));
		assert.deepEqual(bad, [], "what the page must not do");
	}
}

// lost is what a browser says of connections that break.
export const lost = /net::ERR_|WebSocket connection to .* failed/;

// refused is what it says of an answer with such a status.
export const refused = (...status) => new RegExp(`status of (${status.join("|")})`);

// logIn fills in the login form.
export async function logIn(page, user = admin.user, password = admin.password) {
	await page.getByLabel("User", { exact: true }).fill(user);
	await page.getByLabel("Password", { exact: true }).fill(password);
	await page.getByRole("button", { name: "Log in" }).click();
}

// live waits until the page follows the box.
export async function live(page, limit = patience) {
	await page.getByRole("button", { name: /^(Connection: Live|连接：实时)/ }).waitFor({ timeout: limit });
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// violations returns what axe finds wrong by WCAG 2.2 AA. It comes in by the
// debugger's protocol, which the page's CSP does not bind.
export async function violations(page) {
	await page.evaluate(axe);
	const found = await page.evaluate(() => globalThis.axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
		// Its authors call it experimental: it takes the hint of a key for a part of the name.
		rules: { "label-content-name-mismatch": { enabled: false } },
	}));
	return found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 4).map((n) => n.target.join(" ")).join("; ")}`);
}

// settled waits until a page has drawn what it loads.
export async function settled(page) {
	await page.getByRole("heading", { level: 1 }).first().waitFor();
	await page.waitForFunction(() => !document.querySelector("[aria-busy=true], .skeleton"));
	await page.waitForTimeout(150);
}
