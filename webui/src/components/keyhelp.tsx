// SPDX-License-Identifier: Apache-2.0
//
// The list of keys that work on this page.
import { signal } from "@preact/signals";
import { t } from "../i18n";
import { setSingleKeys, shortcuts, singleKeys } from "../keys";
import { Dialog } from "./dialog";
import { CheckField } from "./form";

const open = signal(false);
export const openKeyHelp = () => (open.value = true);

export function KeyHelp() {
	if (!open.value) return null;
	const seen = new Map(shortcuts.value.map((s) => [s.keys, s.text]));
	const mod = navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl";
	return (
		<Dialog title={t("shell.keys")} wide onClose={() => (open.value = false)}>
			<div class="keys">
				{[...seen].map(([keys, text]) => (
					<div key={keys}><span>{text}</span><span class="nowrap">{keys.split(/[ +]/).map((k, i) => <>{i > 0 && " "}<kbd>{k === "Mod" ? mod : k}</kbd></>)}</span></div>
				))}
				<div><span>{t("shell.key_open")}</span><kbd>Enter</kbd></div>
				<div><span>{t("shell.key_close")}</span><kbd>Esc</kbd></div>
			</div>
			<CheckField label={t("shell.single_keys")} help={t("shell.single_keys_help")} value={singleKeys.value} onChange={setSingleKeys} />
		</Dialog>
	);
}
