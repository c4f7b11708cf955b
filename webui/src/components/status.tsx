// SPDX-License-Identifier: Apache-2.0
//
// States: always a shape and a word; colour only helps.
import type { ComponentChildren, JSX } from "preact";
import { comma, has, t } from "../i18n";

export type State = "info" | "up" | "degraded" | "down" | "draining" | "disabled" | "unknown" | "spare";

const shapes: Record<State, JSX.Element> = {
	up: <><circle cx="8" cy="8" r="7" fill="currentColor" /><path d="M4.800 8.300 7 10.500l4.200-4.700" fill="none" stroke="var(--bg)" stroke-width="1.700" stroke-linecap="round" stroke-linejoin="round" /></>,
	degraded: <><path d="M8 1.200 15.500 14.500H.5z" fill="currentColor" /><path d="M8 5.800v4M8 12v.2" stroke="var(--bg)" stroke-width="1.700" stroke-linecap="round" /></>,
	down: <><rect x="1" y="1" width="14" height="14" rx="2" fill="currentColor" /><path d="m5 5 6 6M11 5l-6 6" stroke="var(--bg)" stroke-width="1.700" stroke-linecap="round" /></>,
	draining: <><circle cx="8" cy="8" r="6.200" fill="none" stroke="currentColor" stroke-width="1.600" /><path d="M8 1.800a6.200 6.200 0 0 0 0 12.400z" fill="currentColor" /></>,
	disabled: <><circle cx="8" cy="8" r="7" fill="currentColor" /><path d="M4.500 8h7" stroke="var(--bg)" stroke-width="2" stroke-linecap="round" /></>,
	unknown: <><circle cx="8" cy="8" r="6.300" fill="none" stroke="currentColor" stroke-width="1.500" stroke-dasharray="2.200 2" /><path d="M6.300 6.400c.2-2.300 3.500-2.200 3.500 0 0 1.300-1.700 1.400-1.700 2.700M8.100 11.300v.1" fill="none" stroke="currentColor" stroke-width="1.500" stroke-linecap="round" /></>,
	info: <><circle cx="8" cy="8" r="6.300" fill="none" stroke="currentColor" stroke-width="1.500" /><path d="M8 7.400v3.600M8 4.900v.1" stroke="currentColor" stroke-width="1.700" stroke-linecap="round" /></>,
	spare: <path d="M8 1.500 14.500 8 8 14.500 1.500 8z" fill="none" stroke="currentColor" stroke-width="1.800" stroke-linejoin="round" />,
};

// stateOf maps the words of the box to the states of the console.
export function stateOf(word: string): State {
	switch (word) {
		case "up": case "ok": case "valid": case "active": case "enabled": case "healthy": case "serving":
			return "up";
		case "degraded": case "warning": case "expiring": case "full": case "imminent": case "critical":
			return "degraded";
		case "down": case "error": case "failed": case "expired": case "missing":
			return "down";
		case "quiesced": case "draining":
			return "draining";
		case "disabled": case "maintenance":
			return "disabled";
		case "spare":
			return "spare";
		case "info":
			return "info";
		default:
			return "unknown";
	}
}

export function StateIcon({ state, label }: { state: State; label?: string }) {
	return (
		<svg class={`st-${state}`} width="16" height="16" viewBox="0 0 16 16" role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : "true"}>
			{shapes[state]}
		</svg>
	);
}

// Status shows a state of the box: its icon and its word, and a reason after
// it. word is what the box says; it is translated if common.state has it.
export function Status({ word, state, children }: { word: string; state?: State; children?: ComponentChildren }) {
	const s = state ?? stateOf(word);
	const key = `common.state.${word}`;
	return (
		<span class="status">
			<StateIcon state={s} />
			<span>{has(key) ? t(key) : word}</span>
			{children && <span class="muted why">{children}</span>}
		</span>
	);
}

// HealthBar shows how many are in which state, as one bar with a name.
export function HealthBar({ counts }: { counts: Partial<Record<State, number>> }) {
	const all = (Object.entries(counts) as [State, number][]).filter(([, n]) => n > 0);
	const name = comma(all.map(([s, n]) => `${n} ${t(`common.state.${s}`)}`));
	return (
		<span class="health-bar" role="img" aria-label={name} title={name}>
			{all.map(([s, n]) => <i key={s} class={`st-${s}`} style={{ flexGrow: n }} />)}
		</span>
	);
}
