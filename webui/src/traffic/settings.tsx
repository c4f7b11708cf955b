// SPDX-License-Identifier: Apache-2.0
//
// The form of one block: chosen keywords first, the rest under Advanced. Help,
// defaults, limits and choices are those of the language.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, Button, call, CallError, Card, CheckField, ErrorNotice, holdUnsaved, Notice, SelectField, Skeleton, t, TextArea, TextField, useCall } from "../kit";
import { has } from "../i18n";
import { type Config, edit, path } from "./draft";
import { kindOf, show, write } from "./hcl";

// What a block is made of; keywords that are not listed come under Advanced.
// absent says what it means that the block is not written, where an empty one
// means something else.
export type Layout = { type: string; parent: string; label: string; title: string; basic: readonly string[]; leave?: readonly string[]; absent?: string };

type Field = { key: api.Keyword; kind: ReturnType<typeof kindOf>; given: string; shown: string };

const applies = (k: api.Keyword, of: string) => !k.only || k.only.includes(of);

// label is the name of a keyword for people: its text if the console has one.
const label = (type: string, key: string) => (has(`cluster.key.${type}.${key}`) ? t(`cluster.key.${type}.${key}`) : key);

export function BlockForm({ config, at, layout, of, again, exists = true }: { config: Config; at: string; layout: Layout; of: string; again: () => void; exists?: boolean }) {
	const language = useCall("config.language", {});
	const object = useCall("config.object", exists ? { path: at } : null);
	const typed = useSignal<Record<string, string>>({});
	const error = useSignal<unknown>(null);
	useEffect(() => object.again(), [config.version, config.base]);
	const fields = useComputed((): Field[] | null => {
		const b = language.data.value?.blocks.find((x) => x.name === layout.type && (x.in?.includes(layout.parent) ?? layout.parent === ""));
		if (!b || (exists && !object.data.value)) return null;
		return b.keywords.filter((k) => applies(k, of) && !layout.leave?.includes(k.name)).map((key) => {
			const given = object.data.value?.attrs[key.name] ?? "";
			const kind = kindOf(key);
			const shown = given === "" ? "" : show(kind, given);
			return shown === null ? { key, kind: "raw", given, shown: given } : { key, kind, given, shown };
		});
	});
	const changed = () => Object.entries(typed.peek()).filter(([name, v]) => fields.peek()?.find((f) => f.key.name === name)?.shown !== v);
	useEffect(() => holdUnsaved(() => (changed().length > 0 ? t("cluster.unsaved") : "")), []);
	if (language.error.value || object.error.value) return <ErrorNotice error={language.error.value ?? object.error.value} retry={() => { language.again(); object.again(); }} />;
	if (!fields.value) return <Skeleton rows={4} />;

	const dirty = Object.entries(typed.value).some(([name, v]) => fields.value!.find((f) => f.key.name === name)?.shown !== v);
	const save = async () => {
		error.value = null;
		const hcl: Record<string, string> = {};
		const unset: string[] = [];
		for (const [name, v] of changed()) {
			const text = write(fields.peek()!.find((f) => f.key.name === name)!.kind, v);
			if (text) hcl[name] = text;
			else unset.push(name);
		}
		const up = at.split("/").slice(0, -1).join("/");
		const edits: api.EditOp[] = exists ? [{ op: "patch", path: at, hcl, unset }] : [{ op: "insert", path: up, type: layout.type, hcl }];
		try {
			const stamp = { base: config.base, ...(config.version ? { version: config.version } : {}) };
			const tried = await call("config.try", { ...stamp, edits });
			const bad = tried.problems.filter((p) => !p.warning);
			if (bad.length > 0) throw new CallError(-32010, t("rules.not_kept"), { kind: "config.invalid", problems: bad });
			await edit(config, edits, t("cluster.settings_saved", { name: layout.title }));
			typed.value = {};
			again();
		} catch (err) {
			error.value = err;
		}
	};
	const adds = !exists && layout.absent !== undefined;
	const draw = (f: Field) => {
		const value = typed.value[f.key.name] ?? f.shown;
		const set = (v: string) => (typed.value = { ...typed.peek(), [f.key.name]: v });
		return <KeywordField key={f.key.name} field={f} of={of} config={config} label={label(layout.type, f.key.name)} value={value} onChange={set} />;
	};
	const basic = layout.basic.map((n) => fields.value!.find((f) => f.key.name === n)).filter((f) => f !== undefined);
	const rest = fields.value.filter((f) => !layout.basic.includes(f.key.name));
	const given = rest.filter((f) => f.given !== "").length;
	return (
		<Card name={layout.title} actions={<>
			{dirty && <Button small onClick={() => (typed.value = {})}>{t("cluster.undo")}</Button>}
			<Button small kind="primary" need="editor" why={dirty || adds ? undefined : t("cluster.nothing_changed")} onClick={save}>{t(adds ? "cluster.switch_on" : "cluster.save")}</Button>
		</>}>
			<div class="form">
				{!exists && <p class="muted">{layout.absent ?? t("cluster.all_defaults")}</p>}
				{error.value !== null && <ErrorNotice error={error.value} title={t("rules.not_saved")} />}
				{basic.length > 0 && <div class="key-grid">{basic.map(draw)}</div>}
				{basic.length === 0 ? <div class="key-grid">{rest.map(draw)}</div> : rest.length > 0 && (
					<details class="advanced">
						<summary>{t("cluster.advanced")} <span class="muted small">{t("cluster.advanced_given", { n: given, all: rest.length })}</span></summary>
						<div class="key-grid">{rest.map(draw)}</div>
					</details>
				)}
			</div>
		</Card>
	);
}

// refs are the names that a keyword may refer to.
function refs(kind: string, config: Config): string[] {
	const v = config.values as unknown as Record<string, { name: string }[] | undefined>;
	return (v[`${kind}s`] ?? []).map((x) => x.name);
}

function KeywordField({ field, of, config, label: name, value, onChange }: { field: Field; of: string; config: Config; label: string; value: string; onChange: (v: string) => void }) {
	const { key, kind } = field;
	const standard = key.default_for?.[of] ?? key.default;
	const unset = standard !== undefined ? t("cluster.default", { value: standard === "" ? '""' : standard }) : t("cluster.unset", { value: key.unset ?? "–" });
	const range = key.min !== undefined && key.max !== undefined ? t("cluster.limits", { min: key.min, max: key.max }) : "";
	const help = <>{key.purpose}{range && ` ${range}`}{name !== key.name && <> <code>{key.name}</code></>}</>;
	const common = { label: name, value, onChange, help };
	const choices = kind === "bool" ? ["true", "false"] : (key.one_of ?? (key.ref && kind === "text" ? refs(key.ref, config) : undefined));
	if (choices && kind !== "raw" && kind !== "lines") {
		const options = [...(key.required ? [] : [{ value: "", text: unset }]), ...choices.map((c) => ({ value: c, text: kind === "bool" ? t(`cluster.bool.${c}`) : c }))];
		if (value && !choices.includes(value)) options.push({ value, text: value });
		return <SelectField {...common} options={options} />;
	}
	if (kind === "lines") {
		const list = <TextArea {...common} mono rows={Math.max(2, Math.min(6, value.split("\n").length + 1))} placeholder={unset} help={<>{help} {t("cluster.one_a_line")}</>} />;
		const known = key.ref ? refs(key.ref, config) : [];
		return known.length === 0 ? list : <div class="stack">{list}<Known label={name} names={known} value={value} onChange={onChange} /></div>;
	}
	return <TextField {...common} mono={kind !== "text"} placeholder={unset} help={kind === "raw" ? <>{help} {t("cluster.as_hcl")}</> : help} />;
}

// Known offers the names that a list may have; what is chosen is added at its end.
export function Known({ label: name, names, value, onChange }: { label: string; names: readonly string[]; value: string; onChange: (v: string) => void }) {
	const has = value.split("\n").map((x) => x.trim()).filter(Boolean);
	return (
		<fieldset class="row">
			<legend class="visually-hidden">{name}</legend>
			{names.map((n) => <CheckField key={n} label={n} value={has.includes(n)} onChange={(on) => onChange((on ? [...has, n] : has.filter((x) => x !== n)).join("\n"))} />)}
		</fieldset>
	);
}

// PersistForm chooses how clients of a cluster are kept on their members.
export function PersistForm({ config, cluster, again }: { config: Config; cluster: { name: string; protocol: string; persist: { method: string; age?: string; timeout?: string }[] }; again: () => void }) {
	const now = cluster.persist[0];
	const method = useSignal(now?.method ?? "");
	const time = useSignal((now?.method === "cookie" ? now.age : now?.timeout) ?? "");
	const error = useSignal<unknown>(null);
	const http = cluster.protocol === "http" || cluster.protocol === "https";
	const had = (now?.method === "cookie" ? now.age : now?.timeout) ?? "";
	const dirty = method.value !== (now?.method ?? "") || (method.value !== "" && time.value !== had);
	const save = async () => {
		error.value = null;
		const parent = path("cluster", cluster.name);
		const attr = method.peek() === "cookie" ? "age" : "timeout";
		const value = time.peek().trim();
		const edits: api.EditOp[] = [];
		if (now && now.method === method.peek()) edits.push({ op: "patch", path: `${parent}/persist/${now.method}`, ...(value ? { set: { [attr]: value } } : { unset: [attr] }) });
		else {
			if (now) edits.push({ op: "remove", path: `${parent}/persist/${now.method}` });
			if (method.peek()) edits.push({ op: "insert", path: parent, type: "persist", label: method.peek(), ...(value ? { set: { [attr]: value } } : {}) });
		}
		try {
			await edit(config, edits, t("cluster.settings_saved", { name: t("cluster.persistence") }));
			again();
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Card name={t("cluster.persistence")} actions={<Button small kind="primary" need="editor" why={dirty ? undefined : t("cluster.nothing_changed")} onClick={save}>{t("cluster.save")}</Button>}>
			<div class="form">
				{error.value !== null && <ErrorNotice error={error.value} title={t("rules.not_saved")} />}
				{cluster.persist.length > 1 && <Notice>{t("cluster.persist_two", { first: cluster.persist[0]!.method, second: cluster.persist[1]!.method })}</Notice>}
				<div class="key-grid">
					<SelectField label={t("cluster.persist_method")} value={method.value} onChange={(v) => { method.value = v; time.value = ""; }} options={[{ value: "", text: t("cluster.persist_none") }, ...(http ? [{ value: "cookie", text: t("cluster.persist_cookie") }] : []), { value: "source", text: t("cluster.persist_source") }]} help={t("cluster.persist_help")} />
					{method.value !== "" && <TextField label={t(method.value === "cookie" ? "cluster.persist_age" : "cluster.persist_timeout")} value={time.value} onChange={(v) => (time.value = v)} placeholder={method.value === "cookie" ? "0s" : "10m"} help={t(method.value === "cookie" ? "cluster.persist_age_help" : "cluster.persist_timeout_help")} />}
				</div>
			</div>
		</Card>
	);
}
