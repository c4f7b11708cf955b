// SPDX-License-Identifier: Apache-2.0
//
// Importing a certificate: the box looks at what was chosen, the page shows
// what it found, and only then is it kept.
import { useSignal } from "@preact/signals";
import { type api, Button, CallError, call, comma, Dialog, ErrorNotice, Facts, fieldErrors, mutate, Notice, t, TextArea, TextField, toast } from "../kit";
import { at, edit, named } from "../draft/draft";
import { CertFacts, Found, users } from "./certview";
import { base64, PickFile } from "./parts";

type Material = { pem?: string; pkcs12?: string; password?: string };

// define puts the block of an imported certificate into the draft where there is
// none: clusters and the console can name only what the configuration defines.
async function define(name: string): Promise<void> {
	const root = await call("config.object", { path: "" });
	if (named(root.blocks, "certificate").includes(name)) return;
	await edit(at(root), [{ op: "insert", text: `certificate ${JSON.stringify(name)} {}\n` }]);
}

export function ImportDialog({ name: fixed, suggest, onClose, onDone }: { name?: string; suggest?: string; onClose: () => void; onDone?: () => void }) {
	const name = useSignal(fixed ?? suggest ?? "");
	const text = useSignal("");
	const p12 = useSignal("");
	const files = useSignal("");
	const password = useSignal("");
	const found = useSignal<api.Certificate | null>(null);
	const error = useSignal<unknown>(null);
	const busy = useSignal(false);
	const tried = useSignal(false);

	const material = (): Material => (p12.value ? { pkcs12: p12.value, password: password.value } : { pem: text.value });
	const missing = !p12.value && !text.value.trim() ? t("certificates.nothing_chosen") : undefined;
	const fresh = () => {
		found.value = null;
		error.value = null;
	};
	const take = async (list: File[]) => {
		fresh();
		files.value = comma(list.map((f) => f.name));
		p12.value = "";
		let pem = "";
		for (const f of list) {
			const bytes = new Uint8Array(await f.arrayBuffer());
			const head = new TextDecoder().decode(bytes);
			if (head.includes("-----BEGIN ")) pem += `${head}\n`;
			else p12.value = base64(bytes);
		}
		text.value = pem;
	};
	const run = async (work: () => Promise<void>) => {
		tried.value = true;
		if (missing || !name.peek().trim() || busy.peek()) return;
		busy.value = true;
		error.value = null;
		try {
			await work();
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	const check = () => run(async () => { found.value = await call("certificate.check", { name: name.peek().trim(), ...material() }); });
	const keep = (force: boolean) => run(async () => {
		const called = name.peek().trim();
		await mutate("certificate.import", { name: called, ...material(), ...(force ? { force } : {}) });
		toast(t("certificates.imported", { name: called }));
		await define(called);
		onDone?.();
		onClose();
	});
	const said = fieldErrors(error.value);
	const guarded = error.value instanceof CallError && error.value.kind === "guard.unfit";
	const f = found.value;
	return (
		<Dialog
			form title={fixed ? t("certificates.replace_title", { name: fixed }) : t("certificates.import_title")} onClose={onClose}
			footer={<>
				<Button onClick={onClose}>{t("common.cancel")}</Button>
				{guarded
					? <Button kind="danger" need="editor" busy={busy.value} onClick={() => keep(true)}>{t("certificates.replace_anyway", { name: name.value })}</Button>
					: f
						? <Button kind="primary" need="editor" busy={busy.value} onClick={() => keep(false)}>{fixed || f.used_by.length ? t("certificates.replace_act", { name: name.value }) : t("certificates.import_act", { name: name.value })}</Button>
						: <Button kind="primary" need="editor" busy={busy.value} onClick={check}>{t("certificates.check_act")}</Button>}
			</>}
		>
			<div class="form">
				{!fixed && <TextField label={t("admin.name")} help={t("certificates.name_help")} value={name.value} onChange={(v) => { name.value = v; fresh(); }} error={tried.value && !name.value.trim() ? t("admin.missing") : said["name"]} autofocus />}
				<PickFile label={t("certificates.files")} help={t("certificates.files_help")} accept=".pem,.crt,.cer,.key,.p12,.pfx" multiple chosen={files.value} onFiles={take} />
				{p12.value
					? <TextField label={t("certificates.p12_password")} type="password" autocomplete="off" value={password.value} onChange={(v) => { password.value = v; fresh(); }} />
					: <TextArea label={t("certificates.paste")} mono rows={6} value={text.value} onChange={(v) => { text.value = v; fresh(); }} error={tried.value ? missing : undefined} placeholder="-----BEGIN CERTIFICATE-----" />}
				{error.value !== null && <ErrorNotice error={error.value} />}
				{f && (
					<section class="stack" aria-live="polite">
						<h3>{t("certificates.checked")}</h3>
						<Found cert={f} />
						{f.used_by.length > 0 && <Notice kind="warning">{t("certificates.effect_now", { n: f.used_by.length, users: users(f.used_by) })}</Notice>}
						<CertFacts cert={f} />
						<Facts list={[[t("certificates.key_fits"), f.request ? t("certificates.key_fits_request", { name: f.request }) : t("certificates.key_fits_yes")]]} />
					</section>
				)}
			</div>
		</Dialog>
	);
}

// TrustDialog imports CAs and revocation lists.
export function TrustDialog({ name: fixed, onClose, onDone }: { name?: string; onClose: () => void; onDone: () => void }) {
	const name = useSignal(fixed ?? "");
	const text = useSignal("");
	const chosen = useSignal<{ name: string; data: string }[]>([]);
	const error = useSignal<unknown>(null);
	const busy = useSignal(false);
	const tried = useSignal(false);
	const nothing = chosen.value.length === 0 && !text.value.trim();
	const take = async (list: File[]) => {
		chosen.value = await Promise.all(list.map(async (f) => ({ name: f.name, data: base64(new Uint8Array(await f.arrayBuffer())) })));
	};
	const keep = async () => {
		tried.value = true;
		if (nothing || !name.peek().trim()) return;
		busy.value = true;
		error.value = null;
		try {
			const files = chosen.peek().map((c) => c.data);
			if (text.peek().trim()) files.push(base64(new TextEncoder().encode(text.peek())));
			const r = await mutate("trust.import", { name: name.peek().trim(), files });
			toast(t("certificates.trust_imported", { name: r.name, cas: r.cas.length, crls: r.crls.length }));
			onDone();
			onClose();
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	return (
		<Dialog
			form title={fixed ? t("certificates.trust_replace", { name: fixed }) : t("certificates.trust_import")} onClose={onClose}
			footer={<>
				<Button onClick={onClose}>{t("common.cancel")}</Button>
				<Button kind="primary" need="editor" busy={busy.value} onClick={keep}>{t("certificates.trust_act")}</Button>
			</>}
		>
			<div class="form">
				<p>{t("certificates.trust_text")}</p>
				{!fixed && <TextField label={t("admin.name")} help={t("admin.name_help")} value={name.value} onChange={(v) => (name.value = v)} error={tried.value && !name.value.trim() ? t("admin.missing") : undefined} autofocus />}
				<PickFile label={t("certificates.trust_files")} multiple chosen={comma(chosen.value.map((c) => c.name))} onFiles={take} />
				<TextArea label={t("certificates.paste_trust")} mono rows={5} optional value={text.value} onChange={(v) => (text.value = v)} error={tried.value && nothing ? t("certificates.nothing_chosen") : undefined} />
				{error.value !== null && <ErrorNotice error={error.value} />}
			</div>
		</Dialog>
	);
}
