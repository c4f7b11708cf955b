// SPDX-License-Identifier: Apache-2.0
//
// Servers for the box to balance: small, in the test's own process, and on
// demand slow, broken or dead.
import { createServer } from "node:http";

// An Origin answers every request with its name. delay is in milliseconds and
// does not hold for /health; status and says are what /health answers.
export class Origin {
	delay = 0;
	broken = false; // answers 500, to probes too
	says = "ok"; // what /health answers
	served = 0;

	#server = null;
	#open = new Set();

	constructor(name, port) {
		this.name = name;
		this.port = port;
	}

	// everywhere is all addresses of the machine: a part of 127/8 cannot be named.
	async start(everywhere = false) {
		this.#server = createServer((req, res) => void this.#answer(req, res));
		this.#server.keepAliveTimeout = 60_000;
		this.#server.on("connection", (c) => {
			this.#open.add(c);
			c.on("close", () => this.#open.delete(c));
		});
		await new Promise((resolve, reject) => {
			this.#server.once("error", reject);
			this.#server.listen(this.port, everywhere ? "0.0.0.0" : "127.0.0.1", resolve);
		});
	}

	// kill closes the port and every connection at once, as a server that loses
	// its power does.
	async kill() {
		const closed = new Promise((resolve) => this.#server.close(resolve));
		for (const c of this.#open) c.resetAndDestroy();
		await closed;
	}

	async #answer(req, res) {
		const probe = req.url === "/health";
		if (!probe) this.served++;
		if (!probe && this.delay > 0) await new Promise((r) => setTimeout(r, this.delay));
		res.writeHead(this.broken ? 500 : 200, { "Content-Type": "text/plain", "X-Origin": this.name });
		res.end(probe ? this.says : this.name);
	}
}
