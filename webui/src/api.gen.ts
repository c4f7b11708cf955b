// SPDX-License-Identifier: Apache-2.0
// The methods and topics of the box. Written by "make generate" from its registry; do not edit.

export type Role = "viewer" | "operator" | "editor" | "admin";
export type Effect = "read" | "runtime" | "candidate" | "commit" | "system";

export interface ACMEProgress {
	state: string; // waiting, ordering, issued or failed
	next: string; // when it is ordered next
	last_try?: string;
	last_error?: string;
	failures: number; // in a row
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface AccessEntry {
	time: string; // when it began
	cluster: string;
	rule?: string;
	pool?: string;
	server?: string; // the member that served it
	client: string; // address and port
	protocol?: string;
	method?: string;
	host?: string;
	path?: string; // with its query; its first 256 bytes
	status: number; // 0: there was no answer
	reason: string; // how it ended
	persist?: string;
	retries?: number; // further members that were tried
	bytes_in: number;
	bytes_out: number;
	duration: string;
	first_byte?: string; // until the member's answer began
	request_id?: string;
	user_agent?: string;
	generation: number; // of the configuration that served it
}

export interface AccessExcept {
	cluster?: string[];
	rule?: string[];
	pool?: string[];
	server?: string[];
	status?: string[];
	method?: string[];
	path?: string[];
	client?: string[];
}

export interface Acted {
	pool: string;
	name: string;
	address: string;
	labels?: Record<string, string>; // of its server
	state: string; // up, checking, spare, full, quiesced, disabled or down
	why?: string; // why a new client does not get it
	health: string;
	reason?: string; // of its health
	since?: string; // of its health
	admin: string;
	until?: string; // end of its drain
	cut?: boolean; // what is left at the end of its drain is closed
	static: number; // weight as configured
	override?: number; // weight that the operator set in its place
	weight: number; // in force
	weight_why?: string;
	active: number;
	limit?: number; // max_connections
	open: number; // connections to it, idle ones too
	picked: number;
	failed: number;
	p95: string;
	steps?: string[]; // of its weight, the latest last
	peers?: Record<string, PeerHealth>; // what the probes of other boxes say of it, by box
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
	results: ServerCancelEffect[]; // of each member, as it was just before
}

export interface Adopted {
	base: number; // revision that it is made on
	version: string; // of the candidate
}

export interface Advice {
	advised: boolean;
	why: string[]; // codes: console_off, console_listen, console_access, console_certificate, metrics_listen, management_address, management_port, network_ports, network_routes, group_addresses, group_restart, group_interval, group_home, node
	confirm?: string; // the time that is advised
	needed: boolean; // without a confirm the commit is refused, unless it is forced
}

export interface Attr {
	key: string;
	value: string;
}

export interface AuditDownload {
	stream: number; // one JSON object a line, the oldest first
	name: string; // for the file
}

export interface AuditExport {
	lines: string; // one JSON object a line, the oldest first
	next?: number; // there is more: call again with since
}

export interface AuditFilter {
	from?: string; // the oldest; all
	to?: string; // records before this; all
	user?: string;
	method?: string; // or a pattern such as server.*
	object?: string; // with what is below it, or a pattern such as pool/*
	outcome?: string; // ok, error, or the kind of an error
	text?: string; // found anywhere
}

export interface AuditRecord {
	seq: number;
	time: string; // when it ended
	user?: string;
	origin?: string; // cli, api, console, web (a command line in the console), panel, serial; box: the audit log itself; engine: what the box did by itself
	remote?: string; // where the caller was
	session?: string; // id of the session or API token
	method: string;
	object?: string; // path of what it was about
	what?: string; // in words
	before?: string;
	after?: string;
	revision?: number; // that ran when it ended
	outcome: string; // ok, or the kind of the error
	message?: string; // of the error
	note?: string; // why, in the words of who did it
	prev: string; // hash of the record before
	hash: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface AuditRecords {
	records: AuditRecord[]; // the newest first; with since the oldest first
	lost?: number; // with since: records in between that are too old to be followed
	next?: number; // with since: what to ask for next
	status: AuditStatus;
}

export interface AuditReport {
	first: number; // the first record that is kept
	last: number;
	hash: string; // of the last record
	records: number; // that are good
	files: number;
	breaks: number; // places at which the chain is broken
	file?: string; // of the first of them
	line?: number;
	why?: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface AuditStatus {
	seq: number; // of the newest record
	waiting: number; // records that wait for the disk
	lost: number; // records that were not written, since the engine's start
	problem?: string; // why none can be written now
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Backup {
	data: string; // base64; a file of age, encrypted with the passphrase
	revision: number; // whose text it has
	items: number; // keys, certificates, authorities, users and other secrets
}

export interface BackupDownload {
	stream: number; // its bytes: a file of age, encrypted with the passphrase
	name: string; // for the file
	bytes: number;
	revision: number; // whose text it has
	items: number; // keys, certificates, authorities, users and other secrets
}

export interface BackupUpload {
	stream: number; // for the file's bytes; its end has a CheckedBackup with check, else a Restored
}

export interface Batch {
	records: SysLogRecord[];
	lost: number;
	next: number;
	more: boolean;
}

export interface BlackBox {
	frames: Frame[]; // the oldest first
	damaged?: number; // frames that a loss of power has torn
	crashed: boolean; // the recording has no end: that of a crash, or the one that goes on now
	crashes: string[]; // when the crashes were whose recordings are kept, the latest first
}

export interface BlackboxReadEvent {
	kind: string;
	severity: string;
	object: string;
	text: string;
}

export interface Block {
	name: string;
	in?: string[];
	label?: string;
	labels?: string[];
	second?: string;
	max?: number;
	by?: string;
	only?: string[];
	local?: boolean;
	purpose: string;
	title?: string;
	keywords: Keyword[];
}

export interface Capture {
	id: string;
	state: string; // running, ending (packets get their comments) or done
	reason?: string; // of its end: stopped, bytes, packets, time, disk, engine or error
	problem?: string; // for people
	by: string;
	started: string;
	ended?: string;
	interfaces: string[];
	filter?: string; // with the cluster's
	cluster?: string;
	snaplen: number;
	max_bytes: number;
	max_packets?: number;
	max_time: string;
	ring?: boolean;
	packets: number;
	bytes: number; // of the file
	lost: number; // packets that came too fast to be kept
	joined: number; // packets whose comment names an exchange; known when it is done
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface CaptureDownload {
	stream: number; // a pcapng file
	name: string; // for the file
	size: number; // bytes
}

export interface Captures {
	captures: Capture[]; // the newest first
	interfaces: string[]; // that can be captured from now
}

export interface Certificate {
	name: string;
	source: string; // imported, self_signed or acme
	state: string; // valid, not_yet_valid, expiring, critical, imminent, expired; waiting: a self-signed one stands in until the CA gives one; missing: there is none
	names: string[]; // host names and addresses that it is for
	subject?: string;
	issuer?: string;
	serial?: string;
	key?: string; // kind of its key, such as ECDSA P-256
	fingerprint?: string; // SHA-256 in hexadecimal
	not_before?: string;
	not_after?: string;
	chain?: Issuer[]; // certificates that are sent after it
	used_by: string[]; // blocks of the running configuration
	warnings?: string[]; // what might not work
	notes?: string[]; // what is good to know, and nothing to mend
	lacks?: string; // why it is missing, and what to do
	acme?: ACMEProgress; // of one that a CA gives
	request?: string; // of certificate.import and certificate.check: the pending request whose key it takes
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface CertificateRequest {
	name: string;
	key?: string; // kind of its key, such as ECDSA P-256
	names: string[]; // host names and addresses that it asks for
	subject?: string;
	since?: string;
	by?: string; // who made it
	pem?: string; // PKCS#10, for the CA
	lacks?: string; // why it cannot be used
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface CertificateRequests {
	requests: CertificateRequest[];
}

export interface Certificates {
	certificates: Certificate[];
}

export interface Chain {
	pem: string; // the certificate and its chain
}

export interface Change {
	path: string;
	kind: string;
	attr?: string;
	before?: string;
	after?: string;
	text: string;
}

export interface Channel {
	name: string;
	kind: string; // syslog or mail
	target: string; // where it sends to
	waiting: number; // messages
	sent: number; // messages, since it was configured so or the engine's start
	dropped: number; // messages that found no room
	last_success?: string;
	last_error?: string;
	last_failure?: string;
	failing: boolean; // the last try failed
	lacks?: string; // what it needs and the box does not have
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Channels {
	channels: Channel[];
	kinds: string[]; // of events that there are
}

export interface Checked {
	base?: number; // revision that the candidate is made on
	version?: string; // of the candidate
	problems: Problem[]; // warnings; of a draft mistakes too
}

export interface CheckedBackup {
	hostname: string; // of the box that it was made on
	version: string; // of the program that made it
	made: string;
	revision: number; // whose text it has
	text: string; // of the configuration
	added: string[]; // items that the vault does not have
	replaced: string[]; // items that the vault has already
	users: boolean; // it has users
	problems: Problem[]; // warnings about the configuration
}

export interface Cleared {
	records: number;
	problems?: string[]; // other boxes that have not forgotten them
}

export interface Cluster {
	name: string;
	requests: number;
	errors?: number;
	connections: number;
}

export interface ClusterListCluster {
	name: string;
	labels?: Record<string, string>;
	protocol: string;
	listen: string[];
	pool?: string;
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
	group?: string; // failover group that it follows; empty: none
	standby?: string; // why no clients come to this box, such as: group front is active on left; empty: they do
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Clusters {
	clusters: ClusterListCluster[];
}

export interface CommandOutput {
	output: string; // text; control characters in it are spelled out
	exit: number; // 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused
	cut?: boolean; // it was longer than 256 KiB; the rest is lost
	timed_out?: boolean; // it was ended after a minute; what it had begun may go on
}

export interface Committed {
	revision: Revision;
	pending?: Pending; // set while it waits for its confirm
	problems?: Problem[]; // warnings
	draft?: Draft; // of a rollback that has made a candidate only
	urls?: string[]; // where the console is now, if it has moved
	handover?: string; // token that lets you in at one of urls, once, within 5 minutes
}

export interface Compared {
	from: number;
	to: number;
	changes: Change[];
}

export interface Completion {
	text: string;
	help?: string;
}

export interface Completions {
	replaces: string; // the end of the line, whose place a completion takes
	completions: Completion[]; // at most 200
	space: boolean; // a space follows where there is only one
}

export interface ConfigValues {
	values: unknown;
	on: string; // running or candidate
	base: number; // revision that it is, or was made on
	version?: string; // of the candidate
}

export interface ConfirmState {
	revision: number;
	author: string; // who has committed
	comment?: string;
	deadline: string; // when it is taken back
	now: string; // the box's clock, by which the deadline is
}

export interface Conflict {
	path: string; // of the block; of an order: of the blocks' parent, with their type behind it
	kind: string; // changed, added, removed (on one side, and changed on the other) or order
	base: string; // text before; empty: it was not there
	mine: string; // text in your candidate; empty: it is removed
	theirs: string; // text that runs; empty: it was removed
	revision?: number; // the last that has changed it
	author?: string; // of that revision
	time?: string; // of that revision
}

export interface Connection {
	client: string;
	cluster: string;
	generation?: number; // 0: idle
	pool?: string;
	member?: string; // of the pool; empty: none is chosen
	state: string; // idle, head, queued, connecting, active, tunnel or closing
	age: string; // since it was accepted
	requests?: number; // of an http connection: begun so far
	request?: string; // of an http connection: method and target of the one that runs
	bytes_in: number; // of an http connection: contents of the running exchange
	bytes_out: number; // of an http connection: contents of the running exchange
}

export interface Connections {
	connections: Connection[]; // the oldest first
	open: number; // connections and flows of all clusters and clients
}

export interface ConsoleChange {
	number: number; // counts the changes
}

export interface ConsoleInfo {
	addresses: string[]; // URLs, as configured; none: it is off
	listening: string[]; // addresses that it serves now
	fingerprint?: string; // SHA-256 of its certificate, hexadecimal
	certificate?: string; // name of the certificate; empty: one that the box has made for the console
	until?: string; // when the certificate ends
	problem?: string; // what is not as the configuration has it
	sessions: number; // how many are logged in
	state: string; // of its process: running, waiting, ...
	pid?: number; // of its process
	crashes: number; // of its process, since the box started
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface ConsoleSettings {
	listen: string[]; // addresses; none: no console
	allow: string[]; // networks whose clients may come
	allowed_origins: string[]; // besides the console's own
	trusted_proxies: string[]; // networks of proxies whose X-Forwarded-For is believed
	idle: string; // after which a session ends
	certificate: string; // PEM, leaf first
	key: string; // PEM, PKCS#8
	fingerprint: string; // SHA-256 of the certificate, hexadecimal
	self_signed: boolean; // whether nobody vouches for the certificate
}

export interface DNSAnswer {
	server: string;
	question: string;
	code: string; // such as NOERROR or NXDOMAIN
	records: DNSRecord[];
	authority: DNSRecord[];
	tcp?: boolean; // the answer was too long for a datagram
	time: string;
}

export interface DNSRecord {
	name: string;
	type: string;
	ttl: string;
	value: string;
}

export interface Diff {
	text: string; // unified diff; empty when nothing differs
	base?: number; // set where the candidate was made on another revision than the one that runs: which
	running?: number; // with base: the revision that runs
	own?: string; // with base: what the candidate changes against that, as a unified diff
}

export interface Draft {
	base: number; // revision that the candidate is made on
	version?: string; // of the candidate; empty: there is none
	running: number; // revision that runs; another one than base: see config.rebase
	problems: Problem[]; // mistakes and warnings: the candidate is kept with them, but not committed with a mistake
}

export interface DraftState {
	author: string;
	base: number; // revision that it is made on
	running: number; // revision that runs; another one than base: see config.rebase
	time: string; // of its last change
	version?: string; // of your own
	changes: number; // how many things it changes against the revision that it is based on; -1: its syntax is wrong
	orphan?: boolean; // its author is neither a user nor an API token: an admin may take it over or discard it
}

export interface EditOp {
	op: string; // patch, insert, remove, move or rename
	path?: string; // of the block, such as pool/shop/member/web1; insert: of the parent, empty is the top
	set?: Record<string, unknown>; // patch: attributes and their values; null removes one
	hcl?: Record<string, string>; // patch, insert: attributes and their values as text in the language
	unset?: string[]; // patch: attributes that are removed where they are given
	before?: string; // insert, move: the sibling that it is to stand before, such as rule/api; empty: the last of its type
	text?: string; // insert: the block in HCL, with comments; or type, label and attributes
	type?: string; // insert: type of the block
	label?: string; // insert: its label; rename: the new name
}

export interface Entered {
	token: string;
	session: string; // id of the session; no secret
	user: string;
	role: "viewer" | "operator" | "editor" | "admin";
	scope?: Record<string, string>; // labels that objects must have
	last_login?: string; // the login before this one
	failed: number; // attempts that were refused since then
	totp: boolean; // the second factor is on
	now: string; // of the box's clock
	expires: string; // when the session ends, used or not
	idle: string; // when it ends if it is not used
}

export interface EventAck {
	by: string;
	time: string;
	note?: string;
}

export interface EventAckEvent {
	seq: number;
	time: string;
	kind: string; // stable and dotted, such as member.down
	severity: string; // info, warning or error
	object?: string; // path of what it is about, such as pool/shop/member/web2
	args?: Record<string, unknown>; // the values inside text, for translation
	text: string; // in words
	ack?: EventAck; // who has taken notice; absent: nobody
	said?: Record<string, Said>; // what the args that are sentences say, by name: kind and args
}

export interface EventListEvent {
	seq: number;
	time: string;
	kind: string; // stable and dotted, such as member.down
	severity: string; // info, warning or error
	object?: string; // path of what it is about, such as pool/shop/member/web2
	args?: Record<string, unknown>; // the values inside text, for translation
	text: string; // in words
	ack?: EventAck; // who has taken notice; absent: nobody
	said?: Record<string, Said>; // what the args that are sentences say, by name: kind and args
}

export interface Events {
	events: EventAckEvent[]; // the newest first; with since the oldest first
	lost?: number; // with since: events in between that are not kept any more
	last: number; // number of the newest event
	next?: number; // with since: what to ask for next
	unacked: number; // warnings and errors that nobody has acknowledged
	problem?: string; // why events would not survive a restart now
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Exchange {
	probe: string;
	address: string;
	outcome: string; // good, bad, abstain or unavailable
	detail: string; // why, in words
	verdict: string; // what the probe would say if this counted
	took: string;
	connect: string; // until the connection stood; 0s: it never did
	first_byte: string; // until the answer began; 0s: it never did
	notes?: string[]; // events in order
	sent?: string; // printable beginning
	sent_bytes: number;
	received?: string; // printable beginning
	received_bytes: number;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Explained {
	cluster: string;
	generation: number; // 0: the candidate
	refused?: string; // why the request is not accepted, in words
	reason?: string; // the same as the label by which the metrics count it
	status?: number; // of the refusal
	path: string; // as rules see it
	raw_path: string; // as it was received
	target?: string; // path and query that the member gets, if they are rewritten
	rules: ExplainedRule[]; // in their order
	rule: string; // that decided; empty: the cluster's own settings
	pool?: string;
	responder?: string; // that answers
	persist?: string; // what persistence makes of the client
	member?: string; // that gets the request
	members: ExplainedMember[];
	forwarded?: string; // request head as the member gets it
	set_cookie?: string; // cookie that the answer sets
	answer?: string; // answer of the box itself
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface ExplainedMember {
	name: string;
	chosen: boolean;
	why: string;
	share: number; // of new clients that it should get, 0 to 1
	active: number;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface ExplainedPart {
	op: string; // and, or, not or call
	from: number; // where it begins in when, in bytes
	to: number; // where it ends
	verdict: string; // true, false or not evaluated
	value?: string; // of a call: what it was tested on
	missing?: boolean; // of a call: the request has no such thing
	parts?: ExplainedPart[];
}

export interface ExplainedRule {
	name: string;
	verdict: string; // true, false, not reached or disabled
	conditions: ExplainedTest[];
	when?: string; // the condition as it is written
	line?: number; // of the condition in the configuration
	tree?: ExplainedPart; // how each part of the condition fared
}

export interface ExplainedTest {
	text: string;
	value: string; // what it was tested on
	verdict: string; // true, false or not evaluated
}

export interface Formatted {
	text: string;
}

export interface Frame {
	seq: number;
	time: string;
	start?: Start;
	second?: Second;
	event?: BlackboxReadEvent;
	stop?: Stop;
}

export interface Generation {
	number: number;
	exchanges: number;
}

export interface HAAlarm {
	severity: string; // error or warning
	group?: string;
	text: string; // with the cause, in one line
	since: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HAAnnounce {
	repeat: number;
	delay: string; // before the announcements are repeated
	refresh: string; // between announcements while active; 0s: none
}

export interface HAConnected {
	connected: boolean;
}

export interface HADifference {
	block: string; // such as pool
	name: string; // empty: the block has none
	who: string; // who has changed it since both boxes were equal: mine, theirs, both
	mine?: string; // its text on this box, in ha.sync.differences; empty: it is not there
	theirs?: string; // its text on the peer, likewise
}

export interface HADifferences {
	state: string; // in sync, mine newer, theirs newer, conflict or unknown
	objects: HADifference[]; // that differ
	problem: string; // why they are not made equal; empty: nothing is in the way
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HAEngine {
	serving: boolean;
	why?: string; // why not
}

export interface HAEntry {
	time: string;
	node: string; // box that it happened on
	id: string; // unique on that box; for before
	kind: string; // of the event
	severity: string; // info, warning or error
	object?: string; // such as group/front, port/lan1, pool/shop/member/web1
	args?: Record<string, unknown>; // the values inside text, for translation
	text: string;
	said?: Record<string, Said>; // what the args that are sentences say, by name: kind and args
}

export interface HAGroup {
	name: string;
	state: string; // init, backup, active or fault
	since: string; // of the state
	reason: string; // why it is in this state, in one line
	active: string; // node that is active, as far as known; empty: none is known
	healthy: boolean; // this box could be active
	pinned: boolean; // an order has put it where it is: it does not move back by preference until rebalanced
	held?: string; // why takeover is held back; empty: it is not
	base: number; // priority of this box, by its place in homes
	priority: number; // in effect; 0: it gives up
	parts: HAPart[]; // what makes the priority what it is
	routers: HARouter[];
	handoff?: HAHandoff; // null: switched off
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
	home: boolean; // this box is the group's first choice
	preferred: string; // node that is the group's first choice
	homes: string[]; // nodes in order of preference
	clusters: string[]; // that follow the group
}

export interface HAGroupSettings {
	name: string;
	homes: string[]; // nodes in order of preference
	base: number; // priority of this box: 200, 150, 100, 50 by its place in homes
	interval: string; // between advertisements, 10ms to 40950ms
	preempt: boolean;
	preempt_delay: string;
	start_delay: string;
	accept: boolean;
	on_split: string; // hold or takeover
	engine_hold: string; // silence of the engine after which the group gives up
	handoff: string; // how long packets of old connections are sent on to the box that was active; 0s: not at all
	announce: HAAnnounce;
	routers: HARouterSettings[];
	tracks: HATrackSettings[];
}

export interface HAHandoff {
	limit: string;
	problem?: string; // why connections end with a switch
	packets: number; // sent on since the group came here last
	connections: number; // that they belong to
	ended: number; // of those, ended by their client
	until?: string; // when packets are not sent on any more, or were not
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HAHeartbeat {
	seen: boolean; // lately enough to count
	age: string; // since the last one; 0: none was heard
}

export interface HAMirror {
	listen: string; // empty: there is no mirror
	fingerprint: string; // SHA-256 of the box's own certificate, hexadecimal
	pairing: string; // phase of a pairing: idle, open, joining, code, done or failed
	keys: string; // node whose cookie and ticket keys all boxes use; empty: each uses its own
	tables: HATable[];
	problem: string; // why it does not work; empty: it does
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HANode {
	configured: boolean; // the running revision has a group, or a peer
	name: string;
	simulated: boolean; // the network of the groups is simulated
	summary: string; // one line for people
	alarms: HAAlarm[]; // the worst first
	problem: string; // why hot standby does not work on this box; empty: it does
	realtime: boolean; // advertisements are sent with real-time priority
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HAObjRef {
	block: string; // such as pool
	name?: string; // empty: the block has none
}

export interface HAObject {
	group?: HAGroup;
	peer?: HAPeer;
	mirror?: HAMirror;
	node?: HANode;
}

export interface HAOrder {
	id: number; // grows
	kind: string; // switch, rebalance, stay or crash
	group?: string; // empty: all
	node?: string; // of a switch: to whom
	by?: string; // who has ordered it
	for?: string; // of a crash
}

export interface HAPairing {
	phase: string; // idle: nobody pairs; open: this box waits for another to join; joining; code: compare it; done; failed
	code: string; // six digits that both boxes show; empty: none yet
	peer: string; // name of the other box, once it is known
	address: string; // of the other box
	fingerprint: string; // SHA-256 of the other box's certificate, hexadecimal; empty: not known yet
	own: string; // SHA-256 of this box's certificate, hexadecimal; empty: it has none yet
	listen: string; // address that the other box joins at; empty: this box has no mirror
	confirmed_here: boolean;
	confirmed_there: boolean;
	until?: string; // when the phase ends by itself
	problem: string; // why it failed; empty: it did not
	not_before?: string; // when the next may begin, after failures
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HAPart {
	cause: string; // such as port lan2, pool shop, engine, custom db
	weight: number; // taken away while the cause fails; 0: all
	ok: boolean;
	detail: string; // in words
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HAPeer {
	name: string;
	address: string; // of its mirror and heartbeat
	paired: boolean; // its identity is known here
	heartbeat: HAHeartbeat;
	mirror: HAPeerMirror;
	groups: Record<string, HAPeerGroup>; // as the peer tells them
	differences: HADifferences;
}

export interface HAPeerGroup {
	state: string; // init, backup, active or fault
	priority: number;
	healthy: boolean; // it could be active there
	reason: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HAPeerMirror {
	connected: boolean;
	since?: string; // of being connected, or not
	version: number; // of the stream's language; 0: not known yet
	software: string; // version that the peer runs; empty: not known yet
	lag: string; // from a change to its acknowledgement, 99 of 100 of the last
	acked: number; // changes that the peer has acknowledged
	queued: number; // changes that wait
	problem: string; // why it is not connected, or not whole; empty: none
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HAPeerSettings {
	name: string;
	address: string; // of its heartbeats (UDP)
	key: string; // of the heartbeats, known to both boxes; null where they are not paired
}

export interface HAPulse {
	settings: number; // number of the newest settings
	engine: HAEngine;
	tracks: Record<string, HATrackState>; // of pools and custom ones, by KIND/NAME; what is left out stays as it was, and is ok at first
	orders: HAOrder[]; // each is repeated until a report has its outcome
	mirror: Record<string, HAConnected>; // by peer
	acked: number; // changes of this epoch are kept up to this number
}

export interface HARehearsal {
	id: string;
	group: string;
	kind: string; // planned or crash
	by: string;
	started: string;
	state: string; // waiting, away, back, done or failed
	from: string; // node that was active
	to: string; // node that took over
	target: string; // what was asked, such as GET http://192.0.2.10/ or tcp 192.0.2.10:25
	prober: string; // node whose engine asked
	outside: boolean; // the prober is neither of the two boxes: its connections fare as those of clients do. One of the two cannot keep connections with an address that it takes itself
	away: HARehearsalLeg; // measured while the other box took over
	back: HARehearsalLeg; // measured on the way back
	problem?: string; // why it failed
	finished?: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HARehearsalLeg {
	asked: number; // requests, one every 10 ms
	failed: number; // of these, without an answer
	gap: string; // longest time between two answers
	kept: number; // connections of HTTP that were open before and still answered afterwards
	broken: number; // those that did not
	takeover: string; // from the order until the other box was active
}

export interface HARehearsals {
	rehearsals: HARehearsal[]; // the newest first, 50 at most
	running?: HARehearsal;
}

export interface HARouter {
	name: string;
	interface: string; // as the kernel calls it
	vrid: number;
	version: number; // of VRRP, 2 or 3
	family: string; // ipv4 or ipv6
	addresses: string[];
	mac: string; // that its addresses have while they are here
	state: string; // init, backup, active or fault
	master: string; // address of the router that advertised last; empty: none is known
	master_priority: number; // of that
	peer_checksum?: string; // by which rule the peer reckons checksums: rfc9568, pseudo; empty: unknown
	sent: number; // advertisements
	received: number; // advertisements
	errors: Record<string, number>; // packets that were refused, by reason
	problem?: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HARouterSettings {
	name: string;
	interface: string; // as the kernel calls it; empty: the port is missing
	port: string; // as the configuration names it
	vrid: number;
	version: number; // 2 or 3
	addresses: string[]; // each with its prefix length
	mac: string; // virtual or port
	checksum: string; // rfc9568 or pseudo
	unicast: string[]; // addresses of the other routers; none: multicast
	owner: boolean; // priority 255, whatever is tracked
}

export interface HASettings {
	number: number; // counts the changes; ha.pulse tells the newest
	node: string; // name of this box
	listen: string; // address of the heartbeats (UDP); empty: none
	peers: HAPeerSettings[];
	groups: HAGroupSettings[];
}

export interface HAShow {
	configured: boolean; // the running revision has a group, or a peer
	node: string; // name of this box
	simulated: boolean; // the network of the groups is simulated
	summary: string; // one line for people
	groups: HAGroup[];
	peers: HAPeer[];
	mirror: HAMirror;
	alarms: HAAlarm[]; // the worst first
	problem: string; // why hot standby does not work on this box; empty: it does
	realtime: boolean; // advertisements are sent with real-time priority
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HATable {
	name: string; // sources, verdicts, runtime, keys, certificates or timeline
	applied: number; // changes that came from peers since the engine started
	refused: number; // changes from peers that could not be used
}

export interface HATimeline {
	entries: HAEntry[];
	missing: string[]; // peers whose part could not be had, each with the cause
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HATrackSettings {
	kind: string; // port, default_route, pool or custom
	name: string; // of the port, pool or custom track; v4 or v6 of the default route
	interface: string; // of the port, as the kernel calls it; empty: the port is missing
	weight: number; // taken away while it fails; 0: the group is at fault meanwhile
}

export interface HATrackState {
	ok: boolean;
	why?: string; // in words
}

export interface HATracks {
	tracks: Record<string, HATrackState>; // by name
}

export interface Handover {
	token: string; // for auth.handover, within 5 minutes
}

export interface Hardware {
	board: HardwareBoard;
	sensors: Sensor[];
	machine: MachineInfo | null; // the supervisor's devices; null: it does not answer
	problems: string[]; // devices that the board names and the machine has not
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface HardwareBoard {
	name: string;
	description: string;
	vendor: string; // as the machine says; empty: it does not
	product: string; // as the machine says, or its device tree
	version: string;
	arch: string; // amd64 or arm64
	recognised: string[]; // why it was; none: it was not, or somebody has named the board
	message: string; // how it came to this board
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Hello {
	product: string; // Evener
	version: string;
	hostname: string;
	time: string; // of the box's clock
	ui_hash?: string; // of the console's pages that this version serves
	features: string[]; // what this version can do besides answering calls
	session: HelloSession | null; // null: nobody is logged in
	setup: boolean; // there is no administrator yet: auth.setup makes one
	fingerprint?: string; // SHA-256 of the console's certificate, hexadecimal
}

export interface HelloSession {
	id: string;
	user: string;
	role: "viewer" | "operator" | "editor" | "admin";
	scope?: Record<string, string>; // labels that objects must have
	idle?: string; // unused, the session ends after this; absent: an API token or the Unix socket
}

export interface History {
	revisions: Revision[];
	pending?: Pending; // commit that waits for its confirm
}

export interface HistoryTable {
	from: string; // of the first row
	step: string; // between two rows; coarser than asked for where so old a time is kept only so
	metrics: string[];
	columns: ((number | null)[])[]; // one for each metric; null where nothing is known
}

export interface Info {
	version: string;
	board: string;
	pid: number; // of the engine
	started: string; // of the engine
	revision: number; // that runs
	author: string; // of that revision
	committed: string;
	pending?: Pending;
	generations: Generation[]; // that serve exchanges, the current one first
	metrics?: string; // URL of the metrics
	console: ConsoleInfo;
	roles: RoleStatus[];
	restart?: RestartStatus; // the last restart that was asked for
	problems: string[]; // what needs attention, the worst first
	notes: string[]; // what is not as the configuration has it, or happened lately, though nothing need be done
	standby?: string; // how the box and its peers stand in for each other, in one sentence; empty: it stands alone
	checking: string[]; // members whose probes have no verdict yet, as POOL/MEMBER; they get clients meanwhile
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Issuer {
	subject: string;
	not_after: string;
}

export interface Keyword {
	name: string;
	kind: string;
	min?: string;
	max?: string;
	one_of?: string[];
	ref?: string;
	default?: string;
	default_for?: Record<string, string>;
	unset?: string;
	required?: boolean;
	only?: string[];
	purpose: string;
}

export interface Language {
	blocks: Block[]; // those that enclose others first
}

export interface LiveCluster {
	name: string;
	labels?: Record<string, string>;
	protocol: string;
	listen: string[];
	pool?: string;
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
	group?: string; // failover group that it follows; empty: none
	standby?: string; // why no clients come to this box, such as: group front is active on left; empty: they do
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
	rate: Rate;
}

export interface LiveMember {
	pool: string;
	name: string;
	address: string;
	labels?: Record<string, string>; // of its server
	state: string; // up, checking, spare, full, quiesced, disabled or down
	why?: string; // why a new client does not get it
	health: string;
	reason?: string; // of its health
	since?: string; // of its health
	admin: string;
	until?: string; // end of its drain
	cut?: boolean; // what is left at the end of its drain is closed
	static: number; // weight as configured
	override?: number; // weight that the operator set in its place
	weight: number; // in force
	weight_why?: string;
	active: number;
	limit?: number; // max_connections
	open: number; // connections to it, idle ones too
	picked: number;
	failed: number;
	p95: string;
	steps?: string[]; // of its weight, the latest last
	peers?: Record<string, PeerHealth>; // what the probes of other boxes say of it, by box
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
	spare: boolean; // a hot spare: used only when no regular member is usable
	admin_since?: string; // since when it is enabled, quiesced or disabled
	admin_reason?: string; // why, in the operator's words
	admin_by?: string; // who did that
	keep_sticky: boolean; // while it is quiesced, persistent clients still come
	sticky: number; // clients that persistence by address keeps on it; counted every 5 s
	cookies: boolean; // clients may be kept on it by cookies too, which nobody can count
	rate: Rate;
	probes: LiveProbe[];
}

export interface LivePool {
	name: string;
	policy: string;
	tier: string; // which members are in use: regular, spare, quiesced or none
	states: Record<string, number>; // how many members are in each state
	members: string[]; // in the order of the configuration
	labels?: Record<string, string>;
	rate: Rate;
}

export interface LiveProbe {
	name: string;
	type: string;
	state: string; // up, down or checking: its verdict
	deciding: boolean; // whether its verdict counts
	at?: string; // when it was asked last; absent: never
	outcome?: string; // good, bad, abstain or unavailable
	detail?: string; // in words
	took: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface LiveSystem {
	version: string;
	board: string;
	pid: number; // of the engine
	started: string; // of the engine
	revision: number; // that runs
	author: string; // of that revision
	committed: string;
	pending?: Pending;
	generations: Generation[]; // that serve exchanges, the current one first
	metrics?: string; // URL of the metrics
	console: ConsoleInfo;
	roles: RoleStatus[];
	restart?: RestartStatus; // the last restart that was asked for
	problems: string[]; // what needs attention, the worst first
	notes: string[]; // what is not as the configuration has it, or happened lately, though nothing need be done
	standby?: string; // how the box and its peers stand in for each other, in one sentence; empty: it stands alone
	checking: string[]; // members whose probes have no verdict yet, as POOL/MEMBER; they get clients meanwhile
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
	rate: Rate; // of all clusters
	busy: number; // share of their time that the event loops work, 0 to 1
	heap: number; // bytes of the engine's heap in use, in steps of 1 MiB
	goroutines: number; // in steps of 10
	cpus: number;
}

export interface LogEventsEvent {
	seq: number;
	time: string;
	kind: string; // stable and dotted, such as member.down
	severity: string; // info, warning or error
	object?: string; // path of what it is about, such as pool/shop/member/web2
	args?: Record<string, unknown>; // the values inside text, for translation
	text: string; // in words
	ack?: EventAck; // who has taken notice; absent: nobody
	said?: Record<string, Said>; // what the args that are sentences say, by name: kind and args
}

export interface LogSystemRecord {
	seq: number;
	time: string;
	level: string;
	message: string;
	attrs?: Attr[];
}

export interface MachineBypass {
	name: string;
	ports: string[]; // as on the front; none: not known
	driver: string;
	mode: string; // normal, bypassed, open or unknown
	power_off: string; // mode without power
	problem?: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface MachineInfo {
	booted?: string; // when the machine started
	level: string; // what the alarm lamp shows: fine, warning, error, alert or emergency
	why: string; // of that level; empty: all is fine
	locate: boolean; // the lamp for finding the box blinks
	memory?: MachineMemory; // up to ten seconds ago; absent: the kernel does not say, or state.machine was followed
	panel: MachinePanel | null; // null: there is none
	leds: MachineLED[];
	watchdog: MachineWatchdog | null; // null: none is used
	serial: MachineSerial;
	keys: MachineKey[];
	bypass: MachineBypass[];
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface MachineKey {
	use: string; // power or reset
	device: string;
	code: string;
	found: boolean;
	presses: number; // since the supervisor's start
	problem?: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface MachineLED {
	use: string; // power, status, alarm, locate or activity
	colours: string[]; // that it has
	colour: string; // that it shows, or comes nearest to; empty: it is dark
	blink: boolean;
	problem?: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface MachineMemory {
	total: number; // bytes that the kernel hands out: what is built in, less its own code and tables
	available: number; // bytes that programs could still have: free, or given back when somebody needs them
	processes: MachineProcess[]; // those of the box
}

export interface MachinePanel {
	driver: string;
	device: string;
	rows: number;
	cols: number;
}

export interface MachineProcess {
	role: string; // supervisor, engine, console, ha, or a demo server
	pid: number;
	pss: number; // bytes: its own, and its share of what several processes have in common, such as the program
	problem?: string; // why that is not known
}

export interface MachineSerial {
	devices: string[]; // such as ttyS0; pty is a new pseudo-terminal
	speed: number; // bit/s
}

export interface MachineWatchdog {
	identity: string;
	timeout: string;
	left: string; // until it restarts the box; 0s: the driver does not tell
	feeding: boolean; // false: the box restarts soon
	why?: string; // it is not fed, or will not be for long
	reset: boolean; // it was the watchdog that started the box last
	boot: string[]; // what the hardware says of the last start
	fed?: string;
	stoppable: boolean; // an orderly end of the box disarms it
	problem?: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Management {
	port?: string;
	vlan: number;
	method: string;
	address: string[];
	gateway: string[];
	dns: string[];
}

export interface Member {
	pool: string;
	name: string;
	address: string;
	labels?: Record<string, string>; // of its server
	state: string; // up, checking, spare, full, quiesced, disabled or down
	why?: string; // why a new client does not get it
	health: string;
	reason?: string; // of its health
	since?: string; // of its health
	admin: string;
	until?: string; // end of its drain
	cut?: boolean; // what is left at the end of its drain is closed
	static: number; // weight as configured
	override?: number; // weight that the operator set in its place
	weight: number; // in force
	weight_why?: string;
	active: number;
	limit?: number; // max_connections
	open: number; // connections to it, idle ones too
	picked: number;
	failed: number;
	p95: string;
	steps?: string[]; // of its weight, the latest last
	peers?: Record<string, PeerHealth>; // what the probes of other boxes say of it, by box
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface MetricsText {
	text: string;
}

export interface NetworkForwarding {
	ipv4: boolean;
	ipv6: boolean;
}

export interface NetworkInfo {
	managed: boolean; // the box configures its management port
	why: string; // it does not; empty: it does
	port: string; // of management; empty: none is known
	interface: string; // that has the addresses: the port's, or that of its VLAN; empty: it is not there
	vlan: number; // in which the addresses are, 1 to 4094; 0: frames have no tag
	method: string; // none, static or dhcp
	addresses: string[]; // of the port now, whoever has set them, with the lengths of their networks
	gateway: string; // the first of gateways
	gateways: string[]; // of the box's own default routes
	dns: string[]; // name servers that the box has set
	host_name: string; // now
	time_zone: string; // now; empty: not known
	lease: NetworkLease | null; // of a DHCP server; null: none
	problem: string; // what is not as it should be; empty: nothing
	problems: string[]; // each of them
	links: NetworkLink[]; // ports, bonds and VLANs that the box configures, what a VLAN is on before it
	ways: NetworkWay[]; // routes, rules of routes and NAT
	forwarding: NetworkForwarding; // now
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface NetworkLease {
	address: string; // with the length of its network
	server: string;
	routers: string[]; // that it offers
	dns: string[]; // that it offers
	domain?: string;
	obtained: string;
	renews: string; // when more time is asked for
	expires?: string; // absent: never
}

export interface NetworkLink {
	name: string; // such as lan1, bond0 or lan1.100
	kind: string; // port, bond or vlan
	description?: string;
	interface: string; // as the kernel calls it; empty: it is not there
	over?: string; // of a VLAN: what it is on
	vlan?: number; // of a VLAN: its number
	mode?: string; // of a bond: lacp or active_backup
	partner?: string; // of a bond with LACP: MAC address of the other end; empty: nobody answers
	members?: NetworkMember[]; // of a bond
	enabled: boolean; // as configured
	up: boolean; // it is switched on
	carrier: boolean; // something answers at the other end
	mtu: number; // bytes, now; 0: it is not there
	wanted: string[]; // addresses that are configured, with the lengths of their networks
	addresses: string[]; // now, whoever has set them
	problems: string[];
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface NetworkMember {
	port: string;
	joined: boolean; // it is in the bond
	carrier: boolean;
	active: boolean; // it carries packets
}

export interface NetworkWay {
	name: string;
	kind: string; // route, route_rule or nat
	text: string; // what it does, in words of ip and nft
	set: boolean;
	problem: string; // why it is not set; empty: it is
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface NewToken {
	id: string; // no secret
	name: string;
	owner: string; // user, or who made it over the Unix socket
	role: "viewer" | "operator" | "editor" | "admin"; // it never does more than its owner may
	scope?: Record<string, string>; // labels that objects must have; none: everything
	created: string;
	expires?: string; // left out: never
	used?: string; // left out: never
	expired?: boolean;
	secret: string; // evt_ID_SECRET, for Authorization: Bearer; it is shown now and never again
}

export interface ObjectText {
	path: string;
	text: string; // with the comments directly above
	attrs: Record<string, string>; // the block's own attributes as they are written, each on one line
	values: unknown; // checked values; null while the text has mistakes
	blocks: string[]; // paths of the blocks directly within, in their order
	line: number;
	on: string; // running or candidate
	base: number; // revision that it is, or was made on
	version?: string; // of the candidate
}

export interface PairStep {
	step: string;
	state: string; // waits, runs, done or failed
	since?: string;
	text: string; // what was done or found
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface PairUpgrade {
	pair: UpgradePair | null; // null: none was begun
	why: string; // why none can be begun now; empty: it can
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface PanelCursor {
	on: boolean;
	row: number; // from 0
	col: number; // from 0
}

export interface PanelScreen {
	model?: string; // of the display; empty: there is none
	connected: boolean; // the display answers
	problem?: string; // why it does not, or which key is stuck
	mode: string; // full, read-only or off
	rows: number;
	cols: number;
	private: boolean; // what it shows is for admins and whoever stands before it: others get no lines
	lines: string[]; // rows of text, each at most cols wide; Chinese characters are two wide
	cursor: PanelCursor;
	backlight: number; // percent
	leds: string[]; // lamps of the panel, off, green, red or amber: of the state of the box, then of its alarms
	keys: string[]; // that the panel has: up, down, left, right, enter, escape
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface PanelSettings {
	mode: string;
	language: string;
	rotate: string;
	backlight: number;
	contrast: number;
	idle: string;
	pin?: string; // empty: the menu opens without one
	given: boolean; // the block is written in the configuration
}

export interface PanelStatus {
	host: string;
	board: string;
	version: string;
	revision: number; // that runs
	started: string; // of the engine
	now: string; // the box's clock
	serves: boolean; // clients are served as the running revision says
	pending?: Pending; // a commit that waits for its confirm
	problems: PanelStatusProblem[]; // the worst first, 32 at most
	more: number; // problems beyond those
	console: ConsoleInfo;
	roles: RoleStatus[];
	clusters: UpCount; // up: enabled, and its pool has a member for new clients
	servers: UpCount; // members of pools; up: gets new clients somewhere
	accepted: number; // connections of clients since the engine's start
	connections: number; // of clients, open
	bytes_in: number; // per second
	bytes_out: number; // per second
	management: Management; // what the running revision says of the management port
	standby?: string; // how the box and its peers stand in for each other, in one sentence; empty: it stands alone
	passive?: boolean; // the box has failover groups, and is on standby for all of them
	store?: StoreBeat; // whether the disk of the box still takes what is written
	management_given: boolean; // the block management is written there
}

export interface PanelStatusProblem {
	kind: string; // stable and dotted, such as member.down: what programs test and translate
	severity: string; // error: clients are not served as they should be; warning: they are, for now
	object?: string; // path of what it is about, such as pool/shop/member/web2
	args?: Record<string, unknown>; // the values inside text, for translation
	text: string; // in words
	since?: string; // when it began, or when it was noticed
	said?: Record<string, Said>; // what the args that are sentences say, by name: kind and args
}

export interface PeerHealth {
	health: string; // up or down
	reason?: string;
	since: string;
}

export interface Pending {
	revision: number;
	left: string; // until it is taken back
	deadline: string;
	now: string; // the box's clock, by which the deadline is
	author: string; // who has committed
	comment?: string;
}

export interface Ping {
	host: string;
	address: string;
	sent: number;
	received: number;
	min?: string;
	mean?: string;
	max?: string;
	replies: PingReply[]; // in the order of the requests
}

export interface PingReply {
	seq: number; // from 1
	time?: string;
	error?: string; // why there is no time
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Pool {
	name: string;
	labels?: Record<string, string>;
	policy: string;
	tier: string; // which members are in use: regular, spare, quiesced or none
	members: Member[];
}

export interface Pools {
	pools: Pool[];
}

export interface Port {
	name: string; // as on the front
	position: number; // place on the front, from 0
	interface: string; // as the kernel calls it; empty: the port is missing
	driver: string;
	pci: string; // address of the controller; empty: it is on no PCI bus
	mac: string;
	up: boolean; // it is switched on
	carrier: boolean; // something answers at the other end
	state: string; // up, no-carrier, down or missing
	speed: number; // Mbit/s; 0: not known
	duplex: string; // full or half; empty: not known
	mtu: number; // bytes
	addresses: string[]; // with the lengths of their networks
	management: boolean; // the board has it for administration
	identify: boolean; // its lamp blinks
	offloads: Record<string, boolean>; // what the hardware can do, as ethtool calls it, and whether it does
	rings: PortRings;
	counters: PortCounters;
	sfp: PortSFP | null; // the module in it; null: none that can be read
	bypass: PortBypass | null; // null: it is of no pair
	problem: string; // what is not as it should be; empty: nothing
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface PortBypass {
	pair: string; // its name; hardware.show tells what the relay does
}

export interface PortCounters {
	rx_bytes: number;
	tx_bytes: number;
	rx_packets: number;
	tx_packets: number;
	rx_errors: number;
	tx_errors: number;
	rx_dropped: number;
	tx_dropped: number;
	driver: Record<string, number>; // the driver's own, under its names
}

export interface PortList {
	ports: Port[];
}

export interface PortRings {
	rx: number;
	tx: number;
	rx_max: number; // 0: not known
	tx_max: number; // 0: not known
}

export interface PortSFP {
	vendor: string;
	part: string;
	serial: string;
	type: string; // such as 10GBASE-SR
	wavelength: number; // nm; 0: none
	temperature: number | null; // °C; null: it does not measure
	rx_power_dbm: number | null; // -40: dark; null: it does not measure
	tx_power_dbm: number | null; // null: it does not measure
}

export interface Previewed {
	effects: ServerPreviewEffect[];
	guarded: boolean; // it would be refused unless forced
}

export interface Probed {
	exchanges: Exchange[];
}

export interface Problem {
	file?: string;
	line?: number;
	col?: number;
	path?: string;
	message: string;
	warning?: boolean;
	said?: Record<string, Said>;
}

export interface ProcessStatus {
	pid?: number;
	state: string;
	version?: string;
	since?: string;
}

export interface Put {
	revision: Revision;
	pending?: Pending; // set while it waits for its confirm
	problems?: Problem[]; // warnings
	draft?: Draft; // of a rollback that has made a candidate only
	urls?: string[]; // where the console is now, if it has moved
	handover?: string; // token that lets you in at one of urls, once, within 5 minutes
	changes: Change[]; // by block
}

export interface Rate {
	requests: number; // per second
	errors: number; // per second: answers 5xx, and exchanges that the box had to end
	connections: number; // open
	bytes_in: number; // per second
	bytes_out: number; // per second
	p50?: number; // seconds; the worst of the last seconds
	p95?: number; // seconds; the worst of the last seconds
}

export interface Rebased {
	base: number; // revision that the candidate is made on
	version?: string; // of the candidate; empty: there is none
	running: number; // revision that runs; another one than base: see config.rebase
	problems: Problem[]; // mistakes and warnings: the candidate is kept with them, but not committed with a mistake
	done: boolean; // false: there are conflicts, or it was a trial; the candidate is as it was
	conflicts: Conflict[];
	changes: Change[]; // what the candidate changes then against the running revision
	text?: string; // of a trial
}

export interface RecoveryCodes {
	codes: string[]; // they are shown now and never again
}

export interface RequestForm {
	name: string; // of the request; the certificate is usually imported under it
	key?: "ecdsa-p256" | "ecdsa-p384" | "rsa-2048" | "rsa-3072" | "rsa-4096"; // that is made; ecdsa-p256
	names: string[]; // host names, also with *. in front, and addresses that the certificate is to be for
	common_name?: string; // CN of the subject; the first of names
	organization?: string; // O
	unit?: string; // OU
	locality?: string; // L
	province?: string; // ST, state or province
	country?: string; // C, two letters
}

export interface Resolution {
	take: string; // mine, theirs or text
	text?: string; // with text: the block as it shall be; empty: it is removed
}

export interface Resource {
	path: string; // such as pool/shop
	values: Record<string, unknown>; // attributes by name, and the blocks within: an object, or a list of objects with their labels
	on: string; // running or candidate
	revision: number; // that it is, or was made on
}

export interface Response {
	answer: string;
}

export interface RestartStatus {
	role: string;
	done: boolean;
	error?: string;
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Restored {
	hostname: string; // of the box that it was made on
	version: string; // of the program that made it
	made: string;
	revision: number; // whose text is a candidate now
	author: string; // whose candidate it is: yours, or, where you are none of the restored users, that of their first admin
	items: string[]; // what was put into the vault
	problems: Problem[]; // warnings about the candidate
}

export interface Review {
	base: number; // revision that the candidate is made on
	running: number; // revision that runs; another one than base: see config.rebase
	version: string; // of the candidate
	changes: Change[]; // what a commit changes; where another revision was committed meanwhile: after config.rebase, with your side of what conflicts
	text: string; // the same as a unified diff
	problems: Problem[]; // mistakes, which keep it from being committed, and warnings of the language
	warnings: Warning[]; // of what the commit would mean: lockout.*, lint.*, tests.failed
	tests: RuleTest[];
	conflicts: Conflict[]; // with what was committed meanwhile
	confirm: Advice; // whether the commit should wait for its confirm
	outside?: string; // block that you may not change: the commit will be refused
}

export interface Revision {
	number: number;
	parent: number;
	author: string;
	time: string;
	origin: string;
	comment?: string;
	sha256: string;
	size: number;
	status: string;
	source?: number;
	settled?: Settlement;
}

export interface Revoked {
	issuer: string;
	entries: number; // certificates that it revokes
	from: string;
	next?: string; // when it expires
}

export interface RoleStatus {
	name: string;
	pid?: number;
	state: string;
	version?: string;
	since?: string;
	next?: ProcessStatus;
	draining?: ProcessStatus[];
	restarts: number;
	crashes: number;
	last_crash?: string;
	crashed?: string[];
	held?: string;
	held_until?: string;
	listeners?: string[];
}

export interface Rotated {
	keys: number; // the new one, and those before it whose cookies are still accepted
}

export interface Route {
	verb: string;
	path: string; // below /api/v1, with parts in braces
	method: string; // that is called
	join?: Record<string, string>; // parameters that are made of parts of the path
	etag?: string; // member of the result that identifies this state of the resource
	if_match?: string; // parameter that takes it back
	body?: string; // parameter that is the whole body; others are in the query then
}

export interface Rule {
	cluster: string;
	name: string;
	position: number; // in its cluster, from 1: rules are tried in this order
	when: string;
	pool?: string;
	responder?: string;
	disabled: boolean;
	hits: number;
	last_hit?: string;
}

export interface RuleTest {
	path: string; // of the test
	line: number;
	passed: boolean;
	misses?: TestMiss[]; // what is not as expected
	error?: string; // why the request could not be asked
	rule: string; // that decided; empty: the cluster's own settings
	pool?: string;
	responder?: string;
	status?: number; // of an answer of the box itself
	text: string; // the outcome in words
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Rules {
	rules: Rule[];
}

export interface Said {
	kind: string; // stable and dotted, such as probe.no_connection
	args?: Record<string, unknown>; // the values inside the text: strings, and objects of this form where a value is a sentence itself
	text?: string; // of a sentence inside another: in English
}

export interface Second {
	requests: number; // in the second
	errors: number; // in the second
	connections: number; // open
	busy: number; // share of their time that the event loops worked, 0 to 1
	heap: number; // bytes
	goroutines: number;
	clusters?: Cluster[]; // the busiest; those that did nothing are left out
}

export interface Self {
	user: string;
	role: "viewer" | "operator" | "editor" | "admin";
	scope?: Record<string, string>; // labels that objects must have
	origin: string;
	session?: string; // id of the session or API token; empty: the Unix socket
	sudo: boolean; // the password was given lately, or need not be
	sudo_until?: string;
	totp: boolean; // the second factor is on
	recovery_codes: number; // that are left
	last_login?: string;
	now: string; // of the box's clock
	expires?: string; // when the session ends, used or not
	idle?: string; // when it ends if it is not used; asking counts as use
}

export interface Sensor {
	id: string; // chip and input, such as nct6775/temp1
	name: string;
	kind: string; // temperature, fan, voltage or power
	value: number; // the last one, where it is missing
	unit: string; // °C, rpm, V or W
	low: number; // limit; 0: none
	high: number; // limit; 0: none
	critical: number; // limit; 0: none
	state: string; // ok, warning, critical or missing
	problem?: string; // why it is missing
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface ServerCancelEffect {
	member: string; // POOL/MEMBER
	state: string; // up, checking, spare, full, quiesced, disabled or down
	active: number; // exchanges that run on it
	open: number; // connections to it, idle ones too
	sticky: number; // clients that persistence by address keeps on it
	cookies?: boolean; // clients may be kept on it by cookies too, which nobody can count
	share: number; // of the pool's new clients that it gets by its weight, 0 to 1
	left: number; // members of the pool that take new clients when all of them are out
	total: number; // members of the pool
	promoted?: string[]; // hot spares that take over then
	last?: boolean; // nobody would be left: refused unless forced
	until?: string; // end of its drain, if one runs
	cut?: boolean; // what is left at the end of that drain is closed
	error?: string; // why nothing was done with it, one of several
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface ServerDisableEffect {
	member: string; // POOL/MEMBER
	state: string; // up, checking, spare, full, quiesced, disabled or down
	active: number; // exchanges that run on it
	open: number; // connections to it, idle ones too
	sticky: number; // clients that persistence by address keeps on it
	cookies?: boolean; // clients may be kept on it by cookies too, which nobody can count
	share: number; // of the pool's new clients that it gets by its weight, 0 to 1
	left: number; // members of the pool that take new clients when all of them are out
	total: number; // members of the pool
	promoted?: string[]; // hot spares that take over then
	last?: boolean; // nobody would be left: refused unless forced
	until?: string; // end of its drain, if one runs
	cut?: boolean; // what is left at the end of that drain is closed
	error?: string; // why nothing was done with it, one of several
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface ServerDrainEffect {
	member: string; // POOL/MEMBER
	state: string; // up, checking, spare, full, quiesced, disabled or down
	active: number; // exchanges that run on it
	open: number; // connections to it, idle ones too
	sticky: number; // clients that persistence by address keeps on it
	cookies?: boolean; // clients may be kept on it by cookies too, which nobody can count
	share: number; // of the pool's new clients that it gets by its weight, 0 to 1
	left: number; // members of the pool that take new clients when all of them are out
	total: number; // members of the pool
	promoted?: string[]; // hot spares that take over then
	last?: boolean; // nobody would be left: refused unless forced
	until?: string; // end of its drain, if one runs
	cut?: boolean; // what is left at the end of that drain is closed
	error?: string; // why nothing was done with it, one of several
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface ServerEnableEffect {
	member: string; // POOL/MEMBER
	state: string; // up, checking, spare, full, quiesced, disabled or down
	active: number; // exchanges that run on it
	open: number; // connections to it, idle ones too
	sticky: number; // clients that persistence by address keeps on it
	cookies?: boolean; // clients may be kept on it by cookies too, which nobody can count
	share: number; // of the pool's new clients that it gets by its weight, 0 to 1
	left: number; // members of the pool that take new clients when all of them are out
	total: number; // members of the pool
	promoted?: string[]; // hot spares that take over then
	last?: boolean; // nobody would be left: refused unless forced
	until?: string; // end of its drain, if one runs
	cut?: boolean; // what is left at the end of that drain is closed
	error?: string; // why nothing was done with it, one of several
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface ServerPreviewEffect {
	member: string; // POOL/MEMBER
	state: string; // up, checking, spare, full, quiesced, disabled or down
	active: number; // exchanges that run on it
	open: number; // connections to it, idle ones too
	sticky: number; // clients that persistence by address keeps on it
	cookies?: boolean; // clients may be kept on it by cookies too, which nobody can count
	share: number; // of the pool's new clients that it gets by its weight, 0 to 1
	left: number; // members of the pool that take new clients when all of them are out
	total: number; // members of the pool
	promoted?: string[]; // hot spares that take over then
	last?: boolean; // nobody would be left: refused unless forced
	until?: string; // end of its drain, if one runs
	cut?: boolean; // what is left at the end of that drain is closed
	error?: string; // why nothing was done with it, one of several
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface ServerQuiesceEffect {
	member: string; // POOL/MEMBER
	state: string; // up, checking, spare, full, quiesced, disabled or down
	active: number; // exchanges that run on it
	open: number; // connections to it, idle ones too
	sticky: number; // clients that persistence by address keeps on it
	cookies?: boolean; // clients may be kept on it by cookies too, which nobody can count
	share: number; // of the pool's new clients that it gets by its weight, 0 to 1
	left: number; // members of the pool that take new clients when all of them are out
	total: number; // members of the pool
	promoted?: string[]; // hot spares that take over then
	last?: boolean; // nobody would be left: refused unless forced
	until?: string; // end of its drain, if one runs
	cut?: boolean; // what is left at the end of that drain is closed
	error?: string; // why nothing was done with it, one of several
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Session {
	id: string; // no secret
	user: string;
	remote: string; // where it began
	agent: string; // what the client says it is
	created: string;
	seen: string; // when it was used last
	expires: string; // when it ends, used or not
	idle: string; // when it ends if it is not used
	current?: boolean; // the caller's
}

export interface Sessions {
	sessions: Session[]; // the one used last first
}

export interface Settings {
	settings: unknown; // a JSON object of 16 KiB at most
}

export interface Settlement {
	author?: string;
	origin: string;
	time: string;
	why?: string;
}

export interface SetupCode {
	code?: string; // empty: the box has an admin
}

export interface Since {
	epoch: string; // from the answer of sub.open
	seq: number; // of the last event
}

export interface Source {
	client: string;
	pool?: string;
	member?: string;
	open: number; // connections now
	idle?: string; // since the last connection closed
	keep: string; // how long it is kept after the last connection
}

export interface SourceText {
	text: string; // configuration in HCL
	on: string; // running or candidate
	base: number; // revision that it is, or was made on
	version?: string; // of the candidate
}

export interface Sources {
	records: Source[];
	total: number;
}

export interface Start {
	version: string;
	pid: number;
	revision: number; // of the configuration
}

export interface StateProblemsProblem {
	kind: string; // stable and dotted, such as member.down: what programs test and translate
	severity: string; // error: clients are not served as they should be; warning: they are, for now
	object?: string; // path of what it is about, such as pool/shop/member/web2
	args?: Record<string, unknown>; // the values inside text, for translation
	text: string; // in words
	since?: string; // when it began, or when it was noticed
	said?: Record<string, Said>; // what the args that are sentences say, by name: kind and args
}

export interface Stop {
	why: string;
}

export interface StoreBeat {
	alive: boolean; // the disk has answered within 90s; a refusal is an answer
	age: string; // since it answered last, or since the engine's start
	problem?: string; // why nothing could be written; empty: it could, or nobody knows yet
}

export interface SubOpened {
	sub: number; // number of the subscription on this connection
	epoch: string; // sequence numbers of another epoch mean nothing
	seq: number; // of the snapshot, or of the event before the first to come
	resumed: boolean; // nothing was lost since, or a gap will say what
	snapshot?: unknown; // of a state {objects: {key: value}}, of a series {t, cols}, of a log {seq, entries}; absent where resumed
}

export interface Sudo {
	until: string;
	token?: string; // with rotate: the session's new token
}

export interface SupportBundle {
	stream: number; // a gzipped tar archive; its manifest.json lists what is in it
	name: string; // for the file
}

export interface Switched {
	text: string[]; // what was done, a line for each box
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface SysLogRecord {
	seq: number;
	time: string;
	level: string;
	message: string;
	attrs?: Attr[];
}

export interface TOTPSecret {
	secret: string; // base32, to be typed in
	url: string; // otpauth://, what the QR code says
	qr: string; // the URL as a QR code, in SVG
}

export interface TestMiss {
	what: string; // rule, pool, responder or status
	want: string;
	got: string;
}

export interface Tested {
	on: string; // running, candidate or text
	tests: RuleTest[]; // in the order of the configuration
	failed: number;
}

export interface Text {
	text: string; // configuration in HCL
	revision: number; // revision that it is, or was made on
}

export interface Throttle {
	kind: string; // address or user; that of a user does not hold for addresses that the user has logged in from before
	key: string; // an address, a /64 of IPv6, or a name
	failures: number;
	last: string;
	until?: string; // no attempt before
}

export interface Throttles {
	throttles: Throttle[]; // those that wait longest first
}

export interface Tick {
	t: string;
	cols: Record<string, (number | null)[]>;
}

export interface TimeInfo {
	now: string; // the box's clock
	source: string; // of the list of servers: configuration, dhcp or none
	synced: boolean; // the clock follows servers
	corrects: boolean; // the box corrects its clock
	why: string; // it does not; empty: it does
	simulated: boolean; // the clock is meant to be left alone
	would: string; // what would be done to a clock that is not corrected; empty: nothing
	offset: number; // seconds that were missing at the last agreement
	error: number; // seconds by which offset may have been wrong
	stratum: number; // of the box, 2 to 16; 0: not known
	last?: string; // when servers agreed last; absent: never yet
	next?: string; // when they are asked next
	servers: TimeServer[];
	problem: string; // what is not as it should be; empty: nothing
	problems: string[]; // each of them
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface TimeServer {
	name: string; // as configured
	address: string; // empty: the name was not resolved
	state: string; // waiting, good, outvoted, unfit, silent or refused
	why: string; // of unfit, silent and refused
	stratum: number; // 0: not known
	offset: number; // seconds that the box's clock lacked
	distance: number; // seconds by which offset may have been wrong
	delay: number; // seconds there and back
	at?: string; // of the last answer; absent: none yet
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface TimeSet {
	now: string; // the box's clock
	by: number; // seconds by which it was set, forward if positive
}

export interface Token {
	id: string; // no secret
	name: string;
	owner: string; // user, or who made it over the Unix socket
	role: "viewer" | "operator" | "editor" | "admin"; // it never does more than its owner may
	scope?: Record<string, string>; // labels that objects must have; none: everything
	created: string;
	expires?: string; // left out: never
	used?: string; // left out: never
	expired?: boolean;
}

export interface Tokens {
	tokens: Token[];
}

export interface Trace {
	host: string;
	address: string;
	reached: boolean; // the last hop is the host
	hops: TraceHop[];
}

export interface TraceHop {
	ttl: number; // from 1
	tries: TraceTry[];
}

export interface TraceTry {
	from?: string; // who answered; empty: nobody
	time?: string;
	error?: string; // what was said in place of an answer
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Tried {
	problems: Problem[]; // mistakes and warnings that the candidate would have
	text: string; // the whole candidate as it would be, in HCL
}

export interface Trust {
	name: string;
	description?: string;
	cas: Issuer[];
	crls: Revoked[];
	used_by: string[]; // blocks of the running configuration
	lacks?: string; // why there is nothing
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface Trusts {
	trusts: Trust[];
}

export interface Uncovered {
	uncovered: UncoveredHost[];
}

export interface UncoveredHost {
	cluster: string;
	rule: string;
	host: string;
	certificates: string[]; // that the cluster has
}

export interface UpCount {
	up: number;
	total: number;
}

export interface UpgradeCheck {
	name: string; // config, addresses, servers, management, peer or disk
	ok: boolean;
	detail: string; // what was found, for people
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface UpgradeEntry {
	time: string;
	actor: string; // who did it; empty: the box by itself
	event: string; // written, refused, armed, started, good, fell_back, cancelled ...
	slot: string;
	version: string;
	reason: string; // in one sentence
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface UpgradeKey {
	id: string;
	comment: string;
	revoked: boolean;
}

export interface UpgradePair {
	id: string;
	step: string; // check, send, peer, soak, switch, self, back, done or stopped
	at: string; // the step at which it stopped; the same as step while it goes on
	version: string; // that both boxes are to run
	first: string; // box that is upgraded first
	second: string;
	by: string; // who has begun it
	began: string;
	since: string; // of the step
	done: number; // of the step: bytes sent, or seconds
	total: number; // likewise; 0: not known
	why: string; // what it waits for, or why it stopped, with what to do
	steps: PairStep[]; // all of them, in their order
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface UpgradeProgress {
	step: string; // take, verify, arm or trial
	slot: string;
	version: string; // empty: not known yet
	done: number; // bytes; seconds of a trial
	total: number; // likewise; 0: not known
	source: string; // where the bundle comes from: upload, usb, the URL, or the peer's name
	by: string; // who has begun it
	since: string;
}

export interface UpgradeRunning {
	slot: string; // A or B; empty: the box does not run from a slot
	version: string;
	ok: boolean; // it has passed its self-test
	try: number; // which of three tries this start is; 0: none, it was good before
	recovery: boolean; // the boot loader had no other slot left
	boot: string; // differs for each start of the box
}

export interface UpgradeShow {
	available: boolean; // the box runs from slots, and can be upgraded
	why?: string; // why not
	running: UpgradeRunning;
	slots: UpgradeSlot[]; // A and B
	progress: UpgradeProgress | null; // what goes on; null: nothing
	trial: UpgradeTest | null; // the self-test of the version that runs; null: it is good
	journal: UpgradeEntry[]; // what happened, the newest first
	pair: UpgradePair | null; // the upgrade of this box and its peer; null: none was begun
	rollback_index: number; // the highest that was good on this box: an older one is refused
	keys: UpgradeKey[]; // whose signatures count
	simulated: boolean; // the slots are in a file of the simulated board: the program itself stays the same
	usb: boolean; // the box can look for bundles on USB sticks
	pair_why: string; // why both boxes cannot be upgraded with one order now; empty: they can
	problem?: string; // what is wrong with the disk or the journal; empty: nothing
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface UpgradeSlot {
	slot: string; // A or B
	version: string; // empty: none
	boards: string[];
	state: string; // good, trying, bad, empty or spare
	next: boolean; // the boot loader starts it next
	created?: string;
	sha256: string; // of the image, hexadecimal: the same version twice is the same image
	size: number; // of the image, in bytes
	reason?: string; // of the state, for people
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface UpgradeTest {
	checks: UpgradeCheck[];
	good: boolean; // all of them pass
	since: string; // of being all good, or not
	soak: string; // how long all must be good before the version counts as good
	deadline: string; // when the box goes back to the other slot, if it is not good by then
	gave_up?: string; // why the box goes back now; empty: it does not
	said?: Record<string, Said>; // what the texts say, by field: kind and args, for translation
}

export interface UpgradeUpload {
	id: string; // for the other calls of the upload
	chunk: number; // bytes of one chunk, at most
}

export interface UpgradeWritten {
	slot: string; // A or B
	version: string;
	sha256: string; // of the image, hexadecimal
}

export interface User {
	name: string;
	role: "viewer" | "operator" | "editor" | "admin"; // viewer, operator, editor or admin
	scope?: Record<string, string>; // labels that objects must have; none: everything
	created: string;
	last_login?: string;
	failed: number; // attempts that were refused since then
	password_changed: string;
	totp: boolean; // the second factor is on
	recovery_codes: number; // that are left
	sessions: number; // that are open
}

export interface Users {
	users: User[];
}

export interface UsersReset {
	code: string; // set-up code, with which the console makes the first admin
	aside?: string; // what the vault calls the damaged users now; empty: nothing was left of them
}

export interface Warning {
	kind: string; // stable and dotted, such as lockout.allow: what programs test and translate
	severity: string; // error or warning
	object?: string; // path of what it is about
	args?: Record<string, unknown>; // the values inside text, for translation
	text: string; // in words
}

// Methods says what each method takes and gives, and what it needs.
export interface Methods {
	// Shows who is told of events, and how that does.
	"alert.list": {
		params: Record<string, never>;
		result: Channels;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Keeps a password that configurations refer to by name; nothing gives it out again.
	"alert.secret": {
		params: {
			name: string; // as password_secret names it
			value: string; // the password; empty: forget it
		};
		result: Record<string, never>;
		role: "admin";
		effect: "runtime";
		sudo: false;
	};
	// Sends a test to a syslog server or by e-mail, and says how that went.
	"alert.test": {
		params: {
			name: string; // of a syslog or mail block
		};
		result: Record<string, never>;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Sends all records of who did what as they are kept, to check them elsewhere.
	"audit.download": {
		params: {
			filter?: AuditFilter; // which; all
		};
		result: AuditDownload;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Gives records of who did what as they are kept, to check them elsewhere.
	"audit.export": {
		params: {
			from?: string; // the oldest; all
			to?: string; // records before this; all
			user?: string;
			method?: string; // or a pattern such as server.*
			object?: string; // with what is below it, or a pattern such as pool/*
			outcome?: string; // ok, error, or the kind of an error
			text?: string; // found anywhere
			since?: number; // only records with a higher number
		};
		result: AuditExport;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Writes into the audit log what was done outside of the engine, by the supervisor for one; over the Unix socket alone.
	"audit.note": {
		params: {
			method: string; // of the supervisor, or another word for what was done
			what: string; // in words
			author?: string; // who did it; empty: the caller
			outcome?: string; // ok, or the kind of the error; ok
			message?: string; // of the error
			at?: string; // when it was done, as RFC 3339; empty: now
		};
		result: Record<string, never>;
		role: "admin";
		effect: "system";
		sudo: false;
	};
	// Shows who did what.
	"audit.query": {
		params: {
			from?: string; // the oldest; all
			to?: string; // records before this; all
			user?: string;
			method?: string; // or a pattern such as server.*
			object?: string; // with what is below it, or a pattern such as pool/*
			outcome?: string; // ok, error, or the kind of an error
			text?: string; // found anywhere
			limit?: number; // records at most, up to 1000; 100
			before?: number; // only records with a lower number
			since?: number; // only records with a higher number, the oldest first
		};
		result: AuditRecords;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Checks that nobody has changed the record of who did what.
	"audit.verify": {
		params: Record<string, never>;
		result: AuditReport;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Makes a session with a token of auth.handover_begin, at another address of the console.
	"auth.handover": {
		params: {
			token: string; // of auth.handover_begin; it is good once
		};
		result: Entered;
		role: "nobody";
		effect: "system";
		sudo: false;
	};
	// Gives a token that makes another session of the caller's, once, within 5 minutes.
	"auth.handover_begin": {
		params: Record<string, never>;
		result: Handover;
		role: "viewer";
		effect: "system";
		sudo: false;
	};
	// Makes a session for who gives name and password, and the code where the second factor is on.
	"auth.login": {
		params: {
			user: string; // name; not in the audit log, where a password may have been typed here
			password: string;
			code?: string; // of the authenticator app, or a recovery code
		};
		result: Entered;
		role: "nobody";
		effect: "system";
		sudo: false;
	};
	// Ends the caller's session.
	"auth.logout": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "nobody";
		effect: "system";
		sudo: false;
	};
	// Changes the caller's password and ends all sessions of the caller.
	"auth.password": {
		params: {
			password: string; // the present one
			code?: string; // of the authenticator app, or a recovery code
			new: string; // at least 10 characters
		};
		result: Record<string, never>;
		role: "viewer";
		effect: "system";
		sudo: false;
	};
	// Makes new recovery codes for the caller; the old ones are void.
	"auth.recovery_codes": {
		params: Record<string, never>;
		result: RecoveryCodes;
		role: "viewer";
		effect: "system";
		sudo: true;
	};
	// Gives what the console keeps for the caller.
	"auth.settings_get": {
		params: Record<string, never>;
		result: Settings;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Keeps the console's settings of the caller, in place of those before.
	"auth.settings_set": {
		params: {
			settings: unknown; // a JSON object of 16 KiB at most
		};
		result: Record<string, never>;
		role: "viewer";
		effect: "system";
		sudo: false;
	};
	// Makes the first admin and a session, with the set-up code that the box shows.
	"auth.setup": {
		params: {
			code: string; // the set-up code that the box shows
			user: string; // name of the first admin
			password: string;
		};
		result: Entered;
		role: "nobody";
		effect: "system";
		sudo: false;
	};
	// Shows the set-up code of a box without an admin, over the Unix socket alone.
	"auth.setup_code": {
		params: Record<string, never>;
		result: SetupCode;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Lets the session call dangerous methods for 5 minutes, after the password was given again.
	"auth.sudo": {
		params: {
			password: string;
			code?: string; // of the authenticator app, or a recovery code
			rotate?: boolean; // give the session a new token; the old one is good for a minute more, without sudo
		};
		result: Sudo;
		role: "viewer";
		effect: "system";
		sudo: false;
	};
	// Makes a secret for the caller's authenticator app; nothing changes until auth.totp_confirm.
	"auth.totp_begin": {
		params: Record<string, never>;
		result: TOTPSecret;
		role: "viewer";
		effect: "system";
		sudo: true;
	};
	// Turns the caller's second factor on, with the first code of the app.
	"auth.totp_confirm": {
		params: {
			code: string; // that the authenticator app shows
		};
		result: RecoveryCodes;
		role: "viewer";
		effect: "system";
		sudo: true;
	};
	// Turns the caller's second factor off.
	"auth.totp_disable": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "viewer";
		effect: "system";
		sudo: true;
	};
	// Says who calls, and when the session ends.
	"auth.whoami": {
		params: Record<string, never>;
		result: Self;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Opens a backup and tells what restoring it would do; nothing changes.
	"backup.check": {
		params: {
			passphrase: string; // that the backup was made with
			data: string; // base64
			users?: boolean; // as if its users should be restored too
		};
		result: CheckedBackup;
		role: "admin";
		effect: "read";
		sudo: true;
	};
	// Sends the running configuration with all keys, certificates and users, encrypted with a passphrase.
	"backup.download": {
		params: {
			passphrase: string; // at least 12 characters; without it nobody can read the backup
		};
		result: BackupDownload;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Gives out the running configuration with all keys, certificates and users, encrypted with a passphrase.
	"backup.export": {
		params: {
			passphrase: string; // at least 12 characters; without it nobody can read the backup
		};
		result: Backup;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Puts a backup's text into your candidate and its keys and certificates into use, all or nothing.
	"backup.import": {
		params: {
			passphrase: string; // that the backup was made with
			data: string; // base64
			users?: boolean; // put the backup's users in place of the box's; all sessions of others end, and the engine is replaced
		};
		result: Restored;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Takes a backup, and restores it all or nothing, or only checks it.
	"backup.upload": {
		params: {
			passphrase: string; // that the backup was made with
			users?: boolean; // put the backup's users in place of the box's, as backup.import does
			check?: boolean; // tell what it would do, and change nothing
		};
		result: BackupUpload;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Shows what was recorded of the last minutes, or of those before a crash.
	"blackbox.read": {
		params: {
			crash?: number; // 0: what is recorded now; 1: the last crash, 2 and 3: those before it
			frames?: number; // at most, the newest; 600
		};
		result: BlackBox;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Deletes a capture that has ended.
	"capture.delete": {
		params: {
			id: string;
		};
		result: Record<string, never>;
		role: "admin";
		effect: "runtime";
		sudo: false;
	};
	// Sends the file of a capture that has ended.
	"capture.download": {
		params: {
			id: string;
		};
		result: CaptureDownload;
		role: "admin";
		effect: "read";
		sudo: true;
	};
	// Lists captures that run or are kept, and where packets can be captured.
	"capture.list": {
		params: Record<string, never>;
		result: Captures;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Begins to keep packets of interfaces in a file.
	"capture.start": {
		params: {
			interfaces?: string[]; // ports or interfaces, or any for all that are up; any
			filter?: string; // such as host 192.0.2.1 and tcp port 80; empty: every packet
			cluster?: string; // only packets of this cluster's clients and members
			snaplen?: number; // bytes kept of each packet, 64 at least; 262144, which is all
			max_bytes?: number; // 64 KiB to 512 MiB; 32 MiB
			max_packets?: number; // no limit
			max_time?: string; // 1s to 24h; 5m
			ring?: boolean; // go on at max_bytes, and give up the oldest packets
		};
		result: Capture;
		role: "admin";
		effect: "runtime";
		sudo: true;
	};
	// Ends a capture; its file is there when its state is done.
	"capture.stop": {
		params: {
			id: string;
		};
		result: Capture;
		role: "admin";
		effect: "runtime";
		sudo: false;
	};
	// Gives out a certificate with its chain, without the key.
	"certificate.chain": {
		params: {
			name: string; // of the certificate
		};
		result: Chain;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Looks at a certificate with its key as certificate.import would, and keeps nothing.
	"certificate.check": {
		params: {
			name?: string; // under which it would be imported
			pem?: string; // certificate, chain and private key in any order; without a key, that of the pending request which the certificate fits
			pkcs12?: string; // in place of pem: a PKCS#12 file in base64
			password?: string; // of the PKCS#12 file
		};
		result: Certificate;
		role: "editor";
		effect: "read";
		sudo: false;
	};
	// Keeps the key that binds an ACME account to a customer of the CA.
	"certificate.eab": {
		params: {
			acme: string; // name of the acme block
			key: string; // MAC key in base64url, as the CA gives it
		};
		result: Record<string, never>;
		role: "editor";
		effect: "runtime";
		sudo: false;
	};
	// Keeps a certificate with its key; where the name is in use it takes effect at once.
	"certificate.import": {
		params: {
			name: string; // that configurations refer to it by
			pem?: string; // certificate, chain and private key in any order; without a key, that of the pending request which the certificate fits
			pkcs12?: string; // in place of pem: a PKCS#12 file in base64
			password?: string; // of the PKCS#12 file
			force?: boolean; // even where clients will refuse it and the name is in use
		};
		result: Certificate;
		role: "editor";
		effect: "runtime";
		sudo: false;
	};
	// Lists the certificates, those that were imported and are not used too.
	"certificate.list": {
		params: Record<string, never>;
		result: Certificates;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Forgets an imported certificate that nothing uses.
	"certificate.remove": {
		params: {
			name: string; // of the certificate
		};
		result: Record<string, never>;
		role: "editor";
		effect: "runtime";
		sudo: false;
	};
	// Orders a certificate from its CA now if it is due, or makes a new self-signed one.
	"certificate.renew": {
		params: {
			name: string; // of the certificate
		};
		result: Certificate;
		role: "editor";
		effect: "runtime";
		sudo: false;
	};
	// Makes a private key, which stays on the box, and a request that a CA signs.
	"certificate.request": {
		params: {
			name: string; // of the request; the certificate is usually imported under it
			key?: "ecdsa-p256" | "ecdsa-p384" | "rsa-2048" | "rsa-3072" | "rsa-4096"; // that is made; ecdsa-p256
			names: string[]; // host names, also with *. in front, and addresses that the certificate is to be for
			common_name?: string; // CN of the subject; the first of names
			organization?: string; // O
			unit?: string; // OU
			locality?: string; // L
			province?: string; // ST, state or province
			country?: string; // C, two letters
		};
		result: CertificateRequest;
		role: "editor";
		effect: "runtime";
		sudo: false;
	};
	// Tells what would ask for the successor of a certificate: its names, subject and type of key.
	"certificate.request_like": {
		params: {
			name: string; // of the certificate
		};
		result: RequestForm;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Lists the requests whose certificates were not imported yet.
	"certificate.request_list": {
		params: Record<string, never>;
		result: CertificateRequests;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Forgets a pending request with its key: a certificate that the CA makes of it cannot be used any more.
	"certificate.request_remove": {
		params: {
			name: string; // of the request
		};
		result: Record<string, never>;
		role: "editor";
		effect: "runtime";
		sudo: false;
	};
	// Shows one pending request.
	"certificate.request_show": {
		params: {
			name: string; // of the request
		};
		result: CertificateRequest;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Makes a new secret for TLS session tickets; sessions begin anew.
	"certificate.rotate_tickets": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "admin";
		effect: "runtime";
		sudo: false;
	};
	// Shows one certificate.
	"certificate.show": {
		params: {
			name: string; // of the certificate
		};
		result: Certificate;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Lists the hosts in rules of https clusters that no certificate of the cluster is for.
	"certificate.uncovered": {
		params: Record<string, never>;
		result: Uncovered;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Tells how a command line may go on: commands, flags and names.
	"cli.complete": {
		params: {
			line: string; // a command as after evener; quotes hold words together
		};
		result: Completions;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Runs a command of the command line with the caller's rights, and returns what it prints.
	"cli.exec": {
		params: {
			line: string; // a command as after evener; quotes hold words together
		};
		result: CommandOutput;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Lists the clusters.
	"cluster.list": {
		params: Record<string, never>;
		result: Clusters;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Makes the candidate of somebody who is no user any more yours, if you have none.
	"config.adopt": {
		params: {
			author: string; // whose candidate; nobody who is a user of the box
		};
		result: Adopted;
		role: "admin";
		effect: "candidate";
		sudo: false;
	};
	// Shows the text of your candidate.
	"config.candidate": {
		params: Record<string, never>;
		result: Text;
		role: "editor";
		effect: "read";
		sudo: false;
	};
	// Checks a text, or your candidate, and keeps nothing.
	"config.check": {
		params: {
			text?: string; // whole configuration in HCL; empty: your candidate
		};
		result: Checked;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Serves your candidate from now on.
	"config.commit": {
		params: {
			comment?: string; // why
			confirm?: string; // take the commit back unless it is confirmed within this time
			base?: number; // revision that is believed to run; 0: the candidate's
			version?: string; // of the candidate that was reviewed; empty: whatever it is
			confirm_s?: number; // confirm in seconds, 30 to 3600
			force?: boolean; // even if tests of rules fail, or the network of the box changes without a confirm
		};
		result: Committed;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Tells in words what differs between two revisions.
	"config.compare": {
		params: {
			from?: number; // 0: the running revision
			to?: number; // 0: the running revision
		};
		result: Compared;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Keeps a commit that waits for its confirm.
	"config.confirm": {
		params: {
			revision?: number; // 0: the one that waits
		};
		result: Committed;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Compares two revisions, or your candidate with the running one.
	"config.diff": {
		params: {
			from?: number; // 0: the running revision
			to?: number; // 0: your candidate
		};
		result: Diff;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Throws your candidate away, or that of somebody who is no user any more.
	"config.discard": {
		params: {
			author?: string; // whose candidate, for admins: nobody who is a user of the box; left out: yours
		};
		result: Record<string, never>;
		role: "editor";
		effect: "candidate";
		sudo: false;
	};
	// Changes blocks of your candidate by a list of edits, all or none.
	"config.edit": {
		params: {
			base?: number; // revision that the candidate is believed to be made on, or that is believed to run where there is none
			version?: string; // version of your candidate that was shown; empty: base says enough
			edits: EditOp[]; // applied one after the other, all or none
		};
		result: Draft;
		role: "editor";
		effect: "candidate";
		sudo: false;
	};
	// Gives a commit that waits more time.
	"config.extend": {
		params: {
			revision?: number; // 0: the one that waits
			by?: string; // time added to what is left; together 24h at most; 5m
		};
		result: Committed;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Writes a text in canonical form, and keeps nothing.
	"config.format": {
		params: {
			text: string; // whole configuration in HCL
		};
		result: Formatted;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Lists the revisions, the newest first.
	"config.history": {
		params: Record<string, never>;
		result: History;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Puts a new block into your candidate.
	"config.insert": {
		params: {
			base?: number; // revision that the candidate is believed to be made on, or that is believed to run where there is none
			version?: string; // version of your candidate that was shown; empty: base says enough
			parent?: string; // path of the block that it is to stand in; empty: the top
			before?: string; // the sibling that it is to stand before, such as rule/api; empty: the last of its type
			text?: string; // the block in HCL, with comments; or type, label and attributes
			type?: string; // of the block
			label?: string; // of the block
			set?: Record<string, unknown>; // attributes and their values
			hcl?: Record<string, string>; // attributes and their values as text in the language
		};
		result: Draft;
		role: "editor";
		effect: "candidate";
		sudo: false;
	};
	// Lists the blocks and keywords of a configuration, with what they take and mean.
	"config.language": {
		params: Record<string, never>;
		result: Language;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Moves a block of your candidate among its siblings.
	"config.move": {
		params: {
			base?: number; // revision that the candidate is believed to be made on, or that is believed to run where there is none
			version?: string; // version of your candidate that was shown; empty: base says enough
			path: string; // of the block
			before?: string; // the sibling that it is to stand before, such as rule/api; empty: the last of its type
		};
		result: Draft;
		role: "editor";
		effect: "candidate";
		sudo: false;
	};
	// Shows one block, as it is written and as it is understood.
	"config.object": {
		params: {
			path?: string; // of the block, such as pool/shop; empty: the whole configuration
			on?: string; // running or candidate; empty: your candidate if you have one
		};
		result: ObjectText;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Sets and removes attributes of one block of your candidate.
	"config.patch": {
		params: {
			base?: number; // revision that the candidate is believed to be made on, or that is believed to run where there is none
			version?: string; // version of your candidate that was shown; empty: base says enough
			path: string; // of the block, such as pool/shop/member/web1
			set?: Record<string, unknown>; // attributes and their values; null removes one
			hcl?: Record<string, string>; // attributes and their values as text in the language
			unset?: string[]; // attributes that are removed where they are given
		};
		result: Draft;
		role: "editor";
		effect: "candidate";
		sudo: false;
	};
	// Serves a whole text from now on, or tells what it would change; candidates stay as they are.
	"config.put": {
		params: {
			text: string; // whole configuration in HCL
			base?: number; // revision that the text was made on; 0: whatever runs
			dry_run?: boolean; // say what would change, and change nothing
			comment?: string; // why
			confirm?: string; // take it back unless it is confirmed within this time
			confirm_s?: number; // confirm in seconds, 30 to 3600
			force?: boolean; // even if tests of rules fail, or the network of the box changes without a confirm
		};
		result: Put;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Puts your candidate onto the running revision, block by block.
	"config.rebase": {
		params: {
			base?: number; // revision that the candidate is believed to be made on, or that is believed to run where there is none
			version?: string; // version of your candidate that was shown; empty: base says enough
			resolve?: Record<string, Resolution>; // by paths of conflicts: which side is taken
			trial?: boolean; // say what would come of it, and keep the candidate as it is
		};
		result: Rebased;
		role: "editor";
		effect: "candidate";
		sudo: false;
	};
	// Removes a block from your candidate.
	"config.remove": {
		params: {
			base?: number; // revision that the candidate is believed to be made on, or that is believed to run where there is none
			version?: string; // version of your candidate that was shown; empty: base says enough
			path: string; // of the block
		};
		result: Draft;
		role: "editor";
		effect: "candidate";
		sudo: false;
	};
	// Renames a block of your candidate, and everything that refers to it.
	"config.rename": {
		params: {
			base?: number; // revision that the candidate is believed to be made on, or that is believed to run where there is none
			version?: string; // version of your candidate that was shown; empty: base says enough
			path: string; // of the block
			name: string; // the new name; what refers to the block is changed too
		};
		result: Draft;
		role: "editor";
		effect: "candidate";
		sudo: false;
	};
	// Takes a commit that waits for its confirm back now.
	"config.revert": {
		params: Record<string, never>;
		result: Committed;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Tells what a commit of your candidate changes and risks.
	"config.review": {
		params: Record<string, never>;
		result: Review;
		role: "editor";
		effect: "read";
		sudo: false;
	};
	// Serves the text of an older revision, as a new one.
	"config.rollback": {
		params: {
			revision: number; // revision whose text is brought back
			comment?: string; // why
			confirm?: string; // take the rollback back unless it is confirmed within this time
			confirm_s?: number; // confirm in seconds, 30 to 3600
			as_candidate?: boolean; // make the text your candidate, and serve nothing yet
			force?: boolean; // even if tests of rules fail, or the network of the box changes without a confirm
		};
		result: Committed;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Makes a text your candidate.
	"config.set": {
		params: {
			text: string; // whole configuration in HCL
			base?: number; // revision that the text was made on; 0: the running one
			version?: string; // of the candidate that it replaces; empty: whatever it is
			draft?: boolean; // keep it even with mistakes
		};
		result: Checked;
		role: "editor";
		effect: "candidate";
		sudo: false;
	};
	// Gives a whole text, mistakes and all, with what a write must be based on.
	"config.source": {
		params: {
			on?: string; // running or candidate; empty: your candidate if you have one
		};
		result: SourceText;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Runs the tests of rules: what becomes of known requests.
	"config.test": {
		params: {
			on?: string; // running or candidate; empty: your candidate if you have one
			text?: string; // whole configuration in HCL, in place of both
		};
		result: Tested;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Shows the text of a revision.
	"config.text": {
		params: {
			revision?: number; // 0: the running one
			defaults?: boolean; // print every default too
			json?: boolean; // the checked values as JSON in place of the text
		};
		result: Text;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Tells what a list of edits would make of your candidate, and keeps nothing.
	"config.try": {
		params: {
			base?: number; // revision that the candidate is believed to be made on, or that is believed to run where there is none
			version?: string; // version of your candidate that was shown; empty: base says enough
			edits: EditOp[]; // applied one after the other, all or none
		};
		result: Tried;
		role: "editor";
		effect: "read";
		sudo: false;
	};
	// Shows the checked values of the configuration.
	"config.values": {
		params: {
			on?: string; // running or candidate; empty: your candidate if you have one
		};
		result: ConfigValues;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Lists open connections of clients and udp flows, the oldest first.
	"connection.list": {
		params: {
			cluster?: string; // empty: of all clusters
			client?: string; // address; empty: of all clients
			limit?: number; // connections at most, up to 1000; 100
		};
		result: Connections;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Takes what the process of the console has to tell; nobody else may.
	"console.report": {
		params: {
			listening: string[]; // addresses that it serves
			problem?: string; // why it does not serve what the settings want
		};
		result: Record<string, never>;
		role: "nobody";
		effect: "read";
		sudo: false;
	};
	// Tells the process of the console what to serve; nobody else may ask.
	"console.settings": {
		params: Record<string, never>;
		result: ConsoleSettings;
		role: "nobody";
		effect: "read";
		sudo: false;
	};
	// Shows where the console is and which certificate it has.
	"console.show": {
		params: Record<string, never>;
		result: ConsoleInfo;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Asks a name server.
	"diag.dns": {
		params: {
			name: string; // or an address, whose name is asked for
			type?: string; // A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT or CAA; A, and PTR for an address
			server?: string; // address, with a port if it is not 53; the first of the system's that answers
		};
		result: DNSAnswer;
		role: "operator";
		effect: "read";
		sudo: false;
	};
	// Asks a host for echoes, and tells how long they take.
	"diag.ping": {
		params: {
			host: string; // address or name
			count?: number; // 1 to 100; 4
			size?: number; // bytes of contents, 16 to 65000; 56
			interface?: string; // by which to send; any
			interval?: string; // 200ms to 10s; 1s
		};
		result: Ping;
		role: "operator";
		effect: "read";
		sudo: false;
	};
	// Finds the routers on the way to a host.
	"diag.trace": {
		params: {
			host: string; // address or name
			hops?: number; // routers at most, 1 to 64; 30
			wait?: string; // for each, 100ms to 5s; 1s
		};
		result: Trace;
		role: "operator";
		effect: "read";
		sudo: false;
	};
	// Notes that you have taken notice of events.
	"event.ack": {
		params: {
			events: number[]; // numbers
			note?: string; // what is done about it
		};
		result: Events;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Shows what happened to the box.
	"event.list": {
		params: {
			from?: string; // the oldest; all
			to?: string; // events before this; all
			severity?: string; // and worse: info, warning or error; info
			kinds?: string[]; // patterns such as member.*; all
			objects?: string[]; // paths with what is below them, or patterns such as pool/*; all
			text?: string; // found anywhere
			unacked?: boolean; // only those that nobody has acknowledged
			limit?: number; // events at most, up to 10000; 100
			before?: number; // only events with a lower number
			since?: number; // only events with a higher number, the oldest first
		};
		result: Events;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Says what becomes of a request, and why.
	"explain.request": {
		params: {
			cluster?: string; // may be left out where there is one http cluster, or where the URL names its address
			method?: string; // GET
			url: string; // http://host/path?query, or a path
			fields?: string[]; // request fields, written Name: value
			client?: string; // address of the client; 192.0.2.1
			sni?: string; // server name of the TLS handshake, of https clusters; the host of the request
			candidate?: boolean; // ask your candidate in place of the running configuration
			on?: string; // running or candidate; running, unless candidate is set
		};
		result: Explained;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Opens this box for another one to join, for five minutes and one try.
	"ha.pair.begin": {
		params: Record<string, never>;
		result: HAPairing;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Ends a pairing that is under way.
	"ha.pair.cancel": {
		params: Record<string, never>;
		result: HAPairing;
		role: "admin";
		effect: "system";
		sudo: false;
	};
	// Says whether both boxes show the same code; they are paired once both were told so.
	"ha.pair.confirm": {
		params: {
			code_matches: boolean; // both boxes show the same code
		};
		result: HAPairing;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Joins a box on which pairing was begun; both show a code then.
	"ha.pair.join": {
		params: {
			address: string; // of the other box's mirror, where pairing was begun, as ADDRESS:PORT
		};
		result: HAPairing;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Shows how far a pairing is.
	"ha.pair.show": {
		params: Record<string, never>;
		result: HAPairing;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Takes what the process that moves addresses has to tell, and answers when something is new or a quarter of a second has passed; nobody else may.
	"ha.pulse": {
		params: {
			report: unknown; // an HAReport
		};
		result: HAPulse;
		role: "nobody";
		effect: "read";
		sudo: false;
	};
	// Moves every failover group to the box that it prefers.
	"ha.rebalance": {
		params: Record<string, never>;
		result: Switched;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Shows the last failovers that were rehearsed, and what they have cost.
	"ha.rehearsals": {
		params: Record<string, never>;
		result: HARehearsals;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Performs a failover of a group and back, and measures what it costs; ha.rehearsals tells the outcome.
	"ha.rehearse": {
		params: {
			group: string;
			kind: string; // planned: the active box hands over; crash: it falls silent for 10 seconds
			path?: string; // asked by GET of a cluster of HTTP, such as /health; empty: a TCP connection is all
			host?: string; // of the GET; the address
		};
		result: HARehearsal;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Tells the process that moves addresses what to do; nobody else may ask.
	"ha.settings": {
		params: Record<string, never>;
		result: HASettings;
		role: "nobody";
		effect: "read";
		sudo: false;
	};
	// Shows the failover groups, the other boxes and the mirror.
	"ha.show": {
		params: Record<string, never>;
		result: HAShow;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Moves a failover group to another box, which keeps it until rebalanced.
	"ha.switch": {
		params: {
			group: string;
			node?: string; // box that is to be active; the one with the highest priority besides the one that is
		};
		result: Switched;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Compares the shared configuration with a peer's, object by object.
	"ha.sync.differences": {
		params: {
			peer: string; // name of the other box
		};
		result: HADifferences;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Makes what differs equal: as this box has it, or as the peer does.
	"ha.sync.resolve": {
		params: {
			peer: string; // name of the other box
			take: string; // mine: the peer gets this box's; theirs: this box gets the peer's
			objects?: HAObjRef[]; // none: all that is shared
		};
		result: HADifferences;
		role: "admin";
		effect: "commit";
		sudo: false;
	};
	// Shows what happened to failover groups on all boxes, with what happened near it.
	"ha.timeline": {
		params: {
			limit?: number; // entries at most, up to 1000; 100
			before?: string; // only what happened before
			group?: string; // only this group, with what is about none
		};
		result: HATimeline;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Reports whether something is well that a track of the kind custom watches.
	"ha.track": {
		params: {
			name: string; // of the track, as in track "custom" "NAME"
			ok: boolean;
			reason?: string; // shown to people
			ttl?: string; // how long the report holds, up to 24h; what the track has
		};
		result: HATracks;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Forgets another box: nothing is mirrored with it any more.
	"ha.unpair": {
		params: {
			peer: string; // name of the other box
		};
		result: HAPairing;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Shows the board, its sensors and the devices of the supervisor.
	"hardware.show": {
		params: Record<string, never>;
		result: Hardware;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Has a lamp on the front blink, so that the box is found.
	"led.locate": {
		params: {
			on: boolean;
		};
		result: Record<string, never>;
		role: "operator";
		effect: "system";
		sudo: false;
	};
	// Shows how rates and latencies went: 1 s for an hour, 10 s for a day, 1 min for 14 days.
	"metrics.history": {
		params: {
			object: string; // engine, cluster/NAME, pool/NAME or member/POOL/SERVER
			metrics?: string[]; // names of what is kept of the object; all
			last?: string; // how far back, up to 14 days; 5m
			step?: string; // between two rows, whole seconds; what gives about 60 rows
		};
		result: HistoryTable;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Shows how the box itself is reached.
	"network.show": {
		params: Record<string, never>;
		result: NetworkInfo;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Presses a key of the panel, which can restart the box and turn it off.
	"panel.press": {
		params: {
			key: string; // up, down, left, right, enter or escape
			action?: string; // press, down or up; press
			hold?: string; // of a press: how long the key is down, at most 10s; 50ms
			until?: string; // when it is too late to begin: a press that has waited is meant for another screen; none: it never is
		};
		result: PanelScreen;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Shows what the panel on the front of the box shows.
	"panel.screen": {
		params: Record<string, never>;
		result: PanelScreen;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Shows the settings of the panel with its PIN, over the Unix socket alone.
	"panel.settings": {
		params: Record<string, never>;
		result: PanelSettings;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Shows the box in short, as the panel does.
	"panel.status": {
		params: Record<string, never>;
		result: PanelStatus;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Removes one block within another, and serves that.
	"part.delete": {
		params: {
			type: "server" | "pool" | "cluster" | "responder" | "certificate" | "trust" | "acme" | "syslog" | "mail" | "alert";
			name: string; // label of the block
			part: "member" | "rule" | "test"; // member of a pool, rule or test of a cluster
			label: string; // of the block within: of a member the server's name
			base?: number; // revision that the write is based on; it must be given, and run
			dry_run?: boolean; // say what would change, and change nothing
			candidate?: boolean; // change your candidate, and serve nothing yet
			confirm_s?: number; // take it back unless it is confirmed within these seconds, 30 to 3600
			comment?: string; // why
			force?: boolean; // even if tests of rules fail, or the network of the box changes without a confirm
		};
		result: Put;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Shows one block within another as a program may write it.
	"part.get": {
		params: {
			type: "server" | "pool" | "cluster" | "responder" | "certificate" | "trust" | "acme" | "syslog" | "mail" | "alert";
			name: string; // label of the block
			part: "member" | "rule" | "test"; // member of a pool, rule or test of a cluster
			label: string; // of the block within: of a member the server's name
			on?: string; // running or candidate; running
		};
		result: Resource;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Merges values into one block within another (RFC 7396), and serves that.
	"part.patch": {
		params: {
			type: "server" | "pool" | "cluster" | "responder" | "certificate" | "trust" | "acme" | "syslog" | "mail" | "alert";
			name: string; // label of the block
			part: "member" | "rule" | "test"; // member of a pool, rule or test of a cluster
			label: string; // of the block within: of a member the server's name
			base?: number; // revision that the write is based on; it must be given, and run
			dry_run?: boolean; // say what would change, and change nothing
			candidate?: boolean; // change your candidate, and serve nothing yet
			confirm_s?: number; // take it back unless it is confirmed within these seconds, 30 to 3600
			comment?: string; // why
			force?: boolean; // even if tests of rules fail, or the network of the box changes without a confirm
			before?: string; // label of the sibling that it is to stand before; empty: where it is, or last
			values: Record<string, unknown>; // attributes and blocks within, by name; null removes one
		};
		result: Put;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Makes one block within another, or gives it exactly these values, and serves that.
	"part.put": {
		params: {
			type: "server" | "pool" | "cluster" | "responder" | "certificate" | "trust" | "acme" | "syslog" | "mail" | "alert";
			name: string; // label of the block
			part: "member" | "rule" | "test"; // member of a pool, rule or test of a cluster
			label: string; // of the block within: of a member the server's name
			base?: number; // revision that the write is based on; it must be given, and run
			dry_run?: boolean; // say what would change, and change nothing
			candidate?: boolean; // change your candidate, and serve nothing yet
			confirm_s?: number; // take it back unless it is confirmed within these seconds, 30 to 3600
			comment?: string; // why
			force?: boolean; // even if tests of rules fail, or the network of the box changes without a confirm
			before?: string; // label of the sibling that it is to stand before; empty: where it is, or last
			values: Record<string, unknown>; // attributes and blocks within, by name; null removes one
		};
		result: Put;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Forgets records of source persistence.
	"persist.clear": {
		params: {
			client?: string; // address; empty: those of all clients
			cluster?: string; // empty: those of all clusters
		};
		result: Cleared;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Lists records of source persistence, 1000 at most.
	"persist.list": {
		params: Record<string, never>;
		result: Sources;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Makes a new key for persistence cookies; the cookies of the two keys before it stay good.
	"persist.rotate": {
		params: Record<string, never>;
		result: Rotated;
		role: "admin";
		effect: "runtime";
		sudo: false;
	};
	// Lists the pools and their members.
	"pool.list": {
		params: Record<string, never>;
		result: Pools;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Lets the lamp of a port blink, to find it.
	"port.identify": {
		params: {
			port: string; // as on the front
			on: boolean;
			seconds?: number; // 1 to 600; 30
		};
		result: PortList;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Shows the network ports.
	"port.list": {
		params: Record<string, never>;
		result: PortList;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Pulls the cable of a simulated port, or puts it in.
	"port.plug": {
		params: {
			port: string; // as on the front
			in: boolean; // false: the cable is pulled
		};
		result: PortList;
		role: "admin";
		effect: "runtime";
		sudo: false;
	};
	// Asks a member all its questions now and shows each exchange.
	"probe.run": {
		params: {
			member: string; // POOL/MEMBER
		};
		result: Probed;
		role: "operator";
		effect: "read";
		sudo: false;
	};
	// Asks a member of a text that is not served all its questions, and shows each exchange.
	"probe.try": {
		params: {
			text: string; // whole configuration in HCL; it is not served
			member: string; // POOL/MEMBER of that text
		};
		result: Probed;
		role: "editor";
		effect: "read";
		sudo: false;
	};
	// Removes one block, and serves that.
	"resource.delete": {
		params: {
			type: "server" | "pool" | "cluster" | "responder" | "certificate" | "trust" | "acme" | "syslog" | "mail" | "alert";
			name: string; // label of the block
			base?: number; // revision that the write is based on; it must be given, and run
			dry_run?: boolean; // say what would change, and change nothing
			candidate?: boolean; // change your candidate, and serve nothing yet
			confirm_s?: number; // take it back unless it is confirmed within these seconds, 30 to 3600
			comment?: string; // why
			force?: boolean; // even if tests of rules fail, or the network of the box changes without a confirm
		};
		result: Put;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Shows one block as a program may write it.
	"resource.get": {
		params: {
			type: "server" | "pool" | "cluster" | "responder" | "certificate" | "trust" | "acme" | "syslog" | "mail" | "alert";
			name: string; // label of the block
			on?: string; // running or candidate; running
		};
		result: Resource;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Merges values into one block (RFC 7396), and serves that.
	"resource.patch": {
		params: {
			type: "server" | "pool" | "cluster" | "responder" | "certificate" | "trust" | "acme" | "syslog" | "mail" | "alert";
			name: string; // label of the block
			base?: number; // revision that the write is based on; it must be given, and run
			dry_run?: boolean; // say what would change, and change nothing
			candidate?: boolean; // change your candidate, and serve nothing yet
			confirm_s?: number; // take it back unless it is confirmed within these seconds, 30 to 3600
			comment?: string; // why
			force?: boolean; // even if tests of rules fail, or the network of the box changes without a confirm
			values: Record<string, unknown>; // attributes and blocks within, by name; null removes one
		};
		result: Put;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Makes one block, or gives it exactly these values, and serves that.
	"resource.put": {
		params: {
			type: "server" | "pool" | "cluster" | "responder" | "certificate" | "trust" | "acme" | "syslog" | "mail" | "alert";
			name: string; // label of the block
			base?: number; // revision that the write is based on; it must be given, and run
			dry_run?: boolean; // say what would change, and change nothing
			candidate?: boolean; // change your candidate, and serve nothing yet
			confirm_s?: number; // take it back unless it is confirmed within these seconds, 30 to 3600
			comment?: string; // why
			force?: boolean; // even if tests of rules fail, or the network of the box changes without a confirm
			values: Record<string, unknown>; // attributes and blocks within, by name; null removes one
		};
		result: Put;
		role: "editor";
		effect: "commit";
		sudo: false;
	};
	// Shows what a responder answers to a URL.
	"responder.test": {
		params: {
			name: string; // of the responder
			url: string; // http://host/path?query, or a path
			method?: string; // GET
			fields?: string[]; // request fields, written Name: value
		};
		result: Response;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Lists the rules with their hits.
	"rule.list": {
		params: Record<string, never>;
		result: Rules;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Ends the drain of members: they get new clients again.
	"server.cancel": {
		params: {
			member?: string; // POOL/MEMBER; one of member, members, server and labels must be given
			members?: string[]; // several, each POOL/MEMBER
			server?: string; // name of a server: its members of all pools
			labels?: Record<string, string>; // of servers: the members of all servers that carry all of them
			reason?: string; // why; shown with its state
		};
		result: Acted;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Gives members no clients at all; running exchanges finish, or are cut.
	"server.disable": {
		params: {
			member?: string; // POOL/MEMBER; one of member, members, server and labels must be given
			members?: string[]; // several, each POOL/MEMBER
			server?: string; // name of a server: its members of all pools
			labels?: Record<string, string>; // of servers: the members of all servers that carry all of them
			cut?: boolean; // close what is open to it; otherwise running exchanges finish
			force?: boolean; // even if it is the last usable member
			reason?: string; // why; shown with its state
		};
		result: Acted;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Quiesces members and disables them after a deadline.
	"server.drain": {
		params: {
			member?: string; // POOL/MEMBER; one of member, members, server and labels must be given
			members?: string[]; // several, each POOL/MEMBER
			server?: string; // name of a server: its members of all pools
			labels?: Record<string, string>; // of servers: the members of all servers that carry all of them
			ignore_sticky?: boolean; // keep persistent clients away too
			force?: boolean; // even if it is the last usable member
			reason?: string; // why; shown with its state
			mode?: "keep-sticky" | "ignore-sticky" | "now"; // keep-sticky: persistent clients still come; ignore-sticky: they do not; now: disabled and cut at once; keep-sticky
			deadline?: string; // disabled after this; 15m
			cut?: boolean; // at the deadline, close what is left; otherwise it may finish
		};
		result: Acted;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Brings members back.
	"server.enable": {
		params: {
			member?: string; // POOL/MEMBER; one of member, members, server and labels must be given
			members?: string[]; // several, each POOL/MEMBER
			server?: string; // name of a server: its members of all pools
			labels?: Record<string, string>; // of servers: the members of all servers that carry all of them
			reason?: string; // why; shown with its state
		};
		result: Acted;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Tells what taking members out would mean, and takes none out.
	"server.preview": {
		params: {
			member?: string; // POOL/MEMBER; one of member, members, server and labels must be given
			members?: string[]; // several, each POOL/MEMBER
			server?: string; // name of a server: its members of all pools
			labels?: Record<string, string>; // of servers: the members of all servers that carry all of them
		};
		result: Previewed;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Gives members no new clients; persistent ones still come.
	"server.quiesce": {
		params: {
			member?: string; // POOL/MEMBER; one of member, members, server and labels must be given
			members?: string[]; // several, each POOL/MEMBER
			server?: string; // name of a server: its members of all pools
			labels?: Record<string, string>; // of servers: the members of all servers that carry all of them
			ignore_sticky?: boolean; // keep persistent clients away too
			force?: boolean; // even if it is the last usable member
			reason?: string; // why; shown with its state
		};
		result: Acted;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Changes a member's weight until it is configured anew.
	"server.weight": {
		params: {
			member: string; // POOL/MEMBER
			weight: number; // 0 to 200; -1: as configured
			force?: boolean; // 0 even if it is the last usable member
			reason?: string; // why; shown by status
		};
		result: Member;
		role: "operator";
		effect: "runtime";
		sudo: false;
	};
	// Lists sessions: the caller's own, for admins those of others too.
	"session.list": {
		params: {
			user?: string; // of this user; empty: the caller's own
			all?: boolean; // of all users
		};
		result: Sessions;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Ends a session: one of the caller's own, for admins any.
	"session.revoke": {
		params: {
			id: string;
		};
		result: Record<string, never>;
		role: "viewer";
		effect: "system";
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
	// Sends one file of what helps to find a fault, without secrets.
	"support.bundle": {
		params: Record<string, never>;
		result: SupportBundle;
		role: "admin";
		effect: "read";
		sudo: true;
	};
	// Drains the roles and switches the machine off, which somebody at the box has to switch on again; a simulated box ends.
	"sys.halt": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Says what box this is, what time it has and who calls.
	"sys.hello": {
		params: Record<string, never>;
		result: Hello;
		role: "nobody";
		effect: "read";
		sudo: false;
	};
	// Says what runs and what needs attention.
	"sys.info": {
		params: Record<string, never>;
		result: Info;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Shows what the engine logged.
	"sys.log": {
		params: {
			since?: number; // sequence number after which to begin
			max?: number; // records at most; 100
		};
		result: Batch;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Shows the metrics as Prometheus text.
	"sys.metrics": {
		params: Record<string, never>;
		result: MetricsText;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Describes the HTTP API as an OpenAPI 3.1 document.
	"sys.openapi": {
		params: Record<string, never>;
		result: unknown;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Drains the roles and reboots the machine; a simulated box starts anew.
	"sys.reboot": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Lists the resources of the HTTP API.
	"sys.rest": {
		params: Record<string, never>;
		result: Route[];
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Replaces a role's process while the old one drains; sys.info tells the outcome.
	"sys.restart": {
		params: {
			role: string; // engine, or another role that runs
		};
		result: RestartStatus;
		role: "admin";
		effect: "system";
		sudo: false;
	};
	// Forgets failed attempts to log in.
	"throttle.clear": {
		params: {
			key?: string; // address, /64 or user; empty: all
		};
		result: Cleared;
		role: "admin";
		effect: "system";
		sudo: false;
	};
	// Lists addresses and users with failed attempts to log in.
	"throttle.list": {
		params: Record<string, never>;
		result: Throttles;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Sets the clock of the box by hand.
	"time.set": {
		params: {
			time: string; // that it is now, such as 2026-11-21T12:00:00Z
			force?: boolean; // even if the clock follows time servers, which then have to be believed anew
		};
		result: TimeSet;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Shows how the clock of the box does, and the time servers.
	"time.show": {
		params: Record<string, never>;
		result: TimeInfo;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Makes an API token for programs and shows it once.
	"token.create": {
		params: {
			name: string; // letters, digits and . _ - @; 48 at most
			role: "viewer" | "operator" | "editor" | "admin"; // viewer, operator, editor or admin, and no more than the caller's
			scope?: Record<string, string>; // labels that objects must have, besides those of the caller's scope
			expires?: string; // left out: never
		};
		result: NewToken;
		role: "viewer";
		effect: "system";
		sudo: true;
	};
	// Lists API tokens: the caller's own, for admins those of others too.
	"token.list": {
		params: {
			user?: string; // of this user; empty: the caller's own
			all?: boolean; // of all users
		};
		result: Tokens;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Ends an API token for good: one of the caller's own, for admins any.
	"token.revoke": {
		params: {
			id: string;
		};
		result: Record<string, never>;
		role: "viewer";
		effect: "system";
		sudo: false;
	};
	// Keeps CAs and revocation lists in place of what the name had; where it is in use they take effect at once.
	"trust.import": {
		params: {
			name: string; // that configurations refer to it by
			files: string[]; // contents of files in base64: certificates of CAs and revocation lists, PEM or DER
		};
		result: Trust;
		role: "editor";
		effect: "runtime";
		sudo: false;
	};
	// Lists CAs and revocation lists by name.
	"trust.list": {
		params: Record<string, never>;
		result: Trusts;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Forgets CAs and revocation lists that nothing uses.
	"trust.remove": {
		params: {
			name: string; // of the trust
		};
		result: Record<string, never>;
		role: "editor";
		effect: "runtime";
		sudo: false;
	};
	// Starts a slot on trial, now or at the next reboot. While one is on trial, starting the other gives it up.
	"upgrade.activate": {
		params: {
			slot: string; // A or B
			reboot?: boolean; // start it now; otherwise at the next reboot
			downgrade?: boolean; // even if its rollback index is lower; only at the box's own command line or serial console
		};
		result: UpgradeShow;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Ends the writing of a bundle; its slot is empty then.
	"upgrade.cancel": {
		params: Record<string, never>;
		result: Record<string, never>;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Has the box fetch a bundle and write it into the slot that does not run; upgrade.show tells how far it is.
	"upgrade.fetch": {
		params: {
			url: string; // http:// or https:// of a bundle; its signature is what makes it trusted
		};
		result: UpgradeProgress;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Ends the trial of the version that runs, whatever its self-test finds.
	"upgrade.good": {
		params: Record<string, never>;
		result: UpgradeShow;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Upgrades this box and its peer to the version in a slot of this box, the one on standby first; upgrade.pair.show tells how far it is.
	"upgrade.pair.begin": {
		params: {
			slot?: string; // of this box, whose version both are to run; the newer of the two
			soak?: string; // how long the first box must stay good before the groups move to it, 1s to 24h; 2m
			stay?: boolean; // leave the groups on the box that was upgraded first
		};
		result: PairUpgrade;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Shows how far the upgrade of both boxes is.
	"upgrade.pair.show": {
		params: Record<string, never>;
		result: PairUpgrade;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Stops the upgrade of both boxes after what is under way; nothing is taken back.
	"upgrade.pair.stop": {
		params: Record<string, never>;
		result: PairUpgrade;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Shows the versions in both slots, what goes on, and what happened.
	"upgrade.show": {
		params: Record<string, never>;
		result: UpgradeShow;
		role: "viewer";
		effect: "read";
		sudo: false;
	};
	// Begins to send a bundle, which is written into the slot that does not run.
	"upgrade.upload.begin": {
		params: {
			size: number; // of the bundle, in bytes
			downgrade?: boolean; // take a lower rollback index too; only at the box's own command line or serial console
		};
		result: UpgradeUpload;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Sends the next piece of a bundle.
	"upgrade.upload.chunk": {
		params: {
			id: string; // of the upload
			offset: number; // of the first byte of data in the bundle
			data: string; // base64; 512 KiB at most before encoding
		};
		result: Record<string, never>;
		role: "admin";
		effect: "read";
		sudo: true;
	};
	// Ends the sending of a bundle, and answers when it is written and read back.
	"upgrade.upload.end": {
		params: {
			id: string; // of the upload
		};
		result: UpgradeWritten;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Has the box write the newest bundle of the USB sticks into the slot that does not run; upgrade.show tells how far it is.
	"upgrade.usb": {
		params: Record<string, never>;
		result: UpgradeProgress;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Makes a user.
	"user.create": {
		params: {
			name: string; // letters, digits and . _ - @; 64 at most
			password: string; // at least 10 characters
			role: "viewer" | "operator" | "editor" | "admin"; // viewer, operator, editor or admin
			scope?: Record<string, string>; // labels that objects must have; none: everything
		};
		result: User;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Removes a user with all sessions and API tokens.
	"user.delete": {
		params: {
			name: string; // of the user
		};
		result: Record<string, never>;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Shows one user.
	"user.get": {
		params: {
			name: string; // of the user
		};
		result: User;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Lists the users.
	"user.list": {
		params: Record<string, never>;
		result: Users;
		role: "admin";
		effect: "read";
		sudo: false;
	};
	// Begins anew with a set-up code where the users cannot be read, over the Unix socket alone; the damaged file is kept.
	"user.reset": {
		params: Record<string, never>;
		result: UsersReset;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Turns a user's second factor off, for who has lost the app and the recovery codes.
	"user.reset_totp": {
		params: {
			name: string; // of the user
		};
		result: Record<string, never>;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Gives a user another password and ends the user's sessions.
	"user.set_password": {
		params: {
			name: string; // of the user
			password: string; // at least 10 characters
		};
		result: Record<string, never>;
		role: "admin";
		effect: "system";
		sudo: true;
	};
	// Gives a user another role or scope and ends the user's sessions.
	"user.update": {
		params: {
			name: string; // of the user
			role?: "viewer" | "operator" | "editor" | "admin"; // left out: as it is
			scope?: Record<string, string>; // left out: as it is; {}: everything
		};
		result: User;
		role: "admin";
		effect: "system";
		sudo: true;
	};
}

// Topics says what each topic takes, and what an object, tick or entry of it is.
export interface Topics {
	"log.access": { class: "log"; params: {
		cluster?: string[];
		rule?: string[];
		pool?: string[];
		server?: string[];
		status?: string[]; // classes such as 5xx, or statuses such as 404; 0: no answer
		method?: string[];
		path?: string[]; // found in the path or its query
		client?: string[]; // addresses or networks
		not?: AccessExcept; // what is left out
	}; data: AccessEntry };
	"log.audit": { class: "log"; params: {
		from?: string; // the oldest; all
		to?: string; // records before this; all
		user?: string;
		method?: string; // or a pattern such as server.*
		object?: string; // with what is below it, or a pattern such as pool/*
		outcome?: string; // ok, error, or the kind of an error
		text?: string; // found anywhere
	}; data: AuditRecord };
	"log.events": { class: "log"; params: {
		severity?: string; // and worse: info, warning or error; info
		kinds?: string[]; // patterns such as member.*; all
		objects?: string[]; // paths with what is below them, or patterns such as pool/*; all
	}; data: LogEventsEvent };
	"log.system": { class: "log"; params: {
		level?: string; // and worse: debug, info, warn or error; info
		text?: string[]; // words that must all be found, such as crashed or role=web1; with - in front: must not; 20 at most
	}; data: LogSystemRecord };
	"series.live": { class: "series"; params: {
		series: string[]; // each written OBJECT:METRIC, such as cluster/shop:requests or engine:connections; 256 at most
	}; data: Tick };
	"state.candidate": { class: "state"; params: Record<string, never>; data: DraftState };
	"state.captures": { class: "state"; params: Record<string, never>; data: Capture };
	"state.certificate_requests": { class: "state"; params: Record<string, never>; data: CertificateRequest };
	"state.certificates": { class: "state"; params: Record<string, never>; data: Certificate };
	"state.clusters": { class: "state"; params: Record<string, never>; data: LiveCluster };
	"state.confirm": { class: "state"; params: Record<string, never>; data: ConfirmState };
	"state.console": { class: "state"; params: Record<string, never>; data: ConsoleChange };
	"state.ha": { class: "state"; params: Record<string, never>; data: HAObject };
	"state.hardware": { class: "state"; params: Record<string, never>; data: Hardware };
	"state.members": { class: "state"; params: Record<string, never>; data: LiveMember };
	"state.network": { class: "state"; params: Record<string, never>; data: NetworkInfo };
	"state.panel": { class: "state"; params: Record<string, never>; data: PanelScreen };
	"state.pools": { class: "state"; params: Record<string, never>; data: LivePool };
	"state.ports": { class: "state"; params: Record<string, never>; data: Port };
	"state.problems": { class: "state"; params: Record<string, never>; data: StateProblemsProblem };
	"state.rules": { class: "state"; params: Record<string, never>; data: Rule };
	"state.sessions": { class: "state"; params: {
		user?: string; // of this user; empty: the caller's own
		all?: boolean; // of all users
	}; data: Session };
	"state.system": { class: "state"; params: Record<string, never>; data: LiveSystem };
	"state.time": { class: "state"; params: Record<string, never>; data: TimeInfo };
	"state.tokens": { class: "state"; params: {
		user?: string; // of this user; empty: the caller's own
		all?: boolean; // of all users
	}; data: Token };
	"state.upgrade": { class: "state"; params: Record<string, never>; data: UpgradeShow };
	"state.users": { class: "state"; params: Record<string, never>; data: User };
}

// roles is the weakest role that each method needs, null where it needs no session.
export const roles: Record<keyof Methods, Role | null> = {
	"alert.list": "viewer",
	"alert.secret": "admin",
	"alert.test": "operator",
	"audit.download": "admin",
	"audit.export": "admin",
	"audit.note": "admin",
	"audit.query": "admin",
	"audit.verify": "admin",
	"auth.handover": null,
	"auth.handover_begin": "viewer",
	"auth.login": null,
	"auth.logout": null,
	"auth.password": "viewer",
	"auth.recovery_codes": "viewer",
	"auth.settings_get": "viewer",
	"auth.settings_set": "viewer",
	"auth.setup": null,
	"auth.setup_code": "admin",
	"auth.sudo": "viewer",
	"auth.totp_begin": "viewer",
	"auth.totp_confirm": "viewer",
	"auth.totp_disable": "viewer",
	"auth.whoami": "viewer",
	"backup.check": "admin",
	"backup.download": "admin",
	"backup.export": "admin",
	"backup.import": "admin",
	"backup.upload": "admin",
	"blackbox.read": "viewer",
	"capture.delete": "admin",
	"capture.download": "admin",
	"capture.list": "admin",
	"capture.start": "admin",
	"capture.stop": "admin",
	"certificate.chain": "viewer",
	"certificate.check": "editor",
	"certificate.eab": "editor",
	"certificate.import": "editor",
	"certificate.list": "viewer",
	"certificate.remove": "editor",
	"certificate.renew": "editor",
	"certificate.request": "editor",
	"certificate.request_like": "viewer",
	"certificate.request_list": "viewer",
	"certificate.request_remove": "editor",
	"certificate.request_show": "viewer",
	"certificate.rotate_tickets": "admin",
	"certificate.show": "viewer",
	"certificate.uncovered": "viewer",
	"cli.complete": "viewer",
	"cli.exec": "viewer",
	"cluster.list": "viewer",
	"config.adopt": "admin",
	"config.candidate": "editor",
	"config.check": "viewer",
	"config.commit": "editor",
	"config.compare": "viewer",
	"config.confirm": "editor",
	"config.diff": "viewer",
	"config.discard": "editor",
	"config.edit": "editor",
	"config.extend": "editor",
	"config.format": "viewer",
	"config.history": "viewer",
	"config.insert": "editor",
	"config.language": "viewer",
	"config.move": "editor",
	"config.object": "viewer",
	"config.patch": "editor",
	"config.put": "editor",
	"config.rebase": "editor",
	"config.remove": "editor",
	"config.rename": "editor",
	"config.revert": "editor",
	"config.review": "editor",
	"config.rollback": "editor",
	"config.set": "editor",
	"config.source": "viewer",
	"config.test": "viewer",
	"config.text": "viewer",
	"config.try": "editor",
	"config.values": "viewer",
	"connection.list": "viewer",
	"console.report": null,
	"console.settings": null,
	"console.show": "viewer",
	"diag.dns": "operator",
	"diag.ping": "operator",
	"diag.trace": "operator",
	"event.ack": "operator",
	"event.list": "viewer",
	"explain.request": "viewer",
	"ha.pair.begin": "admin",
	"ha.pair.cancel": "admin",
	"ha.pair.confirm": "admin",
	"ha.pair.join": "admin",
	"ha.pair.show": "viewer",
	"ha.pulse": null,
	"ha.rebalance": "operator",
	"ha.rehearsals": "viewer",
	"ha.rehearse": "admin",
	"ha.settings": null,
	"ha.show": "viewer",
	"ha.switch": "operator",
	"ha.sync.differences": "viewer",
	"ha.sync.resolve": "admin",
	"ha.timeline": "viewer",
	"ha.track": "operator",
	"ha.unpair": "admin",
	"hardware.show": "viewer",
	"led.locate": "operator",
	"metrics.history": "viewer",
	"network.show": "viewer",
	"panel.press": "admin",
	"panel.screen": "viewer",
	"panel.settings": "admin",
	"panel.status": "viewer",
	"part.delete": "editor",
	"part.get": "viewer",
	"part.patch": "editor",
	"part.put": "editor",
	"persist.clear": "operator",
	"persist.list": "viewer",
	"persist.rotate": "admin",
	"pool.list": "viewer",
	"port.identify": "operator",
	"port.list": "viewer",
	"port.plug": "admin",
	"probe.run": "operator",
	"probe.try": "editor",
	"resource.delete": "editor",
	"resource.get": "viewer",
	"resource.patch": "editor",
	"resource.put": "editor",
	"responder.test": "viewer",
	"rule.list": "viewer",
	"server.cancel": "operator",
	"server.disable": "operator",
	"server.drain": "operator",
	"server.enable": "operator",
	"server.preview": "viewer",
	"server.quiesce": "operator",
	"server.weight": "operator",
	"session.list": "viewer",
	"session.revoke": "viewer",
	"sub.close": null,
	"sub.open": null,
	"sub.read": null,
	"sub.update": null,
	"support.bundle": "admin",
	"sys.halt": "admin",
	"sys.hello": null,
	"sys.info": "viewer",
	"sys.log": "viewer",
	"sys.metrics": "viewer",
	"sys.openapi": "viewer",
	"sys.reboot": "admin",
	"sys.rest": "viewer",
	"sys.restart": "admin",
	"throttle.clear": "admin",
	"throttle.list": "admin",
	"time.set": "admin",
	"time.show": "viewer",
	"token.create": "viewer",
	"token.list": "viewer",
	"token.revoke": "viewer",
	"trust.import": "editor",
	"trust.list": "viewer",
	"trust.remove": "editor",
	"upgrade.activate": "admin",
	"upgrade.cancel": "admin",
	"upgrade.fetch": "admin",
	"upgrade.good": "admin",
	"upgrade.pair.begin": "admin",
	"upgrade.pair.show": "viewer",
	"upgrade.pair.stop": "admin",
	"upgrade.show": "viewer",
	"upgrade.upload.begin": "admin",
	"upgrade.upload.chunk": "admin",
	"upgrade.upload.end": "admin",
	"upgrade.usb": "admin",
	"user.create": "admin",
	"user.delete": "admin",
	"user.get": "admin",
	"user.list": "admin",
	"user.reset": "admin",
	"user.reset_totp": "admin",
	"user.set_password": "admin",
	"user.update": "admin",
};
