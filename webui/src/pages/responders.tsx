// SPDX-License-Identifier: Apache-2.0
//
// Responders: answers of the box itself. What one answers is shown as the box
// renders it, as text: nothing of it is run in this page.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import {
	ask, Button, call, CallError, Dialog, ErrorNotice, Facts, Notice, NumberField, type PageProps, Page, Panel, query, RadioField, setQuery, t, Table, TextArea, TextField, useCommands, useList,
} from "../kit";
import { type Config, edit, path, type ResponderValues, useConfig } from "../draft/draft";
import { quote } from "../traffic/expression";
import { nameWrong } from "../traffic/ruleform";

type Kind = "text" | "file" | "redirect" | "empty";
type Row = ResponderValues & { kind: Kind; used: { cluster: string; rule?: string }[] };

const kindOf = (r: ResponderValues): Kind => (r.redirect ? "redirect" : r.file ? "file" : r.body ? "text" : "empty");

// usesOf says which clusters and rules name a responder.
export function usesOf(config: Config, name: string): Row["used"] {
	return config.values.clusters.flatMap((c) => [
		...(c.responder === name ? [{ cluster: c.name }] : []),
		...c.rules.filter((r) => r.responder === name).map((r) => ({ cluster: c.name, rule: r.name })),
	]);
}

export default function Responders(_: PageProps) {
	const { config, error, again } = useConfig();
	const rows = useComputed(() => config.value?.values.responders.map((r): Row => ({ ...r, kind: kindOf(r), used: usesOf(config.value!, r.name) })));
	const source = useList<Row>(rows.value, (r) => r.name, config.value ? null : error.value);
	const form = useSignal<{ responder?: ResponderValues } | null>(null);
	const name = query("responder").value;
	const chosen = rows.value?.find((r) => r.name === name);
	useCommands([{ text: t("responders.add"), icon: "plus", need: "editor", run: () => (form.value = {}) }]);
	const add = <Button kind="primary" icon="plus" need="editor" why={config.value ? undefined : t("responders.wait")} onClick={() => (form.value = {})}>{t("responders.add")}</Button>;
	const remove = (r: Row) =>
		ask({
			title: t("responders.remove_title", { name: r.name }), text: t(r.used.length > 0 ? "responders.remove_used" : "responders.remove_text", { n: r.used.length }), act: t("responders.remove"), danger: true, need: "editor",
			run: async () => {
				await edit(config.peek()!, [{ op: "remove", path: path("responder", r.name) }], t("responders.removed", { name: r.name }));
				again();
				setQuery({ responder: "" });
			},
		});
	return (
		<Page
			name={t("responders.title")} actions={(rows.value?.length ?? 0) > 0 && add}
			panel={chosen && (
				<Panel name={chosen.name} onClose={() => setQuery({ responder: "" })}>
					<div class="row">
						<Button small icon="edit" need="editor" onClick={() => (form.value = { responder: chosen })}>{t("responders.edit")}</Button>
						<Button small kind="danger" need="editor" onClick={() => void remove(chosen)}>{t("responders.remove")}</Button>
					</div>
					{chosen.description && <p class="muted">{chosen.description}</p>}
					<Facts list={[
						[t("responders.kind"), t(`responders.kind_${chosen.kind}`)],
						[t("responders.used_by"), chosen.used.length === 0 ? t("responders.unused") : <ul>{chosen.used.map((u) => <li key={`${u.cluster}/${u.rule ?? ""}`}><Used use={u} /></li>)}</ul>],
					]} />
					<Preview key={chosen.name} name={chosen.name} on={config.value?.on ?? "running"} match={chosen.match} />
				</Panel>
			)}
		>
			<p class="muted">{t("responders.text")}</p>
			<Table<Row>
				name="responders" caption={t("responders.title")} source={source} sort="name" retry={again}
				columns={[
					{ id: "name", head: t("responders.name"), by: (r) => r.name, cell: (r) => <button type="button" class="link" onClick={() => setQuery({ responder: r.name })}>{r.name}</button> },
					{ id: "kind", head: t("responders.kind"), by: (r) => r.kind, cell: (r) => t(`responders.kind_${r.kind}`) },
					{ id: "status", head: t("responders.status"), num: true, by: (r) => r.status ?? 0, cell: (r) => <span class="tnum">{r.status}</span> },
					{ id: "used", head: t("responders.used_by"), by: (r) => r.used.length, wrap: true, cell: (r) => (r.used.length === 0 ? <span class="muted">{t("responders.unused")}</span> : <span class="row">{r.used.slice(0, 3).map((u) => <Used key={`${u.cluster}/${u.rule ?? ""}`} use={u} />)}{r.used.length > 3 && <span class="muted">+{r.used.length - 3}</span>}</span>) },
					{ id: "content", head: t("responders.content"), by: (r) => r.redirect ?? r.file ?? r.body ?? "", wrap: true, cell: (r) => <code class="cut-short">{r.redirect ?? r.file ?? r.body ?? "–"}</code> },
					{ id: "description", head: t("responders.description"), by: (r) => r.description ?? "", wrap: true, cell: (r) => r.description ?? "–" },
				]}
				open={(r) => setQuery({ responder: r.name })} opened={name}
				empty={{ title: t("responders.empty"), text: t("responders.empty_text"), actions: add }}
			/>
			{form.value && config.value && <Form config={config.value} responder={form.value.responder} onClose={() => { form.value = null; again(); }} />}
		</Page>
	);
}

function Used({ use }: { use: Row["used"][number] }) {
	const to = `/clusters/${encodeURIComponent(use.cluster)}`;
	return use.rule ? <a href={`${to}?tab=rules`}>{t("responders.rule_of", { rule: use.rule, cluster: use.cluster })}</a> : <a href={to}>{use.cluster}</a>;
}

// Preview asks the box what the responder answers to a URL.
function Preview({ name, on, match }: { name: string; on: string; match: string | undefined }) {
	const url = useSignal("http://www.example.com/old/page?x=1");
	const answer = useSignal("");
	const error = useSignal<CallError | null>(null);
	useEffect(() => {
		const stop = new AbortController();
		const timer = setTimeout(() => {
			call("responder.test", { name, url: url.peek() || "/" }, { signal: stop.signal }).then(
				(r) => {
					answer.value = r.answer.replace(/\r/g, "");
					error.value = null;
				},
				(err: CallError) => {
					if (!stop.signal.aborted) error.value = err;
				},
			);
		}, 300);
		return () => {
			clearTimeout(timer);
			stop.abort();
		};
	}, [url.value, name]);
	const [head, ...body] = answer.value.split("\n\n");
	return (
		<section class="stack" aria-label={t("responders.preview")}>
			<h3>{t("responders.preview")}</h3>
			{on === "candidate" && <Notice>{t("responders.preview_running")}</Notice>}
			<TextField label={t("responders.for_url")} mono value={url.value} onChange={(v) => (url.value = v)} help={match ? t("responders.match_help") : undefined} />
			{error.value ? <ErrorNotice error={error.value} /> : answer.value === "" ? <div class="skeleton" /> : <>
				<pre class="http-head" tabIndex={0} aria-label={t("responders.head")}>{head}</pre>
				{body.join("\n\n").trim() && <pre class="http-head" tabIndex={0} aria-label={t("responders.body")}>{body.join("\n\n")}</pre>}
			</>}
		</section>
	);
}

function Form({ config, responder, onClose }: { config: Config; responder?: ResponderValues | undefined; onClose: () => void }) {
	const name = useSignal(responder?.name ?? "");
	const description = useSignal(responder?.description ?? "");
	const kind = useSignal<Kind>(responder ? kindOf(responder) : "text");
	const status = useSignal(responder?.status ?? 503);
	const body = useSignal(responder?.body ?? "");
	const type = useSignal(responder?.content_type ?? "text/html; charset=utf-8");
	const file = useSignal(responder?.file ?? "");
	const redirect = useSignal(responder?.redirect ?? "");
	const match = useSignal(responder?.match ?? "");
	const error = useSignal<unknown>(null);
	const touched = useSignal(false);
	const wrong = nameWrong(name.value, config.values.responders.map((r) => r.name).filter((n) => n !== responder?.name));
	const save = async () => {
		touched.value = true;
		if (wrong || !(status.value >= 200 && status.value <= 599)) return;
		const hcl: Record<string, string> = { status: String(status.peek()) };
		const unset: string[] = [];
		const k = kind.peek();
		const put = (key: string, v: string, wanted = true) => (wanted && v ? (hcl[key] = quote(v)) : unset.push(key));
		put("description", description.peek());
		put("body", body.peek(), k === "text");
		put("file", file.peek(), k === "file");
		put("content_type", type.peek(), k === "text" || k === "file");
		put("redirect", redirect.peek(), k === "redirect");
		put("match", match.peek(), k === "redirect");
		error.value = null;
		const at = path("responder", responder?.name ?? name.peek());
		const edits = responder ? [{ op: "patch", path: at, hcl, unset }, ...(name.peek() === responder.name ? [] : [{ op: "rename", path: at, label: name.peek() }])] : [{ op: "insert", type: "responder", label: name.peek(), hcl }];
		try {
			const tried = await call("config.try", { base: config.base, ...(config.version ? { version: config.version } : {}), edits });
			const bad = tried.problems.filter((p) => !p.warning);
			if (bad.length > 0) throw new CallError(-32010, t("rules.not_kept"), { kind: "config.invalid", problems: bad });
			await edit(config, edits, t("responders.saved", { name: name.peek() }));
			onClose();
			setQuery({ responder: name.peek() });
		} catch (err) {
			error.value = err;
		}
	};
	const pickKind = (k: Kind) => {
		if (k === "redirect" && (status.peek() < 301 || status.peek() > 308)) status.value = 301;
		if (k !== "redirect" && status.peek() >= 301 && status.peek() <= 308) status.value = 503;
		kind.value = k;
	};
	return (
		<Dialog wide title={responder ? t("responders.edit_title", { name: responder.name }) : t("responders.add")} onClose={onClose} footer={<>
			<span class="muted small grow">{t("rules.draft_only")}</span>
			<Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" need="editor" onClick={save}>{t(responder ? "responders.save" : "responders.add")}</Button>
		</>}>
			<div class="template-form">
				<RadioField<Kind> label={t("responders.kind")} value={kind.value} onChange={pickKind} options={(["text", "redirect", "file", "empty"] as const).map((v) => ({ value: v, text: t(`responders.kind_${v}`), help: t(`responders.help_${v}`) }))} />
				<div class="form one">
					<div class="rule-two">
						<TextField label={t("responders.name")} value={name.value} onChange={(v) => (name.value = v)} error={touched.value ? wrong : undefined} autofocus={!responder} maxLength={47} />
						<NumberField label={t("responders.status")} min={200} max={599} value={status.value} onChange={(v) => (status.value = v)} help={t("responders.status_help")} />
					</div>
					<TextField label={t("responders.description")} optional value={description.value} onChange={(v) => (description.value = v)} />
					{kind.value === "text" && <TextArea label={t("responders.body")} mono rows={8} value={body.value} onChange={(v) => (body.value = v)} />}
					{kind.value === "file" && <TextField label={t("responders.file")} mono value={file.value} onChange={(v) => (file.value = v)} placeholder="/etc/evener/sorry.html" help={t("responders.file_help")} />}
					{(kind.value === "text" || kind.value === "file") && <TextField label={t("responders.content_type")} mono value={type.value} onChange={(v) => (type.value = v)} />}
					{kind.value === "redirect" && <>
						<TextField label={t("responders.redirect")} mono value={redirect.value} onChange={(v) => (redirect.value = v)} placeholder="https://$host$path$query" help={t("responders.redirect_help")} />
						<TextField label={t("responders.match")} optional mono value={match.value} onChange={(v) => (match.value = v)} placeholder={"^http://[^/]*/old/(.*)$"} help={t("responders.match_text")} />
					</>}
					{error.value !== null && <ErrorNotice error={error.value} title={t("rules.not_saved")} />}
				</div>
			</div>
		</Dialog>
	);
}
