// SPDX-License-Identifier: Apache-2.0
//
// Short messages, and the polite live region through which screen readers hear
// of them. At most one announcement in five seconds: what comes faster is said
// together.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Button } from "./button";
import { errorText } from "./errors";
import { Icon } from "./icons";

type Kind = "ok" | "warning" | "error";
type Message = { id: number; kind: Kind; text: string; act?: { text: string; run: () => void } };

const messages = signal<readonly Message[]>([]);
const said = signal("");
let nextID = 1;

// toast shows a message for eight seconds; one that can be acted on stays for
// twenty, an error until it is closed.
export function toast(text: string, o: { kind?: Kind; act?: Message["act"] } = {}): void {
	const m: Message = { id: nextID++, kind: o.kind ?? "ok", text, ...(o.act ? { act: o.act } : {}) };
	messages.value = [...messages.value.slice(-3), m];
	announce(text);
	if (m.kind !== "error") setTimeout(() => drop(m.id), m.act ? 20_000 : 8_000);
}

// toastError shows what went wrong.
export function toastError(err: unknown): void {
	toast(errorText(err), { kind: "error" });
}

function drop(id: number): void {
	messages.value = messages.value.filter((m) => m.id !== id);
}

const every = 5000;
let waiting: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

// announce says text to screen readers.
export function announce(text: string): void {
	waiting.push(text);
	if (timer) return;
	said.value = waiting.join(". ");
	waiting = [];
	timer = setTimeout(() => {
		timer = undefined;
		said.value = "";
		const rest = waiting;
		waiting = [];
		if (rest.length > 0) announce(rest.length > 3 ? t("common.news", { n: rest.length, last: rest.at(-1)! }) : rest.join(". "));
	}, every);
}

// Toasts is where the shell draws the messages. A popover stays above dialogs.
export function Toasts() {
	const box = useRef<HTMLDivElement>(null);
	const any = messages.value.length > 0;
	useEffect(() => {
		const b = box.current;
		if (!b?.showPopover) return;
		if (any) b.hidePopover();
		if (any) b.showPopover();
		else b.hidePopover();
	}, [messages.value]);
	return (
		<>
			<div class="visually-hidden" style={{ insetBlockStart: 0 }} role="status" aria-live="polite">{said.value}</div>
			<div class="toasts" ref={box} popover="manual" role="region" aria-label={t("common.messages")}>
				{messages.value.map((m) => (
					<div key={m.id} class={`toast ${m.kind}`}>
						<Icon name={m.kind === "ok" ? "check" : m.kind} />
						<div>{m.text}</div>
						{m.act && <Button small onClick={() => { drop(m.id); m.act!.run(); }}>{m.act.text}</Button>}
						<Button small kind="quiet" icon="close" label={t("common.close")} onClick={() => drop(m.id)} />
					</div>
				))}
			</div>
		</>
	);
}
