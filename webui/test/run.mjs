// SPDX-License-Identifier: Apache-2.0
//
// Bundles the tests, which are TypeScript, and runs them with node --test:
// node test/run.mjs [NAME...]. Texts and pages come through the same plugins as
// in the build.
import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { plugins } from "../plugins.mjs";

const here = dirname(fileURLToPath(import.meta.url));
// A folder of its own: two runs at once must not take each other's files away.
const out = join(here, "..", "node_modules", ".cache", `test-${process.pid}`);
const limit = 300_000; // ms for all: a loop without end is a failure
const wanted = process.argv.slice(2);
const tests = readdirSync(here).filter((f) => /\.test\.tsx?$/.test(f) && (wanted.length === 0 || wanted.some((w) => f.includes(w))));
if (tests.length === 0) {
	console.error(`no test in webui/test has a name with ${wanted.join(" or ")}`);
	process.exit(1);
}
rmSync(out, { recursive: true, force: true });
await esbuild.build({
	entryPoints: tests.map((f) => join(here, f)),
	bundle: true,
	format: "esm",
	platform: "node",
	target: "es2022",
	splitting: true,
	outdir: out,
	outExtension: { ".js": ".mjs" },
	sourcemap: "inline",
	jsx: "automatic",
	jsxImportSource: "preact",
	loader: { ".css": "empty" },
	external: ["happy-dom", "esbuild"],
	define: { DEV: "false", REACH_URL: JSON.stringify("/assets/reach.js"), "import.meta.webui": JSON.stringify(join(here, "..")) },
	plugins: plugins(join(here, "..", "src")),
	logLevel: "warning",
});
const files = tests.map((f) => join(out, f.replace(/\.tsx?$/, ".mjs")));
const child = spawn(process.execPath, ["--enable-source-maps", "--test", "--test-reporter=spec", ...files], { detached: true });
let said = "";
for (const from of [child.stdout, child.stderr]) from.setEncoding("utf8").on("data", (text) => (said += text));
const watch = setTimeout(() => {
	said += `\nthe tests did not end within ${limit / 1000} s\n`;
	process.kill(-child.pid, "SIGKILL"); // those that it started, too
}, limit);
child.on("close", (status) => {
	clearTimeout(watch);
	rmSync(out, { recursive: true, force: true });
	if (status === 0) console.log(`webui: ${/tests (\d+)/.exec(said)?.[1] ?? "?"} tests pass`);
	else process.stdout.write(said);
	process.exit(status ?? 1);
});
