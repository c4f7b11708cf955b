// SPDX-License-Identifier: Apache-2.0
//
// The field of one keyword. Defaults, limits and choices are those of the
// language; so is the help in English.
import type { ComponentChildren } from "preact";
import { type api, CheckField, comma, has, lang, SelectField, t, TextArea, TextField } from "../kit";
import { lines, type Shown } from "./values";

const common = new Set(["description", "labels"]);
const nameOf = (block: string, name: string) => `${common.has(name) ? "any" : block}_${name}`;

// labelOf and helpOf word an attribute.
export function labelOf(block: string, name: string): string {
	const key = `blocks.label.${nameOf(block, name)}`;
	return has(key) ? t(key) : name;
}

// The help of what no form has is in a file of its own, which the page for the whole
// text loads.
export function helpOf(block: string, k: api.Keyword): string {
	const key = [`blocks.help.${nameOf(block, k.name)}`, `reference.help.${nameOf(block, k.name)}`].find(has);
	return lang.value !== "en" && key ? t(key) : k.purpose;
}

// withoutOf words what holds when nothing is given.
export function withoutOf(block: string, k: api.Keyword): string {
	const key = `blocks.without.${nameOf(block, k.name)}`;
	return lang.value !== "en" && has(key) ? t(key) : (k.unset ?? "");
}

// choice words one of the values that a keyword may have.
export const choice = (word: string) => (has(`blocks.choice.${word}`) ? t(`blocks.choice.${word}`) : word);

// standard is the default of a keyword where some words hold for its block,
// such as the protocol of the cluster.
export function standard(k: api.Keyword, holds: readonly string[]): string {
	const word = holds.find((w) => k.default_for?.[w] !== undefined);
	return (word && k.default_for?.[word]) ?? k.default ?? "";
}

function hint(block: string, k: api.Keyword, d: string): string {
	return [
		d !== "" && !k.one_of && k.kind !== "true or false" && t("blocks.default", { value: d }),
		d === "" && k.unset && t("blocks.unset", { value: withoutOf(block, k) }),
		k.min !== undefined && k.max !== undefined && t("blocks.limits", { min: k.min, max: k.max }),
	].filter(Boolean).join(" ");
}

export type KeywordFieldProps = {
	block: string;
	field: Shown;
	holds: readonly string[];
	names: readonly string[] | undefined; // of blocks that it may refer to
	secret?: boolean | undefined;
	value: string;
	error: string | undefined;
	onChange: (v: string) => void;
};

export function KeywordField({ block, field, holds, names, secret, value, error, onChange }: KeywordFieldProps) {
	const { key: k, kind } = field;
	const d = standard(k, holds);
	const label = labelOf(block, k.name);
	const note = kind === "raw" ? t("blocks.as_hcl") : /^(lines|pairs|numbers)$/.test(kind) && !k.one_of && !names ? t("blocks.one_a_line") : "";
	const help = <>{[helpOf(block, k), hint(block, k, d), note].filter(Boolean).join(" ")}{label !== k.name && <> <code>{k.name}</code></>}</>;
	const p = { label, help, error, value, onChange };
	if (kind === "raw") return <TextField {...p} mono />;
	if (kind === "bool") {
		if (d === "false" || d === "true") return <CheckField label={label} help={help} value={(value || d) === "true"} onChange={(v) => onChange(String(v) === d && !field.given ? "" : String(v))} />;
		// What must be said and has no default, such as the consent to terms.
		if (k.required) return <CheckField label={label} help={<>{help}{error && <span class="wrong">{error}</span>}</>} value={value === "true"} onChange={(v) => onChange(v ? "true" : field.given ? "false" : "")} />;
		return <SelectField {...p} options={[{ value: "", text: t("blocks.automatic") }, { value: "true", text: t("blocks.yes") }, { value: "false", text: t("blocks.no") }]} />;
	}
	const choices = k.one_of ?? names;
	if (choices && kind === "lines") return <Choices {...p} choices={choices} ordered={!k.one_of} />;
	if (choices && kind === "text") {
		const all = value && !choices.includes(value) ? [...choices, value] : choices;
		const unset = k.required ? (value ? [] : [{ value: "", text: t("blocks.choose") }]) : [{ value: "", text: d ? t("blocks.by_default", { value: choice(d) }) : t("blocks.automatic") }];
		return <SelectField {...p} options={[...unset, ...all.map((c) => ({ value: c, text: choice(c) }))]} />;
	}
	const optional = !k.required && d === "" && !k.unset;
	if (kind === "lines" || kind === "pairs" || kind === "numbers") return <TextArea {...p} mono optional={optional} rows={Math.max(2, Math.min(6, value.split("\n").length))} placeholder={d.split(", ").join("\n")} />;
	return <TextField {...p} optional={optional} type={secret ? "password" : "text"} autocomplete="off" mono={/address|network|regex/.test(k.kind)} placeholder={d} />;
}

type ChoicesProps = { label: string; help?: ComponentChildren; error?: string | undefined; choices: readonly string[]; ordered: boolean; value: string; onChange: (v: string) => void };

// Choices is a list of known words; what is chosen is added at its end.
export function Choices({ label, help, error, choices, ordered, value, onChange }: ChoicesProps) {
	const chosen = lines(value);
	const all = [...choices, ...chosen.filter((c) => !choices.includes(c))];
	const toggle = (c: string, on: boolean) => onChange((on ? [...chosen, c] : chosen.filter((x) => x !== c)).join("\n"));
	return (
		<fieldset class="field">
			<legend class="label">{label}</legend>
			{all.length === 0 && <p class="muted">{t("blocks.none_yet")}</p>}
			<div class="choices">{all.map((c) => <CheckField key={c} label={choice(c)} value={chosen.includes(c)} onChange={(on) => toggle(c, on)} />)}</div>
			{ordered && chosen.length > 1 && <p class="muted small">{t("blocks.in_order", { names: comma(chosen) })}</p>}
			{error && <p class="wrong">{error}</p>}
			<p class="help">{help}</p>
		</fieldset>
	);
}
