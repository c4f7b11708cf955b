// SPDX-License-Identifier: Apache-2.0
//
// Form fields. Each has a label, may have help and a unit, and says beside
// itself what is wrong with it.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { say, t } from "../i18n";
import { CallError } from "../wire";
import { errorText } from "./errors";
import { Icon } from "./icons";

// The box refuses passwords with fewer characters.
export const shortestPassword = 10;

type Common = { label: string; help?: ComponentChildren; error?: string | undefined; optional?: boolean };

function Frame({ label, help, error, optional, id, children }: Common & { id: string; children: ComponentChildren }) {
	return (
		<div class="field">
			<label for={id}>{label}{optional && <span class="muted"> {t("common.optional")}</span>}</label>
			{children}
			{error && <p class="wrong" id={`${id}-e`}><Icon name="error" />{error}</p>}
			{help && <p class="help" id={`${id}-h`}>{help}</p>}
		</div>
	);
}

const described = (id: string, p: Common) => [p.error && `${id}-e`, p.help && `${id}-h`].filter(Boolean).join(" ") || undefined;

// What a page may set on the element itself.
type Native = {
	name?: string;
	placeholder?: string;
	autocomplete?: string;
	autofocus?: boolean;
	required?: boolean;
	disabled?: boolean;
	readOnly?: boolean;
	maxLength?: number;
	onBlur?: () => void;
};

type InputType = "text" | "password" | "email" | "url" | "search" | "datetime-local";

export function TextField(p: Common & { value: string; onChange: (v: string) => void; unit?: string; mono?: boolean; type?: InputType; inputMode?: "numeric" | "text" | "email" | "url" } & Native) {
	const { label, help, error, optional, value, onChange, unit, mono, type = "text", ...rest } = p;
	const id = useId();
	const el = useRef<HTMLInputElement>(null);
	// The attribute alone works only while the page is loaded.
	useEffect(() => {
		if (rest.autofocus) el.current?.focus();
	}, []);
	const native = { type, spellcheck: false, autocapitalize: "off", ...rest } as JSX.IntrinsicElements["input"];
	const input = (
		<input
			{...native} ref={el} id={id} class={`input${mono ? " mono" : ""}`} value={value}
			onInput={(e) => onChange(e.currentTarget.value)} aria-invalid={error ? "true" : undefined} aria-describedby={described(id, p)}
		/>
	);
	return <Frame {...{ label, help, error, optional, id }}>{unit ? <div class="with-unit">{input}<span>{unit}</span></div> : input}</Frame>;
}

// NumberField gives NaN for what is no number; the page says what is wrong.
export function NumberField(p: Common & { value: number; onChange: (v: number) => void; unit?: string; min?: number; max?: number }) {
	const { value, onChange, min, max, ...rest } = p;
	return (
		<TextField
			{...rest} value={Number.isNaN(value) ? "" : String(value)} inputMode="numeric"
			error={rest.error ?? (min !== undefined && max !== undefined && !(value >= min && value <= max) ? t("common.range", { min, max }) : undefined)}
			onChange={(v) => onChange(/^-?\d+(\.\d+)?$/.test(v.trim()) ? Number(v) : Number.NaN)}
		/>
	);
}

export function TextArea(p: Common & { value: string; onChange: (v: string) => void; mono?: boolean; rows?: number } & Native) {
	const { label, help, error, optional, value, onChange, mono, ...rest } = p;
	const id = useId();
	return (
		<Frame {...{ label, help, error, optional, id }}>
			<textarea {...(rest as JSX.IntrinsicElements["textarea"])} id={id} class={`input${mono ? " mono" : ""}`} value={value} onInput={(e) => onChange(e.currentTarget.value)} aria-invalid={error ? "true" : undefined} aria-describedby={described(id, p)} />
		</Frame>
	);
}

export type Option = { value: string; text: string; why?: string };

export function SelectField(p: Common & { value: string; onChange: (v: string) => void; options: readonly Option[] } & Native) {
	const { label, help, error, optional, value, onChange, options, ...rest } = p;
	const id = useId();
	return (
		<Frame {...{ label, help, error, optional, id }}>
			<select disabled={rest.disabled} name={rest.name} id={id} class="input" value={value} onChange={(e) => onChange(e.currentTarget.value)} aria-invalid={error ? "true" : undefined} aria-describedby={described(id, p)}>
				{options.map((o) => <option key={o.value} value={o.value} disabled={Boolean(o.why)}>{o.text}{o.why && ` (${o.why})`}</option>)}
			</select>
		</Frame>
	);
}

export function CheckField({ label, help, value, onChange, disabled }: { label: ComponentChildren; help?: ComponentChildren; value: boolean; onChange: (v: boolean) => void; disabled?: boolean }) {
	return (
		<label class="check">
			<input type="checkbox" checked={value} disabled={disabled} onChange={(e) => onChange(e.currentTarget.checked)} />
			<span>{label}{help && <span class="help">{help}</span>}</span>
		</label>
	);
}

// RadioField is for two to five choices that need an explanation each.
export function RadioField<T extends string>({ label, value, onChange, options }: { label: string; value: T; onChange: (v: T) => void; options: readonly { value: T; text: string; help?: ComponentChildren }[] }) {
	const name = useId();
	return (
		<fieldset class="stack" style={{ gap: "8px" }}>
			<legend style={{ fontWeight: 500, marginBlockEnd: "4px" }}>{label}</legend>
			{options.map((o) => (
				<label class="check" key={o.value}>
					<input type="radio" name={name} checked={o.value === value} onChange={() => onChange(o.value)} />
					<span>{o.text}{o.help && <span class="help">{o.help}</span>}</span>
				</label>
			))}
		</fieldset>
	);
}

// fieldErrors returns what the box said about single parameters, by the last
// part of their path; the page shows the rest as a whole.
export function fieldErrors(err: unknown): Record<string, string> {
	if (!(err instanceof CallError)) return {};
	const out: Record<string, string> = {};
	const last = (path: string) => path.split("/").at(-1) ?? "";
	for (const p of err.data.problems ?? []) if (p.path) out[last(p.path)] ??= say(p, "message");
	if (err.data.path) out[last(err.data.path)] ??= errorText(err);
	return out;
}
