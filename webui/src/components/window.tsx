// SPDX-License-Identifier: Apache-2.0
//
// A long list of rows of equal height, of which only those in view are drawn.
// It stays at its end while it follows; left is called when somebody scrolls up.
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

export type Span = { from: number; to: number };

// spanOf returns which rows are drawn: those in view and some around them.
export function spanOf(n: number, row: number, top: number, height: number, around = 8): Span {
	const from = Math.max(0, Math.floor(top / row) - around);
	return { from, to: Math.min(n, Math.ceil((top + height) / row) + around) };
}

export function WindowList({ n, row, label, head, draw, follow, left, columns }: { n: number; row: number; label: string; head: ComponentChildren; draw: (i: number) => ComponentChildren; follow: boolean; left: () => void; columns: number }) {
	const box = useRef<HTMLDivElement>(null);
	const top = useSignal(0);
	const height = useSignal(600);
	const end = useRef(true);
	const mine = useRef(false); // the scrolling is ours
	useEffect(() => {
		const el = box.current!;
		const fit = new ResizeObserver(() => (height.value = el.clientHeight));
		fit.observe(el);
		return () => fit.disconnect();
	}, []);
	useLayoutEffect(() => {
		const el = box.current!;
		if (follow) end.current = true;
		if (!end.current) return;
		mine.current = true;
		el.scrollTop = el.scrollHeight;
		top.value = el.scrollTop;
	}, [n, follow]);
	const scrolled = () => {
		const el = box.current;
		if (!el) return; // the list has just gone
		const near = el.scrollHeight - el.scrollTop - el.clientHeight < row;
		top.value = el.scrollTop;
		if (mine.current) {
			mine.current = false;
			return;
		}
		if (near === end.current) return;
		end.current = near;
		if (!near) left();
	};
	const span = spanOf(n, row, top.value, height.value);
	return (
		<div class="window" ref={box} tabIndex={0} role="region" aria-label={label} onScroll={scrolled}>
			<div role="table" aria-label={label} aria-rowcount={n + 1} aria-colcount={columns}>
				<div class="window-head" role="rowgroup">{head}</div>
				<div role="rowgroup" style={{ height: `${n * row}px`, position: "relative" }}>
					<div style={{ position: "absolute", insetInline: 0, top: `${span.from * row}px` }}>
						{Array.from({ length: Math.max(0, span.to - span.from) }, (_, i) => draw(span.from + i))}
					</div>
				</div>
			</div>
		</div>
	);
}
