// SPDX-License-Identifier: Apache-2.0
//
// Ports, bonds, VLANs, routes and NAT of the draft, with what holds now, and the
// dialogs that change them.
import { useSignal } from "@preact/signals";
import { type api, ask, Button, Card, Dialog, Empty, ErrorNotice, say, sayAll, SelectField, Skeleton, Status, t, TextField } from "../kit";
import { current, edit, path, type Values } from "../draft/draft";
import { Advanced, Trouble, useForm } from "../draft/form";
import type { Link } from "./front";

export type VLANValues = { number: string; description?: string; addresses: string[] };
export type PortValues = { name: string; description?: string; addresses: string[]; vlans: VLANValues[] };
export type BondValues = PortValues & { ports: string[]; mode: string };
export type WayValues = { name: string; description?: string };
export type NetworkValues = Values & { ports: PortValues[]; bonds: BondValues[]; routes: WayValues[]; route_rules: WayValues[]; nats: WayValues[] };

export type Row = Link & { path: string; addresses: string[]; description: string };

// rowsOf lists the links of the draft, each VLAN behind what it is on.
export function rowsOf(v: NetworkValues, now: readonly api.NetworkLink[]): Row[] {
	const live = (name: string) => now.find((l) => l.name === name);
	const out: Row[] = [];
	const vlans = (on: string, list: VLANValues[], at: string) => {
		for (const x of list) {
			const name = `${on}.${x.number}`;
			out.push({ name, kind: "vlan", over: on, vlan: Number(x.number), now: live(name), path: `${at}/${path("vlan", x.number)}`, addresses: x.addresses, description: x.description ?? "" });
		}
	};
	for (const p of v.ports) {
		out.push({ name: p.name, kind: "port", now: live(p.name), path: path("port", p.name), addresses: p.addresses, description: p.description ?? "" });
		vlans(p.name, p.vlans, path("port", p.name));
	}
	for (const b of v.bonds) {
		out.push({ name: b.name, kind: "bond", members: b.ports, now: live(b.name), path: path("bond", b.name), addresses: b.addresses, description: b.description ?? "" });
		vlans(b.name, b.vlans, path("bond", b.name));
	}
	return out;
}

// Target is what a dialog is about: a block that there is, or a new one.
// The name of a port is that of its socket.
export type Target = { block: string; path: string; name: string; over?: string } | { block: string; over?: string; port?: string };

const first: Record<string, readonly string[]> = {
	port: ["addresses", "description"],
	bond: ["ports", "mode", "addresses", "description"],
	vlan: ["addresses", "description"],
	route: ["to", "via", "port"],
	route_rule: ["from", "to", "port", "table"],
	nat: ["from", "out", "to"],
};

const titleOf = (s: Target) => t("path" in s ? `network.edit.${s.block}` : `network.add.${s.block}`, { name: "name" in s ? s.name : ("port" in s && s.port) || (s.over ?? "") });

type DialogProps = { target: Target; ports: readonly string[]; links: readonly Row[]; onClose: () => void };

export function LinkDialog({ target, ports, links, onClose }: DialogProps) {
	const label = useSignal("path" in target ? "" : (target.port ?? ""));
	const under = links.filter((l) => l.kind !== "vlan"); // what a VLAN can be on
	const over = useSignal(target.over ?? under[0]?.name ?? "");
	const adds = !("path" in target);
	const vlan = target.block === "vlan";
	const parent = vlan ? (under.find((l) => l.name === over.value)?.path ?? "") : "";
	const subject = "path" in target ? { block: target.block, path: target.path } : { block: target.block, parent };
	const { form, error, again } = useForm({ subject, ...(adds ? { label: label.value.trim() } : {}), options: { ports } });
	const unnamed = adds && (!label.value.trim() || (vlan && !over.value));
	const save = async () => {
		if (!form || unnamed) return;
		const d = await form.save(adds ? { name: label.peek().trim() } : {});
		if (d && !d.problems.some((p) => !p.warning)) onClose();
	};
	const fields = form ? (first[target.block] ?? []).flatMap((n) => form.fields.filter((f) => f.key.name === n)) : [];
	return (
		<Dialog
			form title={titleOf(target)} onClose={onClose}
			footer={<>
				<span class="muted small grow">{t("blocks.draft_note")}</span>
				<Button onClick={onClose}>{t("common.cancel")}</Button>
				<Button kind="primary" need="editor" why={unnamed ? t("blocks.name_first") : undefined} onClick={save}>{t(adds ? "blocks.add" : "blocks.save")}</Button>
			</>}
		>
			{error ? <ErrorNotice error={error} title={t("blocks.not_read")} retry={again} /> : !form ? <Skeleton rows={5} /> : <>
				<form class="form" onSubmit={(e) => { e.preventDefault(); void save(); }}>
					{adds && vlan && <SelectField label={t("network.on")} value={over.value} onChange={(v) => (over.value = v)} options={under.map((l) => ({ value: l.name, text: l.name }))} />}
					{adds && target.block !== "port" && <TextField label={t(vlan ? "network.number" : "blocks.name")} help={t(vlan ? "network.number_help" : target.block === "bond" ? "network.bond_name" : "blocks.name_help")} autofocus value={label.value} onChange={(v) => (label.value = v)} error={form.said["label"]} disabled={form.exists} />}
					{fields.map(form.draw)}
					<Advanced form={form} fields={form.fields.filter((f) => !fields.includes(f))} />
					<button type="submit" hidden />
				</form>
				<Trouble form={form} />
			</>}
		</Dialog>
	);
}

function remove(at: string, name: string, done: () => void) {
	return ask({
		title: t("network.remove_title", { name }), text: t("network.remove_text"), act: t("network.remove"), danger: true, need: "editor",
		run: async () => {
			await edit(await current(), [{ op: "remove", path: at }], t("network.removed", { name }));
			done();
		},
	});
}

function Acts({ at, name, block, open, done, children }: { at: string; name: string; block: string; open: (s: Target) => void; done: () => void; children?: preact.ComponentChildren }) {
	return (
		<span class="row acts-row">
			{children}
			<Button small icon="edit" need="editor" label={t("network.edit_of", { name })} onClick={() => open({ block, path: at, name })}>{t("network.edit_act")}</Button>
			<Button small kind="quiet" need="editor" label={t("network.remove_of", { name })} onClick={() => void remove(at, name, done)}>{t("network.remove")}</Button>
		</span>
	);
}

const words = (l: Row) => {
	if (!l.now) return <Status word={t("network.state.new")} state="unknown" />;
	if (l.now.problems.length > 0) return <Status word={t("network.state.problem")} state="down" />;
	if (!l.now.enabled) return <Status word={t("network.state.off")} state="disabled" />;
	return l.now.carrier ? <Status word={t("network.state.up")} state="up" /> : <Status word={t("network.state.no-carrier")} state="degraded" />;
};

function about(l: Row): string {
	if (l.kind === "bond") {
		const mode = l.now?.mode ? t(`network.mode.${l.now.mode}`) : "";
		const ports = (l.members ?? []).map((m) => (l.now?.members?.find((x) => x.port === m)?.active ? `${m} ✓` : m)).join(", ");
		return [mode, ports, l.now?.partner && t("network.partner", { mac: l.now.partner })].filter(Boolean).join(" · ");
	}
	return l.kind === "vlan" ? t("network.vlan_on", { name: l.over ?? "" }) : "";
}

// Links is the table of ports, bonds and VLANs.
export function Links({ rows, open, done }: { rows: readonly Row[]; open: (s: Target) => void; done: () => void }) {
	const add = (
		<span class="row">
			<Button small icon="plus" need="editor" why={rows.length === 0 ? t("network.no_links_text") : undefined} onClick={() => open({ block: "vlan" })}>{t("network.add_vlan")}</Button>
			<Button small icon="plus" need="editor" onClick={() => open({ block: "bond" })}>{t("network.add_bond")}</Button>
		</span>
	);
	return (
		<Card name={t("network.links")} actions={add}>
			{rows.length === 0 ? <Empty title={t("network.no_links")} text={t("network.no_links_text")} /> : (
				<div class="table-wrap"><div class="table-scroll" tabIndex={0}><table class="table links" aria-label={t("network.links")}>
					<thead><tr><th>{t("network.port")}</th><th>{t("network.state")}</th><th>{t("network.addresses")}</th><th>MTU</th><th>{t("network.what")}</th><th><span class="visually-hidden">{t("network.acts")}</span></th></tr></thead>
					<tbody>
						{rows.map((l) => (
							<tr key={l.name}>
								<th scope="row" data-inner={l.kind === "vlan" || undefined}>{l.name}</th>
								<td>{words(l)}{l.now && sayAll(l.now, "problems").map((p) => <div class="small why" key={p}>{p}</div>)}</td>
								<td class="mono small">{l.addresses.map((a) => <div key={a}>{a}</div>)}{l.addresses.length === 0 && "–"}</td>
								<td class="tnum">{l.now?.mtu || "–"}</td>
								<td class="small">{l.description && <div>{l.description}</div>}<div class="muted">{about(l)}</div></td>
								<td><Acts at={l.path} name={l.name} block={l.kind} open={open} done={done}>
									{l.kind !== "vlan" && <Button small kind="quiet" icon="plus" need="editor" label={t("network.add_vlan_on", { name: l.name })} onClick={() => open({ block: "vlan", over: l.name })}>VLAN</Button>}
								</Acts></td>
							</tr>
						))}
					</tbody>
				</table></div></div>
			)}
		</Card>
	);
}

// Ways is the table of routes, rules of routes and NAT.
export function Ways({ values, now, open, done }: { values: NetworkValues; now: readonly api.NetworkWay[]; open: (s: Target) => void; done: () => void }) {
	const list = [
		...values.routes.map((x) => ({ ...x, block: "route" })), ...values.route_rules.map((x) => ({ ...x, block: "route_rule" })), ...values.nats.map((x) => ({ ...x, block: "nat" })),
	];
	const add = <span class="row">{(["route", "route_rule", "nat"] as const).map((b) => <Button key={b} small icon="plus" need="editor" onClick={() => open({ block: b })}>{t(`network.kind.${b}`)}</Button>)}</span>;
	return (
		<Card name={t("network.ways")} actions={add}>
			{list.length === 0 ? <Empty title={t("network.no_ways")} text={t("network.no_ways_text")} /> : (
				<div class="table-wrap"><div class="table-scroll" tabIndex={0}><table class="table links" aria-label={t("network.ways")}>
					<thead><tr><th>{t("network.name")}</th><th>{t("network.what")}</th><th>{t("network.state")}</th><th><span class="visually-hidden">{t("network.acts")}</span></th></tr></thead>
					<tbody>
						{list.map((w) => {
							const live = now.filter((x) => x.kind === w.block && (x.name === w.name || x.name.startsWith(`${w.name} (`)));
							const bad = live.find((x) => !x.set);
							return (
								<tr key={`${w.block} ${w.name}`}>
									<th scope="row">{w.name}<div class="muted small">{t(`network.kind.${w.block}`)}</div></th>
									<td class="small">{w.description && <div>{w.description}</div>}{live.map((x) => <code class="block" key={x.text}>{x.text}</code>)}</td>
									<td>{live.length === 0 ? <Status word={t("network.state.new")} state="unknown" /> : bad ? <><Status word={t("network.state.problem")} state="down" /><div class="small why">{say(bad, "problem")}</div></> : <Status word={t("network.state.set")} state="up" />}</td>
									<td><Acts at={path(w.block, w.name)} name={w.name} block={w.block} open={open} done={done} /></td>
								</tr>
							);
						})}
					</tbody>
				</table></div></div>
			)}
		</Card>
	);
}
