// SPDX-License-Identifier: Apache-2.0
//
// How certificates are shown and what can be done with them.
import { type api, ask, boxNow, Button, call, comma, Facts, format, href, lang, mutate, Notice, say, sayAll, stateOf, Status, t, Time, toast, toastError } from "../kit";
import { needsCare } from "../components/care";
import { typeName } from "../components/changes";
import { at, edit } from "../draft/draft";
import { Copyable, download, isTime, momentOf, print } from "./parts";

export type Cert = api.Certificate;

// daysLeft is negative once a certificate has expired, NaN where there is none.
export const daysLeft = (c: Pick<Cert, "not_after">) => (isTime(c.not_after) ? (Date.parse(c.not_after) - boxNow()) / 86_400_000 : Number.NaN);

// careReason says in a line why a certificate needs care, "" where its state says
// it all.
export const careReason = (c: Cert) => say(c, "lacks") || sayAll(c, "warnings")[0] || (c.acme?.state === "failed" ? t("certificates.acme_failed", { n: c.acme.failures }) : "");

// CertState shows the state of a certificate; a valid one that needs care does
// not look well.
export function CertState({ cert: c }: { cert: Cert }) {
	const state = stateOf(c.state);
	return <Status word={c.state} state={state === "up" && needsCare(c) ? "degraded" : state}>{careReason(c)}</Status>;
}

// Left shows the days that are left; they are whole, so that nothing jumps.
export function Left({ cert }: { cert: Cert }) {
	const d = daysLeft(cert);
	if (Number.isNaN(d)) return <>–</>;
	const n = Math.floor(Math.abs(d));
	return <time dateTime={cert.not_after} title={momentOf(cert.not_after)} class="tnum nowrap">{d < 0 ? t("certificates.days_ago", { n }) : d < 1 ? t("certificates.hours_left", { n: Math.max(0, Math.floor(d * 24)) }) : t("certificates.days_left", { n })}</time>;
}

// userOf reads how the box names a user: cluster "shop".
export function userOf(text: string): { name: string; href: string } {
	const [, kind = text, name = ""] = /^(\w+)[ /]"?([^"]*)"?/.exec(text) ?? [];
	const at = encodeURIComponent(name);
	const hrefs: Record<string, string> = { cluster: `/clusters/${at}`, pool: `/pools/${at}`, console: "/system?tab=console", acme: "/certificates" };
	const word = lang.value === "en" ? kind : typeName(kind);
	return { name: name ? `${word} ${name}` : word, href: hrefs[kind] ?? "/system/alerts?tab=channels" };
}

// users names them in a sentence.
export const users = (paths: readonly string[]) => comma(paths.map((p) => userOf(p).name));

export function UserLinks({ paths }: { paths: readonly string[] }) {
	if (paths.length === 0) return <span class="muted">{t("certificates.unused")}</span>;
	return <span class="tags">{paths.map((p) => <a key={p} class="tag" href={userOf(p).href}>{userOf(p).name}</a>)}</span>;
}

// Found shows what is wrong with a certificate, and what is good to know.
export function Found({ cert: c }: { cert: Cert }) {
	const warnings = sayAll(c, "warnings");
	return (
		<>
			{warnings.length > 0 && <Notice kind="warning"><strong>{t("certificates.chain_problems", { n: warnings.length })}</strong><ul>{warnings.map((w) => <li key={w}>{w}</li>)}</ul></Notice>}
			{warnings.length === 0 && c.not_after && <Notice kind="ok">{t("certificates.chain_ok")}</Notice>}
			{(c.notes ?? []).length > 0 && <Notice><ul>{sayAll(c, "notes").map((w) => <li key={w}>{w}</li>)}</ul></Notice>}
		</>
	);
}

export function CertFacts({ cert: c }: { cert: Cert }) {
	return (
		<Facts list={[
			[t("certificates.names"), c.names.length ? <span class="tags">{c.names.map((n) => <span class="tag" key={n} title={n}>{n}</span>)}</span> : "–"],
			[t("certificates.left"), <Status key="l" word={c.state}>{isTime(c.not_after) && <Left cert={c} />}</Status>],
			isTime(c.not_before) && [t("certificates.valid_from"), momentOf(c.not_before)],
			isTime(c.not_after) && [t("certificates.valid_to"), momentOf(c.not_after)],
			[t("certificates.key"), c.key ?? "–"],
			Boolean(c.subject) && [t("certificates.subject"), c.subject],
			Boolean(c.issuer) && [t("certificates.issuer"), c.issuer],
			Boolean(c.serial) && [t("certificates.serial"), <code key="s">{c.serial}</code>],
			Boolean(c.fingerprint) && [t("certificates.fingerprint"), <Copyable key="f" value={print(c.fingerprint)} label={t("certificates.fingerprint")} />],
			[t("certificates.source"), t(`certificates.source.${c.source}`)],
			[t("certificates.used_by"), <UserLinks key="u" paths={c.used_by} />],
		]} />
	);
}

// Chain draws what clients are sent, the certificate itself first.
export function Chain({ cert: c }: { cert: Cert }) {
	return (
		<ol class="chain">
			<li><Status word={c.state} /><div><p><strong>{c.subject ?? c.name}</strong></p><p class="small muted">{t("certificates.until", { time: momentOf(c.not_after) })}</p></div></li>
			{(c.chain ?? []).map((i) => {
				const over = Date.parse(i.not_after) < boxNow();
				return <li key={i.subject}><Status word={over ? "expired" : "valid"} /><div><p>{i.subject}</p><p class="small muted">{t("certificates.until", { time: momentOf(i.not_after) })}</p></div></li>;
			})}
		</ol>
	);
}

export function Acme({ acme: a }: { acme: api.ACMEProgress }) {
	return (
		<>
			{a.last_error && <Notice kind="error"><strong>{t("certificates.acme_failed", { n: a.failures })}</strong><p>{say(a, "last_error")}</p></Notice>}
			<Facts list={[
				[t("certificates.acme_state"), <Status key="s" word={t(`certificates.acme.${a.state}`)} state={a.state === "failed" ? "down" : a.state === "issued" ? "up" : "unknown"} />],
				[t("certificates.acme_next"), <Time key="n" at={a.next} />],
				isTime(a.last_try) && [t("certificates.acme_last"), <Time key="l" at={a.last_try} />],
			]} />
		</>
	);
}

// successor is where a request for the next one with the same names is made.
export const successor = (c: Cert) => href("/certificates", { tab: "requests", like: c.name });

export async function saveChain(name: string): Promise<void> {
	try {
		download(`${name}.pem`, (await call("certificate.chain", { name })).pem, "application/x-pem-file");
	} catch (err) {
		toastError(err);
	}
}

export function renew(c: Cert): Promise<boolean> {
	const own = c.source === "self_signed";
	return ask({
		title: t("certificates.renew_title", { name: c.name }), act: t("certificates.renew_act"), need: "editor",
		text: <><p>{own ? t("certificates.renew_self") : t("certificates.renew_acme")}</p>{c.used_by.length > 0 && <p>{t("certificates.effect_now", { n: c.used_by.length, users: users(c.used_by) })}</p>}</>,
		run: async () => { await mutate("certificate.renew", { name: c.name }); toast(t("certificates.renewed", { name: c.name })); },
	});
}

// removal says why an imported certificate cannot be removed, "" if it can.
export const removal = (c: Cert) => (c.source !== "imported" ? t("certificates.remove_not_imported") : c.used_by.length ? t("certificates.remove_used", { users: users(c.used_by) }) : "");

export function remove(c: Cert): Promise<boolean> {
	return ask({
		title: t("certificates.remove_title", { name: c.name }), danger: true, act: t("certificates.remove_act"), need: "editor",
		text: <p>{t("certificates.remove_text", { until: isTime(c.not_after) ? format.day(Date.parse(c.not_after)) : "–" })}</p>,
		run: async () => { await mutate("certificate.remove", { name: c.name }); toast(t("certificates.removed", { name: c.name })); },
	});
}

// assign writes into the candidate which clusters show the certificate.
export async function assign(name: string, wanted: ReadonlySet<string>, now: ReadonlyMap<string, readonly string[]>, blocks: readonly string[], where: { base: number; version?: string | undefined }): Promise<api.Draft> {
	const edits: api.EditOp[] = [];
	if (!blocks.includes(`certificate/${name}`)) edits.push({ op: "insert", text: `certificate ${JSON.stringify(name)} {}\n` });
	for (const [cluster, list] of now) {
		if (wanted.has(cluster) === list.includes(name)) continue;
		const next = wanted.has(cluster) ? [...list, name] : list.filter((x) => x !== name);
		const path = `cluster/${cluster}/tls`;
		if ((await call("config.object", { path: `cluster/${cluster}` })).blocks.includes(path)) edits.push({ op: "patch", path, ...(next.length ? { set: { certificates: next } } : { unset: ["certificates"] }) });
		else edits.push({ op: "insert", path: `cluster/${cluster}`, text: `tls {\n  certificates = ${JSON.stringify(next)}\n}\n` });
	}
	return edit(at(where), edits);
}

export function Buttons({ c, onReplace, again }: { c: Cert; onReplace: () => void; again: () => void }) {
	const done = async (p: Promise<boolean>) => { if (await p) again(); };
	return (
		<>
			{c.source === "imported" ? <Button icon="upload" need="editor" onClick={onReplace}>{t("certificates.replace")}</Button> : <Button icon="refresh" need="editor" onClick={() => done(renew(c))}>{t("certificates.renew")}</Button>}
			<Button icon="download" why={c.not_after ? undefined : t("certificates.nothing_yet")} onClick={() => saveChain(c.name)}>{t("certificates.download")}</Button>
		</>
	);
}
