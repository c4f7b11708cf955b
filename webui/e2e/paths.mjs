// SPDX-License-Identifier: Apache-2.0
//
// The addresses of all pages that exist, as src/routes.ts lists them.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const src = join(dirname(fileURLToPath(import.meta.url)), "..", "src");

// paths fills the named parts of addresses from names.
export function paths(names) {
	const text = readFileSync(join(src, "routes.ts"), "utf8");
	const routes = [...text.matchAll(/\{ path: "([^"]+)", page: "([^"]+)"/g)].map(([, path, page]) => ({ path, page }));
	if (routes.length < 20) throw new Error("src/routes.ts is not written as this test reads it");
	return routes
		.filter((r) => !r.path.startsWith("/dev/") && existsSync(join(src, "pages", `${r.page}.tsx`)))
		.map((r) => r.path.replace(/:(\w+)/g, (_, n) => encodeURIComponent(names[n])));
}
