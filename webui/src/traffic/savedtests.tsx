// SPDX-License-Identifier: Apache-2.0
//
// Tests of rules: requests whose way is known. They are part of the
// configuration and are run before every commit.
import { useSignal } from "@preact/signals";
import { type api, ask, Button, call, type CallError, Card, CheckField, Dialog, Empty, ErrorNotice, Menu, say, Skeleton, StateIcon, t, TextField } from "../kit";
import { type Config, edit, path, type TestValues } from "../draft/draft";
import { quote } from "./expression";
import type { Asked } from "./request";
import { nameWrong } from "./ruleform";

// askedOf makes the question of a test.
export function askedOf(v: TestValues): Asked {
	const [method, url] = /^([A-Z]+)\s+(\S+)$/.exec(v.request)?.slice(1) ?? ["GET", v.request];
	return { method: method!, url: url!, fields: Object.entries(v.headers ?? {}).map(([k, x]) => `${k}: ${x}`), client: v.client_ip ?? "" };
}

// testText writes a test as a block. A name that is no word is quoted; of
// fields with one name the last counts, because a map holds each once.
export function testText(name: string, a: Asked, expect: Record<string, string | number>, description = ""): string {
	const headers = new Map<string, string>();
	for (const f of a.fields) {
		const at = f.indexOf(":");
		if (at > 0) headers.set(f.slice(0, at).trim(), f.slice(at + 1).trim());
	}
	const map = [...headers].map(([k, v]) => `${/^[A-Za-z][\w-]*$/.test(k) ? k : quote(k)} = ${quote(v)}`).join(", ");
	const lines = [
		description && `  description = ${quote(description)}`,
		`  request = ${quote(`${a.method} ${a.url}`)}`,
		map && `  headers = { ${map} }`,
		a.client && `  client_ip = ${quote(a.client)}`,
		`  expect {\n${Object.entries(expect).map(([k, v]) => `    ${k} = ${typeof v === "number" ? v : quote(v)}`).join("\n")}\n  }`,
	].filter(Boolean);
	return `test ${quote(name)} {\n${lines.join("\n")}\n}\n`;
}

export function SaveTest({ config, asked, found, onClose }: { config: Config; asked: Asked; found: api.Explained; onClose: () => void }) {
	const cluster = config.values.clusters.find((c) => c.name === found.cluster);
	const name = useSignal("");
	const description = useSignal("");
	const ownAnswer = !found.pool || found.status;
	const status = found.status ?? Number(/^HTTP\/\S+ (\d+)/.exec(found.answer ?? "")?.[1] ?? 0);
	const want = { rule: useSignal(true), pool: useSignal(Boolean(found.pool)), responder: useSignal(Boolean(found.responder) && !found.pool), status: useSignal(Boolean(found.refused)) };
	const error = useSignal<unknown>(null);
	const touched = useSignal(false);
	const wrong = nameWrong(name.value, (cluster?.tests ?? []).map((x) => x.name));
	const save = async () => {
		touched.value = true;
		if (wrong) return;
		const expect: Record<string, string | number> = {};
		if (want.rule.peek() && !found.refused) expect["rule"] = found.rule;
		if (want.pool.peek() && !found.refused) expect["pool"] = found.pool ?? "";
		if (want.responder.peek() && !found.refused) expect["responder"] = found.responder ?? "";
		if (want.status.peek() && status) expect["status"] = status;
		error.value = null;
		try {
			await edit(config, [{ op: "insert", path: path("cluster", found.cluster), text: testText(name.peek(), asked, expect, description.peek()) }], t("tester.saved", { name: name.peek() }));
			onClose();
		} catch (err) {
			error.value = err;
		}
	};
	const none = !want.rule.value && !want.pool.value && !want.responder.value && !want.status.value;
	return (
		<Dialog title={t("tester.save_title", { cluster: found.cluster })} onClose={onClose} footer={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" need="editor" why={none ? t("tester.expect_something") : undefined} onClick={save}>{t("tester.save_act")}</Button></>}>
			<div class="form">
				<p><code class="break">{asked.method} {asked.url}</code></p>
				<TextField label={t("tester.name")} value={name.value} onChange={(v) => (name.value = v)} error={touched.value ? wrong : undefined} autofocus maxLength={47} />
				<TextField label={t("tester.description")} optional value={description.value} onChange={(v) => (description.value = v)} help={t("tester.description_help")} />
				<fieldset class="stack" style={{ gap: "8px" }}>
					<legend class="field-label">{t("tester.expect")}</legend>
					{!found.refused && <CheckField label={t("tester.expect_rule", { name: found.rule || t("tester.own_settings") })} value={want.rule.value} onChange={(v) => (want.rule.value = v)} />}
					{found.pool && !found.refused && <CheckField label={t("tester.expect_pool", { name: found.pool })} value={want.pool.value} onChange={(v) => (want.pool.value = v)} />}
					{found.responder && !found.pool && !found.refused && <CheckField label={t("tester.expect_responder", { name: found.responder })} value={want.responder.value} onChange={(v) => (want.responder.value = v)} />}
					{ownAnswer && status > 0 && <CheckField label={t("tester.expect_status", { status })} value={want.status.value} onChange={(v) => (want.status.value = v)} />}
				</fieldset>
				<p class="muted small">{t("tester.save_help")}</p>
				{error.value !== null && <ErrorNotice error={error.value} title={t("rules.not_saved")} />}
			</div>
		</Dialog>
	);
}

type Props = { config: Config | undefined; onAsk: (cluster: string, a: Asked) => void; again: () => void };

// Tests lists the tests of all clusters and runs them.
export function Tests({ config, onAsk, again }: Props) {
	const result = useSignal<api.Tested | null>(null);
	const error = useSignal<CallError | null>(null);
	const on = useSignal("");
	const run = async () => {
		error.value = null;
		try {
			result.value = await call("config.test", on.peek() ? { on: on.peek() } : {});
		} catch (err) {
			error.value = err as CallError;
		}
	};
	if (!config) return <Card name={t("tester.tests")}><Skeleton rows={2} /></Card>;
	const all = config.values.clusters.flatMap((c) => (c.tests ?? []).map((v) => ({ cluster: c.name, v, at: path("cluster", c.name, "test", v.name) })));
	const remove = (name: string, at: string) =>
		ask({ title: t("tester.remove_title", { name }), text: t("tester.remove_text"), act: t("tester.remove"), danger: true, need: "editor", run: () => edit(config, [{ op: "remove", path: at }], t("tester.removed", { name })).then(again) });
	return (
		<Card
			name={t("tester.tests")} table={all.length > 0}
			actions={all.length > 0 && <>
				{result.value && <span class="status"><StateIcon state={result.value.failed > 0 ? "down" : "up"} />{result.value.failed > 0 ? t("tester.some_failed", { n: result.value.failed, all: result.value.tests.length }) : t("tester.all_passed", { n: result.value.tests.length })}</span>}
				{config.on === "candidate" && <SelectOn value={on.value} onChange={(v) => (on.value = v)} />}
				<Button small icon="play" onClick={run}>{t("tester.run_all")}</Button>
			</>}
		>
			{error.value && <ErrorNotice error={error.value} title={t("tester.not_run")} retry={() => void run()} />}
			{all.length === 0 ? <Empty title={t("tester.no_tests")} text={t("tester.no_tests_text")} /> : (
				<div class="table-wrap"><div class="table-scroll"><table class="table">
					<caption class="visually-hidden">{t("tester.tests")}</caption>
					<thead><tr><th scope="col">{t("tester.cluster")}</th><th scope="col">{t("tester.name")}</th><th scope="col">{t("tester.request")}</th><th scope="col">{t("tester.expect")}</th><th scope="col">{t("tester.result")}</th><th scope="col"><span class="visually-hidden">{t("common.actions")}</span></th></tr></thead>
					<tbody>
						{all.map(({ cluster, v, at }) => {
							const r = result.value?.tests.find((x) => x.path === at);
							return (
								<tr key={at} data-edge={r && !r.passed ? "down" : undefined}>
									<td class="edge"><a href={`/clusters/${encodeURIComponent(cluster)}`}>{cluster}</a></td>
									<th scope="row">{v.name}{v.description && <span class="muted small as-block">{v.description}</span>}</th>
									<td class="wrap"><code class="break">{v.request}</code></td>
									<td class="wrap"><span class="row">{Object.entries(v.expect ?? {}).filter(([k, x]) => x !== undefined && !(k === "status" && x === 0)).map(([k, x]) => <span key={k} class="tag">{t(`tester.what_${k as "rule" | "pool" | "responder" | "status"}`)}: {x === "" ? t(k === "rule" ? "tester.own_settings" : "tester.no_one") : String(x)}</span>)}</span></td>
									<td class="wrap">{!r ? <span class="muted">{t("tester.not_run_yet")}</span> : r.passed ? <span class="status"><StateIcon state="up" />{t("tester.passed")}</span> : <Missed r={r} />}</td>
									<td class="acts"><Menu small kind="quiet" icon="more" label={t("tester.test_actions", { name: v.name })} items={[{ text: t("tester.ask_again"), icon: "tester", onClick: () => onAsk(cluster, askedOf(v)) }, "line", { text: t("tester.remove"), icon: "trash", need: "editor", onClick: () => void remove(v.name, at) }]} /></td>
								</tr>
							);
						})}
					</tbody>
				</table></div></div>
			)}
		</Card>
	);
}

function SelectOn({ value, onChange }: { value: string; onChange: (v: string) => void }) {
	return (
		<select class="input auto" aria-label={t("tester.on")} value={value} onChange={(e) => onChange(e.currentTarget.value)}>
			<option value="">{t("tester.candidate")}</option><option value="running">{t("tester.running")}</option>
		</select>
	);
}

function Missed({ r }: { r: api.RuleTest }) {
	return (
		<span class="status"><StateIcon state="down" label={t("tester.failed")} />
			<span class="why">{say(r, "error") || r.misses?.map((m) => <span key={m.what} class="as-block">{t(`tester.what_${m.what as "rule" | "pool" | "responder" | "status"}`)}{t("common.colon")}{t("tester.miss", { want: m.want || t("tester.no_one"), got: m.got || t("tester.no_one") })}</span>)}</span>
		</span>
	);
}
