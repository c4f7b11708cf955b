// SPDX-License-Identifier: Apache-2.0
//
// A window for tests that draw. It must be there before Preact is loaded, so
// this is the first import of such a test.
import { GlobalWindow } from "happy-dom";

const win = new GlobalWindow({ url: "https://box.test/" });
for (const name of ["document", "location", "history", "localStorage", "HTMLElement", "Element", "Node", "Event", "MouseEvent", "KeyboardEvent", "CustomEvent", "MutationObserver", "getSelection", "matchMedia", "requestAnimationFrame", "cancelAnimationFrame", "addEventListener", "removeEventListener", "dispatchEvent", "getComputedStyle", "scrollTo"]) {
	const v = win[name];
	Object.defineProperty(globalThis, name, { value: typeof v === "function" && !/^[A-Z]/.test(name) ? v.bind(win) : v, configurable: true, writable: true });
}
Object.defineProperty(globalThis, "window", { value: globalThis, configurable: true });
Object.defineProperty(globalThis, "navigator", { value: { platform: "Linux", languages: ["en"] }, configurable: true });

// settled waits until Preact and its effects have drawn.
export async function settled(): Promise<void> {
	for (let i = 0; i < 4; i++) await new Promise((go) => setTimeout(go, 8));
}
