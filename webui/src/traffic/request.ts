// SPDX-License-Identifier: Apache-2.0
//
// What a person pastes into the tester: a URL, a curl command or a raw request.

export type Asked = { method: string; url: string; fields: string[]; client: string; sni?: string };

// words splits a command line as a POSIX shell does, without expanding
// anything. A backslash at the end of a line joins it with the next.
export function words(line: string): string[] {
	const out: string[] = [];
	let word = "";
	let open = false;
	for (let i = 0; i < line.length; i++) {
		const c = line[i]!;
		if (c === "\\") {
			const next = line[++i];
			if (next === "\r" && line[i + 1] === "\n") i++;
			else if (next !== "\n" && next !== undefined) {
				word += next;
				open = true;
			}
		} else if (c === "'" || (c === "$" && line[i + 1] === "'")) {
			const ansi = c === "$";
			if (ansi) i++;
			for (i++; i < line.length && line[i] !== "'"; i++) {
				if (ansi && line[i] === "\\" && i + 1 < line.length) word += ({ n: "\n", r: "\r", t: "\t" } as Record<string, string>)[line[++i]!] ?? line[i];
				else word += line[i];
			}
			open = true;
		} else if (c === '"') {
			for (i++; i < line.length && line[i] !== '"'; i++) {
				if (line[i] === "\\" && '"\\$`\n'.includes(line[i + 1] ?? "")) i++;
				if (line[i] !== "\n" || line[i - 1] !== "\\") word += line[i];
			}
			open = true;
		} else if (/\s/.test(c)) {
			if (open) out.push(word);
			word = "";
			open = false;
		} else {
			word += c;
			open = true;
		}
	}
	if (open) out.push(word);
	return out;
}

// Options of curl that take a value and say nothing about the request's head.
const valued = new Set("-o --output -w --write-out -m --max-time --connect-timeout --cacert --cert -E --key --resolve --retry -x --proxy -T --upload-file --limit-rate -c --cookie-jar --interface --ciphers --tls-max -y -Y -C --max-redirs --retry-delay --connect-to --capath --pass --proxy-user -U -K --config -D --dump-header -z --time-cond -r --range".split(" "));
const dataOptions = new Set(["-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--data-urlencode", "--json", "-F", "--form"]);

function fromCurl(line: string): Asked | null {
	const all = words(line).slice(1);
	const out: Asked = { method: "", url: "", fields: [], client: "" };
	const data: string[] = [];
	let [body, get] = [false, false];
	for (let i = 0; i < all.length; i++) {
		let w = all[i]!;
		let inline: string | undefined;
		if (/^--[\w-]+=/.test(w)) [w, inline] = [w.slice(0, w.indexOf("=")), w.slice(w.indexOf("=") + 1)];
		else if (/^-[XHAebdFou]./.test(w)) [w, inline] = [w.slice(0, 2), w.slice(2)];
		const value = () => inline ?? all[++i] ?? "";
		if (w === "-X" || w === "--request") out.method = value();
		else if (w === "-H" || w === "--header") out.fields.push(value().replace(/;$/, ":"));
		else if (w === "-A" || w === "--user-agent") out.fields.push(`User-Agent: ${value()}`);
		else if (w === "-e" || w === "--referer") out.fields.push(`Referer: ${value()}`);
		else if (w === "-b" || w === "--cookie") {
			const v = value();
			if (v.includes("=")) out.fields.push(`Cookie: ${v}`);
		} else if (w === "-u" || w === "--user") out.fields.push(`Authorization: Basic ${base64(value())}`);
		else if (dataOptions.has(w)) {
			data.push(value());
			body = true;
			if (w === "--json") out.fields.push("Content-Type: application/json");
		} else if (w === "-I" || w === "--head") out.method = "HEAD";
		else if (w === "-G" || w === "--get") get = true;
		else if (w === "--url") out.url = value();
		else if (valued.has(w)) value();
		else if (!w.startsWith("-") && !out.url) out.url = w;
	}
	if (!out.url) return null;
	if (!/^[a-z]+:\/\//i.test(out.url)) out.url = `http://${out.url}`;
	if (get && data.length > 0) out.url += (out.url.includes("?") ? "&" : "?") + data.join("&");
	out.method ||= body && !get ? "POST" : "GET";
	return out;
}

const base64 = (s: string) => btoa(String.fromCharCode(...new TextEncoder().encode(s)));

function fromRaw(text: string): Asked | null {
	const [first, ...rest] = text.split(/\r?\n/);
	const m = /^([A-Z]+)\s+(\S+)(?:\s+HTTP\/[\d.]+)?\s*$/.exec(first ?? "");
	if (!m) return null;
	const fields: string[] = [];
	let host = "";
	for (const line of rest) {
		if (line.trim() === "") break;
		const f = /^([^\s:]+):\s*(.*)$/.exec(line);
		if (!f) return null;
		if (f[1]!.toLowerCase() === "host") host = f[2]!;
		else fields.push(`${f[1]}: ${f[2]}`);
	}
	const target = m[2]!;
	return { method: m[1]!, url: target.startsWith("/") && host ? `http://${host}${target}` : target, fields, client: "" };
}

// readRequest understands what was pasted, or returns null.
export function readRequest(text: string): Asked | null {
	const s = text.trim();
	if (/^(\$\s+)?curl(\.exe)?\s/.test(s)) return fromCurl(s.replace(/^\$\s+/, ""));
	if (/^[A-Z]+\s+\S/.test(s)) return fromRaw(s);
	if (/^(https?:\/\/\S+|\/\S*)$/i.test(s)) return { method: "GET", url: s, fields: [], client: "" };
	return null;
}

// received writes the head as the cluster gets it, for the side by side view.
export function received(a: Asked): string {
	const m = /^[a-z]+:\/\/([^/?#]*)([^#]*)/i.exec(a.url);
	const target = m ? m[2]!.replace(/^(?=\?|$)/, "/") : a.url;
	const host = a.fields.find((f) => /^host:/i.test(f));
	const lines = [`${a.method || "GET"} ${target} HTTP/1.1`, host ?? `Host: ${m?.[1] || "localhost"}`, ...a.fields.filter((f) => f !== host)];
	return `${lines.join("\n")}\n`;
}

// A HeadLine is one line of the two heads and what became of it.
export type HeadLine = { text: string; kind: "same" | "added" | "removed" };

// compareHeads says of each line of the head whether the other side has it.
// Fields are compared by name and value, whatever their order and case.
export function compareHeads(from: string, to: string): { from: HeadLine[]; to: HeadLine[] } {
	const split = (s: string) => s.replace(/\r/g, "").split("\n").filter((l) => l !== "");
	const key = (l: string, i: number) => (i === 0 ? l : l.replace(/^[^:]+/, (n) => n.toLowerCase()).trim());
	const [a, b] = [split(from), split(to)];
	const [have, want] = [new Set(a.map(key)), new Set(b.map(key))];
	return {
		from: a.map((text, i) => ({ text, kind: want.has(key(text, i)) ? "same" : "removed" })),
		to: b.map((text, i) => ({ text, kind: have.has(key(text, i)) ? "same" : "added" })),
	};
}
