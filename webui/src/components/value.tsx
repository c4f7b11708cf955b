// SPDX-License-Identifier: Apache-2.0
//
// Values as text: numbers with muted units, times with the absolute time on
// hover, and one live value out of a signal.
import { computed, type ReadonlySignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { boxNow, second } from "../clock";
import * as format from "../format";
import type { Quantity } from "../format";

export function Num({ q }: { q: Quantity }) {
	return (
		<span class="tnum nowrap">
			{q.value}
			{q.unit && <span class="unit">{q.unit}</span>}
		</span>
	);
}

export const Count = ({ of }: { of: number | undefined }) => <span class="tnum">{format.count(of)}</span>;
export const Rate = ({ of }: { of: number | undefined }) => <Num q={format.rate(of)} />;
export const Bytes = ({ of }: { of: number | undefined }) => <Num q={format.bytes(of)} />;
export const Bits = ({ of }: { of: number | undefined }) => <Num q={format.bits(of)} />;
export const Percent = ({ of }: { of: number | undefined }) => <Num q={format.percent(of)} />;
export const Latency = ({ of }: { of: number | undefined }) => <Num q={format.latency(of)} />;
export const Duration = ({ seconds }: { seconds: number }) => <span class="tnum nowrap">{format.duration(seconds)}</span>;

// Go's zero time stands for "never".
const isTime = (at: string | undefined): at is string => Boolean(at) && !at!.startsWith("0001-");

// Time shows when something was: the time of day if it was today, else the
// date; the exact time on hover.
export function Time({ at }: { at: string | undefined }) {
	if (!isTime(at)) return <>–</>;
	const ms = Date.parse(at);
	const today = format.day(ms) === format.day(boxNow());
	return <time dateTime={at} title={format.moment(ms)} class="tnum nowrap">{today ? format.clock(ms) : `${format.day(ms)} ${format.clock(ms)}`}</time>;
}

// Ago shows how long ago something was and keeps that up to date.
export function Ago({ at }: { at: string | undefined }) {
	const text = useMemo(() => computed(() => (isTime(at) ? format.ago(Date.parse(at), second.value || boxNow()) : "–")), [at]);
	if (!isTime(at)) return <>–</>;
	return <time dateTime={at} title={format.moment(Date.parse(at))} class="nowrap">{text}</time>;
}

// Since shows how long something has been so: 9 min.
export function Since({ at }: { at: string | undefined }) {
	const text = useMemo(() => computed(() => (isTime(at) ? format.duration(((second.value || boxNow()) - Date.parse(at)) / 1000) : "–")), [at]);
	if (!isTime(at)) return <>–</>;
	return <time dateTime={at} title={format.moment(Date.parse(at))} class="tnum nowrap">{text}</time>;
}

// Countdown shows what is left until a time of the box: 1:42.
export function Countdown({ until }: { until: string }) {
	const text = useMemo(() => computed(() => format.countdown((Date.parse(until) - (second.value || boxNow())) / 1000)), [until]);
	return <span class="tnum" role="timer">{text}</span>;
}

// Live shows one value of a signal. Where it is text, only the text node
// changes.
export function Live<T>({ of, show }: { of: ReadonlySignal<T>; show: (v: T) => ComponentChildren }) {
	const v = useMemo(() => computed(() => show(of.value)), [of]);
	return <>{v.value}</>;
}

// Spark is a small line without axes. Its numbers stand in a column beside it.
export function Spark({ values, label }: { values: readonly (number | null)[]; label?: string }) {
	const w = 72;
	const h = 20;
	const top = Math.max(1e-9, ...values.map((v) => v ?? 0));
	const step = w / Math.max(1, values.length - 1);
	let d = "";
	let pen = false;
	for (const [i, v] of values.entries()) {
		if (v === null) pen = false;
		else {
			d += `${pen ? "L" : "M"}${(i * step).toFixed(1)} ${(h - 1 - (v / top) * (h - 2)).toFixed(1)}`;
			pen = true;
		}
	}
	return (
		<svg class="spark" viewBox={`0 0 ${w} ${h}`} width={w} height={h} role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : "true"}>
			<path d={d} fill="none" stroke="var(--series-1)" stroke-width="1.5" stroke-linejoin="round" />
		</svg>
	);
}
