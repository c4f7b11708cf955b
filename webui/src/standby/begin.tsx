// SPDX-License-Identifier: Apache-2.0
//
// How a pair begins: the blocks node and group, put into the draft.
import { useSignal } from "@preact/signals";
import { type api, Button, Card, Dialog, Empty, ErrorNotice, fieldErrors, hello, NumberField, say, SelectField, Skeleton, t, TextField, Notice, useCall } from "../kit";
import { at, edit, faults, named, path } from "../draft/draft";

export function Begin({ pair }: { pair: preact.ComponentChildren }) {
	const open = useSignal<"node" | "group" | null>(null);
	return (
		<Card>
			<Empty
				title={t("standby.empty")}
				text={<>{t("standby.empty_text")}</>}
				actions={<>
					<Button kind="primary" need="editor" onClick={() => (open.value = "node")}>{t("standby.begin_node")}</Button>
					<Button need="editor" onClick={() => (open.value = "group")}>{t("standby.begin_group")}</Button>
					{pair}
				</>}
			/>
			<ol class="standby-steps">
				<li>{t("standby.step_node")}</li>
				<li>{t("standby.step_group")}</li>
				<li>{t("standby.step_commit")}</li>
				<li>{t("standby.step_pair")}</li>
			</ol>
			<Forms open={open.value} onClose={() => (open.value = null)} />
		</Card>
	);
}

export function Forms({ open, onClose }: { open: "node" | "group" | null; onClose: () => void }) {
	const top = useCall("config.object", open ? { path: "" } : null);
	if (!open) return null;
	const body = top.error.value ? <ErrorNotice error={top.error.value} retry={top.again} /> : !top.data.value ? <Skeleton rows={4} /> : open === "node" ? <NodeForm of={top.data.value} onClose={onClose} /> : <GroupForm of={top.data.value} onClose={onClose} />;
	return <Dialog title={t(open === "node" ? "standby.begin_node" : "standby.begin_group")} onClose={onClose}>{body}</Dialog>;
}

type Of = { blocks: readonly string[]; base: number; version?: string };

// useKeep puts edits into the draft, and says what is wrong with it then.
function useKeep(of: Of, onClose: () => void) {
	const error = useSignal<unknown>(null);
	const wrong = useSignal<readonly api.Problem[]>([]);
	const keep = async (edits: api.EditOp[]) => {
		error.value = null;
		try {
			const d = await edit(at(of), edits);
			wrong.value = faults(d);
			if (wrong.peek().length === 0) onClose();
		} catch (err) {
			error.value = err;
		}
	};
	const notice = <>
		{wrong.value.length > 0 && <Notice kind="warning" actions={<Button small href="/changes/review">{t("standby.to_review")}</Button>}><strong>{t("standby.kept_wrong")}</strong><ul class="plain-list">{wrong.value.slice(0, 6).map((p) => <li key={p.message}>{say(p, "message")}</li>)}</ul></Notice>}
		{error.value !== null && <ErrorNotice error={error.value} />}
	</>;
	return { keep, notice, said: fieldErrors(error.value), kept: wrong.value.length > 0 };
}

function NodeForm({ of, onClose }: { of: Of; onClose: () => void }) {
	const name = useSignal(hello.peek()?.hostname ?? "");
	const listen = useSignal("");
	const peer = useSignal("");
	const address = useSignal("");
	const { keep, notice, kept } = useKeep(of, onClose);
	const there = of.blocks.includes("node");
	const ready = name.value.trim() && listen.value.trim() && peer.value.trim() && address.value.trim();
	const save = () => keep([
		there ? { op: "patch", path: "node", set: { name: name.peek().trim(), listen: listen.peek().trim() } } : { op: "insert", type: "node", set: { name: name.peek().trim(), listen: listen.peek().trim() } },
		{ op: "insert", path: "node", type: "peer", label: peer.peek().trim(), set: { address: address.peek().trim() } },
	]);
	return (
		<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); if (ready && !kept) void save(); }}>
			<TextField label={t("standby.node_name")} help={t("standby.node_name_help")} value={name.value} onChange={(v) => (name.value = v)} autofocus />
			<TextField label={t("standby.node_listen")} help={t("standby.node_listen_help")} mono value={listen.value} onChange={(v) => (listen.value = v)} />
			<TextField label={t("standby.peer_name")} help={t("standby.peer_name_help")} value={peer.value} onChange={(v) => (peer.value = v)} />
			<TextField label={t("standby.peer_address")} help={t("standby.peer_address_help")} mono value={address.value} onChange={(v) => (address.value = v)} />
			{notice}
			<div class="actions"><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" type="submit" need="editor" why={kept ? t("standby.kept_already") : ready ? undefined : t("standby.fill_in")}>{t("standby.to_draft")}</Button></div>
		</form>
	);
}

function GroupForm({ of, onClose }: { of: Of; onClose: () => void }) {
	const ports = useCall("port.list", {});
	const name = useSignal("");
	const homes = useSignal("");
	const port = useSignal("");
	const vrid = useSignal(10);
	const addresses = useSignal("");
	const { keep, notice, kept } = useKeep(of, onClose);
	const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);
	const taken = named(of.blocks, "group").includes(name.value.trim());
	const ready = name.value.trim() && !taken && words(homes.value).length && port.value.trim() && words(addresses.value).length;
	const save = () => {
		const at = path("group", name.peek().trim());
		return keep([
			{ op: "insert", type: "group", label: name.peek().trim(), set: { homes: words(homes.peek()) } },
			{ op: "insert", path: at, type: "router", label: "lan", set: { port: port.peek().trim(), vrid: vrid.peek(), addresses: words(addresses.peek()) } },
		]);
	};
	const list = ports.data.value?.ports.map((p) => p.name) ?? [];
	return (
		<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); if (ready && !kept) void save(); }}>
			<TextField label={t("standby.group_name")} help={t("standby.group_name_help")} value={name.value} onChange={(v) => (name.value = v)} error={taken ? t("standby.group_taken") : undefined} autofocus />
			<TextField label={t("standby.homes")} help={t("standby.homes_help")} value={homes.value} onChange={(v) => (homes.value = v)} />
			{list.length > 0
				? <SelectField label={t("standby.port")} help={t("standby.port_help")} value={port.value} onChange={(v) => (port.value = v)} options={[{ value: "", text: t("standby.port_choose") }, ...list.map((p) => ({ value: p, text: p }))]} />
				: <TextField label={t("standby.port")} help={t("standby.port_help")} value={port.value} onChange={(v) => (port.value = v)} />}
			<NumberField label={t("standby.vrid")} help={t("standby.vrid_help")} min={1} max={255} value={vrid.value} onChange={(v) => (vrid.value = v)} />
			<TextField label={t("standby.addresses")} help={t("standby.addresses_help")} mono value={addresses.value} onChange={(v) => (addresses.value = v)} />
			{notice}
			<div class="actions"><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" type="submit" need="editor" why={kept ? t("standby.kept_already") : ready ? undefined : t("standby.fill_in")}>{t("standby.to_draft")}</Button></div>
		</form>
	);
}
