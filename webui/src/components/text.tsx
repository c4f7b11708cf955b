// SPDX-License-Identifier: Apache-2.0
//
// Text of configurations: a unified diff with line numbers, and an area for
// editing with the box's diagnostics beside the lines.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { say, t } from "../i18n";
import type { Problem } from "../wire";
import { Icon } from "./icons";

type DiffLine = { kind: "add" | "del" | "same" | "hunk"; from?: number; to?: number; text: string };

// parseDiff reads a unified diff; what comes before the first hunk is left out.
export function parseDiff(text: string): DiffLine[] {
	const out: DiffLine[] = [];
	let from = 0;
	let to = 0;
	let inside = false;
	for (const line of text.split("\n")) {
		const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
		if (hunk) {
			from = Number(hunk[1]);
			to = Number(hunk[2]);
			inside = true;
			out.push({ kind: "hunk", text: line });
		} else if (!inside || line.startsWith("\\") || line === "") continue;
		else if (line.startsWith("+")) out.push({ kind: "add", to: to++, text: line.slice(1) });
		else if (line.startsWith("-")) out.push({ kind: "del", from: from++, text: line.slice(1) });
		else out.push({ kind: "same", from: from++, to: to++, text: line.slice(1) });
	}
	return out;
}

export function DiffView({ text, label }: { text: string; label: string }) {
	const lines = parseDiff(text);
	if (lines.length === 0) return <p class="muted">{t("common.no_difference")}</p>;
	const names = { add: t("common.added"), del: t("common.removed"), same: "", hunk: "" };
	return (
		<div class="diff" tabIndex={0} role="region" aria-label={label}>
			<table>
				<tbody>
					{lines.map((l, i) =>
						l.kind === "hunk" ? (
							<tr key={i} class="hunk"><td colSpan={4}>{l.text}</td></tr>
						) : (
							<tr key={i} class={l.kind}>
								<td class="no">{l.from}</td>
								<td class="no">{l.to}</td>
								<td class="sign">{l.kind === "add" ? "+" : l.kind === "del" ? "−" : " "}{names[l.kind] && <span class="visually-hidden">{names[l.kind]}</span>}</td>
								<td>{l.text}</td>
							</tr>
						),
					)}
				</tbody>
			</table>
		</div>
	);
}

// CodeArea edits a text. Each problem is marked at its line and listed below;
// choosing one goes there.
export function CodeArea({ label, value, onChange, problems = [], rows = 24, readOnly }: { label: string; value: string; onChange: (v: string) => void; problems?: readonly Problem[]; rows?: number; readOnly?: boolean }) {
	const area = useRef<HTMLTextAreaElement>(null);
	const top = useSignal(0);
	const count = value.split("\n").length;
	const worst = new Map<number, "bad" | "warn">();
	for (const p of problems) if (p.line && worst.get(p.line) !== "bad") worst.set(p.line, p.warning ? "warn" : "bad");
	const goTo = (p: Problem) => {
		const a = area.current;
		if (!a || !p.line) return;
		const lines = value.split("\n");
		const start = lines.slice(0, p.line - 1).reduce((n, l) => n + l.length + 1, 0);
		const col = bytesToUnits(lines[p.line - 1] ?? "", (p.col ?? 1) - 1);
		a.focus();
		a.setSelectionRange(start + col, start + (lines[p.line - 1]?.length ?? 0));
		a.scrollTop = (p.line - 6) * 20;
	};
	return (
		<div>
			<div class="code">
				<div class="gutter" aria-hidden="true">
					<div style={{ transform: `translateY(${-top.value}px)` }}>
						{Array.from({ length: count }, (_, i) => <div key={i} class={worst.get(i + 1)}>{i + 1}</div>)}
					</div>
				</div>
				<textarea
					ref={area} class="mono" aria-label={label} value={value} rows={rows} spellcheck={false} autocapitalize="off" autocomplete="off" wrap="off" readOnly={readOnly}
					aria-invalid={problems.some((p) => !p.warning) ? "true" : undefined}
					onInput={(e) => onChange(e.currentTarget.value)} onScroll={(e) => (top.value = e.currentTarget.scrollTop)}
				/>
			</div>
			{problems.length > 0 && (
				<ul class="problems" aria-label={t("common.problems")}>
					{problems.map((p, i) => (
						<li key={i}>
							<button type="button" onClick={() => goTo(p)}>
								<Icon name={p.warning ? "warning" : "error"} label={t(p.warning ? "common.warning" : "common.error")} />
								<span class="at">{p.line ? `${p.line}:${p.col ?? 1}` : p.path}</span>
								<span>{say(p, "message")}</span>
							</button>
						</li>
					))}
				</ul>
			)}
		</div>
	);
}

// bytesToUnits turns a column in bytes of UTF-8 into one of UTF-16.
export function bytesToUnits(line: string, bytes: number): number {
	let units = 0;
	for (const c of line) {
		const n = c.codePointAt(0)!;
		bytes -= n < 0x80 ? 1 : n < 0x800 ? 2 : n < 0x10000 ? 3 : 4;
		if (bytes < 0) break;
		units += c.length;
	}
	return units;
}
