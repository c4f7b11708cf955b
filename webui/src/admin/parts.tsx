// SPDX-License-Identifier: Apache-2.0
//
// Small things that the system's pages share.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Button, format, t, toast } from "../kit";

// download offers data as a file.
export function download(name: string, data: BlobPart, type = "text/plain"): void {
	const url = URL.createObjectURL(new Blob([data], { type }));
	const a = document.createElement("a");
	a.href = url;
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// base64 writes bytes as text.
export function base64(bytes: Uint8Array): string {
	let text = "";
	for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
	return btoa(text);
}

export const fromBase64 = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// PickFile takes files by the button or by dropping them on it.
export function PickFile({ label, help, accept, multiple, chosen, onFiles }: { label: string; help?: ComponentChildren; accept?: string; multiple?: boolean; chosen?: string; onFiles: (files: File[]) => void }) {
	const id = useId();
	const over = useSignal(false);
	const dropped = useSignal(false); // the browser's own field names only what was chosen by it
	return (
		<div class="field">
			<label for={id}>{label}</label>
			<div
				class="drop" data-over={over.value || undefined}
				onDragOver={(e) => { e.preventDefault(); over.value = true; }} onDragLeave={() => (over.value = false)}
				onDrop={(e) => { e.preventDefault(); over.value = false; dropped.value = true; onFiles([...(e.dataTransfer?.files ?? [])]); }}
			>
				<input id={id} type="file" accept={accept} multiple={multiple} aria-describedby={help ? `${id}-h` : undefined} onChange={(e) => { dropped.value = false; onFiles([...(e.currentTarget.files ?? [])]); }} />
				{dropped.value && chosen && <span class="muted">{chosen}</span>}
			</div>
			{help && <p class="help" id={`${id}-h`}>{help}</p>}
		</div>
	);
}

// Copyable shows a value with a button that copies it.
export function Copyable({ value, label, wide }: { value: string; label: string; wide?: boolean }) {
	const copy = async () => {
		await navigator.clipboard.writeText(value);
		toast(t("admin.copied", { what: label }));
	};
	return <span class={`copyable${wide ? " wide" : ""}`}><code>{value.split(/(?<=:)/).map((p) => <>{p}<wbr /></>)}</code><Button small kind="quiet" icon="copy" label={t("admin.copy", { what: label })} onClick={copy} /></span>;
}

// print writes a fingerprint as browsers do.
export const print = (hex: string | undefined) => (hex ? (hex.includes(":") ? hex : (hex.toUpperCase().match(/../g) ?? []).join(":")) : "–");

// ScopeText shows the labels that objects must have.
export function ScopeText({ scope }: { scope: Record<string, string> | undefined }) {
	const all = Object.entries(scope ?? {});
	if (all.length === 0) return <span class="muted">{t("admin.everything")}</span>;
	return <span class="tags">{all.map(([k, v]) => <span class="tag" key={k}>{`${k}=${v}`}</span>)}</span>;
}

export const scopeWords = (scope: Record<string, string> | undefined) => Object.entries(scope ?? {}).map(([k, v]) => `${k}=${v}`).join("\n");

// parseScope reads name=value lines; null where a line is none.
export function parseScope(text: string): Record<string, string> | null {
	const out: Record<string, string> = {};
	for (const l of text.split("\n").map((x) => x.trim()).filter(Boolean)) {
		const [, k, v] = /^([\w.-]+)\s*=\s*([\w.@-]{1,64})$/.exec(l) ?? [];
		if (!k || v === undefined) return null;
		out[k] = v;
	}
	return out;
}

export const isTime = (at: string | undefined): at is string => Boolean(at) && !at!.startsWith("0001-");

// dayOf names files by date.
export const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

export const momentOf = (at: string | undefined) => (isTime(at) ? format.moment(Date.parse(at)) : "–");
