// SPDX-License-Identifier: Apache-2.0
//
// Dialogs on the browser's own <dialog>: it keeps the focus inside, closes on
// Escape and gives the focus back.
import { signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Role } from "../api";
import { t } from "../i18n";
import { Button } from "./button";
import { ErrorNotice } from "./errors";

let last: Element | null = null;

// opener is what has the focus before a dialog opens. A dialog that takes the
// place of another one goes back to where that came from.
function opener(): Element | null {
	const now = document.activeElement;
	if (now && now !== document.body && !now.closest("dialog")) last = now;
	return last;
}

// Dialog is narrow for a question, of the width of a form with long lines, or wide
// for what stands side by side.
export function Dialog({ title, form, wide, onClose, children, footer }: { title: string; form?: boolean; wide?: boolean; onClose: () => void; children: ComponentChildren; footer?: ComponentChildren }) {
	const box = useRef<HTMLDialogElement>(null);
	const id = useId();
	// What had the focus before anything in the dialog could take it.
	const from = useRef<Element | null | undefined>(undefined);
	if (from.current === undefined) from.current = opener();
	useEffect(() => {
		const d = box.current;
		if (d && !d.open) d.showModal();
		return () => {
			d?.close();
			// Once it is out of the document, which the browser's own return does not outlast.
			setTimeout(() => {
				if (document.activeElement === document.body && from.current instanceof HTMLElement && from.current.isConnected) from.current.focus();
			});
		};
	}, []);
	return (
		<dialog ref={box} class={`dialog${wide ? " wide" : form ? " mid" : ""}`} aria-labelledby={id} onCancel={(e) => { e.preventDefault(); onClose(); }}>
			<header>
				<h2 id={id}>{title}</h2>
				<Button kind="quiet" icon="close" label={t("common.close")} onClick={onClose} />
			</header>
			<div class="body">{children}</div>
			{footer && <footer>{footer}</footer>}
		</dialog>
	);
}

// A Question is asked before something that has consequences.
export type Question = {
	title: string; // "Drain 2 servers"
	text: ComponentChildren; // the consequence, with numbers
	act: string; // verb and object for the button
	danger?: boolean;
	need?: Role;
	type?: string; // must be typed first: only for what cannot be taken back
	run: () => Promise<unknown>; // a failure is shown in the dialog
};

const asked = signal<{ q: Question; settle: (done: boolean) => void } | null>(null);

// ask shows a question and resolves to whether it was done.
export function ask(q: Question): Promise<boolean> {
	asked.peek()?.settle(false);
	return new Promise((resolve) => {
		asked.value = {
			q,
			settle: (done) => {
				asked.value = null;
				resolve(done);
			},
		};
	});
}

// Questions is where the shell draws what was asked.
export function Questions() {
	const a = asked.value;
	return a && <Ask key={a.q.title} q={a.q} settle={a.settle} />;
}

function Ask({ q, settle }: { q: Question; settle: (done: boolean) => void }) {
	const error = useSignal<unknown>(null);
	const typed = useSignal("");
	const id = useId();
	const run = async () => {
		error.value = null;
		try {
			await q.run();
			settle(true);
		} catch (err) {
			error.value = err;
		}
	};
	const why = q.type && typed.value !== q.type ? t("common.type_first", { name: q.type }) : undefined;
	return (
		<Dialog
			title={q.title} onClose={() => settle(false)}
			footer={<>
				<Button autofocus={q.danger} onClick={() => settle(false)}>{t("common.cancel")}</Button>
				<Button kind={q.danger ? "danger" : "primary"} need={q.need} why={why} onClick={run}>{q.act}</Button>
			</>}
		>
			<div>{q.text}</div>
			{q.type && (
				<div class="field">
					<label for={id}>{t("common.type_first", { name: q.type })}</label>
					<input id={id} class="input" value={typed.value} autocomplete="off" onInput={(e) => (typed.value = e.currentTarget.value)} />
				</div>
			)}
			{error.value !== null && <ErrorNotice error={error.value} />}
		</Dialog>
	);
}
