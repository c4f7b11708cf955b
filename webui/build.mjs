// SPDX-License-Identifier: Apache-2.0
//
// Builds the console into dist/: hashed names, .br and .gz siblings, licences
// of what is bundled, and a manifest. With --check-budget it fails when the
// console has grown too large; with --dev it adds the pages of developers.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { coreTexts, languages, plugins, styles } from "./plugins.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const src = join(here, "src");

// In bytes: console.md 2.2. The first load is what the browser must have to
// show the overview in one language.
export const budgets = { firstLoad: 70_000, requests: 5, charts: 25_000, page: 20_000, dist: 1_190_000 };

const brotli = (data) =>
	brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length } });
const hash = (data) => createHash("sha256").update(data).digest("hex").slice(0, 10);

export async function build({ out = join(here, "dist"), dev = false } = {}) {
	const common = {
		bundle: true,
		minify: !dev,
		target: "es2022",
		charset: "utf8",
		legalComments: "none",
		absWorkingDir: here,
		logLevel: "warning",
		metafile: true,
		write: false,
		define: { DEV: String(dev) },
	};
	const worker = await esbuild.build({ ...common, entryPoints: ["src/reach.ts"], format: "iife", outdir: out, entryNames: "assets/[name]-[hash]" });
	const reach = worker.outputFiles[0];
	const app = await esbuild.build({
		...common,
		define: { ...common.define, REACH_URL: JSON.stringify(`/${relative(out, reach.path)}`) },
		entryPoints: ["src/main.ts"],
		format: "esm",
		splitting: true,
		outdir: out,
		entryNames: "assets/[name]-[hash]",
		chunkNames: "assets/[name]-[hash]",
		plugins: plugins(src, { dev }),
		jsx: "automatic",
		jsxImportSource: "preact",
	});
	const css = await esbuild.build({ ...common, entryPoints: ["src/styles/main.css"], outdir: out, entryNames: "assets/[name]-[hash]", plugins: [styles(src)] });

	const files = new Map(); // path in dist -> Buffer
	for (const f of [reach, ...app.outputFiles, ...css.outputFiles]) files.set(relative(out, f.path), Buffer.from(f.contents));
	const outputs = app.metafile.outputs;
	const rel = (path) => relative(out, join(here, path));
	const entry = Object.keys(outputs).find((p) => outputs[p].entryPoint === "src/main.ts");
	const shared = outputs[entry].imports.filter((i) => i.kind === "import-statement").map((i) => i.path);
	if (shared.length !== 1) {
		throw new Error(
			`the console's core must be one file, it is ${shared.length}: every page must import from ../kit, and a lazy library nothing of it`,
		);
	}
	// main.ts only names what belongs together: boot.ts loads that file itself.
	files.delete(rel(entry));

	const uiHash = hash(Buffer.concat([...files.keys()].sort().map((p) => files.get(p))));
	const byEntry = (point) => rel(Object.keys(outputs).find((p) => outputs[p].entryPoint === point) ?? "");
	const textPaths = Object.fromEntries(languages.map((l) => [l, byEntry(`texts:${l}/core`)]));
	const appPath = rel(shared[0]);
	const boot = await esbuild.build({
		...common,
		entryPoints: ["src/boot.ts"],
		format: "iife",
		outdir: out,
		entryNames: "assets/[name]-[hash]",
		external: ["/assets/*"],
		define: {
			...common.define,
			UI_HASH: JSON.stringify(uiHash),
			APP_URL: JSON.stringify(`/${appPath}`),
			TEXT_URLS: JSON.stringify(Object.fromEntries(languages.map((l) => [l, `/${textPaths[l]}`]))),
		},
	});
	for (const f of boot.outputFiles) files.set(relative(out, f.path), Buffer.from(f.contents));
	const named = (start, end) => [...files.keys()].find((p) => p.startsWith(`assets/${start}-`) && p.endsWith(end));
	const html = readFileSync(join(src, "index.html"), "utf8")
		.replace("%CSS%", `/${named("main", ".css")}`)
		.replace("%BOOT%", `/${named("boot", ".js")}`);
	files.set("index.html", Buffer.from(html));
	files.set("licences.txt", Buffer.from(licences([app.metafile, css.metafile])));

	const manifest = describe(files, outputs, rel, { appPath, textPaths, css: named("main", ".css"), boot: named("boot", ".js") });
	manifest.ui_hash = uiHash;
	files.set("manifest.json", Buffer.from(JSON.stringify(manifest, null, 1) + "\n"));
	write(out, files);
	return { files, manifest };
}

// describe says what each file is for and how large it is.
function describe(files, outputs, rel, { appPath, textPaths, css, boot }) {
	const size = (p) => ({ path: p, raw: files.get(p).length, brotli: brotli(files.get(p)).length });
	const pages = {};
	let charts = null;
	for (const [path, o] of Object.entries(outputs)) {
		const page = /^src\/pages\/(.+)\.tsx$/.exec(o.entryPoint ?? "");
		if (page) pages[page[1]] = size(rel(path));
		if (o.entryPoint === "src/components/plot.ts") charts = size(rel(path));
	}
	const first = ["index.html", css, boot, appPath].map(size);
	const text = Object.fromEntries(languages.map((l) => [l, size(textPaths[l])]));
	return {
		first_load: { files: first, texts: text, eager: coreTexts },
		pages,
		charts,
		raw: [...files.values()].reduce((n, f) => n + f.length, 0),
	};
}

// overBudget returns what is too large, in words.
export function overBudget({ files, manifest }) {
	const bad = [];
	const check = (name, is, most, unit) => {
		if (is > most) bad.push(`${name}: ${is} ${unit}, at most ${most}`);
	};
	const first = manifest.first_load;
	const texts = Math.max(...Object.values(first.texts).map((t) => t.brotli));
	check("first load", first.files.reduce((n, f) => n + f.brotli, 0) + texts, budgets.firstLoad, "bytes of brotli");
	check("requests of the first load", first.files.length + 1, budgets.requests, "files");
	if (manifest.charts) check("charts", manifest.charts.brotli, budgets.charts, "bytes of brotli");
	for (const [name, p] of Object.entries(manifest.pages)) check(`page ${name}`, p.brotli, budgets.page, "bytes of brotli");
	check("dist without compressed files", manifest.raw, budgets.dist, "bytes");
	for (const [path, data] of files) {
		for (const url of foreign(path, data.toString())) bad.push(`${path} names another host: ${url}`);
	}
	return bad;
}

// XML namespaces are names, not addresses: nothing is fetched from them.
const namespaces = ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML", "http://www.w3.org/1999/xlink"];

// Names that RFC 2606 keeps for examples: pages show them in empty fields.
const example = /^(?:[a-z]+:)?\/\/(?:[a-z0-9-]+\.)*example(?:\.(?:com|net|org))?(?=[/:?#]|$)/i;

// foreign returns the addresses of other hosts in a built file: those with a
// scheme, and those that a quote or bracket stands before.
export function foreign(path, text) {
	if (path === "licences.txt") return [];
	const found = text.match(/(?:(?:https?|wss?):|(?<=["'`(=]))\/\/[a-z0-9-]+(?:\.[a-z0-9-]+)+[^\s"'`)<]*/gi) ?? [];
	return found.filter((u) => !example.test(u) && !namespaces.some((n) => u.startsWith(n)));
}

// licences returns the licence texts of every package in the bundles.
function licences(metafiles) {
	const packages = new Set();
	for (const m of metafiles) {
		for (const o of Object.values(m.outputs)) {
			for (const input of Object.keys(o.inputs)) {
				const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
				if (found) packages.add(found[1]);
			}
		}
	}
	const part = (name) => {
		const dir = join(here, "node_modules", name);
		const about = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
		const file = readdirSync(dir).find((f) => /^licen[cs]e/i.test(f));
		if (!file) throw new Error(`${name} is bundled and has no licence file`);
		return `${name} ${about.version} (${about.license})\n\n${readFileSync(join(dir, file), "utf8").trim()}\n`;
	};
	return [...packages].sort().map(part).join(`\n${"-".repeat(72)}\n\n`);
}

// write replaces what dist holds, but not what git keeps there.
function write(out, files) {
	mkdirSync(join(out, "assets"), { recursive: true });
	for (const name of readdirSync(out)) {
		if (name !== ".gitignore") rmSync(join(out, name), { recursive: true });
	}
	mkdirSync(join(out, "assets"));
	for (const [path, data] of files) {
		writeFileSync(join(out, path), data);
		if (path === "manifest.json" || data.length < 256) continue;
		writeFileSync(join(out, `${path}.br`), brotli(data));
		writeFileSync(join(out, `${path}.gz`), gzipSync(data, { level: 9 }));
	}
}

function report({ manifest }) {
	const kb = (n) => `${(n / 1000).toFixed(1)} kB`;
	const first = manifest.first_load;
	const texts = Math.max(...Object.values(first.texts).map((t) => t.brotli));
	const sum = first.files.reduce((n, f) => n + f.brotli, 0) + texts;
	const largest = Object.entries(manifest.pages).sort((a, b) => b[1].brotli - a[1].brotli)[0];
	console.log(
		`webui: first load ${kb(sum)} in ${first.files.length + 1} files, charts ${kb(manifest.charts?.brotli ?? 0)}, ` +
			`largest page ${largest ? `${largest[0]} ${kb(largest[1].brotli)}` : "none"}, dist ${kb(manifest.raw)}`,
	);
}

if (process.argv[1] && statSync(process.argv[1]).ino === statSync(fileURLToPath(import.meta.url)).ino) {
	const made = await build({ dev: process.argv.includes("--dev") });
	report(made);
	if (process.argv.includes("--check-budget")) {
		const bad = overBudget(made);
		for (const b of bad) console.error(`over budget: ${b}`);
		if (bad.length > 0) process.exit(1);
	}
}
