// SPDX-License-Identifier: Apache-2.0
//
// The certificates of the box, the soonest to expire first, and the CAs and
// revocation lists that it believes.
import { useSignal } from "@preact/signals";
import { type api, ask, Button, comma, Dialog, Facts, hello, href, Menu, mutate, Notice, Page, type PageProps, Panel, query, say, setQuery, stateOf, Status, t, Table, Tabs, toast, useCall, useCommands, useList, useTopic } from "../kit";
import { BlockForm } from "../draft/form";
import { Buttons, type Cert, CertFacts, CertState, daysLeft, Found, Left, remove, removal, renew, saveChain, successor, UserLinks, users, Acme } from "../admin/certview";
import { needsCare } from "../components/care";
import { AcmeList } from "../admin/acmeblocks";
import { ImportDialog, TrustDialog } from "../admin/importcert";
import { RequestList } from "../admin/requests";
import { Copyable, isTime, momentOf, print } from "../admin/parts";

export default function Certificates(_: PageProps) {
	return (
		<Page name={t("certificates.title")}>
			<Tabs label={t("certificates.title")} tabs={[
				{ id: "certificates", text: t("certificates.tab_certificates"), show: () => <List /> },
				{ id: "requests", text: t("certificates.tab_requests"), show: () => <RequestList /> },
				{ id: "acme", text: t("certificates.tab_acme"), show: () => <AcmeList /> },
				{ id: "trust", text: t("certificates.tab_trust"), show: () => <TrustList /> },
			]} />
		</Page>
	);
}

function List() {
	const source = useTopic("state.certificates");
	const uncovered = useCall("certificate.uncovered", {});
	const importing = useSignal<string | true | null>(null);
	const creating = useSignal(false);
	const chosen = query("certificate").value;
	const cert = chosen && source.keys.value.includes(chosen) ? source.get(chosen)?.value : undefined;
	useCommands([{ text: t("certificates.import_title"), run: () => (importing.value = true), need: "editor" }]);
	const closed = () => (importing.value = null);
	return (
		<div class={cert ? "with-panel" : undefined}>
			<div class="stack">
				<Uncovered list={uncovered.data.value?.uncovered ?? []} />
				<ConsoleCertificate />
				<Table<Cert>
					name="certificates" caption={t("certificates.tab_certificates")} source={source} sort="left"
					columns={[
						{ id: "name", head: t("admin.name"), by: (c) => c.name, cell: (c) => <a href={`/certificates/${encodeURIComponent(c.name)}`}>{c.name}</a> },
						{ id: "state", head: t("certificates.state"), by: (c) => c.state, wrap: true, cell: (c) => <CertState cert={c} /> },
						{ id: "left", head: t("certificates.left"), num: true, by: (c) => { const d = daysLeft(c); return Number.isNaN(d) ? -1e6 : d; }, cell: (c) => <Left cert={c} /> },
						{ id: "names", head: t("certificates.names"), wrap: true, by: (c) => c.names.join(" "), cell: (c) => <Names names={c.names} /> },
						{ id: "source", head: t("certificates.source"), by: (c) => t(`certificates.source.${c.source}`), cell: (c) => t(`certificates.source.${c.source}`) },
						{ id: "key", head: t("certificates.key"), by: (c) => c.key ?? "", cell: (c) => c.key ?? "–" },
						{ id: "issuer", head: t("certificates.issuer"), hidden: true, wrap: true, by: (c) => c.issuer ?? "", cell: (c) => c.issuer ?? "–" },
						{ id: "chain", head: t("certificates.chain"), num: true, hidden: true, by: (c) => c.chain?.length ?? 0, cell: (c) => (c.not_after ? 1 + (c.chain?.length ?? 0) : "–") },
						{ id: "used", head: t("certificates.used_by"), wrap: true, by: (c) => c.used_by.join(" "), cell: (c) => <UserLinks paths={c.used_by} /> },
					]}
					edge={(c) => (needsCare(c) ? (stateOf(c.state) === "up" ? "degraded" : stateOf(c.state)) : undefined)} problem={needsCare}
					open={(_, key) => setQuery({ certificate: key === chosen ? "" : key })} opened={chosen}
					actions={(c) => (
						<Menu icon="more" kind="quiet" small label={t("certificates.actions", { name: c.name })} items={[
							{ text: t("certificates.details"), href: `/certificates/${encodeURIComponent(c.name)}`, icon: "eye" },
							{ text: t("certificates.replace"), icon: "upload", need: "editor", onClick: () => (importing.value = c.name), ...(c.source === "imported" ? {} : { why: t("certificates.replace_why") }) },
							{ text: t("certificates.renew"), icon: "refresh", need: "editor", onClick: () => void renew(c), ...(c.source === "imported" ? { why: t("certificates.renew_why") } : {}) },
							{ text: t("certificates.request_successor"), icon: "key", need: "editor", href: successor(c), ...(c.not_after && c.source === "imported" ? {} : { why: c.not_after ? t("certificates.replace_why") : t("certificates.nothing_yet") }) },
							{ text: t("certificates.download"), icon: "download", onClick: () => void saveChain(c.name), ...(c.not_after ? {} : { why: t("certificates.nothing_yet") }) },
							"line",
							{ text: t("certificates.remove"), icon: "trash", need: "editor", onClick: () => void remove(c), ...(removal(c) ? { why: removal(c) } : {}) },
						]} />
					)}
					tools={<>
						<Button icon="plus" need="editor" onClick={() => (creating.value = true)}>{t("certificates.define")}</Button>
						<Button kind="primary" icon="upload" need="editor" onClick={() => (importing.value = true)}>{t("certificates.import")}</Button>
					</>}
					empty={{ title: t("certificates.empty"), text: t("certificates.empty_text"), actions: <Button kind="primary" icon="upload" need="editor" onClick={() => (importing.value = true)}>{t("certificates.import")}</Button> }}
				/>
			</div>
			{cert && <Side cert={cert} onReplace={() => (importing.value = cert.name)} />}
			{importing.value && <ImportDialog {...(importing.value === true ? {} : { name: importing.value })} onClose={closed} onDone={uncovered.again} />}
			{creating.value && (
				<Dialog form title={t("certificates.define")} onClose={() => (creating.value = false)}>
					<p>{t("certificates.define_text")}</p>
					<BlockForm block="certificate" first={["source", "names", "acme", "description"]} onDone={() => (creating.value = false)} onCancel={() => (creating.value = false)} />
				</Dialog>
			)}
		</div>
	);
}

function Names({ names }: { names: readonly string[] }) {
	if (names.length === 0) return <>–</>;
	const rest = names.length - 3;
	return <span class="tags" title={names.join("\n")}>{names.slice(0, 3).map((n) => <span class="tag" key={n}>{n}</span>)}{rest > 0 && <span class="muted">{t("certificates.and_more", { n: rest })}</span>}</span>;
}

function Side({ cert: c, onReplace }: { cert: Cert; onReplace: () => void }) {
	return (
		<Panel name={c.name} onClose={() => setQuery({ certificate: "" })}>
			{c.lacks && <Notice kind="error">{say(c, "lacks")}</Notice>}
			<Found cert={c} />
			<CertFacts cert={c} />
			{c.acme && <Acme acme={c.acme} />}
			<div class="form"><div class="actions"><Buttons c={c} onReplace={onReplace} again={() => {}} /><Button href={`/certificates/${encodeURIComponent(c.name)}`}>{t("certificates.details")}</Button></div></div>
		</Panel>
	);
}

// Uncovered lists hosts of rules for which browsers would warn.
function Uncovered({ list }: { list: readonly api.UncoveredHost[] }) {
	if (list.length === 0) return null;
	return (
		<Notice kind="warning">
			<strong>{t("certificates.uncovered", { n: list.length })}</strong>
			<ul>
				{list.slice(0, 8).map((u) => (
					<li key={`${u.cluster}/${u.rule}/${u.host}`}><code>{u.host}</code>{" "}<a href={href(`/clusters/${encodeURIComponent(u.cluster)}`, { tab: "rules" })}>{t("certificates.uncovered_in", { cluster: u.cluster, rule: u.rule })}</a>{" "}<span class="muted">{t("certificates.uncovered_has", { list: comma(u.certificates) })}</span></li>
				))}
				{list.length > 8 && <li>{t("certificates.and_more", { n: list.length - 8 })}</li>}
			</ul>
		</Notice>
	);
}

// ConsoleCertificate shows the one of the console itself.
function ConsoleCertificate() {
	const info = useCall("console.show", {});
	const c = info.data.value;
	if (!c) return null;
	const days = isTime(c.until) ? daysLeft({ not_after: c.until }) : Number.NaN;
	return (
		<section class="card">
			<header><h2>{t("certificates.console")}</h2><div class="actions"><Button small href="/system?tab=console">{t("certificates.console_change")}</Button></div></header>
			<div class="body">
				<Facts list={[
					[t("certificates.console_which"), c.certificate ? <a key="a" href={`/certificates/${encodeURIComponent(c.certificate)}`}>{c.certificate}</a> : t("certificates.console_own")],
					isTime(c.until) && [t("certificates.left"), <span key="l"><Status word={days < 0 ? "expired" : "valid"}><Left cert={{ not_after: c.until } as Cert} /> · {momentOf(c.until)}</Status></span>],
					Boolean(c.fingerprint) && [t("certificates.fingerprint"), <Copyable key="f" value={print(c.fingerprint)} label={t("certificates.fingerprint")} />],
				]} />
				{!c.certificate && hello.value && <p class="small muted">{t("certificates.console_self")}</p>}
			</div>
		</section>
	);
}

function TrustList() {
	const list = useCall("trust.list", {});
	const source = useList(list.data.value?.trusts, (x) => x.name, list.error.value);
	const importing = useSignal<string | true | null>(null);
	const drop = async (x: api.Trust) => {
		const done = await ask({
			title: t("certificates.trust_remove_title", { name: x.name }), danger: true, need: "editor", act: t("certificates.trust_remove_act"), text: <p>{t("certificates.trust_remove_text", { cas: x.cas.length, crls: x.crls.length })}</p>,
			run: () => mutate("trust.remove", { name: x.name }),
		});
		if (done) {
			toast(t("certificates.removed", { name: x.name }));
			list.again();
		}
	};
	const soon = (x: api.Trust) => x.crls.some((l) => isTime(l.next) && daysLeft({ not_after: l.next }) < 0) || x.cas.some((i) => daysLeft(i) < 0) || Boolean(x.lacks);
	return (
		<>
			<p class="muted">{t("certificates.trust_about")}</p>
			<Table<api.Trust>
				name="trusts" query="trust" caption={t("certificates.tab_trust")} source={source} retry={list.again}
				columns={[
					{ id: "name", head: t("admin.name"), by: (x) => x.name, cell: (x) => <span title={x.description}>{x.name}</span> },
					{ id: "state", head: t("certificates.state"), by: (x) => (x.lacks ? 2 : soon(x) ? 1 : 0), cell: (x) => <Status word={x.lacks ? "missing" : soon(x) ? "expired" : "valid"}>{say(x, "lacks")}</Status> },
					{ id: "cas", head: t("certificates.cas"), wrap: true, by: (x) => x.cas.map((i) => i.subject).join(" "), cell: (x) => <Entries list={x.cas.map((i) => ({ name: i.subject, note: t("certificates.until", { time: momentOf(i.not_after) }) }))} /> },
					{ id: "crls", head: t("certificates.crls"), wrap: true, by: (x) => x.crls.length, cell: (x) => <Entries list={x.crls.map((l) => ({ name: l.issuer, note: t("certificates.crl_note", { n: l.entries, time: momentOf(l.next) }) }))} /> },
					{ id: "used", head: t("certificates.used_by"), wrap: true, by: (x) => x.used_by.join(" "), cell: (x) => <UserLinks paths={x.used_by} /> },
				]}
				problem={soon} edge={(x) => (x.lacks ? "down" : soon(x) ? "degraded" : undefined)}
				actions={(x) => (
					<Menu icon="more" kind="quiet" small label={t("certificates.actions", { name: x.name })} items={[
						{ text: t("certificates.replace"), icon: "upload", need: "editor", onClick: () => (importing.value = x.name) },
						{ text: t("certificates.remove"), icon: "trash", need: "editor", onClick: () => void drop(x), ...(x.used_by.length ? { why: t("certificates.remove_used", { users: users(x.used_by) }) } : {}) },
					]} />
				)}
				tools={<Button kind="primary" icon="upload" need="editor" onClick={() => (importing.value = true)}>{t("certificates.trust_import")}</Button>}
				empty={{ title: t("certificates.trust_empty"), text: t("certificates.trust_empty_text"), actions: <Button kind="primary" icon="upload" need="editor" onClick={() => (importing.value = true)}>{t("certificates.trust_import")}</Button> }}
			/>
			{importing.value && <TrustDialog {...(importing.value === true ? {} : { name: importing.value })} onClose={() => (importing.value = null)} onDone={list.again} />}
		</>
	);
}

function Entries({ list }: { list: readonly { name: string; note: string }[] }) {
	if (list.length === 0) return <>–</>;
	return <>{list.slice(0, 4).map((e) => <div key={e.name}>{e.name} <span class="small muted">{e.note}</span></div>)}{list.length > 4 && <div class="muted">{t("certificates.and_more", { n: list.length - 4 })}</div>}</>;
}

