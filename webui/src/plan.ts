// SPDX-License-Identifier: Apache-2.0
//
// What the set-up wizard was told, and the edits of the configuration that it
// becomes. It can be left at any time: the plan is kept in this browser.
import type { EditOp, Problem } from "./api";

export type Template = "http" | "https" | "tcp" | "udp";
export type PlannedServer = { name: string; address: string };

// A Plan is what the wizard knows. made are the blocks that it has put into the
// candidate, so that it can put others in their place.
export type Plan = {
	step: number;
	origin: string; // name under which browsers open the console, https://lb.example.com; "" for none
	listen: string; // addresses of the console, with commas
	certificate: string; // of the console; "" is one that the box makes
	template: Template;
	name: string;
	address: string; // of the cluster
	certificates: string; // of an https cluster; "" is self-signed
	sticky: boolean;
	servers: PlannedServer[];
	probe: "http" | "tcp" | "tls" | "icmp" | "none";
	path: string;
	made: string[];
};

export const fresh = (): Plan => ({
	step: 0, origin: "", listen: "", certificate: "", template: "http", name: "web", address: "", certificates: "", sticky: false,
	servers: [{ name: "web1", address: "" }, { name: "web2", address: "" }], probe: "http", path: "/", made: [],
});

const key = (user: string) => `evener.wizard.${user}`;

// readPlan returns the plan of a user, a new one if there is none.
export function readPlan(user: string): Plan {
	try {
		const p = JSON.parse(localStorage.getItem(key(user)) ?? "null") as Partial<Plan> | null;
		return p && Array.isArray(p.servers) ? { ...fresh(), ...p } : fresh();
	} catch {
		return fresh();
	}
}

// writePlan keeps a plan, or forgets it.
export function writePlan(user: string, p: Plan | null): void {
	try {
		if (p) localStorage.setItem(key(user), JSON.stringify(p));
		else localStorage.removeItem(key(user));
	} catch {
		// Without storage it lasts as long as the page.
	}
}

// text writes a text of the language.
export const text = (s: string) => `"${s.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n").replace(/([$%])\{/g, "$1$1{")}"`;

const words = (list: string) => list.split(/[\s,]+/).filter(Boolean);

// defaultPort is where clients of a template look by themselves.
export const defaultPort: Record<Template, number> = { http: 80, https: 443, tcp: 0, udp: 53 };

// probesOf are the health checks that fit a template, the best first.
export const probesOf: Record<Template, readonly Plan["probe"][]> = {
	http: ["http", "tcp", "none"], https: ["http", "tcp", "none"], tcp: ["tcp", "tls", "none"], udp: ["icmp", "none"],
};

// listening adds the template's port to an address that has none.
export function listening(address: string, template: Template): string {
	const a = address.trim();
	const port = defaultPort[template];
	if (a === "") return "";
	if (/^\[.*\]$/.test(a) || /^\d+(\.\d+){3}$/.test(a)) return port ? `${a}:${port}` : a;
	if (/^[0-9a-f]*:[0-9a-f:]*:[0-9a-f:.]*$/i.test(a) && !a.startsWith("[")) return port ? `[${a}]:${port}` : a;
	return a;
}

// withPort says whether an address is one in numbers with a port that there is.
export function withPort(a: string): boolean {
	const [, four, six, port] = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9a-f:.]+)\]):(\d{1,5})$/i.exec(a.trim()) ?? [];
	if (port === undefined || Number(port) < 1 || Number(port) > 65535) return false;
	return six !== undefined ? six.includes(":") : four!.split(".").every((n) => Number(n) <= 255);
}

// nameOK says whether a name can be that of an object.
export const nameOK = (n: string) => /^[A-Za-z0-9][\w.-]{0,62}$/.test(n);

const serverText = (s: PlannedServer) => `server ${text(s.name)} { address = ${text(s.address.trim())} }`;

// probeInterval is that of the health checks which the console writes: a server
// that died is noticed after three of them. The language's own 15s is for boxes
// with many pools.
export const probeInterval = "3s";

function probeText(p: Plan): string {
	if (p.probe === "none") return "";
	const path = p.probe === "http" ? `    path = ${text(p.path.trim() || "/")}\n` : "";
	return `\n  probe "${p.probe}" {\n${path}    interval = "${probeInterval}"\n  }\n`;
}

function poolText(p: Plan): string {
	return `pool ${text(p.name)} {\n${p.servers.map((s) => `  member ${text(s.name)} {}\n`).join("")}${probeText(p)}}`;
}

function clusterText(p: Plan): string {
	const stream = p.template === "tcp" || p.template === "udp";
	const lines = [`protocol = "${p.template}"`, `listen = [${text(listening(p.address, p.template))}]`, `pool = ${text(p.name)}`];
	if (!stream) lines.push("client_ip = true");
	let blocks = "";
	if (p.sticky) blocks += stream ? `\n  persist "source" {}\n` : `\n  persist "cookie" {}\n`;
	if (p.template === "https") blocks += p.certificates ? `\n  tls { certificates = [${text(p.certificates)}] }\n` : "\n  tls {}\n";
	return `cluster ${text(p.name)} {\n${lines.map((l) => `  ${l}\n`).join("")}${blocks}}`;
}

// trialText is a text with nothing but the pool, to try its health check.
export const trialText = (p: Plan) => `${p.servers.map(serverText).join("\n")}\n\n${poolText(p)}\n`;

const escape = (label: string) => label.replace(/%/g, "%25").replace(/\//g, "%2F").replace(/#/g, "%23");

// blocksOf are the paths of what the wizard makes.
export function blocksOf(p: Plan): string[] {
	return [...p.servers.map((s) => `server/${escape(s.name)}`), `pool/${escape(p.name)}`, `cluster/${escape(p.name)}`];
}

// taken returns those of the wizard's blocks that exist and are not its own.
export const taken = (p: Plan, have: readonly string[]) => blocksOf(p).filter((b) => have.includes(b) && !p.made.includes(b));

// serverName is a name for one more server that nothing has yet.
export function serverName(p: Pick<Plan, "name" | "servers">, have: readonly string[]): string {
	for (let n = p.servers.length + 1; ; n++) {
		const name = `${p.name}${n}`;
		if (!have.includes(`server/${escape(name)}`) && !p.servers.some((s) => s.name === name)) return name;
	}
}

// named gives a plan that nobody has filled in yet names that are free.
export function named(p: Plan, have: readonly string[]): Plan {
	if (p.address || p.servers.some((s) => s.address) || taken(p, have).length === 0) return p;
	const servers: PlannedServer[] = [];
	for (const _ of p.servers) servers.push({ name: serverName({ name: p.name, servers }, have), address: "" });
	let name = p.name;
	for (let n = 2; have.includes(`cluster/${escape(name)}`) || have.includes(`pool/${escape(name)}`); n++) name = `${p.name}-${n}`;
	return { ...p, name, servers };
}

// edits returns what turns the candidate, which has the blocks have at its top,
// into what was planned.
export function edits(p: Plan, have: readonly string[]): EditOp[] {
	const out = [...removals(p, have), ...consoleEdits(p, have)];
	const named = new Set([p.certificate, p.template === "https" ? p.certificates : ""]);
	for (const c of named) {
		if (c && c !== "box" && !have.includes(`certificate/${escape(c)}`)) out.push({ op: "insert", text: `certificate ${text(c)} {}` });
	}
	for (const s of p.servers) out.push({ op: "insert", text: serverText(s) });
	return [...out, { op: "insert", text: poolText(p) }, ...clusterEdits(p)];
}

// removals take back what the wizard has put into the candidate.
export const removals = (p: Plan, have: readonly string[]): EditOp[] => p.made.filter((b) => have.includes(b)).reverse().map((path) => ({ op: "remove", path }));

export const clusterEdits = (p: Plan): EditOp[] => [{ op: "insert", text: clusterText(p) }];

export function consoleEdits(p: Plan, have: readonly string[]): EditOp[] {
	const set: Record<string, unknown> = {};
	if (words(p.listen).length > 0) set["listen"] = words(p.listen);
	if (p.origin.trim()) set["allowed_origins"] = [p.origin.trim()];
	if (p.certificate) set["certificate"] = p.certificate;
	if (Object.keys(set).length === 0) return [];
	return [have.includes("console") ? { op: "patch", path: "console", set } : { op: "insert", text: consoleText(set) }];
}

// overlap returns what the box says of an address that a block would share with
// another one, as it names the block in its messages.
export const overlap = (problems: readonly Problem[], block: string): Problem | undefined => problems.find((p) => !p.warning && p.message.includes(" overlaps ") && (p.message.startsWith(`${block}: `) || p.message.includes(` of ${block} (`)));

function consoleText(set: Record<string, unknown>): string {
	const value = (v: unknown): string => (Array.isArray(v) ? `[${v.map((x) => text(String(x))).join(", ")}]` : text(String(v)));
	return `console {\n${Object.entries(set).map(([k, v]) => `  ${k} = ${value(v)}\n`).join("")}}`;
}
