// SPDX-License-Identifier: Apache-2.0
//
// Two boxes become a pair, each by the hands of a person at a browser of its own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { admin as who, Box, empty, until } from "./box.mjs";
import { launch, live, tab } from "./browser.mjs";

// goods has no cluster: both boxes are on this machine, and one address is not for two.
const goods = (p) => `${empty(p)}
server "web1" { address = "127.0.0.1:${p.origins[0]}" }

pool "shop" {
  member "web1" {}
}
`;

let browser;
const boxes = [];
before(async () => (browser = await launch()));
after(async () => {
	await Promise.all(boxes.map((b) => b.stop()));
	await browser?.close();
});

// A seat is a person at the page of one box.
async function sit(name, config) {
	const box = await Box.start(config, { board: "sim" });
	boxes.push(box);
	await box.setUp().then((s) => s.close());
	const session = await box.login(); // the password gives it another cookie
	const { page, base, end } = await tab(browser, box, { cookie: session.cookie });
	await page.goto(`${base}/standby`);
	await live(page);
	return { name, box, session, page, base, end, dialog: page.getByRole("dialog") };
}

// introduce names a box and its peer by the page's form, and commits.
async function introduce(me, other) {
	await me.page.getByRole("button", { name: "Name this box and its peer" }).click();
	await me.dialog.getByLabel("Name of this box").fill(me.name);
	await me.dialog.getByLabel("Address of this box for its peer").fill(`127.0.0.1:${me.box.ports.spare}`);
	await me.dialog.getByLabel("Name of the other box").fill(other.name);
	await me.dialog.getByLabel("Address of the other box").fill(`127.0.0.1:${other.box.ports.spare}`);
	await me.dialog.getByRole("button", { name: "Put into the draft" }).click();
	await me.dialog.waitFor({ state: "detached" });
	const { revision } = me.box.status();
	await me.session.call("config.commit", { comment: "a pair" });
	await until("the revision runs", () => me.box.status().revision > revision);
}

const password = async (seat) => {
	const field = seat.page.getByRole("dialog").getByLabel("Password");
	await field.fill(who.password);
	await field.press("Enter");
};

test("two boxes are paired in two browsers, and mirror", async () => {
	const left = await sit("left", goods);
	const right = await sit("right", empty);
	await introduce(left, right);
	await introduce(right, left);

	for (const s of [left, right]) await s.page.getByRole("button", { name: "Pair…" }).first().click();
	await left.dialog.getByRole("button", { name: "Wait for the other box" }).click();
	await password(left);
	await left.dialog.getByText("This box waits.").waitFor();
	const address = await left.dialog.locator("code").first().innerText();
	await right.dialog.getByRole("radio", { name: /^It joins/ }).check();
	await right.dialog.getByLabel("Address of the box that waits").fill(address);
	await right.dialog.getByRole("button", { name: "Join", exact: true }).click();
	await password(right);

	// Both read the same six digits, and say so.
	const codes = [];
	for (const s of [left, right]) {
		const shown = s.dialog.getByRole("img");
		await shown.waitFor();
		codes.push(await shown.getAttribute("aria-label"));
	}
	assert.match(codes[0], /(\d ){5}\d/);
	assert.equal(codes[0], codes[1]);
	await left.dialog.getByRole("button", { name: "They are the same" }).click();
	await right.dialog.getByText(/^Confirmed on left/).first().waitFor();
	await right.dialog.getByRole("button", { name: "They are the same" }).click();
	await left.dialog.getByText("Paired with right.").waitFor();
	await right.dialog.getByText("Paired with left.").waitFor();
	for (const s of [left, right]) await s.dialog.getByRole("button", { name: "Close" }).last().click();

	// What differs is told object by object, and nobody is overwritten unasked.
	assert.doesNotMatch(right.box.text(), /pool "shop"/);
	await right.page.getByText("Both were changed in different ways").first().waitFor();
	await right.page.getByRole("button", { name: /^\d+ differences/ }).click();
	await right.dialog.getByText("pool/shop").first().waitFor();
	await right.dialog.getByRole("radio", { name: /^Those of left/ }).check();

	await right.dialog.getByRole("button", { name: /^Make \d+ objects equal/ }).click();

	await until("right has the shop", () => /pool "shop"/.test(right.box.text()));
	for (const s of [left, right]) {
		await s.page.goto(`${s.base}/standby`);
		await s.page.getByText("The same on both").first().waitFor();
	}
	for (const s of [left, right]) await s.end();
});
