// SPDX-License-Identifier: Apache-2.0
//
// Problems of the box in the language of the page: what is wrong, why, and
// where to go.
import type { Topics } from "../api";
import { moment } from "../format";
import { type Args, has, type Said, saidText, t } from "../i18n";
import { codeText } from "./happened";
import { objectHref, objectName } from "./object";

export type Problem = Topics["state.problems"]["data"];

const words = (p: Problem): Args =>
	Object.fromEntries(Object.entries(p.args ?? {}).map(([k, v]) => [k, typeof v === "number" ? v : saidText(p.said?.[k], codeText(k, String(v)))]));

// titleOf says what is wrong.
export function titleOf(p: Problem): string {
	const key = `overview.problem.${p.kind}`;
	const text = has(key) ? t(key, words(p)) : "";
	if (text && !/\{\w+\}/.test(text)) return text;
	return p.text;
}

// reasonOf says why, "" where the title says it all.
export function reasonOf(p: Problem): string {
	const a = p.args ?? {};
	const until = a["until"];
	if (typeof until === "string") return t("overview.until", { time: moment(Date.parse(until)) });
	const name = a["why"] ? "why" : a["error"] ? "error" : "";
	if (name) {
		let said = p.said?.[name];
		const inner = said?.kind.startsWith("member.down") ? said.args?.["why"] : undefined; // the row says since when
		if (typeof inner === "object" && inner) said = inner as Said;
		return saidText(said, String(a[name]).replace(/^down since [^:]*:\d\d:\d\d \w+: /, ""));
	}
	return has(`overview.problem.${p.kind}`) && a["text"] ? saidText(p.said?.["text"], String(a["text"])) : "";
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
