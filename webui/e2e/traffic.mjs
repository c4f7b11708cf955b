// SPDX-License-Identifier: Apache-2.0
//
// Clients of a cluster: a bounded number of requests a second over kept
// connections, each counted.
import { Agent, request } from "node:http";

// Traffic sends perSecond requests to an address until stop. A request that gets
// no answer, or one of 500 and above, has failed.
export class Traffic {
	sent = 0;
	failed = 0;
	faults = []; // of the first failures
	by = {}; // answers by origin

	#agent = new Agent({ keepAlive: true, maxSockets: 8 });
	#open = new Set();
	#timer;

	constructor(port, { perSecond = 20, path = "/", headers = {} } = {}) {
		this.port = port;
		this.path = path;
		this.headers = headers;
		this.#timer = setInterval(() => this.#send(), 1000 / perSecond);
	}

	#send() {
		if (this.#open.size > 64) return; // a box that hangs must not pile up requests
		this.sent++;
		const done = new Promise((resolve) => {
			const fail = (why) => {
				this.failed++;
				if (this.faults.length < 5) this.faults.push(String(why));
				resolve();
			};
			const req = request({ host: "127.0.0.1", port: this.port, path: this.path, headers: this.headers, agent: this.#agent, timeout: 20_000 }, (res) => {
				const from = res.headers["x-origin"] ?? "box";
				this.by[from] = (this.by[from] ?? 0) + 1;
				res.on("error", fail);
				res.resume().on("end", () => (res.statusCode >= 500 ? fail(`status ${res.statusCode}`) : resolve()));
			});
			req.on("timeout", () => req.destroy(new Error("no answer within 20 s")));
			req.on("error", (err) => fail(err.message));
			req.end();
		});
		this.#open.add(done);
		void done.then(() => this.#open.delete(done));
	}

	// stop waits for the requests under way and returns how many failed.
	async stop() {
		clearInterval(this.#timer);
		await Promise.all(this.#open);
		this.#agent.destroy();
		return this.failed;
	}
}
