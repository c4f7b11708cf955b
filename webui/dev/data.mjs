// SPDX-License-Identifier: Apache-2.0
//
// Made-up data of the imitated box.
const ago = (s) => new Date(Date.now() - s * 1000).toISOString();
const started = Date.now();

const member = (pool, name, address, state, more = {}) => ({
	pool, name, address, state, health: state === "down" ? "down" : "up", reason: state === "down" ? "connect: connection refused" : "200 OK", since: ago(260_000),
	admin: state === "quiesced" ? "quiesced" : "enabled", static: 10, override: 0, weight: 10, weight_why: "", active: 41, limit: 500, sticky: 12, requests: 120_000, p95: "31ms", ...more,
});

export const pools = {
	app: {
		name: "app", policy: "least connections", tier: "regular",
		members: [
			member("app", "a1", "10.0.0.1:8080", "up"), member("app", "a2", "10.0.0.2:8080", "up", { active: 56 }),
			member("app", "a3", "10.0.0.3:8080", "quiesced", { active: 12, since: ago(240) }), member("app", "a4", "10.0.0.4:8080", "down", { active: 0, since: ago(540) }),
			member("app", "s1", "10.0.0.9:8080", "spare", { active: 0 }),
		],
	},
	static: { name: "static", policy: "round robin", tier: "regular", members: [member("static", "c1", "10.0.1.1:80", "up"), member("static", "c2", "10.0.1.2:80", "checking")] },
	"<b>mark</b>up": { name: "<b>mark</b>up", policy: "source hash", tier: "none", members: [] },
};

const clusters = {
	shop: { name: "shop", protocol: "https", listen: ["192.0.2.10:443"], pool: "app", disabled: false, connections: 228, requests: 412_000, p50: "9ms", p95: "38ms" },
	dns: { name: "dns", protocol: "udp", listen: ["192.0.2.53:53"], pool: "static", disabled: false, connections: 12, requests: 9_120, p50: "1ms", p95: "2ms" },
};

const fault = (code, kind, message, args) => ({ code, message, data: { kind, args } });

// topics returns the objects of a state topic, undefined for one that there is not.
export function topics(topic, state) {
	switch (topic) {
		case "state.pools": return Object.fromEntries(Object.values(pools).map((p) => [p.name, { ...p, members: p.members.map((m) => m.name), states: {} }]));
		case "state.members": return members();
		case "state.clusters": return clusters;
		case "state.certificates": case "state.certificate_requests": return {};
		case "state.candidate": return { admin: { author: "admin", base: 17, running: 17, time: ago(95), version: "v1", changes: 3 } };
		case "state.confirm": return state.confirm ? { now: { revision: 18, author: "lin", deadline: new Date(started + 142_000).toISOString(), now: ago(0) } } : {};
		case "state.problems":
			return {
				"pools/app/a4": { object: "pools/app/a4", kind: "member.down", args: { reason: "connection refused" }, since: ago(540), severity: "error" },
				"pools/app": { object: "pools/app", kind: "pool.degraded", args: { down: 1, of: 5 }, since: ago(540), severity: "warning" },
			};
		case "state.system": case "state.sessions": return {};
	}
	return topic.startsWith("log.") ? { entries: [], seq: 0 } : undefined;
}

// changes returns what one second brought to a topic.
export function changes(topic) {
	if (topic !== "state.members") return null;
	const m = pools.app.members;
	m[0].active = 30 + Math.round(Math.random() * 30);
	m[1].active = 40 + Math.round(Math.random() * 30);
	return { "app/a1": { active: m[0].active }, "app/a2": { active: m[1].active } };
}

const members = () => Object.fromEntries(Object.values(pools).flatMap((p) => p.members.map((m) => [`${p.name}/${m.name}`, m])));

// series returns n ticks of made-up curves, the last one now.
export function series(ids, n) {
	const now = Math.floor(Date.now() / 1000);
	const t = Array.from({ length: n }, (_, i) => now - n + 1 + i);
	const at = (id, x) => {
		const k = [...id].reduce((a, c) => a + c.charCodeAt(0), 0);
		if (n > 1 && x > now - 170 && x < now - 150) return null;
		return Math.max(0, (k % 7) * 40 + 200 + 80 * Math.sin(x / (20 + (k % 11))) + 25 * Math.sin(x / 3 + k));
	};
	return { t, cols: Object.fromEntries(ids.map((id) => [id, t.map((x) => at(id, x))])) };
}

// answer returns the result of a method or throws an error of the protocol.
export function answer(method, params, state) {
	switch (method) {
		case "sys.hello":
			return {
				product: "Evener", version: "dev", hostname: "lb1.example.net", time: ago(0), ui_hash: state.uiHash, features: [], setup: state.setup,
				fingerprint: "3F:9A:01:C7:5D:22:8E:B4:60:1B:F3:77:0C:A9:D8:45:E2:13:6F:90:2B:5E:C1:7A:84:39:DD:06:B8:4C:F1:62",
				session: state.session && !state.setup ? { id: "s1", user: "admin", role: state.role, idle: "30m" } : null,
			};
		case "sub.read": return { epoch: "dev", seq: 0, resumed: false, snapshot: { objects: topics(params.topic, state) ?? {} } };
		case "sub.close": case "sub.update": case "config.discard": case "config.confirm": case "config.extend": case "config.revert": return null;
		case "pool.list": return { pools: Object.values(pools) };
		case "auth.sudo":
			if (params.password !== "wrong") return null;
			throw fault(-32001, "auth.denied", "the password is wrong");
	}
	throw fault(-32601, "method.unknown", `the imitated box has no method ${method}`);
}
