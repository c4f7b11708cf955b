// SPDX-License-Identifier: Apache-2.0
//
// What happened to the versions of the box, and whose signatures count.
import { type api, Card, has, say, Status, t, Table, Time, useList, type State } from "../kit";

const icons: Record<string, State> = { good: "up", fell_back: "down", gave_up: "down", recovery: "down", refused: "down", started: "degraded", cancelled: "disabled", disarmed: "disabled" };

export function Journal({ list }: { list: readonly api.UpgradeEntry[] }) {
	const source = useList(list, (e) => `${e.time} ${e.event} ${e.slot} ${e.reason}`);
	const nth = new Map(list.map((e, i) => [e, list.length - i])); // the newest first; several happen in a second
	return (
		<Card name={t("updates.journal")} table>
			<Table<api.UpgradeEntry>
				key={source.keys.value.length} name="upgrades" caption={t("updates.journal")} source={source} sort="-time"
				columns={[
					{ id: "time", head: t("updates.time"), by: (e) => nth.get(e) ?? 0, cell: (e) => <Time at={e.time} /> },
					{ id: "event", head: t("updates.event"), by: (e) => e.event, cell: (e) => <Status word={has(`updates.event.${e.event}`) ? t(`updates.event.${e.event}`) : e.event} state={icons[e.event] ?? "info"} /> },
					{ id: "version", head: t("updates.version"), by: (e) => e.version, cell: (e) => e.version || "–" },
					{ id: "slot", head: t("updates.slot_column"), by: (e) => e.slot, cell: (e) => e.slot || "–" },
					{ id: "reason", head: t("updates.reason"), wrap: true, by: (e) => e.reason, cell: (e) => say(e, "reason") || "–" },
					{ id: "actor", head: t("updates.actor"), by: (e) => e.actor, cell: (e) => e.actor || t("updates.by_itself") },
				]}
				empty={{ title: t("updates.no_journal"), text: t("updates.no_journal_text") }}
			/>
		</Card>
	);
}

export function Keys({ list, index }: { list: readonly api.UpgradeKey[]; index: number }) {
	const source = useList(list, (k) => k.id);
	return (
		<Card name={t("updates.keys")} table>
			<Table<api.UpgradeKey>
				name="upgrade-keys" caption={t("updates.keys")} source={source} sort="id"
				columns={[
					{ id: "id", head: t("updates.key"), by: (k) => k.id, cell: (k) => <code>{k.id}</code> },
					{ id: "comment", head: t("updates.comment"), wrap: true, by: (k) => k.comment, cell: (k) => k.comment || "–" },
					{ id: "state", head: t("updates.key_state"), by: (k) => String(k.revoked), cell: (k) => <Status word={t(k.revoked ? "updates.revoked" : "updates.trusted")} state={k.revoked ? "disabled" : "up"} /> },
				]}
				tools={<span class="muted">{t("updates.index", { n: index })}</span>}
				empty={{ title: t("updates.no_keys"), text: t("updates.no_keys_text") }}
			/>
		</Card>
	);
}
