// SPDX-License-Identifier: Apache-2.0
//
// What a commit changes and risks, in words of the page's language: the box
// sends codes and values. Review, history and the wizard use this; its texts
// are changes.json.
import { useSignal } from "@preact/signals";
import { type api, Card, CheckField, comma, ErrorNotice, format, has, Icon, Notice, say, Status, t, tx, useCall } from "../kit";
import { grouped, labels, page, parsePath, type Step, top } from "../paths";
import type { Problem } from "../wire";

// typeName is the word for a type of blocks; the box's own where we have none.
export const typeName = (type: string) => (has(`changes.type.${type}`) ? t(`changes.type.${type}`) : type);

const stepText = (s: Step) => `${[typeName(s.type), ...labels(s)].join(" ")}${s.index > 0 ? ` (${s.index + 1})` : ""}`;

// pathText names a block in words, the outermost first.
export const pathText = (path: string) => parsePath(path).map(stepText).join(" › ");

// Where names a block and leads to its page if it has one.
export function Where({ path }: { path: string }) {
	const to = page(path);
	return to ? <a href={to}>{pathText(path)}</a> : <>{pathText(path)}</>;
}

const Value = ({ of }: { of: string }) => <code class="val">{of}</code>;

// Said is one change as a sentence; what names it within the group.
function Said({ change: c }: { change: api.Change }) {
	const rest = c.path.slice(top(c.path).length + 1);
	const steps = parsePath(c.path).slice(parsePath(top(c.path)).length);
	const inner = rest ? steps.map(stepText).join(" › ") : "";
	const where = inner && <span class="inner">{inner}</span>;
	const attr = <code>{c.attr ?? ""}</code>;
	let said;
	if (c.kind === "added") said = t("changes.added");
	else if (c.kind === "removed") said = t("changes.removed");
	else if (c.kind === "moved") said = t("changes.moved", { from: c.before ?? "", to: c.after ?? "" });
	else if (c.kind !== "changed") said = c.text;
	else if (!c.before) said = tx("changes.set", { attr, to: <Value of={c.after ?? ""} /> });
	else if (!c.after) said = tx("changes.unset", { attr, from: <Value of={c.before} /> });
	else said = tx("changes.changed", { attr, from: <Value of={c.before} />, to: <Value of={c.after} /> });
	return <>{where}{where && " "}{said}</>;
}

const signs: Record<string, string> = { added: "+", removed: "−", moved: "↕", changed: "~" };

// Changes shows changes by object. drop is what is offered with each object, more
// what can be said of one that is added.
export function Changes({ list, drop, more }: { list: readonly api.Change[]; drop?: (path: string) => preact.ComponentChildren; more?: (path: string) => preact.ComponentChildren }) {
	return (
		<ul class="change-groups">
			{grouped(list).map((g) => (
				<li key={g.path} class="change-group">
					<div class="group-head"><h3><Where path={g.path} /></h3>{drop?.(g.path)}</div>
					<ul class="change-list">
						{g.changes.map((c, i) => (
							<li key={i} class={c.kind}><span class="sign" aria-hidden="true">{signs[c.kind] ?? "~"}</span><span><Said change={c} /></span></li>
						))}
					</ul>
					{more && g.changes.some((c) => c.kind === "added" && c.path === g.path) && more(g.path)}
				</li>
			))}
		</ul>
	);
}

// NewText shows the text of an added object of the candidate when it is opened.
export function NewText({ path }: { path: string }) {
	const open = useSignal(false);
	const object = useCall("config.object", open.value ? { path, on: "candidate" } : null);
	return (
		<details class="new-text" onToggle={(e) => (open.value = e.currentTarget.open)}>
			<summary>{t("changes.show_text")}</summary>
			{object.error.value ? <ErrorNotice error={object.error.value} retry={object.again} /> : object.data.value && <pre class="block" tabIndex={0}>{object.data.value.text}</pre>}
		</details>
	);
}

// warningText words a warning; one without a text of ours has the box's own.
export function warningText(w: api.Warning): string {
	const key = `changes.warn.${w.kind}`;
	if (!has(key)) return w.text;
	const args: Record<string, string | number> = { object: w.object ? pathText(w.object) : "" };
	for (const [k, v] of Object.entries(w.args ?? {})) args[k] = Array.isArray(v) ? comma(v) || "–" : typeof v === "number" ? v : String(v);
	const text = t(key, args);
	return /\{\w+\}/.test(text) ? w.text : text;
}

export function Warnings({ list }: { list: readonly api.Warning[] }) {
	return (
		<ul class="warnings">
			{list.map((w, i) => (
				<li key={i} class={w.severity}>
					<Icon name={w.severity === "error" ? "error" : "warning"} label={t(w.severity === "error" ? "common.error" : "common.warning")} />
					<div>
						{w.object && <strong><Where path={w.object} /></strong>}
						<p>{warningText(w)}</p>
					</div>
				</li>
			))}
		</ul>
	);
}

// Problems lists mistakes and warnings of the language with line and column;
// at is where a click leads.
export function Problems({ list, at }: { list: readonly Problem[]; at?: (p: Problem) => string }) {
	return (
		<ul class="warnings">
			{list.map((p, i) => {
				const place = p.line ? t("changes.line", { line: p.line, col: p.col ?? 1 }) : "";
				const to = p.line ? at?.(p) : "";
				return (
					<li key={i} class={p.warning ? "warning" : "error"}>
						<Icon name={p.warning ? "warning" : "error"} label={t(p.warning ? "common.warning" : "common.error")} />
						<div>
							{(place || p.path) && <strong>{to ? <a href={to}>{place}</a> : place}{place && p.path && " · "}{p.path}</strong>}
							<p>{say(p, "message")}</p>
						</div>
					</li>
				);
			})}
		</ul>
	);
}

const missName = (what: string) => (has(`changes.type.${what}`) ? t(`changes.type.${what}`) : what === "status" ? t("changes.status") : what);

// Tests shows the results of tests of rules, those that fail first.
export function Tests({ list }: { list: readonly api.RuleTest[] }) {
	return (
		<ul class="tests">
			{[...list].sort((a, b) => Number(a.passed) - Number(b.passed)).map((r) => (
				<li key={r.path}>
					<Status word={r.passed ? "ok" : "failed"}>{pathText(r.path)}</Status>
					{r.error && <p>{say(r, "error")}</p>}
					{r.misses?.map((m) => <p key={m.what}>{tx("changes.miss", { what: missName(m.what), want: <code>{m.want || "–"}</code>, got: <code>{m.got || "–"}</code> })}</p>)}
				</li>
			))}
		</ul>
	);
}

// The shortest and the longest time of a confirm, in seconds: the box takes no others.
export const confirmRange = { min: 30, max: 3600, usual: 120 };

const steps = [30, 60, 120, 300, 600, 1800, 3600];

// ConfirmChoice asks whether a commit shall wait for its confirm, and how long.
export function ConfirmChoice({ advice, on, seconds, onChange }: { advice?: api.Advice | undefined; on: boolean; seconds: number; onChange: (on: boolean, seconds: number) => void }) {
	const list = steps.includes(seconds) ? steps : [...steps, seconds].sort((a, b) => a - b);
	return (
		<div class="stack" style={{ gap: "8px" }}>
			{advice?.advised && (
				<Notice kind="warning">
					<strong>{t("changes.advised")}</strong>
					<ul class="plain-list">{advice.why.map((w) => <li key={w}>{has(`changes.why.${w}`) ? t(`changes.why.${w}`) : w}</li>)}</ul>
				</Notice>
			)}
			<CheckField label={t("changes.with_confirm")} help={t("changes.with_confirm_help")} value={on} onChange={(v) => onChange(v, seconds)} />
			{advice?.needed && !on && <p class="why">{t("changes.needed")}</p>}
			{on && (
				<label class="inline-field">
					{t("changes.revert_after")}
					<select class="input" value={String(seconds)} onChange={(e) => onChange(true, Number(e.currentTarget.value))}>
						{list.map((s) => <option key={s} value={String(s)}>{format.duration(s)}</option>)}
					</select>
				</label>
			)}
		</div>
	);
}

// Titled is a card with a number beside its name.
export function Titled({ title, n, children }: { title: string; n?: number; children: preact.ComponentChildren }) {
	return <Card name={<>{title}{n !== undefined && <> <span class="badge">{n}</span></>}</>}>{children}</Card>;
}
