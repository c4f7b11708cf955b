// SPDX-License-Identifier: Apache-2.0
//
// Edit as text: the whole configuration in the box's own language, with its
// diagnostics while one types, an outline and what each keyword means.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Ago, type api, ask, boxNow, Button, call, CallError, Card, Code, comma, ErrorNotice, has, hello, Icon, may, mutate, needs, Notice, Page, place, Skeleton, stale, Status, t, toast, toastError, tx, useCall, useKeys, useTopic } from "../kit";
import { typeName } from "../components/changes";
import { caret, enclosing, type Mark, offset, outline } from "../components/outline";
import { CodeArea, DiffView } from "../components/text";
import { helpOf, withoutOf } from "../draft/keyword";
import { type LocalDraft, readDraft, writeDraft } from "../localdraft";
import type { Problem } from "../wire";

const wait = 400; // milliseconds without a key before the box is asked

export default function EditPage() {
	const user = hello.value?.session?.user ?? "";
	const turn = useSignal(0);
	const source = useSignal<api.SourceText | null>(null);
	const error = useSignal<CallError | null>(null);
	useEffect(() => {
		let gone = false;
		call("config.source", {}).then(
			(s) => {
				if (gone) return;
				source.value = s;
				error.value = null;
			},
			(err: CallError) => {
				if (!gone) error.value = err;
			},
		);
		return () => {
			gone = true;
		};
	}, [turn.value]);
	if (!source.value) {
		return <Page name={t("edit.title")}>{error.value ? <ErrorNotice error={error.value} retry={() => turn.value++} /> : <Skeleton rows={12} />}</Page>;
	}
	return <Editor key={`${user} ${source.value.base} ${source.value.version ?? ""} ${turn.value}`} user={user} from={source.value} reload={() => { source.value = null; turn.value++; }} />;
}

function Editor({ user, from, reload }: { user: string; from: api.SourceText; reload: () => void }) {
	const kept = useMemo(() => readDraft(user), []);
	const restored = kept && kept.text !== from.text ? kept : null;
	const text = useSignal(restored?.text ?? from.text);
	// What the next save is based on: that of the restored draft, if there is one,
	// so that nobody's later change is overwritten unseen.
	const on = useSignal({ base: restored?.base ?? from.base, version: restored?.version ?? from.version ?? "", text: from.text });
	const problems = useSignal<readonly Problem[]>([]);
	const checked = useSignal<"" | "checking" | "done">("");
	const failed = useSignal<unknown>(null);
	const conflict = useSignal<CallError | null>(null);
	const noStorage = useSignal(false);
	const at = useSignal({ line: 1, col: 1, word: "" });
	const area = useRef<HTMLDivElement>(null);
	const input = () => area.current?.querySelector("textarea") ?? null;
	const dirty = text.value !== on.value.text;
	const marks = useMemo(() => outline(text.value), [text.value]);
	const readOnly = !may("editor");
	useDrafts(on.value, dirty, reload, conflict);

	// The box checks what stands still for a moment.
	useEffect(() => {
		const stop = new AbortController();
		const timer = setTimeout(() => {
			checked.value = "checking";
			call("config.check", { text: text.peek() || "\n" }, { signal: stop.signal }).then(
				(r) => {
					problems.value = r.problems;
					checked.value = "done";
				},
				(err: CallError) => {
					if (err.code === Code.cancelled) return;
					checked.value = "done";
					if (err.data.problems?.length) problems.value = err.data.problems;
					else failed.value = err;
				},
			);
		}, checked.peek() ? wait : 0);
		return () => {
			clearTimeout(timer);
			stop.abort();
		};
	}, [text.value]);

	const keep = (d: LocalDraft | null) => (noStorage.value = !writeDraft(user, d));
	const change = (v: string) => {
		text.value = v;
		keep(v === on.peek().text ? null : { text: v, base: on.peek().base, version: on.peek().version, time: boxNow() });
	};
	const look = () => {
		const el = input();
		if (el && document.activeElement === el) at.value = caret(el.value, el.selectionStart);
	};
	const goTo = (line: number, col = 1) => {
		const el = input();
		if (!el) return;
		const start = offset(el.value, line, col);
		el.focus();
		el.setSelectionRange(start, start);
		el.scrollTop = Math.max(0, (line - 6) * 20);
		look();
	};
	useEffect(() => {
		const { line, col } = place.peek().query;
		if (line) goTo(Number(line) || 1, Number(col) || 1);
		document.addEventListener("selectionchange", look);
		return () => document.removeEventListener("selectionchange", look);
	}, []);

	const save = async (version = on.peek().version) => {
		if (readOnly) return;
		failed.value = null;
		const saved = text.peek();
		try {
			const c = await mutate("config.set", { text: saved, base: on.peek().base, draft: true, ...(version ? { version } : {}) });
			on.value = { base: c.base ?? on.peek().base, version: c.version ?? "", text: saved };
			conflict.value = null;
			keep(text.peek() === saved ? null : { text: text.peek(), base: on.peek().base, version: on.peek().version, time: boxNow() });
			toast(t("edit.saved"), { act: { text: t("edit.review"), run: () => document.querySelector<HTMLAnchorElement>("a[href='/changes/review']")?.click() } });
		} catch (err) {
			if (err instanceof CallError && err.code === Code.conflict) conflict.value = err;
			else failed.value = err;
		}
	};
	const tidy = async () => {
		try {
			change((await call("config.format", { text: text.peek() })).text);
		} catch (err) {
			if (err instanceof CallError && err.data.problems?.length) problems.value = err.data.problems;
			toastError(err);
		}
	};
	const revert = () =>
		ask({
			title: t("edit.revert_title"), text: t("edit.revert_text"), act: t("edit.revert_act"), danger: true,
			run: async () => {
				keep(null);
				reload();
			},
		});
	useKeys([{ keys: "Mod+S", text: t("edit.save"), run: () => void save() }], []);
	const bad = problems.value.filter((p) => !p.warning).length;
	return (
		<Page
			name={t("edit.title")} state={<State checked={checked.value} bad={bad} warnings={problems.value.length - bad} />}
			actions={<>
				<Button icon="text" onClick={tidy}>{t("edit.format")}</Button>
				<Button why={dirty ? undefined : t("edit.unchanged")} onClick={revert}>{t("edit.revert")}</Button>
				<Button kind="primary" need="editor" why={dirty ? undefined : t("edit.unchanged")} onClick={() => save()}>{t("edit.save")}</Button>
			</>}
		>
			{readOnly && <Notice>{t("edit.read_only", { why: needs("editor") })}</Notice>}
			{restored && dirty && <Notice kind="warning" actions={<Button small onClick={revert}>{t("edit.revert")}</Button>}><p>{tx("edit.restored", { when: <Ago at={new Date(restored.time).toISOString()} /> })}</p></Notice>}
			{noStorage.value && <Notice kind="warning">{t("edit.no_storage")}</Notice>}
			{conflict.value && <Conflict error={conflict.value} mine={text.value} overwrite={(v) => save(v)} take={() => { keep(null); reload(); }} base={(b) => (on.value = { ...on.peek(), ...b })} />}
			{failed.value !== null && <ErrorNotice error={failed.value} />}
			<div class="editor">
				<nav class="outline" aria-label={t("edit.outline")}>
					<h2>{t("edit.outline")}</h2>
					<Outline marks={marks} line={at.value.line} go={goTo} />
				</nav>
				<div ref={area} class={stale.value ? "stale" : undefined}>
					<CodeArea label={t("edit.text")} value={text.value} onChange={change} problems={problems.value} rows={28} readOnly={readOnly} />
					<p class="caret muted tnum">{t("changes.line", { line: at.value.line, col: at.value.col })}{" · "}{dirty ? t("edit.dirty") : on.value.version ? t("edit.is_candidate") : t("edit.is_running", { n: on.value.base })}</p>
				</div>
				<Help path={enclosing(marks, at.value.line)} word={at.value.word} />
			</div>
		</Page>
	);
}

function State({ checked, bad, warnings }: { checked: string; bad: number; warnings: number }) {
	if (checked !== "done") return <Status word="checking" />;
	if (bad > 0) return <Status word={t("edit.mistakes", { n: bad })} state="down" />;
	if (warnings > 0) return <Status word={t("edit.warnings", { n: warnings })} state="degraded" />;
	return <Status word="ok">{t("edit.no_mistakes")}</Status>;
}

// useDrafts follows the candidate: a form or another window may change it while
// this text is open.
function useDrafts(on: { base: number; version: string }, dirty: boolean, reload: () => void, conflict: { value: CallError | null }): void {
	const drafts = useTopic("state.candidate");
	const own = drafts.keys.value.map((k) => drafts.get(k)!.value).find((d) => d.version !== undefined);
	const seen = useRef("");
	const now = own?.version ?? "";
	useEffect(() => {
		if (!drafts.loaded.value) return;
		const before = seen.current;
		seen.current = now;
		if (before === now || now === on.version || before === "") return;
		if (!dirty) reload();
		else conflict.value = new CallError(Code.conflict, "", { kind: "config.stale", args: own ? { version: on.version, current: now, base: own.base, author: own.author, time: own.time } : { version: on.version } });
	}, [now, on.version, drafts.loaded.value]);
}

// Conflict says that the candidate is another one by now, and offers both ways
// out. What was typed stays in the text until it is decided.
function Conflict({ error, mine, overwrite, take, base }: { error: CallError; mine: string; overwrite: (version: string) => Promise<void>; take: () => void; base: (b: { base: number; version: string }) => void }) {
	const theirs = useCall("config.source", {});
	const args = error.data.args ?? {};
	const other = theirs.data.value;
	const diff = useMemo(() => (other ? lineDiff(other.text, mine) : ""), [other?.text, mine]);
	return (
		<Notice kind="warning" actions={<>
			<Button small need="editor" why={other ? undefined : t("common.loading")} onClick={async () => { base({ base: other!.base, version: other!.version ?? "" }); await overwrite(other!.version ?? ""); }}>{t("edit.keep_mine")}</Button>
			<Button small onClick={() => ask({ title: t("edit.take_title"), text: t("edit.take_text"), act: t("edit.take_act"), danger: true, run: async () => take() })}>{t("edit.take_theirs")}</Button>
		</>}>
			<strong>{t("edit.conflict")}</strong>
			<p>{args["author"] ? tx("edit.conflict_who", { author: <b>{String(args["author"])}</b>, when: <Ago at={String(args["time"] ?? "")} /> }) : t("edit.conflict_gone")}</p>
			{theirs.error.value && <ErrorNotice error={theirs.error.value} retry={theirs.again} />}
			{diff && <details><summary>{t("edit.conflict_diff")}</summary><DiffView text={diff} label={t("edit.conflict_diff")} /></details>}
		</Notice>
	);
}

// lineDiff shows the stretch in which two texts differ, as a unified diff.
export function lineDiff(from: string, to: string): string {
	if (from === to) return "";
	const [a, b] = [from.split("\n"), to.split("\n")];
	let head = 0;
	while (head < a.length && head < b.length && a[head] === b[head]) head++;
	let tail = 0;
	while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
	const start = Math.max(0, head - 3);
	const out = [
		...a.slice(start, head).map((l) => ` ${l}`), ...a.slice(head, a.length - tail).map((l) => `-${l}`),
		...b.slice(head, b.length - tail).map((l) => `+${l}`), ...a.slice(a.length - tail, a.length - tail + 3).map((l) => ` ${l}`),
	];
	return `@@ -${start + 1} +${start + 1} @@\n${out.join("\n")}`;
}

function Outline({ marks, line, go }: { marks: readonly Mark[]; line: number; go: (line: number) => void }) {
	const here = enclosing(marks, line).at(-1);
	const list = marks.filter((m) => m.depth < 2 && (m.depth === 0 || m.label));
	if (list.length === 0) return <p class="muted">{t("edit.outline_empty")}</p>;
	return (
		<ul>
			{list.map((m) => (
				<li key={`${m.line} ${m.type} ${m.label}`} data-depth={m.depth}>
					<button type="button" aria-current={m === here ? "true" : undefined} onClick={() => go(m.line)}><span class="muted">{typeName(m.type)}</span> {m.label}</button>
				</li>
			))}
		</ul>
	);
}

// Help tells what may stand where the caret is.
function Help({ path, word }: { path: readonly Mark[]; word: string }) {
	const language = useCall("config.language", {});
	const blocks = language.data.value?.blocks;
	if (language.error.value) return <aside class="keyhelp"><ErrorNotice error={language.error.value} retry={language.again} /></aside>;
	if (!blocks) return <aside class="keyhelp"><Skeleton rows={4} /></aside>;
	const block = findBlock(blocks, path);
	const keyword = block?.keywords.find((k) => k.name === word);
	const named = !keyword ? blocks.find((b) => b.name === word) : undefined;
	const inside = blocks.filter((b) => (block ? b.in?.includes(block.name) : !b.in?.length));
	return (
		<aside class="keyhelp" aria-label={t("edit.help")}>
			{keyword && <Card name={<code>{keyword.name}</code>}><KeywordHelp block={block!.name} k={keyword} /></Card>}
			{named && named !== block && <Card name={<code>{named.name}</code>}><p>{purposeOf(named)}</p></Card>}
			<Card name={block ? <code>{block.title ?? block.name}</code> : t("edit.top")}>
				<div class="stack" style={{ gap: "8px" }}>
					{block && <p>{purposeOf(block)}</p>}
					{inside.length > 0 && <p><span class="muted">{t("edit.blocks")}</span> {inside.map((b) => <code key={b.name + (b.title ?? "")} class="val" title={purposeOf(b)}>{b.name}</code>)}</p>}
					{block && (
						<details open={!keyword}>
							<summary>{t("edit.keywords", { n: block.keywords.length })}</summary>
							<ul class="plain-list words">{block.keywords.map((k) => <li key={k.name}><code>{k.name}</code>{k.required && <Icon name="warning" label={t("edit.required")} />} <span class="muted">{helpOf(block.name, k)}</span></li>)}</ul>
						</details>
					)}
				</div>
			</Card>
		</aside>
	);
}

// findBlock returns what the language says of the innermost block of a path.
export function findBlock(blocks: readonly api.Block[], path: readonly Mark[]): api.Block | undefined {
	const last = path.at(-1);
	if (!last) return undefined;
	const outer = path.at(-2)?.type;
	return blocks.find((b) => b.name === last.type && (outer ? b.in?.includes(outer) : !b.in?.length));
}

// The language words itself in English; reference.json has the other languages.
const worded = (key: string, text: string) => (has(`reference.${key}`) ? t(`reference.${key}`) : text);
const purposeOf = (b: api.Block) => worded(`block.${(b.title ?? b.name).replaceAll(" ", "_")}`, b.purpose);

function KeywordHelp({ block, k }: { block: string; k: api.Keyword }) {
	const range = k.min || k.max ? t("edit.range", { min: k.min || "–", max: k.max || "–" }) : "";
	const defaults = Object.entries(k.default_for ?? {});
	return (
		<div class="stack" style={{ gap: "8px" }}>
			<p>{helpOf(block, k)}</p>
			<dl class="facts">
				<dt>{t("edit.kind")}</dt><dd><code>{worded(`kind.${k.kind.replaceAll(" ", "_")}`, k.kind)}</code>{range && ` ${range}`}</dd>
				{k.one_of && <><dt>{t("edit.one_of")}</dt><dd>{k.one_of.map((v) => <code key={v} class="val">{v}</code>)}</dd></>}
				{(k.default || k.unset) && <><dt>{t("edit.default")}</dt><dd>{k.default ? <code>{k.default}</code> : withoutOf(block, k)}</dd></>}
				{defaults.length > 0 && <><dt>{t("edit.default_for")}</dt><dd>{defaults.map(([x, v]) => <span key={x} class="nowrap">{x} <code>{v}</code> </span>)}</dd></>}
				{k.ref && <><dt>{t("edit.ref")}</dt><dd>{typeName(k.ref)}</dd></>}
				{k.only && <><dt>{t("edit.only")}</dt><dd>{comma(k.only)}</dd></>}
				{k.required && <><dt>{t("edit.required")}</dt><dd><Icon name="check" label={t("edit.required")} /></dd></>}
			</dl>
		</div>
	);
}
