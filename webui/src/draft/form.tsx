// SPDX-License-Identifier: Apache-2.0
//
// Forms for blocks of the draft. What can be written, its defaults, limits and
// meaning come from the language of the box; which attributes stand first is
// said by the page. A form changes the draft and nothing else.
import { batch, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { type api, Button, call, ErrorNotice, fieldErrors, holdUnsaved, Notice, say, Skeleton, t, TextField } from "../kit";
import { parent, parsePath } from "../paths";
import { at, type At, edit, isOld, mistakes, named, path, useBlock, words } from "./draft";
import { KeywordField } from "./keyword";
import { difference, isDifferent, type Shown, shownOf, wrongValue } from "./values";

let known: Promise<api.Language> | null = null;

// language asks once: it changes only with the program.
function language(): Promise<api.Language> {
	known ??= call("config.language", {});
	known.catch(() => (known = null));
	return known;
}

function useLanguage(type: string, enclosing: string) {
	const all = useSignal<api.Language | null>(null);
	const error = useSignal<unknown>(null);
	const ask = () => void language().then((l) => (all.value = l), (err) => (error.value = err));
	useEffect(ask, []);
	const outer = parsePath(enclosing).at(-1)?.type;
	const block = all.value?.blocks.find((b) => b.name === type && (outer ? b.in?.includes(outer) : !b.in?.length));
	return { block, error: error.value, again: () => { error.value = null; ask(); } };
}

export type Subject = { block: string } & ({ path: string } | { parent: string });

export type FormOptions = {
	subject: Subject; // a block, written or not, or a new one whose label is chosen
	label?: string; // of the new one, so far
	of?: string; // a word on which it depends which keywords it has, such as its cluster's protocol
	leave?: readonly string[]; // keywords that are not offered
	options?: Record<string, readonly string[]>; // names that a list may have
	secret?: readonly string[]; // not readable over the shoulder
};

// Extra is what an edit does beside.
export type Extra = { first?: api.EditOp[]; name?: string };

export type Form = {
	block: api.Block;
	exists: boolean;
	path: string; // where it is, "" before it is there
	fields: readonly Shown[]; // those that hold as things are
	value: (name: string) => string;
	wrong: (f: Shown) => string | undefined;
	draw: (f: Shown) => ComponentChildren;
	dirty: boolean;
	reset: () => void;
	save: (extra?: Extra) => Promise<api.Draft | null>;
	tried: boolean;
	said: Record<string, string>; // by attribute, what the box says
	rest: readonly api.Problem[]; // what else is wrong about it
	error: unknown;
	again: () => void;
};

// useForm loads a block and its language. It returns why not, while it has none.
export function useForm(o: FormOptions): { form: Form | null; error: unknown; again: () => void } {
	const enclosing = "parent" in o.subject ? o.subject.parent : undefined;
	const here = useSignal("path" in o.subject ? o.subject.path : "");
	const b = useBlock(here.value, enclosing);
	const top = useBlock("", "");
	const lang = useLanguage(o.subject.block, enclosing ?? parent(here.value));
	const typed = useSignal<Record<string, string>>({});
	const tried = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const kept = useSignal<api.Draft | null>(null);
	const sent = useSignal<Record<string, string> | null>(null); // what was typed when it was last kept
	const { written } = b;
	const version = written?.at.version;
	// What was sent is what the draft holds now.
	useEffect(() => {
		const was = sent.peek();
		if (was && version === kept.peek()?.version) typed.value = Object.fromEntries(Object.entries(typed.peek()).filter(([k, v]) => was[k] !== v));
	}, [version, sent.value]);

	const all = lang.block && written ? lang.block.keywords.map((k) => shownOf(k, written.attrs, written.values)) : [];
	const value = (name: string) => typed.value[name] ?? all.find((f) => f.key.name === name)?.shown ?? "";
	const own = parsePath(here.value).at(-1)?.label ?? "";
	const label = o.label ?? own;
	const by = lang.block?.by;
	const chosen = all.find((f) => f.key.name === by);
	const holds = [o.of, by && by === lang.block?.label ? label : by && (value(by) || chosen?.key.default)].filter((w): w is string => Boolean(w));
	const fits = (f: Shown) => !f.key.only?.length || f.key.only.some((w) => holds.includes(w));
	const fields = all.filter((f) => fits(f) && !o.leave?.includes(f.key.name));
	const changed = difference(fields, typed.value);
	const dirty = isDifferent(changed);
	useEffect(() => holdUnsaved(() => (dirty && sent.peek() !== typed.peek() ? t("blocks.unsaved") : "")), [dirty]);
	const again = () => { b.again(); top.again(); lang.again(); };
	const failed = b.error ?? lang.error;
	if (!written || !lang.block) return { form: null, error: failed, again };

	const names = lang.block.keywords.map((k) => k.name);
	const found = kept.value ? mistakes(kept.value, here.value, names) : { own: {}, rest: [] };
	const said: Record<string, string> = { ...found.own, ...fieldErrors(error.value) };
	const where = (): At => (kept.peek() && version !== kept.peek()!.version ? at(kept.peek()!) : written.at);
	const save = async (extra: Extra = {}): Promise<api.Draft | null> => {
		tried.value = true;
		if (busy.peek() || fields.some((f) => wrongValue(f.key, value(f.key.name)))) return null;
		const name = extra.name ?? label;
		const edits = [...(extra.first ?? [])];
		let to = here.peek();
		if (written.exists) {
			// What does not fit what was chosen is not said any more.
			const unset = [...changed.unset, ...(dirty ? all.filter((f) => f.given && !fits(f)).map((f) => f.key.name) : [])];
			if (dirty) edits.push({ op: "patch", path: to, set: changed.set, unset, ...(Object.keys(changed.hcl).length ? { hcl: changed.hcl } : {}) });
			if (extra.name !== undefined && name !== own) {
				edits.push({ op: "rename", path: to, label: name });
				to = [...to.split("/").slice(0, -1), path(name)].join("/");
			}
		} else {
			const inside = enclosing ?? parent(to);
			const { set, hcl } = changed;
			to ||= [inside, o.subject.block, path(name)].filter(Boolean).join("/");
			edits.push({ op: "insert", ...(inside ? { path: inside } : {}), type: o.subject.block, ...(name ? { label: name } : {}), set, ...(Object.keys(hcl).length ? { hcl } : {}) });
		}
		if (edits.length === 0) return kept.peek() ?? { ...written.at, running: written.at.base, problems: [] };
		busy.value = true;
		try {
			const d = await edit(where(), edits);
			batch(() => {
				error.value = null;
				kept.value = d;
				here.value = to;
				sent.value = typed.peek();
			});
			again();
			return d;
		} catch (err) {
			error.value = err;
			return null;
		} finally {
			busy.value = false;
		}
	};
	const wrong = (f: Shown) => {
		const local = wrongValue(f.key, value(f.key.name));
		return (tried.value || value(f.key.name) ? local : "") || said[f.key.name];
	};
	const draw = (f: Shown) => (
		<KeywordField
			key={f.key.name} block={o.subject.block} field={f} holds={holds} value={value(f.key.name)} error={wrong(f)} secret={o.secret?.includes(f.key.name)}
			names={o.options?.[f.key.name] ?? (f.key.ref ? named(top.blocks, f.key.ref) : undefined)}
			onChange={(v) => batch(() => {
				typed.value = { ...typed.peek(), [f.key.name]: v };
				// What the box said about it was about another value.
				if (kept.peek()) kept.value = { ...kept.peek()!, problems: kept.peek()!.problems.filter((p) => !mistakes({ problems: [p] }, here.peek(), [f.key.name]).own[f.key.name]) };
			})}
		/>
	);
	const about = found.rest.filter((p) => p.message.startsWith(words(here.value)));
	const form: Form = { block: lang.block, exists: written.exists, path: here.value, fields, value, wrong, draw, dirty, reset: () => (typed.value = {}), save, tried: tried.value, said, rest: about, error: error.value, again };
	return { form, error: failed, again };
}

// Trouble says what keeps the draft with this block from being committed, and
// why it could not be changed.
export function Trouble({ form }: { form: Form }) {
	return (
		<>
			{(Object.keys(form.said).length > 0 || form.rest.length > 0) && form.error === null && (
				<Notice kind="warning">
					<strong>{t("blocks.kept_wrong")}</strong>
					{form.rest.length > 0 && <ul>{form.rest.slice(0, 6).map((p) => <li key={p.message}>{say(p, "message")}</li>)}</ul>}
				</Notice>
			)}
			{form.error !== null && <ErrorNotice error={form.error} title={t("blocks.not_kept")}>{isOld(form.error) && <Button small onClick={form.again}>{t("blocks.load_again")}</Button>}</ErrorNotice>}
		</>
	);
}

// Advanced holds the keywords that do not stand first.
export function Advanced({ form, fields, grid }: { form: Form; fields: readonly Shown[]; grid?: boolean | undefined }) {
	if (fields.length === 0) return null;
	return (
		<details class="advanced" open={fields.some((f) => form.wrong(f)) || undefined}>
			<summary>{t("blocks.advanced")} <span class="muted small">{t("blocks.advanced_given", { n: fields.filter((f) => f.given).length, all: fields.length })}</span></summary>
			<div class={grid ? "key-grid" : "form"}>{fields.map(form.draw)}</div>
		</details>
	);
}

export type BlockFormProps = Omit<FormOptions, "subject"> & {
	block: string;
	path?: string; // without it a new block is added whose name is asked for
	first: readonly string[]; // keywords that stand first, in this order; none: all do
	grid?: boolean;
	absent?: string; // what it means that the block is not written, where an empty one means something else
	before?: (value: (name: string) => string) => ComponentChildren; // above the buttons
	onDone?: (d: api.Draft) => void;
	onCancel?: () => void;
};

// BlockForm is a form on a page or in a dialog of the page's.
export function BlockForm(p: BlockFormProps) {
	const name = useSignal("");
	const adds = p.path === undefined;
	const { form, error, again } = useForm({ ...p, subject: adds ? { block: p.block, parent: "" } : { block: p.block, path: p.path! }, ...(adds ? { label: name.value.trim() } : {}) });
	if (error) return <ErrorNotice error={error} title={t("blocks.not_read")} retry={again} />;
	if (!form) return <Skeleton rows={4} />;
	const unnamed = adds && !form.exists && !name.value.trim();
	const save = async () => {
		const d = await form.save(unnamed ? { name: "" } : {});
		if (d) p.onDone?.(d);
	};
	const first = p.first.length ? p.first.flatMap((n) => form.fields.filter((f) => f.key.name === n)) : form.fields;
	const switches = !form.exists && p.absent !== undefined;
	return (
		<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); if (!unnamed) void save(); }}>
			{!form.exists && !adds && <p class="muted">{p.absent ?? t("blocks.all_defaults")}</p>}
			{adds && <TextField label={t("blocks.name")} help={t("blocks.name_help")} value={name.value} onChange={(v) => (name.value = v)} error={form.said["label"]} disabled={form.exists} autofocus />}
			<div class={p.grid ? "key-grid" : "form"}>{first.map(form.draw)}</div>
			<Advanced form={form} fields={form.fields.filter((f) => !first.includes(f))} grid={p.grid} />
			{p.before?.(form.value)}
			<Trouble form={form} />
			<div class="actions">
				{p.onCancel && <Button onClick={p.onCancel}>{t("common.cancel")}</Button>}
				<Button kind="primary" type="submit" need="editor" why={unnamed ? t("blocks.name_first") : form.dirty || switches || (adds && !form.exists) ? undefined : t("blocks.nothing_changed")}>{t(adds && !form.exists ? "blocks.add" : switches ? "blocks.switch_on" : "blocks.save")}</Button>
				{!p.onCancel && form.dirty && <Button kind="quiet" onClick={form.reset}>{t("blocks.undo")}</Button>}
			</div>
		</form>
	);
}
