// SPDX-License-Identifier: Apache-2.0
//
// The panel on the front of the box, drawn with what it shows and its keys. A
// key is down here for as long as it is held, by pointer or keyboard.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type api, Card, Empty, ErrorNotice, may, needs, mutate, Notice, say, Skeleton, Status, t, useTopic } from "../kit";

type Key = "up" | "down" | "left" | "right" | "enter" | "escape";
const order: readonly Key[] = ["up", "left", "enter", "right", "down", "escape"];
const signs: Record<Key, string> = { up: "▲", down: "▼", left: "◀", right: "▶", enter: "✓", escape: "✕" };

// Keys of a keyboard that stand for those of the panel, while its screen or one
// of its keys has the focus.
const keyboard: Record<string, Key> = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Enter: "enter", Escape: "escape" };

const tapped = 300; // ms; who holds a key for longer means more than a tap

// A Presser tells the box of keys in the order in which they go down and up. A tap is
// one order: on a slow line a key that is let go by another stays down until that
// comes, and the box repeats it.
class Presser {
	private down = new Map<Key, number>(); // the timer of a tap; 0: it is held for longer
	private pressed = new Set<Key>(); // as the box knows
	private last: Promise<unknown> = Promise.resolve();
	private readonly failed: (err: unknown) => void;

	constructor(failed: (err: unknown) => void) {
		this.failed = failed;
	}

	press(key: Key): void {
		if (this.down.has(key)) return; // the keyboard repeats
		this.down.set(key, window.setTimeout(() => {
			this.down.set(key, 0);
			this.send(key, "down");
		}, tapped));
	}

	release(key: Key): void {
		const timer = this.down.get(key);
		if (timer === undefined) return;
		clearTimeout(timer);
		this.down.delete(key);
		this.send(key, timer ? "press" : "up");
	}

	// releaseAll is for when nobody can tell any more that a key is let go.
	releaseAll(): void {
		for (const k of [...this.down.keys()]) this.release(k);
	}

	// A key that could not be pressed, as by somebody who gave no password, is not let go either.
	private send(key: Key, action: "down" | "up" | "press"): void {
		const run = async () => {
			if (action === "up" && !this.pressed.delete(key)) return;
			await mutate("panel.press", { key, action });
			if (action === "down") this.pressed.add(key);
		};
		this.last = this.last.then(run).catch(this.failed);
	}
}

export function PanelCard() {
	const source = useTopic("state.panel");
	const first = source.keys.value[0];
	const s = first === undefined ? undefined : source.get(first)?.value;
	return (
		<Card name={t("hardware.panel")}>
			{source.error.value ? <ErrorNotice error={source.error.value} /> : s ? <PanelView s={s} /> : source.loaded.value ? <Empty title={t("hardware.panel_none")} /> : <Skeleton rows={3} />}
		</Card>
	);
}

export function PanelView({ s }: { s: api.PanelScreen }) {
	const error = useSignal<unknown>(null);
	const touched = useSignal(false);
	const keys = useRef<Presser | null>(null);
	keys.current ??= new Presser((err) => (error.value = err));
	useEffect(() => {
		const all = () => keys.current!.releaseAll();
		addEventListener("blur", all);
		return () => {
			removeEventListener("blur", all);
			all();
		};
	}, []);
	const refused = needs("admin") || (s.mode === "off" ? t("hardware.panel_off") : "");
	const down = (k: Key) => {
		if (refused) return;
		error.value = null;
		touched.value = true;
		keys.current!.press(k);
	};
	const up = (k: Key) => keys.current!.release(k);
	const onKey = (e: KeyboardEvent, what: (k: Key) => void, own?: Key) => {
		const k = (e.key === " " || e.key === "Enter") && own ? own : keyboard[e.key];
		if (!k || !s.keys.includes(k) || e.ctrlKey || e.altKey || e.metaKey) return;
		e.preventDefault();
		e.stopPropagation();
		what(k);
	};
	const offered = order.filter((k) => s.keys.includes(k));
	return (
		<div class="stack">
			<Facts s={s} />
			{s.private ? <Notice kind="warning">{t("hardware.panel_private")}</Notice> : (
				<div class="lcd">
					<Screen s={s} live={touched.value} onKeyDown={(e) => onKey(e, down)} onKeyUp={(e) => onKey(e, up)} />
					{s.leds.length > 0 && <ul class="lcd-leds" aria-label={t("hardware.panel_leds")}>{s.leds.map((c, i) => <li key={i}>{i < 2 && <span class="muted">{t(i ? "hardware.led.alarm" : "hardware.led.status")}</span>}<Lamp colour={c} />{t(`hardware.colour.${c}`)}</li>)}</ul>}
				</div>
			)}
			{offered.length > 0 && (
				<div class="lcd-keys" role="group" aria-label={t("hardware.panel_keys")} data-cross={offered.includes("left") || undefined}>
					{offered.map((k) => (
						<button
							key={k} type="button" class="button" data-key={k} aria-label={t(`hardware.key.${k}`)} title={refused || t(`hardware.key.${k}`)} aria-disabled={refused ? "true" : undefined} aria-description={refused || undefined}
							onPointerDown={(e) => { if (e.button === 0) { e.currentTarget.setPointerCapture(e.pointerId); down(k); } }} onPointerUp={() => up(k)} onPointerCancel={() => up(k)} onContextMenu={(e) => e.preventDefault()}
							onKeyDown={(e) => onKey(e, down, k)} onKeyUp={(e) => onKey(e, up, k)} onBlur={() => keys.current!.releaseAll()}
							onClick={(e) => { if (e.detail === 0) { down(k); up(k); } }}
						>{signs[k]}</button>
					))}
				</div>
			)}
			{offered.length > 0 && <p class="small muted">{t(may("admin") ? "hardware.panel_help" : "hardware.panel_read")}</p>}
			{error.value !== null && <ErrorNotice error={error.value} />}
		</div>
	);
}

function Facts({ s }: { s: api.PanelScreen }) {
	return (
		<div class="row">
			{!s.model && !s.connected && !s.problem ? <Status word={t("hardware.panel_virtual")} state="info" /> : <Status word={s.connected ? t("hardware.panel_connected") : t("hardware.panel_lost")} state={s.connected ? "up" : "down"}>{say(s, "problem")}</Status>}
			<span class="muted">{[s.model, `${s.cols} × ${s.rows}`, s.mode !== "full" && t(`hardware.mode.${s.mode}`)].filter(Boolean).join(" · ")}</span>
		</div>
	);
}

// Screen is text, so that it can be read out. It is announced only once somebody
// has pressed a key: it changes by itself every few seconds.
function Screen({ s, live, onKeyDown, onKeyUp }: { s: api.PanelScreen; live: boolean; onKeyDown: (e: KeyboardEvent) => void; onKeyUp: (e: KeyboardEvent) => void }) {
	return (
		<pre class="lcd-screen" tabIndex={0} role="group" aria-label={t("hardware.panel_screen")} aria-live={live ? "polite" : "off"} data-dark={s.backlight === 0 || undefined} style={{ minWidth: `calc(${s.cols}ch + 2 * var(--s3))` }} onKeyDown={onKeyDown} onKeyUp={onKeyUp}>
			{Array.from({ length: s.rows }, (_, i) => <Line key={i} text={s.lines[i] ?? ""} cols={s.cols} cursor={s.cursor.on && s.cursor.row === i ? s.cursor.col : -1} />)}
		</pre>
	);
}

// wide says whether a character takes two places of a display.
const wide = (c: string) => /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(c);

// at returns the character at a column, with what stands before and behind it.
export function at(text: string, col: number): [string, string, string] {
	const all = [...text];
	let c = 0;
	for (const [i, ch] of all.entries()) {
		const w = wide(ch) ? 2 : 1;
		if (col < c + w) return [all.slice(0, i).join(""), ch, all.slice(i + 1).join("")];
		c += w;
	}
	return [text + " ".repeat(Math.max(0, col - c)), " ", ""];
}

function Line({ text, cols, cursor }: { text: string; cols: number; cursor: number }) {
	if (cursor < 0 || cursor >= cols) return <div>{text || " "}</div>;
	const [before, under, after] = at(text, cursor);
	return <div>{before}<span class="lcd-cursor">{under}</span>{after}</div>;
}

// Lamp is a lamp of the box; the word stands beside it.
export function Lamp({ colour, blink }: { colour: string; blink?: boolean }) {
	return <i class="lamp" data-colour={colour || "off"} data-blink={blink || undefined} aria-hidden="true" />;
}
