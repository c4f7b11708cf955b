// SPDX-License-Identifier: Apache-2.0
//
// Forms for blocks of the configuration. What can be written, its defaults,
// limits and meaning come from the language of the box; which attributes stand
// first is chosen here. A form changes the candidate and nothing else.
import { batch, type Signal, signal, useSignal } from "@preact/signals";
import {
	type api, Button, CheckField, Dialog, ErrorNotice, lang, Notice, SelectField, Skeleton, t, TextField, useCall,
} from "../kit";
import { has } from "../i18n";
import { at, edit, mistakes, saved, words } from "./blocks";

export type Kind = "pool" | "member" | "server" | "probe";

// What a form is about: a block that there is, or a new one in parent.
export type Subject = { block: Kind; name?: string } & ({ path: string } | { parent: string; label?: string });

const subject = signal<Subject | null>(null);

export function editBlock(s: Subject): void {
	subject.value = s;
}

// BlockForms is where a page draws the form.
export function BlockForms() {
	const s = subject.value;
	return s && <BlockForm key={JSON.stringify(s)} subject={s} onClose={() => (subject.value = null)} />;
}

// Attributes that stand first; all others are under Advanced.
const first: Record<Kind, readonly string[]> = {
	pool: ["description", "policy", "slow_start"],
	member: ["weight", "max_connections", "hot_spare"],
	server: ["address", "description"],
	probe: ["path", "status", "expect", "send", "service", "interval", "timeout", "rise", "fall", "port"],
};

const common = new Set(["description", "labels"]);
const ofBlock = (block: string, name: string) => `${common.has(name) ? "any" : block}_${name}`;
const labelKey = (block: string, name: string) => `blocks.label.${ofBlock(block, name)}`;
const helpKey = (block: string, name: string) => `blocks.help.${ofBlock(block, name)}`;

// labelOf and helpOf word an attribute. English help is the box's own.
export const labelOf = (block: string, name: string) => (has(labelKey(block, name)) ? t(labelKey(block, name)) : name);
export const helpOf = (block: string, k: api.Keyword) => (lang.value === "en" || !has(helpKey(block, k.name)) ? k.purpose : t(helpKey(block, k.name)));

// The value of a field while it is edited: text, "" where nothing is written.
type Values = Record<string, string>;

// show turns a checked value into the text of a field.
export function show(v: unknown): string {
	if (v === undefined || v === null) return "";
	if (Array.isArray(v)) return v.join(", ");
	if (typeof v === "object") return Object.entries(v).map(([k, x]) => `${k} = ${String(x)}`).join(", ");
	return String(v);
}

// read turns the text of a field into the value that the box takes; undefined
// if it cannot be one.
export function read(kind: string, text: string): unknown {
	const parts = () => text.split(/[,\n]/).map((p) => p.trim()).filter(Boolean);
	switch (kind) {
		case "true or false":
			return text === "true";
		case "whole number":
			return /^-?\d+$/.test(text.trim()) ? Number(text) : undefined;
		case "number":
			return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
		case "list of whole numbers":
			return parts().every((p) => /^\d+$/.test(p)) ? parts().map(Number) : undefined;
		case "map of strings": {
			const pairs = parts().map((p) => p.split("=").map((x) => x.trim()));
			return pairs.every((p) => p.length === 2 && p[0]) ? Object.fromEntries(pairs) : undefined;
		}
	}
	return kind.startsWith("list of") ? parts() : text;
}

// wrongValue says what would be right, "" if the text is.
export function wrongValue(k: api.Keyword, text: string): string {
	if (text === "") return k.required ? t("blocks.required") : "";
	const v = read(k.kind, text);
	if (v === undefined) return t(`blocks.wrong.${k.kind.replace(/ /g, "_")}`);
	if (typeof v === "number" && k.min !== undefined && k.max !== undefined && (v < Number(k.min) || v > Number(k.max))) return t("common.range", { min: k.min, max: k.max });
	return "";
}

const standard = (k: api.Keyword, by: string) => k.default_for?.[by] ?? k.default ?? "";

function hint(k: api.Keyword, by: string): string {
	const d = standard(k, by);
	return [d !== "" && !k.one_of && t("blocks.default", { value: d }), d === "" && k.unset && lang.value === "en" && t("blocks.unset", { value: k.unset }), k.min !== undefined && k.max !== undefined && t("blocks.limits", { min: k.min, max: k.max })].filter(Boolean).join(" ");
}

function Field({ block, k, by, value, error, onChange }: { block: Kind; k: api.Keyword; by: string; value: string; error: string | undefined; onChange: (v: string) => void }) {
	const label = labelOf(block, k.name);
	const help = <>{helpOf(block, k)} {hint(k, by)}</>;
	const d = standard(k, by);
	if (k.kind === "true or false") {
		if (d === "false" || d === "true") return <CheckField label={label} help={help} value={(value || d) === "true"} onChange={(v) => onChange(String(v) === d ? "" : String(v))} />;
		return <SelectField label={label} help={help} error={error} value={value} onChange={onChange} options={[{ value: "", text: t("blocks.automatic") }, { value: "true", text: t("blocks.yes") }, { value: "false", text: t("blocks.no") }]} />;
	}
	if (k.one_of && !k.kind.startsWith("list")) {
		return <SelectField label={label} help={help} error={error} value={value} onChange={onChange} options={[...(k.required ? [] : [{ value: "", text: d ? t("blocks.by_default", { value: choice(d) }) : t("blocks.automatic") }]), ...k.one_of.map((o) => ({ value: o, text: choice(o) }))]} />;
	}
	return <TextField label={label} help={help} error={error} optional={!k.required} mono={/address|regex|list|map/.test(k.kind)} value={value} placeholder={d} onChange={onChange} />;
}

const choice = (word: string) => (has(`blocks.choice.${word}`) ? t(`blocks.choice.${word}`) : word);

export function BlockForm({ subject: s, onClose }: { subject: Subject; onClose: () => void }) {
	const isNew = "parent" in s;
	const language = useCall("config.language", {});
	const object = useCall("config.object", { path: isNew ? s.parent : s.path });
	const all = useCall("config.values", {});
	const loadError = language.error.value ?? object.error.value;
	const title = isNew
		? s.block === "member" ? t("blocks.add_member", { pool: lastName(s.parent) }) : s.block === "probe" ? t("blocks.add_probe", { pool: lastName(s.parent) }) : s.block === "server" ? t("blocks.add_server") : t("blocks.add_pool")
		: t(`blocks.edit.${s.block}`, { name: s.name ?? lastName(s.path) });
	const ready = language.data.value && object.data.value;
	const block = language.data.value?.blocks.find((b) => b.name === s.block && (s.block === "server" || s.block === "pool" ? !b.in : b.in?.includes("pool")));
	if (ready && block) return <Loaded title={title} s={s} block={block} object={object.data.value!} all={all.data.value?.values as Config | undefined} onClose={onClose} />;
	return (
		<Dialog title={title} onClose={onClose} footer={<Button onClick={onClose}>{t("common.cancel")}</Button>}>
			{loadError ? <ErrorNotice error={loadError} title={t("blocks.not_read")} retry={() => { language.again(); object.again(); }}><Button small href="/changes/text">{t("blocks.as_text")}</Button></ErrorNotice> : <Skeleton rows={5} />}
		</Dialog>
	);
}

const lastName = (path: string) => path.split("/").at(-1) ?? "";

type Config = { servers?: { name: string; address: string }[]; pools?: { name: string; members: { server: string }[] }[] };

function Loaded({ title, s, block, object, all, onClose }: { title: string; s: Subject; block: api.Block; object: api.ObjectText; all: Config | undefined; onClose: () => void }) {
	const isNew = "parent" in s;
	const kind = s.block;
	const old: Values = {};
	if (!isNew) for (const k of block.keywords) if (k.name in object.attrs) old[k.name] = show((object.values as Record<string, unknown> | null)?.[k.name] ?? literal(object.attrs[k.name]!));
	const values = useSignal<Values>(old);
	const label = useSignal("label" in s && s.label ? s.label : isNew ? "" : lastName(s.path).split("#")[0]!);
	const fresh = useSignal(false); // a member of a server that is made with it
	const address = useSignal("");
	const where = useSignal(at(object));
	const said = useSignal<Record<string, string>>({});
	const rest = useSignal<readonly api.Problem[]>([]);
	const error = useSignal<unknown>(null);
	const tried = useSignal(false);
	const exists = useSignal(!isNew); // it is in the candidate
	const by = kind === "probe" ? label.value : kind === "pool" ? values.value["policy"] || "round_robin" : "";
	const fits = block.keywords.filter((k) => !k.only || k.only.includes(by));
	const here = useSignal(isNew ? "" : s.path); // where it is in the candidate, "" while it is not

	const local = (k: api.Keyword) => wrongValue(k, values.value[k.name] ?? "");
	const wrong = (k: api.Keyword) => said.value[k.name] ?? (tried.value || values.value[k.name] ? local(k) || undefined : undefined);
	const nameWrong = nameMistake(kind, label.value, isNew && !exists.value ? taken(kind, s, all) : [], fresh.value);
	const addressWrong = fresh.value && address.value.trim() === "" ? t("blocks.required") : "";
	const change = (name: string, v: string) => batch(() => {
		values.value = { ...values.peek(), [name]: v };
		if (said.peek()[name]) said.value = Object.fromEntries(Object.entries(said.peek()).filter(([n]) => n !== name));
	});
	const first_ = first[kind].flatMap((n) => fits.filter((k) => k.name === n));
	const more = fits.filter((k) => !first_.includes(k));

	const save = async () => {
		tried.value = true;
		error.value = null;
		if (nameWrong || addressWrong || fits.some((k) => local(k))) return;
		const set: Record<string, unknown> = {};
		const unset: string[] = [];
		for (const k of block.keywords) {
			const text = fits.includes(k) ? (values.peek()[k.name] ?? "") : "";
			if (text !== "") { if (!exists.peek() || text !== (old[k.name] ?? "") || tried.peek()) set[k.name] = read(k.kind, text); }
			else if (exists.peek() && (k.name in old || isNew)) unset.push(k.name);
		}
		const edits: api.EditOp[] = [];
		const name = label.peek().trim();
		const named = (path: string) => [...path.split("/").slice(0, -1), name].join("/");
		let path = here.peek() || [isNew && s.parent, kind, name].filter(Boolean).join("/");
		if (exists.peek()) {
			edits.push({ op: "patch", path, set, unset });
			if (fresh.peek()) edits.push({ op: "patch", path: `server/${name}`, set: { address: address.peek().trim() } });
			if ((kind === "pool" || kind === "server") && name !== lastName(path)) {
				edits.push({ op: "rename", path, label: name });
				path = named(path);
			}
		} else {
			if (fresh.peek()) edits.push({ op: "insert", type: "server", label: name, set: { address: address.peek().trim() } });
			edits.push({ op: "insert", ...(isNew && s.parent ? { path: s.parent } : {}), type: kind, label: name, set });
		}
		try {
			const d = await edit(where.peek(), edits);
			const found = mistakes(d, path, block.keywords.map((k) => k.name));
			const touched = [path, ...(fresh.peek() ? [`server/${name}`] : [])].map(words);
			const about = found.rest.filter((p) => touched.some((w) => p.message.startsWith(w)));
			if (Object.keys(found.own).length === 0 && about.length === 0) {
				saved(d);
				return onClose();
			}
			batch(() => {
				where.value = at(d);
				exists.value = true;
				here.value = path;
				said.value = found.own;
				rest.value = about;
			});
		} catch (err) {
			error.value = err;
		}
	};

	const act = exists.value ? t("blocks.keep") : t(`blocks.act.${kind}`);
	return (
		<Dialog
			wide={kind === "probe"} title={title} onClose={onClose}
			footer={<>
				<span class="muted small grow">{t("blocks.candidate_note")}</span>
				<Button onClick={onClose}>{t(here.value && isNew ? "common.close" : "common.cancel")}</Button>
				<Button kind="primary" need="editor" onClick={save}>{act}</Button>
			</>}
		>
			<form class="form block-form" onSubmit={(e) => { e.preventDefault(); void save(); }}>
				<Name kind={kind} s={s} isNew={isNew && !exists.value} block={block} label={label} fresh={fresh} address={address} all={all} error={tried.value || label.value ? nameWrong : ""} addressError={tried.value ? addressWrong : ""} />
				{first_.map((k) => <Field key={k.name} block={kind} k={k} by={by} value={values.value[k.name] ?? ""} error={wrong(k)} onChange={(v) => change(k.name, v)} />)}
				{more.length > 0 && (
					<details class="advanced" open={more.some((k) => wrong(k)) || undefined}>
						<summary>{t("blocks.advanced", { n: more.length })}</summary>
						<div class="form">{more.map((k) => <Field key={k.name} block={kind} k={k} by={by} value={values.value[k.name] ?? ""} error={wrong(k)} onChange={(v) => change(k.name, v)} />)}</div>
					</details>
				)}
				<button type="submit" hidden />
			</form>
			{(Object.keys(said.value).length > 0 || rest.value.length > 0) && (
				<Notice kind="warning">
					<strong>{t("blocks.kept_wrong")}</strong>
					{rest.value.length > 0 && <ul>{rest.value.map((p) => <li key={p.message}>{p.message}</li>)}</ul>}
				</Notice>
			)}
			{error.value !== null && <ErrorNotice error={error.value} title={t("blocks.not_kept")} />}
		</Dialog>
	);
}

// literal reads an attribute as it is written, where the text has mistakes and
// there are no checked values.
const literal = (text: string) => text.replace(/^"(.*)"$/, "$1");

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

function Name({ kind, s, isNew, block, label, fresh, address, all, error, addressError }: { kind: Kind; s: Subject; isNew: boolean; block: api.Block; label: Signal<string>; fresh: Signal<boolean>; address: Signal<string>; all: Config | undefined; error: string; addressError: string }) {
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
