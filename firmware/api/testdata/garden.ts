// SPDX-License-Identifier: Apache-2.0
// The methods and topics of the box. Written by "make generate" from its registry; do not edit.

export type Role = "viewer" | "operator" | "editor" | "admin";
export type Effect = "read" | "runtime" | "candidate" | "commit" | "system";

export interface Drained {
	pool: string;
	by: string;
	count: number;
}

export interface Member {
	name: string; // name of the server
	weight?: number; // share of new clients
}

export interface Plant {
	name: string; // of the plant
	names: string[];
	next?: Plant;
}

export interface PlantRecordRecord {
	height: number;
}

export interface Since {
	epoch: string; // from the answer of sub.open
	seq: number; // of the last event
}

export interface SubOpened {
	sub: number; // number of the subscription on this connection
	epoch: string; // sequence numbers of another epoch mean nothing
	seq: number; // of the snapshot, or of the event before the first to come
	resumed: boolean; // nothing was lost since, or a gap will say what
	snapshot?: unknown; // of a state {objects: {key: value}}, of a series {t, cols}, of a log {seq, entries}; absent where resumed
}

export interface Tick {
	t: string;
	cols: Record<string, (number | null)[]>;
}

// Methods says what each method takes and gives, and what it needs.
export interface Methods {
	// Make the candidate run.
	"config.commit": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Lists plants.
	"plant.list": {
		params: {
			last?: string; // how far back
			colour?: string[];
		};
		result: {
			plants: Plant[];
			revision: number;
		};
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Shows a record.
	"plant.record": {
		params: Record<string, never>;
		result: PlantRecordRecord;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Waters a plant.
	"plant.water": {
		params: {
			plant: string;
			base?: number; // revision that was seen
			drops: number; // how many
			like?: Plant[];
		};
		result: Plant;
		role: "operator";
		effect: "runtime";
		sudo: true;
	};
	// Let no new clients in.
	"server.drain": {
		params: {
			pool: string; // name of the pool
			members?: Member[]; // which members
			mode?: "keep-sticky" | "drop"; // what becomes of sessions
			deadline?: string; // when to cut what is left
			labels?: Record<string, string>;
			password?: string;
			count?: number;
		};
		result: Drained;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Ends a subscription.
	"sub.close": {
		params: {
			sub: number; // of the subscription
		};
		result: Record<string, never>;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Follows a topic on this connection.
	"sub.open": {
		params: {
			topic: string; // such as state.pools
			params?: unknown; // of the topic
			since?: Since; // go on from there
			tail?: number; // logs: begin with so many of the last entries; 200
			max_hz?: number; // at most so many events a second, 0.1 to 20; 0: as they come
		};
		result: SubOpened;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Shows what a topic begins with, and follows nothing.
	"sub.read": {
		params: {
			topic: string; // such as state.pools
			params?: unknown; // of the topic
			tail?: number; // logs: so many of the last entries; 200
		};
		result: SubOpened;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Changes the parameters of a subscription.
	"sub.update": {
		params: {
			sub: number; // of the subscription
			params?: unknown; // in place of all that it had; absent: as before
			max_hz?: number; // at most so many events a second, 0.1 to 20; 0: as they come
		};
		result: SubOpened;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Fail.
	"sys.fail": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Return much.
	"sys.large": {
		params: {
			size: number;
		};
		result: string;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Panic.
	"sys.panic": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Wait for the end.
	"sys.wait": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
}

// Topics says what each topic takes, and what an object, tick or entry of it is.
export interface Topics {
	"log.events": { class: "log"; params: {
		with?: string;
	}; data: string };
	"series.live": { class: "series"; params: {
		series: string[];
	}; data: Tick };
	"state.pools": { class: "state"; params: Record<string, never>; data: Record<string, unknown> };
}

// roles is the weakest role that each method needs, null where it needs no session.
export const roles: Record<keyof Methods, Role | null> = {
	"config.commit": "editor",
	"plant.list": "viewer",
	"plant.record": "viewer",
	"plant.water": "operator",
	"server.drain": "operator",
	"sub.close": null,
	"sub.open": null,
	"sub.read": null,
	"sub.update": null,
	"sys.fail": "viewer",
	"sys.large": "viewer",
	"sys.panic": "viewer",
	"sys.wait": "viewer",
};
