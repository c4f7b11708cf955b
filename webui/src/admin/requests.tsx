// SPDX-License-Identifier: Apache-2.0
//
// Requests to CAs: the box makes a key, which stays on it, and waits for what
// the CA makes of the request.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, ask, Button, call, comma, Dialog, ErrorNotice, Facts, Menu, mutate, Notice, query, say, SelectField, setQuery, Status, t, Table, TextArea, TextField, toast, useTopic } from "../kit";
import { Copyable, download, momentOf } from "./parts";
import { ImportDialog } from "./importcert";

type Pending = api.CertificateRequest;
type Fields = Required<Omit<api.RequestForm, "names">> & { names: string };

const keys = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"] as const;
const empty: Fields = { name: "", key: "ecdsa-p256", names: "", common_name: "", organization: "", unit: "", locality: "", province: "", country: "" };

// namesOf takes names apart as people write them: one a line, or with commas.
export const namesOf = (text: string) => text.split(/[\s,;]+/).filter(Boolean);

// formOf leaves out what is empty.
export function formOf(f: Fields): api.RequestForm {
	const rest = Object.fromEntries(Object.entries(f).map(([k, v]) => [k, v.trim()]).filter(([, v]) => v !== ""));
	return { ...rest, name: f.name.trim(), names: namesOf(f.names) } as api.RequestForm;
}

const save = (r: Pending) => download(`${r.name}.csr`, r.pem ?? "", "application/pkcs10");

export function RequestList() {
	const source = useTopic("state.certificate_requests");
	const shown = useSignal<Pending | null>(null);
	const importing = useSignal("");
	const like = query("like").value;
	const making = useSignal(false);
	const closed = () => { making.value = false; if (like) setQuery({ like: "" }); };
	const drop = async (r: Pending) => {
		const done = await ask({
			title: t("certificates.request_remove_title", { name: r.name }), danger: true, need: "editor", act: t("certificates.request_remove_act"), text: <p>{t("certificates.request_remove_text")}</p>,
			run: () => mutate("certificate.request_remove", { name: r.name }),
		});
		if (done) toast(t("certificates.removed", { name: r.name }));
	};
	return (
		<>
			<p class="muted">{t("certificates.request_about")}</p>
			<Table<Pending>
				name="requests" query="request" caption={t("certificates.tab_requests")} source={source}
				columns={[
					{ id: "name", head: t("admin.name"), by: (r) => r.name, cell: (r) => r.name },
					{ id: "names", head: t("certificates.names"), wrap: true, by: (r) => r.names.join(" "), cell: (r) => (r.lacks ? <Status word="missing">{say(r, "lacks")}</Status> : <span class="tags">{r.names.map((n) => <span class="tag" key={n}>{n}</span>)}</span>) },
					{ id: "key", head: t("certificates.key"), by: (r) => r.key ?? "", cell: (r) => r.key ?? "–" },
					{ id: "since", head: t("certificates.request_since"), by: (r) => r.since ?? "", cell: (r) => momentOf(r.since) },
					{ id: "by", head: t("certificates.request_by"), by: (r) => r.by ?? "", cell: (r) => r.by ?? "–" },
				]}
				problem={(r) => Boolean(r.lacks)} edge={(r) => (r.lacks ? "down" : undefined)}
				actions={(r) => (
					<Menu icon="more" kind="quiet" small label={t("certificates.actions", { name: r.name })} items={[
						{ text: t("certificates.request_show"), icon: "eye", onClick: () => (shown.value = r), ...(r.pem ? {} : { why: say(r, "lacks") }) },
						{ text: t("certificates.request_download"), icon: "download", onClick: () => save(r), ...(r.pem ? {} : { why: say(r, "lacks") }) },
						{ text: t("certificates.request_import"), icon: "upload", need: "editor", onClick: () => (importing.value = r.name), ...(r.pem ? {} : { why: say(r, "lacks") }) },
						"line",
						{ text: t("certificates.remove"), icon: "trash", need: "editor", onClick: () => void drop(r) },
					]} />
				)}
				tools={<Button kind="primary" icon="key" need="editor" onClick={() => (making.value = true)}>{t("certificates.request")}</Button>}
				empty={{ title: t("certificates.request_empty"), text: t("certificates.request_empty_text"), actions: <Button kind="primary" icon="key" need="editor" onClick={() => (making.value = true)}>{t("certificates.request")}</Button> }}
			/>
			{(making.value || like) && <RequestDialog key={like} {...(like ? { like } : {})} onClose={closed} onDone={(r) => { closed(); shown.value = r; }} />}
			{shown.value && <ShowDialog request={shown.value} onClose={() => (shown.value = null)} />}
			{importing.value && <ImportDialog suggest={importing.value} onClose={() => (importing.value = "")} />}
		</>
	);
}

// RequestDialog asks what a CA is asked for; like is a certificate whose successor
// it is to be.
function RequestDialog({ like, onClose, onDone }: { like?: string; onClose: () => void; onDone: (r: Pending) => void }) {
	const f = useSignal<Fields>(empty);
	const error = useSignal<unknown>(null);
	const busy = useSignal(false);
	const tried = useSignal(false);
	const waits = useSignal(Boolean(like));
	useEffect(() => {
		if (!like) return;
		call("certificate.request_like", { name: like }).then((r) => (f.value = { ...empty, ...r, names: r.names.join("\n") }), (err) => (error.value = err)).finally(() => (waits.value = false));
	}, []);
	const field = (key: keyof Fields) => ({ value: f.value[key], onChange: (v: string) => (f.value = { ...f.peek(), [key]: v }) });
	const make = async () => {
		tried.value = true;
		const form = formOf(f.peek());
		if (!form.name || form.names.length === 0 || busy.peek()) return;
		busy.value = true;
		error.value = null;
		try {
			onDone(await mutate("certificate.request", form, { timeout: 130_000 })); // a long RSA key takes a small machine its time
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	return (
		<Dialog
			form title={like ? t("certificates.request_like", { name: like }) : t("certificates.request_title")} onClose={onClose}
			footer={<>
				<Button onClick={onClose}>{t("common.cancel")}</Button>
				<Button kind="primary" need="editor" busy={busy.value || waits.value} onClick={make}>{t("certificates.request_act")}</Button>
			</>}
		>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void make(); }}>
				<p>{t("certificates.request_text")}</p>
				<TextField label={t("certificates.request_name")} help={t("certificates.request_name_help")} {...field("name")} error={tried.value && !f.value.name.trim() ? t("admin.missing") : undefined} autofocus />
				<TextArea label={t("certificates.request_names")} mono rows={3} {...field("names")} placeholder={"shop.example.com\nwww.shop.example.com"} error={tried.value && namesOf(f.value.names).length === 0 ? t("certificates.request_names_missing") : undefined} help={t("certificates.request_names_help")} />
				<SelectField label={t("certificates.key")} {...field("key")} options={keys.map((k) => ({ value: k, text: k.replace("ecdsa-p", "ECDSA P-").replace("rsa-", "RSA ") }))} />
				<details class="advanced" open={Boolean(like) || undefined}>
					<summary>{t("certificates.subject")} <span class="muted small">{t("common.optional")}</span></summary>
					<div class="key-grid">
						<TextField label={t("certificates.subject_cn")} {...field("common_name")} help={t("certificates.subject_cn_help")} />
						<TextField label={t("certificates.subject_o")} {...field("organization")} />
						<TextField label={t("certificates.subject_ou")} {...field("unit")} />
						<TextField label={t("certificates.subject_l")} {...field("locality")} />
						<TextField label={t("certificates.subject_st")} {...field("province")} />
						<TextField label={t("certificates.subject_c")} {...field("country")} help={t("certificates.subject_c_help")} maxLength={2} />
					</div>
				</details>
				{error.value !== null && <ErrorNotice error={error.value} />}
				<button type="submit" hidden />
			</form>
		</Dialog>
	);
}

// ShowDialog shows a request for copying.
function ShowDialog({ request: r, onClose }: { request: Pending; onClose: () => void }) {
	const copy = async () => {
		await navigator.clipboard.writeText(r.pem ?? "");
		toast(t("admin.copied", { what: t("certificates.request_what") }));
	};
	return (
		<Dialog
			form title={t("certificates.request_of", { name: r.name })} onClose={onClose}
			footer={<>
				<Button onClick={onClose}>{t("common.close")}</Button>
				<Button icon="copy" onClick={copy}>{t("certificates.request_copy")}</Button>
				<Button kind="primary" icon="download" onClick={() => save(r)}>{t("certificates.request_download")}</Button>
			</>}
		>
			<div class="stack">
				<Notice>{t("certificates.request_next")}</Notice>
				<Facts list={[
					[t("certificates.names"), comma(r.names)],
					[t("certificates.key"), r.key ?? "–"],
					Boolean(r.subject) && [t("certificates.subject"), <Copyable key="s" value={r.subject ?? ""} label={t("certificates.subject")} />],
				]} />
				<TextArea label={t("certificates.request_what")} mono rows={10} readOnly value={r.pem ?? ""} onChange={() => {}} />
			</div>
		</Dialog>
	);
}
