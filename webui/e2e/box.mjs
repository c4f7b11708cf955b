// SPDX-License-Identifier: Apache-2.0
//
// A real box for tests of the console: the program that EVENER_BIN names, with
// its own state, own ports and three small servers behind it. Everything ends by
// process id, also when a test fails.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "./client.mjs";
import { Origin } from "./origins.mjs";

export const admin = { user: "admin", password: "correct horse battery" };

// patience bounds every wait of these tests, in milliseconds. Nothing asserts
// that something is faster.
export const patience = 60_000;

// until asks until ask returns what is true, and returns that. What it throws
// meanwhile counts as no.
export async function until(what, ask, limit = patience, every = 50) {
	const end = Date.now() + limit;
	let last;
	for (;;) {
		try {
			const v = await ask();
			if (v) return v;
			last = undefined;
		} catch (err) {
			last = err;
		}
		if (Date.now() > end) throw new Error(`not within ${limit / 1000} s: ${what}${last ? ` (${last.message})` : ""}`);
		await sleep(every);
	}
}

export const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

// freePorts returns n ports that nobody listened on a moment ago.
export async function freePorts(n) {
	const held = await Promise.all(
		Array.from({ length: n }, () => new Promise((resolve, reject) => {
			const s = createServer();
			s.once("error", reject);
			s.listen(0, "127.0.0.1", () => resolve(s));
		})),
	);
	const ports = held.map((s) => s.address().port);
	await Promise.all(held.map((s) => new Promise((r) => s.close(r))));
	return ports;
}

// shop is the configuration of most tests: three servers, two rules. p has the
// ports; more is put into the console's block.
// fall is after how many bad probes a server is down.
export const shop = (p, { console: more = "", fall = 1 } = {}) => `metrics { listen = "127.0.0.1:${p.metrics}" }
console {
  listen = ["127.0.0.1:${p.console}"]
${more}}

# The shop's servers.
server "web1" { address = "127.0.0.1:${p.origins[0]}" }
server "web2" { address = "127.0.0.1:${p.origins[1]}" }
server "web3" { address = "127.0.0.1:${p.origins[2]}" }

pool "shop" {
  description = "pages of the shop"
  policy      = "round_robin"

  member "web1" {}
  member "web2" {}
  member "web3" {}

  probe "http" {
    path     = "/health"
    expect   = "ok"
    interval = "1s"
    fall     = ${fall}
    jitter   = 0
  }
}

pool "api" {
  member "web3" {}
  probe "tcp" { interval = "1s" }
}

cluster "shop" {
  description = "www.example.com"
  protocol    = "http"
  listen      = ["127.0.0.1:${p.http}"]
  pool        = "shop"
  responder   = "sorry"
  client_ip   = true
  persist "cookie" { age = "8h" }

  rule "api" {
    when = host("api.example.com") && path_prefix("/v1/")
    pool = "api"
  }

  rule "old" {
    description = "the shop has moved from /old/ to /"
    when        = path_prefix("/old/")
    responder   = "moved"
  }

  test "old-links" {
    request = "GET http://www.example.com/old/tea"
    expect { responder = "moved" }
  }
}

responder "sorry" {
  status = 503
  body   = "closed for a moment"
}

responder "moved" {
  status   = 301
  match    = "(?i)^http://[^/]*/old/(.*)$"
  redirect = "/$1"
}
`;

// empty is a box that balances nothing yet.
export const empty = (p) => `metrics { listen = "127.0.0.1:${p.metrics}" }
console { listen = ["127.0.0.1:${p.console}"] }
`;

function children(pid) {
	try {
		return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
	} catch {
		return [];
	}
}

const alive = new Set();
// A runner that loses patience ends us by SIGTERM; nothing may stay behind.
for (const signal of ["SIGTERM", "SIGINT"]) {
	process.once(signal, () => {
		for (const b of alive) b.kill();
		process.exit(1);
	});
}
process.once("exit", () => {
	for (const b of alive) b.kill();
});

export class Box {
	// start returns a box that serves config(ports). With everywhere the servers
	// behind it listen on all loopback addresses. The board "sim" has a panel, ports
	// and sensors. Its demo servers, on fixed ports, do not run: more boxes may be it.
	static async start(config = shop, { everywhere = false, board = "host" } = {}) {
		for (let turn = 0; ; turn++) {
			const b = new Box();
			try {
				await b.#begin(config, everywhere, board);
				return b;
			} catch (err) {
				const log = b.log();
				await b.stop();
				// Between the choice of a port and its use another program may take it.
				if (turn < 3 && /already in use|EADDRINUSE/.test(log + err.message)) continue;
				throw new Error(`${err.message}; the box wrote:\n${log}`);
			}
		}
	}

	async #begin(config, everywhere, board) {
		const program = process.env.EVENER_BIN;
		if (!program) throw new Error("EVENER_BIN must name the program; node e2e/run.mjs sets it");
		this.program = program;
		this.dir = mkdtempSync(join(tmpdir(), "evener-e2e-"));
		chmodSync(this.dir, 0o755);
		this.state = join(this.dir, "state");
		alive.add(this);
		const [metrics, console, http, spare, ...origins] = await freePorts(7);
		this.ports = { metrics, console, http, spare, origins };
		this.origins = origins.map((p, i) => new Origin(`web${i + 1}`, p));
		for (const o of this.origins) await o.start(everywhere);
		const file = join(this.dir, "first.hcl");
		writeFileSync(file, config(this.ports));
		const out = openSync(join(this.dir, "log"), "a");
		const args = ["run", "--board", board, "--state", this.state, "--config", file];
		if (board === "sim") args.push("--no-demo-servers");
		if (process.env.EVENER_WEBUI_DIR) args.push("--webui-dir", process.env.EVENER_WEBUI_DIR);
		this.process = spawn(program, args, { stdio: ["ignore", out, out] });
		closeSync(out);
		this.gone = new Promise((resolve) => this.process.once("exit", resolve));
		await until("the console listens", () => {
			if (this.process.exitCode !== null) throw new Error("the box has ended");
			return this.status().console.listening?.length > 0;
		});
		const wrong = this.status().problems.find((p) => p.includes("not served"));
		if (wrong) throw new Error(wrong);
	}

	get url() {
		return `https://127.0.0.1:${this.ports.console}`;
	}

	// cli runs a command of the box's administrator.
	cli(...args) {
		const r = spawnSync(this.program, ["--state", this.state, ...args], { encoding: "utf8", timeout: 60_000 });
		return { code: r.status, out: r.stdout, err: r.stderr };
	}

	must(...args) {
		const r = this.cli(...args);
		if (r.code !== 0) throw new Error(`evener ${args.join(" ")}: ${r.err || r.out}`);
		return r.out;
	}

	// status exits with 1 where something needs attention; its JSON is whole.
	status() {
		return JSON.parse(this.cli("status", "-o", "json").out);
	}

	// pid is that of a role's process: engine, console.
	pid(role) {
		return this.status().roles.find((r) => r.name === role).pid;
	}

	// text is the running configuration.
	text() {
		return this.must("config", "show");
	}

	log() {
		try {
			return readFileSync(join(this.dir, "log"), "utf8").split("\n").slice(-40).join("\n");
		} catch {
			return "";
		}
	}

	setupCode() {
		return this.must("setup-code").trim();
	}

	// setUp makes the first admin over HTTP and returns a client with the session.
	async setUp() {
		const c = new Client(this.url);
		const res = await c.post("/api/v1/setup", { code: this.setupCode(), ...admin });
		if (res.status !== 200) throw new Error(`set-up: ${res.status} ${res.text}`);
		return c;
	}

	// login returns a client with a session of its own.
	async login(user = admin.user, password = admin.password, options = {}) {
		const c = new Client(this.url, options);
		const res = await c.post("/api/v1/login", { user, password });
		if (res.status !== 200) throw new Error(`login of ${user}: ${res.status} ${res.text}`);
		return c;
	}

	// addUser makes a user over the Unix socket.
	addUser(user, role, password) {
		const r = spawnSync(this.program, ["--state", this.state, "user", "add", user, "--role", role], { encoding: "utf8", timeout: 60_000, input: `${password}\n` });
		if (r.status !== 0) throw new Error(`evener user add ${user}: ${r.stderr}`);
	}

	// kill ends the box's processes at once and removes its folder.
	kill() {
		const pid = this.process?.pid;
		if (pid && this.process.exitCode === null && this.process.signalCode === null) {
			for (const p of [pid, ...children(pid)]) {
				try {
					process.kill(p, "SIGKILL");
				} catch {
					// it has ended
				}
			}
		}
		alive.delete(this);
		if (this.dir) rmSync(this.dir, { recursive: true, force: true });
	}

	async stop() {
		if (this.process && this.process.exitCode === null && this.process.signalCode === null) {
			this.process.kill("SIGTERM");
			const late = setTimeout(() => this.process.kill("SIGTERM"), 1500); // the second one does not wait for clients
			let end;
			await Promise.race([this.gone, new Promise((r) => (end = setTimeout(r, 15_000)))]);
			clearTimeout(late);
			clearTimeout(end);
		}
		await Promise.all((this.origins ?? []).map((o) => o.kill().catch(() => {})));
		this.kill();
	}
}
