// SPDX-License-Identifier: Apache-2.0
//
// Every component with every state, for looking at. Only in a dev build; its
// texts are for developers and therefore not translated.
import { useSignal } from "@preact/signals";
import {
	Ago, type api, ask, Button, CallError, Card, Chart, CheckField, Choice, CodeArea, Code, Countdown, DiffView, Facts, format, HealthBar, href, Menu, Notice, NumberField, Page, Panel,
	query, RadioField, Rate, SelectField, setQuery, Skeleton, Spark, stateOf, Status, Table, Tabs, TextField, Tile, toast, useList, useSeries, useTopic, type State, ErrorNotice, boxNow,
} from "../kit";

const states: State[] = ["up", "degraded", "down", "draining", "disabled", "unknown", "spare"];
const diff = `--- a\n+++ b\n@@ -12,5 +12,6 @@\n pool "app" {\n   policy = "least_connections"\n-  server "a1" { address = "10.0.0.1:8080" weight = 10 }\n+  server "a1" { address = "10.0.0.1:8080" weight = 20 }\n+  server "a5" { address = "10.0.0.5:8080" }\n   check "http" { path = "/health" }\n }\n`;
const text = 'cluster "shop" {\n  listen   = ["192.0.2.10:443"]\n  protocol = "https"\n  pool     = "ap"\n\n  rule "api" {\n    match = path("/api/")\n    pool  = "api"\n    weight = 300\n  }\n}\n';

function Members() {
	const list = useTopic("state.members");
	const open = query("server");
	return (
		<Table
			name="members" caption="Members of app" source={list} edge={(m) => stateOf(m.state)} problem={(m) => m.state === "down"}
			open={(_, key) => setQuery({ server: key })} opened={open.value}
			columns={[
				{ id: "name", head: "Server", by: (m) => m.name, cell: (m) => <a href={href("/dev/styleguide", { server: m.name })}>{m.name}</a> },
				{ id: "address", head: "Address", by: (m) => m.address, cell: (m) => <span class="mono">{m.address}</span> },
				{ id: "state", head: "State", by: (m) => m.state, cell: (m) => <Status word={m.state} /> },
				{ id: "since", head: "Since", cell: (m) => <Ago at={m.since} /> },
				{ id: "weight", head: "Weight", num: true, by: (m) => m.weight, cell: (m) => m.weight },
				{ id: "conns", head: "Conns", num: true, by: (m) => m.active, cell: (m) => m.active },
				{ id: "rate", head: "Requests", num: true, by: (m) => m.active, cell: (m) => <Rate of={m.active * 2.7} /> },
				{ id: "trend", head: "Trend", cell: () => <Spark values={[3, 5, 4, 6, 8, null, 7, 5, 6, 9, 7]} /> },
				{ id: "why", head: "Last check", wrap: true, cell: (m) => m.reason },
				{ id: "admin", head: "Admin", hidden: true, cell: (m) => m.admin },
			]}
			bulk={(keys) => <Button small need="operator" onClick={() => toast(`Draining ${keys.length} servers`)}>{`Drain ${keys.length} servers`}</Button>}
			actions={(m) => <Menu small kind="quiet" icon="more" label={`Actions for ${m.name}`} items={[{ text: "Drain…", need: "operator", keys: "d" }, { text: "Disable", need: "admin" }, "line", { text: "Explain", why: "nothing to explain" }]} />}
			empty={{ title: "No servers yet" }}
		/>
	);
}

export default function Styleguide() {
	const paused = useSignal(false);
	const s = useSeries(["a1", "a2", "5xx"], 300, paused);
	const name = useSignal("app");
	const weight = useSignal(300);
	const check = useSignal(true);
	const mode = useSignal("keep");
	const range = useSignal("5m");
	const code = useSignal(text);
	const none = useList<api.Pool>([], (p) => p.name);
	const broken = useList<api.Pool>(undefined, (p) => p.name, new CallError(Code.forbidden, "sys.log needs the role admin", { kind: "auth.role", args: { need: "admin", have: "viewer" } }));
	const server = query("server").value;
	const simple = [{ id: "n", head: "Name", by: (p: api.Pool) => p.name, cell: (p: api.Pool) => p.name }];
	return (
		<Page
			name="Pool app" crumbs={[{ text: "Pools", href: "/pools" }]} state={<Status word="degraded">1 of 5 down: a4 “connect refused”</Status>}
			actions={<><Button icon="plus">Add server</Button><Button kind="primary" need="operator">Drain…</Button><Menu icon="more" label="More" items={[{ text: "Clone" }, { text: "Delete…", icon: "trash", need: "admin" }]} /></>}
			panel={server && <Panel name={server} onClose={() => setQuery({ server: "" })}><Facts list={[["State", <Status word="up" />], ["Address", <code>10.0.0.1:8080</code>], ["Since", <Ago at={new Date(boxNow() - 300000).toISOString()} />]]} /><div class="row"><Button kind="primary">Drain a1…</Button><Button>Disable</Button></div></Panel>}
		>
			<div class="tiles">
				<Tile label="Requests" value={<Rate of={412} />} note="peak 1.2 k/s" spark={<Spark values={[3, 5, 4, 6, 8, 7, 5, 6, 9, 7]} />} href="/charts" />
				<Tile label="Connections" value="228" note="of 5 000" />
				<Tile label="Latency p95" value={<>38<span class="unit">ms</span></>} note="p99 120 ms" />
				<Tile label="Errors 5xx" value={<>0.3<span class="unit">%</span></>} note="12 in the last minute" />
				<Tile label="Servers up" value={<>4<span class="unit">/ 5</span></>} note={<HealthBar counts={{ up: 3, draining: 1, down: 1 }} />} />
			</div>
			<Card actions={<Choice label="Range" value={range.value} onChange={(v) => (range.value = v)} options={["5m", "1h", "24h", "14d"].map((v) => ({ value: v, text: v }))} />} name="Traffic">
				<Chart title="Requests by server" lines={[{ id: "a1", label: "a1" }, { id: "a2", label: "a2" }, { id: "5xx", label: "5xx", colour: "var(--down)" }]} data={s.data} format={format.rate} paused={paused} marks={[{ at: boxNow() / 1000 - 100, text: "r17" }]} />
			</Card>
			<Members />
			<Card name="States"><div class="row" style={{ gap: "24px" }}>{states.map((x) => <Status key={x} word={x} state={x} />)}</div></Card>
			<div class="row">
				<Button kind="primary" onClick={() => toast("Server a1 drains", { act: { text: "Undo", run: () => {} } })}>Primary</Button>
				<Button>Plain</Button><Button kind="quiet">Quiet</Button><Button kind="danger" onClick={() => void ask({ title: "Disable a1 now?", text: "41 connections will be cut. 4 of 5 servers remain.", act: "Disable a1", danger: true, run: async () => { throw new CallError(Code.guard, "pool would have no available server", { kind: "guard.last_server" }); } })}>Disable now…</Button>
				<Button why="nothing has changed">Not now</Button><Button busy>Busy</Button><Button small icon="refresh">Small</Button><Button icon="download" label="Download" />
				<span>Reverts in <Countdown until={new Date(boxNow() + 102_000).toISOString()} /></span>
			</div>
			<div class="grid">
				<Card name="Form">
					<div class="form">
						<TextField label="Name" help="Letters, digits and dashes." value={name.value} onChange={(v) => (name.value = v)} />
						<NumberField label="Weight" min={0} max={255} value={weight.value} onChange={(v) => (weight.value = v)} />
						<TextField label="Interval" unit="s" optional value="5" onChange={() => {}} />
						<SelectField label="Policy" value="rr" onChange={() => {}} options={[{ value: "rr", text: "Round robin" }, { value: "lc", text: "Least connections" }]} />
						<RadioField label="How" value={mode.value} onChange={(v) => (mode.value = v)} options={[{ value: "keep", text: "Drain, keep sticky sessions", help: "No new clients; those bound to it still come." }, { value: "now", text: "Disable now", help: "Cuts 41 connections." }]} />
						<CheckField label="Keep after restart" value={check.value} onChange={(v) => (check.value = v)} />
					</div>
				</Card>
				<div class="stack">
					<Notice>Something good to know.</Notice>
					<Notice kind="warning" actions={<Button small>Look</Button>}>The certificate expires in 9 days.</Notice>
					<ErrorNotice title="Not committed" error={new CallError(Code.validation, "the configuration has 2 mistakes", { kind: "config.invalid", problems: [{ file: "box.hcl", line: 4, col: 14, message: 'there is no pool "ap"; did you mean "app"?' }] }, "12")} retry={() => {}} />
					<Skeleton rows={3} />
				</div>
			</div>
			<Table name="none" caption="Empty" query="none" source={none} columns={simple} empty={{ title: "No clusters yet", text: "A cluster is the address that clients connect to.", actions: <><Button kind="primary">Create from template</Button><Button>Import</Button></> }} />
			<Table name="broken" caption="Forbidden" query="broken" source={broken} columns={simple} empty={{ title: "-" }} noFilter />
			<Tabs label="Texts" tabs={[{ id: "diff", text: "Difference", show: () => <DiffView text={diff} label="Difference" /> }, { id: "code", text: "Edit", show: () => <CodeArea label="Configuration" value={code.value} onChange={(v) => (code.value = v)} problems={[{ line: 4, col: 14, message: 'there is no pool "ap"; did you mean "app"?' }, { line: 9, col: 5, message: "weight is not used here", warning: true }]} rows={14} /> }]} />
		</Page>
	);
}
