// SPDX-License-Identifier: Apache-2.0
//
// The answer to "what becomes of this request": the rules in order, what
// decided, where it goes, and both heads side by side.
import type { ComponentChildren } from "preact";
import { type api, Card, Facts, format, Icon, Notice, Num, say, StateIcon, t } from "../kit";
import { type Asked, compareHeads, type HeadLine, received } from "./request";

type Verdict = "true" | "false" | "not reached" | "not evaluated" | "disabled";
const look: Record<Verdict, { state: "up" | "down" | "unknown" | "disabled"; key: string }> = {
	true: { state: "up", key: "matches" }, false: { state: "down", key: "fails" },
	"not reached": { state: "unknown", key: "not_reached" }, "not evaluated": { state: "unknown", key: "not_evaluated" }, disabled: { state: "disabled", key: "disabled" },
};
const verdict = (v: string) => look[v as Verdict] ?? look["not evaluated"];

// bytesAt cuts text by offsets in bytes of UTF-8.
export function bytesAt(text: string, from: number, to: number): string {
	return new TextDecoder().decode(new TextEncoder().encode(text).slice(from, to));
}

// failing are the calls because of which a condition is false: following the
// parts that decide it. Under a not, those that are true.
export function failing(p: api.ExplainedPart, wanted = true): api.ExplainedPart[] {
	if (p.verdict !== (wanted ? "false" : "true")) return [];
	if (p.op === "call") return [p];
	if (p.op === "not") return (p.parts ?? []).flatMap((x) => failing(x, !wanted));
	return (p.parts ?? []).flatMap((x) => failing(x, wanted));
}

// The fields in which two answers differ.
export type Difference = { what: "cluster" | "rule" | "pool" | "responder" | "member" | "persist" | "status" | "target" | "forwarded" | "answer"; from: string; to: string };
export function differences(a: api.Explained, b: api.Explained): Difference[] {
	const undated = (s: string | undefined) => (s ?? "").replace(/\r/g, "").replace(/^(Date|X-Request-Id):.*\n?/gim, "");
	const all: [Difference["what"], string | undefined, string | undefined][] = [
		["cluster", a.cluster, b.cluster], ["rule", a.rule || t("tester.own_settings"), b.rule || t("tester.own_settings")], ["pool", a.pool, b.pool], ["responder", a.responder, b.responder],
		["member", a.member, b.member], ["persist", say(a, "persist"), say(b, "persist")], ["status", a.status ? String(a.status) : "", b.status ? String(b.status) : ""], ["target", a.target, b.target],
		["forwarded", undated(a.forwarded), undated(b.forwarded)], ["answer", undated(a.answer), undated(b.answer)],
	];
	return all.filter(([, x, y]) => (x ?? "") !== (y ?? "")).map(([what, x, y]) => ({ what, from: x ?? "", to: y ?? "" }));
}

export function Outcome({ found, asked, actions }: { found: api.Explained; asked: Asked; actions?: ComponentChildren }) {
	const e = found;
	return (
		<>
			<Card name={t("tester.outcome")} actions={actions}>
				{e.refused ? (
					<Notice kind="warning"><strong>{t("tester.refused", { status: e.status ?? 0 })}</strong><p>{say(e, "refused")}</p></Notice>
				) : (
					<p class="hops">
						<a href={`/clusters/${encodeURIComponent(e.cluster)}`}><Icon name="cluster" /> {e.cluster}</a><Arrow />
						<span><Icon name="rules" /> {e.rule ? e.rule : t("tester.own_settings")}</span><Arrow />
						{e.pool && <><a href={`/pools/${encodeURIComponent(e.pool)}`}><Icon name="pool" /> {e.pool}</a><Arrow /></>}
						{e.member ? <a href={`/servers/${encodeURIComponent(e.member)}`}><Icon name="server" /> {e.member}</a> : <strong><Icon name="responder" /> {e.responder || t("tester.box_answers")}</strong>}
					</p>
				)}
				<Facts list={[
					e.raw_path !== e.path && [t("tester.path"), <code>{e.path}</code>],
					Boolean(e.target) && [t("tester.target"), <code>{e.target}</code>],
					Boolean(e.persist) && [t("tester.persist"), say(e, "persist")],
					Boolean(e.set_cookie) && [t("tester.set_cookie"), <code class="break">{e.set_cookie}</code>],
				]} />
			</Card>
			{!e.refused && (
				<Card name={t("tester.rules")} >
					{e.rules.length === 0 ? <p class="muted">{t("tester.no_rules")}</p> : <ol class="trace">{e.rules.map((r) => <RuleTrace key={r.name} rule={r} decided={r.name === e.rule} />)}</ol>}
					<p class={e.rule === "" ? "otherwise now" : "otherwise muted"}>{e.rule === "" ? <StateIcon state="up" /> : <StateIcon state="unknown" />} {t(e.rule === "" ? "tester.otherwise_now" : "tester.otherwise")}</p>
				</Card>
			)}
			{e.members.length > 0 && (
				<Card name={t("tester.members", { pool: e.pool ?? "" })} table>
					<div class="table-wrap"><div class="table-scroll">
						<table class="table">
							<thead><tr><th scope="col">{t("tester.member")}</th><th scope="col">{t("tester.why")}</th><th scope="col" class="num">{t("tester.share")}</th><th scope="col" class="num">{t("tester.active")}</th></tr></thead>
							<tbody>
								{e.members.map((m) => (
									<tr key={m.name} data-edge={!m.chosen && m.share === 0 ? "down" : undefined}>
										<th scope="row" class="edge"><a href={`/servers/${encodeURIComponent(m.name)}`}>{m.name}</a> {m.chosen && <span class="tag">{t("tester.chosen")}</span>}</th>
										<td class="wrap">{say(m, "why")}</td><td class="num"><Num q={format.percent(m.share)} /></td><td class="num tnum">{format.count(m.active)}</td>
									</tr>
								))}
							</tbody>
						</table>
					</div></div>
				</Card>
			)}
			{e.forwarded && <Heads asked={asked} forwarded={e.forwarded} />}
			{e.answer && <Card name={t("tester.answer")}><pre class="http-head">{e.answer.replace(/\r/g, "")}</pre></Card>}
		</>
	);
}

const Arrow = () => <span class="muted" aria-hidden="true">→</span>;

function RuleTrace({ rule, decided }: { rule: api.ExplainedRule; decided: boolean }) {
	const v = verdict(rule.verdict);
	const bad = rule.tree && rule.verdict === "false" ? failing(rule.tree) : [];
	return (
		<li class={decided ? "decided" : undefined}>
			<div class="row">
				<StateIcon state={v.state} /><strong>{rule.name}</strong><span class={decided ? undefined : "muted"}>{t(`tester.verdict.${v.key}`)}</span>
				{rule.line ? <span class="muted small push-end">{t("tester.line", { n: rule.line })}</span> : null}
			</div>
			{rule.tree && rule.when && rule.verdict !== "not reached" && rule.verdict !== "disabled" ? <Part part={rule.tree} when={rule.when} bad={bad} /> : <code class="when muted">{rule.when ?? rule.conditions.map((c) => c.text).join(" … ")}</code>}
		</li>
	);
}

function Part({ part, when, bad }: { part: api.ExplainedPart; when: string; bad: readonly api.ExplainedPart[] }) {
	const v = verdict(part.verdict);
	if (part.op !== "call") {
		return (
			<div class="part-group">
				<span class="small muted">{t(`tester.op.${part.op === "and" || part.op === "or" || part.op === "not" ? part.op : "and"}`)} · {t(`tester.part.${v.key}`)}</span>
				<div class="cond-inner">{part.parts?.map((p) => <Part key={p.from} part={p} when={when} bad={bad} />)}</div>
			</div>
		);
	}
	const why = bad.includes(part);
	return (
		<div class={`cond-part${why ? " bad" : ""}`}>
			<StateIcon state={v.state} label={t(`tester.part.${v.key}`)} />
			<code>{bytesAt(when, part.from, part.to)}</code>
			{part.verdict !== "not evaluated" && <span class="muted small">{part.missing ? t("tester.missing") : part.value ? <>{t("tester.was")} <code>{part.value}</code></> : null}</span>}
			{why && <span class="tag">{t("tester.this_failed")}</span>}
		</div>
	);
}

function Heads({ asked, forwarded }: { asked: Asked; forwarded: string }) {
	const heads = compareHeads(received(asked), forwarded);
	const one = (name: string, list: readonly HeadLine[]) => (
		<div>
			<h3 class="field-label">{name}</h3>
			<div class="http-head" tabIndex={0} role="region" aria-label={name}>
				{list.map((l, i) => <div key={i} class={l.kind}><span class="line-sign">{l.kind === "added" ? "+" : l.kind === "removed" ? "−" : " "}{l.kind !== "same" && <span class="visually-hidden">{t(l.kind === "added" ? "common.added" : "common.removed")}</span>}</span>{l.text}</div>)}
			</div>
		</div>
	);
	return <Card name={t("tester.heads")}><div class="two-heads">{one(t("tester.received"), heads.from)}{one(t("tester.sent"), heads.to)}</div></Card>;
}

