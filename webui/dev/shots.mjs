// SPDX-License-Identifier: Apache-2.0
//
// Takes pictures of pages of a running console, in both themes and languages,
// runs axe on each, and says what the browser complained about.
//
//	node dev/shots.mjs [--base http://127.0.0.1:9444] [--out DIR] [--width 1360] [--scale 1] [--one] [--full] [--out-of-session] PATH...
//
// --one takes only light English.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const args = process.argv.slice(2);
const take = (name, other) => {
	const i = args.indexOf(`--${name}`);
	return i < 0 ? other : args.splice(i, 2)[1];
};
const flag = (name) => {
	const i = args.indexOf(`--${name}`);
	return i >= 0 && Boolean(args.splice(i, 1));
};
const base = take("base", "http://127.0.0.1:9444");
const out = take("out", "shots");
const width = Number(take("width", 1360));
const scale = Number(take("scale", 1));
const one = flag("one");
const full = flag("full");
const outside = flag("out-of-session");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let bad = 0;
for (const theme of one ? ["light"] : ["light", "dark"]) {
	for (const lang of one ? ["en"] : ["en", "zh-Hans"]) {
		const context = await browser.newContext({ viewport: { width, height: 900 }, deviceScaleFactor: scale, ignoreHTTPSErrors: true, bypassCSP: false, reducedMotion: "reduce" });
		await context.addInitScript(([t, l]) => { localStorage.setItem("evener.theme", t); localStorage.setItem("evener.lang", l); }, [theme, lang]);
		if (!outside) await context.addCookies([{ name: "dev", value: "in", url: base }]);
		const page = await context.newPage();
		page.on("console", (m) => {
			if (m.type() === "error" || m.type() === "warning") console.log(`  ${m.type()}: ${m.text()}`);
		});
		page.on("pageerror", (e) => console.log(`  error: ${e.message}`));
		page.on("request", (r) => {
			if (!r.url().startsWith(base) && !r.url().startsWith(base.replace("http", "ws")) && !/^(data|blob):/.test(r.url())) console.log(`  asks another host: ${r.url()}`);
		});
		for (const path of args) {
			await page.goto(base + path);
			await page.waitForTimeout(900);
			const name = `${path.replace(/\W+/g, "-").replace(/^-|-$/g, "") || "root"}-${theme}-${lang}-${width}.png`;
			await page.screenshot({ path: join(out, name), fullPage: full });
			const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
			// axe runs by the debugger's protocol, which the page's CSP does not bind.
			await page.evaluate(axe);
			const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
			console.log(`${name}${wide > 0 ? `  ${wide} px wider than the window` : ""}`);
			for (const v of found.violations) {
				bad++;
				console.log(`  axe ${v.id} (${v.impact}): ${v.help}`);
				for (const n of v.nodes.slice(0, 4)) console.log(`    ${n.target.join(" ")}: ${n.failureSummary.split("\n").slice(1, 2).join(" ").trim()}`);
			}
		}
		await context.close();
	}
}
await browser.close();
process.exit(bad > 0 ? 1 : 0);
