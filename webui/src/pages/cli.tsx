// SPDX-License-Identifier: Apache-2.0
//
// The command line: a line is sent to the box, which runs it with the rights of
// the session and answers with text. There is no terminal: nothing that is shown
// can command one.
import { batch, signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { announce, type api, Button, CallError, call, ErrorNotice, hello, mutate, Page, type PageProps, t, tx } from "../kit";

type Said = { id: number; line: string; output: string; exit: number; note: string };

const most = 50; // answers that are kept
const remembered = 100; // lines
const answers = signal<readonly Said[]>([]); // they outlive the page, not the tab
let count = 0;

const place = () => `evener.cli.${hello.peek()?.session?.user ?? ""}`;

// recall returns the lines that were run in this tab, the oldest first.
export function recall(): string[] {
	try {
		const list: unknown = JSON.parse(sessionStorage.getItem(place()) ?? "[]");
		return Array.isArray(list) ? list.filter((l) => typeof l === "string") : [];
	} catch {
		return [];
	}
}

// remember adds a line; one that is repeated stands once.
export function remember(line: string): void {
	const list = [...recall().filter((l) => l !== line), line].slice(-remembered);
	try {
		sessionStorage.setItem(place(), JSON.stringify(list));
	} catch {
		// A browser that keeps nothing: the arrow keys find nothing.
	}
}

// common is what all texts begin with.
export function common(texts: readonly string[]): string {
	let head = texts[0] ?? "";
	for (const x of texts) while (!x.startsWith(head)) head = head.slice(0, -1);
	return head;
}

// goOn puts a completion into a line that ends at the cursor; null: there is none.
// Of several it puts in what they have in common.
export function goOn(before: string, c: api.Completions): string | null {
	const head = before.slice(0, before.length - c.replaces.length);
	const texts = c.completions.map((x) => x.text);
	if (texts.length === 0) return null;
	if (texts.length === 1) return head + texts[0] + (c.space ? " " : "");
	const all = common(texts);
	return all.length > c.replaces.length ? head + all : before;
}

// A Found is what could stand in a line in place of the word at the cursor.
export type Found = { head: string; after: string; space: boolean; list: readonly api.Completion[] };

const nothing: Found = { head: "", after: "", space: false, list: [] };

// found keeps which part of a line the completions replace: only the box knows
// where a word begins that stands in quotes.
export function found(before: string, after: string, c: api.Completions): Found {
	return { head: before.slice(0, before.length - c.replaces.length), after, space: c.space, list: c.completions };
}

// choose puts one of the completions into its line, and says where the cursor is then.
export function choose(f: Found, text: string): { line: string; cursor: number } {
	const done = `${f.head}${text}${f.space ? " " : ""}`;
	return { line: done + f.after, cursor: done.length };
}

export default function CommandLine(_: PageProps) {
	const line = useSignal("");
	const busy = useSignal<AbortController | null>(null);
	const error = useSignal<unknown>(null);
	const ways = useSignal<Found>(nothing);
	const input = useRef<HTMLInputElement>(null);
	const log = useRef<HTMLDivElement>(null);
	const back = useRef(0); // how many lines back the arrow keys have gone
	const typed = useRef(""); // what was there before
	const stuck = useRef(""); // the line that Tab could not complete: the next Tab leaves
	useEffect(() => () => busy.peek()?.abort(), []);
	useEffect(() => { if (log.current) log.current.scrollTop = log.current.scrollHeight; }, [answers.value]);

	const set = (text: string, cursor = text.length) => {
		line.value = text;
		const el = input.current;
		if (!el) return;
		el.value = text; // at once: what is typed next belongs behind it
		el.setSelectionRange(cursor, cursor);
	};
	const write = (v: string) => batch(() => { line.value = v; ways.value = nothing; back.current = 0; });
	const add = (said: Omit<Said, "id">) => (answers.value = [...answers.peek(), { ...said, id: count++ }].slice(-most));
	const run = async (text: string) => {
		if (!text || busy.peek()) return;
		remember(text);
		write("");
		if (text === "clear") { answers.value = []; return; }
		const stop = new AbortController();
		batch(() => { busy.value = stop; error.value = null; });
		try {
			const r = await mutate("cli.exec", { line: text }, { timeout: 100_000, signal: stop.signal });
			const notes = [r.cut && t("cli.cut"), r.timed_out && t("cli.timed_out"), r.exit !== 0 && !r.timed_out && t("cli.exit", { code: r.exit })];
			add({ line: text, output: r.output, exit: r.exit, note: notes.filter(Boolean).join(" ") });
			announce(r.exit === 0 ? t("cli.done") : t("cli.exit", { code: r.exit }));
		} catch (err) {
			if (stop.signal.aborted) add({ line: text, output: "", exit: 1, note: t("cli.cancelled") });
			else batch(() => { error.value = err; line.value = text; });
		} finally {
			busy.value = null;
			input.current?.focus();
		}
	};
	const complete = async () => {
		const at = input.current?.selectionStart ?? line.peek().length;
		const before = line.peek().slice(0, at);
		const after = line.peek().slice(at);
		try {
			const c = await call("cli.complete", { line: before });
			if (line.peek() !== before + after) return; // typed on meanwhile
			const next = goOn(before, c);
			if (next === null || (next === before && c.completions.length < 2)) {
				stuck.current = line.peek();
				announce(t("cli.no_completion"));
			}
			ways.value = c.completions.length > 1 ? found(before, after, c) : nothing;
			if (c.completions.length > 1) announce(t("cli.completions", { n: c.completions.length }));
			if (next !== null) set(next + after, next.length);
		} catch (err) {
			if (!(err instanceof CallError)) throw err;
			stuck.current = line.peek();
			announce(t("cli.no_completion"));
		}
	};
	const history = (step: number) => {
		const list = recall();
		const to = Math.min(Math.max(back.current + step, 0), list.length);
		if (back.current === 0) typed.current = line.peek();
		back.current = to;
		ways.value = nothing;
		set(to === 0 ? typed.current : list[list.length - to]!);
	};
	const key = (e: KeyboardEvent) => {
		if (e.isComposing || e.altKey || e.metaKey) return;
		if (e.key === "Tab" && !e.shiftKey && !e.ctrlKey && line.peek().trim() && stuck.current !== line.peek()) {
			e.preventDefault();
			void complete();
		} else if (e.key === "ArrowUp" || e.key === "ArrowDown") {
			e.preventDefault();
			history(e.key === "ArrowUp" ? 1 : -1);
		} else if (e.key === "Escape" && ways.peek().list.length) {
			e.preventDefault();
			ways.value = nothing;
		} else if (e.ctrlKey && e.key === "l") {
			e.preventDefault();
			answers.value = [];
		} else if (e.ctrlKey && e.key === "c" && busy.peek() && getSelection()?.isCollapsed !== false) {
			e.preventDefault();
			busy.peek()?.abort();
		}
	};
	const take = (c: api.Completion) => {
		const next = choose(ways.peek(), c.text);
		write(next.line);
		set(next.line, next.cursor);
		input.current?.focus();
	};
	const s = hello.value?.session;
	return (
		<Page name={t("cli.title")} actions={<Button icon="trash" why={answers.value.length ? undefined : t("cli.nothing")} onClick={() => { answers.value = []; input.current?.focus(); }}>{t("cli.clear")}</Button>}>
			<p class="muted">{tx("cli.about", { user: <strong>{s?.user ?? ""}</strong>, role: t(`common.role.${s?.role ?? "viewer"}`), help: <code>help</code> })}</p>
			{answers.value.length > 0 && (
				<div class="cli-log" ref={log} role="log" aria-label={t("cli.log")} tabIndex={0}>
					{answers.value.map((a) => (
						<article key={a.id} data-bad={a.exit !== 0 || undefined}>
							<h2><span aria-hidden="true">&gt; </span>{a.line}</h2>
							{a.output && <pre>{a.output}</pre>}
							{a.note && <p class="small">{a.note}</p>}
						</article>
					))}
				</div>
			)}
			{error.value !== null && <ErrorNotice error={error.value} />}
			<form class="cli-line" noValidate onSubmit={(e) => { e.preventDefault(); void run(line.peek().trim()); }}>
				<label for="cli-line">{t("cli.command")}</label>
				<input
					ref={input} id="cli-line" class="input mono" value={line.value} onInput={(e) => write(e.currentTarget.value)} onKeyDown={key} autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck={false}
					placeholder="show servers" maxLength={4000} aria-describedby="cli-help"
				/>
				{busy.value ? <Button icon="close" onClick={() => busy.peek()?.abort()}>{t("cli.cancel")}</Button> : <Button kind="primary" type="submit" icon="play" why={line.value.trim() ? undefined : t("cli.empty")}>{t("cli.run")}</Button>}
			</form>
			{busy.value && <p class="muted" role="status">{t("cli.running")}</p>}
			{ways.value.list.length > 0 && (
				<ul class="cli-found" aria-label={t("cli.found")}>
					{ways.value.list.map((c) => <li key={c.text}><button type="button" class="link" onClick={() => take(c)}><code>{c.text}</code></button>{c.help && <span class="muted small">{c.help}</span>}</li>)}
				</ul>
			)}
			<p class="muted small" id="cli-help">{t("cli.keys")}</p>
		</Page>
	);
}
