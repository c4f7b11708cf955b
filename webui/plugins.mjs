// SPDX-License-Identifier: Apache-2.0
//
// The two virtual modules of the build: which pages exist, and which texts.
// build.mjs and test/run.mjs share them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const languages = ["en", "zh-Hans"];

// Texts that every page needs, in one file per language. All others come with
// their page.
export const coreTexts = ["common", "errors", "shell", "overview"];

// The page that is part of the first load; every other one is a lazy chunk.
const eagerPage = "overview";

const names = (dir, ending) =>
	readdirSync(dir).filter((f) => f.endsWith(ending)).map((f) => f.slice(0, -ending.length)).sort();

export function plugins(src, { dev = false } = {}) {
	return [pages(src, dev), texts(src)];
}

// styles makes styles/pages.css import every file of styles/pages.
export function styles(src) {
	return {
		name: "styles",
		setup(build) {
			build.onLoad({ filter: /styles\/pages\.css$/ }, () => ({
				contents: names(join(src, "styles", "pages"), ".css").map((n) => `@import "./pages/${n}.css";`).join("\n"),
				loader: "css",
				resolveDir: join(src, "styles"),
			}));
		},
	};
}

// virtual:pages exports pages: name -> () => Promise<module>, of src/pages/*.tsx.
// A page named dev-* exists only in a dev build.
function pages(src, dev) {
	return {
		name: "pages",
		setup(build) {
			build.onResolve({ filter: /^virtual:pages$/ }, () => ({ path: "pages", namespace: "pages" }));
			build.onLoad({ filter: /.*/, namespace: "pages" }, () => {
				const found = names(join(src, "pages"), ".tsx").filter((n) => dev || !n.startsWith("dev-"));
				const lines = found.map((n) =>
					n === eagerPage
						? `${JSON.stringify(n)}: () => Promise.resolve({ default: eager })`
						: `${JSON.stringify(n)}: () => import("./pages/${n}.tsx")`,
				);
				const eager = found.includes(eagerPage) ? `import eager from "./pages/${eagerPage}.tsx";\n` : "";
				return {
					contents: `${eager}export const pages = {${lines.join(",")}};`,
					loader: "js",
					resolveDir: src,
					watchDirs: [join(src, "pages")],
				};
			});
		},
	};
}

// virtual:texts exports texts: language -> {core, pages: {name}} of loaders.
// texts:<language>/core holds the core namespaces, texts:<language>/<name> one.
function texts(src) {
	const dir = (lang) => join(src, "locales", lang);
	return {
		name: "texts",
		setup(build) {
			build.onResolve({ filter: /^virtual:texts$/ }, () => ({ path: "texts", namespace: "texts-index" }));
			build.onResolve({ filter: /^texts:/ }, (a) => ({ path: a.path.slice(6), namespace: "texts" }));
			build.onLoad({ filter: /.*/, namespace: "texts-index" }, () => {
				const one = (lang) => {
					const lazy = names(dir(lang), ".json").filter((n) => !coreTexts.includes(n));
					const entries = lazy.map((n) => `${JSON.stringify(n)}: () => import("texts:${lang}/${n}")`);
					return `${JSON.stringify(lang)}: {core: () => import("texts:${lang}/core"), pages: {${entries.join(",")}}}`;
				};
				return {
					contents: `export const texts = {${languages.map(one).join(",")}};`,
					loader: "js",
					resolveDir: src,
					watchDirs: languages.map(dir),
				};
			});
			build.onLoad({ filter: /.*/, namespace: "texts" }, (a) => {
				const [lang, name] = a.path.split("/");
				const list = name === "core" ? coreTexts.filter((n) => names(dir(lang), ".json").includes(n)) : [name];
				const files = list.map((n) => join(dir(lang), `${n}.json`));
				const all = Object.fromEntries(list.map((n, i) => [n, JSON.parse(readFileSync(files[i], "utf8"))]));
				return { contents: `export default ${JSON.stringify(all)};`, loader: "js", watchFiles: files };
			});
		},
	};
}
