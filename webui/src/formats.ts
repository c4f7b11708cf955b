// SPDX-License-Identifier: Apache-2.0
//
// The functions of format.ts as one object, for pages: format.rate(412). A
// namespace would make the bundler split the console's core.
import * as f from "./format";

export const format = {
	ago: f.ago, bits: f.bits, bytes: f.bytes, clock: f.clock, compare: f.compare, count: f.count, countdown: f.countdown, day: f.day,
	duration: f.duration, latency: f.latency, moment: f.moment, parseDuration: f.parseDuration, percent: f.percent, rate: f.rate, short: f.short,
};
