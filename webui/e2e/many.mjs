// SPDX-License-Identifier: Apache-2.0
//
// A configuration with many servers, for measurements.

// many returns a configuration with n servers in pools of at most 50; a few
// listeners stand for all of them.
export const many = (n) => (p) => {
	const pools = Math.ceil(n / 50);
	const out = [`metrics { listen = "127.0.0.1:${p.metrics}" }\nconsole { listen = ["127.0.0.1:${p.console}"] }\n`];
	for (let i = 0; i < n; i++) {
		// The addresses differ, as those of 200 servers do: all of 127/8 is loopback,
		// and the origins listen on all of it.
		out.push(`server "s${i}" { address = "127.1.${i >> 8}.${(i & 255) || 1}:${p.origins[i % p.origins.length]}" }\n`);
	}
	for (let k = 0; k < pools; k++) {
		const members = Array.from({ length: Math.min(50, n - k * 50) }, (_, i) => `  member "s${k * 50 + i}" {}\n`).join("");
		out.push(`pool "p${k}" {\n${members}  probe "tcp" { interval = "5s" }\n}\n`);
	}
	const rules = Array.from({ length: pools }, (_, k) => `  rule "r${k}" {\n    when = path_prefix("/${k}/")\n    pool = "p${k}"\n  }\n`).join("");
	out.push(`cluster "shop" {\n  protocol = "http"\n  listen   = ["127.0.0.1:${p.http}"]\n  pool     = "p0"\n${rules}}\n`);
	return out.join("\n");
};
