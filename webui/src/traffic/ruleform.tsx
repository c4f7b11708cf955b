// SPDX-License-Identifier: Apache-2.0
//
// The form of one rule: condition as a tree and as text side by side, and
// where its requests go. The box checks what is typed before anything is kept.
import { batch, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type api, Button, call, CallError, CheckField, Dialog, ErrorNotice, format, Notice, say, SelectField, t, TextField } from "../kit";
import { Builder } from "./builder";
import { type Config, edit, faults, ofRule, path, type RuleValues } from "../draft/draft";
import { type Node, parse, print, quote, SyntaxProblem } from "./expression";

// why says in words what is wrong with the syntax of a condition.
export function why(p: SyntaxProblem, text: string): string {
	return t(`rules.syntax.${p.kind}`, { at: format.count(p.at + 1), what: p.what || text.slice(p.at, p.at + 12) });
}

function read(text: string): { node: Node | null; problem: SyntaxProblem | null } {
	try {
		return { node: parse(text), problem: null };
	} catch (err) {
		if (err instanceof SyntaxProblem) return { node: null, problem: err };
		throw err;
	}
}

// A name of a block: what the language takes as a label and people can type.
export const nameWrong = (name: string, others: readonly string[]): string | undefined =>
	name.trim() === "" ? t("rules.name_missing") : !/^[A-Za-z0-9][\w.-]{0,46}$/.test(name) ? t("rules.name_letters") : others.includes(name) ? t("rules.name_taken", { name }) : undefined;

type Props = { config: Config; cluster: string; rule?: RuleValues | undefined; onClose: () => void };

export function RuleForm({ config, cluster, rule, onClose }: Props) {
	const c = config.values.clusters.find((x) => x.name === cluster);
	const name = useSignal(rule?.name ?? "");
	const description = useSignal(rule?.description ?? "");
	const when = useSignal(rule?.when ?? 'path_prefix("/")');
	const pool = useSignal(rule?.pool ?? "");
	const responder = useSignal(rule?.responder ?? "");
	const disabled = useSignal(rule?.disabled ?? false);
	const error = useSignal<unknown>(null);
	const found = useSignal<readonly api.Problem[]>([]);
	const touched = useSignal(false);
	const area = useRef<HTMLTextAreaElement>(null);
	// The tree that the builder made: its groups of one part are not in the text.
	const built = useSignal<Node | null>(null);
	const { node: parsed, problem } = read(when.value);
	const node = built.value && print(built.value) === when.value ? built.value : parsed;
	const others = (c?.rules ?? []).map((r) => r.name).filter((n) => n !== rule?.name);
	const wrongName = nameWrong(name.value, others);

	const edits = (): api.EditOp[] => {
		const hcl: Record<string, string> = { when: when.peek() };
		const unset: string[] = [];
		const put = (key: string, v: string) => (v ? (hcl[key] = quote(v)) : unset.push(key));
		put("description", description.peek());
		put("pool", pool.peek());
		put("responder", responder.peek());
		if (disabled.peek()) hcl["disabled"] = "true";
		else unset.push("disabled");
		const parent = path("cluster", cluster);
		if (!rule) return [{ op: "insert", path: parent, type: "rule", label: name.peek(), hcl }];
		const at = path("cluster", cluster, "rule", rule.name);
		return [{ op: "patch", path: at, hcl, unset }, ...(name.peek() === rule.name ? [] : [{ op: "rename", path: at, label: name.peek() }])];
	};

	// The box tells what it thinks of the whole half a second after the last key.
	useEffect(() => {
		if (problem || wrongName || !config.base) {
			found.value = [];
			return;
		}
		const stop = new AbortController();
		const timer = setTimeout(() => {
			call("config.try", { base: config.base, ...(config.version ? { version: config.version } : {}), edits: edits() }, { signal: stop.signal }).then(
				(r) => (found.value = ofRule(r.problems, cluster, name.peek())),
				() => (found.value = []), // saving shows it
			);
		}, 500);
		return () => {
			clearTimeout(timer);
			stop.abort();
		};
	}, [when.value, name.value, pool.value, responder.value, disabled.value]);

	const save = async () => {
		touched.value = true;
		if (wrongName || problem) return;
		error.value = null;
		try {
			const tried = await call("config.try", { base: config.base, ...(config.version ? { version: config.version } : {}), edits: edits() });
			const bad = tried.problems.filter((p) => !p.warning);
			if (bad.length > 0) {
				error.value = new CallError(-32010, t("rules.not_kept"), { kind: "config.invalid", problems: bad });
				return;
			}
			const d = await edit(config, edits(), t(rule ? "rules.changed" : "rules.added", { name: name.peek() }));
			if (faults(d).length === 0) onClose();
		} catch (err) {
			error.value = err;
		}
	};
	const poolOptions = [{ value: "", text: t(responder.value ? "rules.no_pool" : "rules.cluster_pool", { pool: c?.pool ?? "–" }) }, ...config.values.pools.map((p) => ({ value: p.name, text: p.name }))];
	const responderOptions = [{ value: "", text: t("rules.cluster_responder") }, ...config.values.responders.map((r) => ({ value: r.name, text: r.name }))];
	return (
		<Dialog
			wide title={rule ? t("rules.edit_title", { name: rule.name }) : t("rules.add_title", { cluster })} onClose={onClose}
			footer={<>
				<span class="muted small grow">{t("rules.draft_only")}</span>
				<Button onClick={onClose}>{t("common.cancel")}</Button>
				<Button kind="primary" need="editor" onClick={save}>{t(rule ? "rules.save" : "rules.add")}</Button>
			</>}
		>
			<div class="form one">
				<div class="rule-two">
					<TextField label={t("rules.rule_name")} value={name.value} onChange={(v) => (name.value = v)} error={touched.value ? wrongName : undefined} autofocus={!rule} maxLength={47} />
					<TextField label={t("rules.description")} optional value={description.value} onChange={(v) => (description.value = v)} />
				</div>
				<div class="cond-side">
					<section aria-label={t("rules.structured")}>
						<h3 class="field-label">{t("rules.structured")}</h3>
						{node ? (
							<Builder node={node} onChange={(n) => batch(() => { built.value = n; when.value = print(n); })} />
						) : (
							<Notice kind={problem!.kind === "comment" ? "info" : "warning"}>
								<p>{why(problem!, when.value)}</p>
								<p class="muted small">{t("rules.mend_text")}</p>
							</Notice>
						)}
					</section>
					<section aria-label={t("rules.as_text")}>
						<label class="field-label" for="rule-when">{t("rules.as_text")}</label>
						<textarea
							id="rule-when" ref={area} class="input mono" rows={7} spellcheck={false} value={when.value} aria-invalid={problem ? "true" : undefined} aria-describedby="rule-when-help"
							onInput={(e) => (when.value = e.currentTarget.value)}
						/>
						<p class="help muted small" id="rule-when-help">{t("rules.text_help")}</p>
						{problem && <Button small kind="quiet" onClick={() => { area.current?.focus(); area.current?.setSelectionRange(problem.at, Math.min(when.peek().length, problem.at + 1)); }}>{t("rules.go_there")}</Button>}
						{found.value.length > 0 && (
							<div class="stack" aria-live="polite">
								{found.value.map((p) => <Notice key={p.message} kind={p.warning ? "warning" : "error"}>{say(p, "message")}</Notice>)}
							</div>
						)}
					</section>
				</div>
				<div class="rule-two">
					<SelectField label={t("rules.pool")} value={pool.value} onChange={(v) => (pool.value = v)} options={poolOptions} help={t("rules.pool_help")} />
					<SelectField label={t("rules.responder")} value={responder.value} onChange={(v) => (responder.value = v)} options={responderOptions} help={t("rules.responder_help")} />
				</div>
				<CheckField label={t("rules.disabled")} help={t("rules.disabled_help")} value={disabled.value} onChange={(v) => (disabled.value = v)} />
				{error.value !== null && <ErrorNotice error={error.value} title={t("rules.not_saved")} />}
			</div>
		</Dialog>
	);
}
