// SPDX-License-Identifier: Apache-2.0
//
// The methods of the box and their types, until `make generate` writes
// api.gen.ts in this shape from the registry. Members that the box leaves out
// when they are empty are marked.

export type ACMEProgress = {
	state: string; // waiting, ordering, issued or failed
	next: string; // when it is ordered next
	last_try: string;
	last_error: string;
	failures: number; // in a row
};

export type Attr = {
	key: string;
	value: string;
};

export type Certificate = {
	name: string;
	source: string; // imported, self_signed or acme
	state: string; // valid, not_yet_valid, expiring, critical, imminent, expired; waiting: a self-signed one stands in until the CA gives one; missing: there is none
	names: string[]; // host names and addresses that it is for
	subject: string;
	issuer: string;
	serial: string;
	key: string; // kind of its key, such as ECDSA P-256
	fingerprint: string; // SHA-256 in hexadecimal
	not_before: string;
	not_after: string;
	chain: Issuer[]; // certificates that are sent after it
	used_by: string[]; // blocks of the running configuration
	warnings: string[]; // what might not work
	notes: string[]; // what is good to know, and nothing to mend
	lacks?: string; // why it is missing, and what to do
	acme?: ACMEProgress; // of one that a CA gives
};

export type Cluster = {
	name: string;
	protocol: string;
	listen: string[];
	pool: string;
	disabled: boolean;
	connections: number; // of clients, open
	accepted: number; // connections of clients since the engine's start
	active: number; // exchanges running
	waiting: number; // exchanges waiting for a member
	requests: number;
	classes: Record<string, number>; // exchanges ended, by class of the status
	retries: number;
	bytes_in: number;
	bytes_out: number;
	p50: string;
	p95: string;
	p99: string;
	reasons: Record<string, number>; // how exchanges ended
};

export type Connection = {
	client: string;
	cluster: string;
	generation: number; // 0: idle
	pool: string;
	member: string; // of the pool; empty: none is chosen
	state: string; // idle, head, queued, connecting, active, tunnel or closing
	age: string; // since it was accepted
	requests: number; // of an http connection: begun so far
	request: string; // of an http connection: method and target of the one that runs
	bytes_in: number; // of an http connection: contents of the running exchange
	bytes_out: number; // of an http connection: contents of the running exchange
};

export type Exchange = {
	probe: string;
	address: string;
	outcome: string; // good, bad, abstain or unavailable
	detail?: string; // why, in words
	verdict: string; // what the probe would say if this counted
	took: string;
	connect: string; // until the connection stood; 0s: it never did
	first_byte: string; // until the answer began; 0s: it never did
	notes: string[]; // events in order
	sent: string; // printable beginning
	sent_bytes: number;
	received: string; // printable beginning
	received_bytes: number;
};

export type ExplainedMember = {
	name: string;
	chosen: boolean;
	why: string;
	share: number; // of new clients that it should get, 0 to 1
	active: number;
};

export type ExplainedRule = {
	name: string;
	verdict: string; // true, false, not reached or disabled
	conditions: ExplainedTest[];
};

export type ExplainedTest = {
	text: string;
	value: string; // what it was tested on
	verdict: string; // true, false or not evaluated
};

export type Generation = {
	number: number;
	exchanges: number;
};

export type Issuer = {
	subject: string;
	not_after: string;
};

export type Member = {
	pool: string;
	name: string;
	address: string;
	state: string; // up, checking, spare, full, quiesced, disabled or down
	why?: string; // why a new client does not get it
	health: string;
	reason: string; // of its health
	since: string; // of its health
	admin: string;
	until: string; // end of its drain
	static: number; // weight as configured
	override: number; // weight that the operator set in its place
	weight: number; // in force
	weight_why: string;
	active: number;
	limit: number; // max_connections
	open: number; // connections to it, idle ones too
	picked: number;
	failed: number;
	p95: string;
	steps: string[]; // of its weight, the latest last
};

export type Pending = {
	revision: number;
	left: string; // until it is taken back
	deadline: string;
};

export type Pool = {
	name: string;
	policy: string;
	tier: string; // which members are in use: regular, spare, quiesced or none
	members: Member[];
};

export type Problem = {
	file: string;
	line: number;
	col: number;
	path: string;
	message: string;
	warning: boolean;
};

export type ProcessStatus = {
	pid: number;
	state: string;
	version: string;
	since: string;
};

export type PersistRecord = {
	seq: number;
	time: string;
	level: string;
	message: string;
	attrs: Attr[];
};

export type RestartStatus = {
	role: string;
	done: boolean;
	error: string;
};

export type Revision = {
	number: number;
	parent: number;
	author: string;
	time: string;
	origin: string;
	comment: string;
	sha256: string;
	size: number;
	status: string;
	source: number;
	settled: Settlement;
};

export type Revoked = {
	issuer: string;
	entries: number; // certificates that it revokes
	from: string;
	next: string; // when it expires
};

export type RoleStatus = {
	name: string;
	pid: number;
	state: string;
	version: string;
	since: string;
	next: ProcessStatus;
	draining: ProcessStatus[];
	restarts: number;
	crashes: number;
	last_crash: string;
	crashed: string[];
	listeners: string[];
};

export type Rule = {
	cluster: string;
	name: string;
	when: string;
	pool: string;
	responder: string;
	disabled: boolean;
	hits: number;
	last_hit: string;
};

export type Settlement = {
	author: string;
	origin: string;
	time: string;
	why: string;
};

export type Source = {
	client: string;
	pool: string;
	member: string;
	open: number; // connections now
	idle: string; // since the last connection closed
	keep: string; // how long it is kept after the last connection
};

export type Trust = {
	name: string;
	description: string;
	cas: Issuer[];
	crls: Revoked[];
	used_by: string[]; // blocks of the running configuration
	lacks?: string; // why there is nothing
};


export interface Methods extends ConsoleMethods {
	"certificate.chain": { params: {
		name: string; // of the certificate
	}; result: {
		pem: string; // the certificate and its chain
	} };
	"certificate.eab": { params: {
		acme: string; // name of the acme block
		key: string; // MAC key in base64url, as the CA gives it
	}; result: null };
	"certificate.import": { params: {
		name: string; // that configurations refer to it by
		pem?: string; // certificate, chain and private key in any order
		pkcs12?: string; // in place of pem: a PKCS#12 file in base64
		password?: string; // of the PKCS#12 file
		force?: boolean; // even where clients will refuse it and the name is in use
	}; result: {
		name: string;
		source: string; // imported, self_signed or acme
		state: string; // valid, not_yet_valid, expiring, critical, imminent, expired; waiting: a self-signed one stands in until the CA gives one; missing: there is none
		names: string[]; // host names and addresses that it is for
		subject: string;
		issuer: string;
		serial: string;
		key: string; // kind of its key, such as ECDSA P-256
		fingerprint: string; // SHA-256 in hexadecimal
		not_before: string;
		not_after: string;
		chain: Issuer[]; // certificates that are sent after it
		used_by: string[]; // blocks of the running configuration
		warnings: string[]; // what might not work
		notes: string[]; // what is good to know, and nothing to mend
		lacks?: string; // why it is missing, and what to do
		acme?: ACMEProgress; // of one that a CA gives
	} };
	"certificate.list": { params: Record<string, never>; result: {
		certificates: Certificate[];
	} };
	"certificate.remove": { params: {
		name: string; // of the certificate
	}; result: null };
	"certificate.renew": { params: {
		name: string; // of the certificate
	}; result: {
		name: string;
		source: string; // imported, self_signed or acme
		state: string; // valid, not_yet_valid, expiring, critical, imminent, expired; waiting: a self-signed one stands in until the CA gives one; missing: there is none
		names: string[]; // host names and addresses that it is for
		subject: string;
		issuer: string;
		serial: string;
		key: string; // kind of its key, such as ECDSA P-256
		fingerprint: string; // SHA-256 in hexadecimal
		not_before: string;
		not_after: string;
		chain: Issuer[]; // certificates that are sent after it
		used_by: string[]; // blocks of the running configuration
		warnings: string[]; // what might not work
		notes: string[]; // what is good to know, and nothing to mend
		lacks?: string; // why it is missing, and what to do
		acme?: ACMEProgress; // of one that a CA gives
	} };
	"certificate.rotate_tickets": { params: Record<string, never>; result: null };
	"certificate.show": { params: {
		name: string; // of the certificate
	}; result: {
		name: string;
		source: string; // imported, self_signed or acme
		state: string; // valid, not_yet_valid, expiring, critical, imminent, expired; waiting: a self-signed one stands in until the CA gives one; missing: there is none
		names: string[]; // host names and addresses that it is for
		subject: string;
		issuer: string;
		serial: string;
		key: string; // kind of its key, such as ECDSA P-256
		fingerprint: string; // SHA-256 in hexadecimal
		not_before: string;
		not_after: string;
		chain: Issuer[]; // certificates that are sent after it
		used_by: string[]; // blocks of the running configuration
		warnings: string[]; // what might not work
		notes: string[]; // what is good to know, and nothing to mend
		lacks?: string; // why it is missing, and what to do
		acme?: ACMEProgress; // of one that a CA gives
	} };
	"cluster.list": { params: Record<string, never>; result: {
		clusters: Cluster[];
	} };
	"config.candidate": { params: Record<string, never>; result: {
		text: string; // configuration in HCL
		revision: number; // revision that it is, or was made on
	} };
	"config.check": { params: {
		text?: string; // whole configuration in HCL; empty: your candidate
	}; result: {
		base: number; // revision that the candidate is made on
		problems: Problem[]; // warnings
	} };
	"config.commit": { params: {
		comment?: string; // why
		confirm?: string; // take the commit back unless it is confirmed within this time
		base?: number; // revision that is believed to run; 0: the candidate's
	}; result: {
		revision: Revision;
		pending?: Pending; // set while it waits for its confirm
		problems: Problem[]; // warnings
	} };
	"config.confirm": { params: {
		revision?: number; // 0: the one that waits
	}; result: {
		revision: Revision;
		pending?: Pending; // set while it waits for its confirm
		problems: Problem[]; // warnings
	} };
	"config.diff": { params: {
		from?: number; // 0: the running revision
		to?: number; // 0: your candidate
	}; result: {
		text: string; // unified diff; empty when nothing differs
		base?: number; // set where the candidate was made on another revision than the one that runs: which
		running?: number; // with base: the revision that runs
		own?: string; // with base: what the candidate changes against that, as a unified diff
	} };
	"config.discard": { params: Record<string, never>; result: null };
	"config.extend": { params: {
		revision?: number; // 0: the one that waits
		by: string; // time added to what is left; together 24h at most
	}; result: {
		revision: Revision;
		pending?: Pending; // set while it waits for its confirm
		problems: Problem[]; // warnings
	} };
	"config.history": { params: Record<string, never>; result: {
		revisions: Revision[];
		pending: Pending; // commit that waits for its confirm
	} };
	"config.revert": { params: Record<string, never>; result: {
		revision: Revision;
		pending?: Pending; // set while it waits for its confirm
		problems: Problem[]; // warnings
	} };
	"config.rollback": { params: {
		revision: number; // revision whose text is brought back
		comment?: string; // why
		confirm?: string; // take the rollback back unless it is confirmed within this time
	}; result: {
		revision: Revision;
		pending?: Pending; // set while it waits for its confirm
		problems: Problem[]; // warnings
	} };
	"config.set": { params: {
		text: string; // whole configuration in HCL
		base?: number; // revision that the text was made on; 0: the running one
	}; result: {
		base: number; // revision that the candidate is made on
		problems: Problem[]; // warnings
	} };
	"config.text": { params: {
		revision?: number; // 0: the running one
		defaults?: boolean; // print every default too
		json?: boolean; // the checked values as JSON in place of the text
	}; result: {
		text: string; // configuration in HCL
		revision: number; // revision that it is, or was made on
	} };
	"connection.list": { params: {
		cluster?: string; // empty: of all clusters
		client?: string; // address; empty: of all clients
		limit?: number; // connections at most, up to 1000; 100
	}; result: {
		connections: Connection[]; // the oldest first
		open: number; // connections and flows of all clusters and clients
	} };
	"explain.request": { params: {
		cluster?: string; // may be left out where there is one http cluster, or where the URL names its address
		method?: string; // GET
		url: string; // http://host/path?query, or a path
		fields?: string[]; // request fields, written Name: value
		client?: string; // address of the client; 192.0.2.1
		candidate?: boolean; // ask your candidate in place of the running configuration
	}; result: {
		cluster: string;
		generation: number; // 0: the candidate
		refused?: string; // why the request is not accepted, in words
		reason: string; // the same as the label by which the metrics count it
		status: number; // of the refusal
		path: string; // as rules see it
		raw_path: string; // as it was received
		target: string; // path and query that the member gets, if they are rewritten
		rules: ExplainedRule[]; // in their order
		rule: string; // that decided; empty: the cluster's own settings
		pool: string;
		responder: string; // that answers
		persist: string; // what persistence makes of the client
		member: string; // that gets the request
		members: ExplainedMember[];
		forwarded: string; // request head as the member gets it
		set_cookie: string; // cookie that the answer sets
		answer: string; // answer of the box itself
	} };
	"metrics.history": { params: {
		object: string; // engine, cluster/NAME, pool/NAME or member/POOL/SERVER
		metrics?: string[]; // names of what is kept of the object; all
		last?: string; // how far back, up to 14 days; 5m
		step?: string; // between two rows, whole seconds; what gives about 60 rows
	}; result: {
		from: string; // of the first row
		step: string; // between two rows; coarser than asked for where so old a time is kept only so
		metrics: string[];
		columns: number[][]; // one for each metric; null where nothing is known
	} };
	"persist.clear": { params: {
		client?: string; // address; empty: those of all clients
		cluster?: string; // empty: those of all clusters
	}; result: {
		records: number;
	} };
	"persist.list": { params: Record<string, never>; result: {
		records: Source[];
		total: number;
	} };
	"persist.rotate": { params: Record<string, never>; result: {
		keys: number; // the new one, and those before it whose cookies are still accepted
	} };
	"pool.list": { params: Record<string, never>; result: {
		pools: Pool[];
	} };
	"probe.run": { params: {
		member: string; // POOL/MEMBER
	}; result: {
		exchanges: Exchange[];
	} };
	"responder.test": { params: {
		name: string; // of the responder
		url: string; // http://host/path?query, or a path
		method?: string; // GET
		fields?: string[]; // request fields, written Name: value
	}; result: {
		answer: string;
	} };
	"rule.list": { params: Record<string, never>; result: {
		rules: Rule[];
	} };
	"server.disable": { params: {
		member: string; // POOL/MEMBER
		force?: boolean; // even if it is the last usable member
		reason?: string; // why; shown with its state
	}; result: {
		pool: string;
		name: string;
		address: string;
		state: string; // up, checking, spare, full, quiesced, disabled or down
		why?: string; // why a new client does not get it
		health: string;
		reason: string; // of its health
		since: string; // of its health
		admin: string;
		until: string; // end of its drain
		static: number; // weight as configured
		override: number; // weight that the operator set in its place
		weight: number; // in force
		weight_why: string;
		active: number;
		limit: number; // max_connections
		open: number; // connections to it, idle ones too
		picked: number;
		failed: number;
		p95: string;
		steps: string[]; // of its weight, the latest last
	} };
	"server.drain": { params: {
		member: string; // POOL/MEMBER
		ignore_sticky?: boolean; // keep persistent clients away too
		force?: boolean; // even if it is the last usable member
		reason?: string; // why; shown with its state
		deadline?: string; // disabled after this; 15m
	}; result: {
		pool: string;
		name: string;
		address: string;
		state: string; // up, checking, spare, full, quiesced, disabled or down
		why?: string; // why a new client does not get it
		health: string;
		reason: string; // of its health
		since: string; // of its health
		admin: string;
		until: string; // end of its drain
		static: number; // weight as configured
		override: number; // weight that the operator set in its place
		weight: number; // in force
		weight_why: string;
		active: number;
		limit: number; // max_connections
		open: number; // connections to it, idle ones too
		picked: number;
		failed: number;
		p95: string;
		steps: string[]; // of its weight, the latest last
	} };
	"server.enable": { params: {
		member: string; // POOL/MEMBER
		reason?: string; // why; shown with its state
	}; result: {
		pool: string;
		name: string;
		address: string;
		state: string; // up, checking, spare, full, quiesced, disabled or down
		why?: string; // why a new client does not get it
		health: string;
		reason: string; // of its health
		since: string; // of its health
		admin: string;
		until: string; // end of its drain
		static: number; // weight as configured
		override: number; // weight that the operator set in its place
		weight: number; // in force
		weight_why: string;
		active: number;
		limit: number; // max_connections
		open: number; // connections to it, idle ones too
		picked: number;
		failed: number;
		p95: string;
		steps: string[]; // of its weight, the latest last
	} };
	"server.quiesce": { params: {
		member: string; // POOL/MEMBER
		ignore_sticky?: boolean; // keep persistent clients away too
		force?: boolean; // even if it is the last usable member
		reason?: string; // why; shown with its state
	}; result: {
		pool: string;
		name: string;
		address: string;
		state: string; // up, checking, spare, full, quiesced, disabled or down
		why?: string; // why a new client does not get it
		health: string;
		reason: string; // of its health
		since: string; // of its health
		admin: string;
		until: string; // end of its drain
		static: number; // weight as configured
		override: number; // weight that the operator set in its place
		weight: number; // in force
		weight_why: string;
		active: number;
		limit: number; // max_connections
		open: number; // connections to it, idle ones too
		picked: number;
		failed: number;
		p95: string;
		steps: string[]; // of its weight, the latest last
	} };
	"server.weight": { params: {
		member: string; // POOL/MEMBER
		weight: number; // 0 to 200; -1: as configured
		force?: boolean; // 0 even if it is the last usable member
		reason?: string; // why; shown by status
	}; result: {
		pool: string;
		name: string;
		address: string;
		state: string; // up, checking, spare, full, quiesced, disabled or down
		why?: string; // why a new client does not get it
		health: string;
		reason: string; // of its health
		since: string; // of its health
		admin: string;
		until: string; // end of its drain
		static: number; // weight as configured
		override: number; // weight that the operator set in its place
		weight: number; // in force
		weight_why: string;
		active: number;
		limit: number; // max_connections
		open: number; // connections to it, idle ones too
		picked: number;
		failed: number;
		p95: string;
		steps: string[]; // of its weight, the latest last
	} };
	"sys.info": { params: Record<string, never>; result: {
		version: string;
		board: string;
		pid: number; // of the engine
		started: string; // of the engine
		revision: number; // that runs
		author: string; // of that revision
		committed: string;
		pending: Pending;
		generations: Generation[]; // that serve exchanges, the current one first
		metrics: string; // URL of the metrics
		roles: RoleStatus[];
		restart: RestartStatus; // the last restart that was asked for
		problems: string[]; // what needs attention, the worst first
		notes: string[]; // what is not as the configuration has it, or happened lately, though nothing need be done
		checking: string[]; // members whose probes have no verdict yet, as POOL/MEMBER; they get clients meanwhile
	} };
	"sys.log": { params: {
		since?: number; // sequence number after which to begin
		max?: number; // records at most; 100
	}; result: {
		records: PersistRecord[];
		lost: number;
		next: number;
		more: boolean;
	} };
	"sys.metrics": { params: Record<string, never>; result: {
		text: string;
	} };
	"sys.restart": { params: {
		role: string; // engine, or another role that runs
	}; result: {
		role: string;
		done: boolean;
		error: string;
	} };
	"trust.import": { params: {
		name: string; // that configurations refer to it by
		files: string[]; // contents of files in base64: certificates of CAs and revocation lists, PEM or DER
	}; result: {
		name: string;
		description: string;
		cas: Issuer[];
		crls: Revoked[];
		used_by: string[]; // blocks of the running configuration
		lacks?: string; // why there is nothing
	} };
	"trust.list": { params: Record<string, never>; result: {
		trusts: Trust[];
	} };
	"trust.remove": { params: {
		name: string; // of the trust
	}; result: null };
}

// A Hello says who talks with whom.
export type Hello = {
	product: string;
	version: string;
	hostname: string;
	time: string; // of the box, RFC 3339
	ui_hash: string; // of the console that the box serves
	features: string[];
	session: Session | null;
	setup?: boolean; // no administrator yet: the set-up code makes the first
	fingerprint?: string; // SHA-256 of the console's certificate
};

export type Session = {
	id: string;
	user: string;
	role: Role;
	idle: string; // ends after this time without a call
	scope?: Record<string, string>;
};

export type Role = "viewer" | "operator" | "editor" | "admin";

export interface ConsoleMethods {
	"sys.hello": { params: Record<string, never>; result: Hello };
	"auth.sudo": { params: { password: string }; result: null };
}

// A Candidate is a draft of the configuration.
export type Candidate = { author: string; base: number; changed: string; changes: number; own: boolean };

// A Confirm is a commit that waits for somebody to keep it.
export type Confirm = { revision: number; author: string; deadline: string; time: string };

// An Attention is something that a person should look at.
export type Attention = {
	object: string; // such as pools/app/a4
	kind: string;
	args: Record<string, string | number>;
	since: string;
	severity: "error" | "warning" | "info";
	action: string;
};

// Topics says what each topic takes, and what an object, tick or entry of it is.
export interface Topics {
	"state.clusters": { class: "state"; params: Record<string, never>; data: Cluster };
	"state.pools": { class: "state"; params: Record<string, never>; data: Pool };
	"state.certificates": { class: "state"; params: Record<string, never>; data: Certificate };
	"state.system": { class: "state"; params: Record<string, never>; data: Record<string, unknown> };
	"state.candidate": { class: "state"; params: Record<string, never>; data: Candidate };
	"state.confirm": { class: "state"; params: Record<string, never>; data: Confirm };
	"state.problems": { class: "state"; params: Record<string, never>; data: Attention };
	"state.sessions": { class: "state"; params: Record<string, never>; data: Session };
}
