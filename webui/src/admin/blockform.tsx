// SPDX-License-Identifier: Apache-2.0
//
// A form for one top block of the candidate. Which fields it has and in which
// order is said by the page; what they take, by the box's own language.
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { type api, Button, CheckField, ErrorNotice, fieldErrors, has, holdUnsaved, lang, Notice, SelectField, Skeleton, t, TextArea, TextField } from "../kit";
import { difference, edit, isOld, keywords, lines, literal, mistakes, named, none, useBlock, type Values, value } from "./candidate";

export type BlockFormProps = {
	block: string; // type, such as "syslog"
	label?: string | undefined; // of the block that is edited
	create?: boolean; // a new one, whose name is asked for
	fields: readonly string[]; // shown at once, in this order
	more?: readonly string[]; // shown by "More settings"
	secret?: readonly string[]; // not readable over the shoulder
	options?: Record<string, readonly string[]>; // names that a list may have
	before?: (now: Values) => ComponentChildren; // above the buttons
	onDone?: (d: api.Draft) => void;
	onCancel?: () => void;
};

export const labelOf = (block: string, k: string) => (has(`admin.f.${block}.${k}`) ? t(`admin.f.${block}.${k}`) : k);
const helpOf = (block: string, k: api.Keyword) => (has(`admin.h.${block}.${k.name}`) ? t(`admin.h.${block}.${k.name}`) : k.purpose);

// BlockForm loads the block and its language, and then shows the fields.
export function BlockForm(p: BlockFormProps) {
	const path = p.label === undefined ? p.block : `${p.block}/${p.label}`;
	const b = useBlock(p.create ? "" : path);
	const list = useSignal<api.Keyword[] | null>(null);
	const error = useSignal<unknown>(null);
	const kept = useSignal<api.Draft | null>(null);
	useEffect(() => {
		keywords(p.block).then((k) => (list.value = k), (err) => (error.value = err));
	}, [p.block]);
	const failed = b.error ?? error.value;
	if (failed) return <ErrorNotice error={failed} retry={b.again} />;
	if (!b.written || !list.value) return <Skeleton rows={4} />;
	return <Fields key={`${path} ${JSON.stringify(b.written.at)}`} p={p} path={path} b={{ ...b, written: b.written }} list={list.value} kept={kept} />;
}

type Loaded = ReturnType<typeof useBlock> & { written: NonNullable<ReturnType<typeof useBlock>["written"]> };

function Fields({ p, path, b, list, kept }: { p: BlockFormProps; path: string; b: Loaded; list: readonly api.Keyword[]; kept: Signal<api.Draft | null> }) {
	const shown = [...p.fields, ...(p.more ?? [])].map((n) => list.find((k) => k.name === n)).filter((k): k is api.Keyword => k !== undefined);
	const start: Values = {};
	const fixed = new Set<string>(); // written in a way that no form can edit
	for (const k of shown) {
		const text = p.create ? undefined : b.written.attrs[k.name];
		const v = literal(text);
		if (v === null) fixed.add(k.name);
		start[k.name] = v === null ? (text ?? "") : v === "" && text !== undefined && k.kind.startsWith("list of") ? none : v;
	}
	const now = useSignal<Values>(start);
	const name = useSignal("");
	const tried = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const sent = useSignal(false);
	const changed = difference(shown.filter((k) => !fixed.has(k.name)), start, now.value);
	const dirty = Object.keys(changed.set).length + changed.unset.length > 0 || name.value !== "";
	useEffect(() => holdUnsaved(() => (dirty && !sent.peek() ? t("admin.unsaved") : "")), [dirty]);

	const applies = (k: api.Keyword) => !k.only?.length || k.only.some((w) => Object.values(effective(shown, now.value)).includes(w));
	const missing = (k: api.Keyword) => (k.required && applies(k) && (now.value[k.name] ?? "").trim() === "" ? t("admin.missing") : undefined);
	const bad = mistakes(kept.value, path);
	const said: Record<string, string> = { ...bad.fields, ...fieldErrors(error.value) };
	const send = async () => {
		tried.value = true;
		if (busy.peek() || shown.some(missing) || (p.create && !name.peek().trim())) return;
		busy.value = true;
		error.value = null;
		try {
			const d = await edit(b.written.at, p.create || !b.written.exists
				? [{ op: "insert", text: blockText(p.block, p.create ? name.peek().trim() : (p.label ?? ""), shown, now.peek()) }]
				: [{ op: "patch", path, set: changed.set, unset: changed.unset }]);
			kept.value = d;
			sent.value = true;
			p.onDone?.(d);
			if (!p.onDone || !p.create) b.again();
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	const field = (k: api.Keyword) => applies(k) && (
		<Field key={k.name} block={p.block} k={k} now={now} fixed={fixed.has(k.name)} secret={p.secret?.includes(k.name)} error={(tried.value ? missing(k) : undefined) ?? said[k.name]} names={p.options?.[k.name] ?? (k.ref ? named(b.blocks, k.ref) : undefined)} />
	);
	return (
		<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void send(); }}>
			{p.create && <TextField label={t("admin.name")} help={t("admin.name_help")} value={name.value} onChange={(v) => (name.value = v)} error={tried.value && !name.value.trim() ? t("admin.missing") : said["label"]} autofocus />}
			{shown.filter((k) => p.fields.includes(k.name)).map(field)}
			{p.more && <details><summary>{t("admin.more")}</summary><div class="form more">{shown.filter((k) => p.more!.includes(k.name)).map(field)}</div></details>}
			{p.before?.(now.value)}
			{bad.all.length > 0 && <Notice kind="error"><strong>{t("admin.kept_wrong")}</strong><ul>{bad.all.slice(0, 6).map((m) => <li key={m}>{m}</li>)}</ul></Notice>}
			{error.value !== null && <ErrorNotice error={error.value}>{isOld(error.value) && <Button small onClick={() => b.again()}>{t("admin.load_again")}</Button>}</ErrorNotice>}
			<div class="actions">
				<Button kind="primary" type="submit" need="editor" busy={busy.value} why={dirty || p.create ? undefined : t("admin.nothing_changed")}>{t(p.create ? "admin.add_to_changes" : "admin.save_to_changes")}</Button>
				{p.onCancel ? <Button onClick={p.onCancel}>{t("common.cancel")}</Button> : dirty && <Button kind="quiet" onClick={() => (now.value = start)}>{t("admin.undo")}</Button>}
			</div>
		</form>
	);
}

// effective returns the values with their defaults.
function effective(list: readonly api.Keyword[], now: Values): Values {
	return Object.fromEntries(list.map((k) => [k.name, now[k.name] || k.default || ""]));
}

// blockText writes a new block; JSON's texts, numbers and lists are those of
// the language, but for the two marks by which it inserts values into texts.
export function blockText(block: string, label: string, list: readonly api.Keyword[], now: Values): string {
	const quote = (v: unknown) => JSON.stringify(v).replace(/\$\{/g, "$$$${").replace(/%\{/g, "%%{");
	const attrs = list.filter((k) => (now[k.name] ?? "").trim() !== "").map((k) => `  ${k.name} = ${quote(value(k, now[k.name] === none ? "" : now[k.name]!))}\n`);
	return `${block}${label ? ` ${quote(label)}` : ""} {\n${attrs.join("")}}\n`;
}

function defaultText(k: api.Keyword): string {
	if (k.default) return t("admin.default", { value: k.default });
	// The box words what holds without a value in English alone.
	return k.unset && lang.value === "en" ? t("admin.default", { value: k.unset }) : "";
}

type FieldProps = { block: string; k: api.Keyword; now: Signal<Values>; fixed: boolean; secret: boolean | undefined; error: string | undefined; names: readonly string[] | undefined };

function Field({ block, k, now, fixed, secret, error, names }: FieldProps) {
	const label = labelOf(block, k.name);
	const v = now.value[k.name] ?? "";
	const set = (x: string) => (now.value = { ...now.peek(), [k.name]: x });
	const help = <>{helpOf(block, k)}{(k.default || k.unset) && !k.required && <> {defaultText(k)}</>}{k.min && k.max && <> {t("admin.range", { min: k.min, max: k.max })}</>}</>;
	const common = { label, help, error, optional: !k.required && !k.default && !k.unset };
	if (fixed) return <TextField {...common} value={v} onChange={() => {}} readOnly mono help={t("admin.fixed")} />;
	const list = k.kind.startsWith("list of");
	const choices = k.one_of ?? names;
	if (list && choices) return <Choices {...{ k, label, help, error, choices, v, set }} />;
	if (list) return <TextArea {...common} value={v} onChange={set} rows={3} mono placeholder={k.default?.split(", ").join("\n") ?? ""} help={<>{help} {t("admin.one_a_line")}</>} />;
	if (k.kind === "true or false") {
		const yes = k.default === "true" ? t("admin.yes") : t("admin.no");
		return <SelectField {...common} value={v} onChange={set} options={[...(k.required ? [] : [{ value: "", text: t("admin.default_is", { value: yes }) }]), { value: "true", text: t("admin.yes") }, { value: "false", text: t("admin.no") }]} />;
	}
	if (choices) {
		const all = v && !choices.includes(v) ? [...choices, v] : choices;
		return <SelectField {...common} value={v} onChange={set} options={[{ value: "", text: k.required ? "–" : k.default ? t("admin.default_is", { value: k.default }) : t("admin.not_set") }, ...all.map((c) => ({ value: c, text: c }))]} />;
	}
	return <TextField {...common} value={v} onChange={set} type={secret ? "password" : "text"} autocomplete="off" placeholder={k.default ?? ""} mono={/address|network|regular/.test(k.kind)} />;
}

// Choices is a list of known words.
function Choices({ k, label, help, error, choices, v, set }: { k: api.Keyword; label: string; help: ComponentChildren; error: string | undefined; choices: readonly string[]; v: string; set: (v: string) => void }) {
	const chosen = lines(v === none ? "" : v);
	const all = [...choices, ...chosen.filter((c) => !choices.includes(c))];
	const toggle = (c: string, on: boolean) => set((on ? [...chosen, c] : chosen.filter((x) => x !== c)).join("\n"));
	return (
		<fieldset class="field">
			<legend class="label">{label}{!k.required && !k.default && !k.unset && <span class="muted"> {t("common.optional")}</span>}</legend>
			{all.length === 0 && <p class="muted">{t("admin.none_yet")}</p>}
			<div class="choices">{all.map((c) => <CheckField key={c} label={c} value={chosen.includes(c)} onChange={(on) => toggle(c, on)} />)}</div>
			{error && <p class="wrong">{error}</p>}
			<p class="help">{help}</p>
		</fieldset>
	);
}
