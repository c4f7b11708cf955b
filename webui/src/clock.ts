// SPDX-License-Identifier: Apache-2.0
//
// The box's time. Clients' clocks are often wrong, so everything that is shown
// or counted down is computed with the time of the box.
import { computed, signal } from "@preact/signals";

// offset is box time minus client time, in milliseconds.
const offset = signal(0);
const known = signal(false);

// setBoxTime takes the box's time, an RFC 3339 text that was made somewhere
// between sent and received, both in this client's milliseconds.
export function setBoxTime(text: string, sent: number, received: number): void {
	const box = Date.parse(text);
	if (Number.isNaN(box)) return;
	offset.value = Math.round(box - (sent + received) / 2);
	known.value = true;
}

// boxNow returns the box's time in milliseconds since 1970.
export function boxNow(): number {
	return Date.now() + offset.value;
}

// skew is how far this client's clock is off, in seconds, if that is more than
// 30; 0 otherwise. Positive: the client is behind.
export const skew = computed(() => (known.value && Math.abs(offset.value) > 30_000 ? Math.round(offset.value / 1000) : 0));

// second is the box's time, set anew every second while anything reads it.
// Timers of hidden tabs are slow: it is right whenever it is read, because it
// is computed, not counted.
export const second = signal(0, { watched: start, unwatched: stop });

let timer: ReturnType<typeof setInterval> | undefined;
function start(): void {
	second.value = boxNow();
	timer = setInterval(() => (second.value = boxNow()), 1000);
}
function stop(): void {
	clearInterval(timer);
}
