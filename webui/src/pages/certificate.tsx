// SPDX-License-Identifier: Apache-2.0
//
// One certificate: what clients are sent, who uses it, and which clusters are
// to show it.
import { useSignal } from "@preact/signals";
import { Button, Card, CheckField, comma, Empty, ErrorNotice, go, Notice, Page, type PageProps, say, Skeleton, Status, t, useCall, useTopic } from "../kit";
import { Acme, assign, Buttons, type Cert, CertFacts, Chain, Found, remove, removal } from "../admin/certview";
import { ImportDialog } from "../admin/importcert";

export default function CertificatePage({ params }: PageProps) {
	const name = params["certificate"]!;
	const source = useTopic("state.certificates");
	const cert = source.get(name)?.value;
	const replacing = useSignal(false);
	const crumbs = [{ text: t("certificates.title"), href: "/certificates" }];
	if (!cert) {
		return (
			<Page name={name} crumbs={crumbs}>
				{source.error.value ? <ErrorNotice error={source.error.value} /> : source.loaded.value ? <Empty title={t("certificates.not_there", { name })} text={t("certificates.not_there_text")} actions={<Button href="/certificates">{t("certificates.title")}</Button>} /> : <Skeleton />}
			</Page>
		);
	}
	const gone = async () => { if (await remove(cert)) go("/certificates"); };
	const why = removal(cert);
	return (
		<Page name={name} crumbs={crumbs} state={<Status word={cert.state} />} actions={<><Buttons c={cert} onReplace={() => (replacing.value = true)} again={() => {}} /><Button kind="danger" icon="trash" need="editor" why={why || undefined} onClick={gone}>{t("certificates.remove")}</Button></>}>
			{cert.lacks && <Notice kind="error">{say(cert, "lacks")}</Notice>}
			{cert.state === "waiting" && <Notice kind="warning">{t("certificates.stand_in")}</Notice>}
			<Found cert={cert} />
			<div class="grid cert-cards">
				<Card name={t("certificates.card")}>
					<CertFacts cert={cert} />
				</Card>
				{cert.not_after && <Card name={t("certificates.chain")}><p class="muted">{t("certificates.chain_help")}</p><Chain cert={cert} /></Card>}
				{cert.acme && <Card name={t("certificates.acme")}><Acme acme={cert.acme} /></Card>}
				<Assign cert={cert} />
			</div>
			{replacing.value && <ImportDialog name={name} onClose={() => (replacing.value = false)} onDone={() => {}} />}
		</Page>
	);
}

type Tls = { name: string; protocol: string; tls?: { certificates: string[] } };

// Assign edits in the candidate which https clusters show the certificate.
function Assign({ cert }: { cert: Cert }) {
	const values = useCall("config.values", {});
	const top = useCall("config.object", { path: "" });
	const picked = useSignal<ReadonlySet<string> | null>(null);
	const error = useSignal<unknown>(null);
	const failed = values.error.value ?? top.error.value;
	const data = values.data.value;
	const clusters = ((data?.values as { clusters?: Tls[] } | null)?.clusters ?? []).filter((c) => c.protocol === "https");
	const now = new Map(clusters.map((c) => [c.name, c.tls?.certificates ?? []]));
	const chosen = picked.value ?? new Set(clusters.filter((c) => now.get(c.name)!.includes(cert.name)).map((c) => c.name));
	const toggle = (c: string, on: boolean) => {
		const next = new Set(chosen);
		if (on) next.add(c);
		else next.delete(c);
		picked.value = next;
	};
	const changes = clusters.filter((c) => chosen.has(c.name) !== now.get(c.name)!.includes(cert.name)).length;
	const save = async () => {
		error.value = null;
		try {
			await assign(cert.name, chosen, now, top.data.peek()!.blocks, top.data.peek()!);
			picked.value = null;
			values.again();
			top.again();
		} catch (err) {
			error.value = err;
		}
	};
	return (
		<Card name={t("certificates.assign")}>
			{failed && <ErrorNotice error={failed} retry={() => { values.again(); top.again(); }} />}
			{!failed && !(data && top.data.value) && <Skeleton rows={3} />}
			{data && data.values === null && <Notice kind="warning">{t("certificates.assign_mistakes")}</Notice>}
			{data && top.data.value && data.values !== null && (
				<div class="form">
					<p class="muted">{clusters.length ? t("certificates.assign_text") : t("certificates.assign_none")}</p>
					{clusters.map((c) => (
						<CheckField key={c.name} label={c.name} value={chosen.has(c.name)} onChange={(on) => toggle(c.name, on)} help={now.get(c.name)!.length ? t("certificates.assign_has", { list: comma(now.get(c.name)!) }) : t(cert.name === "box" ? "certificates.assign_this" : "certificates.assign_default")} />
					))}
					{error.value !== null && <ErrorNotice error={error.value} />}
					<div class="actions"><Button kind="primary" need="editor" why={changes ? undefined : t("blocks.nothing_changed")} onClick={save}>{t("blocks.save")}</Button></div>
				</div>
			)}
		</Card>
	);
}
