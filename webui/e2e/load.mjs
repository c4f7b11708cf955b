// SPDX-License-Identifier: Apache-2.0
//
// Clients of the console that follow everything: what management costs traffic.
//
//	node e2e/load.mjs --url https://127.0.0.1:9443 --cookies "__Host-evener=…,__Host-evener=…" [--clients 50] [--series cluster/shop:requests,…]
//
// TOPICS in the environment names fewer topics. The console admits 8 WebSockets of one session, so 50 clients need 7 cookies.
//
// Prints a line "ready" when all follow all topics, and ends when its standard
// input does; then it prints how much came.
import { Client } from "./client.mjs";

const arg = (name, other) => {
	const i = process.argv.indexOf(`--${name}`);
	return i < 0 ? other : process.argv[i + 1];
};
const url = arg("url");
const clients = Number(arg("clients", 50));
const series = arg("series", "engine:requests,engine:errors,engine:connections,engine:bytes_in,engine:bytes_out,engine:p50,engine:p95").split(",");
const cookies = (arg("cookies") ?? "").split(",").filter(Boolean);
if (!url || cookies.length * 8 < clients) {
	console.error("load.mjs needs --url, and --cookies with one for each 8 clients");
	process.exit(2);
}

const topics = process.env.TOPICS?.split(",") ?? [
	"state.clusters", "state.pools", "state.members", "state.rules", "state.certificates", "state.problems", "state.system", "state.candidate", "state.confirm",
	"series.live", "log.events", "log.audit", "log.access", "log.system",
];

let events = 0;
const open = [];
for (let i = 0; i < clients; i++) {
	const c = new Client(url);
	c.cookie = cookies[i % cookies.length];
	let ws;
	// TOPICS in the environment names fewer topics. The console admits so many new WebSockets a second from one address.
	for (let turn = 0; !ws?.socket; turn++) {
		ws = await c.socket();
		if (!ws.socket) {
			if (turn > 100) throw new Error(`client ${i} is refused: ${ws.status} ${ws.text}`);
			await new Promise((r) => setTimeout(r, 200));
		}
	}
	ws.socket.onmessage = (m) => {
		if (m.method === "sub.event") events++;
	};
	for (const topic of topics) await ws.socket.call("sub.open", { topic, params: topic === "series.live" ? { series } : {} });
	open.push(ws.socket);
}
console.log("ready");
process.stdin.resume();
await new Promise((r) => process.stdin.once("end", r));
const lost = open.filter((s) => s.closed).length;
console.log(JSON.stringify({ clients, lost, events, bytes: open.reduce((n, s) => n + s.bytes, 0) }));
for (const s of open) s.destroy();
