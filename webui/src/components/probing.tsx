// SPDX-License-Identifier: Apache-2.0
//
// "Test now": asks members at once, and shows what was sent and what came back.
// It changes no verdict.
import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type api, Button, call, CallError, Dialog, ErrorNotice, Facts, format, Latency, say, Skeleton, type State, Status, t, type CallError as Failure } from "../kit";

type Wanted = { members: readonly string[]; probe?: string };
const asked = signal<Wanted | null>(null);

// testNow asks members all their questions, or shows those of one probe.
export function testNow(w: Wanted): void {
	asked.value = w;
}

// Tests is where a page draws the dialog.
export function Tests() {
	const a = asked.value;
	return a && <TestDialog key={a.members.join()} wanted={a} onClose={() => (asked.value = null)} />;
}

type Outcome = { exchanges?: api.Exchange[]; error?: Failure };

const atOnce = 3;

export function TestDialog({ wanted, onClose }: { wanted: Wanted; onClose: () => void }) {
	const found = useSignal<Record<string, Outcome>>({});
	const turn = useSignal(0);
	useEffect(() => {
		const stop = new AbortController();
		found.value = {};
		const rest = [...wanted.members];
		const next = async (): Promise<void> => {
			const member = rest.shift();
			if (member === undefined || stop.signal.aborted) return;
			const got: Outcome = await call("probe.run", { member }, { signal: stop.signal }).then((r) => ({ exchanges: r.exchanges }), (error: Failure) => ({ error }));
			if (!stop.signal.aborted) found.value = { ...found.peek(), [member]: got };
			return next();
		};
		for (let i = 0; i < atOnce; i++) void next();
		return () => stop.abort();
	}, [turn.value]);
	const done = Object.keys(found.value).length;
	const n = wanted.members.length;
	const title = n === 1 ? t("members.test_title", { name: wanted.members[0]! }) : t("members.test_title_many", { n });
	return (
		<Dialog
			wide title={title} onClose={onClose}
			footer={<>
				<span class="muted grow" role="status">{done < n ? t("members.testing", { n: done, all: n }) : t("members.tested")}</span>
				<Button icon="refresh" why={done < n ? t("members.test_runs") : undefined} onClick={() => turn.value++}>{t("members.test_again")}</Button>
				<Button kind="primary" onClick={onClose}>{t("common.close")}</Button>
			</>}
		>
			{wanted.members.map((m) => <Tested key={m} member={m} named={n > 1} open={n <= 2} out={found.value[m]} probe={wanted.probe} />)}
		</Dialog>
	);
}

function Tested({ member, named, open, out, probe }: { member: string; named: boolean; open: boolean; out: Outcome | undefined; probe: string | undefined }) {
	const list = out?.exchanges?.filter((x) => probe === undefined || x.probe === probe);
	return (
		<section class="stack tight">
			{named && <h3>{member}</h3>}
			{!out && <Skeleton rows={2} />}
			{out?.error && <ErrorNotice error={out.error instanceof CallError ? out.error : String(out.error)} />}
			{list?.length === 0 && <p class="muted">{t("members.no_probes")}</p>}
			{list?.map((x, i) => <Exchange key={i} x={x} open={open} />)}
		</section>
	);
}

const outcomes: Record<string, State> = { good: "up", bad: "down", abstain: "unknown", unavailable: "down" };

// Exchange shows one question and its answer.
export function Exchange({ x, open }: { x: api.Exchange; open: boolean }) {
	return (
		<details class="exchange" open={open}>
			<summary><Status word={t(`members.outcome.${x.outcome}`)} state={outcomes[x.outcome] ?? "unknown"} /> <strong>{x.probe}</strong> <span class="detail">{say(x, "detail")}</span></summary>
			<Facts list={[
				[t("members.asked"), <code>{x.address}</code>],
				[t("members.times"), <>{t("members.connect")} <Took of={x.connect} /> · {t("members.first_byte")} <Took of={x.first_byte} /> · {t("members.whole")} <Took of={x.took} /></>],
				[t("members.would_say"), <Status word={x.verdict} />],
			]} />
			{x.notes && x.notes.length > 0 && <ol class="notes">{x.notes.map((n, i) => <li key={i}>{n}</li>)}</ol>}
			<div class="said">
				<Said title={t("members.sent", { n: x.sent_bytes })} text={x.sent} none={t("members.nothing_sent")} />
				<Said title={t("members.received", { n: x.received_bytes })} text={x.received} none={t("members.nothing_received")} />
			</div>
		</details>
	);
}

const Took = ({ of }: { of: string }) => <Latency of={format.parseDuration(of) || undefined} />;

function Said({ title, text, none }: { title: string; text: string | undefined; none: string }) {
	return <div><h4>{title}</h4>{text ? <pre tabIndex={0} aria-label={title}>{text}</pre> : <p class="muted">{none}</p>}</div>;
}
