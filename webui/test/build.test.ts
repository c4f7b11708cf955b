// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

type Size = { path: string; raw: number; brotli: number };
type Manifest = { first_load: { files: Size[]; texts: Record<string, Size>; eager: string[] }; pages: Record<string, Size>; charts: Size; raw: number };
// By a computed path: the builder itself must not be bundled.
const { budgets, foreign, overBudget } = (await import(join(import.meta.webui, "build.mjs"))) as {
	budgets: { firstLoad: number; requests: number; charts: number; page: number; dist: number };
	foreign(path: string, text: string): string[];
	overBudget(made: { files: Map<string, unknown>; manifest: Manifest }): string[];
};

test("addresses of other hosts are found, names of XML and examples are not", () => {
	assert.deepEqual(foreign("a.js", 'fetch("https://cdn.jsdelivr.net/x.js")'), ["https://cdn.jsdelivr.net/x.js"]);
	assert.deepEqual(foreign("a.js", 'fetch("//cdn.jsdelivr.net/x.js")'), ["//cdn.jsdelivr.net/x.js"]);
	assert.deepEqual(foreign("a.js", "new WebSocket(`wss://evil.example.com.cn/`)"), ["wss://evil.example.com.cn/"]);
	assert.deepEqual(foreign("a.css", "src: url(//fonts.gstatic.com/a.woff2)"), ["//fonts.gstatic.com/a.woff2"]);
	assert.deepEqual(foreign("a.js", 'placeholder:"https://www.example.com/shop",b:/^https?:\\/\\//i.test(n.url)'), []);
	assert.deepEqual(foreign("a.js", 'createElementNS("http://www.w3.org/2000/svg","path")// comment'), []);
});

test("what is too large is named", () => {
	const file = { path: "x", raw: 1, brotli: budgets.firstLoad };
	const manifest = { first_load: { files: [file, file, file, file, file], texts: { en: file }, eager: [] }, pages: { pools: { ...file, brotli: budgets.page + 1 } }, charts: { ...file, brotli: budgets.charts + 1 }, raw: budgets.dist + 1 };
	const said = overBudget({ files: new Map(), manifest }).join("\n");
	for (const word of ["first load:", "requests", "charts", "page pools", "dist"]) assert.ok(said.includes(word), `${word} in ${said}`);
});

test("the lock file names no registry", () => {
	const lock = readFileSync(join(import.meta.webui, "package-lock.json"), "utf8");
	assert.ok(!lock.includes('"resolved"'), "npm ci takes packages from the registry that is set up");
});

test("every package is pinned exactly", () => {
	const about = JSON.parse(readFileSync(join(import.meta.webui, "package.json"), "utf8"));
	for (const [name, version] of Object.entries({ ...about.dependencies, ...about.devDependencies })) assert.match(String(version), /^\d+\.\d+\.\d+$/, name);
});
