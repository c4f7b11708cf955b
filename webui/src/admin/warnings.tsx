// SPDX-License-Identifier: Apache-2.0
//
// What a commit of the candidate would mean for those who administer the box.
import { Button, Notice, t, useCall } from "../kit";
import { warningText } from "../components/changes";

// Warnings shows those about one block. A change of again asks anew.
export function Warnings({ again, about }: { again: number; about: string }) {
	return <Asked key={again} about={about} />;
}

function Asked({ about }: { about: string }) {
	const draft = useCall("config.diff", {});
	const changed = Boolean(draft.data.value?.text);
	const review = useCall("config.review", changed ? {} : null);
	const list = (review.data.value?.warnings ?? []).filter((w) => w.kind.startsWith("lockout.") && (w.object ?? "").startsWith(about));
	if (list.length === 0) return null;
	const advised = review.data.value?.confirm.advised;
	return (
		<Notice kind={list.some((w) => w.severity === "error") ? "error" : "warning"} actions={<Button small href="/changes/review">{t("admin.review")}</Button>}>
			<strong>{t("admin.lockout", { n: list.length })}</strong>
			<ul>{list.map((w) => <li key={w.kind + w.text}>{warningText(w)}</li>)}</ul>
			{advised && <p>{t("admin.confirm_advised")}</p>}
		</Notice>
	);
}
