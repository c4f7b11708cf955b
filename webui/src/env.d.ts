// SPDX-License-Identifier: Apache-2.0
//
// What the build provides: see plugins.mjs.

declare module "virtual:pages" {
	export const pages: Record<string, () => Promise<{ default: import("preact").ComponentType<any> }>>;
}

declare module "virtual:texts" {
	type Load = () => Promise<{ default: Record<string, import("./i18n").Texts> }>;
	export const texts: Record<string, { core: Load; pages: Record<string, Load> }>;
}

// True in a build made by `npm run dev`.
declare const DEV: boolean;

// Hash of what was built; sys.hello says which one the box serves.
declare const UI_HASH: string;

// Addresses of the files that boot.ts asks for at once.
declare const APP_URL: string;
declare const TEXT_URLS: Record<string, string>;

// Address of the worker of moved.ts.
declare const REACH_URL: string;
