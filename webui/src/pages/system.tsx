// SPDX-License-Identifier: Apache-2.0
//
// What runs on the box and how, and the settings of the box itself.
import { useSignal } from "@preact/signals";
import { Ago, type api, ask, Bytes, Button, Card, Count, ErrorNotice, Facts, format, has, hello, may, mutate, Notice, Page, type PageProps, Percent, say, sayAll, Since, Skeleton, skew, Status, t, Table, Tabs, toast, useCall, useList, useTopic } from "../kit";
import { removeBlocks, useBlock } from "../draft/draft";
import { BlockForm } from "../draft/form";
import { lines } from "../draft/values";
import { Copyable, isTime, momentOf, print } from "../admin/parts";
import { Warnings } from "../admin/warnings";
import { Power } from "../machine/power";

export default function System(_: PageProps) {
	return (
		<Page name={t("system.title")} actions={<Power />}>
			<Tabs label={t("system.title")} tabs={[
				{ id: "status", text: t("system.tab_status"), show: () => <State /> },
				{ id: "console", text: t("system.tab_console"), show: () => <Console /> },
				{ id: "engine", text: t("system.tab_engine"), show: () => <Settings block="engine" name={t("system.engine_settings")} about={t("system.engine_about")} fields={["loops", "max_connections", "drain_timeout"]} /> },
				{ id: "access", text: t("system.tab_access"), show: () => <Settings block="access_log" name={t("system.access_settings")} about={t("system.access_about")} fields={["path", "format", "fields"]} removable={{ act: t("system.access_off"), text: t("system.access_off_text") }} /> },
			]} />
		</Page>
	);
}

function State() {
	const source = useTopic("state.system");
	const s = source.get("box")?.value ?? (source.keys.value[0] ? source.get(source.keys.value[0])?.value : undefined);
	if (source.error.value && !s) return <ErrorNotice error={source.error.value} />;
	if (!s) return <Skeleton rows={8} />;
	return (
		<>
			{skew.value !== 0 && <Notice kind="warning">{t(skew.value > 0 ? "system.skew_behind" : "system.skew_ahead", { time: format.duration(Math.abs(skew.value)) })}</Notice>}
			{s.restart?.error && <Notice kind="error">{t("system.restart_failed", { role: s.restart.role, why: say(s.restart, "error") })}</Notice>}
			{s.problems.length > 0 && <Notice kind="warning"><strong>{t("system.problems")}</strong><ul>{sayAll(s, "problems").map((p) => <li key={p}>{p}</li>)}</ul></Notice>}
			{s.notes.length > 0 && <Notice><ul>{sayAll(s, "notes").map((n) => <li key={n}>{n}</li>)}</ul></Notice>}
			<div class="grid">
				<Card name={t("system.box")}>
					<Facts list={[
						[t("system.hostname"), hello.value?.hostname ?? "–"],
						[t("system.product"), `${hello.value?.product || "Evener"} ${s.version}`],
						[t("system.build"), <code key="b">{hello.value?.ui_hash ?? "–"}</code>],
						[t("system.board"), s.board],
						[t("system.revision"), <a key="r" href="/changes/history">{t("system.revision_by", { n: s.revision, author: s.author })}</a>],
						[t("system.committed"), <Ago key="c" at={s.committed} />],
						[t("system.clock"), skew.value === 0 ? t("system.clock_same") : t("system.clock_off", { time: format.duration(Math.abs(skew.value)) })],
					]} />
				</Card>
				<Card name={t("system.engine")}>
					<Facts list={[
						[t("system.up"), <Since key="u" at={s.started} />],
						[t("system.busy"), <Percent key="b" of={s.busy} />],
						[t("system.cpus"), <Count key="c" of={s.cpus} />],
						[t("system.connections"), <Count key="n" of={s.rate.connections} />],
						[t("system.heap"), <Bytes key="h" of={s.heap} />],
						[t("system.goroutines"), <Count key="g" of={s.goroutines} />],
						[t("system.checking"), <Count key="k" of={s.checking.length} />],
					]} />
				</Card>
				<Card name={t("system.generations")}>
					<p class="muted">{t("system.generations_text")}</p>
					<ul class="chain">
						{s.generations.map((g, i) => <li key={g.number}><Status word={i === 0 ? "active" : "draining"} /><div>{t("system.generation", { n: g.number })} <span class="muted">{t("system.exchanges", { n: g.exchanges })}</span></div></li>)}
					</ul>
				</Card>
			</div>
			<Roles list={s.roles} />
		</>
	);
}

// consequence says what a restart of a role means.
function consequence(role: string): string {
	switch (role) {
		case "engine": return t("system.restart_engine");
		case "console": return t("system.restart_console");
	}
	return t("system.restart_other");
}

function Roles({ list }: { list: readonly api.RoleStatus[] }) {
	const source = useList(list, (r) => r.name);
	const restart = (r: api.RoleStatus) =>
		ask({
			title: t("system.restart_title", { role: r.name }), act: t("system.restart_act", { role: r.name }), danger: true, need: "operator", text: <p>{consequence(r.name)}</p>,
			run: async () => { await mutate("sys.restart", { role: r.name }); toast(t("system.restarting", { role: r.name })); },
		});
	return (
		<Card name={t("system.roles")} table>
			<Table<api.RoleStatus>
				name="roles" query="roles" caption={t("system.roles")} source={source} noFilter
				columns={[
					{ id: "name", head: t("admin.name"), by: (r) => r.name, cell: (r) => r.name },
					{ id: "state", head: t("system.state"), by: (r) => r.state, cell: (r) => <Status word={has(`system.role.${r.state}`) ? t(`system.role.${r.state}`) : r.state} state={r.state === "running" ? "up" : "unknown"}>{r.next ? t("system.successor") : r.draining?.length ? t("system.draining", { n: r.draining.length }) : ""}</Status> },
					{ id: "pid", head: t("system.pid"), num: true, by: (r) => r.pid ?? 0, cell: (r) => r.pid ?? "–" },
					{ id: "since", head: t("system.uptime"), num: true, by: (r) => r.since ?? "", cell: (r) => <Since at={r.since} /> },
					{ id: "crashes", head: t("system.crashes"), num: true, by: (r) => r.crashes, cell: (r) => <span title={r.last_crash}>{format.count(r.crashes)}</span> },
					{ id: "crash", head: t("system.last_crash"), wrap: true, by: (r) => r.last_crash ?? "", cell: (r) => (r.last_crash ? <span class="small">{r.last_crash} <span class="muted"><Ago at={r.crashed?.at(-1)} /></span></span> : "–") },
					{ id: "restarts", head: t("system.restarts"), num: true, by: (r) => r.restarts, cell: (r) => format.count(r.restarts) },
					{ id: "listeners", head: t("system.listeners"), wrap: true, hidden: true, by: (r) => r.listeners?.join(" ") ?? "", cell: (r) => <span class="small">{r.listeners?.join(", ") || "–"}</span> },
					{ id: "version", head: t("system.version"), hidden: true, by: (r) => r.version ?? "", cell: (r) => r.version || "–" },
				]}
				edge={(r) => (r.crashes > 0 ? "degraded" : undefined)}
				actions={(r) => <Button small icon="refresh" need="admin" onClick={() => restart(r)}>{t("system.restart")}</Button>}
				empty={{ title: t("system.no_roles") }}
			/>
		</Card>
	);
}

function Console() {
	const info = useCall("console.show", {});
	const kept = useSignal(0);
	const c = info.data.value;
	return (
		<div class="grid">
			<Card name={t("system.console_now")}>
				{info.error.value ? <ErrorNotice error={info.error.value} retry={info.again} /> : !c ? <Skeleton /> : (
					<div class="stack">
						{c.problem && <Notice kind="error">{say(c, "problem")}</Notice>}
						<Facts list={[
							[t("system.addresses"), c.addresses.length ? <span class="tags" key="a">{c.addresses.map((a) => <span class="tag" key={a}>{a}</span>)}</span> : t("system.console_off")],
							[t("system.listening"), c.listening.join(", ") || "–"],
							[t("system.certificate"), c.certificate ? <a key="c" href={`/certificates/${encodeURIComponent(c.certificate)}`}>{c.certificate}</a> : t("system.own_certificate")],
							isTime(c.until) && [t("system.until"), momentOf(c.until)],
							Boolean(c.fingerprint) && [t("system.fingerprint"), <Copyable key="f" value={print(c.fingerprint)} label={t("system.fingerprint")} />],
							[t("system.logged_in"), <Count key="l" of={c.sessions} />],
						]} />
						<p class="small muted">{t("system.fingerprint_text")}</p>
					</div>
				)}
			</Card>
			<Card name={t("system.console_settings")}>
				<BlockForm
					block="console" path="console" first={["listen", "allow", "certificate", "idle_timeout"]}
					before={(value) => <ConsoleOff listen={value("listen")} />} onDone={() => kept.value++}
				/>
				{may("editor") && <div class="after-form"><Warnings again={kept.value} about="console" /></div>}
			</Card>
		</div>
	);
}

// ConsoleOff warns while the form would switch the console off.
function ConsoleOff({ listen }: { listen: string }) {
	return listen && lines(listen).length === 0 ? <Notice kind="error">{t("system.console_off_warning")}</Notice> : null;
}

function Settings({ block, name, about, fields, removable }: { block: string; name: string; about: string; fields: readonly string[]; removable?: { act: string; text: string } }) {
	const b = useBlock(block);
	const gone = useSignal(0);
	const off = async () => {
		if (await ask({ title: removable!.act, act: removable!.act, danger: true, need: "editor", text: <p>{removable!.text}</p>, run: () => removeBlocks([block]) })) {
			gone.value++;
			b.again();
		}
	};
	return (
		<Card name={name} actions={removable && b.written?.exists ? <Button small kind="danger" need="editor" onClick={off}>{removable.act}</Button> : undefined}>
			<div class="stack">
				<p class="muted">{about}</p>
				<BlockForm key={gone.value} block={block} path={block} first={fields} onDone={b.again} />
			</div>
		</Card>
	);
}

