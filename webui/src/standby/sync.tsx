// SPDX-License-Identifier: Apache-2.0
//
// What differs between this box's shared configuration and another's, object by
// object, and whose is to be kept.
import { useSignal } from "@preact/signals";
import { type api, Button, CheckField, Dialog, DiffView, Empty, ErrorNotice, mutate, Notice, RadioField, say, Skeleton, t, toast, useCall } from "../kit";
import { unified } from "../components/diff";

const keyOf = (o: api.HADifference) => (o.name ? `${o.block}/${o.name}` : o.block);

export function Differences({ peer, onClose }: { peer: string; onClose: () => void }) {
	const found = useCall("ha.sync.differences", { peer });
	const take = useSignal<"" | "mine" | "theirs">("");
	const left = useSignal<ReadonlySet<string>>(new Set()); // what is not to be taken
	const error = useSignal<unknown>(null);
	const d = found.data.value;
	const wanted = d ? d.objects.filter((o) => !left.value.has(keyOf(o))) : [];
	const why = !take.value ? t("standby.choose_side") : wanted.length === 0 ? t("standby.choose_object") : undefined;
	const run = async () => {
		error.value = null;
		const all = wanted.length === d!.objects.length;
		try {
			await mutate("ha.sync.resolve", { peer, take: take.peek(), ...(all ? {} : { objects: wanted.map((o) => ({ block: o.block, ...(o.name ? { name: o.name } : {}) })) }) });
			toast(t("standby.taken", { n: wanted.length }));
			take.value = "";
			found.again();
		} catch (err) {
			error.value = err;
		}
	};
	const toggle = (o: api.HADifference) => {
		const next = new Set(left.peek());
		if (!next.delete(keyOf(o))) next.add(keyOf(o));
		left.value = next;
	};
	return (
		<Dialog
			wide title={t("standby.differences", { name: peer })} onClose={onClose}
			footer={<><Button onClick={onClose}>{t("common.close")}</Button>{d && d.objects.length > 0 && <Button kind="primary" need="admin" why={why} onClick={run}>{t("standby.take_act", { n: wanted.length })}</Button>}</>}
		>
			{found.error.value ? <ErrorNotice error={found.error.value} retry={found.again} /> : !d ? <Skeleton rows={4} /> : d.objects.length === 0 ? <Empty title={t(`standby.differences_${d.state.replaceAll(" ", "_")}`)} text={say(d, "problem") || t("standby.no_differences")} /> : (
				<div class="stack">
					{d.problem && <Notice kind="error">{say(d, "problem")}</Notice>}
					<Notice kind={d.state === "conflict" ? "warning" : "info"}>{t(`standby.differences_${d.state.replaceAll(" ", "_")}`)}. {t("standby.signs", { name: peer })}</Notice>
					{d.objects.map((o) => (
						<section key={keyOf(o)} class="conflict">
							<CheckField label={<><strong>{keyOf(o)}</strong> <span class="muted">{o.who === "both" && !(o.mine && o.theirs) ? "" : t(`standby.who.${o.who}`, { name: peer })}</span></>} value={!left.value.has(keyOf(o))} onChange={() => toggle(o)} />
							{!o.mine && <p class="muted">{t("standby.not_here")}</p>}
							{!o.theirs && <p class="muted">{t("standby.not_there", { name: peer })}</p>}
							<DiffView label={keyOf(o)} text={unified(o.mine ?? "", o.theirs ?? "")} />
						</section>
					))}
					<RadioField<"" | "mine" | "theirs">
						label={t("standby.take")} value={take.value} onChange={(v) => (take.value = v)}
						options={[
							{ value: "mine", text: t("standby.take_mine"), help: t("standby.take_mine_help", { name: peer }) },
							{ value: "theirs", text: t("standby.take_theirs", { name: peer }), help: t("standby.take_theirs_help", { name: peer }) },
						]}
					/>
					{error.value !== null && <ErrorNotice error={error.value} />}
				</div>
			)}
		</Dialog>
	);
}
