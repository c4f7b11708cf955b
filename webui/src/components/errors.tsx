// SPDX-License-Identifier: Apache-2.0
//
// What went wrong, in the language of the page: what happened, why, what to
// do. The box sends a kind and arguments; errors.json has the texts, and said.json
// what the message says. Without either the box's own message is shown, which is
// English.
import type { ComponentChildren } from "preact";
import { type Args, has, saidText, say, t } from "../i18n";
import { CallError } from "../wire";
import { Button } from "./button";
import { Icon } from "./icons";

// errorText returns the sentence for an error.
export function errorText(err: unknown): string {
	if (!(err instanceof CallError)) return err instanceof Error ? err.message : String(err);
	const args: Args = {};
	for (const [k, v] of Object.entries(err.data.args ?? {})) args[k] = typeof v === "number" ? v : k === "need" || k === "have" ? roleName(String(v)) : String(v);
	const known = (key: string) => {
		const text = has(key) ? t(key, args) : "";
		return /\{\w+\}/.test(text) ? "" : text; // the box left out what the text needs
	};
	const said = saidText(err.data.said?.["message"], "");
	return known(`errors.${err.kind}`) || said || known(`errors.code${err.code}`) || err.message;
}

// roleName returns the word for a role.
export function roleName(role: string): string {
	return has(`common.role.${role}`) ? t(`common.role.${role}`) : role;
}

// ErrorNotice shows an error, with what a person may try and the details for
// whoever has to find the cause.
export function ErrorNotice({ error, title, retry, children }: { error: unknown; title?: string; retry?: () => void; children?: ComponentChildren }) {
	const e = error instanceof CallError ? error : null;
	const mistakes = e?.data.problems?.filter((p) => !p.warning) ?? [];
	const details = e ? [e.kind, `code ${e.code}`, e.request && `request ${e.request}`, e.data.path, e.message].filter(Boolean).join(" · ") : String(error);
	return (
		<div class="notice error" role="alert">
			<Icon name="error" label={t("common.error")} />
			<div>
				{title && <strong>{title}</strong>}
				<p>{errorText(error)}</p>
				{mistakes.length > 0 && (
					<ul>
						{mistakes.map((p) => (
							<li key={`${p.line}:${p.col}:${p.message}`}>{p.line ? <code>{`${p.file ?? ""}${p.file ? ":" : ""}${p.line}:${p.col ?? 1} `}</code> : null}{say(p, "message")}</li>
						))}
					</ul>
				)}
				<details>
					<summary>{t("common.details")}</summary>
					<code>{details}</code>
				</details>
				<div class="actions">
					{retry && <Button small onClick={retry}>{t("common.retry")}</Button>}
					<Button small kind="quiet" onClick={() => navigator.clipboard?.writeText(details)}>{t("common.copy_details")}</Button>
					{children}
				</div>
			</div>
		</div>
	);
}
