// SPDX-License-Identifier: Apache-2.0
//
// The rules of a cluster in their order, with what they do now. The order is
// that of the candidate; hits are those of what runs.
import { useSignal } from "@preact/signals";
import {
	Ago, type api, ask, Button, Count, Dialog, Empty, ErrorNotice, type Source, format, href, Icon, Live, Menu, Notice, Num,
	say, SelectField, Skeleton, StateIcon, stale, t, toastError,
} from "../kit";
import { type ClusterValues, type Config, edit, ofRule, path, type RuleValues } from "../draft/draft";
import { useRates } from "./rates";
import { RuleForm } from "./ruleform";

type Props = { config: Config; cluster: ClusterValues; live: Source<api.Rule>; problems: readonly api.Problem[]; again: () => void };

// before names the rule that a rule must stand before to be at place to of
// list (0 is the first); undefined is the end.
export function before(list: readonly string[], name: string, to: number): string | undefined {
	return list.filter((n) => n !== name)[to];
}

export function RuleList({ config, cluster, live, problems, again }: Props) {
	const form = useSignal<{ rule?: RuleValues } | null>(null);
	const moving = useSignal<string | null>(null);
	const dragged = useSignal<string | null>(null);
	const over = useSignal<string | null>(null);
	const rates = useRates(live, (r) => r.hits);
	const rules = cluster.rules;
	const names = rules.map((r) => r.name);
	const at = (name: string) => path("cluster", cluster.name, "rule", name);

	const run = async (edits: api.EditOp[], said: string) => {
		try {
			await edit(config, edits, said);
			again();
		} catch (err) {
			toastError(err);
			again();
		}
	};
	const move = (name: string, to: number) => {
		const b = before(names, name, to);
		return run([{ op: "move", path: at(name), ...(b === undefined ? {} : { before: path("rule", b) }) }], t("rules.moved", { name, n: to + 1 }));
	};
	const remove = (r: RuleValues) =>
		ask({
			title: t("rules.remove_title", { name: r.name }),
			text: t("rules.remove_text", { n: live.get(`${cluster.name}/${r.name}`)?.peek().hits ?? 0 }),
			act: t("rules.remove"), danger: true, need: "editor",
			run: async () => {
				await edit(config, [{ op: "remove", path: at(r.name) }], t("rules.removed", { name: r.name }));
				again();
			},
		});
	const add = <Button kind="primary" icon="plus" need="editor" onClick={() => (form.value = {})}>{t("rules.add")}</Button>;
	return (
		<div class="stack">
			<div class="row">
				<p class="muted grow full">{t("rules.order_help")}</p>
				<Button icon="tester" href={href("/tester", { cluster: cluster.name })}>{t("rules.try")}</Button>
				{rules.length > 0 && add}
			</div>
			{rules.length === 0 ? (
				<div class="table-wrap"><Empty title={t("rules.empty")} text={t("rules.empty_text")} actions={add} /></div>
			) : (
				<div class={`table-wrap${stale.value ? " stale" : ""}`}>
					<div class="table-scroll">
						<table class="table rules">
							<caption class="visually-hidden">{t("rules.caption", { cluster: cluster.name })}</caption>
							<thead>
								<tr>
									<th scope="col">{t("rules.order")}</th><th scope="col">{t("rules.rule")}</th><th scope="col">{t("rules.expression")}</th><th scope="col">{t("rules.target")}</th>
									<th scope="col" class="num">{t("rules.hits")}</th><th scope="col" class="num">{t("rules.rate")}</th><th scope="col">{t("rules.last_hit")}</th>
									<th scope="col"><span class="visually-hidden">{t("common.actions")}</span></th>
								</tr>
							</thead>
							<tbody>
								{rules.map((r, i) => {
									const key = `${cluster.name}/${r.name}`;
									const now = live.keys.value.includes(key) ? live.get(key) : undefined;
									const found = ofRule(problems, cluster.name, r.name);
									const drop = (e: DragEvent) => {
										e.preventDefault();
										const name = dragged.peek();
										over.value = null;
										if (name && name !== r.name) void move(name, i);
									};
									return (
										<tr
											key={r.name} data-edge={found.length > 0 ? "degraded" : r.disabled ? "disabled" : undefined} data-over={over.value === r.name ? "true" : undefined} class={dragged.value === r.name ? "dragged" : undefined}
											onDragOver={(e) => { if (dragged.peek()) { e.preventDefault(); over.value = r.name; } }} onDragLeave={() => { if (over.peek() === r.name) over.value = null; }} onDrop={drop}
										>
											<td class="edge">
												<div class="row nowrap-row rule-order">
													<span
														class="drag-grip" draggable title={t("rules.drag")} aria-hidden="true"
														onDragStart={(e) => { dragged.value = r.name; e.dataTransfer?.setData("text/plain", r.name); }} onDragEnd={() => { dragged.value = null; over.value = null; }}
													><Icon name="drag" /></span>
													<span class="tnum">{i + 1}</span>
													<Button small kind="quiet" icon="up" label={t("rules.move_up", { name: r.name })} need="editor" why={i === 0 ? t("rules.is_first") : undefined} onClick={() => move(r.name, i - 1)} />
													<Button small kind="quiet" icon="down" label={t("rules.move_down", { name: r.name })} need="editor" why={i === rules.length - 1 ? t("rules.is_last") : undefined} onClick={() => move(r.name, i + 1)} />
												</div>
											</td>
											<th scope="row" class="rule-name">
												<button type="button" class="link" onClick={() => (form.value = { rule: r })}>{r.name}</button>
												{r.disabled && <span class="tag">{t("common.state.disabled")}</span>}
												{!now && live.loaded.value && <span class="tag">{t("rules.in_draft")}</span>}
												{r.description && <span class="muted small as-block">{r.description}</span>}
											</th>
											<td class="wrap">
												<code class="when">{r.when}</code>
												{found.map((p) => <p key={p.message} class="status small"><StateIcon state={p.warning ? "degraded" : "down"} label={t(p.warning ? "common.warning" : "common.error")} /><span class="why">{say(p, "message")}</span></p>)}
											</td>
											<td><Target rule={r} cluster={cluster} /></td>
											<td class="num">{now ? <Live of={now} show={(v) => <Count of={v.hits} />} /> : "–"}</td>
											<td class="num"><Live of={rates} show={(m) => <Num q={format.rate(m.get(key))} />} /></td>
											<td>{now ? <Live of={now} show={(v) => <Ago at={v.last_hit} />} /> : "–"}</td>
											<td class="acts">
												<Menu
													small kind="quiet" icon="more" label={t("rules.actions", { name: r.name })}
													items={[
														{ text: t("rules.edit"), icon: "edit", onClick: () => (form.value = { rule: r }) },
														{ text: t("rules.try"), icon: "tester", href: href("/tester", { cluster: cluster.name }) },
														{ text: t("rules.move_to"), icon: "drag", need: "editor", ...(rules.length < 2 ? { why: t("rules.is_only") } : {}), onClick: () => (moving.value = r.name) },
														{ text: t(r.disabled ? "rules.enable" : "rules.disable"), need: "editor", onClick: () => void run([{ op: "patch", path: at(r.name), ...(r.disabled ? { unset: ["disabled"] } : { set: { disabled: true } }) }], t(r.disabled ? "rules.enabled_done" : "rules.disabled_done", { name: r.name })) },
														"line",
														{ text: t("rules.remove"), icon: "trash", need: "editor", onClick: () => void remove(r) },
													]}
												/>
											</td>
										</tr>
									);
								})}
								<tr class="otherwise">
									<td class="edge" /><th scope="row">{t("rules.otherwise")}</th><td class="wrap muted">{t("rules.otherwise_text")}</td>
									<td><Target rule={{ pool: cluster.pool ?? "", responder: cluster.responder ?? "" }} cluster={cluster} /></td><td /><td /><td /><td />
								</tr>
							</tbody>
						</table>
					</div>
				</div>
			)}
			{form.value && <RuleForm config={config} cluster={cluster.name} rule={form.value.rule} onClose={() => { form.value = null; again(); }} />}
			{moving.value && <MoveTo names={names} name={moving.value} onClose={() => (moving.value = null)} onMove={(to) => move(moving.peek()!, to)} />}
		</div>
	);
}

function MoveTo({ names, name, onClose, onMove }: { names: readonly string[]; name: string; onClose: () => void; onMove: (to: number) => Promise<void> }) {
	const to = useSignal(String(names.indexOf(name)));
	const act = async () => {
		if (Number(to.peek()) !== names.indexOf(name)) await onMove(Number(to.peek()));
		onClose();
	};
	const options = names.map((n, i) => ({ value: String(i), text: n === name ? t("rules.place_now", { n: i + 1 }) : t("rules.place_of", { n: i + 1, name: n }) }));
	return (
		<Dialog title={t("rules.move_title", { name })} onClose={onClose} footer={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" need="editor" onClick={act}>{t("rules.move")}</Button></>}>
			<SelectField label={t("rules.place")} value={to.value} onChange={(v) => (to.value = v)} options={options} />
		</Dialog>
	);
}

// Target says where the requests of a rule go.
export function Target({ rule, cluster }: { rule: { pool?: string; responder?: string }; cluster?: { pool?: string; responder?: string } }) {
	const pool = rule.pool || (!rule.responder ? cluster?.pool : "");
	return (
		<span class="row rule-target">
			{pool && <a href={`/pools/${encodeURIComponent(pool)}`}><Icon name="pool" /> {pool}</a>}
			{rule.responder && <a class={pool ? "muted" : undefined} href={href("/responders", { responder: rule.responder })}><Icon name="responder" /> {pool ? t("rules.else_responder", { name: rule.responder }) : rule.responder}</a>}
			{!pool && !rule.responder && "–"}
		</span>
	);
}

// Configured draws what needs the configuration, and its states while there is
// none.
export function Configured({ config, error, again, children }: { config: Config | undefined; error: unknown; again: () => void; children: (c: Config) => preact.ComponentChildren }) {
	if (!config) return error ? <ErrorNotice error={error} title={t("rules.no_config")} retry={again}><Button small href="/changes/text">{t("rules.to_text")}</Button></ErrorNotice> : <Skeleton />;
	return <>{error !== null && <Notice kind="warning" actions={<Button small href="/changes/text">{t("rules.to_text")}</Button>}>{t("rules.config_old")}</Notice>}{children(config)}</>;
}
