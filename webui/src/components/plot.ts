// SPDX-License-Identifier: Apache-2.0
//
// The lazy part of charts: uPlot and how it is set up. It must import nothing
// of the console, or the console's core would be split; see build.mjs.
import uPlot from "uplot";

export type PlotLine = { label: string; colour: string; dash?: number[]; fill?: string };
export type PlotMark = { at: number; text: string };
export type PlotTheme = { text: string; grid: string; font: string; mark: string };

export type PlotSetup = {
	lines: PlotLine[];
	theme: PlotTheme;
	width: number;
	height: number;
	sync: string;
	unit(v: number): string; // how a value of the y axis reads
	time(s: number): string; // how a time of the x axis reads, from seconds
	marks(): PlotMark[];
	moved(index: number | null): void; // the cursor
};

export type PlotData = (number | null)[][]; // times in seconds, then one row for each line

// draw puts a chart into el.
export function draw(el: HTMLElement, s: PlotSetup, data: PlotData) {
	const axis = { stroke: s.theme.text, font: s.theme.font, grid: { stroke: s.theme.grid, width: 1 }, ticks: { show: false } };
	const plot = new uPlot(
		{
			width: s.width,
			height: s.height,
			cursor: { sync: { key: s.sync }, points: { size: 6 }, drag: { x: false, y: false } },
			legend: { show: false },
			scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
			axes: [
				{ ...axis, space: 90, gap: 10, size: 34, values: (_u, at) => at.map(s.time) },
				{ ...axis, size: 64, space: 36, values: (_u, at) => at.map(s.unit) },
			],
			series: [
				{},
				...s.lines.map((l) => ({
					label: l.label,
					stroke: l.colour,
					width: 1.5,
					spanGaps: false,
					points: { show: false },
					...(l.dash ? { dash: l.dash } : {}),
					...(l.fill ? { fill: l.fill } : {}),
				})),
			],
			hooks: { draw: [(u: uPlot) => marks(u, s)], setCursor: [(u: uPlot) => s.moved(u.cursor.idx ?? null)] },
		},
		data as unknown as uPlot.AlignedData,
		el,
	);
	return {
		set: (d: PlotData) => plot.setData(d as unknown as uPlot.AlignedData),
		size: (width: number, height: number) => plot.setSize({ width, height }),
		// point puts the cursor on one of the times.
		point: (i: number | null) => {
			const x = i === null ? undefined : plot.data[0][i];
			plot.setCursor(x === undefined ? { left: -10, top: -10 } : { left: plot.valToPos(x, "x"), top: plot.over.clientHeight / 2 });
		},
		end: () => plot.destroy(),
	};
}

// marks draws a triangle and a line for each event. A text ends where the next
// mark begins; one that has no room there is left out.
function marks(u: uPlot, s: PlotSetup): void {
	const { ctx, bbox } = u;
	const all = s
		.marks()
		.map((m) => ({ x: Math.round(u.valToPos(m.at, "x", true)), text: m.text }))
		.filter((m) => m.x >= bbox.left && m.x <= bbox.left + bbox.width)
		.sort((a, b) => a.x - b.x);
	const w = 5 * devicePixelRatio;
	ctx.save();
	ctx.strokeStyle = ctx.fillStyle = s.theme.mark;
	ctx.font = s.theme.font.replace(/^\d+/, (px) => String(Number(px) * devicePixelRatio));
	ctx.textAlign = "left";
	ctx.textBaseline = "top";
	ctx.setLineDash([3, 3]);
	for (const [i, m] of all.entries()) {
		ctx.beginPath();
		ctx.moveTo(m.x, bbox.top);
		ctx.lineTo(m.x, bbox.top + bbox.height);
		ctx.stroke();
		ctx.beginPath();
		ctx.moveTo(m.x - w, bbox.top);
		ctx.lineTo(m.x + w, bbox.top);
		ctx.lineTo(m.x, bbox.top + 1.5 * w);
		ctx.fill();
		const from = m.x + w + 2;
		const next = all[i + 1];
		const text = fitted(m.text, (next ? next.x - w : ctx.canvas.width) - from - 2, (t) => ctx.measureText(t).width);
		if (text) ctx.fillText(text, from, bbox.top);
	}
	ctx.restore();
}

// fitted shortens text to room; it is empty where less than three characters
// and the dots would be left.
export function fitted(text: string, room: number, width: (t: string) => number): string {
	if (width(text) <= room) return text;
	const all = [...text];
	let n = all.length - 1;
	while (n >= 3 && width(`${all.slice(0, n).join("")}…`) > room) n--;
	return n >= 3 ? `${all.slice(0, n).join("").trimEnd()}…` : "";
}
