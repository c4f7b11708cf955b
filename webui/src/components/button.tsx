// SPDX-License-Identifier: Apache-2.0
//
// Buttons. What a person may not do stays visible and says why.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Role } from "../api";
import { colon, t } from "../i18n";
import { may } from "../session";
import { type IconName, Icon } from "./icons";

export type ButtonProps = {
	children?: ComponentChildren;
	icon?: IconName;
	label?: string; // name of a button that shows only an icon
	kind?: "primary" | "danger" | "quiet";
	small?: boolean;
	type?: "button" | "submit";
	need?: Role; // role without which the box refuses
	why?: string; // set: cannot be used now, and why
	busy?: boolean;
	pressed?: boolean;
	href?: string;
	autofocus?: boolean;
	// A promise keeps the button busy until it settles.
	onClick?: (e: MouseEvent) => unknown;
	keys?: string; // shown in the title
	[data: `aria-${string}`]: unknown;
	[data: `data-${string}`]: unknown;
};

// needs returns the sentence that says which role is missing, "" if none is.
export function needs(role: Role | undefined): string {
	return role && !may(role) ? t("common.needs_role", { role: t(`common.role.${role}`) }) : "";
}

export function Button(p: ButtonProps) {
	const { children, icon, label, kind, small, type = "button", need, why, busy, pressed, href, autofocus, onClick, keys, ...rest } = p;
	const running = useSignal(false);
	const refused = why || needs(need);
	const waiting = busy || running.value;
	const classes = ["button", kind, small && "small", !children && icon && "icon"].filter(Boolean).join(" ");
	const name = refused ? colon(label, refused) : [label, keys && `(${keys})`].filter(Boolean).join(" ");
	const common = { class: classes, title: name || undefined, "aria-label": children ? undefined : label, ...rest };
	if (href && !refused) return <a href={href} {...common}>{icon && <Icon name={icon} />}{children}</a>;
	const click = async (e: MouseEvent) => {
		if (refused || waiting) {
			e.preventDefault();
			return;
		}
		const done = onClick?.(e);
		if (!(done instanceof Promise)) return;
		running.value = true;
		try {
			await done;
		} finally {
			running.value = false;
		}
	};
	return (
		<button
			type={type} onClick={click} autofocus={autofocus} {...common}
			aria-disabled={refused || waiting ? "true" : undefined} aria-busy={waiting ? "true" : undefined}
			aria-pressed={pressed === undefined ? undefined : pressed}
			aria-description={refused || undefined}
		>
			{icon && <Icon name={icon} />}
			{children}
		</button>
	);
}

// Choice is a row of buttons of which one is chosen, such as 5 m, 1 h, 24 h.
export function Choice<T extends string>({ label, value, options, onChange }: { label: string; value: T; options: readonly { value: T; text: string; title?: string }[]; onChange: (v: T) => void }) {
	const move = (e: KeyboardEvent) => {
		const step = e.key === "ArrowRight" || e.key === "ArrowDown" ? 1 : e.key === "ArrowLeft" || e.key === "ArrowUp" ? -1 : 0;
		if (!step) return;
		e.preventDefault();
		const at = options.findIndex((o) => o.value === value);
		const next = (at + step + options.length) % options.length;
		onChange(options[next]!.value);
		((e.currentTarget as HTMLElement).children[next] as HTMLElement).focus();
	};
	return (
		<div class="segmented" role="radiogroup" aria-label={label} onKeyDown={move}>
			{options.map((o) => (
				<button key={o.value} type="button" role="radio" aria-checked={o.value === value} title={o.title} tabIndex={o.value === value ? 0 : -1} onClick={() => onChange(o.value)}>{o.text}</button>
			))}
		</div>
	);
}
