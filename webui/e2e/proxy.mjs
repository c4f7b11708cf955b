// SPDX-License-Identifier: Apache-2.0
//
// A wire between browser and box that can break: it carries bytes and knows
// nothing of TLS.
import { connect, createServer } from "node:net";

export class Wire {
	stalled = false; // nothing moves, and nobody is told
	delay = 0; // milliseconds that bytes from the box take

	#open = new Set();

	constructor(port, to) {
		this.port = port;
		this.to = to;
	}

	start() {
		this.server = createServer((a) => {
			const b = connect(this.to, "127.0.0.1");
			this.#open.add(a).add(b);
			const pass = (from, into, slow) => {
				from.on("error", () => into.destroy());
				from.on("close", () => {
					this.#open.delete(from);
					into.destroy();
				});
				from.on("data", (d) => {
					if (this.stalled) return;
					if (slow && this.delay > 0) setTimeout(() => into.writable && into.write(d), this.delay);
					else into.write(d);
				});
			};
			pass(a, b, false);
			pass(b, a, true);
		});
		return new Promise((resolve, reject) => {
			this.server.once("error", reject);
			this.server.listen(this.port, "127.0.0.1", resolve);
		});
	}

	// cut ends every connection, as a switch that restarts does.
	cut() {
		for (const c of this.#open) c.destroy();
	}

	stop() {
		this.cut();
		this.server.close();
	}
}
