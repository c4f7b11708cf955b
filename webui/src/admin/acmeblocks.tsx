// SPDX-License-Identifier: Apache-2.0
//
// CAs that certificates are got from by themselves: the blocks acme of the
// draft, and how it goes with the certificates of each.
import { useSignal } from "@preact/signals";
import { type api, ask, Button, comma, Dialog, ErrorNotice, Menu, mutate, Notice, say, type Source, Status, t, Table, TextField, Time, toast, useList, useTopic } from "../kit";
import { BlockForm } from "../draft/form";
import { path, removeBlocks, useConfig } from "../draft/draft";
import { isTime } from "./parts";

type CA = { name: string; description?: string; directory: string; email?: string[]; eab_key_id?: string };
type Named = { name: string; source: string; acme?: string };
export type Row = CA & { certificates: readonly { name: string; cert: api.Certificate | undefined }[] };

// hostOf names a directory by its host.
export const hostOf = (url: string) => { try { return new URL(url).host; } catch { return url; } };

// rowsOf puts the certificates of each CA beside it.
export function rowsOf(values: { acme?: readonly CA[] | null; certificates?: readonly Named[] | null }, live: ReadonlyMap<string, api.Certificate>): Row[] {
	return (values.acme ?? []).map((a) => ({
		...a,
		certificates: (values.certificates ?? []).filter((c) => c.source === "acme" && c.acme === a.name).map((c) => {
			const cert = live.get(c.name);
			return { name: c.name, cert: cert?.acme ? cert : undefined };
		}),
	}));
}

// stateOfCA is the worst state of its certificates; "" where none is served yet.
export function stateOfCA(r: Row): "" | "failed" | "ordering" | "waiting" | "issued" {
	const all = r.certificates.flatMap((c) => (c.cert?.acme ? [c.cert.acme.state] : []));
	return (["failed", "ordering", "waiting", "issued"] as const).find((s) => all.includes(s)) ?? "";
}

// nextOf is when the first of its certificates is ordered.
export const nextOf = (r: Row) => r.certificates.flatMap((c) => (isTime(c.cert?.acme?.next) ? [c.cert!.acme!.next] : [])).sort()[0] ?? "";

const lookOf = { failed: "down", issued: "up", ordering: "unknown", waiting: "unknown", "": "unknown" } as const;

function liveOf(source: Source<api.Certificate>): Map<string, api.Certificate> {
	return new Map(source.keys.value.flatMap((k) => { const c = source.get(k)?.value; return c ? [[k, c] as const] : []; }));
}

export function AcmeList() {
	const { config, error, again } = useConfig();
	const live = useTopic("state.certificates");
	const values = config.value?.values as { acme?: CA[]; certificates?: Named[] } | undefined;
	const rows = values && rowsOf(values, liveOf(live));
	const source = useList(rows, (r) => r.name, error.value);
	const editing = useSignal<string | true | null>(null);
	const account = useSignal("");
	const drop = async (r: Row) => {
		const done = await ask({
			title: t("certificates.ca_remove_title", { name: r.name }), danger: true, need: "editor", act: t("certificates.ca_remove_act"), text: <p>{t("certificates.ca_remove_text")}</p>,
			run: () => removeBlocks([path("acme", r.name)]),
		});
		if (done) again();
	};
	const done = () => { editing.value = null; again(); };
	return (
		<>
			<p class="muted">{t("certificates.ca_about")}</p>
			<Table<Row>
				name="acme" query="ca" caption={t("certificates.tab_acme")} source={source} retry={again}
				columns={[
					{ id: "name", head: t("admin.name"), by: (r) => r.name, cell: (r) => <span title={r.description}>{r.name}</span> },
					{ id: "directory", head: t("certificates.ca_directory"), by: (r) => r.directory, cell: (r) => <span title={r.directory}>{hostOf(r.directory)}</span> },
					{ id: "state", head: t("certificates.acme_state"), wrap: true, by: stateOfCA, cell: (r) => <State row={r} /> },
					{ id: "certificates", head: t("certificates.tab_certificates"), wrap: true, by: (r) => r.certificates.length, cell: (r) => (r.certificates.length ? <span class="tags">{r.certificates.map((c) => <a class="tag" key={c.name} href={`/certificates/${encodeURIComponent(c.name)}`}>{c.name}</a>)}</span> : "–") },
					{ id: "next", head: t("certificates.acme_next"), by: nextOf, cell: (r) => (nextOf(r) ? <Time at={nextOf(r)} /> : "–") },
				]}
				problem={(r) => stateOfCA(r) === "failed"} edge={(r) => (stateOfCA(r) === "failed" ? "down" : undefined)}
				actions={(r) => (
					<Menu icon="more" kind="quiet" small label={t("certificates.actions", { name: r.name })} items={[
						{ text: t("certificates.ca_edit"), icon: "edit", need: "editor", onClick: () => (editing.value = r.name) },
						{ text: t("certificates.ca_key"), icon: "key", need: "editor", onClick: () => (account.value = r.name), ...(r.eab_key_id ? {} : { why: t("certificates.ca_key_why") }) },
						"line",
						{ text: t("certificates.remove"), icon: "trash", need: "editor", onClick: () => void drop(r), ...(r.certificates.length ? { why: t("certificates.ca_used", { list: comma(r.certificates.map((c) => c.name)) }) } : {}) },
					]} />
				)}
				tools={<Button kind="primary" icon="plus" need="editor" onClick={() => (editing.value = true)}>{t("certificates.ca_add")}</Button>}
				empty={{ title: t("certificates.ca_empty"), text: t("certificates.ca_empty_text"), actions: <Button kind="primary" icon="plus" need="editor" onClick={() => (editing.value = true)}>{t("certificates.ca_add")}</Button> }}
			/>
			{editing.value && (
				<Dialog form title={editing.value === true ? t("certificates.ca_add") : t("certificates.ca_edit_title", { name: editing.value })} onClose={() => (editing.value = null)}>
					<p>{t("certificates.ca_text")}</p>
					<BlockForm block="acme" {...(editing.value === true ? {} : { path: path("acme", editing.value) })} first={["directory", "agree_tos", "email"]} onDone={done} onCancel={() => (editing.value = null)} />
				</Dialog>
			)}
			{account.value && <AccountKey name={account.value} onClose={() => (account.value = "")} />}
		</>
	);
}

// State says how it goes with the certificates of a CA, and what went wrong last.
function State({ row }: { row: Row }) {
	const s = stateOfCA(row);
	const bad = row.certificates.filter((c) => c.cert?.acme?.last_error);
	return (
		<>
			<Status word={s ? t(`certificates.acme.${s}`) : t(row.certificates.length ? "certificates.ca_uncommitted" : "certificates.unused")} state={lookOf[s]} />
			{bad.map((c) => <p class="small" key={c.name}><strong>{c.name}</strong>: {say(c.cert!.acme!, "last_error")} <span class="muted">(<Time at={c.cert!.acme!.last_try!} />)</span></p>)}
		</>
	);
}

// AccountKey keeps the key that binds an account to a customer. It is no part of
// the draft: it takes effect at once.
function AccountKey({ name, onClose }: { name: string; onClose: () => void }) {
	const key = useSignal("");
	const error = useSignal<unknown>(null);
	const busy = useSignal(false);
	const keep = async () => {
		if (!key.peek().trim() || busy.peek()) return;
		busy.value = true;
		try {
			await mutate("certificate.eab", { acme: name, key: key.peek().trim() });
			toast(t("certificates.ca_key_kept", { name }));
			onClose();
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	return (
		<Dialog
			title={t("certificates.ca_key_title", { name })} onClose={onClose}
			footer={<>
				<Button onClick={onClose}>{t("common.cancel")}</Button>
				<Button kind="primary" need="editor" busy={busy.value} why={key.value.trim() ? undefined : t("admin.missing")} onClick={keep}>{t("certificates.ca_key_act")}</Button>
			</>}
		>
			<form class="form" onSubmit={(e) => { e.preventDefault(); void keep(); }}>
				<Notice>{t("certificates.ca_key_text")}</Notice>
				<TextField label={t("certificates.ca_key_label")} type="password" autocomplete="off" mono value={key.value} onChange={(v) => (key.value = v)} autofocus />
				{error.value !== null && <ErrorNotice error={error.value} />}
			</form>
		</Dialog>
	);
}
