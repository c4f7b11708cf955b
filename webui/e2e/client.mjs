// SPDX-License-Identifier: Apache-2.0
//
// A client of the console that is no browser: it may say anything, such as a
// foreign Origin, somebody else's cookie, or frames that no browser would send.
import { createHash, randomBytes } from "node:crypto";
import { Agent, request } from "node:https";
import { connect } from "node:tls";

export class Client {
	cookie = ""; // name=value

	#agent;

	// from is the address to come from; sockets at once at most.
	constructor(url, { from, sockets = 4 } = {}) {
		this.url = new URL(url);
		this.from = from;
		this.#agent = new Agent({ keepAlive: true, maxSockets: sockets, rejectUnauthorized: false });
	}

	// send makes one request; path goes out as it is, dots and all.
	send(method, path, { body, headers = {} } = {}) {
		return new Promise((resolve, reject) => {
			const h = { ...(this.cookie && { Cookie: this.cookie }), ...headers };
			const req = request({ host: this.url.hostname, port: this.url.port, method, path, headers: h, agent: this.#agent, localAddress: this.from, timeout: 30_000 }, (res) => {
				const parts = [];
				res.on("data", (d) => parts.push(d));
				res.on("error", reject);
				res.on("end", () => {
					const text = Buffer.concat(parts).toString();
					const set = res.headers["set-cookie"]?.find((c) => c.startsWith("__Host-evener="));
					if (set) this.cookie = set.split(";")[0];
					resolve({ status: res.statusCode, headers: res.headers, text, get json() { return JSON.parse(text); } });
				});
			});
			req.on("timeout", () => req.destroy(new Error("no answer within 30 s")));
			req.on("error", reject);
			req.end(body);
		});
	}

	post(path, body, headers = {}) {
		const text = typeof body === "string" ? body : JSON.stringify(body);
		return this.send("POST", path, { body: text, headers: { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text), ...headers } });
	}

	// call makes one call by HTTP and returns its result.
	async call(method, params = {}) {
		const res = await this.post("/api/v1/rpc", { jsonrpc: "2.0", id: 1, method, params });
		const a = res.json;
		if (a.error) throw Object.assign(new Error(`${method}: ${a.error.message} ${JSON.stringify(a.error.data ?? {})}`), { code: a.error.code, kind: a.error.data?.kind, data: a.error.data, status: res.status });
		return a.result;
	}

	// socket opens a WebSocket; headers go over what a browser would send.
	socket(headers = {}) {
		return Socket.open(this.url, { Origin: this.url.origin, ...(this.cookie && { Cookie: this.cookie }), ...headers }, this.from);
	}

	close() {
		this.#agent.destroy();
	}
}

// A Socket speaks RFC 6455 by hand, so that it can break its rules.
export class Socket {
	messages = []; // text frames, parsed
	closed = null; // {code, reason} when the other side has ended it
	bytes = 0;

	#tls;
	#rest = Buffer.alloc(0);
	#parts = [];
	#waiters = new Map();
	#id = 1;

	// open resolves to {socket} or, when the handshake is refused, to {status, text}.
	static open(url, headers, from) {
		return new Promise((resolve, reject) => {
			const key = randomBytes(16).toString("base64");
			const tls = connect({ host: url.hostname, port: Number(url.port), rejectUnauthorized: false, localAddress: from, ALPNProtocols: ["http/1.1"] });
			let head = Buffer.alloc(0);
			const lines = { Host: url.host, Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "evener.v1", ...headers };
			tls.once("secureConnect", () => {
				const text = Object.entries(lines).filter(([, v]) => v !== undefined).map(([k, v]) => `${k}: ${v}\r\n`).join("");
				tls.write(`GET /api/v1/ws HTTP/1.1\r\n${text}\r\n`);
			});
			tls.once("error", reject);
			tls.setTimeout(30_000, () => tls.destroy(new Error("the handshake got no answer within 30 s")));
			const read = (data) => {
				head = Buffer.concat([head, data]);
				const end = head.indexOf("\r\n\r\n");
				if (end < 0) return;
				const top = head.subarray(0, end).toString();
				const status = Number(top.split(" ")[1]);
				const rest = head.subarray(end + 4);
				if (status !== 101) {
					const want = Number(/content-length: (\d+)/i.exec(top)?.[1] ?? rest.length);
					if (rest.length < want) return;
					tls.destroy();
					resolve({ status, text: rest.toString() });
					return;
				}
				tls.off("data", read);
				tls.setTimeout(0);
				const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
				if (!top.includes(accept)) return reject(new Error("the handshake's answer has a wrong Sec-WebSocket-Accept"));
				resolve({ status, socket: new Socket(tls, rest) });
			};
			tls.on("data", read);
		});
	}

	constructor(tls, rest) {
		this.#tls = tls;
		this.ended = new Promise((resolve) => tls.once("close", resolve));
		tls.on("error", () => {}); // "close" follows
		tls.once("close", () => {
			for (const w of this.#waiters.values()) w.reject(new Error(`the WebSocket was closed: ${JSON.stringify(this.closed)}`));
			this.#waiters.clear();
		});
		tls.on("data", (d) => this.#take(d));
		if (rest.length) this.#take(rest);
	}

	// frame sends one frame, masked as a client must.
	frame(opcode, data, { fin = true, mask = true, length } = {}) {
		const body = Buffer.from(data);
		const n = length ?? body.length;
		const head = [(fin ? 0x80 : 0) | opcode];
		if (n < 126) head.push(n);
		else if (n < 65536) head.push(126, n >> 8, n & 255);
		else head.push(127, ...[...new Uint8Array(new BigUint64Array([BigInt(n)]).buffer)].reverse());
		if (!mask) return this.#tls.write(Buffer.concat([Buffer.from(head), body]));
		head[1] |= 0x80;
		const k = randomBytes(4);
		for (let i = 0; i < body.length; i++) body[i] ^= k[i & 3];
		return this.#tls.write(Buffer.concat([Buffer.from(head), k, body]));
	}

	text(s) {
		return this.frame(1, typeof s === "string" ? s : JSON.stringify(s));
	}

	call(method, params = {}) {
		const id = this.#id++;
		return new Promise((resolve, reject) => {
			this.#waiters.set(id, { resolve, reject });
			this.text({ jsonrpc: "2.0", id, method, params });
		});
	}

	pause() {
		this.#tls.pause();
	}

	resume() {
		this.#tls.resume();
	}

	destroy() {
		this.#tls.destroy();
	}

	#take(data) {
		this.bytes += data.length;
		this.#rest = this.#rest.length ? Buffer.concat([this.#rest, data]) : data;
		for (;;) {
			const r = this.#rest;
			if (r.length < 2) return;
			let n = r[1] & 127;
			let at = 2;
			if (n === 126) {
				if (r.length < 4) return;
				n = r.readUInt16BE(2);
				at = 4;
			} else if (n === 127) {
				if (r.length < 10) return;
				n = Number(r.readBigUInt64BE(2));
				at = 10;
			}
			if (r.length < at + n) return;
			this.#frame(r[0] & 15, Boolean(r[0] & 128), r.subarray(at, at + n));
			this.#rest = r.subarray(at + n);
		}
	}

	#frame(opcode, fin, data) {
		if (opcode === 8) {
			this.closed = { code: data.length >= 2 ? data.readUInt16BE(0) : 1005, reason: data.subarray(2).toString() };
			this.frame(8, data);
			this.#tls.end();
			return;
		}
		if (opcode === 9) return void this.frame(10, data);
		if (opcode === 10) return;
		this.#parts.push(Buffer.from(data));
		if (!fin) return;
		const whole = Buffer.concat(this.#parts);
		this.#parts = [];
		if (opcode === 2) return;
		const m = JSON.parse(whole.toString());
		const w = this.#waiters.get(m.id);
		if (w && !m.method) {
			this.#waiters.delete(m.id);
			if (m.error) w.reject(Object.assign(new Error(m.error.message), { code: m.error.code, kind: m.error.data?.kind }));
			else w.resolve(m.result);
			return;
		}
		if (this.onmessage) this.onmessage(m);
		else if (this.messages.length < 10_000) this.messages.push(m);
	}
}
