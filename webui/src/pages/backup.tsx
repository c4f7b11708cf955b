// SPDX-License-Identifier: Apache-2.0
//
// A backup of the box as one encrypted file, and restoring one: it is looked at
// first, and its text becomes the candidate, not the running configuration.
import { useSignal } from "@preact/signals";
import { type api, ask, boxNow, Button, call, Card, CheckField, ErrorNotice, Facts, hello, mutate, Notice, Page, type PageProps, say, streams, t, TextField, toast } from "../kit";
import { base64, dayOf, download, fromBase64, momentOf, PickFile } from "../admin/parts";
import { type Done, fetchStream, overStream } from "../admin/transfer";

const shortest = 12; // characters of a passphrase
const largest = 64 << 20; // bytes of a backup
const oneRequest = 720 << 10; // bytes of one that goes without the WebSocket

export default function Backup(_: PageProps) {
	return (
		<Page name={t("backup.title")}>
			<div class="grid">
				<Save />
				<Restore />
			</div>
		</Page>
	);
}

function Save() {
	const passphrase = useSignal("");
	const again = useSignal("");
	const tried = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const made = useSignal<Saved | null>(null);
	const moved = useSignal<Done | null>(null);
	const wrong = {
		passphrase: [...passphrase.value].length >= shortest ? undefined : t("backup.short", { n: shortest }),
		again: again.value === passphrase.value ? undefined : t("backup.again_differs"),
	};
	const save = async () => {
		tried.value = true;
		if (wrong.passphrase || wrong.again || busy.peek()) return;
		busy.value = true;
		error.value = null;
		try {
			const params = { passphrase: passphrase.peek() };
			const b = await overStream(() => saveStream(params, (m) => (moved.value = m)), () => savePlain(params));
			download(b.name, b.data, "application/octet-stream");
			made.value = { ...b, data: "" };
			passphrase.value = "";
			again.value = "";
			tried.value = false;
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
			moved.value = null;
		}
	};
	return (
		<Card name={t("backup.save")}>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void save(); }}>
				<p>{t("backup.save_text")}</p>
				<TextField label={t("backup.passphrase")} help={t("backup.passphrase_help", { n: shortest })} type="password" autocomplete="new-password" value={passphrase.value} onChange={(v) => (passphrase.value = v)} error={tried.value ? wrong.passphrase : undefined} />
				<TextField label={t("backup.again")} type="password" autocomplete="new-password" value={again.value} onChange={(v) => (again.value = v)} error={tried.value ? wrong.again : undefined} />
				{error.value !== null && <ErrorNotice error={error.value} />}
				<Bar name={t("backup.downloading")} of={moved.value} />
				{made.value && <Notice kind="ok">{t("backup.made", { name: made.value.name, revision: made.value.revision, n: made.value.items })}</Notice>}
				<div class="actions"><Button kind="primary" type="submit" icon="download" need="admin" busy={busy.value}>{t("backup.save_act")}</Button></div>
			</form>
		</Card>
	);
}

type Saved = { name: string; data: BlobPart; revision: number; items: number };

async function saveStream(params: { passphrase: string }, moved: (m: Done) => void): Promise<Saved> {
	const b = await call("backup.download", params, { timeout: 300_000, progress: moved });
	return { ...b, data: await fetchStream(b.stream, (done) => moved({ done, total: b.bytes })) };
}

async function savePlain(params: { passphrase: string }): Promise<Saved> {
	const b = await call("backup.export", params);
	return { ...b, name: `${hello.peek()?.hostname || "evener"}-${dayOf(boxNow())}-r${b.revision}.age`, data: fromBase64(b.data) };
}

// Bar shows how far a transfer has come.
function Bar({ name, of }: { name: string; of: Done | null }) {
	return of && <progress aria-label={name} max={of.total || 1} value={of.done} />;
}

function Restore() {
	const file = useSignal<File | null>(null);
	const moved = useSignal<Done | null>(null);
	const passphrase = useSignal("");
	const users = useSignal(false);
	const tried = useSignal(false);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const found = useSignal<api.CheckedBackup | null>(null);
	const done = useSignal<api.Restored | null>(null);
	const fresh = () => {
		found.value = null;
		done.value = null;
		error.value = null;
	};
	const take = (list: File[]) => {
		fresh();
		const f = list[0];
		if (!f) return;
		if (f.size > largest) {
			file.value = null;
			error.value = new Error(t("backup.too_large", { name: f.name, mib: largest >> 20 }));
			return;
		}
		file.value = f;
	};
	const params = () => ({ passphrase: passphrase.peek(), ...(users.peek() ? { users: true } : {}) });
	const send = async (check: boolean): Promise<unknown> => {
		try {
			const u = await call("backup.upload", { ...params(), ...(check ? { check } : {}) });
			return await streams.send(u.stream, file.peek()!, (done, total) => (moved.value = { done, total }));
		} finally {
			moved.value = null;
		}
	};
	const inOne = async () => {
		const f = file.peek()!;
		if (f.size > oneRequest) throw new Error(t("backup.needs_socket", { kib: oneRequest >> 10 }));
		return { ...params(), data: base64(new Uint8Array(await f.arrayBuffer())) };
	};
	const check = async () => {
		tried.value = true;
		if (!file.peek() || !passphrase.peek() || busy.peek()) return;
		busy.value = true;
		error.value = null;
		try {
			found.value = await overStream(async () => (await send(true)) as api.CheckedBackup, async () => call("backup.check", await inOne()));
		} catch (err) {
			found.value = null;
			error.value = err;
		} finally {
			busy.value = false;
		}
	};
	const restore = () => {
		const f = found.peek()!;
		return ask({
			title: t("backup.restore_title", { host: f.hostname, revision: f.revision }), danger: true, need: "admin", act: t("backup.restore_act"),
			text: <><p>{t("backup.restore_text", { added: f.added.length, replaced: f.replaced.length })}</p>{users.peek() && <Notice kind="warning">{t("backup.users_warning")}</Notice>}</>,
			run: async () => {
				done.value = await overStream(async () => (await send(false)) as api.Restored, async () => mutate("backup.import", await inOne()));
				found.value = null;
				toast(t("backup.restored"));
			},
		});
	};
	const f = found.value;
	return (
		<Card name={t("backup.restore")}>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void check(); }}>
				<p>{t("backup.restore_about")}</p>
				<PickFile label={t("backup.file")} accept=".age" chosen={file.value?.name ?? ""} onFiles={take} />
				{tried.value && !file.value && <p class="wrong">{t("backup.no_file")}</p>}
				<TextField label={t("backup.passphrase")} type="password" autocomplete="off" value={passphrase.value} onChange={(v) => { passphrase.value = v; fresh(); }} error={tried.value && !passphrase.value ? t("backup.no_passphrase") : undefined} />
				<CheckField label={t("backup.users")} help={t("backup.users_help")} value={users.value} onChange={(v) => { users.value = v; fresh(); }} />
				{error.value !== null && <ErrorNotice error={error.value} />}
				<Bar name={t("backup.uploading")} of={moved.value} />
				{f && (
					<section class="stack" aria-live="polite">
						<Notice kind="ok">{t("backup.good")}</Notice>
						<Facts list={[
							[t("backup.host"), f.hostname || "–"], [t("backup.time"), momentOf(f.made)], [t("backup.version"), f.version], [t("backup.revision"), String(f.revision)],
							[t("backup.has_users"), f.users ? t("admin.yes") : t("admin.no")],
						]} />
						<Items name={t("backup.added", { n: f.added.length })} list={f.added} />
						<Items name={t("backup.replaced", { n: f.replaced.length })} list={f.replaced} />
						{f.hostname !== hello.value?.hostname && <Notice kind="warning">{t("backup.other_box", { host: f.hostname })}</Notice>}
						{f.problems.length > 0 && <Notice kind="warning"><strong>{t("backup.problems", { n: f.problems.length })}</strong><ul>{f.problems.map((p) => <li key={p.message}>{p.line ? `${p.line}: ` : ""}{say(p, "message")}</li>)}</ul></Notice>}
						<details><summary>{t("backup.text")}</summary><pre class="code-block" tabIndex={0}>{f.text}</pre></details>
					</section>
				)}
				{done.value && <Notice kind="ok" actions={<Button small kind="primary" href="/changes/review">{t("admin.review")}</Button>}>{t("backup.is_candidate", { revision: done.value.revision, host: done.value.hostname, n: done.value.items.length })}</Notice>}
				<div class="actions">
					<Button {...(f ? {} : { kind: "primary" as const })} type="submit" need="admin" busy={busy.value}>{t("backup.check")}</Button>
					{f && <Button kind="danger" need="admin" onClick={restore}>{t("backup.restore_act")}</Button>}
				</div>
			</form>
		</Card>
	);
}

function Items({ name, list }: { name: string; list: readonly string[] }) {
	if (list.length === 0) return <p>{name}</p>;
	return <details open={list.length <= 6}><summary>{name}</summary><ul>{list.map((i) => <li key={i}><code>{i}</code></li>)}</ul></details>;
}
