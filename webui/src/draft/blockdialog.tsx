// SPDX-License-Identifier: Apache-2.0
//
// The dialog for a pool, a server, a member or a health check.
import { batch, type Signal, signal, useSignal } from "@preact/signals";
import { type api, Button, Dialog, ErrorNotice, SelectField, Skeleton, t, TextField, useCall } from "../kit";
import { faults, words } from "./draft";
import { Advanced, type Form, Trouble, useForm } from "./form";
import { choice, labelOf } from "./keyword";

export type Kind = "pool" | "member" | "server" | "probe";

// What a dialog is about: a block that there is, or a new one in parent.
export type Subject = { block: Kind; name?: string } & ({ path: string } | { parent: string; label?: string });

const subject = signal<Subject | null>(null);

export function editBlock(s: Subject): void {
	subject.value = s;
}

// BlockDialogs is where a page draws the dialog.
export function BlockDialogs() {
	const s = subject.value;
	return s && <BlockDialog key={JSON.stringify(s)} subject={s} onClose={() => (subject.value = null)} />;
}

// Attributes that stand first; all others are under Advanced.
const first: Record<Kind, readonly string[]> = {
	pool: ["description", "policy", "slow_start"],
	member: ["weight", "max_connections", "hot_spare"],
	server: ["address", "description"],
	probe: ["path", "status", "expect", "send", "service", "interval", "timeout", "rise", "fall", "port"],
};

const lastName = (path: string) => path.split("/").at(-1) ?? "";

function titleOf(s: Subject): string {
	if (!("parent" in s)) return t(`blocks.edit.${s.block}`, { name: s.name ?? lastName(s.path) });
	switch (s.block) {
		case "member": return t("blocks.add_member", { pool: lastName(s.parent) });
		case "probe": return t("blocks.add_probe", { pool: lastName(s.parent) });
		case "server": return t("blocks.add_server");
	}
	return t("blocks.add_pool");
}

type Config = { servers?: { name: string; address: string }[]; pools?: { name: string; members: { server: string }[] }[] };

export function BlockDialog({ subject: s, onClose }: { subject: Subject; onClose: () => void }) {
	const isNew = "parent" in s;
	const all = useCall("config.values", {}).data.value?.values as Config | undefined;
	const label = useSignal("parent" in s ? (s.label ?? "") : lastName(s.path).split("#")[0]!);
	const fresh = useSignal(false); // a member of a server that is made with it
	const address = useSignal("");
	const tried = useSignal(false);
	// A probe is of the kind that its label says; any other label says nothing.
	const { form, error, again } = useForm({ subject: s, ...(isNew ? { label: label.value.trim() } : {}) });
	const exists = form?.exists ?? !isNew;
	const nameWrong = nameMistake(s.block, label.value, isNew && !exists ? taken(s.block, s, all) : [], fresh.value);
	const addressWrong = fresh.value && address.value.trim() === "" ? t("blocks.required") : "";
	const save = async () => {
		tried.value = true;
		if (!form || nameWrong || addressWrong) return;
		const name = label.peek().trim();
		const server: api.EditOp[] = !fresh.peek() ? [] : exists ? [{ op: "patch", path: `server/${name}`, set: { address: address.peek().trim() } }] : [{ op: "insert", type: "server", label: name, set: { address: address.peek().trim() } }];
		const renames = s.block === "pool" || s.block === "server" || !exists;
		const d = await form.save({ first: server, ...(renames ? { name } : {}) });
		if (d && !aboutIt(d, form, s, name, fresh.peek())) onClose();
	};
	const firsts = form ? first[s.block].flatMap((n) => form.fields.filter((f) => f.key.name === n)) : [];
	return (
		<Dialog
			wide={s.block === "probe"} title={titleOf(s)} onClose={onClose}
			footer={<>
				<span class="muted small grow">{t("blocks.draft_note")}</span>
				<Button onClick={onClose}>{t(isNew && exists ? "common.close" : "common.cancel")}</Button>
				<Button kind="primary" need="editor" onClick={save}>{exists ? t("blocks.save") : t(`blocks.act.${s.block}`)}</Button>
			</>}
		>
			{error ? <ErrorNotice error={error} title={t("blocks.not_read")} retry={again}><Button small href="/changes/text">{t("blocks.as_text")}</Button></ErrorNotice> : !form ? <Skeleton rows={5} /> : <>
				<form class="form block-form" onSubmit={(e) => { e.preventDefault(); void save(); }}>
					<Name kind={s.block} s={s} isNew={isNew && !exists} block={form.block} label={label} fresh={fresh} address={address} all={all} error={tried.value || label.value ? nameWrong : ""} addressError={tried.value ? addressWrong : ""} />
					{firsts.map(form.draw)}
					<Advanced form={form} fields={form.fields.filter((f) => !firsts.includes(f))} />
					<button type="submit" hidden />
				</form>
				<Trouble form={form} />
			</>}
		</Dialog>
	);
}

// aboutIt says whether the draft has mistakes that the dialog can mend.
function aboutIt(d: api.Draft, form: Form, s: Subject, name: string, fresh: boolean): boolean {
	const path = form.path || ["parent" in s ? s.parent : "", s.block, name].filter(Boolean).join("/");
	const of = [...(fresh ? [`server/${name}`] : []), path, [...path.split("/").slice(0, -1), name].join("/")].map(words);
	return faults(d).some((p) => of.some((w) => p.message.startsWith(`${w}:`) || p.message.startsWith(`${w} `)));
}

function taken(kind: Kind, s: Subject, all: Config | undefined): string[] {
	if (kind === "server") return (all?.servers ?? []).map((x) => x.name);
	if (kind === "pool") return (all?.pools ?? []).map((x) => x.name);
	if (kind === "member" && "parent" in s) return (all?.pools ?? []).find((p) => p.name === lastName(s.parent))?.members.map((m) => m.server) ?? [];
	return [];
}

// nameMistake says what is wrong with a name, "" if nothing is.
export function nameMistake(kind: Kind, name: string, have: readonly string[], fresh: boolean): string {
	if (name.trim() === "") return kind === "member" && !fresh ? t("blocks.choose_server") : t("blocks.required");
	if (kind !== "probe" && (name.includes("/") || name.includes("#"))) return t("blocks.name_rule");
	return have.includes(name.trim()) ? t("blocks.name_taken", { name: name.trim() }) : "";
}

type NameProps = { kind: Kind; s: Subject; isNew: boolean; block: api.Block; label: Signal<string>; fresh: Signal<boolean>; address: Signal<string>; all: Config | undefined; error: string; addressError: string };

function Name({ kind, s, isNew, block, label, fresh, address, all, error, addressError }: NameProps) {
	if (kind === "probe") {
		return <SelectField label={t("blocks.type")} disabled={!isNew} error={error || undefined} value={label.value} onChange={(v) => (label.value = v)} options={[...(label.value ? [] : [{ value: "", text: t("blocks.choose") }]), ...(block.labels ?? []).map((o) => ({ value: o, text: choice(`probe_${o}`) }))]} />;
	}
	if (kind !== "member") return <TextField label={t("blocks.name")} autofocus={isNew} error={error || undefined} help={isNew ? undefined : t("blocks.rename_help")} value={label.value} onChange={(v) => (label.value = v)} />;
	const addressField = <TextField label={labelOf("server", "address")} mono error={addressError || undefined} placeholder="192.0.2.1:8080" value={address.value} onChange={(v) => (address.value = v)} />;
	if (!isNew) return fresh.value ? addressField : null;
	const have = taken("member", s, all);
	const free = (all?.servers ?? []).filter((x) => !have.includes(x.name));
	return (
		<>
			<SelectField
				label={t("blocks.server")} error={fresh.value ? undefined : error || undefined} value={fresh.value ? "\n" : label.value}
				onChange={(v) => batch(() => { fresh.value = v === "\n"; label.value = v === "\n" ? "" : v; })}
				options={[{ value: "", text: t("blocks.choose") }, ...free.map((x) => ({ value: x.name, text: `${x.name} (${x.address})` })), { value: "\n", text: t("blocks.new_server") }]}
			/>
			{fresh.value && (
				<div class="pair">
					<TextField label={t("blocks.name")} autofocus error={error || undefined} value={label.value} onChange={(v) => (label.value = v)} />
					{addressField}
				</div>
			)}
		</>
	);
}
