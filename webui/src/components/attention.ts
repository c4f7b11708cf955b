// SPDX-License-Identifier: Apache-2.0
//
// Problems of the box in the language of the page: what is wrong, why, and
// where to go.
import type { Topics } from "../api";
import { moment } from "../format";
import { type Args, has, t } from "../i18n";
import { objectHref, objectName } from "./object";

export type Problem = Topics["state.problems"]["data"];

const words = (args: Record<string, unknown> | undefined): Args =>
	Object.fromEntries(Object.entries(args ?? {}).map(([k, v]) => [k, typeof v === "number" ? v : String(v)]));

// titleOf says what is wrong.
export function titleOf(p: Problem): string {
	const key = `overview.problem.${p.kind}`;
	const text = has(key) ? t(key, words(p.args)) : "";
	if (text && !/\{\w+\}/.test(text)) return text;
	return p.text;
}

// reasonOf says why, "" where the title says it all. Reasons are the box's own
// words: what a probe saw is the same in every language.
export function reasonOf(p: Problem): string {
	const a = p.args ?? {};
	const until = a["until"];
	if (typeof until === "string") return t("overview.until", { time: moment(Date.parse(until)) });
	const why = String(a["why"] ?? a["error"] ?? "").replace(/^down since [^:]*:\d\d:\d\d \w+: /, "");
	if (why) return why;
	return has(`overview.problem.${p.kind}`) && a["text"] ? String(a["text"]) : "";
}

// actionOf says what a person can do first: an address and the text of its
// button.
export function actionOf(p: Problem): { href: string; text: string } {
	const object = objectHref(p.object);
	switch (p.kind.split(".")[0]) {
		case "member":
			return { href: object ?? "/servers", text: "overview.show_server" };
		case "pool":
			return { href: object ?? "/pools", text: "overview.show_pool" };
		case "certificate": case "trust":
			return { href: object ?? "/certificates", text: "overview.show_certificate" };
		case "config":
			return { href: "/changes/history", text: "overview.show_history" };
		case "sensor": case "watchdog": case "bypass": case "hardware":
			return { href: "/hardware", text: "overview.show_hardware" };
		case "port": case "ports":
			return { href: object ?? "/ports", text: "overview.show_port" };
		case "standby": case "group": case "peer":
			return { href: "/standby", text: "overview.show_standby" };
		case "network":
			return { href: "/system/network", text: "overview.show_network" };
		case "role": case "console":
			return { href: "/system", text: "overview.show_system" };
	}
	return { href: "/logs?log=system", text: "overview.show_log" };
}

// sorted puts errors first, then what is newest.
export function sorted<T extends { p: Problem }>(list: readonly T[]): T[] {
	const rank = (p: Problem) => (p.severity === "error" ? 0 : 1);
	const at = (p: Problem) => (p.since ? Date.parse(p.since) : 0);
	return [...list].sort((a, b) => rank(a.p) - rank(b.p) || at(b.p) - at(a.p) || objectName(a.p.object ?? "").localeCompare(objectName(b.p.object ?? "")));
}
