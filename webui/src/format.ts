// SPDX-License-Identifier: Apache-2.0
//
// Numbers, times and sizes as people read them. All follow the language.
import { lang, t } from "./i18n";

const cache = new Map<string, unknown>();
function made<T>(kind: string, make: (language: string) => T): T {
	const key = `${lang.value} ${kind}`;
	let f = cache.get(key) as T | undefined;
	if (f === undefined) cache.set(key, (f = make(lang.value)));
	return f;
}

// A Quantity is a number and its unit, apart, so that the unit can be muted.
export type Quantity = { value: string; unit: string };

const none: Quantity = { value: "–", unit: "" };

function scaled(n: number, base: number, units: readonly string[]): Quantity {
	let i = 0;
	let v = Math.abs(n);
	while (v >= base && i < units.length - 1) {
		v /= base;
		i++;
	}
	const digits = i === 0 && Number.isInteger(v) ? 0 : v < 10 ? 2 : v < 100 ? 1 : 0;
	const format = made(`n${digits}`, (l) => new Intl.NumberFormat(l, { maximumFractionDigits: digits, useGrouping: false }));
	return { value: (n < 0 ? "−" : "") + format.format(v), unit: units[i]! };
}

// count writes a whole number with separators.
export function count(n: number | undefined): string {
	if (n === undefined || !Number.isFinite(n)) return "–";
	return made("count", (l) => new Intl.NumberFormat(l, { maximumFractionDigits: 0 })).format(n);
}

// short writes 12300 as 12.3 k.
export function short(n: number | undefined): Quantity {
	if (n === undefined || !Number.isFinite(n)) return none;
	return scaled(n, 1000, ["", "k", "M", "G", "T"]);
}

// rate writes events a second: 412 /s.
export function rate(n: number | undefined): Quantity {
	const q = short(n);
	return q === none ? none : { value: q.value, unit: `${q.unit}/s` };
}

// bytes writes a size in powers of 1024.
export function bytes(n: number | undefined): Quantity {
	if (n === undefined || !Number.isFinite(n)) return none;
	return scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
}

// bits writes a line rate given in bits a second.
export function bits(n: number | undefined): Quantity {
	if (n === undefined || !Number.isFinite(n)) return none;
	return scaled(n, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]);
}

// percent writes a ratio 0 to 1: 0.003 is 0.3 %.
export function percent(ratio: number | undefined): Quantity {
	if (ratio === undefined || !Number.isFinite(ratio)) return none;
	const p = ratio * 100;
	const digits = p !== 0 && p < 10 ? (p < 0.1 ? 2 : 1) : 0;
	return { value: made(`p${digits}`, (l) => new Intl.NumberFormat(l, { maximumFractionDigits: digits })).format(p), unit: "%" };
}

// millis writes a latency given in seconds: 38 ms, 1.2 s.
export function latency(seconds: number | undefined): Quantity {
	if (seconds === undefined || !Number.isFinite(seconds)) return none;
	return scaled(seconds * 1e6, 1000, ["µs", "ms", "s"]);
}

const units = [
	["d", 86400],
	["h", 3600],
	["min", 60],
	["s", 1],
] as const;

// duration writes a time span given in seconds by its one or two largest
// units: 3 d 4 h, 12 min, 40 s.
export function duration(seconds: number): string {
	let left = Math.max(0, Math.round(seconds));
	const parts: string[] = [];
	for (const [name, size] of units) {
		const n = Math.floor(left / size);
		if (n === 0 && parts.length === 0 && size > 1) continue;
		left -= n * size;
		if (n > 0 || parts.length === 0) parts.push(`${n} ${t(`common.unit.${name}`)}`);
		if (parts.length === 2 || size <= 60) break;
	}
	return parts.slice(0, 2).join(" ");
}

// parseDuration returns the seconds of Go's notation, such as 1m30s.
export function parseDuration(text: string): number {
	const size: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, "µs": 1e-6, ns: 1e-9 };
	let sum = 0;
	for (const [, n, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)/g)) sum += Number(n) * size[unit!]!;
	return sum;
}

// countdown writes minutes and seconds that are left: 1:42.
export function countdown(seconds: number): string {
	const s = Math.max(0, Math.ceil(seconds));
	const two = (n: number) => String(n).padStart(2, "0");
	const h = Math.floor(s / 3600);
	const rest = `${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
	return h > 0 ? `${h}:${rest}` : rest.replace(/^0(\d)/, "$1");
}

// clock writes the time of day: 14:02:11.
export function clock(ms: number): string {
	return made("clock", (l) => new Intl.DateTimeFormat(l, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" })).format(ms);
}

// moment writes date, time and zone.
export function moment(ms: number): string {
	return made(
		"moment",
		(l) =>
			new Intl.DateTimeFormat(l, {
				year: "numeric", month: "short", day: "numeric",
				hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short",
			}),
	).format(ms);
}

// day writes a date.
export function day(ms: number): string {
	return made("day", (l) => new Intl.DateTimeFormat(l, { year: "numeric", month: "short", day: "numeric" })).format(ms);
}

// ago writes how long before now: 4 min ago, in 3 d.
export function ago(ms: number, now: number): string {
	const off = Math.round((ms - now) / 1000);
	const s = off > 0 && off < 3 ? 0 : off; // clocks that differ a little: what has happened is not to come
	const f = made("ago", (l) => new Intl.RelativeTimeFormat(l, { numeric: "auto", style: "short" }));
	const abs = Math.abs(s);
	if (abs < 60) return f.format(s, "second");
	if (abs < 3600) return f.format(Math.trunc(s / 60), "minute");
	if (abs < 86400 * 2) return f.format(Math.trunc(s / 3600), "hour");
	return f.format(Math.trunc(s / 86400), "day");
}

// compare orders texts as people of the language do, with numbers by value:
// a2 before a10.
export function compare(a: string, b: string): number {
	return made("compare", (l) => new Intl.Collator(l === "zh-Hans" ? "zh-Hans-u-co-pinyin" : l, { numeric: true })).compare(a, b);
}
