// SPDX-License-Identifier: Apache-2.0
//
// The timeline: what happened on all boxes, merged.
import { useEffect } from "preact/hooks";
import { type api, Notice, place, sayAll, semicolon, setQuery, StateIcon, stateOf, t, Table, useCall, useList } from "../kit";
import { eventText } from "../components/happened";
import { ObjectLink } from "../components/object";

// exact is a time with milliseconds: the order of what happened within a second matters here.
const exact = (time: string) => `${new Date(time).toISOString().replace("T", " ").slice(0, 23)} UTC`;

// Timeline asks again when a state changes, which stamp tells, and now and then.
export function Timeline({ groups, stamp }: { groups: readonly api.HAGroup[]; stamp: string }) {
	const group = place.value.query["group"] ?? "";
	const all = useCall("ha.timeline", { limit: 200, ...(group ? { group } : {}) });
	useEffect(() => all.again(), [stamp]);
	useEffect(() => {
		const timer = setInterval(() => { if (!document.hidden) all.again(); }, 10_000);
		return () => clearInterval(timer);
	}, []);
	const source = useList(all.data.value?.entries, (e) => `${e.node} ${e.id}`, all.error.value);
	return (
		<>
			{all.data.value && all.data.value.missing.length > 0 && <Notice kind="warning">{t("standby.missing", { list: semicolon(sayAll(all.data.value, "missing")) })}</Notice>}
			<Table<api.HAEntry>
				name="timeline" query="timeline" caption={t("standby.tab_timeline")} source={source} retry={all.again} sort="-time"
				columns={[
					{ id: "time", head: t("standby.time"), by: (e) => e.time, cell: (e) => <time dateTime={e.time} class="tnum nowrap">{exact(e.time)}</time> },
					{ id: "node", head: t("standby.box"), by: (e) => e.node, cell: (e) => e.node },
					{ id: "what", head: t("standby.what"), wrap: true, by: (e) => eventText(e as Parameters<typeof eventText>[0]), cell: (e) => <span class="status"><StateIcon state={stateOf(e.severity)} label={t(`common.state.${e.severity === "info" ? "info" : e.severity === "error" ? "error" : "warning"}`)} /><span>{eventText(e as Parameters<typeof eventText>[0])}</span></span> },
					{ id: "object", head: t("standby.object"), by: (e) => e.object ?? "", cell: (e) => (e.object ? <ObjectLink path={e.object} /> : "–") },
				]}
				tools={groups.length > 1 && (
					<select class="input" aria-label={t("standby.of_group")} value={group} onChange={(e) => setQuery({ group: e.currentTarget.value })}>
						<option value="">{t("standby.all_groups")}</option>
						{groups.map((g) => <option key={g.name} value={g.name}>{g.name}</option>)}
					</select>
				)}
				empty={{ title: t("standby.no_timeline") }}
			/>
		</>
	);
}
