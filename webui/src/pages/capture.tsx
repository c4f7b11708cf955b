// SPDX-License-Identifier: Apache-2.0
//
// Captures of packets: begin one, watch it, stop it, take it away. The box
// filters and keeps the file; it joins both sides of an exchange by comments.
import { useSignal } from "@preact/signals";
import { Ago, type api, ask, Button, Card, CheckField, comma, Count, Empty, ErrorNotice, fieldErrors, format, has, may, Menu, mutate, needs, Num, NumberField, Page, type PageProps, say, SelectField, Status, t, Table, TextField, toast, toastError, useCall, useTopic } from "../kit";
import { saveBundle } from "../machine/save";
import { Choices } from "../draft/keyword";
import { lines } from "../draft/values";

export default function CapturePage(_: PageProps) {
	if (!may("admin")) return <Page name={t("capture.title")}><Empty title={t("common.forbidden")} text={needs("admin")} /></Page>;
	return <Page name={t("capture.title")}><Start /><List /></Page>;
}

const mebi = 1024 * 1024;

function Start() {
	const places = useCall("capture.list", {});
	const clusters = useTopic("state.clusters");
	const interfaces = useSignal("any");
	const filter = useSignal("");
	const cluster = useSignal("");
	const size = useSignal(32);
	const packets = useSignal("");
	const time = useSignal("5m");
	const snaplen = useSignal("");
	const ring = useSignal(false);
	const error = useSignal<unknown>(null);
	const said = fieldErrors(error.value);
	const whole = (v: string) => (v.trim() === "" || /^\d+$/.test(v.trim()) ? undefined : t("capture.whole"));
	const wrong = whole(packets.value) ?? whole(snaplen.value) ?? (size.value >= 1 && size.value <= 512 ? undefined : t("common.range", { min: 1, max: 512 }));
	const run = async () => {
		error.value = null;
		try {
			const chosen = lines(interfaces.peek());
			await mutate("capture.start", {
				interfaces: chosen.length ? chosen : ["any"], max_bytes: size.peek() * mebi, max_time: time.peek().trim() || "5m",
				...(filter.peek().trim() && { filter: filter.peek().trim() }), ...(cluster.peek() && { cluster: cluster.peek() }),
				...(packets.peek().trim() && { max_packets: Number(packets.peek()) }), ...(snaplen.peek().trim() && { snaplen: Number(snaplen.peek()) }), ...(ring.peek() && { ring: true }),
			});
			toast(t("capture.started"));
		} catch (err) {
			error.value = err;
		}
	};
	const names = ["any", ...(places.data.value?.interfaces ?? []).filter((x) => x !== "any")];
	return (
		<Card name={t("capture.begin")}>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); if (!wrong) void run(); }}>
				<p class="muted">{t("capture.about")}</p>
				{places.error.value && <ErrorNotice error={places.error.value} retry={places.again} />}
				<div class="key-grid">
					<Choices label={t("capture.interfaces")} choices={names} ordered={false} value={interfaces.value} onChange={(v) => (interfaces.value = v)} error={said["interfaces"]} help={t("capture.interfaces_help")} />
					<TextField label={t("capture.filter")} optional mono placeholder="host 192.0.2.1 and tcp port 80" help={t("capture.filter_help")} value={filter.value} onChange={(v) => (filter.value = v)} error={said["filter"]} />
					<SelectField label={t("capture.cluster")} optional help={t("capture.cluster_help")} value={cluster.value} onChange={(v) => (cluster.value = v)} error={said["cluster"]} options={[{ value: "", text: t("capture.cluster_any") }, ...clusters.keys.value.map((k) => ({ value: k, text: k }))]} />
					<NumberField label={t("capture.size")} unit="MiB" min={1} max={512} value={size.value} onChange={(v) => (size.value = v)} />
					<TextField label={t("capture.time")} help={t("capture.time_help")} value={time.value} onChange={(v) => (time.value = v)} error={said["max_time"]} />
					<TextField label={t("capture.packets")} optional inputMode="numeric" value={packets.value} onChange={(v) => (packets.value = v)} error={whole(packets.value) ?? said["max_packets"]} />
					<TextField label={t("capture.snaplen")} optional inputMode="numeric" unit="B" help={t("capture.snaplen_help")} value={snaplen.value} onChange={(v) => (snaplen.value = v)} error={whole(snaplen.value) ?? said["snaplen"]} />
					<CheckField label={t("capture.ring")} help={t("capture.ring_help")} value={ring.value} onChange={(v) => (ring.value = v)} />
				</div>
				{error.value !== null && <ErrorNotice error={error.value} title={t("capture.not_started")} />}
				<div class="actions"><Button kind="primary" icon="play" type="submit" need="admin" why={wrong}>{t("capture.start")}</Button></div>
			</form>
		</Card>
	);
}

const running = (c: api.Capture) => c.state === "running";

function List() {
	const source = useTopic("state.captures");
	const stop = (c: api.Capture) => void mutate("capture.stop", { id: c.id }).then(() => toast(t("capture.stopped")), toastError);
	const save = (c: api.Capture) => void saveBundle("capture.download", { id: c.id }).catch(toastError);
	const remove = (c: api.Capture) =>
		void ask({ title: t("capture.delete_title"), text: t("capture.delete_text", { n: c.packets }), act: t("capture.delete"), danger: true, need: "admin", run: () => mutate("capture.delete", { id: c.id }) });
	return (
		<Table<api.Capture>
			name="captures" caption={t("capture.list")} source={source} sort="-started" noFilter
			columns={[
				{ id: "started", head: t("capture.began"), by: (c) => c.started, cell: (c) => <><Ago at={c.started} /> <span class="muted small">{c.by}</span></> },
				{ id: "state", head: t("capture.state"), by: (c) => c.state, cell: (c) => <State c={c} /> },
				{ id: "what", head: t("capture.what"), wrap: true, by: (c) => c.filter ?? "", cell: (c) => <span class="small">{comma(c.interfaces)}{c.cluster && ` · ${c.cluster}`}{c.filter && <> · <code>{c.filter}</code></>}</span> },
				{ id: "packets", head: t("capture.packets_kept"), num: true, by: (c) => c.packets, cell: (c) => <Count of={c.packets} /> },
				{ id: "bytes", head: t("capture.size_now"), num: true, by: (c) => c.bytes, cell: (c) => <Num q={format.bytes(c.bytes)} /> },
				{ id: "lost", head: t("capture.lost"), num: true, by: (c) => c.lost, cell: (c) => <Count of={c.lost} /> },
				{ id: "joined", head: t("capture.joined"), num: true, by: (c) => c.joined, cell: (c) => (c.state === "done" ? <Count of={c.joined} /> : "–") },
			]}
			edge={(c) => (c.problem ? "down" : c.lost > 0 ? "degraded" : undefined)}
			actions={(c) => (
				<span class="row nowrap acts-row">
					{running(c) ? <Button small need="admin" icon="pause" label={t("capture.stop_label", { id: c.id })} onClick={() => stop(c)}>{t("capture.stop")}</Button>
						: <Button small need="admin" icon="download" why={c.state === "done" ? undefined : t("capture.state.ending")} label={t("capture.download_label", { id: c.id })} onClick={() => save(c)}>{t("capture.download")}</Button>}
					<Menu icon="more" kind="quiet" small label={t("capture.actions", { id: c.id })} items={[{ text: t("capture.delete"), icon: "trash", need: "admin", onClick: () => remove(c), ...(running(c) ? { why: t("capture.stop_first") } : {}) }]} />
				</span>
			)}
			empty={{ title: t("capture.none"), text: t("capture.none_text") }}
		/>
	);
}

function State({ c }: { c: api.Capture }) {
	const reason = c.reason && (has(`capture.reason.${c.reason}`) ? t(`capture.reason.${c.reason}`) : c.reason);
	return <Status word={t(`capture.state.${c.state}`)} state={c.problem ? "down" : running(c) ? "up" : c.state === "ending" ? "draining" : "disabled"}>{say(c, "problem") || reason}</Status>;
}
