// SPDX-License-Identifier: Apache-2.0
//
// Looks at the network from the box, the bundle for who helps, and what was
// recorded of the last minutes.
import { useSignal } from "@preact/signals";
import { type api, Button, call, Card, Count, Empty, ErrorNotice, fieldErrors, format, has, Latency, Notice, Num, Page, type PageProps, Percent, say, SelectField, Skeleton, Status, t, Tabs, TextField, Time, useCall } from "../kit";
import { saveBundle } from "../machine/save";

export default function Diagnostics(_: PageProps) {
	return (
		<Page name={t("diagnostics.title")}>
			<Tabs label={t("diagnostics.title")} tabs={[
				{ id: "ping", text: t("diagnostics.ping"), show: () => <Ping /> },
				{ id: "trace", text: t("diagnostics.trace"), show: () => <Trace /> },
				{ id: "dns", text: t("diagnostics.dns"), show: () => <DNS /> },
				{ id: "support", text: t("diagnostics.support"), show: () => <Support /> },
				{ id: "recorder", text: t("diagnostics.recorder"), show: () => <Recorder /> },
			]} />
		</Page>
	);
}

// useRun runs one question at a time and keeps what came of it.
function useRun<T>(ask: () => Promise<T>) {
	const result = useSignal<T | null>(null);
	const error = useSignal<unknown>(null);
	const busy = useSignal(false);
	const run = async () => {
		if (busy.peek()) return;
		busy.value = true;
		error.value = null;
		result.value = null;
		try {
			result.value = await ask();
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	return { result, error, busy, run };
}

function Form({ run, busy, act, why, children }: { run: () => Promise<void>; busy: boolean; act: string; why?: string | undefined; children: preact.ComponentChildren }) {
	return (
		<form class="filters" noValidate onSubmit={(e) => { e.preventDefault(); if (!why) void run(); }}>
			{children}
			<div class="actions"><Button kind="primary" type="submit" icon="play" need="operator" busy={busy} why={why}>{act}</Button></div>
		</form>
	);
}

const took = (d: string | undefined) => <Latency of={d === undefined ? undefined : format.parseDuration(d)} />;

function Ping() {
	const host = useSignal("");
	const count = useSignal("4");
	const by = useSignal("");
	const r = useRun(() => call("diag.ping", { host: host.peek().trim(), count: Number(count.peek()), ...(by.peek().trim() && { interface: by.peek().trim() }) }, { timeout: 330_000 }));
	const said = fieldErrors(r.error.value);
	const p = r.result.value;
	return (
		<Card name={t("diagnostics.ping")}>
			<div class="stack">
				<Form run={r.run} busy={r.busy.value} act={t("diagnostics.ping_act")} why={host.value.trim() ? undefined : t("diagnostics.host_first")}>
					<TextField label={t("diagnostics.host")} mono value={host.value} onChange={(v) => (host.value = v)} error={said["host"]} />
					<SelectField label={t("diagnostics.count")} value={count.value} onChange={(v) => (count.value = v)} options={["1", "4", "10", "30", "100"].map((n) => ({ value: n, text: n }))} />
					<TextField label={t("diagnostics.interface")} optional mono value={by.value} onChange={(v) => (by.value = v)} error={said["interface"]} />
				</Form>
				{r.busy.value && <p class="muted" role="status">{t("diagnostics.running")}</p>}
				{r.error.value !== null && <ErrorNotice error={r.error.value} retry={() => void r.run()} />}
				<div aria-live="polite">{p && <PingResult p={p} />}</div>
			</div>
		</Card>
	);
}

function PingResult({ p }: { p: api.Ping }) {
	const lost = p.sent - p.received;
	return (
		<div class="stack">
			<p class="row">
				<Status word={t("diagnostics.answers", { n: p.received, all: p.sent })} state={lost === 0 ? "up" : p.received > 0 ? "degraded" : "down"} />
				<span class="muted">{p.address}</span>
				{p.received > 0 && <span>{t("diagnostics.min")} {took(p.min)} · {t("diagnostics.mean")} {took(p.mean)} · {t("diagnostics.max")} {took(p.max)}</span>}
			</p>
			<div class="table-wrap"><div class="table-scroll" tabIndex={0} role="region" aria-label={t("diagnostics.replies")}><table class="table">
				<caption class="visually-hidden">{t("diagnostics.replies")}</caption>
				<thead><tr><th scope="col" class="num">{t("diagnostics.number")}</th><th scope="col" class="num">{t("diagnostics.took")}</th><th scope="col">{t("diagnostics.said")}</th></tr></thead>
				<tbody>{p.replies.map((x) => <tr key={x.seq}><td class="num"><Count of={x.seq} /></td><td class="num">{took(x.time)}</td><td>{say(x, "error") || "–"}</td></tr>)}</tbody>
			</table></div></div>
		</div>
	);
}

function Trace() {
	const host = useSignal("");
	const r = useRun(() => call("diag.trace", { host: host.peek().trim() }, { timeout: 330_000 }));
	const said = fieldErrors(r.error.value);
	const p = r.result.value;
	return (
		<Card name={t("diagnostics.trace")}>
			<div class="stack">
				<Form run={r.run} busy={r.busy.value} act={t("diagnostics.trace_act")} why={host.value.trim() ? undefined : t("diagnostics.host_first")}>
					<TextField label={t("diagnostics.host")} mono value={host.value} onChange={(v) => (host.value = v)} error={said["host"]} />
				</Form>
				{r.busy.value && <p class="muted" role="status">{t("diagnostics.running")}</p>}
				{r.error.value !== null && <ErrorNotice error={r.error.value} retry={() => void r.run()} />}
				<div aria-live="polite">{p && <TraceResult p={p} />}</div>
			</div>
		</Card>
	);
}

function TraceResult({ p }: { p: api.Trace }) {
	return (
		<div class="stack">
			<p class="row"><Status word={t(p.reached ? "diagnostics.reached" : "diagnostics.not_reached")} state={p.reached ? "up" : "degraded"} /><span class="muted">{p.address}</span></p>
			<div class="table-wrap"><div class="table-scroll" tabIndex={0} role="region" aria-label={t("diagnostics.hops")}><table class="table">
				<caption class="visually-hidden">{t("diagnostics.hops")}</caption>
				<thead><tr><th scope="col" class="num">{t("diagnostics.hop")}</th><th scope="col">{t("diagnostics.router")}</th><th scope="col">{t("diagnostics.tries")}</th></tr></thead>
				<tbody>
					{p.hops.map((h) => (
						<tr key={h.ttl}>
							<td class="num"><Count of={h.ttl} /></td>
							<td class="mono">{[...new Set(h.tries.map((x) => x.from).filter(Boolean))].join(", ") || t("diagnostics.silent")}</td>
							<td>{h.tries.map((x, i) => <span key={i}>{i > 0 && " · "}{x.time ? took(x.time) : "–"}{x.error && ` ${say(x, "error")}`}</span>)}</td>
						</tr>
					))}
				</tbody>
			</table></div></div>
		</div>
	);
}

const types = ["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", "CAA"];

function DNS() {
	const name = useSignal("");
	const type = useSignal("");
	const server = useSignal("");
	const r = useRun(() => call("diag.dns", { name: name.peek().trim(), ...(type.peek() && { type: type.peek() }), ...(server.peek().trim() && { server: server.peek().trim() }) }, { timeout: 70_000 }));
	const said = fieldErrors(r.error.value);
	const a = r.result.value;
	return (
		<Card name={t("diagnostics.dns")}>
			<div class="stack">
				<Form run={r.run} busy={r.busy.value} act={t("diagnostics.dns_act")} why={name.value.trim() ? undefined : t("diagnostics.name_first")}>
					<TextField label={t("diagnostics.name")} mono value={name.value} onChange={(v) => (name.value = v)} error={said["name"]} />
					<SelectField label={t("diagnostics.type")} value={type.value} onChange={(v) => (type.value = v)} options={[{ value: "", text: t("diagnostics.type_any") }, ...types.map((x) => ({ value: x, text: x }))]} />
					<TextField label={t("diagnostics.server")} optional mono value={server.value} onChange={(v) => (server.value = v)} error={said["server"]} />
				</Form>
				{r.busy.value && <p class="muted" role="status">{t("diagnostics.running")}</p>}
				{r.error.value !== null && <ErrorNotice error={r.error.value} retry={() => void r.run()} />}
				<div aria-live="polite">{a && <Answer a={a} />}</div>
			</div>
		</Card>
	);
}

function Answer({ a }: { a: api.DNSAnswer }) {
	const rows = [...a.records, ...a.authority];
	return (
		<div class="stack">
			<p class="row"><Status word={a.code} state={a.code === "NOERROR" ? "up" : "degraded"} /><span class="muted">{t("diagnostics.by", { server: a.server })} · {took(a.time)}{a.tcp && " · TCP"}</span></p>
			{rows.length === 0 ? <p class="muted">{t("diagnostics.no_records")}</p> : (
				<div class="table-wrap"><div class="table-scroll" tabIndex={0} role="region" aria-label={t("diagnostics.records")}><table class="table">
					<caption class="visually-hidden">{t("diagnostics.records")}</caption>
					<thead><tr><th scope="col">{t("diagnostics.name")}</th><th scope="col">{t("diagnostics.type")}</th><th scope="col" class="num">{t("diagnostics.ttl")}</th><th scope="col">{t("diagnostics.value")}</th></tr></thead>
					<tbody>{rows.map((x, i) => <tr key={i}><td class="mono">{x.name}</td><td>{x.type}</td><td class="num">{x.ttl}</td><td class="wrap mono">{x.value}</td></tr>)}</tbody>
				</table></div></div>
			)}
		</div>
	);
}

function Support() {
	const moved = useSignal(0);
	const error = useSignal<unknown>(null);
	const run = async () => {
		error.value = null;
		moved.value = 0;
		try {
			await saveBundle("support.bundle", {}, (n) => (moved.value = n));
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Card name={t("diagnostics.support")}>
			<div class="stack">
				<p>{t("diagnostics.support_text")}</p>
				<Notice>{t("diagnostics.support_secrets")}</Notice>
				<div class="row"><Button kind="primary" icon="download" need="admin" onClick={run}>{t("diagnostics.support_act")}</Button>{moved.value > 0 && <span class="muted" role="status">{t("diagnostics.fetched")} <Num q={format.bytes(moved.value)} /></span>}</div>
				{error.value !== null && <ErrorNotice error={error.value} retry={() => void run()} />}
			</div>
		</Card>
	);
}

function Recorder() {
	const which = useSignal("0");
	const r = useCall("blackbox.read", { crash: Number(which.value), frames: 600 });
	const b = r.data.value;
	return (
		<Card name={t("diagnostics.recorder")} actions={<Button small icon="refresh" onClick={r.again}>{t("diagnostics.refresh")}</Button>}>
			<div class="stack">
				<p class="muted">{t("diagnostics.recorder_text")}</p>
				{(b?.crashes.length ?? 0) > 0 && (
					<div class="filters"><SelectField label={t("diagnostics.recording")} value={which.value} onChange={(v) => (which.value = v)} options={[{ value: "0", text: t("diagnostics.now") }, ...b!.crashes.map((at, i) => ({ value: String(i + 1), text: t("diagnostics.crash_at", { time: format.moment(Date.parse(at)) }) }))]} /></div>
				)}
				{r.error.value ? <ErrorNotice error={r.error.value} retry={r.again} /> : !b ? <Skeleton rows={6} /> : (
					<>
						{(b.damaged ?? 0) > 0 && <Notice kind="warning">{t("diagnostics.damaged", { n: b.damaged! })}</Notice>}
						{b.frames.length === 0 ? <Empty title={t("diagnostics.nothing")} /> : <Frames list={b.frames} />}
					</>
				)}
			</div>
		</Card>
	);
}

type Frame = api.Methods["blackbox.read"]["result"]["frames"][number];

function Frames({ list }: { list: readonly Frame[] }) {
	return (
		<div class="table-wrap sticky"><div class="table-scroll" tabIndex={0} role="region" aria-label={t("diagnostics.recorder")}><table class="table">
			<caption class="visually-hidden">{t("diagnostics.recorder")}</caption>
			<thead><tr><th scope="col">{t("common.time")}</th><th scope="col" class="num">{t("diagnostics.requests")}</th><th scope="col" class="num">{t("diagnostics.errors")}</th><th scope="col" class="num">{t("diagnostics.connections")}</th><th scope="col" class="num">{t("diagnostics.busy")}</th><th scope="col" class="num">{t("diagnostics.heap")}</th></tr></thead>
			<tbody>{list.toReversed().map((f) => <Row key={f.seq} f={f} />)}</tbody>
		</table></div></div>
	);
}

function Row({ f }: { f: Frame }) {
	const s = f.second;
	if (s) return <tr><td><Time at={f.time} /></td><td class="num"><Count of={Math.round(s.requests)} /></td><td class="num"><Count of={Math.round(s.errors)} /></td><td class="num"><Count of={Math.round(s.connections)} /></td><td class="num"><Percent of={s.busy} /></td><td class="num"><Num q={format.bytes(s.heap)} /></td></tr>;
	const said = f.event ? f.event.text : f.start ? t("diagnostics.start", { version: f.start.version, revision: f.start.revision }) : f.stop ? t("diagnostics.stop", { why: f.stop.why }) : "";
	return <tr><td><Time at={f.time} /></td><td colSpan={5} class="wrap">{f.event && has(`common.state.${f.event.severity}`) ? <Status word={f.event.severity}>{said}</Status> : said}</td></tr>;
}
