// SPDX-License-Identifier: Apache-2.0
//
// Charts of series over time. The same data is there as a table and as CSV;
// the figure takes the focus, and arrow keys move the cursor and say its values.
import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { clock, type Quantity } from "../format";
import { comma, lang, t } from "../i18n";
import type { Ticks } from "../live";
import { Button } from "./button";
import type { draw, PlotData, PlotMark } from "./plot";
import { announce } from "./toast";

export type Line = { id: string; label: string; colour?: string; dash?: number[] };

export type ChartProps = {
	title: string;
	lines: readonly Line[];
	data: ReadonlySignal<Ticks>;
	format: (v: number | undefined) => Quantity; // such as format.rate
	marks?: readonly PlotMark[]; // commits, fail-overs: at in seconds of box time
	paused?: Signal<boolean>; // offers the pause button
	height?: number;
	sync?: string; // charts of one name share the crosshair
	tools?: ComponentChildren;
	time?: (seconds: number) => string; // how the time axis reads; the time of day
};

// lineColour returns the colour of the n-th line; after six they repeat with a dash.
export const lineColour = (n: number) => `var(--series-${(n % 6) + 1})`;

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name.replace(/^var\(|\)$/g, "")).trim();

const ofDay = (s: number) => clock(s * 1000);

const read = (q: Quantity) => (q.unit ? `${q.value} ${q.unit}` : q.value);

export function Chart(p: ChartProps) {
	const { title, lines, data, format, height = 200 } = p;
	const el = useRef<HTMLDivElement>(null);
	const plot = useRef<ReturnType<typeof draw> | null>(null);
	const at = useSignal<number | null>(null);
	const asTable = useSignal(false);
	const theme = useSignal(0);
	const failed = useSignal("");
	const id = useId();
	const marks = useRef(p.marks ?? []);
	marks.current = p.marks ?? [];

	const rows = (d: Ticks): PlotData => [d.t, ...lines.map((l) => d.cols[l.id] ?? d.t.map(() => null))];

	useEffect(() => {
		const again = () => theme.value++;
		const watch = new MutationObserver(again);
		watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
		const dark = matchMedia("(prefers-color-scheme: dark)");
		dark.addEventListener("change", again);
		return () => {
			watch.disconnect();
			dark.removeEventListener("change", again);
		};
	}, []);

	useEffect(() => {
		const box = el.current;
		if (!box || asTable.value) return;
		let gone = false;
		let stop = () => {};
		import("./plot")
			.then(({ draw }) => {
				if (gone) return;
				const made = draw(
					box,
					{
						lines: lines.map((l, i) => ({ label: l.label, colour: css(l.colour ?? lineColour(i)), ...(l.dash ?? i > 5 ? { dash: l.dash ?? [6, 3] } : {}) })),
						theme: { text: css("--muted"), grid: css("--line"), mark: css("--muted"), font: `12px ${css("--font")}` },
						width: box.clientWidth, height, sync: p.sync ?? id,
						unit: (v) => read(format(v)), time: (s) => (p.time ?? ofDay)(s),
						marks: () => [...marks.current],
						moved: (i) => (at.value = i),
					},
					rows(data.peek()),
				);
				plot.current = made;
				const follow = data.subscribe((d) => made.set(rows(d)));
				const fit = new ResizeObserver(() => box.clientWidth > 0 && made.size(box.clientWidth, height));
				fit.observe(box);
				stop = () => {
					follow();
					fit.disconnect();
					made.end();
					plot.current = null;
				};
			})
			.catch((err: unknown) => (failed.value = String(err)));
		return () => {
			gone = true;
			stop();
		};
	}, [theme.value, asTable.value, lang.value, height, lines.map((l) => `${l.id} ${l.label}`).join()]);

	const say = (i: number) => {
		const d = data.peek();
		if (d.t[i] === undefined) return;
		announce(comma([(p.time ?? ofDay)(d.t[i]), ...lines.map((l) => `${l.label} ${read(format(d.cols[l.id]?.[i] ?? undefined))}`)]));
	};
	const key = (e: KeyboardEvent) => {
		const n = data.peek().t.length;
		const now = at.peek() ?? n - 1;
		const to = { ArrowLeft: now - (e.shiftKey ? 10 : 1), ArrowRight: now + (e.shiftKey ? 10 : 1), Home: 0, End: n - 1 }[e.key];
		if (to === undefined || n === 0) return;
		e.preventDefault();
		const i = Math.max(0, Math.min(n - 1, to));
		plot.current?.point(i);
		at.value = i;
		say(i);
	};
	return (
		<figure class="chart" aria-labelledby={id}>
			<figcaption>
				<h3 id={id}>{title}</h3>
				{at.value !== null && data.value.t[at.value] !== undefined && <span class="muted tnum small">{(p.time ?? ofDay)(data.value.t[at.value]!)}</span>}
				{p.paused?.value && <span class="tag">{t("common.paused")}</span>}
				<span class="tools">
					{p.tools}
					{p.paused && <Button small kind="quiet" icon={p.paused.value ? "play" : "pause"} label={t(p.paused.value ? "common.resume" : "common.pause")} keys="p" onClick={() => (p.paused!.value = !p.paused!.peek())} />}
					<Button small kind="quiet" icon="table" label={t("common.as_table")} pressed={asTable.value} onClick={() => (asTable.value = !asTable.peek())} />
					<Button small kind="quiet" icon="download" label={t("common.csv")} onClick={() => saveCSV(title, lines, data.peek())} />
				</span>
			</figcaption>
			{failed.value && <p class="muted">{t("common.chart_failed", { why: failed.value })}</p>}
			{asTable.value ? (
				<Values lines={lines} data={data} format={format} time={p.time ?? ofDay} />
			) : (
				<div class="canvas" ref={el} tabIndex={0} role="img" aria-label={t("common.chart_label", { title })} style={{ minHeight: `${height}px` }} onKeyDown={key} />
			)}
			<ul class="legend">
				{lines.map((l, i) => <Legend key={l.id} line={l} colour={l.colour ?? lineColour(i)} dash={l.dash ?? (i > 5 ? [6, 3] : undefined)} data={data} at={at} format={format} />)}
			</ul>
		</figure>
	);
}

function Legend({ line, colour, dash, data, at, format }: { line: Line; colour: string; dash: number[] | undefined; data: ReadonlySignal<Ticks>; at: ReadonlySignal<number | null>; format: ChartProps["format"] }) {
	const value = useComputed(() => {
		const col = data.value.cols[line.id];
		return read(format((at.value === null ? col?.at(-1) : col?.[at.value]) ?? undefined));
	});
	return (
		<li>
			<svg viewBox="0 0 20 8" aria-hidden="true"><path d="M0 4h20" stroke={colour} stroke-width="2.5" stroke-dasharray={dash?.join(" ")} /></svg>
			<span>{line.label}</span>
			<b>{value}</b>
		</li>
	);
}

// Values is the chart as a table: the newest first, 60 rows.
function Values({ lines, data, format, time }: Pick<ChartProps, "lines" | "data" | "format"> & { time: (seconds: number) => string }) {
	const d = data.value;
	const last = d.t.map((_, i) => i).slice(-60).reverse();
	return (
		<div class="table-wrap" style={{ maxHeight: "280px", overflow: "auto" }} tabIndex={0}>
			<table class="table">
				<thead><tr><th scope="col">{t("common.time")}</th>{lines.map((l) => <th key={l.id} scope="col" class="num">{l.label}</th>)}</tr></thead>
				<tbody>
					{last.map((i) => (
						<tr key={d.t[i]}>
							<th scope="row" class="tnum">{time(d.t[i]!)}</th>
							{lines.map((l) => <td key={l.id} class="num">{read(format(d.cols[l.id]?.[i] ?? undefined))}</td>)}
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

// save offers a file to the browser.
export function save(name: string, type: string, content: BlobPart): void {
	const a = document.createElement("a");
	a.href = URL.createObjectURL(new Blob([content], { type }));
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

// csvText writes series as CSV (RFC 4180). A spreadsheet must not take a name
// for a formula.
export function csvText(lines: readonly Line[], d: Ticks): string {
	const cell = (s: string) => `"${(/^[=+\-@\t\r]/.test(s) ? `'${s}` : s).replaceAll('"', '""')}"`;
	const head = ["time", ...lines.map((l) => cell(l.label))].join(",");
	const rows = d.t.map((at, i) => [new Date(at * 1000).toISOString(), ...lines.map((l) => d.cols[l.id]?.[i] ?? "")].join(","));
	return [head, ...rows].join("\r\n") + "\r\n";
}

function saveCSV(title: string, lines: readonly Line[], d: Ticks): void {
	save(`${title.replace(/[^\p{L}\p{N}]+/gu, "-")}.csv`, "text/csv", csvText(lines, d));
}

