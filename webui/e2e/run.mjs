// SPDX-License-Identifier: Apache-2.0
//
// Runs the tests of the console in a real browser: node e2e/run.mjs [NAME...].
// EVENER_BIN names the program, else it is built into a temporary folder.
// EVENER_WEBUI_DIR takes the pages from a folder in place of those in it.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const tests = readdirSync(here).filter((f) => f.endsWith(".test.mjs") && (wanted.length === 0 || wanted.some((w) => f.startsWith(w))));
if (tests.length === 0) fail(`no test in webui/e2e has a name that begins with ${wanted.join(" or ")}`);

const browser = process.env.CHROMIUM || "/usr/bin/chromium";
if (!existsSync(browser)) {
	if (process.env.CI === "true" || process.env.EVENER_NO_SKIP === "1") fail(`${browser} is missing: the console cannot be tested in a browser`);
	console.error(`${browser} is missing: the tests of the console in a browser are skipped`);
	process.exit(0);
}
const pages = process.env.EVENER_WEBUI_DIR || join(here, "..", "dist");
if (!existsSync(join(pages, "manifest.json"))) fail(`${pages} has no built pages: run npm run build`);

const temp = mkdtempSync(join(tmpdir(), "evener-e2e-run-"));
process.once("exit", () => rmSync(temp, { recursive: true, force: true }));
const env = { ...process.env };
if (!env.EVENER_BIN) {
	env.EVENER_BIN = join(temp, "evener");
	const built = spawnSync("go", ["build", "-o", env.EVENER_BIN, "./firmware/cmd/evener"], { cwd: join(here, "..", ".."), stdio: "inherit" });
	if (built.status !== 0) fail("the program cannot be built");
}
const began = Date.now();
// Most of what runs side by side waits. The time is that of a whole file on a machine
// that does much else. A file ends with its last test, whatever it has left open.
const done = spawn(process.execPath, ["--test", "--test-concurrency=3", "--test-timeout=1800000", "--test-force-exit", "--test-reporter=spec", ...tests.map((f) => join(here, f))], { env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => done.kill("SIGTERM"));
done.once("exit", (code) => {
	console.log(`webui/e2e: ${((Date.now() - began) / 1000).toFixed(0)} s`);
	process.exit(code ?? 1);
});

function fail(why) {
	console.error(why);
	process.exit(1);
}
