// SPDX-License-Identifier: Apache-2.0
//
// The form of how clients of a cluster are kept on their members.
import { useSignal } from "@preact/signals";
import { type api, Button, Card, ErrorNotice, Notice, SelectField, t, TextField } from "../kit";
import { type Config, edit, path } from "../draft/draft";

// PersistForm chooses how clients of a cluster are kept on their members.
export function PersistForm({ config, cluster, again }: { config: Config; cluster: { name: string; protocol: string; persist: { method: string; age?: string; timeout?: string }[] }; again: () => void }) {
	const now = cluster.persist[0];
	const method = useSignal(now?.method ?? "");
	const time = useSignal((now?.method === "cookie" ? now.age : now?.timeout) ?? "");
	const error = useSignal<unknown>(null);
	const http = cluster.protocol === "http" || cluster.protocol === "https";
	const had = (now?.method === "cookie" ? now.age : now?.timeout) ?? "";
	const dirty = method.value !== (now?.method ?? "") || (method.value !== "" && time.value !== had);
	const save = async () => {
		error.value = null;
		const parent = path("cluster", cluster.name);
		const attr = method.peek() === "cookie" ? "age" : "timeout";
		const value = time.peek().trim();
		const edits: api.EditOp[] = [];
		if (now && now.method === method.peek()) edits.push({ op: "patch", path: `${parent}/persist/${now.method}`, ...(value ? { set: { [attr]: value } } : { unset: [attr] }) });
		else {
			if (now) edits.push({ op: "remove", path: `${parent}/persist/${now.method}` });
			if (method.peek()) edits.push({ op: "insert", path: parent, type: "persist", label: method.peek(), ...(value ? { set: { [attr]: value } } : {}) });
		}
		try {
			await edit(config, edits, t("cluster.settings_saved", { name: t("cluster.persistence") }));
			again();
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Card name={t("cluster.persistence")} actions={<Button small kind="primary" need="editor" why={dirty ? undefined : t("cluster.nothing_changed")} onClick={save}>{t("cluster.save")}</Button>}>
			<div class="form">
				{error.value !== null && <ErrorNotice error={error.value} title={t("rules.not_saved")} />}
				{cluster.persist.length > 1 && <Notice>{t("cluster.persist_two", { first: cluster.persist[0]!.method, second: cluster.persist[1]!.method })}</Notice>}
				<div class="key-grid">
					<SelectField label={t("cluster.persist_method")} value={method.value} onChange={(v) => { method.value = v; time.value = ""; }} options={[{ value: "", text: t("cluster.persist_none") }, ...(http ? [{ value: "cookie", text: t("cluster.persist_cookie") }] : []), { value: "source", text: t("cluster.persist_source") }]} help={t("cluster.persist_help")} />
					{method.value !== "" && <TextField label={t(method.value === "cookie" ? "cluster.persist_age" : "cluster.persist_timeout")} value={time.value} onChange={(v) => (time.value = v)} placeholder={method.value === "cookie" ? "0s" : "10m"} help={t(method.value === "cookie" ? "cluster.persist_age_help" : "cluster.persist_timeout_help")} />}
				</div>
			</div>
		</Card>
	);
}
