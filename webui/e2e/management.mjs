// SPDX-License-Identifier: Apache-2.0
//
// What management costs traffic: requests a second that the box answers by
// itself, by turns without and with 50 clients of the console that follow all
// topics. Prints the ratio (the aim is 0.97 at least); asserts nothing. Needs wrk.
//
//	node e2e/management.mjs    ROUNDS=5 SECONDS=5 CLIENTS=50 TOPICS=… EVENER_BIN=…
import { spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Box } from "./box.mjs";

const rounds = Number(process.env.ROUNDS || 5);
const seconds = Number(process.env.SECONDS || 5);
const clients = Number(process.env.CLIENTS || 50);
const here = dirname(fileURLToPath(import.meta.url));

// rate is what wrk gets from a responder of the box: no server takes part.
function rate(port, d) {
	const r = spawnSync("wrk", ["-t", "1", "-c", "32", "-d", `${d}s`, `http://127.0.0.1:${port}/old/x`], { encoding: "utf8" });
	const m = /Requests\/sec:\s+([\d.]+)/.exec(r.stdout ?? "");
	if (!m || /Socket errors/.test(r.stdout)) throw new Error(`wrk: ${r.error ?? r.stdout + r.stderr}`);
	return Number(m[1]);
}

// followers starts the clients and resolves when all of them follow; end
// resolves to what they got.
async function followers(box, cookies) {
	const p = spawn(process.execPath, [join(here, "load.mjs"), "--url", box.url, "--clients", String(clients), "--cookies", cookies.join(",")], { stdio: ["pipe", "pipe", "inherit"] });
	let out = "";
	await new Promise((resolve, reject) => {
		p.stdout.on("data", (d) => {
			out += d;
			if (out.includes("ready")) resolve();
		});
		p.once("exit", (code) => reject(new Error(`load.mjs ended with ${code}`)));
	});
	return () => new Promise((resolve) => {
		p.once("close", () => resolve(JSON.parse(out.trim().split("\n").at(-1))));
		p.stdin.end();
	});
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

const box = await Box.start();
try {
	const cookies = [(await box.setUp()).cookie];
	while (cookies.length * 8 < clients) cookies.push((await box.login()).cookie);
	rate(box.ports.http, 1);
	const ratios = [];
	for (let i = 0; i < rounds; i++) {
		const alone = rate(box.ports.http, seconds);
		const end = await followers(box, cookies);
		const watched = rate(box.ports.http, seconds);
		const got = await end();
		ratios.push(watched / alone);
		console.log(`round ${i + 1}: ${alone.toFixed(0)}/s alone, ${watched.toFixed(0)}/s with ${got.clients} clients (${got.lost} lost, ${got.events} events, ${(got.bytes / 1e6).toFixed(1)} MB): ${(watched / alone).toFixed(3)}`);
	}
	console.log(`management-load: the median ratio is ${median(ratios).toFixed(3)} (the aim is 0.97 at least)`);
} finally {
	await box.stop();
}
process.exit(0); // kept connections of clients are of no use any more
