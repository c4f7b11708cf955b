// SPDX-License-Identifier: Apache-2.0
//
// History: every revision, who made it and what became of it; what differs
// between any two; and the way back.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, Button, call, Card, Choice, Dialog, ErrorNotice, format, go, has, hello, type Item, Menu, mutate, Notice, Page, place, RadioField, setQuery, Skeleton, StateIcon, t, Table, TextField, Time, toast, toastError, tx, useCall, useList, useTopic } from "../kit";
import { Changes, confirmRange, ConfirmChoice } from "../components/changes";
import { commentText } from "../components/happened";
import { DiffView } from "../components/text";
import { download } from "../download";
import { moveOf, setMove } from "../moved";

type Row = api.Revision & { running: boolean };

const originName = (o: string) => (has(`history.origin.${o}`) ? t(`history.origin.${o}`) : o);

// stateOf says what became of a revision, in the words of common.state.
function stateWord(r: Row): "up" | "waiting" | "failed" | "ok" {
	if (r.status === "pending") return "waiting";
	if (r.status === "reverted") return "failed";
	return r.running ? "up" : "ok";
}

function State({ r }: { r: Row }) {
	const s = r.settled;
	const text = r.running && r.status === "confirmed" ? t("history.runs") : has(`history.status.${r.status}`) ? t(`history.status.${r.status}`) : r.status;
	const icons = { up: "up", waiting: "degraded", failed: "disabled" } as const;
	const word = stateWord(r);
	return (
		<span class="status">
			{word !== "ok" && <StateIcon state={icons[word]} />}
			<span class={word === "ok" ? "muted" : undefined}>{text}</span>
			{r.status === "reverted" && s && <span class="muted why">{s.origin === "confirm-timeout" ? t("history.not_kept") : s.author ? tx("history.taken_back", { author: s.author }) : s.origin === "boot" ? t("history.restarted") : s.why}</span>}
			{r.status === "confirmed" && s?.author && s.author !== r.author && <span class="muted why">{t("history.kept_by", { author: s.author })}</span>}
		</span>
	);
}

export default function HistoryPage() {
	const history = useCall("config.history", {});
	const confirm = useTopic("state.confirm");
	const drafts = useTopic("state.candidate");
	// The list is not live by itself: what runs and what waits tell when to ask again.
	const news = [...confirm.keys.value.map((k) => confirm.get(k)!.value.revision), ...drafts.keys.value.map((k) => drafts.get(k)!.value.running)].join(" ");
	useEffect(() => {
		if (history.data.peek()) history.again();
	}, [news, confirm.keys.value.length]);
	const back = useSignal<Row | null>(null);
	const list = history.data.value?.revisions;
	const runs = list?.find((r) => r.status !== "reverted")?.number;
	const rows = useList<Row>(list?.map((r) => ({ ...r, running: r.number === runs })), (r) => String(r.number), history.error.value);
	const { from, to } = place.value.query;

	const save = (r: Row) =>
		call("config.text", { revision: r.number }).then((x) => download(`${hello.value?.hostname || "evener"}-${r.number}.hcl`, x.text), toastError);
	const actions = (r: Row): Item[] => [
		{ text: t("history.compare_before"), icon: "review", onClick: () => setQuery({ from: r.parent, to: r.number }), ...(r.parent === 0 ? { why: t("history.first") } : {}) },
		{ text: t("history.compare_running"), icon: "review", onClick: () => setQuery({ from: r.number, to: runs }), ...(r.running ? { why: t("history.it_runs") } : {}) },
		{ text: t("history.download"), icon: "download", onClick: () => void save(r) },
		"line",
		{ text: t("history.back"), icon: "history", need: "editor", onClick: () => (back.value = r), ...(r.running ? { why: t("history.it_runs") } : {}) },
	];
	return (
		<Page name={t("history.title")}>
			{from && to && <Difference key={`${from} ${to}`} from={Number(from)} to={Number(to)} revisions={list ?? []} />}
			<Table<Row>
				name="revisions" caption={t("history.title")} source={rows} retry={history.again} sort="-number"
				open={(r) => setQuery({ from: r.parent || r.number, to: r.number })}
				bulk={(keys) => <Button small why={keys.length === 2 ? undefined : t("history.pick_two")} onClick={() => { const [a, b] = keys.map(Number).sort((x, y) => x - y); setQuery({ from: a, to: b }); }}>{t("history.compare")}</Button>}
				columns={[
					{ id: "number", head: t("history.number"), num: true, by: (r) => r.number, cell: (r) => r.number },
					{ id: "time", head: t("common.time"), by: (r) => r.time, cell: (r) => <Time at={r.time} /> },
					{ id: "author", head: t("history.author"), by: (r) => r.author, cell: (r) => r.author },
					{ id: "origin", head: t("history.origin"), by: (r) => originName(r.origin), cell: (r) => r.source ? t("history.origin_back", { n: r.source }) : originName(r.origin) },
					{ id: "comment", head: t("history.comment"), by: (r) => commentText(r.author, r.comment ?? ""), wrap: true, cell: (r) => commentText(r.author, r.comment ?? "") || <span class="muted">–</span> },
					{ id: "state", head: t("history.state"), wrap: true, by: (r) => r.status, cell: (r) => <State r={r} /> },
				]}
				actions={(r) => <Menu small kind="quiet" icon="more" label={t("history.actions", { n: r.number })} items={actions(r)} />}
				empty={{ title: t("history.empty"), text: t("history.empty_text") }}
			/>
			{back.value && <Back of={back.value} runs={runs ?? 0} onClose={() => (back.value = null)} />}
		</Page>
	);
}

function Difference({ from, to, revisions }: { from: number; to: number; revisions: readonly api.Revision[] }) {
	const how = useSignal<"words" | "text">("words");
	const words = useCall("config.compare", how.value === "words" ? { from, to } : null);
	const text = useCall("config.diff", how.value === "text" ? { from, to } : null);
	const shown = how.value === "words" ? words : text;
	const pick = (label: string, value: number, set: (v: string) => void) => (
		<label class="inline-field">{label}
			<select class="input" value={String(value)} onChange={(e) => set(e.currentTarget.value)}>
				{revisions.map((r) => <option key={r.number} value={String(r.number)}>{`${r.number} · ${r.author} · ${format.moment(Date.parse(r.time))}`}</option>)}
			</select>
		</label>
	);
	return (
		<Card
			name={t("history.difference", { from, to })}
			actions={<>
				<Choice label={t("history.show_as")} value={how.value} onChange={(v) => (how.value = v)} options={[{ value: "words", text: t("history.words") }, { value: "text", text: t("history.text") }]} />
				<Button kind="quiet" icon="close" label={t("common.close")} onClick={() => setQuery({ from: "", to: "" })} />
			</>}
		>
			<div class="stack">
				{revisions.length > 1 && (
					<div class="pickers">
						{pick(t("history.from"), from, (v) => setQuery({ from: v }))}
						{pick(t("history.to"), to, (v) => setQuery({ to: v }))}
					</div>
				)}
				{shown.error.value ? <ErrorNotice error={shown.error.value} retry={shown.again} />
					: how.value === "text" ? (text.data.value ? <DiffView text={text.data.value.text} label={t("history.difference", { from, to })} /> : <Skeleton rows={4} />)
					: !words.data.value ? <Skeleton rows={4} />
					: words.data.value.changes.length === 0 ? <p class="muted">{t("history.same")}</p>
					: <Changes list={words.data.value.changes} />}
			</div>
		</Card>
	);
}

// Back rolls back: as a draft that can be reviewed, or at once.
function Back({ of: r, runs, onClose }: { of: Row; runs: number; onClose: () => void }) {
	const how = useSignal<"candidate" | "now">("candidate");
	const confirm = useSignal({ on: true, seconds: confirmRange.usual });
	const comment = useSignal("");
	const error = useSignal<unknown>(null);
	const drafts = useTopic("state.candidate");
	const own = drafts.keys.value.map((k) => drafts.get(k)!.value).find((d) => d.version !== undefined && d.changes !== 0);
	const run = async () => {
		error.value = null;
		try {
			if (how.peek() === "candidate") {
				await mutate("config.rollback", { revision: r.number, as_candidate: true });
				onClose();
				go("/changes/review");
				return;
			}
			const c = await mutate("config.rollback", { revision: r.number, ...(comment.peek().trim() ? { comment: comment.peek().trim() } : {}), ...(confirm.peek().on ? { confirm_s: confirm.peek().seconds } : {}) });
			onClose();
			setMove(moveOf(c));
			if (moveOf(c)) go("/changes/review");
			else toast(t("history.went_back", { n: r.number, now: c.revision.number }));
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Dialog
			title={t("history.back_title", { n: r.number })} onClose={onClose}
			footer={<><Button onClick={onClose}>{t("common.cancel")}</Button><Button kind="primary" need="editor" onClick={run}>{how.value === "candidate" ? t("history.back_candidate_act") : t("history.back_now_act", { n: r.number })}</Button></>}
		>
			<div class="form">
				<p>{t("history.back_text", { n: r.number, runs })}</p>
				<RadioField
					label={t("history.how")} value={how.value} onChange={(v) => (how.value = v)}
					options={[{ value: "candidate", text: t("history.as_candidate"), help: t("history.as_candidate_help") }, { value: "now", text: t("history.at_once"), help: t("history.at_once_help") }]}
				/>
				{how.value === "candidate" && own && <Notice kind="warning">{t("history.replaces_draft")}</Notice>}
				{how.value === "now" && <>
					<TextField label={t("history.comment")} value={comment.value} onChange={(v) => (comment.value = v)} maxLength={500} optional />
					<ConfirmChoice on={confirm.value.on} seconds={confirm.value.seconds} onChange={(on, seconds) => (confirm.value = { on, seconds })} />
				</>}
				{error.value !== null && <ErrorNotice error={error.value} />}
				<p class="muted">{t("history.stays")}</p>
			</div>
		</Dialog>
	);
}
