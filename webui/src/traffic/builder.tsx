// SPDX-License-Identifier: Apache-2.0
//
// The structured side of a condition: tests of a field with an operator and
// values, in groups of all, any, not all or none.
import { Button, Icon, t } from "../kit";
import { type Field, fields, functions, type Group, type Node, type Op, opOf, retarget, type Test } from "./expression";

const groups = ["request", "path", "fields", "client", "tls", "cert", "switch"] as const;

// How a group joins its parts, in one word for the list.
type Join = "all" | "any" | "notall" | "none";
const joinOf = (g: Group): Join => (g.kind === "all" ? (g.not ? "notall" : "all") : g.not ? "none" : "any");
const joined: Record<Join, Pick<Group, "kind" | "not">> = {
	all: { kind: "all", not: false }, any: { kind: "any", not: false }, notall: { kind: "all", not: true }, none: { kind: "any", not: true },
};

const fresh = (): Test => ({ kind: "test", not: false, fn: "path_prefix", args: [""] });

type Props<N> = { node: N; onChange: (n: Node) => void; onRemove?: (() => void) | undefined; where: string; readOnly?: boolean | undefined };

// Builder draws the tree of a condition. where names its place to screen readers.
export function Builder({ node, onChange, readOnly }: { node: Node; onChange: (n: Node) => void; readOnly?: boolean }) {
	// The outermost node is drawn as a group, so that there is always one to add to.
	const top: Group = node.kind === "test" ? { kind: "all", not: false, parts: [node] } : node;
	return <GroupBox node={top} onChange={onChange} where="1" readOnly={readOnly} />;
}

function GroupBox({ node, onChange, onRemove, where, readOnly }: Props<Group>) {
	const set = (i: number, n: Node | null) => onChange({ ...node, parts: n ? node.parts.map((p, at) => (at === i ? n : p)) : node.parts.filter((_, at) => at !== i) });
	return (
		<fieldset class="cond-group" disabled={readOnly}>
			<legend class="visually-hidden">{t("rules.group_at", { where })}</legend>
			<div class="row">
				<select class="input" aria-label={t("rules.group_how", { where })} value={joinOf(node)} onChange={(e) => onChange({ ...node, ...joined[e.currentTarget.value as Join] })}>
					{(["all", "any", "notall", "none"] as const).map((j) => <option key={j} value={j}>{t(`rules.join.${j}`)}</option>)}
				</select>
				{onRemove && <Button small kind="quiet" icon="trash" label={t("rules.group_remove", { where })} onClick={onRemove} />}
			</div>
			<div class="cond-parts">
				{node.parts.length === 0 && <p class="muted small">{t("rules.group_empty")}</p>}
				{node.parts.map((p, i) => {
					const at = `${where}.${i + 1}`;
					const props = { onChange: (n: Node) => set(i, n), onRemove: () => set(i, null), where: at, readOnly };
					return p.kind === "test" ? <TestRow key={i} node={p} {...props} /> : <GroupBox key={i} node={p} {...props} />;
				})}
			</div>
			<div class="row">
				<Button small icon="plus" onClick={() => onChange({ ...node, parts: [...node.parts, fresh()] })}>{t("rules.add_test")}</Button>
				<Button small kind="quiet" icon="plus" onClick={() => onChange({ ...node, parts: [...node.parts, { kind: node.kind === "all" ? "any" : "all", not: false, parts: [fresh()] }] })}>{t("rules.add_group")}</Button>
			</div>
		</fieldset>
	);
}

function TestRow({ node, onChange, onRemove, where }: Props<Test>) {
	const spec = functions.get(node.fn)!;
	const op = opOf(node);
	const field = spec.field;
	const named = field.named ? 1 : 0;
	const values = node.args.slice(named);
	const setValues = (v: string[]) => onChange({ ...node, args: [...node.args.slice(0, named), ...v] });
	const pick = (f: Field, o: Op) => onChange(retarget(node, f, o));
	return (
		<div class="cond-test" role="group" aria-label={t("rules.test_at", { where })}>
			<div class="cond-fields">
			<select class="input" aria-label={t("rules.field")} value={field.id} onChange={(e) => pick(fields.find((f) => f.id === e.currentTarget.value)!, op)}>
				{groups.map((g) => (
					<optgroup key={g} label={t(`rules.fields.${g}`)}>
						{fields.filter((f) => f.group === g).map((f) => <option key={f.id} value={f.id}>{t(`rules.field.${f.id}`)}</option>)}
					</optgroup>
				))}
			</select>
			{named === 1 && <input class="input" aria-label={t("rules.name_of", { field: t(`rules.field.${field.id}`) })} placeholder={t("rules.name")} value={node.args[0]} onInput={(e) => onChange({ ...node, args: [e.currentTarget.value, ...values] })} />}
			<select class="input" aria-label={t("rules.operator")} value={`${node.not ? "!" : ""}${op}`} onChange={(e) => {
				const not = e.currentTarget.value.startsWith("!");
				onChange({ ...retarget(node, field, e.currentTarget.value.replace("!", "") as Op), not });
			}}>
				{(Object.keys(field.ops) as Op[]).flatMap((o) => [<option key={o} value={o}>{t(`rules.op.${o}`)}</option>, <option key={`!${o}`} value={`!${o}`}>{t(`rules.nop.${o}`)}</option>])}
			</select>
			{op !== "true" && op !== "exists" && (
				<div class="cond-values">
					{values.map((v, i) => (
						<div key={i} class="row nowrap-row">
							{i > 0 && <span class="muted small">{t("rules.or")}</span>}
							<input class="input mono" aria-label={t("rules.value_n", { n: i + 1 })} placeholder={field.example.slice(0, 28)} value={v} onInput={(e) => setValues(values.map((x, at) => (at === i ? e.currentTarget.value : x)))} />
							{values.length > 1 && <Button small kind="quiet" icon="close" label={t("rules.value_remove", { n: i + 1 })} onClick={() => setValues(values.filter((_, at) => at !== i))} />}
						</div>
					))}
					{spec.max > 1 && <button type="button" class="link small" onClick={() => setValues([...values, ""])}><Icon name="plus" size={12} /> {t("rules.value_add")}</button>}
				</div>
			)}
			</div>
			<Button small kind="quiet" icon="trash" label={t("rules.test_remove", { where })} onClick={onRemove} />
		</div>
	);
}
