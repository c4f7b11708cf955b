// SPDX-License-Identifier: Apache-2.0
//
// Events of the box in the language of the page.
import type { Topics } from "../api";
import { type Args, has, inWords, lang, saidText, t } from "../i18n";

// A Happening is an event of the box.
export type Happening = Topics["log.events"]["data"];

// codeText says a value that is one of a few words of the box, such as the kind of a
// rehearsal; any other is a name or a number, and stays.
export function codeText(name: string, value: string): string {
	const key = `overview.word.${name}.${value}`;
	return has(key) ? t(key) : name === "gap" ? inWords(value) : value;
}

// commentText is the comment of a commit; that of the first is the box's own.
export function commentText(by: string, comment: string): string {
	if (by !== "box") return comment;
	const file = /^from (\S+)$/.exec(comment)?.[1];
	return file ? t("overview.from_file", { file }) : comment === "empty configuration of a new box" ? t("overview.from_nothing") : comment;
}

// markText is the text of a commit in a chart.
export const markText = (revision: unknown) => t("overview.revision", { n: String(revision ?? "") });

// eventText returns the sentence of an event. English is what the box says;
// another language has the sentences of the kinds it knows, and shows the box's
// words for the rest.
export function eventText(e: Pick<Happening, "kind" | "args" | "text" | "said">): string {
	if (lang.value === "en") return e.text;
	const key = `overview.event.${e.kind}`;
	if (!has(key)) return e.text;
	const args: Args = Object.fromEntries(Object.entries(e.args ?? {}).map(([k, v]) => [k, e.said?.[k] ? saidText(e.said[k], String(v)) : k === "revision" || k === "running" || typeof v !== "number" ? k === "comment" ? commentText(String(e.args?.["by"]), String(v)) : codeText(k, String(v)) : v]));
	const text = t(key, args);
	return /\{\w+\}/.test(text) ? e.text : text;
}
