// SPDX-License-Identifier: Apache-2.0
//
// How much a page that stays open costs: 200 servers at 1 Hz for ten minutes.
// Prints growth of the page's heap and its share of one core; asserts nothing. With --json it
// prints an object for each page.
//
//	npm run soak    SERVERS=200 MINUTES=10 PAGES=/servers,/pools/p0 EVENER_BIN=…
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { Box, sleep } from "./box.mjs";
import { launch, live, tab } from "./browser.mjs";
import { many } from "./many.mjs";
import { Traffic } from "./traffic.mjs";

const servers = Number(process.env.SERVERS || 200);
const minutes = Number(process.env.MINUTES || 10);
const json = process.argv.includes("--json");
const list = (process.env.PAGES || "/,/servers,/topology").split(",");

// cpu returns the processor seconds that a process and its children have used.
const tick = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
function cpu(pids) {
	let sum = 0;
	for (const pid of pids) {
		try {
			const f = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
			sum += (Number(f[11]) + Number(f[12])) / tick;
		} catch {
			// it has ended
		}
	}
	return sum;
}

// renderers are the processes of the browser that draw pages of ours.
function renderers() {
	return readdirSync("/proc").filter((d) => {
		try {
			const line = readFileSync(`/proc/${d}/cmdline`, "utf8");
			return line.includes("--type=renderer") && ours(Number(d));
		} catch {
			return false;
		}
	});
}

function ours(pid) {
	for (let p = pid; p > 1; ) {
		if (p === process.pid) return true;
		p = Number(readFileSync(`/proc/${p}/stat`, "utf8").split(") ")[1].split(" ")[1]);
	}
	return false;
}

const box = await Box.start(many(servers), { everywhere: true });
const browser = await launch();
try {
	const admin = await box.setUp();
	const traffic = new Traffic(box.ports.http, { perSecond: 20 });
	for (const path of list) {
		const { page, context, base } = await tab(browser, box, { cookie: admin.cookie });
		await page.goto(base + path);
		await live(page);
		await sleep(5000);
		const cdp = await context.newCDPSession(page);
		await cdp.send("Performance.enable");
		const heap = async () => {
			await cdp.send("HeapProfiler.collectGarbage");
			const { metrics } = await cdp.send("Performance.getMetrics");
			return metrics.find((m) => m.name === "JSHeapUsedSize").value;
		};
		const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
		const before = { heap: await heap(), cpu: cpu(renderers()), at: Date.now(), nodes: await nodes() };
		const end = Date.now() + minutes * 60_000;
		while (Date.now() < end) await sleep(Math.min(30_000, Math.max(0, end - Date.now())));
		const used = (cpu(renderers()) - before.cpu) / ((Date.now() - before.at) / 1000);
		const after = await heap();
		const elements = await nodes();
		if (json) console.log(JSON.stringify({ path, heap: [before.heap, after], core: used, elements: [before.nodes, elements] }));
		else console.log(`${path}: ${servers} servers, ${minutes} min: heap ${mb(before.heap)} -> ${mb(after)} MB (${mb(after - before.heap)} MB more, the aim is below 10), ${(100 * used).toFixed(1)} % of a core (the aim is 15 at most), elements ${before.nodes} -> ${elements}`);
		await context.close();
	}
	const failed = await traffic.stop();
	(json ? console.error : console.log)(`${traffic.sent} requests, ${failed} failed`);
	admin.close();
} finally {
	await browser.close();
	await box.stop();
}

function mb(n) {
	return (n / 1e6).toFixed(1);
}
