// SPDX-License-Identifier: Apache-2.0
//
// Menus that hang on a button, with arrow keys, and free content that does.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Role } from "../api";
import { Button, type ButtonProps, needs } from "./button";
import { type IconName, Icon } from "./icons";

export type Item =
	| { text: string; icon?: IconName; href?: string; onClick?: () => void; need?: Role; why?: string; keys?: string; checked?: boolean }
	| { title: string }
	| "line";

// place puts a popover below its button, inside the window.
function place(button: HTMLElement, pop: HTMLElement): void {
	const b = button.getBoundingClientRect();
	const left = Math.max(8, Math.min(b.left, innerWidth - pop.offsetWidth - 8));
	const below = b.bottom + 4;
	const top = below + pop.offsetHeight > innerHeight - 8 ? Math.max(8, b.top - pop.offsetHeight - 4) : below;
	pop.style.left = `${left}px`;
	pop.style.top = `${top}px`;
}

type PopProps = { button: ButtonProps; role: "menu" | "dialog"; label: string; children: (close: () => void) => ComponentChildren };

function Pop({ button, role, label, children }: PopProps) {
	const open = useSignal(false);
	const root = useRef<HTMLSpanElement>(null);
	const pop = useRef<HTMLDivElement>(null);
	const id = useId();
	const close = () => {
		open.value = false;
		root.current?.querySelector<HTMLElement>(".button")?.focus();
	};
	useEffect(() => {
		if (!open.value || !pop.current || !root.current) return;
		const p = pop.current;
		// In the top layer: what comes later in the page, such as the next row or a chart, cannot lie over it.
		p.showPopover?.();
		place(root.current.firstElementChild as HTMLElement, p);
		(p.querySelector<HTMLElement>('[role^="menuitem"], button, a, input') ?? p).focus();
		const outside = (e: Event) => {
			if (!(e.target instanceof Node && root.current?.contains(e.target))) open.value = false; // a resize is of the window
		};
		// What scrolls elsewhere, or has brought the button here, leaves it where it is.
		const at = () => JSON.stringify(root.current?.getBoundingClientRect());
		const was = at();
		const scrolled = (e: Event) => {
			if (at() !== was) outside(e);
		};
		addEventListener("pointerdown", outside);
		addEventListener("scroll", scrolled, true);
		addEventListener("resize", outside);
		return () => {
			removeEventListener("pointerdown", outside);
			removeEventListener("scroll", scrolled, true);
			removeEventListener("resize", outside);
		};
	}, [open.value]);
	const key = (e: KeyboardEvent) => {
		if (e.isComposing) return;
		if (e.key === "Escape") {
			e.stopPropagation();
			close();
		} else if (e.key === "Tab" && role === "menu") open.value = false;
		const items = [...(pop.current?.querySelectorAll<HTMLElement>('[role^="menuitem"]') ?? [])];
		const at = items.indexOf(document.activeElement as HTMLElement);
		const to = { ArrowDown: at + 1, ArrowUp: at - 1 + (at < 0 ? 1 : 0), Home: 0, End: -1 }[e.key];
		if (to === undefined || items.length === 0) return;
		e.preventDefault();
		e.stopPropagation();
		items.at(to % items.length)?.focus();
	};
	return (
		<span ref={root} style={{ display: "inline-flex" }}>
			<Button {...button} aria-haspopup={role} aria-expanded={open.value} aria-controls={open.value ? id : undefined} onClick={() => (open.value = !open.value)} />
			{open.value && <div id={id} ref={pop} class="menu" popover="manual" role={role} aria-label={label} tabIndex={-1} onKeyDown={key}>{children(close)}</div>}
		</span>
	);
}

export function Menu({ items, ...button }: { items: readonly Item[] } & ButtonProps) {
	const label = button.label ?? (typeof button.children === "string" ? button.children : "");
	return (
		<Pop button={button} role="menu" label={label}>
			{(close) =>
				items.map((it, i) => {
					if (it === "line") return <hr key={i} />;
					if ("title" in it) return <div key={i} class="title">{it.title}</div>;
					const refused = it.why || needs(it.need);
					const inside = <>{it.icon && <Icon name={it.icon} />}<span>{it.text}</span>{it.checked && <span class="mark"><Icon name="check" /></span>}{it.keys && <kbd>{it.keys}</kbd>}{refused && <small>{refused}</small>}</>;
					const role = it.checked === undefined ? "menuitem" : "menuitemradio";
					const run = () => {
						if (refused) return;
						close();
						it.onClick?.();
					};
					return it.href && !refused ? (
						<a key={i} role={role} tabIndex={-1} href={it.href} onClick={close}>{inside}</a>
					) : (
						<button key={i} type="button" role={role} tabIndex={-1} aria-checked={it.checked} aria-disabled={refused ? "true" : undefined} onClick={run}>{inside}</button>
					);
				})
			}
		</Pop>
	);
}

// Popover hangs any content on a button.
export function Popover({ children, content, ...button }: ButtonProps & { content: (close: () => void) => ComponentChildren; children?: ComponentChildren }) {
	return <Pop button={{ ...button, children }} role="dialog" label={button.label ?? ""}>{(close) => <div class="body">{content(close)}</div>}</Pop>;
}
