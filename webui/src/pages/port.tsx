// SPDX-License-Identifier: Apache-2.0
//
// One network port.
import { type api, Button, Card, Count, Empty, ErrorNotice, Facts, format, Notice, Num, Page, type PageProps, say, Skeleton, t, Tile, useTopic } from "../kit";
import { errorsOf, Identify, PortStatus, Speed, speedText, useTraffic } from "../machine/ports";

export default function PortPage({ params }: PageProps) {
	const name = params["port"]!;
	const source = useTopic("state.ports");
	const { rx, tx } = useTraffic(source);
	const crumbs = [{ text: t("ports.title"), href: "/ports" }];
	const p = source.keys.value.includes(name) ? source.get(name)?.value : undefined;
	if (source.error.value) return <Page name={name} crumbs={crumbs}><ErrorNotice error={source.error.value} /></Page>;
	if (!p) return <Page name={name} crumbs={crumbs}>{source.loaded.value ? <Empty title={t("ports.none", { name })} text={t("ports.none_text")} actions={<Button href="/ports">{t("ports.all")}</Button>} /> : <Skeleton rows={8} />}</Page>;
	return (
		<Page name={t("ports.port", { name })} crumbs={crumbs} state={<><PortStatus p={p} />{p.management && <span class="tag">{t("ports.management")}</span>}</>} actions={<Identify p={p} />}>
			{p.problem && <Notice kind="error">{say(p, "problem")}</Notice>}
			<div class="tiles">
				<Tile label={t("ports.speed")} value={speedText(p)} note={p.duplex && t(p.duplex === "half" ? "ports.half" : "ports.full")} />
				<Tile label={t("ports.rx")} value={<Speed of={rx(p.name)} />} note={<Total of={p.counters.rx_bytes} />} />
				<Tile label={t("ports.tx")} value={<Speed of={tx(p.name)} />} note={<Total of={p.counters.tx_bytes} />} />
				<Tile label={t("ports.errors")} value={<Count of={errorsOf(p)} />} />
			</div>
			<div class="grid">
				<Link p={p} />
				<Counters c={p.counters} />
				{p.sfp && <Module m={p.sfp} />}
				<Offloads p={p} />
			</div>
		</Page>
	);
}

const Total = ({ of }: { of: number }) => <>{t("ports.total")} <Num q={format.bytes(of)} /></>;

function Link({ p }: { p: api.Port }) {
	return (
		<Card name={t("ports.link")}>
			<Facts list={[
				[t("ports.interface"), p.interface ? <code key="i">{p.interface}</code> : "–"],
				[t("ports.mac"), p.mac ? <code key="m">{p.mac}</code> : "–"],
				[t("ports.addresses"), p.addresses.length ? <span class="tags" key="a">{p.addresses.map((a) => <span class="tag" key={a}>{a}</span>)}</span> : t("ports.no_addresses")],
				[t("ports.mtu"), <Count key="u" of={p.mtu} />],
				[t("ports.driver"), p.driver || "–"],
				Boolean(p.pci) && [t("ports.pci"), <code key="p">{p.pci}</code>],
				p.rings.rx_max + p.rings.tx_max > 0 && [t("ports.rings"), t("ports.rings_of", { rx: p.rings.rx, rx_max: p.rings.rx_max, tx: p.rings.tx, tx_max: p.rings.tx_max })],
				p.bypass && [t("ports.bypass"), <a key="b" href="/hardware">{p.bypass.pair}</a>],
			]} />
		</Card>
	);
}

function Counters({ c }: { c: api.PortCounters }) {
	const own = Object.entries(c.driver).sort(([a], [b]) => (a < b ? -1 : 1));
	const rows = [["bytes", c.rx_bytes, c.tx_bytes], ["packets", c.rx_packets, c.tx_packets], ["errors", c.rx_errors, c.tx_errors], ["dropped", c.rx_dropped, c.tx_dropped]] as const;
	return (
		<Card name={t("ports.counters")}>
			<div class="stack">
				<div class="table-scroll" tabIndex={0} role="region" aria-label={t("ports.counters")}><table class="table">
					<caption class="visually-hidden">{t("ports.counters")}</caption>
					<thead><tr><th scope="col"><span class="visually-hidden">{t("ports.counter")}</span></th><th scope="col" class="num">{t("ports.rx")}</th><th scope="col" class="num">{t("ports.tx")}</th></tr></thead>
					<tbody>{rows.map(([k, r, s]) => <tr key={k}><th scope="row">{t(`ports.count.${k}`)}</th><td class="num">{k === "bytes" ? <Num q={format.bytes(r)} /> : <Count of={r} />}</td><td class="num">{k === "bytes" ? <Num q={format.bytes(s)} /> : <Count of={s} />}</td></tr>)}</tbody>
				</table></div>
				{own.length > 0 && (
					<details>
						<summary>{t("ports.driver_counters", { n: own.length })}</summary>
						<div class="counter-list" tabIndex={0} role="region" aria-label={t("ports.driver_counters", { n: own.length })}><Facts list={own.map(([k, n]) => [k, <Count key={k} of={n} />] as const)} /></div>
					</details>
				)}
			</div>
		</Card>
	);
}

// A null of the box is left out of what is merged into a topic's object.
const measured = (n: number | null | undefined, unit: string) => (n == null ? "–" : `${n} ${unit}`);

function Module({ m }: { m: api.PortSFP }) {
	return (
		<Card name={t("ports.sfp")}>
			<Facts list={[
				[t("ports.sfp_type"), m.type || "–"],
				[t("ports.sfp_vendor"), [m.vendor, m.part].filter(Boolean).join(" ") || "–"],
				[t("ports.sfp_serial"), m.serial ? <code key="s">{m.serial}</code> : "–"],
				m.wavelength > 0 && [t("ports.sfp_wavelength"), `${m.wavelength} nm`],
				[t("ports.sfp_temperature"), measured(m.temperature, "°C")],
				[t("ports.sfp_rx"), measured(m.rx_power_dbm, "dBm")],
				[t("ports.sfp_tx"), measured(m.tx_power_dbm, "dBm")],
			]} />
		</Card>
	);
}

function Offloads({ p }: { p: api.Port }) {
	const all = Object.entries(p.offloads).sort(([a], [b]) => (a < b ? -1 : 1));
	return (
		<Card name={t("ports.offloads")}>
			{all.length === 0 ? <p class="muted">{t("ports.no_offloads")}</p> : <Facts list={all.map(([k, on]) => [k, t(on ? "ports.on" : "ports.off")] as const)} />}
		</Card>
	);
}
