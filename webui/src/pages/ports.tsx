// SPDX-License-Identifier: Apache-2.0
//
// The network ports by their names on the front.
import { type api, type Column, Count, Page, type PageProps, t, Table, useTopic } from "../kit";
import { droppedOf, errorsOf, Identify, portState, PortStatus, Speed, speedText, useTraffic } from "../machine/ports";

export default function Ports(_: PageProps) {
	const source = useTopic("state.ports");
	const { rx, tx } = useTraffic(source);
	const columns: Column<api.Port>[] = [
		{ id: "name", head: t("ports.name"), by: (p) => p.position, cell: (p) => <a href={`/ports/${encodeURIComponent(p.name)}`}>{p.name}</a> },
		{ id: "state", head: t("ports.state"), by: (p) => p.state, cell: (p) => <PortStatus p={p} /> },
		{ id: "speed", head: t("ports.speed"), num: true, by: (p) => p.speed, cell: (p) => speedText(p) },
		{ id: "addresses", head: t("ports.addresses"), wrap: true, by: (p) => p.addresses.join(" "), cell: (p) => <span class="mono small">{p.addresses.join(" ") || "–"}</span> },
		{ id: "rx", head: t("ports.rx"), num: true, by: (p) => rx(p.name) ?? -1, cell: (p) => <Speed of={rx(p.name)} /> },
		{ id: "tx", head: t("ports.tx"), num: true, by: (p) => tx(p.name) ?? -1, cell: (p) => <Speed of={tx(p.name)} /> },
		{ id: "errors", head: t("ports.errors"), num: true, by: errorsOf, cell: (p) => <Count of={errorsOf(p)} /> },
		{ id: "dropped", head: t("ports.dropped"), num: true, by: droppedOf, cell: (p) => <Count of={droppedOf(p)} /> },
		{ id: "use", head: t("ports.use"), by: (p) => String(p.management), cell: (p) => (p.management ? <span class="tag">{t("ports.management")}</span> : "") },
		{ id: "interface", head: t("ports.interface"), by: (p) => p.interface, cell: (p) => <code>{p.interface || "–"}</code>, hidden: true },
		{ id: "mac", head: t("ports.mac"), by: (p) => p.mac, cell: (p) => <code>{p.mac || "–"}</code>, hidden: true },
		{ id: "driver", head: t("ports.driver"), by: (p) => p.driver, cell: (p) => p.driver || "–", hidden: true },
	];
	return (
		<Page name={t("ports.title")}>
			<Table<api.Port>
				name="ports" caption={t("ports.title")} source={source} columns={columns} sort="name"
				problem={(p) => Boolean(p.problem) || p.state === "missing"} edge={(p) => (p.problem ? "down" : portState(p) === "up" ? undefined : portState(p))}
				actions={(p) => <Identify p={p} small />}
				empty={{ title: t("ports.empty"), text: t("ports.empty_text") }}
			/>
		</Page>
	);
}
