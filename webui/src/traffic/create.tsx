// SPDX-License-Identifier: Apache-2.0
//
// A new cluster from a template, and a copy of one that there is. Both go into
// the candidate with one edit.
import { useSignal } from "@preact/signals";
import { type api, ask, Button, call, CallError, CheckField, Dialog, ErrorNotice, go, NumberField, RadioField, SelectField, t, TextArea, TextField, useTopic } from "../kit";
import { probeInterval } from "../plan";
import { type ClusterValues, type Config, edit, listen, path } from "../draft/draft";
import { quote } from "./expression";
import { block, renamed } from "../draft/values";
import { nameWrong } from "./ruleform";

export type Template = "http" | "https" | "tcp" | "udp";

export type Wanted = {
	template: Template; name: string; address: string; port: number;
	pool: string; // of those that there are; "": a new one
	servers: readonly string[]; // addresses of the new pool's members
	path: string; // that an http probe asks for
	certificate: string; // "": the box's own, self-signed
	redirect: boolean; // https: another cluster on port 80 that sends clients on
	sticky: boolean;
};

const ports: Record<Template, number> = { http: 80, https: 443, tcp: 5432, udp: 53 };

// join writes an address with its port.
export const join = (address: string, port: number) => (address.includes(":") && !address.startsWith("[") ? `[${address}]:${port}` : `${address}:${port}`);

// build returns the edits that make what is wanted. Servers that there are by
// the same address are used again.
export function build(w: Wanted, config: Config): api.EditOp[] {
	const edits: api.EditOp[] = [];
	let pool = w.pool;
	if (!pool) {
		const taken = new Set(config.values.pools.map((p) => p.name));
		pool = w.name;
		for (let n = 2; taken.has(pool); n++) pool = `${w.name}-${n}`;
		const names = new Set(config.values.servers.map((s) => s.name));
		const members = w.servers.map((address) => {
			const old = config.values.servers.find((s) => s.address === address);
			if (old) return old.name;
			let name = `${pool}-1`;
			for (let n = 2; names.has(name); n++) name = `${pool}-${n}`;
			names.add(name);
			edits.push({ op: "insert", text: block("server", name, [["address", quote(address)]]) });
			return name;
		});
		const web = w.template === "http" || w.template === "https";
		const path = web ? `    path = ${quote(w.path || "/")}\n` : "";
		const probe = `  probe "${web ? "http" : w.template === "tcp" ? "tcp" : "icmp"}" {\n${path}    interval = "${probeInterval}"\n  }\n`;
		edits.push({ op: "insert", text: block("pool", pool, [], `${members.map((m) => `  member ${quote(m)} {}\n`).join("")}${probe}`) });
	}
	// As in the set-up wizard: servers see the box's address, so they are told the client's.
	const told: [string, string][] = w.template === "http" || w.template === "https" ? [["client_ip", "true"]] : [];
	const persist = w.sticky ? `  persist ${w.template === "http" || w.template === "https" ? '"cookie"' : '"source"'} {}\n` : "";
	if (w.template === "https" && w.certificate && !config.values.certificates.some((c) => c.name === w.certificate)) {
		edits.push({ op: "insert", text: block("certificate", w.certificate, [["source", '"imported"']]) });
	}
	const tls = w.template === "https" && w.certificate ? `  tls {\n    certificates = [${quote(w.certificate)}]\n  }\n` : "";
	edits.push({ op: "insert", text: block("cluster", w.name, [["protocol", quote(w.template)], ["listen", `[${quote(join(w.address, w.port))}]`], ["pool", quote(pool)], ...told], persist + tls) });
	if (w.template === "https" && w.redirect) {
		const port: [string, string][] = w.port === 443 ? [] : [["redirect_https_port", String(w.port)]];
		edits.push({ op: "insert", text: block("cluster", `${w.name}-http`, [["protocol", '"http"'], ["listen", `[${quote(join(w.address, 80))}]`], ["redirect_https", "301"], ...port]) });
	}
	return edits;
}

async function put(config: Config, edits: api.EditOp[], said: string, to: string): Promise<void> {
	const tried = await call("config.try", { base: config.base, ...(config.version ? { version: config.version } : {}), edits });
	const bad = tried.problems.filter((p) => !p.warning);
	if (bad.length > 0) throw new CallError(-32010, t("rules.not_kept"), { kind: "config.invalid", problems: bad });
	await edit(config, edits, said);
	go(to);
}

const page = (name: string) => `/clusters/${encodeURIComponent(name)}`;

export function Create({ config, onClose }: { config: Config; onClose: () => void }) {
	const template = useSignal<Template>("http");
	const name = useSignal("");
	const address = useSignal("0.0.0.0");
	const port = useSignal(80);
	const pool = useSignal(config.values.pools[0]?.name ?? "");
	const servers = useSignal("");
	const probe = useSignal("/");
	const certificate = useSignal("");
	const redirect = useSignal(true);
	const sticky = useSignal(false);
	const error = useSignal<unknown>(null);
	const touched = useSignal(false);
	const taken = config.values.clusters.map((c) => c.name);
	const kept = useTopic("state.certificates");
	const imported = kept.keys.value.filter((k) => kept.get(k)?.value.source === "imported");
	const certificates = [...new Set([...config.values.certificates.map((c) => c.name), ...imported])].sort();
	const list = servers.value.split(/[\s,]+/).filter(Boolean);
	const web = template.value === "http" || template.value === "https";
	const wrong = {
		name: nameWrong(name.value, taken),
		address: address.value.trim() === "" ? t("clusters.address_missing") : undefined,
		servers: pool.value === "" && list.length === 0 ? t("clusters.servers_missing") : undefined,
	};
	const save = async () => {
		touched.value = true;
		if (wrong.name || wrong.address || wrong.servers || !(port.value >= 1 && port.value <= 65535)) return;
		error.value = null;
		try {
			const edits = build({ template: template.value, name: name.value, address: address.value.trim(), port: port.value, pool: pool.value, servers: list, path: probe.value, certificate: certificate.value, redirect: redirect.value, sticky: sticky.value }, config);
			await put(config, edits, t("clusters.created", { name: name.value }), page(name.value));
		} catch (err) {
			error.value = err;
		}
	};
	const templates = (["http", "https", "tcp", "udp"] as const).map((v) => ({ value: v, text: t(`clusters.template.${v}`), help: t(`clusters.template_help.${v}`) }));
	return (
		<Dialog wide title={t("clusters.create")} onClose={onClose} footer={<>
			<span class="muted small grow">{t("rules.draft_only")}</span>
			<Button onClick={onClose}>{t("common.cancel")}</Button>
			<Button kind="primary" need="editor" onClick={save}>{t("clusters.create_act")}</Button>
		</>}>
			<div class="template-form">
				<RadioField label={t("clusters.template")} value={template.value} onChange={(v) => { if (port.peek() === ports[template.peek()]) port.value = ports[v]; template.value = v; }} options={templates} />
				<div class="form one">
					<TextField label={t("clusters.name")} value={name.value} onChange={(v) => (name.value = v)} error={touched.value ? wrong.name : undefined} help={t("clusters.name_help")} maxLength={47} autofocus />
					<div class="rule-two">
						<TextField label={t("clusters.address")} value={address.value} onChange={(v) => (address.value = v)} error={touched.value ? wrong.address : undefined} help={t("clusters.address_help")} />
						<NumberField label={t("clusters.port")} min={1} max={65535} value={port.value} onChange={(v) => (port.value = v)} />
					</div>
					<SelectField label={t("clusters.pool")} value={pool.value} onChange={(v) => (pool.value = v)} options={[...config.values.pools.map((p) => ({ value: p.name, text: p.name })), { value: "", text: t("clusters.new_pool") }]} help={t("clusters.pool_help")} />
					{pool.value === "" && <TextArea label={t("clusters.servers")} mono rows={3} value={servers.value} onChange={(v) => (servers.value = v)} error={touched.value ? wrong.servers : undefined} placeholder={"10.0.0.1:8080\n10.0.0.2:8080"} help={t("clusters.servers_help")} />}
					{pool.value === "" && web && <TextField label={t("clusters.probe")} value={probe.value} onChange={(v) => (probe.value = v)} help={t("clusters.probe_help")} />}
					{template.value === "https" && <>
						<SelectField label={t("clusters.certificate")} value={certificate.value} onChange={(v) => (certificate.value = v)} options={[{ value: "", text: t("clusters.own_certificate") }, ...certificates.map((c) => ({ value: c, text: c }))]} help={t("clusters.certificate_help")} />
						<CheckField label={t("clusters.redirect")} help={t("clusters.redirect_help", { name: `${name.value || "…"}-http` })} value={redirect.value} onChange={(v) => (redirect.value = v)} />
					</>}
					<CheckField label={t("clusters.sticky")} help={t(web ? "clusters.sticky_cookie" : "clusters.sticky_source")} value={sticky.value} onChange={(v) => (sticky.value = v)} />
					{error.value !== null && <ErrorNotice error={error.value} title={t("rules.not_saved")} />}
				</div>
			</div>
		</Dialog>
	);
}

// Clone copies a cluster under another name and address.
export function Clone({ config, cluster, onClose }: { config: Config; cluster: ClusterValues; onClose: () => void }) {
	const name = useSignal(`${cluster.name}-2`);
	const addresses = useSignal(cluster.listen.map(listen).join("\n"));
	const error = useSignal<unknown>(null);
	const touched = useSignal(false);
	const wrong = nameWrong(name.value, config.values.clusters.map((c) => c.name));
	const save = async () => {
		touched.value = true;
		if (wrong) return;
		error.value = null;
		try {
			const o = await call("config.object", { path: path("cluster", cluster.name) });
			const list = addresses.peek().split(/[\s,]+/).filter(Boolean);
			const edits: api.EditOp[] = [
				{ op: "insert", text: renamed(o.text, "cluster", name.peek()) },
				{ op: "patch", path: path("cluster", name.peek()), set: { listen: list } },
			];
			await put(config, edits, t("clusters.cloned", { name: name.peek() }), page(name.peek()));
			onClose();
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Dialog title={t("clusters.clone_title", { name: cluster.name })} onClose={onClose} footer={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" need="editor" onClick={save}>{t("clusters.clone_act")}</Button></>}>
			<div class="form one">
				<TextField label={t("clusters.name")} value={name.value} onChange={(v) => (name.value = v)} error={touched.value ? wrong : undefined} autofocus />
				<TextArea label={t("clusters.listen")} mono rows={3} value={addresses.value} onChange={(v) => (addresses.value = v)} help={t("clusters.clone_help")} />
				{error.value !== null && <ErrorNotice error={error.value} title={t("rules.not_saved")} />}
			</div>
		</Dialog>
	);
}

// enableEdit lets a cluster listen, or not.
export const enableEdit = (name: string, on: boolean): api.EditOp => ({ op: "patch", path: path("cluster", name), ...(on ? { unset: ["disabled"] } : { set: { disabled: true } }) });

// removeCluster takes a cluster out of the candidate, after its name was typed.
export function removeCluster(name: string, connections: number, config: Config, again: () => void): Promise<boolean> {
	return ask({
		title: t("clusters.delete_title", { name }), text: t("clusters.delete_text", { n: connections }), act: t("clusters.delete_act", { name }), danger: true, need: "editor", type: name,
		run: async () => {
			await edit(config, [{ op: "remove", path: path("cluster", name) }], t("clusters.deleted", { name }));
			again();
		},
	});
}
