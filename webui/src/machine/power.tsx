// SPDX-License-Identifier: Apache-2.0
//
// The end of the machine: a reboot, and switching it off.
import { ask, Button, hello, mutate, t, toast } from "../kit";

// Power has the buttons that end the machine. Who switches it off has to name the box: nobody
// can switch it on again from here.
export function Power() {
	const name = hello.value?.hostname ?? "";
	const order = (how: "reboot" | "halt") =>
		ask({
			title: t(`system.power_title.${how}`, { name }), act: t(`system.power_act.${how}`), danger: true, need: "admin", type: how === "halt" ? name : undefined,
			text: <><p>{t(`system.power_text.${how}`)}</p><p>{t("system.power_both")}</p></>,
			run: async () => { await mutate(`sys.${how}`, {}); toast(t(`system.power_done.${how}`, { name })); },
		});
	return (
		<>
			<Button icon="refresh" need="admin" onClick={() => order("reboot")}>{t("system.power_act.reboot")}</Button>
			<Button kind="danger" need="admin" onClick={() => order("halt")}>{t("system.power_act.halt")}</Button>
		</>
	);
}
