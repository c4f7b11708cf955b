// SPDX-License-Identifier: Apache-2.0
//
// The box as a thing: what board it is and why, its sensors, lamps and other
// devices, and the panel on its front.
import { Ago, type api, Button, Card, comma, ErrorNotice, Facts, has, mutate, Notice, Page, type PageProps, say, sayAll, Skeleton, Status, t, Table, Tabs, toastError, useList, useTopic } from "../kit";
import { BlockForm } from "../draft/form";
import { Lamp, PanelCard } from "../machine/panel";

export default function Hardware(_: PageProps) {
	return (
		<Page name={t("hardware.title")} actions={<Locate />}>
			<Tabs label={t("hardware.title")} tabs={[
				{ id: "status", text: t("hardware.tab_status"), show: () => <State /> },
				{ id: "settings", text: t("hardware.tab_settings"), show: () => <Settings /> },
			]} />
		</Page>
	);
}

function useHardware() {
	const source = useTopic("state.hardware");
	const first = source.keys.value[0];
	return { source, h: first === undefined ? undefined : source.get(first)?.value };
}

function State() {
	const { source, h } = useHardware();
	return (
		<>
			{source.error.value && <ErrorNotice error={source.error.value} title={t("common.not_loaded", { name: t("hardware.title") })} />}
			{!h ? !source.error.value && <Skeleton rows={10} /> : (
				<>
					{h.problems.length > 0 && <Notice kind="warning"><strong>{t("hardware.problems")}</strong><ul>{sayAll(h, "problems").map((p) => <li key={p}>{p}</li>)}</ul></Notice>}
					{!h.machine && <Notice kind="error">{t("hardware.no_machine")}</Notice>}
					<div class="grid">
						<PanelCard />
						<Board b={h.board} />
						{h.machine && <Lamps m={h.machine} />}
						{h.machine && <Watchdog w={h.machine.watchdog} />}
						{h.machine && <Devices m={h.machine} />}
					</div>
					<Sensors list={h.sensors} />
				</>
			)}
		</>
	);
}

// Settings are those of what stands before the box: panel and serial console.
const Settings = () => (
	<div class="grid">
		<Card name={t("hardware.panel_settings")}><BlockForm block="panel" path="panel" first={[]} secret={["pin"]} /></Card>
		<Card name={t("hardware.serial_settings")}><BlockForm block="serial" path="serial" first={[]} /></Card>
	</div>
);

// Locate switches the lamp for finding the box.
function Locate() {
	const { h } = useHardware();
	if (!h?.machine) return null;
	const on = h.machine.locate;
	return <Button icon="search" need="operator" pressed={on} onClick={() => mutate("led.locate", { on: !on }).catch(toastError)}>{t(on ? "hardware.locate_off" : "hardware.locate_on")}</Button>;
}

function Board({ b }: { b: api.HardwareBoard }) {
	return (
		<Card name={t("hardware.board")}>
			<div class="stack">
				<Facts list={[
					[t("hardware.name"), <code key="n">{b.name}</code>],
					Boolean(b.description) && [t("hardware.description"), b.description],
					Boolean(b.vendor) && [t("hardware.vendor"), b.vendor],
					Boolean(b.product) && [t("hardware.product"), [b.product, b.version].filter(Boolean).join(" ")],
					[t("hardware.arch"), b.arch],
					[t("hardware.recognised"), b.recognised.length ? <ul class="plain-list" key="r">{sayAll(b, "recognised").map((w) => <li key={w}>{w}</li>)}</ul> : t("hardware.not_recognised")],
				]} />
				{b.message && <p class="muted">{say(b, "message")}</p>}
			</div>
		</Card>
	);
}

const levels: Record<string, "up" | "degraded" | "down"> = { fine: "up", warning: "degraded", error: "down", alert: "down", emergency: "down" };

function Lamps({ m }: { m: api.MachineInfo }) {
	return (
		<Card name={t("hardware.lamps")}>
			<div class="stack">
				<p><Status word={has(`hardware.level.${m.level}`) ? t(`hardware.level.${m.level}`) : m.level} state={levels[m.level] ?? "unknown"}>{say(m, "why")}</Status></p>
				{m.leds.length === 0 ? <p class="muted">{t("hardware.no_lamps")}</p> : (
					<Facts list={m.leds.map((l) => [
						has(`hardware.led.${l.use}`) ? t(`hardware.led.${l.use}`) : l.use,
						<span class="row" key={l.use}><Lamp colour={l.colour} blink={l.blink} />{t(l.colour ? `hardware.colour.${l.colour}` : "hardware.colour.off")}{l.blink && <span class="muted">{t("hardware.blinks")}</span>}{l.problem && <span class="wrong">{say(l, "problem")}</span>}</span>,
					] as const)} />
				)}
			</div>
		</Card>
	);
}

function Watchdog({ w }: { w: api.MachineWatchdog | null }) {
	return (
		<Card name={t("hardware.watchdog")}>
			{!w ? <p class="muted">{t("hardware.no_watchdog")}</p> : (
				<div class="stack">
					{w.reset && <Notice kind="warning">{t("hardware.watchdog_reset")}</Notice>}
					{w.problem && <Notice kind="error">{say(w, "problem")}</Notice>}
					<p><Status word={t(w.feeding ? "hardware.fed" : "hardware.unfed")} state={w.feeding ? "up" : "down"}>{say(w, "why")}</Status></p>
					<Facts list={[
						[t("hardware.identity"), w.identity],
						[t("hardware.timeout"), w.timeout],
						w.left !== "0s" && [t("hardware.left"), w.left],
						Boolean(w.fed) && [t("hardware.last_fed"), <Ago key="f" at={w.fed} />],
						w.boot.length > 0 && [t("hardware.boot"), comma(w.boot)],
						[t("hardware.stoppable"), t(w.stoppable ? "hardware.yes" : "hardware.no")],
					]} />
				</div>
			)}
		</Card>
	);
}

// Devices are those that one rarely looks at: serial console, keys, bypass.
function Devices({ m }: { m: api.MachineInfo }) {
	return (
		<Card name={t("hardware.devices")}>
			<Facts list={[
				Boolean(m.booted) && [t("hardware.booted"), <Ago key="b" at={m.booted} />],
				[t("hardware.serial"), m.serial.devices.length ? t("hardware.serial_at", { devices: comma(m.serial.devices), speed: m.serial.speed }) : "–"],
				...m.keys.map((k) => [t(k.use === "reset" ? "hardware.reset_key" : "hardware.power_key"), <span key={k.use}>{say(k, "problem") || (k.found ? t("hardware.presses", { n: k.presses }) : t("hardware.not_found"))}</span>] as const),
				...m.bypass.map((b) => [t("hardware.bypass", { ports: b.ports.join(" – ") || b.name }), <span key={b.name}>{say(b, "problem") || t("hardware.bypass_both", { mode: bypassMode(b.mode), off: bypassMode(b.power_off) })}</span>] as const),
			]} />
		</Card>
	);
}

const bypassMode = (mode: string) => (has(`hardware.bypass.${mode}`) ? t(`hardware.bypass.${mode}`) : mode);

const states: Record<string, "up" | "degraded" | "down" | "unknown"> = { ok: "up", warning: "degraded", critical: "down", missing: "unknown" };
const worst = (s: api.Sensor) => ["critical", "missing", "warning", "ok"].indexOf(s.state);
const limit = (n: number, unit: string) => (n === 0 ? "–" : `${n} ${unit}`);

function Sensors({ list }: { list: readonly api.Sensor[] }) {
	const source = useList(list, (s) => s.id);
	return (
		<Card name={t("hardware.sensors")} table>
			<Table<api.Sensor>
				name="sensors" caption={t("hardware.sensors")} source={source} sort="name"
				columns={[
					{ id: "name", head: t("hardware.name"), by: (s) => s.name, cell: (s) => <span title={s.id}>{s.name}</span> },
					{ id: "kind", head: t("hardware.kind"), by: (s) => s.kind, cell: (s) => (has(`hardware.kind.${s.kind}`) ? t(`hardware.kind.${s.kind}`) : s.kind) },
					{ id: "state", head: t("hardware.state"), by: worst, cell: (s) => <Status word={t(`hardware.sensor.${s.state}`)} state={states[s.state] ?? "unknown"}>{say(s, "problem")}</Status> },
					{ id: "value", head: t("hardware.value"), num: true, by: (s) => s.value, cell: (s) => <span class={s.state === "missing" ? "muted tnum" : "tnum"}>{`${s.value} ${s.unit}`}</span> },
					{ id: "low", head: t("hardware.low"), num: true, by: (s) => s.low, cell: (s) => limit(s.low, s.unit) },
					{ id: "high", head: t("hardware.high"), num: true, by: (s) => s.high, cell: (s) => limit(s.high, s.unit) },
					{ id: "critical", head: t("hardware.critical"), num: true, by: (s) => s.critical, cell: (s) => limit(s.critical, s.unit) },
				]}
				problem={(s) => s.state !== "ok"} edge={(s) => (s.state === "ok" ? undefined : (states[s.state] === "unknown" ? "degraded" : states[s.state]))}
				empty={{ title: t("hardware.no_sensors"), text: t("hardware.no_sensors_text") }}
			/>
		</Card>
	);
}
