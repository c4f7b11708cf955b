// SPDX-License-Identifier: Apache-2.0
//
// Review changes: what a commit changes and risks, what others have committed
// meanwhile, and the commit.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Ago, type api, ask, Button, call, CallError, Card, CheckField, Choice, Countdown, Empty, ErrorNotice, format, go, may, mutate, needs, Notice, Page, Skeleton, stale, t, TextField, toast, tx, useCall, useTopic } from "../kit";
import { Changes, confirmRange, ConfirmChoice, NewText, pathText, Problems, Tests, Titled, Warnings } from "../components/changes";
import { Conflicts } from "../components/conflicts";
import { Moved } from "../components/movedpage";
import { DiffView } from "../components/text";
import { arrived, move, moveOf, setMove } from "../moved";
import { undoable, undoEdits } from "../undo";

export default function ReviewPage() {
	const drafts = useTopic("state.candidate");
	const all = drafts.keys.value.map((k) => drafts.get(k)!.value);
	const own = all.find((c) => c.version !== undefined);
	const review = useCall("config.review", may("editor") ? {} : null);
	const done = useSignal<api.Committed | null>(null);
	useEffect(() => {
		if (drafts.loaded.peek()) review.again();
	}, [own?.version, own?.running]);

	const none = review.error.value?.kind === "config.no_candidate";
	const r = none ? undefined : review.data.value;
	return (
		<Page name={t("review.title")} state={r && <span class="muted">{t("review.on", { n: r.base })}</span>} actions={r && <DiscardAll n={r.changes.length} />}>
			{arrived.value && <Arrived />}
			{move.value && <Moved move={move.value} onClose={() => setMove(null)} />}
			{done.value && !move.value && <Done of={done.value} />}
			<Others list={all.filter((c) => c.version === undefined)} own={own !== undefined} />
			{!may("editor") ? <Empty title={t("common.forbidden")} text={needs("editor")} />
				: none ? <Nothing />
				: r ? <div class={`stack${stale.value ? " stale" : ""}`}><Body r={r} done={done} again={review.again} />{review.error.value && <ErrorNotice error={review.error.value} retry={review.again} />}</div>
				: review.error.value ? <ErrorNotice error={review.error.value} retry={review.again} />
				: <Skeleton rows={8} />}
		</Page>
	);
}

const Nothing = () => (
	<Empty
		title={t("review.nothing")} text={t("review.nothing_text")}
		actions={<><Button href="/changes/text">{t("review.edit_text")}</Button><Button href="/changes/history">{t("review.history")}</Button></>}
	/>
);

function DiscardAll({ n }: { n: number }) {
	return (
		<Button
			need="editor" icon="trash"
			onClick={() => ask({ title: t("review.discard_title"), text: t("review.discard_text", { n }), act: t("review.discard_act", { n }), danger: true, need: "editor", run: () => mutate("config.discard", {}) })}
		>{t("review.discard")}</Button>
	);
}

// Others says who else has a draft: their changes and yours may meet. One that
// nobody of the box has is an admin's to take over or to discard.
function Others({ list, own }: { list: readonly api.DraftState[]; own: boolean }) {
	if (list.length === 0) return null;
	return (
		<Notice>
			<strong>{t("review.others", { n: list.length })}</strong>
			<ul class="plain-list">{list.map((d) => <li key={d.author}>{tx(d.changes < 0 ? "review.other_broken" : "review.other", { author: <b>{d.author}</b>, n: d.changes, base: d.base, when: <Ago at={d.time} /> })} {d.orphan && <Orphan d={d} own={own} />}</li>)}</ul>
		</Notice>
	);
}

function Orphan({ d, own }: { d: api.DraftState; own: boolean }) {
	const { author } = d;
	const adopt = () =>
		ask({
			title: t("review.adopt_act", { author }), text: t("review.adopt_text"), act: t("review.adopt"), need: "admin",
			run: async () => { await mutate("config.adopt", { author }); toast(t("review.adopted", { author })); },
		});
	const drop = () => ask({ title: t("review.other_drop_act", { author }), text: t("review.other_drop_text"), act: t("review.other_drop"), danger: true, need: "admin", run: () => mutate("config.discard", { author }) });
	return (
		<span class="row">
			<span class="tag">{t("review.orphan")}</span>
			<Button small need="admin" why={own ? t("review.adopt_own") : undefined} label={t("review.adopt_act", { author })} onClick={adopt}>{t("review.adopt")}</Button>
			<Button small need="admin" label={t("review.other_drop_act", { author })} onClick={drop}>{t("review.other_drop")}</Button>
		</span>
	);
}

// Arrived greets who has come from the old address of the console.
function Arrived() {
	const topic = useTopic("state.confirm");
	const c = topic.keys.value.map((k) => topic.get(k)!.value)[0];
	if (!c) return <Notice kind="ok">{t("review.arrived_plain")}</Notice>;
	const keep = async () => {
		await mutate("config.confirm", { revision: c.revision });
		arrived.value = false;
		toast(t("review.kept", { n: c.revision }));
	};
	return (
		<Notice kind="ok" actions={<Button kind="primary" need="editor" onClick={() => keep().catch((err: unknown) => toast(String(err), { kind: "error" }))}>{t("review.keep", { n: c.revision })}</Button>}>
			<strong>{t("review.arrived")}</strong>
			<p>{tx("review.arrived_text", { n: c.revision, time: <Countdown until={c.deadline} /> })}</p>
		</Notice>
	);
}

function Done({ of: c }: { of: api.Committed }) {
	const system = useTopic("state.system");
	const confirms = useTopic("state.confirm");
	const waits = confirms.keys.value.some((k) => confirms.get(k)!.value.revision === c.revision.number);
	const back = () =>
		ask({
			title: t("review.undo_title", { n: c.revision.number }), text: t("review.undo_text", { n: c.revision.parent }), act: t("review.undo_act", { n: c.revision.parent }), need: "editor",
			run: () => mutate("config.rollback", { revision: c.revision.parent }),
		});
	// Rolled back, or followed by another commit: it runs no more.
	if ((system.get("box")?.value.revision ?? 0) > c.revision.number) return null;
	return (
		<Notice kind="ok" actions={<><Button small href="/changes/history">{t("review.history")}</Button>{!waits && <Button small need="editor" onClick={back}>{t("review.undo")}</Button>}</>}>
			<strong>{t("review.done", { n: c.revision.number })}</strong>
			{waits && <p>{t("review.done_pending")}</p>}
		</Notice>
	);
}

// drop takes the changes of one object back to what runs.
async function drop(path: string, version: string): Promise<void> {
	const [running, mine] = await Promise.all([call("config.object", { path: "", on: "running" }), call("config.object", { path: "", on: "candidate" })]);
	const text = running.blocks.includes(path) ? (await call("config.object", { path, on: "running" })).text : undefined;
	await mutate("config.edit", { version, edits: undoEdits(path, text, running.blocks, mine.blocks) });
	toast(t("review.dropped", { name: pathText(path) }));
}

function Body({ r, done, again }: { r: api.Review; done: Signal<api.Committed | null>; again: () => void }) {
	const how = useSignal<"words" | "text">("words");
	const bad = r.problems.filter((p) => !p.warning);
	const odd = r.problems.filter((p) => p.warning);
	const at = (p: api.Problem) => `/changes/text?line=${p.line}&col=${p.col ?? 1}`;
	const behind = r.base !== r.running;
	return (
		<div class="review">
			<div class="stack">
				{behind && <Behind r={r} again={again} />}
				{r.outside && <Notice kind="error">{t("review.outside", { name: pathText(r.outside) })}</Notice>}
				{bad.length > 0 && <Titled title={t("review.mistakes", { n: bad.length })}><Problems list={bad} at={at} /></Titled>}
				{odd.length > 0 && <Titled title={t("review.language_warnings")} n={odd.length}><Problems list={odd} at={at} /></Titled>}
				{r.warnings.length > 0 && <Titled title={t("review.warnings")} n={r.warnings.length}><Warnings list={r.warnings} /></Titled>}
				<Card
					name={<>{t("review.changes")} <span class="badge">{r.changes.length}</span></>}
					actions={<Choice label={t("review.show_as")} value={how.value} onChange={(v) => (how.value = v)} options={[{ value: "words", text: t("review.words") }, { value: "text", text: t("review.text") }]} />}
				>
					{how.value === "text" ? <DiffView text={r.text} label={t("review.diff")} />
						: r.changes.length === 0 ? <p class="muted">{r.text ? t("review.only_layout") : t("common.no_difference")}</p>
						: <Changes list={r.changes} more={(path) => <NewText path={path} />} drop={(path) => undoable(path) && (
							<Button
								small kind="quiet" need="editor" why={behind ? t("review.rebase_first") : undefined}
								onClick={() => ask({ title: t("review.drop_title", { name: pathText(path) }), text: t("review.drop_text"), act: t("review.drop_act"), danger: true, need: "editor", run: () => drop(path, r.version) })}
							>{t("review.drop")}<span class="visually-hidden"> {pathText(path)}</span></Button>
						)} />}
				</Card>
				{r.tests.length > 0 && <Titled title={t("review.tests", { n: r.tests.filter((x) => x.passed).length, all: r.tests.length })}><Tests list={r.tests} /></Titled>}
			</div>
			<Commit r={r} bad={bad.length} done={done} />
		</div>
	);
}

// Behind says what others have committed while this candidate was edited.
function Behind({ r, again }: { r: api.Review; again: () => void }) {
	const history = useCall("config.history", {});
	const since = (history.data.value?.revisions ?? []).filter((x) => x.number > r.base && x.number <= r.running);
	const error = useSignal<unknown>(null);
	const rebase = async () => {
		error.value = null;
		try {
			const out = await mutate("config.rebase", { version: r.version });
			if (out.done) toast(t("review.rebased", { n: out.base }));
			again();
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Card name={t("review.behind", { n: r.running - r.base })}>
			<div class="stack">
				<ul class="plain-list">
					{since.map((x) => <li key={x.number}>{tx("review.since", { n: x.number, author: <b>{x.author}</b>, when: <Ago at={x.time} /> })}{x.comment && <span class="muted"> — {x.comment}</span>}</li>)}
				</ul>
				{r.conflicts.length === 0 ? (
					<>
						<p>{t("review.fits")}</p>
						<div><Button kind="primary" need="editor" onClick={rebase}>{t("review.rebase", { n: r.running })}</Button></div>
					</>
				) : <Conflicts list={r.conflicts} version={r.version} again={again} />}
				{error.value !== null && <ErrorNotice error={error.value} />}
			</div>
		</Card>
	);
}

function Commit({ r, bad, done }: { r: api.Review; bad: number; done: Signal<api.Committed | null> }) {
	const confirms = useTopic("state.confirm");
	const waits = confirms.keys.value.map((k) => confirms.get(k)!.value)[0];
	const comment = useSignal("");
	const chosen = useSignal<{ on: boolean; seconds: number } | null>(null);
	const force = useSignal(false);
	const error = useSignal<unknown>(null);
	const advised = r.confirm.confirm ? Math.min(confirmRange.max, Math.max(confirmRange.min, format.parseDuration(r.confirm.confirm))) : confirmRange.usual;
	const { on, seconds } = chosen.value ?? { on: r.confirm.advised, seconds: advised };
	const failed = r.tests.filter((x) => !x.passed).length;
	const cut = r.warnings.filter((w) => w.severity === "error" && w.kind.startsWith("lockout."));
	const why = bad > 0 ? t("review.why_mistakes", { n: bad })
		: r.base !== r.running ? t("review.rebase_first")
		: r.outside ? t("review.outside", { name: pathText(r.outside) })
		: waits ? t("review.why_waits", { author: waits.author })
		: r.changes.length === 0 && !r.text ? t("common.no_difference")
		: failed > 0 && !force.value ? t("review.why_tests", { n: failed })
		: undefined;
	const send = async () => {
		error.value = null;
		try {
			const c = await mutate("config.commit", { version: r.version, ...(comment.peek().trim() ? { comment: comment.peek().trim() } : {}), ...(on ? { confirm_s: seconds } : {}), ...(force.peek() || (r.confirm.needed && !on) ? { force: true } : {}) });
			done.value = c;
			setMove(moveOf(c));
			if (!moveOf(c)) toast(t("review.done", { n: c.revision.number }));
		} catch (err) {
			error.value = err;
		}
	};
	// A commit that shuts its author out, without a way back, wants a second thought.
	const commit = () => ((cut.length > 0 || r.confirm.needed) && !on ? ask({ title: t("review.cut_title"), text: <>{r.confirm.needed && <p>{t("changes.needed")}</p>}<Warnings list={cut} /></>, act: t("review.cut_act"), danger: true, need: "editor", run: send }).then(() => undefined) : send());
	return (
		<aside class="commit" aria-label={t("review.commit")}>
			<Card name={t("review.commit")}>
				<form class="form" onSubmit={(e) => { e.preventDefault(); if (!why) void commit(); }}>
					<TextField label={t("review.comment")} help={t("review.comment_help")} value={comment.value} onChange={(v) => (comment.value = v)} maxLength={500} optional />
					<ConfirmChoice advice={r.confirm} on={on} seconds={seconds} onChange={(o, s) => (chosen.value = { on: o, seconds: s })} />
					{failed > 0 && <CheckField label={t("review.force", { n: failed })} value={force.value} onChange={(v) => (force.value = v)} />}
					{error.value !== null && <ErrorNotice error={error.value}>{error.value instanceof CallError && error.value.kind === "config.stale" && <Button small onClick={() => go("/changes/review")}>{t("common.retry")}</Button>}</ErrorNotice>}
					{why && <p class="muted why" id="why-not">{why}</p>}
					<Button kind="primary" need="editor" why={why} onClick={commit}>{on ? t("review.commit_confirm", { time: format.duration(seconds) }) : t("review.commit_now")}</Button>
				</form>
			</Card>
		</aside>
	);
}
