// SPDX-License-Identifier: Apache-2.0
//
// A worker that asks whether a console answers at an address of the box. Its
// file is served with a policy of its own that lets it connect elsewhere; so that
// it is of no use to anybody else it takes nothing but https, an address in
// numbers and a port, asks one fixed path, and tells only whether there was an answer.
const numbers = /^https:\/\/(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;

const scope = globalThis as unknown as { onmessage: (e: MessageEvent<{ id: number; url: string }>) => void; postMessage: (m: unknown) => void };

scope.onmessage = ({ data: { id, url } }) => {
	const origin = url.replace(/\/+$/, "");
	if (!numbers.test(origin)) {
		scope.postMessage({ id, ok: false });
		return;
	}
	fetch(`${origin}/api/v1/here`, { mode: "no-cors", credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(4000) }).then(
		() => scope.postMessage({ id, ok: true }),
		() => scope.postMessage({ id, ok: false }),
	);
};
export {};
