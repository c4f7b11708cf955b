// SPDX-License-Identifier: Apache-2.0
//
// Hot standby in the browser: a box that stands alone, and one with a failover
// group on the network of the simulated board.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { admin as who, Box, shop, until } from "./box.mjs";
import { launch, live, tab, violations } from "./browser.mjs";

const pair = (p) => `${shop(p)}
node {
  name   = "left"
  listen = "127.0.0.1:${p.spare}"

  peer "right" { address = "127.0.0.1:1" }
}

group "front" {
  homes    = ["left", "right"]
  interval = "100ms"

  router "lan" {
    port      = "1"
    vrid      = 10
    addresses = ["192.0.2.10/24"]
  }

  track "custom" "upstream" { ttl = "1h" }
}
`;

let browser, box;
before(async () => (browser = await launch()));
after(() => browser?.close());

async function open(session) {
	const t = await tab(browser, box, { cookie: session.cookie });
	await t.page.goto(`${t.base}/standby`);
	await live(t.page);
	return t;
}

test("a box that stands alone is told how a pair begins", async (t) => {
	box = await Box.start(shop);
	t.after(() => box.stop());
	const session = await box.setUp();
	t.after(() => session.close());
	const { page, end } = await open(session);
	await page.getByText("This box stands alone").waitFor();
	await page.getByRole("button", { name: "Name this box and its peer" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByLabel("Name of this box").fill("left");
	await dialog.getByLabel("Address of this box for its peer").fill("127.0.0.1:7460");
	await dialog.getByLabel("Name of the other box").fill("right");
	await dialog.getByLabel("Address of the other box").fill("127.0.0.2:7460");
	await dialog.getByRole("button", { name: "Put into the draft" }).click();
	await dialog.waitFor({ state: "detached" });
	const draft = await session.call("config.object", { path: "node" });
	assert.match(draft.text, /peer "right" \{\s*address = "127\.0\.0\.2:7460"/);
	await page.getByRole("button", { name: "Pair…" }).click();
	await dialog.getByRole("button", { name: /Wait for the other box/ }).waitFor();
	assert.ok(await dialog.getByRole("button", { name: /Wait for the other box/ }).getAttribute("aria-disabled"), "without an address nobody can join");
	await end();
});

test("a failover group says why it is where it is, and moves only with a word", async (t) => {
	box = await Box.start(pair, { board: "sim" });
	t.after(() => box.stop());
	const session = await box.setUp();
	t.after(() => session.close());
	const { page, end } = await open(session);
	await page.getByText("This box is active for front.").waitFor();
	await page.getByText("right is not paired: nothing is mirrored.").waitFor();
	const banner = page.getByRole("banner");
	await banner.getByRole("link", { name: "Hot standby: Active" }).waitFor();

	// What is tracked is seen at once, and what it costs.
	box.must("ha", "track", "upstream", "down", "--reason", "the line is cut");
	const row = page.getByRole("row", { name: /custom upstream/ });
	await row.getByText("the line is cut").waitFor();
	await row.getByText("−60").waitFor();
	await page.getByRole("heading", { name: "Priority 140" }).waitFor();

	// Nobody is there to take it: the box says so, and it stays.
	await page.getByRole("button", { name: "Switch…" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByText("right takes the addresses; new connections go there at once.").waitFor();
	await dialog.getByText("does not say that it could serve the group now").waitFor();
	assert.deepEqual(await violations(page), []);
	await dialog.getByRole("button", { name: "Switch front to right" }).click();
	await dialog.getByRole("alert").waitFor();
	await dialog.getByRole("button", { name: "Cancel" }).click();
	assert.equal((await session.call("ha.show", {})).groups[0].state, "active");

	await page.getByRole("tab", { name: "Timeline" }).click();
	await page.getByText(/front is active on left/).first().waitFor();
	await end();
});

test("pairing is begun, waits and is cancelled in the browser", async (t) => {
	box = await Box.start(pair, { board: "sim" });
	t.after(() => box.stop());
	const session = await box.setUp();
	t.after(() => session.close());
	// The password gives the session another cookie: not that of others.
	const own = await box.login();
	t.after(() => own.close());
	const { page, end } = await open(own);
	await page.getByRole("button", { name: "Pair…" }).first().click();
	const dialog = page.getByRole("dialog", { name: "Pair with another box" });
	await dialog.getByRole("button", { name: "Wait for the other box" }).click();
	const password = page.getByRole("dialog").getByLabel("Password");
	await password.fill(who.password);
	await password.press("Enter");
	await dialog.getByText("This box waits.").waitFor();
	await until("the box waits", async () => (await session.call("ha.pair.show", {})).phase === "open");
	assert.deepEqual(await violations(page), []);
	await dialog.getByRole("button", { name: "Cancel pairing" }).click();
	await until("it does not any more", async () => /cancelled/.test((await session.call("ha.pair.show", {})).problem));
	await end();
});
