// SPDX-License-Identifier: Apache-2.0
//
// The person's draft (the candidate of the box): what it holds, or what runs
// while there is none, and how it is changed. Every change is one config.edit
// with the base and version that were shown, so that nothing is overwritten
// unseen.
import { computed, type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type api, call, CallError, Code, mutate, type Said, say, t, toast, useCall, useTopic } from "../kit";
import { labels, parent, parsePath } from "../paths";

// At says on which text an edit is made.
export type At = { base: number; version?: string };

// at takes it from what was shown.
export const at = (o: { base: number; version?: string | undefined }): At => (o.version ? { base: o.base, version: o.version } : { base: o.base });

// current asks for it.
export async function current(): Promise<At> {
	return at(await call("config.object", { path: "" }));
}

// edit changes the draft and says so. What it returns has the mistakes that the
// draft has now; it is kept with them until they are mended.
export async function edit(where: At, edits: api.EditOp[], said: string = t("blocks.saved")): Promise<api.Draft> {
	const d = await mutate("config.edit", { ...at(where), edits });
	if (said) toast(said); // the bar of uncommitted changes has the way to the review
	return d;
}

// removeBlocks takes blocks out of the draft, all or none.
export async function removeBlocks(paths: readonly string[]): Promise<api.Draft> {
	return edit(await current(), paths.map((path) => ({ op: "remove", path })));
}

export const isOld = (err: unknown) => err instanceof CallError && err.code === Code.conflict;

// path writes the path of a block; labels are escaped as config.ParsePath reads them.
export const path = (...steps: string[]) => steps.map((s) => s.replaceAll("%", "%25").replaceAll("/", "%2F").replaceAll("#", "%23")).join("/");

// words returns how the box names a block in its messages: pool/shop/member/web1
// is pool "shop" member "web1".
export function words(of: string): string {
	return parsePath(of).map((s) => `${[s.type, ...labels(s).map((l) => JSON.stringify(l))].join(" ")}${s.index ? ` #${s.index + 1}` : ""}`).join(" ");
}

// faults are those problems that keep a draft from being committed.
export const faults = (d: Pick<api.Draft, "problems">) => d.problems.filter((p) => !p.warning);

// mistakes returns what is wrong within a block by attribute, and what else is
// wrong in the draft.
export function mistakes(d: Pick<api.Draft, "problems">, of: string, names: readonly string[]): { own: Record<string, string>; rest: api.Problem[] } {
	const own: Record<string, string> = {};
	const rest: api.Problem[] = [];
	const start = `${words(of)}: `;
	for (const p of faults(d)) {
		const message = p.message.startsWith(start) ? p.message.slice(start.length) : "";
		const name = names.find((n) => message === n || message.startsWith(`${n} `));
		if (name) own[name] ??= say(inside(p, message), "message");
		else rest.push(p);
	}
	return { own, rest };
}

// ofRule picks the problems of one rule: the box names the rule in the text.
export function ofRule(problems: readonly api.Problem[], cluster: string, rule: string): api.Problem[] {
	const head = `cluster ${JSON.stringify(cluster)} rule ${JSON.stringify(rule)}: `;
	return problems.filter((p) => p.message.startsWith(head)).map((p) => inside(p, p.message.slice(head.length)));
}

// inside is a problem without the block that it is in, which its place says.
function inside({ said, ...p }: api.Problem, message: string): api.Problem {
	const whole = said?.["message"];
	const why = whole?.kind === "mistake.at" ? (whole.args?.["why"] as Said | undefined) : undefined;
	return { ...p, message, ...(why ? { said: { message: why } } : {}) };
}

// named returns the labels of the top blocks of one type.
export function named(blocks: readonly string[], type: string): string[] {
	return blocks.flatMap((b) => parsePath(b).slice(0, 1)).filter((s) => s.type === type).map((s) => s.label);
}

// useStamp changes whenever the draft or the running revision does.
export function useStamp(): ReadonlySignal<string> {
	const drafts = useTopic("state.candidate");
	const system = useTopic("state.system");
	return useMemo(
		() => computed(() => `${drafts.keys.value.includes("own") ? drafts.get("own")?.value.version : ""} ${system.keys.value.map((k) => system.get(k)?.value.revision).join()}`),
		[drafts, system],
	);
}

// Written is a block as the draft has it; attrs is empty where it has none.
export type Written = { exists: boolean; attrs: Record<string, string>; values: unknown; at: At };

// useBlock reads a block of the draft. A block that is not written is no error;
// no path at all is one that is still to be added to the enclosing block.
// blocks are those of the enclosing block.
export function useBlock(of: string, enclosing = parent(of)) {
	const stamp = useStamp();
	const around = useCall("config.object", { path: enclosing });
	const exists = Boolean(of) && around.data.value?.blocks.includes(of) === true;
	const own = useCall("config.object", exists ? { path: of } : null);
	const again = () => {
		around.again();
		own.again();
	};
	useEffect(() => {
		let first = true;
		return stamp.subscribe(() => {
			if (!first) again();
			first = false;
		});
	}, [stamp]);
	const o = exists ? (own.data.value?.path === of ? own.data.value : undefined) : around.data.value;
	const written: Written | null = o ? { exists, attrs: exists ? o.attrs : {}, values: exists ? o.values : null, at: at(o) } : null;
	return { written, blocks: around.data.value?.blocks ?? [], error: around.error.value ?? (exists ? own.error.value : null), again };
}

export type RuleValues = { name: string; description?: string; when: string; pool?: string; responder?: string; disabled: boolean };
export type TestValues = { name: string; description?: string; request: string; headers?: Record<string, string>; client_ip?: string; expect?: { rule?: string; pool?: string; responder?: string; status?: number } };
export type ClusterValues = {
	name: string;
	description?: string;
	protocol: "http" | "https" | "tcp" | "udp";
	listen: { addr: string; last: number }[];
	pool?: string;
	responder?: string;
	disabled: boolean;
	persist: { method: string; timeout?: string; age?: string; scheme?: string; generation?: number }[];
	rules: RuleValues[];
	tests: TestValues[];
	tls?: { certificates: string[]; profile: string };
};
export type ResponderValues = { name: string; description?: string; status?: number; body?: string; file?: string; content_type?: string; redirect?: string; match?: string };
export type AlertValues = { name: string; description?: string; objects: string[]; kinds: string[]; severity: string; to: string[] };
export type Values = {
	clusters: ClusterValues[];
	pools: { name: string; members: { server: string }[] }[];
	responders: ResponderValues[];
	certificates: { name: string }[];
	servers: { name: string; address: string }[];
	alerts?: AlertValues[];
	syslogs?: { name: string; address: string }[];
	mails?: { name: string; server: string }[];
};

export type Config = { values: Values; on: string; base: number; version?: string };

// useConfig follows the checked values of the draft; on is "running" for what
// runs only.
export function useConfig(on: "" | "running" = ""): { config: ReadonlySignal<Config | undefined>; error: ReadonlySignal<CallError | null>; again: () => void } {
	const stamp = useStamp();
	const config = useSignal<Config | undefined>(undefined);
	const error = useSignal<CallError | null>(null);
	const turn = useSignal(0);
	const when = useMemo(() => computed(() => `${stamp.value} ${turn.value}`), [stamp]);
	useEffect(() => {
		let stop = new AbortController();
		const end = when.subscribe(() => {
			stop.abort();
			stop = new AbortController();
			const mine = stop;
			call("config.values", { on }, { signal: mine.signal }).then(
				(r) => {
					if (mine.signal.aborted) return;
					config.value = r as Config;
					error.value = null;
				},
				(err: CallError) => {
					if (!mine.signal.aborted) error.value = err;
				},
			);
		});
		return () => {
			end();
			stop.abort();
		};
	}, [when, on]);
	return { config, error, again: () => turn.value++ };
}

// useProblems asks what the language finds in the shown configuration.
export function useProblems(config: ReadonlySignal<Config | undefined>): ReadonlySignal<readonly api.Problem[]> {
	const out = useSignal<readonly api.Problem[]>([]);
	useEffect(() => {
		let stop = new AbortController();
		const end = config.subscribe((c) => {
			if (!c) return;
			stop.abort();
			stop = new AbortController();
			const signal = stop.signal;
			const text = c.on === "candidate" ? Promise.resolve({}) : call("config.text", {}, { signal }).then((r) => ({ text: r.text }));
			text.then((p) => call("config.check", p, { signal })).then(
				(r) => (out.value = r.problems),
				() => {}, // the same call's error is shown where the configuration is
			);
		});
		return () => {
			end();
			stop.abort();
		};
	}, [config]);
	return out;
}

// listen writes an address as the configuration has it.
export const listen = (l: { addr: string; last: number }) => (l.last && !l.addr.endsWith(`:${l.last}`) ? `${l.addr}-${l.last}` : l.addr);
