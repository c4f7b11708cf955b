// SPDX-License-Identifier: Apache-2.0
//
// Who is told of what happens: rules, channels and their passwords; and how
// other programs get the statistics.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Ago, type api, ask, Button, Card, comma, Dialog, ErrorNotice, errorText, Facts, format, may, Menu, mutate, Notice, Page, type PageProps, say, Skeleton, Status, t, Table, Tabs, TextField, toast, useCall, useList } from "../kit";
import { type AlertValues as Rule, path, removeBlocks, useBlock, useConfig } from "../draft/draft";
import { BlockForm } from "../draft/form";
import { Copyable, isTime } from "../admin/parts";
import { Warnings } from "../admin/warnings";

const first: Record<string, readonly string[]> = {
	alert: ["severity", "objects", "kinds", "to", "description"],
	syslog: ["address", "transport", "ca", "send"],
	mail: ["server", "security", "from", "to", "user", "password_secret"],
};

type Open = { block: string; label?: string };

export default function Alerts(_: PageProps) {
	return (
		<Page name={t("alerts.title")}>
			<Tabs label={t("alerts.title")} tabs={[
				{ id: "rules", text: t("alerts.tab_rules"), show: () => <Rules /> },
				{ id: "channels", text: t("alerts.tab_channels"), show: () => <Channels /> },
				{ id: "metrics", text: t("alerts.tab_metrics"), show: () => <Metrics /> },
			]} />
		</Page>
	);
}

function Rules() {
	const c = useConfig();
	const config = c.config.value && (c.config.value.values ?? null); // null: it has mistakes
	const list = useCall("alert.list", {});
	const open = useSignal<Open | null>(null);
	const source = useList(config ? (config.alerts ?? []) : config === null ? [] : undefined, (r) => r.name, c.error.value);
	const channels = [...(config?.syslogs ?? []), ...(config?.mails ?? [])].map((x) => x.name);
	const add = <Button kind="primary" icon="plus" need="editor" why={channels.length ? undefined : t("alerts.channel_first")} onClick={() => (open.value = { block: "alert" })}>{t("alerts.add_rule")}</Button>;
	return (
		<>
			<p class="muted">{t("alerts.rules_about")}</p>
			{config === null && <Notice kind="warning" actions={<Button small href="/changes/text">{t("alerts.mend")}</Button>}>{t("alerts.mistakes")}</Notice>}
			<Table<Rule>
				name="rules" query="rules" caption={t("alerts.tab_rules")} source={source} retry={c.again} sort="name"
				columns={[
					{ id: "name", head: t("admin.name"), by: (r) => r.name, cell: (r) => <span title={r.description}>{r.name}</span> },
					{ id: "severity", head: t("alerts.severity"), by: (r) => r.severity, cell: (r) => t(`alerts.from.${r.severity}`) },
					{ id: "objects", head: t("alerts.objects"), wrap: true, by: (r) => r.objects?.join(" ") ?? "", cell: (r) => <Words list={r.objects} all={t("alerts.any_object")} /> },
					{ id: "kinds", head: t("alerts.kinds"), wrap: true, by: (r) => r.kinds?.join(" ") ?? "", cell: (r) => <Words list={r.kinds} all={t("alerts.any_kind")} /> },
					{ id: "to", head: t("alerts.to"), wrap: true, by: (r) => r.to.join(" "), cell: (r) => <Words list={r.to} all="–" /> },
				]}
				actions={(r) => <RowMenu name={r.name} onEdit={() => (open.value = { block: "alert", label: r.name })} onRemove={() => drop("alert", r.name, t("alerts.remove_rule", { name: r.name, to: comma(r.to) }), c.again)} />}
				tools={add}
				empty={{ title: t("alerts.no_rules"), text: channels.length ? t("alerts.no_rules_text") : t("alerts.channel_first"), actions: add }}
			/>
			{list.data.value && <details><summary>{t("alerts.all_kinds", { n: list.data.value.kinds.length })}</summary><p class="tags">{list.data.value.kinds.map((k) => <span class="tag" key={k}>{k}</span>)}</p></details>}
			<Editor open={open.value} channels={channels} onClose={() => (open.value = null)} onDone={c.again} />
		</>
	);
}

function Words({ list, all }: { list: readonly string[] | undefined; all: string }) {
	return list?.length ? <span class="tags">{list.map((x) => <span class="tag" key={x}>{x}</span>)}</span> : <span class="muted">{all}</span>;
}

function RowMenu({ name, onEdit, onRemove }: { name: string; onEdit: () => void; onRemove: () => void }) {
	return (
		<Menu icon="more" kind="quiet" small label={t("alerts.actions", { name })} items={[
			{ text: t("alerts.edit"), icon: "edit", need: "editor", onClick: onEdit },
			{ text: t("alerts.remove"), icon: "trash", need: "editor", onClick: onRemove },
		]} />
	);
}

async function drop(block: string, name: string, text: string, again: () => void): Promise<void> {
	const done = await ask({ title: t("alerts.remove_title", { name }), danger: true, need: "editor", act: t("alerts.remove_act"), text: <p>{text}</p>, run: () => removeBlocks([path(block, name)]) });
	if (done) again();
}

function Editor({ open, channels, onClose, onDone }: { open: Open | null; channels: readonly string[]; onClose: () => void; onDone: () => void }) {
	if (!open) return null;
	const title = open.label ? t("alerts.edit_title", { name: open.label }) : t(`alerts.new.${open.block}`);
	return (
		<Dialog form title={title} onClose={onClose}>
			<BlockForm
				block={open.block} {...(open.label ? { path: path(open.block, open.label) } : {})} first={first[open.block]!} {...(open.block === "alert" ? { options: { to: channels } } : {})}
				onDone={(d) => { onDone(); if (!d.problems.some((p) => !p.warning)) onClose(); }} onCancel={onClose}
			/>
		</Dialog>
	);
}

// A channel of the configuration, and how it does if it runs.
type Row = { name: string; kind: string; target: string; live: api.Channel | undefined };

function Channels() {
	const c = useConfig();
	const config = c.config.value && (c.config.value.values ?? null); // null: it has mistakes
	const live = useCall("alert.list", {});
	const open = useSignal<Open | null>(null);
	const secret = useSignal<{ name: string; channel: string } | null>(null);
	useEffect(() => {
		const timer = setInterval(live.again, 5000);
		return () => clearInterval(timer);
	}, []);
	const rows: Row[] = [];
	for (const [kind, list] of [["syslog", config?.syslogs?.map((x) => [x.name, x.address] as const)], ["mail", config?.mails?.map((x) => [x.name, x.server] as const)]] as const) {
		for (const [name, target] of list ?? []) rows.push({ name, kind, target, live: live.data.value?.channels.find((l) => l.name === name) });
	}
	for (const l of live.data.value?.channels ?? []) if (!rows.some((r) => r.name === l.name)) rows.push({ name: l.name, kind: l.kind, target: l.target, live: l });
	const source = useList(config !== undefined ? rows : undefined, (r) => r.name, c.error.value ?? live.error.value);
	const test = async (r: Row) => {
		try {
			await mutate("alert.test", { name: r.name });
			toast(t("alerts.tested", { name: r.name }));
		} catch (err) {
			toast(t("alerts.test_failed", { name: r.name, why: errorText(err) }), { kind: "error" });
		}
		live.again();
	};
	const bad = (r: Row) => Boolean(r.live?.failing || r.live?.lacks || r.live?.dropped);
	const tools = <>
		<Button icon="plus" need="editor" onClick={() => (open.value = { block: "syslog" })}>{t("alerts.add_syslog")}</Button>
		<Button kind="primary" icon="plus" need="editor" onClick={() => (open.value = { block: "mail" })}>{t("alerts.add_mail")}</Button>
	</>;
	return (
		<>
			<p class="muted">{t("alerts.channels_about")}</p>
			{config === null && <Notice kind="warning" actions={<Button small href="/changes/text">{t("alerts.mend")}</Button>}>{t("alerts.mistakes")}</Notice>}
			<Table<Row>
				name="channels" query="channels" caption={t("alerts.tab_channels")} source={source} retry={() => { c.again(); live.again(); }} sort="name"
				columns={[
					{ id: "name", head: t("admin.name"), by: (r) => r.name, cell: (r) => r.name },
					{ id: "kind", head: t("alerts.kind"), by: (r) => r.kind, cell: (r) => t(`alerts.kind.${r.kind}`) },
					{ id: "target", head: t("alerts.target"), wrap: true, by: (r) => r.target, cell: (r) => <code>{r.live?.target || r.target}</code> },
					{ id: "state", head: t("admin.state"), wrap: true, by: (r) => (r.live?.failing ? 2 : r.live ? 0 : 1), cell: (r) => <ChannelState r={r} /> },
					{ id: "success", head: t("alerts.last_success"), by: (r) => r.live?.last_success ?? "", cell: (r) => (isTime(r.live?.last_success) ? <Ago at={r.live!.last_success} /> : <span class="muted">{t("admin.never")}</span>) },
					{ id: "error", head: t("alerts.last_error"), wrap: true, by: (r) => r.live?.last_error ?? "", cell: (r) => (r.live?.last_error ? <span class="small">{say(r.live, "last_error")} <span class="muted"><Ago at={r.live.last_failure} /></span></span> : "–") },
					{ id: "sent", head: t("alerts.sent"), num: true, by: (r) => r.live?.sent ?? 0, cell: (r) => format.count(r.live?.sent) },
					{ id: "waiting", head: t("alerts.waiting"), num: true, by: (r) => r.live?.waiting ?? 0, cell: (r) => format.count(r.live?.waiting) },
					{ id: "dropped", head: t("alerts.dropped"), num: true, by: (r) => r.live?.dropped ?? 0, cell: (r) => format.count(r.live?.dropped) },
				]}
				problem={bad} edge={(r) => (r.live?.failing || r.live?.lacks ? "down" : r.live?.dropped ? "degraded" : undefined)}
				actions={(r) => (
					<Menu icon="more" kind="quiet" small label={t("alerts.actions", { name: r.name })} items={[
						{ text: t("alerts.test"), icon: "play", need: "operator", onClick: () => void test(r), ...(r.live ? {} : { why: t("alerts.not_yet") }) },
						{ text: t("alerts.edit"), icon: "edit", need: "editor", onClick: () => (open.value = { block: r.kind, label: r.name }) },
						...(r.kind === "mail" ? [{ text: t("alerts.set_secret"), icon: "key" as const, need: "admin" as const, onClick: () => (secret.value = { name: "", channel: r.name }) }] : []),
						"line",
						{ text: t("alerts.remove"), icon: "trash", need: "editor", onClick: () => void drop(r.kind, r.name, t("alerts.remove_channel", { name: r.name }), c.again) },
					]} />
				)}
				tools={tools}
				empty={{ title: t("alerts.no_channels"), text: t("alerts.no_channels_text"), actions: tools }}
			/>
			<Editor open={open.value} channels={[]} onClose={() => (open.value = null)} onDone={c.again} />
			{secret.value && <SecretDialog channel={secret.value.channel} onClose={() => { secret.value = null; live.again(); }} />}
		</>
	);
}

function ChannelState({ r }: { r: Row }) {
	if (!r.live) return <Status word={t("alerts.not_yet")} state="unknown" />;
	if (r.live.lacks) return <Status word="missing">{say(r.live, "lacks")}</Status>;
	if (r.live.failing) return <Status word="failed" />;
	return isTime(r.live.last_success) ? <Status word="ok" /> : <Status word={t("alerts.nothing_sent")} state="unknown" />;
}

// SecretDialog keeps the password of a mail block; it can be replaced, never read.
function SecretDialog({ channel, onClose }: { channel: string; onClose: () => void }) {
	const b = useBlock(path("mail", channel));
	const value = useSignal("");
	const error = useSignal<unknown>(null);
	const text = b.written?.attrs["password_secret"];
	const name = text?.startsWith('"') ? String(JSON.parse(text)) : "";
	const keep = async (v: string) => {
		error.value = null;
		try {
			await mutate("alert.secret", { name, value: v });
			toast(t(v ? "alerts.secret_kept" : "alerts.secret_forgotten", { name }));
			onClose();
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Dialog
			title={t("alerts.secret_title", { name: channel })} onClose={onClose}
			footer={<><Button onClick={onClose}>{t("common.cancel")}</Button>{name && <Button kind="danger" need="admin" onClick={() => keep("")}>{t("alerts.secret_forget")}</Button>}<Button kind="primary" need="admin" why={!name ? t("alerts.secret_unnamed") : value.value ? undefined : t("admin.missing")} onClick={() => keep(value.peek())}>{t("alerts.secret_keep")}</Button></>}
		>
			{!b.written ? <Skeleton rows={2} /> : name ? (
				<div class="form">
					<p>{t("alerts.secret_text", { name })}</p>
					<TextField label={t("common.password")} type="password" autocomplete="new-password" autofocus value={value.value} onChange={(v) => (value.value = v)} />
				</div>
			) : <Notice kind="warning">{t("alerts.secret_unnamed")}</Notice>}
			{error.value !== null && <ErrorNotice error={error.value} />}
		</Dialog>
	);
}

function Metrics() {
	const info = useCall("sys.info", {});
	const written = useBlock("metrics");
	const kept = useSignal(0);
	const gone = useSignal(0);
	const url = info.data.value?.metrics;
	const turnOff = async () => {
		const done = await ask({ title: t("alerts.metrics_off_title"), danger: true, need: "editor", act: t("alerts.metrics_off"), text: <p>{t("alerts.metrics_off_text")}</p>, run: () => removeBlocks(["metrics"]) });
		if (!done) return;
		kept.value++;
		gone.value++;
		written.again();
	};
	return (
		<div class="grid">
			<Card name={t("alerts.metrics_now")}>
				<div class="stack">
					{info.error.value ? <ErrorNotice error={info.error.value} retry={info.again} /> : !info.data.value ? <Skeleton rows={2} /> : url ? <Facts list={[[t("alerts.metrics_url"), <Copyable key="u" value={url} label="URL" />]]} /> : <p>{t("alerts.metrics_none")}</p>}
					<p class="muted">{t("alerts.metrics_about")}</p>
				</div>
			</Card>
			<Card name={t("alerts.metrics_settings")} actions={written.written?.exists ? <Button small kind="danger" need="editor" onClick={turnOff}>{t("alerts.metrics_off")}</Button> : undefined}>
				<BlockForm key={gone.value} block="metrics" path="metrics" first={["listen", "token"]} secret={["token"]} onDone={() => { kept.value++; written.again(); }} />
				{may("editor") && <div class="after-form"><Warnings again={kept.value} about="metrics" /></div>}
			</Card>
		</div>
	);
}
