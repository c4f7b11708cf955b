// SPDX-License-Identifier: Apache-2.0
//
// Paths of objects, such as pool/shop/member/web2: what they are called and
// which page shows them.
import { href } from "../router";

const part = encodeURIComponent;

// objectHref returns the page of an object, undefined where there is none.
export function objectHref(path: string | undefined): string | undefined {
	const [kind, name, kind2, name2] = (path ?? "").split("/");
	switch (kind) {
		case "pool":
			if (!name) return "/pools";
			return kind2 === "member" && name2 ? href(`/pools/${part(name)}`, { server: name2 }) : `/pools/${part(name)}`;
		case "cluster":
			if (!name) return "/clusters";
			return kind2 === "rule" ? href(`/clusters/${part(name)}`, { tab: "rules" }) : `/clusters/${part(name)}`;
		case "server":
			return name ? `/servers/${part(name)}` : "/servers";
		case "certificate":
			return name ? `/certificates/${part(name)}` : "/certificates";
		case "responder":
			return "/responders";
		case "trust":
			return "/certificates";
		case "config":
			return "/changes/history";
		case "role": case "console":
			return "/system";
		case "port": case "ports":
			return name ? `/ports/${part(name)}` : "/ports";
		case "sensor": case "watchdog": case "bypass": case "machine":
			return "/hardware";
		case "network": case "management":
			return "/system/network";
		case "user":
			return "/system/users";
		case "alert":
			return "/system/alerts";
		case "group": case "peer": case "standby": case "mirror":
			return "/standby";
		case "slot": case "upgrade":
			return "/updates";
		case "audit":
			return "/system/audit";
	}
	return undefined;
}

// objectName returns the name by which people know an object: shop/web2 for a
// member, shop for a pool or a cluster.
export function objectName(path: string): string {
	const [kind, name, kind2, name2] = path.split("/");
	if (name2 && (kind2 === "member" || kind2 === "rule")) return `${name}/${name2}`;
	return name || kind || "";
}

// ObjectLink names an object and leads to its page.
export function ObjectLink({ path }: { path: string }) {
	const to = objectHref(path);
	return to ? <a href={to}>{objectName(path)}</a> : <>{objectName(path)}</>;
}
