// SPDX-License-Identifier: Apache-2.0
//
// The map of the console. A route whose page is not in src/pages does not
// exist; making src/pages/<page>.tsx is all that it takes to add one.
import { signal } from "@preact/signals";
import { pages } from "virtual:pages";
import type { IconName } from "./components/icons";
import { match } from "./router";

export type Route = {
	path: string; // :name stands for one part
	page: string; // file in src/pages, without .tsx
	nav?: { group: Group; icon: IconName }; // shown in the navigation as shell.nav_<page>
	keys?: string; // second key after g
	texts?: readonly string[]; // further files of texts that the page uses
};

export const groups = ["top", "traffic", "observe", "changes", "system"] as const;
export type Group = (typeof groups)[number];

const all: readonly Route[] = [
	{ path: "/", page: "overview", nav: { group: "top", icon: "overview" }, keys: "o" },
	{ path: "/topology", page: "topology", nav: { group: "top", icon: "topology" }, keys: "t", texts: ["members"] },

	{ path: "/clusters", page: "clusters", nav: { group: "traffic", icon: "cluster" }, keys: "c", texts: ["cluster", "rules"] },
	{ path: "/clusters/:cluster", page: "cluster", texts: ["blocks", "clusters", "rules"] },
	{ path: "/rules", page: "rules", nav: { group: "traffic", icon: "rules" }, keys: "r" },
	{ path: "/tester", page: "tester", nav: { group: "traffic", icon: "tester" }, keys: "x", texts: ["rules"] },
	{ path: "/pools", page: "pools", nav: { group: "traffic", icon: "pool" }, keys: "p", texts: ["members", "blocks"] },
	{ path: "/pools/:pool", page: "pool", texts: ["members", "blocks"] },
	{ path: "/servers", page: "servers", nav: { group: "traffic", icon: "server" }, keys: "s", texts: ["members", "blocks"] },
	{ path: "/servers/:server", page: "server", texts: ["members", "blocks"] },
	{ path: "/responders", page: "responders", nav: { group: "traffic", icon: "responder" }, texts: ["blocks", "rules"] },
	{ path: "/probes", page: "probes", nav: { group: "traffic", icon: "probe" }, texts: ["members", "blocks"] },
	{ path: "/persistence", page: "persistence", nav: { group: "traffic", icon: "persist" }, texts: ["rules"] },
	{ path: "/certificates", page: "certificates", nav: { group: "traffic", icon: "certificate" }, texts: ["blocks", "admin", "changes"] },
	{ path: "/certificates/:certificate", page: "certificate", texts: ["blocks", "admin", "certificates", "changes"] },

	{ path: "/charts", page: "charts", nav: { group: "observe", icon: "chart" }, keys: "m" },
	{ path: "/events", page: "events", nav: { group: "observe", icon: "event" }, keys: "e" },
	{ path: "/logs", page: "logs", nav: { group: "observe", icon: "log" }, keys: "l" },
	{ path: "/capture", page: "capture", nav: { group: "observe", icon: "filter" }, texts: ["blocks"] },
	{ path: "/diagnostics", page: "diagnostics", nav: { group: "observe", icon: "probe" } },

	{ path: "/changes/review", page: "review", texts: ["changes"], nav: { group: "changes", icon: "review" }, keys: "v" },
	{ path: "/changes/history", page: "history", texts: ["changes"], nav: { group: "changes", icon: "history" }, keys: "h" },
	{ path: "/changes/text", page: "edit", texts: ["blocks", "changes", "reference"], nav: { group: "changes", icon: "text" } },

	{ path: "/hardware", page: "hardware", nav: { group: "system", icon: "hardware" }, texts: ["blocks"] },
	{ path: "/ports", page: "ports", nav: { group: "system", icon: "port" } },
	{ path: "/ports/:port", page: "port", texts: ["ports"] },
	{ path: "/standby", page: "standby", nav: { group: "system", icon: "standby" }, keys: "b", texts: ["blocks", "overview"] },
	{ path: "/system/network", page: "network", nav: { group: "system", icon: "network" }, texts: ["admin", "blocks", "ports", "changes"] },
	{ path: "/system", page: "system", nav: { group: "system", icon: "system" }, texts: ["blocks", "admin", "changes"] },
	{ path: "/updates", page: "updates", nav: { group: "system", icon: "firmware" }, texts: ["admin"] },
	{ path: "/system/users", page: "users", nav: { group: "system", icon: "user" }, keys: "u", texts: ["admin"] },
	{ path: "/system/audit", page: "audit", nav: { group: "system", icon: "audit" }, texts: ["admin"] },
	{ path: "/system/backup", page: "backup", nav: { group: "system", icon: "backup" }, texts: ["admin"] },
	{ path: "/system/alerts", page: "alerts", nav: { group: "system", icon: "alert" }, texts: ["blocks", "admin", "changes"] },
	{ path: "/system/cli", page: "cli", nav: { group: "system", icon: "terminal" } },
	{ path: "/wizard", page: "wizard", texts: ["changes"] },
	{ path: "/account", page: "account" },
	{ path: "/dev/styleguide", page: "dev-styleguide" },
];

// routes are those that there are.
export const routes: readonly Route[] = all.filter((r) => r.page in pages);

// find returns the route of a path and the named parts of it.
export function find(path: string): { route: Route; params: Record<string, string> } | null {
	for (const route of routes) {
		const params = match(route.path, path);
		if (params) return { route, params };
	}
	return null;
}

// badges are numbers beside entries of the navigation, by page.
export const badges = signal<Record<string, { n: number; label: string }>>({});
