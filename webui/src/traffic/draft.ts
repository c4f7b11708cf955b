// SPDX-License-Identifier: Apache-2.0
//
// The configuration that the forms show and change: the person's candidate, or
// what runs while there is none. Every change is one config.edit with the base
// and version that were shown, so that nothing is overwritten unseen.
import { computed, type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type api, call, type CallError, mutate, toast, useCall, useTopic } from "../kit";

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
export type Values = { clusters: ClusterValues[]; pools: { name: string; members: { server: string }[] }[]; responders: ResponderValues[]; certificates: { name: string }[]; servers: { name: string; address: string }[] };

export type Config = { values: Values; on: string; base: number; version?: string };

// useConfig follows the candidate: it asks again whenever the candidate or the
// running revision changes. on is "running" for what runs only.
export function useConfig(on: "" | "running" = ""): { config: ReadonlySignal<Config | undefined>; error: ReadonlySignal<CallError | null>; again: () => void } {
	const drafts = useTopic("state.candidate");
	const system = useTopic("state.system");
	const config = useSignal<Config | undefined>(undefined);
	const error = useSignal<CallError | null>(null);
	const turn = useSignal(0);
	const stamp = useMemo(
		() => computed(() => `${drafts.keys.value.includes("own") ? drafts.get("own")?.value.version : ""} ${system.keys.value.map((k) => system.get(k)?.value.revision).join()} ${turn.value}`),
		[drafts, system],
	);
	useEffect(() => {
		let stop = new AbortController();
		const end = stamp.subscribe(() => {
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
	}, [stamp, on]);
	return { config, error, again: () => turn.value++ };
}

// edit changes the candidate and says so. It returns the mistakes that the
// candidate has now; it keeps them until they are mended.
export async function edit(at: Pick<Config, "base" | "version">, edits: api.EditOp[], said: string): Promise<api.Draft> {
	const d = await mutate("config.edit", { base: at.base, ...(at.version ? { version: at.version } : {}), edits });
	toast(said); // the bar of uncommitted changes has the way to the review
	return d;
}

// mistakes are those problems that keep a candidate from being committed.
export const mistakes = (d: api.Draft) => d.problems.filter((p) => !p.warning);

// path writes the path of a block; labels are escaped as config.ParsePath reads them.
export const path = (...steps: string[]) => steps.map((s) => s.replaceAll("%", "%25").replaceAll("/", "%2F").replaceAll("#", "%23")).join("/");

// ofRule picks the problems of one rule: the box names the rule in the text.
export function ofRule(problems: readonly api.Problem[], cluster: string, rule: string): api.Problem[] {
	const head = `cluster ${JSON.stringify(cluster)} rule ${JSON.stringify(rule)}: `;
	return problems.filter((p) => p.message.startsWith(head)).map((p) => ({ ...p, message: p.message.slice(head.length) }));
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

// useWritten returns the paths of the blocks within a block, undefined until
// they are known.
export function useWritten(config: Config, at: string): readonly string[] | undefined {
	const o = useCall("config.object", { path: at });
	useEffect(() => o.again(), [config.base, config.version]);
	return o.data.value?.blocks;
}
