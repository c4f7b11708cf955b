// SPDX-License-Identifier: Apache-2.0
//
// The first script, and the only one that the page waits for: it sets theme,
// density and language before anything is painted, then asks for the console
// and its texts at the same time. It shares no code with the rest.
import { pickLanguage, read } from "./choice";

const root = document.documentElement;
const lang = pickLanguage(read("lang"), navigator.languages);
root.lang = lang;
root.dataset.theme = read("theme") || "system";
root.dataset.build = UI_HASH;
root.dataset.density = read("density") || "compact";

// Import is meant to fail on its own below: app.ts asks for the texts again
// and shows what went wrong.
import(TEXT_URLS[lang]!).catch(() => {});
import(APP_URL)
	.then(() => document.dispatchEvent(new Event("evener:start")))
	.catch((err: unknown) => {
		const p = document.createElement("p");
		p.className = "plain";
		p.textContent =
			(lang === "zh-Hans"
				? "控制台无法加载。请使用最近 24 个月内发布的浏览器，或重新加载此页面。"
				: "The console could not be loaded. Use a browser of the last 24 months, or reload the page.") + ` (${String(err)})`;
		document.body.append(p);
	});
