// SPDX-License-Identifier: Apache-2.0
//
// The console has moved: its new addresses, which of them answer, and the way
// there without logging in again.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button, Card, Countdown, Status, t, tx } from "../kit";
import { entrance, type Move, reaches } from "../moved";

export function Moved({ move: m, onClose, tries = reaches }: { move: Move; onClose: () => void; tries?: (url: string) => Promise<boolean> }) {
	return (
		<Card name={t("changes.moved_title")} actions={<Button small kind="quiet" onClick={onClose}>{t("common.close")}</Button>}>
			<div class="stack">
				<p>{t("changes.moved_text")}</p>
				{m.deadline && <p>{tx("changes.moved_left", { n: m.revision, time: <Countdown until={m.deadline} /> })}</p>}
				<ul class="urls">{m.urls.map((u) => <One key={u} url={u} token={m.token} tries={tries} />)}</ul>
				<p class="muted">{t("changes.moved_certificate")}</p>
			</div>
		</Card>
	);
}

function One({ url, token, tries }: { url: string; token: string; tries: (url: string) => Promise<boolean> }) {
	const state = useSignal<"trying" | "answers" | "silent">("trying");
	useEffect(() => {
		let gone = false;
		let timer: ReturnType<typeof setTimeout>;
		const again = async () => {
			const ok = await tries(url).catch(() => false);
			if (gone) return;
			state.value = ok ? "answers" : "silent";
			timer = setTimeout(() => void again(), ok ? 10_000 : 3000);
		};
		void again();
		return () => {
			gone = true;
			clearTimeout(timer);
		};
	}, [url]);
	const word = { trying: "checking", answers: "up", silent: "unknown" }[state.value];
	return (
		<li>
			<span class="url mono">{url}</span>
			<Status word={word}>{t(`changes.url_${state.value}`)}</Status>
			<a class="button primary small" href={entrance(url, token)}>{t("changes.open_there")}</a>
		</li>
	);
}
