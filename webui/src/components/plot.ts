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
				{ ...axis, space: 90, size: 28, values: (_u, at) => at.map(s.time) },
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

// marks draws a triangle and a line for each event.
function marks(u: uPlot, s: PlotSetup): void {
	const { ctx, bbox } = u;
	ctx.save();
	ctx.strokeStyle = ctx.fillStyle = s.theme.mark;
	ctx.font = s.theme.font;
	ctx.setLineDash([3, 3]);
	for (const m of s.marks()) {
		const x = Math.round(u.valToPos(m.at, "x", true));
		if (x < bbox.left || x > bbox.left + bbox.width) continue;
		ctx.beginPath();
		ctx.moveTo(x, bbox.top);
		ctx.lineTo(x, bbox.top + bbox.height);
		ctx.stroke();
		const w = 5 * devicePixelRatio;
		ctx.beginPath();
		ctx.moveTo(x - w, bbox.top);
		ctx.lineTo(x + w, bbox.top);
		ctx.lineTo(x, bbox.top + 1.5 * w);
		ctx.fill();
		ctx.textAlign = "left";
		ctx.textBaseline = "top";
		ctx.fillText(m.text, x + w + 2, bbox.top);
	}
	ctx.restore();
}
