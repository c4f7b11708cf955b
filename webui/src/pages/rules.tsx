// SPDX-License-Identifier: Apache-2.0
//
// All rules of all clusters, to find one, those that nothing reaches and those
// that nobody uses. They are changed in their cluster.
import { useComputed } from "@preact/signals";
import { Ago, type api, Button, Count, format, href, Live, Num, Page, type PageProps, say, Status, t, Table, useTopic } from "../kit";
import { ofRule, useConfig, useProblems } from "../draft/draft";
import { useRates } from "../traffic/rates";
import { Target } from "../traffic/rulelist";

export default function Rules(_: PageProps) {
	const live = useTopic("state.rules");
	const { config } = useConfig("running");
	const problems = useProblems(config);
	const rates = useRates(live, (r) => r.hits);
	const found = useComputed(() => problems.value);
	const bad = (r: api.Rule) => ofRule(found.value, r.cluster, r.name);
	const to = (r: api.Rule) => href(`/clusters/${encodeURIComponent(r.cluster)}`, { tab: "rules" });
	return (
		<Page name={t("rules.title")} actions={<Button icon="tester" href="/tester">{t("rules.try")}</Button>}>
			<p class="muted">{t("rules.all_text")}</p>
			<Table<api.Rule>
				name="rules" caption={t("rules.title")} source={live} sort="cluster"
				columns={[
					{ id: "cluster", head: t("rules.cluster"), by: (r) => `${r.cluster} ${String(r.position).padStart(6, "0")}`, cell: (r) => <a href={`/clusters/${encodeURIComponent(r.cluster)}`}>{r.cluster}</a> },
					{ id: "rule", head: t("rules.rule"), by: (r) => r.name, cell: (r) => <a href={to(r)}>{r.name}</a> },
					{
						id: "state", head: t("rules.state"), by: (r) => `${r.disabled ? "2" : bad(r).length > 0 ? "0" : "1"}${bad(r).map((p) => p.message).join()}`, wrap: true,
						cell: (r) => (r.disabled ? <Status word="disabled" /> : bad(r).length > 0 ? <Status word="warning">{say(bad(r)[0]!, "message")}</Status> : <Status word="active" />),
					},
					{ id: "when", head: t("rules.expression"), wrap: true, by: (r) => r.when, cell: (r) => <code class="when">{r.when}</code> },
					{ id: "target", head: t("rules.target"), by: (r) => r.pool || r.responder || "", cell: (r) => <Target rule={r} /> },
					{ id: "hits", head: t("rules.hits"), num: true, by: (r) => r.hits, cell: (r) => <Count of={r.hits} /> },
					{ id: "rate", head: t("rules.rate"), num: true, by: (r) => rates.peek().get(`${r.cluster}/${r.name}`) ?? 0, cell: (r) => <Live of={rates} show={(m) => <Num q={format.rate(m.get(`${r.cluster}/${r.name}`))} />} /> },
					{ id: "last", head: t("rules.last_hit"), by: (r) => r.last_hit ?? "", cell: (r) => <Ago at={r.last_hit} /> },
				]}
				edge={(r) => (r.disabled ? "disabled" : bad(r).length > 0 ? "degraded" : undefined)}
				problem={(r) => bad(r).length > 0}
				empty={{ title: t("rules.empty_all"), text: t("rules.empty_text"), actions: <Button href="/clusters">{t("rules.to_clusters")}</Button> }}
			/>
		</Page>
	);
}
