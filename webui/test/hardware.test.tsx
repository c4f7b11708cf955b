// SPDX-License-Identifier: Apache-2.0
import { settled } from "./dom";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { render } from "preact";
import type { api } from "../src/kit";
import { addTexts, lang } from "../src/i18n";
import { at, PanelView } from "../src/machine/panel";
import { portState, speedText } from "../src/machine/ports";
import { parent } from "../src/paths";
import { connection, hello } from "../src/session";

for (const l of ["en", "zh-Hans"]) {
	const read = (name: string) => JSON.parse(readFileSync(join(import.meta.webui, "src/locales", l, `${name}.json`), "utf8"));
	addTexts(l, Object.fromEntries(["common", "errors", "shell", "hardware", "ports"].map((n) => [n, read(n)])));
}

let box: HTMLElement;
let sent: string[];
beforeEach(() => {
	if (box) render(null, box);
	document.body.innerHTML = "<div></div>";
	box = document.body.firstElementChild as HTMLElement;
	lang.value = "en";
	sent = [];
	as("admin");
	connection.call = (async (_: string, p: { key: string; action: string }) => {
		await settled(); // what is sent next must wait for the answer
		sent.push(`${p.key} ${p.action}`);
		return {};
	}) as typeof connection.call;
});

const as = (role: "admin" | "viewer") => {
	hello.value = { product: "", version: "", hostname: "", time: "", features: [], setup: false, session: { id: "1", user: "ann", role, idle: "30m" } };
};

const screen = (more: Partial<api.PanelScreen> = {}): api.PanelScreen => ({
	model: "simulated", connected: true, mode: "full", rows: 2, cols: 8, private: false, lines: ["<b>Menu", ">网络 1"], cursor: { on: false, row: 0, col: 0 }, backlight: 100, leds: ["green"], keys: ["up", "down", "enter", "escape"], ...more,
});
const key = (name: string) => box.querySelector<HTMLElement>(`[data-key="${name}"]`)!;
const type = (el: Element, kind: "keydown" | "keyup", k: string, more: object = {}) => el.dispatchEvent(Object.assign(new Event(kind, { bubbles: true, cancelable: true }), { key: k, ...more }));
async function told(...want: string[]): Promise<void> {
	for (let i = 0; i < 500 && sent.length < want.length; i++) await settled(), await new Promise((r) => setTimeout(r, 5));
	for (let i = 0; i < 5; i++) await settled();
	assert.deepEqual(sent, want);
}

test("a key is down for as long as it is held, however the keyboard repeats", async () => {
	render(<PanelView s={screen()} />, box);
	await settled();
	for (let i = 0; i < 3; i++) type(key("enter"), "keydown", " ");
	await told("enter down");
	type(key("enter"), "keyup", " ");
	await told("enter down", "enter up");
	type(box.querySelector("pre")!, "keydown", "ArrowLeft"); // the panel has none
	type(box.querySelector("pre")!, "keydown", "ArrowUp", { ctrlKey: true });
	await told("enter down", "enter up");
});

test("a tap is one order, so that a slow line holds no key down", async () => {
	render(<PanelView s={screen()} />, box);
	await settled();
	for (let i = 0; i < 2; i++) {
		type(box.querySelector("pre")!, "keydown", "ArrowDown");
		type(box.querySelector("pre")!, "keyup", "ArrowDown");
	}
	await told("down press", "down press");
	await new Promise((r) => setTimeout(r, 400));
	await told("down press", "down press");
});

test("a key that nobody sees let go is let go", async () => {
	render(<PanelView s={screen()} />, box);
	await settled();
	type(key("up"), "keydown", "Enter");
	// The page listens once its effects have run.
	await told("up down");
	for (let i = 0; i < 100 && sent.length < 2; i++) {
		dispatchEvent(new Event("blur"));
		await settled();
	}
	await told("up down", "up up");
	type(key("up"), "keydown", "Enter");
	render(null, box);
	await told("up down", "up up", "up press");
});

test("a viewer sees the screen and presses nothing; what is private is not shown", async () => {
	as("viewer");
	render(<PanelView s={screen()} />, box);
	await settled();
	assert.equal(box.querySelector("b"), null, "text is text");
	assert.equal(box.querySelector("pre")!.textContent, "<b>Menu>网络 1");
	assert.equal(key("up").title, "needs the role admin");
	type(key("up"), "keydown", "Enter");
	key("up").click();
	await told();
	render(<PanelView s={screen({ private: true, lines: [] })} />, box);
	await settled();
	assert.equal(box.querySelector("pre"), null);
	assert.match(box.textContent!, /for admins/);
	lang.value = "zh-Hans";
	await settled();
	assert.match(box.textContent!, /仅供管理员/);
});

test("the cursor stands at its column, also behind wide characters", () => {
	assert.deepEqual(at("abc", 1), ["a", "b", "c"]);
	assert.deepEqual(at("网络 1", 2), ["网", "络", " 1"]);
	assert.deepEqual(at("网络 1", 3), ["网", "络", " 1"]);
	assert.deepEqual(at("网络 1", 5), ["网络 ", "1", ""]);
	assert.deepEqual(at("a", 4), ["a   ", " ", ""]);
});

test("a port's speed and state have words", () => {
	const port = (more: Partial<api.Port>) => ({ state: "up", speed: 1000, duplex: "full", ...more }) as api.Port;
	assert.equal(speedText(port({})), "1 Gbit/s");
	assert.equal(speedText(port({ speed: 2500 })), "2.5 Gbit/s");
	assert.equal(speedText(port({ speed: 100, duplex: "half" })), "100 Mbit/s half duplex");
	assert.equal(speedText(port({ speed: 0, duplex: "" })), "–");
	assert.deepEqual(["up", "no-carrier", "down", "missing", "new"].map((state) => portState(port({ state }))), ["up", "degraded", "disabled", "down", "unknown"]);
});

test("a block is within another", () => {
	assert.equal(parent("pool/shop/member/web1"), "pool/shop");
	assert.equal(parent("cluster/shop/timeouts"), "cluster/shop");
	assert.equal(parent("server/a%2Fb"), "");
	assert.equal(parent("management"), "");
});
