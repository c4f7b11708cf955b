// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a request, and why: every rule with the condition that
// failed, the pool, the member, and the request as it is sent on. The address
// carries the request, so that a row of a log can be asked again.
import { batch, useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import {
	type api, Button, call, CallError, Card, Choice, Empty, ErrorNotice, type PageProps, Page, place, SelectField, setQuery, Skeleton, t, TextArea, TextField, useCommands, useTopic,
} from "../kit";
import { useConfig } from "../draft/draft";
import { type Asked, readRequest } from "../traffic/request";
import { SaveTest, Tests } from "../traffic/savedtests";
import { differences, Outcome } from "../traffic/trace";

type Side = "running" | "candidate" | "both";
type Answer = { on: "running" | "candidate"; found?: api.Explained; error?: unknown };

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

// lines splits what was typed into fields.
const lines = (s: string) => s.split(/\r?\n/).map((l) => l.trim()).filter(Boolean);

export default function Tester(_: PageProps) {
	const clusters = useTopic("state.clusters");
	const { config, again } = useConfig();
	const q = place.value.query;
	const cluster = useSignal(q["cluster"] ?? "");
	const method = useSignal(q["method"] ?? "GET");
	const url = useSignal(q["url"] ?? "");
	const fields = useSignal(q["fields"] ?? "");
	const client = useSignal(q["client"] ?? "");
	const sni = useSignal(q["sni"] ?? "");
	const pasted = useSignal("");
	const notRead = useSignal(false);
	const side = useSignal<Side>((["running", "candidate", "both"] as const).find((s) => s === q["on"]) ?? (q["on"] ? "running" : "both"));
	const answers = useSignal<readonly Answer[]>([]);
	const busy = useSignal(false);
	const saving = useSignal<api.Explained | null>(null);
	const hasDraft = useComputed(() => config.value?.on === "candidate");
	const names = useComputed(() => {
		const live = clusters.keys.value.filter((k) => clusters.get(k)?.value.protocol.startsWith("http"));
		const drafted = (config.value?.values.clusters ?? []).filter((c) => c.protocol.startsWith("http")).map((c) => c.name);
		return [...new Set([...live, ...drafted])].sort();
	});
	// Which name a handshake asks for matters to https clusters alone.
	const overTLS = useComputed(() => (cluster.value ? (clusters.get(cluster.value)?.value.protocol ?? (config.value?.values.clusters ?? []).find((c) => c.name === cluster.value)?.protocol) === "https" : url.value.trim().startsWith("https:")));
	const asked = (): Asked => ({ method: method.peek() || "GET", url: url.peek().trim(), fields: lines(fields.peek()), client: client.peek().trim(), sni: overTLS.peek() ? sni.peek().trim() : "" });

	const take = (a: Asked) =>
		batch(() => {
			method.value = a.method;
			url.value = a.url;
			fields.value = a.fields.join("\n");
			if (a.client) client.value = a.client;
		});
	const read = (text: string) => {
		pasted.value = text;
		const a = text.trim() ? readRequest(text) : null;
		notRead.value = Boolean(text.trim()) && !a;
		if (a) take(a);
	};
	const ask = async () => {
		if (!url.peek().trim()) return;
		const a = asked();
		setQuery({ cluster: cluster.peek(), method: a.method === "GET" ? "" : a.method, url: a.url, fields: a.fields.join("\n"), client: a.client, sni: a.sni, on: side.peek() === "both" ? "" : side.peek() });
		busy.value = true;
		const wanted = side.peek() === "both" ? (hasDraft.peek() ? (["running", "candidate"] as const) : (["running"] as const)) : ([side.peek() as "running" | "candidate"] as const);
		answers.value = await Promise.all(
			wanted.map((on) =>
				call("explain.request", { url: a.url, method: a.method, fields: a.fields, on, ...(cluster.peek() ? { cluster: cluster.peek() } : {}), ...(a.client ? { client: a.client } : {}), ...(a.sni ? { sni: a.sni } : {}) }).then(
					(found): Answer => ({ on, found }),
					(error: unknown): Answer => ({ on, error }),
				),
			),
		);
		busy.value = false;
		if (side.peek() === "both" && hasDraft.peek() && wanted.length === 1) await ask(); // of the draft we have heard meanwhile
	};
	// A request in the address is asked at once: a link is a question.
	useEffect(() => {
		if (url.peek()) void ask();
	}, []);
	useEffect(() => {
		if (answers.peek().length > 0 && side.peek() === "both") void ask();
	}, [config.value?.version]);
	useCommands([{ text: t("tester.ask"), icon: "tester", run: () => void ask() }]);

	const [first, second] = answers.value;
	const diff = first?.found && second?.found ? differences(first.found, second.found) : null;
	const why = url.value.trim() ? undefined : t("tester.url_missing");
	return (
		<Page name={t("tester.title")}>
			<div class="tester">
				<form class="stack" onSubmit={(e) => { e.preventDefault(); void ask(); }}>
					<Card name={t("tester.request")}>
						<div class="form">
							<TextArea label={t("tester.paste")} optional mono rows={3} value={pasted.value} onChange={read} placeholder={"curl -H 'Cookie: beta=1' https://www.example.com/shop"} error={notRead.value ? t("tester.not_read") : undefined} help={t("tester.paste_help")} />
							<SelectField label={t("tester.cluster")} value={cluster.value} onChange={(v) => (cluster.value = v)} options={[{ value: "", text: t("tester.by_url") }, ...names.value.map((n) => ({ value: n, text: n })), ...(cluster.value && !names.value.includes(cluster.value) ? [{ value: cluster.value, text: cluster.value }] : [])]} />
							<div class="method-url">
								<SelectField label={t("tester.method")} value={method.value} onChange={(v) => (method.value = v)} options={[...methods, ...(methods.includes(method.value) ? [] : [method.value])].map((m) => ({ value: m, text: m }))} />
								<TextField label={t("tester.url")} mono value={url.value} onChange={(v) => (url.value = v)} placeholder="http://www.example.com/path" />
							</div>
							<TextArea label={t("tester.fields")} optional mono rows={3} value={fields.value} onChange={(v) => (fields.value = v)} placeholder={"Cookie: group=b\nUser-Agent: curl/8"} help={t("tester.fields_help")} />
							<TextField label={t("tester.client")} optional mono value={client.value} onChange={(v) => (client.value = v)} placeholder="192.0.2.1" />
							{overTLS.value && <TextField label={t("tester.sni")} optional mono value={sni.value} onChange={(v) => (sni.value = v)} placeholder="www.example.com" help={t("tester.sni_help")} />}
							<div class="row">
								<Choice<Side> label={t("tester.on")} value={side.value} onChange={(v) => { side.value = v; if (answers.peek().length > 0) void ask(); }} options={[{ value: "running", text: t("tester.running") }, { value: "candidate", text: t("tester.candidate") }, { value: "both", text: t("tester.both") }]} />
								<Button type="submit" kind="primary" icon="tester" busy={busy.value} why={why}>{t("tester.ask")}</Button>
							</div>
							{side.value !== "running" && config.value && !hasDraft.value && <p class="muted small">{t("tester.no_draft")}</p>}
						</div>
					</Card>
				</form>
				<div class="stack results" aria-live="polite" aria-busy={busy.value}>
					{answers.value.length === 0 && (busy.value ? <Skeleton /> : <div class="card"><Empty title={t("tester.nothing_asked")} text={t("tester.nothing_asked_text")} /></div>)}
					{diff && (
						<Card name={t("tester.difference")}>
							{diff.length === 0 ? <p>{t("tester.same")}</p> : (
								<div class="table-scroll"><table class="table"><thead><tr><th scope="col"><span class="visually-hidden">{t("tester.what")}</span></th><th scope="col">{t("tester.running")}</th><th scope="col">{t("tester.candidate")}</th></tr></thead>
									<tbody>{diff.map((d) => <tr key={d.what}><th scope="row">{t(`tester.differs.${d.what}`)}</th><td class="wrap">{d.from || "–"}</td><td class="wrap"><strong>{d.to || "–"}</strong></td></tr>)}</tbody></table></div>
							)}
						</Card>
					)}
					{answers.value.map((a) => (
						<section key={a.on} class="stack" aria-label={t(a.on === "running" ? "tester.running" : "tester.candidate")}>
							{answers.value.length > 1 && <h2>{t(a.on === "running" ? "tester.running" : "tester.candidate")}</h2>}
							{a.error !== undefined ? (
								<ErrorNotice error={a.error} title={t("tester.not_asked")} retry={() => void ask()}>
									{a.error instanceof CallError && a.error.kind === "config.invalid" && <Button small href="/changes/text">{t("tester.to_text")}</Button>}
								</ErrorNotice>
							) : a.found && <Outcome found={a.found} asked={asked()} actions={<Button small icon="plus" need="editor" why={config.value ? undefined : t("tester.no_config")} onClick={() => (saving.value = a.found!)}>{t("tester.save")}</Button>} />}
						</section>
					))}
				</div>
			</div>
			<Tests config={config.value} onAsk={(c, a) => { cluster.value = c; take(a); client.value = a.client; void ask(); scrollTo(0, 0); }} again={again} />
			{saving.value && config.value && <SaveTest config={config.value} asked={asked()} found={saving.value} onClose={() => { saving.value = null; again(); }} />}
		</Page>
	);
}
