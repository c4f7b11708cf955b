// SPDX-License-Identifier: Apache-2.0
//
// Conflicts: objects that a person and a commit of somebody else both change.
// Each is decided by itself: mine, theirs, or a text of one's own.
import { useSignal } from "@preact/signals";
import { Ago, type api, Button, colon, ErrorNotice, mutate, Notice, RadioField, t, TextArea, toast, tx } from "../kit";
import { Problems, Where } from "./changes";
import { unified } from "./diff";
import { DiffView } from "./text";

type Take = "" | "mine" | "theirs" | "text";
export type Answer = { take: Take; text: string };

// resolutions turns what was chosen into what config.rebase takes; null while
// something is still open.
export function resolutions(list: readonly api.Conflict[], chosen: Record<string, Answer>): Record<string, api.Resolution> | null {
	const out: Record<string, api.Resolution> = {};
	for (const c of list) {
		const a = chosen[c.path];
		if (!a?.take) return null;
		out[c.path] = a.take === "text" ? { take: "text", text: a.text } : { take: a.take };
	}
	return out;
}

export function Conflicts({ list, version, again }: { list: readonly api.Conflict[]; version: string; again: () => void }) {
	const chosen = useSignal<Record<string, Answer>>({});
	const error = useSignal<unknown>(null);
	const found = useSignal<api.Rebased | null>(null);
	const resolve = resolutions(list, chosen.value);
	const left = list.filter((c) => !chosen.value[c.path]?.take).length;
	const merge = async () => {
		error.value = null;
		try {
			const out = await mutate("config.rebase", { version, resolve: resolve! });
			found.value = out;
			if (out.done) toast(t("changes.merged", { n: out.base }));
			again();
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<div class="stack">
			<Notice kind="warning">{t("changes.conflicts", { n: list.length })}</Notice>
			{list.map((c) => <One key={c.path} c={c} answer={chosen.value[c.path] ?? { take: "", text: c.mine || c.theirs }} onChange={(a) => (chosen.value = { ...chosen.peek(), [c.path]: a })} />)}
			{found.value && !found.value.done && <Problems list={found.value.problems} />}
			{error.value !== null && <ErrorNotice error={error.value} />}
			<div class="row"><Button kind="primary" need="editor" why={left > 0 ? t("changes.undecided", { n: left }) : undefined} onClick={merge}>{t("changes.merge")}</Button>{left > 0 && <span class="muted">{t("changes.undecided", { n: left })}</span>}</div>
		</div>
	);
}

function One({ c, answer, onChange }: { c: api.Conflict; answer: Answer; onChange: (a: Answer) => void }) {
	const side = (title: string, text: string) => (
		<figure class="side">
			<figcaption>{title}</figcaption>
			{text && c.base ? <DiffView text={unified(c.base, text)} label={title} /> : text ? <pre class="block" tabIndex={0}>{text}</pre> : <p class="muted">{t("changes.removed_here")}</p>}
		</figure>
	);
	return (
		<section class="conflict">
			<h3><Where path={c.path} /></h3>
			{c.author && <p class="muted">{tx("changes.by", { author: <b>{c.author}</b>, n: c.revision ?? 0, when: <Ago at={c.time} /> })}</p>}
			<div class="sides">
				{side(t("changes.mine"), c.mine)}
				{side(t("changes.theirs"), c.theirs)}
			</div>
			{c.base ? <details><summary>{t("changes.before")}</summary><pre class="block" tabIndex={0}>{c.base}</pre></details> : <p class="muted">{colon(t("changes.before"), t("changes.not_there"))}</p>}
			<RadioField<Take>
				label={t("changes.take")} value={answer.take} onChange={(take) => onChange({ ...answer, take })}
				options={[
					{ value: "mine", text: c.mine ? t("changes.take_mine") : t("changes.take_mine_gone") },
					{ value: "theirs", text: c.theirs ? t("changes.take_theirs") : t("changes.take_theirs_gone") },
					...(c.kind === "order" ? [] : [{ value: "text" as const, text: t("changes.take_text") }]),
				]}
			/>
			{answer.take === "text" && <TextArea label={t("changes.own_text")} help={t("changes.own_text_help")} mono rows={8} value={answer.text} onChange={(text) => onChange({ ...answer, text })} />}
		</section>
	);
}
