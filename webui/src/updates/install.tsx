// SPDX-License-Identifier: Apache-2.0
//
// The ways by which another version comes: a file, an address, a USB stick. It is
// written into the slot that does not run; starting it is asked for afterwards.
import { useSignal } from "@preact/signals";
import { type api, Button, call, CallError, Card, Code, ErrorNotice, format, mutate, Notice, RadioField, t, TextField } from "../kit";
import { base64, PickFile } from "../admin/parts";
import { locked, start } from "./slots";

type Way = "file" | "url" | "usb";

export function Install({ u }: { u: api.UpgradeShow }) {
	const way = useSignal<Way>("file");
	const file = useSignal<File | null>(null);
	const url = useSignal("");
	const sent = useSignal<{ done: number; total: number } | null>(null);
	const busy = useSignal(false);
	const error = useSignal<unknown>(null);
	const done = useSignal<api.UpgradeWritten | null>(null);
	const wrongURL = url.value && !/^https?:\/\/\S+$/.test(url.value) ? t("updates.url_wrong") : undefined;
	const missing = way.value === "file" ? (file.value ? undefined : t("updates.no_file")) : way.value === "url" ? (url.value && !wrongURL ? undefined : t("updates.no_url")) : u.usb ? undefined : t("updates.no_usb");
	const install = async () => {
		if (missing || busy.peek()) return;
		busy.value = true;
		error.value = null;
		done.value = null;
		try {
			if (way.peek() === "file") done.value = await send(file.peek()!, (n, total) => (sent.value = { done: n, total }));
			else if (way.peek() === "url") await mutate("upgrade.fetch", { url: url.peek() });
			else await mutate("upgrade.usb", {});
		} catch (err) {
			error.value = err;
		} finally {
			busy.value = false;
			sent.value = null;
		}
	};
	const spare = u.slots.find((s) => s.state === "spare");
	return (
		<Card name={t("updates.install")}>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void install(); }}>
				<p>{t("updates.install_text", { slot: u.slots.find((s) => s.slot !== u.running.slot)?.slot ?? "" })}</p>
				<RadioField<Way> label={t("updates.way")} value={way.value} onChange={(v) => (way.value = v)} options={[
					{ value: "file", text: t("updates.way_file") },
					{ value: "url", text: t("updates.way_url") },
					{ value: "usb", text: t("updates.way_usb") },
				]} />
				{way.value === "file" && <PickFile label={t("updates.file")} help={t("updates.file_help")} accept=".evb" chosen={file.value?.name ?? ""} onFiles={(list) => { file.value = list[0] ?? null; done.value = null; error.value = null; }} />}
				{way.value === "url" && <TextField label={t("updates.url")} help={t("updates.url_help")} mono type="url" value={url.value} onChange={(v) => (url.value = v.trim())} error={wrongURL} />}
				{way.value === "usb" && <p class="muted">{t("updates.usb_text")}</p>}
				{sent.value && <><progress aria-label={t("updates.sending")} max={sent.value.total || 1} value={sent.value.done} /><p class="muted" aria-live="off">{t("updates.sent", { done: size(sent.value.done), total: size(sent.value.total) })}</p></>}
				{error.value !== null && <ErrorNotice error={error.value} />}
				{done.value && spare?.version === done.value.version && <Notice kind="ok">{t("updates.written", { version: done.value.version, slot: done.value.slot })}</Notice>}
				<details><summary>{t("updates.checks")}</summary><ul>{(["signature", "board", "minimum", "rollback", "digest"] as const).map((c) => <li key={c}>{t(`updates.checked_${c}`)}</li>)}</ul></details>
				<div class="actions">
					<Button {...(spare ? {} : { kind: "primary" as const })} type="submit" icon="upload" need="admin" why={locked(u) ?? missing} busy={busy.value}>{t(`updates.install_${way.value}`)}</Button>
					{spare && <Button kind="primary" need="admin" icon="refresh" why={locked(u)} onClick={() => start(spare, u)}>{t("updates.start_named", { version: spare.version })}</Button>}
				</div>
			</form>
		</Card>
	);
}

const size = (n: number) => { const q = format.bytes(n); return `${q.value} ${q.unit}`; };

// send gives the box a file piece by piece. What is wrong with it the box says at
// the first one.
async function send(f: File, told: (done: number, total: number) => void): Promise<api.UpgradeWritten> {
	const u = await mutate("upgrade.upload.begin", { size: f.size });
	told(0, f.size);
	try {
		for (let offset = 0; offset < f.size; offset += u.chunk) {
			const data = base64(new Uint8Array(await f.slice(offset, offset + u.chunk).arrayBuffer()));
			await mutate("upgrade.upload.chunk", { id: u.id, offset, data }, { timeout: 120_000 });
			told(Math.min(offset + u.chunk, f.size), f.size);
		}
		return await mutate("upgrade.upload.end", { id: u.id }, { timeout: 300_000 });
	} catch (err) {
		// What the box has refused it has forgotten; else it would wait for the rest.
		if (!(err instanceof CallError) || err.code === Code.unreachable || err.code === Code.cancelled) await call("upgrade.cancel", {}).catch(() => {});
		throw err;
	}
}
