// SPDX-License-Identifier: Apache-2.0
//
// Whatever others can write, a server's answer and a stranger's request too, is
// text on every page: no element is made of it, no script runs.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { Box, shop, until } from "./box.mjs";
import { launch, live, settled, tab } from "./browser.mjs";
import { paths } from "./paths.mjs";

// evil is markup that would run a script and is found again by its name.
const evil = (where) => `<img src=x onerror="window.ran='${where}'"><svg onload=window.ran=1>${where}`;
// In the language's strings a quote has a backslash before it.
const quoted = (where) => evil(where).replaceAll('"', '\\"');

let browser, box, admin, cookie;
before(async () => {
	browser = await launch();
	box = await Box.start((p) => shop(p)
		.replace("pages of the shop", quoted("pool-words"))
		.replace("www.example.com\"\n", `${quoted("cluster-words")}"\n`)
		.replace("the shop has moved from /old/ to /", quoted("rule-words"))
		.replace("closed for a moment", quoted("body-words"))
		.replace(/server "web1" \{ (address = "[^"]+") \}/, (_, a) => `server "web1" {\n  description = "${quoted("server-words")}"\n  ${a}\n}`));
	admin = await box.setUp();
	// A revision with a comment, a draft, a drain with a note, an acknowledged event.
	await admin.call("config.patch", { base: 1, path: "pool/api", set: { description: evil("comment-words") } });
	await admin.call("config.commit", { comment: evil("comment-words") });
	await admin.call("config.patch", { base: 2, path: "responder/sorry", set: { body: evil("draft-words") } });
	await admin.call("server.quiesce", { member: "shop/web2", reason: evil("note-words") });
	const { events } = await admin.call("event.list");
	await admin.call("event.ack", { events: [events.at(-1).seq], note: evil("ack-words") });
	// A session by a browser with a hostile name, a login of a hostile user.
	const res = await admin.post("/api/v1/login", { user: "admin", password: "correct horse battery" }, { "User-Agent": evil("agent-words"), Cookie: "" });
	assert.equal(res.status, 200);
	cookie = admin.cookie;
	await admin.post("/api/v1/login", { user: evil("user-words"), password: "not good at all" });
	admin.cookie = cookie;
	// An origin that answers its probe with markup, and clients that ask with it.
	box.origins[2].says = evil("probe-words");
	await stranger();
	await until("web3 is down", async () => (await admin.call("pool.list")).pools.find((p) => p.name === "shop").members.find((m) => m.name === "web3").state === "down");
});
after(async () => {
	admin?.close();
	await box?.stop();
	await browser?.close();
});

// stranger sends a request to the cluster that is markup all over.
const stranger = () => new Promise((resolve, reject) => {
	const headers = { "User-Agent": evil("client-words"), Referer: evil("referer-words"), Host: "www.example.com" };
	const req = request({ host: "127.0.0.1", port: box.ports.http, path: "/<svg/onload=window.ran=2>path-words", headers, agent: false }, (r) => r.resume().on("end", resolve));
	req.on("error", reject);
	req.end();
});

// harmless asserts that a page has made nothing of the markup.
async function harmless(page, where) {
	const made = await page.evaluate(() => ({
		ran: window.ran,
		elements: [...document.querySelectorAll('img[src="x"], [onerror], [onload], script:not([src^="/assets/"])')].map((e) => e.outerHTML),
	}));
	assert.deepEqual(made, { ran: undefined, elements: [] }, where);
}

test("no page makes elements or scripts of what it shows", async (t) => {
	const { page, base, end } = await tab(browser, box, { cookie });
	const shown = new Set();
	const look = async (where) => {
		await settled(page);
		await harmless(page, where);
		const text = await page.evaluate(() => [document.body.innerText, ...[...document.querySelectorAll("input, textarea")].map((e) => e.value), ...[...document.querySelectorAll("[title]")].map((e) => e.title)].join("\n"));
		for (const [, word] of text.matchAll(/<svg onload=window\.ran=1>([a-z]+-words)/g)) shown.add(word);
	};
	for (const path of [...paths({ cluster: "shop", pool: "shop", server: "web1", certificate: "none", port: "1" }), "/clusters/shop?tab=rules", "/clusters/shop?tab=settings", "/pools/shop?server=web3", "/responders?responder=sorry", "/logs?tab=system", evil("/path-words")]) {
		await page.goto(base + (path.startsWith("/") ? path : `/${encodeURIComponent(path)}`));
		await live(page);
		await look(path);
		for (const name of await page.getByRole("main").getByRole("tab").all()) {
			await name.click();
			await look(`${path}, a tab`);
		}
	}
	t.diagnostic(`shown as text: ${[...shown].sort().join(" ")}`);
	for (const word of ["pool-words", "cluster-words", "rule-words", "body-words", "comment-words", "draft-words", "note-words", "agent-words"]) {
		assert.ok(shown.has(word), `no page shows ${word}: the test looks at nothing`);
	}
	await end();
});

test("what a stranger asks for is text in the log", async () => {
	const { page, base, end } = await tab(browser, box, { cookie });
	await page.goto(`${base}/logs`);
	await live(page);
	await until("the request is in the log", async () => {
		await stranger();
		return page.getByText(/<svg\/onload=window\.ran=2>path-words/).first().isVisible();
	});
	await harmless(page, "the access log");
	await end();
});

test("what a server answers to its probe is text", async () => {
	const { page, base, end } = await tab(browser, box, { cookie });
	await page.goto(`${base}/pools/shop`);
	await live(page);
	await page.getByRole("button", { name: "More actions" }).click();
	await page.getByRole("menuitem", { name: /^Test/ }).first().click();
	const words = page.getByText(/<svg onload=window\.ran=1>probe-words/).first();
	await words.waitFor({ state: "attached" });
	await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
	await words.waitFor();
	await harmless(page, "the test of probes");
	await end();
});
