// SPDX-License-Identifier: Apache-2.0
//
// As much of Node's types as the tests use; @types/node would be one more
// dependency for that.
declare module "node:test" {
	type Mock = { timers: { enable(o: { apis: string[]; now?: number }): void; tick(ms: number): void; reset(): void } };
	export const mock: Mock;
	export function test(name: string, run: () => void | Promise<void>): void;
	export function beforeEach(run: () => void): void;
	export function afterEach(run: () => void): void;
}
declare module "node:assert/strict" {
	const assert: {
		(v: unknown, message?: string): asserts v;
		equal(is: unknown, want: unknown, message?: string): void;
		deepEqual(is: unknown, want: unknown, message?: string): void;
		match(is: string, want: RegExp, message?: string): void;
		ok(v: unknown, message?: string): void;
		rejects(p: Promise<unknown>, check: (err: any) => boolean): Promise<void>;
	};
	export default assert;
}
declare module "node:fs" {
	export function readFileSync(path: string, encoding: "utf8"): string;
	export function readdirSync(path: string): string[];
}
declare module "node:path" {
	export function join(...parts: string[]): string;
}
declare module "happy-dom" {
	export class GlobalWindow {
		constructor(o?: object);
		[name: string]: any;
	}
}
interface ImportMeta {
	webui: string; // this folder, set by run.mjs
}
