// SPDX-License-Identifier: Apache-2.0
//
// What the list of ports and the page of one port share.
import { type api, Button, format, has, mutate, Num, type Source, type State, Status, t, toastError } from "../kit";
import { useRates } from "../traffic/rates";

const states: Record<string, State> = { up: "up", "no-carrier": "degraded", down: "disabled", missing: "down" };

export const portState = (p: api.Port): State => states[p.state] ?? "unknown";

export function PortStatus({ p }: { p: api.Port }) {
	const word = has(`ports.state.${p.state}`) ? t(`ports.state.${p.state}`) : p.state;
	return <Status word={word} state={portState(p)} />;
}

// speedText writes Mbit/s as people do.
export function speedText(p: api.Port): string {
	if (p.speed <= 0) return "–";
	const speed = p.speed >= 1000 ? `${p.speed / 1000} Gbit/s` : `${p.speed} Mbit/s`;
	return p.duplex === "half" ? `${speed} ${t("ports.half")}` : speed;
}

// Identify lets the lamp of a port blink for 30 seconds.
export function Identify({ p, small }: { p: api.Port; small?: boolean }) {
	const run = () => mutate("port.identify", { port: p.name, on: !p.identify, ...(p.identify ? {} : { seconds: 30 }) }).catch(toastError);
	return <Button small={small ?? false} icon="eye" need="operator" pressed={p.identify} why={p.state === "missing" ? t("ports.state.missing") : undefined} label={t(p.identify ? "ports.identify_stop" : "ports.identify", { name: p.name })} onClick={run}>{t(p.identify ? "ports.blinks" : "ports.blink")}</Button>;
}

// useTraffic returns bits a second in and out by port.
export function useTraffic(source: Source<api.Port>) {
	const rx = useRates(source, (p) => p.counters.rx_bytes);
	const tx = useRates(source, (p) => p.counters.tx_bytes);
	const bits = (of: ReadonlyMap<string, number | undefined>, name: string) => {
		const n = of.get(name);
		return n === undefined ? undefined : n * 8;
	};
	return { rx: (name: string) => bits(rx.value, name), tx: (name: string) => bits(tx.value, name) };
}

export const Speed = ({ of }: { of: number | undefined }) => <Num q={format.bits(of)} />;

export const errorsOf = (p: api.Port) => p.counters.rx_errors + p.counters.tx_errors;
export const droppedOf = (p: api.Port) => p.counters.rx_dropped + p.counters.tx_dropped;
