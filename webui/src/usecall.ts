// SPDX-License-Identifier: Apache-2.0
//
// Calls whose result a page shows.
import { type ReadonlySignal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Methods } from "./api";
import { call } from "./session";
import { CallError, Code } from "./wire";

export type Answer<T> = {
	data: ReadonlySignal<T | undefined>;
	error: ReadonlySignal<CallError | null>;
	busy: ReadonlySignal<boolean>;
	again: () => void;
};

// useCall asks when the component comes and whenever method or parameters
// change, and takes the question back when it goes. null asks nothing.
export function useCall<M extends keyof Methods>(method: M, params: Methods[M]["params"] | null): Answer<Methods[M]["result"]> {
	const data = useSignal<Methods[M]["result"] | undefined>(undefined);
	const error = useSignal<CallError | null>(null);
	const busy = useSignal(false);
	const turn = useSignal(0);
	useEffect(() => {
		if (params === null) return;
		const stop = new AbortController();
		busy.value = true;
		call(method, params, { signal: stop.signal })
			.then(
				(r) => {
					data.value = r;
					error.value = null;
				},
				(err: CallError) => {
					if (err.code !== Code.cancelled) error.value = err;
				},
			)
			.finally(() => (busy.value = false));
		return () => stop.abort();
	}, [method, JSON.stringify(params), turn.value]);
	return { data, error, busy, again: () => turn.value++ };
}
