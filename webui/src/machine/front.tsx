// SPDX-License-Identifier: Apache-2.0
//
// The front of the box as a picture: its sockets in their order, with link, speed
// and activity, and over them the bonds and VLANs that are made of them.
import { type api, colon, comma, has, Icon, t } from "../kit";
import { portState, speedText } from "./ports";

export type Link = { name: string; kind: "port" | "bond" | "vlan"; over?: string; vlan?: number; members?: readonly string[]; now?: api.NetworkLink | undefined };

type Column = { port: api.Port; bond: Link | undefined; first: boolean; last: boolean };

// columnsOf puts the bonds over their ports. A bond whose ports do not stand side by
// side is drawn over each of its runs.
export function columnsOf(ports: readonly api.Port[], links: readonly Link[]): Column[] {
	const bondOf = (name: string) => links.find((l) => l.kind === "bond" && l.members?.includes(name));
	return ports.map((port, i) => {
		const bond = bondOf(port.name);
		return { port, bond, first: !bond || bondOf(ports[i - 1]?.name ?? "") !== bond, last: !bond || bondOf(ports[i + 1]?.name ?? "") !== bond };
	});
}

const stateOf = (l: Link) => (!l.now ? "new" : l.now.problems.length > 0 ? "problem" : !l.now.enabled ? "off" : l.now.carrier ? "up" : "no-carrier");

const stateText = (l: Link) => (has(`network.state.${stateOf(l)}`) ? t(`network.state.${stateOf(l)}`) : stateOf(l));

function Chip({ l, pick }: { l: Link; pick: (l: Link) => void }) {
	return (
		<button type="button" class="front-chip" data-kind={l.kind} data-state={stateOf(l)} aria-label={t("network.chip", { name: l.name, state: stateText(l) })} title={colon(l.name, stateText(l))} onClick={() => pick(l)}>
			{l.kind === "vlan" ? `VLAN ${l.vlan}` : l.name}
		</button>
	);
}

export type FrontProps = { ports: readonly api.Port[]; links: readonly Link[]; busy: (port: string) => boolean; pick: (l: Link) => void };

export function Front({ ports, links, busy, pick }: FrontProps) {
	const vlansOn = (name: string) => links.filter((l) => l.kind === "vlan" && l.over === name);
	return (
		<div class="front" role="group" aria-label={t("network.front")}>
			<ul class="front-row">
				{columnsOf(ports, links).map(({ port: p, bond, first, last }) => (
					<li key={p.name} class="front-port" data-bonded={bond ? true : undefined} data-first={first || undefined} data-last={last || undefined}>
						<div class="front-over">
							{(bond ? (first ? vlansOn(bond.name) : []) : vlansOn(p.name)).map((v) => <Chip key={v.name} l={v} pick={pick} />)}
							{bond && <div class="front-bond">{first ? <Chip l={bond} pick={pick} /> : <span aria-hidden="true"> </span>}</div>}
						</div>
						<Socket p={p} busy={busy(p.name)} pick={() => pick(links.find((l) => l.name === p.name) ?? { name: p.name, kind: "port" })} />
					</li>
				))}
			</ul>
		</div>
	);
}

function Socket({ p, busy, pick }: { p: api.Port; busy: boolean; pick: () => void }) {
	const state = has(`ports.state.${p.state}`) ? t(`ports.state.${p.state}`) : p.state;
	const speed = p.carrier ? speedText(p) : "";
	return (
		<button type="button" class="socket" data-state={portState(p)} aria-label={t("network.socket", { name: p.name, state: comma([state, speed].filter((x) => x && x !== "–")) })} onClick={pick}>
			<svg viewBox="0 0 44 36" aria-hidden="true">
				<rect class="socket-case" x="1" y="1" width="42" height="34" rx="3" />
				<circle class="socket-link" cx="7" cy="7" r="3" />
				<circle class="socket-activity" data-busy={busy || undefined} cx="37" cy="7" r="3" />
				<path class="socket-hole" d="M8 31V17h6v-4h16v4h6v14z" />
				<path class="socket-pins" d="M14 31v-5M18 31v-5M22 31v-5M26 31v-5M30 31v-5" />
			</svg>
			<span class="socket-name">{p.name}{p.management && <Icon name="user" />}</span>
			<span class="socket-speed muted">{speed && speed !== "–" ? speed : state}</span>
		</button>
	);
}
