// SPDX-License-Identifier: Apache-2.0
//
// The set-up wizard: the console's name and certificate, a first cluster with
// its servers, and the commit. It edits the candidate and nothing else.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type api, Button, call, Card, CheckField, Choice, comma, ErrorNotice, format, go, hello, Latency, may, mutate, needs, Notice, Page, say, SelectField, Skeleton, Status, t, TextField, toast, tx, useCall } from "../kit";
import { Changes, confirmRange, ConfirmChoice, NewText, pathText, Problems, Warnings } from "../components/changes";
import { moveOf, setMove } from "../moved";
import { blocksOf, clusterEdits, consoleEdits, defaultPort, edits, fresh, listening, named, nameOK, overlap, type Plan, probesOf, readPlan, removals, serverName, taken, type Template, trialText, withPort, writePlan } from "../plan";
import { routes } from "../routes";

const steps = ["start", "console", "cluster", "servers", "review"] as const;

export default function Wizard() {
	const user = hello.value?.session?.user ?? "";
	const plan = useSignal<Plan>(useMemo(() => readPlan(user), [user]));
	const change = (p: Partial<Plan>) => {
		plan.value = { ...plan.peek(), ...p };
		writePlan(user, plan.peek());
	};
	const at = Math.min(Math.max(plan.value.step, 0), steps.length - 1);
	const name = steps[at]!;
	const step = (to: number) => change({ step: to });
	const body = useRef<HTMLDivElement>(null);
	const before = useRef(name);
	// Each step is drawn anew: the focus goes into it when it is there.
	useEffect(() => {
		if (before.current === name) return;
		before.current = name;
		scrollTo(0, 0);
		body.current?.focus();
	}, [name]);
	if (!may("editor")) return <Page name={t("wizard.title")}><Notice>{needs("editor")}</Notice></Page>;
	return (
		<Page name={t("wizard.title")} actions={<Button onClick={() => { toast(t("wizard.left")); go("/"); }}>{t("wizard.leave")}</Button>}>
			<ol class="wizard-steps" aria-label={t("wizard.steps")}>
				{steps.map((s, i) => (
					<li key={s} aria-current={i === at ? "step" : undefined} data-done={i < at || undefined}>
						{i < at ? <button type="button" onClick={() => step(i)}>{t(`wizard.step_${s}`)}</button> : <span>{t(`wizard.step_${s}`)}</span>}
					</li>
				))}
			</ol>
			<div class="wizard" id="wizard-step" tabIndex={-1} ref={body} key={name}>
				{name === "start" && <Start begin={(have) => change({ ...named(plan.peek(), have), step: 1 })} />}
				{name === "console" && <ConsoleStep plan={plan} change={change} back={() => step(0)} next={() => step(2)} />}
				{name === "cluster" && <ClusterStep plan={plan} change={change} back={() => step(1)} next={() => step(3)} />}
				{name === "servers" && <ServersStep plan={plan} change={change} back={() => step(2)} next={() => step(4)} />}
				{name === "review" && <ReviewStep plan={plan} change={change} back={() => step(3)} done={() => { writePlan(user, null); plan.value = { ...fresh(), step: at }; }} />}
			</div>
		</Page>
	);
}

type StepProps = { plan: Signal<Plan>; change: (p: Partial<Plan>) => void; back: () => void; next: () => void };

// Foot has the buttons of a step; without next it submits the form around it.
function Foot({ back, next, act, why }: { back?: () => void; next?: () => unknown; act?: string; why?: string | undefined }) {
	return (
		<div class="wizard-foot">
			{back && <Button onClick={back}>{t("wizard.back")}</Button>}
			<Button kind="primary" type={next ? "button" : "submit"} why={why} onClick={next}>{act ?? t("wizard.next")}</Button>
		</div>
	);
}

function Start({ begin }: { begin: (have: readonly string[]) => void }) {
	const h = hello.value;
	const have = useCall("config.object", { path: "" }).data.value?.blocks ?? [];
	const clusters = have.filter((b) => b.startsWith("cluster/")).length;
	return (
		<Card name={t("wizard.start_title")}>
			<div class="stack">
				{clusters > 0 && <Notice>{t("wizard.start_more", { n: clusters })}</Notice>}
				<p>{t("wizard.start_text")}</p>
				<ul class="plain-list">
					<li>{t("wizard.start_console")}</li>
					<li>{t("wizard.start_cluster")}</li>
					<li>{t("wizard.start_commit")}</li>
				</ul>
				{h?.fingerprint && <p class="muted">{tx("wizard.fingerprint", { print: <code class="print">{h.fingerprint.toUpperCase().replace(/(..)(?=.)/g, "$1:")}</code> })}</p>}
				<p>{t("wizard.factor")} <a href="/account">{t("wizard.factor_link")}</a></p>
				<div class="wizard-foot">
					{routes.some((r) => r.page === "backup") && <Button href="/system/backup">{t("wizard.restore")}</Button>}
					<Button kind="primary" onClick={() => begin(have)}>{t("wizard.begin")}</Button>
				</div>
			</div>
		</Card>
	);
}

// useClash asks the box whether a block of the plan would listen where another one
// does. What it says holds for the words of was.
function useClash(block: string, was: string, ops: (have: readonly string[]) => api.EditOp[]) {
	const found = useSignal<{ was: string; why: string } | null>(null);
	const error = useSignal<unknown>(null);
	const free = async (): Promise<boolean> => {
		error.value = null;
		try {
			const root = await call("config.object", { path: "" });
			const edits = ops(root.blocks);
			const bad = edits.length > 0 ? overlap((await call("config.try", { ...(root.version ? { version: root.version } : { base: root.base }), edits })).problems, block) : undefined;
			found.value = bad ? { was, why: say(bad, "message") } : null;
			return !bad;
		} catch (err) {
			error.value = err;
			return false;
		}
	};
	return { why: found.value?.was === was ? found.value.why : undefined, error: error.value, free };
}

function ConsoleStep({ plan, change, back, next }: StepProps) {
	const p = plan.value;
	const now = useCall("console.show", {});
	const certificates = useCall("certificate.list", {});
	const tried = useSignal(false);
	const wrong = {
		origin: p.origin.trim() === "" || /^https:\/\/[^\s/]+$/.test(p.origin.trim()) ? undefined : t("wizard.origin_wrong"),
		listen: p.listen.trim() === "" || p.listen.split(/[\s,]+/).filter(Boolean).every(withPort) ? undefined : t("wizard.listen_wrong"),
	};
	const clash = useClash("console", p.listen, (have) => consoleEdits(p, have));
	const go = async () => {
		tried.value = true;
		if (!Object.values(wrong).some(Boolean) && await clash.free()) next();
	};
	return (
		<Card name={t("wizard.step_console")}>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void go(); }}>
				<p>{t("wizard.console_text")}</p>
				{now.error.value && <ErrorNotice error={now.error.value} retry={now.again} />}
				{now.data.value && <p class="muted">{tx("wizard.console_now", { urls: now.data.value.addresses.map((a) => <code key={a} class="val">{a}</code>) })}</p>}
				<TextField label={t("wizard.origin")} help={t("wizard.origin_help")} value={p.origin} onChange={(origin) => change({ origin })} placeholder={`https://${hello.value?.hostname || "lb"}`} mono error={tried.value ? wrong.origin : undefined} optional />
				<TextField label={t("wizard.listen")} help={t("wizard.listen_help")} value={p.listen} onChange={(listen) => change({ listen })} placeholder={now.data.value?.listening.join(", ") ?? ""} mono error={(tried.value ? wrong.listen : undefined) ?? clash.why} optional />
				<SelectField
					label={t("wizard.console_certificate")} help={t("wizard.certificate_help")} value={p.certificate} onChange={(certificate) => change({ certificate })}
					options={[{ value: "", text: t("wizard.certificate_own") }, ...(certificates.data.value?.certificates ?? []).map((c) => ({ value: c.name, text: certificateText(c) }))]}
				/>
				{clash.error !== null && <ErrorNotice error={clash.error} />}
				<Foot back={back} />
			</form>
		</Card>
	);
}

const certificateText = (c: api.Certificate) => `${c.name}${c.names.length > 0 ? ` (${c.names.slice(0, 2).join(", ")})` : ""}`;

function ClusterStep({ plan, change, back, next }: StepProps) {
	const p = plan.value;
	const certificates = useCall("certificate.list", {});
	const root = useCall("config.object", { path: "" });
	const tried = useSignal(false);
	const used = root.data.value ? taken(p, root.data.value.blocks).filter((b) => !b.startsWith("server/")) : [];
	const wrong = {
		name: !nameOK(p.name) ? t("wizard.name_wrong") : used.length > 0 ? t("wizard.name_taken", { name: p.name }) : undefined,
		address: withPort(listening(p.address, p.template)) ? undefined : defaultPort[p.template] ? t("wizard.address_wrong") : t("wizard.address_port_wrong"),
	};
	const clash = useClash(`cluster ${JSON.stringify(p.name)}`, `${p.template} ${p.name} ${p.address}`, (have) => [...removals(p, have), ...consoleEdits(p, have), ...clusterEdits(p)]);
	const go = async () => {
		tried.value = true;
		if (!Object.values(wrong).some(Boolean) && await clash.free()) next();
	};
	const pick = (template: Template) => change({ template, probe: probesOf[template].includes(p.probe) && p.probe !== "none" ? p.probe : probesOf[template][0]! });
	return (
		<Card name={t("wizard.step_cluster")}>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); void go(); }}>
				<p>{t("wizard.cluster_text")}</p>
				<fieldset class="templates">
					<legend>{t("wizard.template")}</legend>
					{(["http", "https", "tcp", "udp"] as const).map((x) => (
						<label key={x} class="template">
							<input type="radio" name="template" checked={p.template === x} onChange={() => pick(x)} />
							<span><strong>{t(`wizard.template_${x}`)}</strong><span class="help">{t(`wizard.template_${x}_help`)}</span></span>
						</label>
					))}
				</fieldset>
				<div class="pair">
					<TextField label={t("wizard.name")} help={t("wizard.name_help")} value={p.name} onChange={(name) => change({ name })} error={tried.value || used.length > 0 ? wrong.name : undefined} />
					<TextField label={t("wizard.address")} help={defaultPort[p.template] ? t("wizard.address_help", { port: defaultPort[p.template] }) : t("wizard.address_port_help")} value={p.address} onChange={(address) => change({ address })} placeholder={p.template === "tcp" ? "192.0.2.10:3306" : `192.0.2.10:${defaultPort[p.template]}`} mono onBlur={() => void (Object.values(wrong).some(Boolean) || clash.free())} error={(tried.value ? wrong.address : undefined) ?? clash.why} />
				</div>
				{p.template === "https" && (
					<SelectField
						label={t("wizard.certificates")} help={t("wizard.certificates_help")} value={p.certificates} onChange={(x) => change({ certificates: x })}
						options={[{ value: "", text: t("wizard.self_signed") }, ...(certificates.data.value?.certificates ?? []).map((c) => ({ value: c.name, text: certificateText(c) }))]}
					/>
				)}
				<CheckField label={t("wizard.sticky")} help={t(p.template === "tcp" || p.template === "udp" ? "wizard.sticky_source" : "wizard.sticky_cookie")} value={p.sticky} onChange={(sticky) => change({ sticky })} />
				{clash.error !== null && <ErrorNotice error={clash.error} />}
				<Foot back={back} />
			</form>
		</Card>
	);
}

type Tried = { busy: boolean; exchange?: api.Exchange; error?: unknown };

function ServersStep({ plan, change, back, next }: StepProps) {
	const p = plan.value;
	const root = useCall("config.object", { path: "" });
	const tried = useSignal(false);
	const results = useSignal<Record<string, Tried>>({});
	const used = root.data.value ? taken(p, root.data.value.blocks) : [];
	const set = (i: number, s: Partial<Plan["servers"][number]>) => {
		change({ servers: p.servers.map((x, j) => (i === j ? { ...x, ...s } : x)) });
		results.value = {};
	};
	const wrongName = (i: number) => {
		const n = p.servers[i]!.name;
		if (!nameOK(n)) return t("wizard.name_wrong");
		if (p.servers.some((s, j) => j !== i && s.name === n)) return t("wizard.name_twice");
		return used.includes(`server/${n}`) ? t("wizard.name_taken", { name: n }) : undefined;
	};
	const wrongAddress = (i: number) => (withPort(p.servers[i]!.address) ? undefined : t("wizard.server_wrong"));
	const bad = p.servers.length === 0 || p.servers.some((_, i) => wrongName(i) || wrongAddress(i)) || (p.probe === "http" && !p.path.startsWith("/"));
	const go = () => {
		tried.value = true;
		if (!bad) next();
	};
	const test = async () => {
		tried.value = true;
		if (bad || p.probe === "none") return;
		const now = plan.peek();
		results.value = Object.fromEntries(now.servers.map((s) => [s.name, { busy: true }]));
		await Promise.all(now.servers.map(async (s) => {
			let r: Tried;
			try {
				r = { busy: false, exchange: (await call("probe.try", { text: trialText(now), member: `${now.name}/${s.name}` })).exchanges[0]! };
			} catch (error) {
				r = { busy: false, error };
			}
			results.value = { ...results.peek(), [s.name]: r };
		}));
	};
	return (
		<Card name={t("wizard.step_servers")}>
			<form class="form" noValidate onSubmit={(e) => { e.preventDefault(); go(); }}>
				<p>{t("wizard.servers_text")}</p>
				<ul class="server-rows">
					{p.servers.map((s, i) => (
						<li key={i}>
							<TextField label={t("wizard.server_name")} value={s.name} onChange={(name) => set(i, { name })} error={tried.value || wrongName(i) === t("wizard.name_taken", { name: s.name }) ? wrongName(i) : undefined} />
							<TextField label={t("wizard.server_address")} value={s.address} onChange={(address) => set(i, { address })} placeholder="10.0.0.1:8080" mono error={tried.value ? wrongAddress(i) : undefined} />
							<Button kind="quiet" icon="trash" label={t("wizard.server_remove", { name: s.name })} why={p.servers.length === 1 ? t("wizard.server_last") : undefined} onClick={() => change({ servers: p.servers.filter((_, j) => j !== i) })} />
							<div class="result" aria-live="polite">{results.value[s.name] && <Outcome of={results.value[s.name]!} />}</div>
						</li>
					))}
				</ul>
				<div><Button icon="plus" onClick={() => change({ servers: [...p.servers, { name: serverName(p, root.data.peek()?.blocks ?? []), address: "" }] })}>{t("wizard.server_add")}</Button></div>
				<div class="pref">
					<span>{t("wizard.probe")}</span>
					<Choice label={t("wizard.probe")} value={p.probe} onChange={(probe) => { change({ probe }); results.value = {}; }} options={probesOf[p.template].map((x) => ({ value: x, text: t(`wizard.probe_${x}`) }))} />
				</div>
				{p.probe === "http" && <TextField label={t("wizard.path")} help={t("wizard.path_help")} value={p.path} onChange={(path) => { change({ path }); results.value = {}; }} mono error={tried.value && !p.path.startsWith("/") ? t("wizard.path_wrong") : undefined} />}
				{p.probe === "none" ? <Notice kind="warning">{t("wizard.probe_none_text")}</Notice> : <div><Button icon="probe" onClick={test}>{t("wizard.test")}</Button></div>}
				<Foot back={back} />
			</form>
		</Card>
	);
}

// Outcome is what the health check saw.
function Outcome({ of: r }: { of: Tried }) {
	if (r.busy) return <Status word="checking" />;
	if (!r.exchange) return <ErrorNotice error={r.error} />;
	const x = r.exchange;
	return (
		<div>
			<Status word={x.outcome === "good" ? "up" : "down"}>{say(x, "detail")} · <Latency of={format.parseDuration(x.took)} /></Status>
			{x.received && <details><summary>{t("wizard.received", { n: x.received_bytes })}</summary><pre class="block" tabIndex={0}>{x.received}</pre></details>}
		</div>
	);
}

function ReviewStep({ plan, change, back, done }: { plan: Signal<Plan>; change: (p: Partial<Plan>) => void; back: () => void; done: () => void }) {
	const ready = useSignal(false);
	const error = useSignal<unknown>(null);
	const finished = useSignal(false);
	const review = useCall("config.review", ready.value && !finished.value ? {} : null);
	const chosen = useSignal<{ on: boolean; seconds: number } | null>(null);
	const prepare = async () => {
		error.value = null;
		try {
			const p = plan.peek();
			// Where there is no draft yet, the root of what runs stands for it.
			const root = await call("config.object", { path: "" });
			const clash = taken(p, root.blocks);
			if (clash.length > 0) throw new Error(t("wizard.clash", { names: comma(clash.map(pathText)) }));
			await mutate("config.edit", { ...(root.version ? { version: root.version } : { base: root.base }), edits: edits(p, root.blocks) });
			change({ made: blocksOf(p) });
			ready.value = true;
		} catch (err) {
			error.value = err;
		}
	};
	useEffect(() => void prepare(), []);
	const r = review.data.value;
	const bad = r?.problems.filter((x) => !x.warning).length ?? 0;
	const on = chosen.value?.on ?? true;
	const seconds = chosen.value?.seconds ?? confirmRange.usual;
	const commit = async () => {
		error.value = null;
		try {
			const c = await mutate("config.commit", { version: r!.version, comment: t("wizard.comment"), ...(on ? { confirm_s: seconds } : {}) });
			finished.value = true;
			done();
			const m = moveOf(c);
			setMove(m);
			toast(`${t("wizard.done", { n: c.revision.number })}${c.pending ? ` ${t("wizard.done_pending")}` : ""}`);
			go(m ? "/changes/review" : "/");
		} catch (err) {
			error.value = err;
		}
	};
	const failed = error.value ?? review.error.value;
	return (
		<Card name={t("wizard.step_review")}>
			<div class="stack">
				{failed !== null && <ErrorNotice error={failed} retry={() => void prepare()} />}
				{!r && failed === null && <Skeleton rows={6} />}
				{r && (
					<>
						<p>{t("wizard.review_text")}</p>
						{r.base !== r.running && <Notice kind="warning" actions={<Button small href="/changes/review">{t("wizard.full_review")}</Button>}>{t("wizard.behind")}</Notice>}
						{r.problems.length > 0 && <Problems list={r.problems} at={(x) => `/changes/text?line=${x.line}&col=${x.col ?? 1}`} />}
						{r.warnings.length > 0 && <Warnings list={r.warnings} />}
						<Changes list={r.changes} more={(path) => <NewText path={path} />} />
						<ConfirmChoice advice={r.confirm} on={on} seconds={seconds} onChange={(o, s) => (chosen.value = { on: o, seconds: s })} />
					</>
				)}
				<Foot back={back} next={commit} act={on ? t("wizard.commit_confirm", { time: format.duration(seconds) }) : t("wizard.commit")} why={!r ? t("common.loading") : bad > 0 ? t("wizard.mistakes", { n: bad }) : r.base !== r.running ? t("wizard.behind") : undefined} />
			</div>
		</Card>
	);
}
