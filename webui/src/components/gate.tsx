// SPDX-License-Identifier: Apache-2.0
//
// The frame of the pages before the login.
import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { hello } from "../session";
import { Logo } from "./icons";
import { Appearance } from "./shell";

export function Gate({ title, sub, children }: { title: string; sub: ComponentChildren; children: ComponentChildren }) {
	const h = hello.value;
	return (
		<div class="gate">
			<header><Appearance /></header>
			<main id="main">
				<div class="box">
					<div class="who">
						<Logo size={32} />
						<h1>{title}</h1>
						{h?.hostname && <p><strong>{h.hostname}</strong></p>}
						<p class="muted">{sub}</p>
					</div>
					{children}
					{h?.fingerprint && <div><p class="small muted">{t("shell.fingerprint")}</p><p class="print">{h.fingerprint.toUpperCase().replace(/(..)(?=.)/g, "$1:").replace(/(.{48})/g, "$1 ")}</p></div>}
				</div>
			</main>
			<footer>{h ? `${h.product || "Evener"} ${h.version}` : "Evener"}</footer>
		</div>
	);
}
