// SPDX-License-Identifier: Apache-2.0

package event

import (
	"slices"
	"strings"
)

// A Kind names what happened. Kinds are stable: rules and translations refer to
// them.
type Kind string

// The kinds.
const (
	MemberUp        Kind = "member.up"
	MemberDown      Kind = "member.down"
	MemberDraining  Kind = "member.draining"
	MemberDrained   Kind = "member.drained"
	MemberEnabled   Kind = "member.enabled"
	MemberQuiesced  Kind = "member.quiesced"
	MemberDisabled  Kind = "member.disabled"
	MemberCut       Kind = "member.cut"
	MemberWeight    Kind = "member.weight"
	PoolDown        Kind = "pool.down"
	PoolUp          Kind = "pool.up"
	ConfigCommitted Kind = "config.committed"
	ConfigConfirmed Kind = "config.confirmed"
	ConfigReverted  Kind = "config.reverted"
	ConfigUnserved  Kind = "config.unserved"
	ConfigServed    Kind = "config.served"
	CertExpiring    Kind = "certificate.expiring"
	CertExpired     Kind = "certificate.expired"
	CertRenewed     Kind = "certificate.renewed"
	CertFailed      Kind = "certificate.failed"
	EngineStarted   Kind = "engine.started"
	RoleCrashed     Kind = "role.crashed"
	RoleRestarted   Kind = "role.restarted"
	SensorWarning   Kind = "sensor.warning"
	SensorCritical  Kind = "sensor.critical"
	SensorMissing   Kind = "sensor.missing"
	SensorOK        Kind = "sensor.ok"
	WatchdogReset   Kind = "watchdog.reset"
	MachineAlarm    Kind = "machine.alarm"
	ClockStepped    Kind = "clock.stepped"
	ClockJumped     Kind = "clock.jumped"
	ClockUnsynced   Kind = "clock.unsynced"
	ClockSynced     Kind = "clock.synced"
	LoginFailed     Kind = "login.failed"
	LoginThrottled  Kind = "login.throttled"
	AuditFailed     Kind = "audit.failed"
	AuditRestored   Kind = "audit.restored"
	EventsLost      Kind = "events.lost"
	PortUp          Kind = "port.up"
	PortDown        Kind = "port.down"
	GroupActive     Kind = "group.active"
	GroupTakeover   Kind = "group.takeover"
	GroupBackup     Kind = "group.backup"
	GroupFault      Kind = "group.fault"
	GroupInit       Kind = "group.init"
	GroupChanged    Kind = "group.changed"
	StandbyAlarm    Kind = "standby.alarm"
	StandbyWarning  Kind = "standby.warning"
	StandbyCleared  Kind = "standby.cleared"
	PeerConnected   Kind = "peer.connected"
	PeerLost        Kind = "peer.lost"
	PeerPaired      Kind = "peer.paired"
	PeerUnpaired    Kind = "peer.unpaired"
	ConfigMirrored  Kind = "config.mirrored"
	ConfigRefused   Kind = "config.refused"
	RehearsalDone   Kind = "rehearsal.done"
	RehearsalFailed Kind = "rehearsal.failed"
	UpgradeWritten  Kind = "upgrade.written"
	UpgradeRefused  Kind = "upgrade.refused"
	UpgradeArmed    Kind = "upgrade.armed"
	UpgradeTrial    Kind = "upgrade.trial"
	UpgradeGood     Kind = "upgrade.good"
	UpgradeFellBack Kind = "upgrade.fell_back"
	PairBegun       Kind = "upgrade.pair_begun"
	PairUpgraded    Kind = "upgrade.pair_done"
	PairStopped     Kind = "upgrade.pair_stopped"
	AlertFailed     Kind = "alert.failed"
	AlertRestored   Kind = "alert.restored"
	AlertDropped    Kind = "alert.dropped"
	AlertTest       Kind = "alert.test"
)

// A Description is what is known of a kind.
type Description struct {
	Kind     Kind
	Severity Severity
	Text     string // English, with arguments in braces
	Object   string // what it is about, as a path with names in capitals
}

// table has every kind once, in the order of the manual.
var table = []Description{
	{MemberUp, Info, "{pool}/{member} is up: {reason}", "pool/POOL/member/SERVER"},
	{MemberDown, Warning, "{pool}/{member} is down: {reason}", "pool/POOL/member/SERVER"},
	{MemberQuiesced, Info, "{pool}/{member} gets no new clients; ordered by {by}: {reason}", "pool/POOL/member/SERVER"},
	{MemberDraining, Info, "{pool}/{member} is drained until {until}; ordered by {by}: {reason}", "pool/POOL/member/SERVER"},
	{MemberDrained, Info, "{pool}/{member} is drained and gets no clients any more", "pool/POOL/member/SERVER"},
	{MemberDisabled, Info, "{pool}/{member} gets no clients; ordered by {by}: {reason}", "pool/POOL/member/SERVER"},
	{MemberCut, Info, "what is open to {pool}/{member} is closed; ordered by {by}: {reason}", "pool/POOL/member/SERVER"},
	{MemberEnabled, Info, "{pool}/{member} is enabled; ordered by {by}: {reason}", "pool/POOL/member/SERVER"},
	{MemberWeight, Info, "{pool}/{member} has weight {weight}; ordered by {by}: {reason}", "pool/POOL/member/SERVER"},
	{PoolDown, Error, "pool {pool} has no member that can take clients", "pool/POOL"},
	{PoolUp, Info, "pool {pool} can take clients again", "pool/POOL"},
	{ConfigCommitted, Info, "revision {revision} was committed by {by}: {comment}", "config"},
	{ConfigConfirmed, Info, "revision {revision} was confirmed by {by}", "config"},
	{ConfigReverted, Warning, "revision {revision} was taken back, revision {running} runs: {reason}", "config"},
	{ConfigUnserved, Error, "revision {revision} is not served whole: {error}", "config"},
	{ConfigServed, Info, "revision {revision} is served whole again", "config"},
	{CertExpiring, Warning, "certificate {certificate} expires on {expires}", "certificate/NAME"},
	{CertExpired, Error, "certificate {certificate} expired on {expires}", "certificate/NAME"},
	{CertRenewed, Info, "certificate {certificate} was renewed and is good until {expires}", "certificate/NAME"},
	{CertFailed, Error, "certificate {certificate} was not issued or renewed: {error}", "certificate/NAME"},
	{EngineStarted, Info, "the engine of version {version} started and runs revision {revision}", "role/engine"},
	{RoleCrashed, Error, "{role} crashed: {reason}", "role/NAME"},
	{RoleRestarted, Info, "{role} is restarted, as {by} has ordered", "role/NAME"},
	{PortUp, Info, "port {port} has a link", "port/NAME"},
	{PortDown, Warning, "port {port} has no link any more: {reason}", "port/NAME"},
	{SensorWarning, Warning, "{sensor} is at {value}, its limit is {limit}", "sensor/CHIP:INPUT"},
	{SensorCritical, Error, "{sensor} is at {value}, which the box cannot bear for long; its limit is {limit}", "sensor/CHIP:INPUT"},
	{SensorMissing, Warning, "{sensor} cannot be read: {problem}", "sensor/CHIP:INPUT"},
	{SensorOK, Info, "{sensor} is at {value} and within its limits again", "sensor/CHIP:INPUT"},
	{MachineAlarm, Error, "the machine did not start as it should: {reason}", "machine/NAME"},
	{WatchdogReset, Error, "the watchdog ({watchdog}) has restarted the box: nobody had fed it", "watchdog"},
	{ClockStepped, Warning, "the clock was set by {by}, as the time servers say", "clock"},
	{ClockJumped, Warning, "somebody has set the clock by {by}", "clock"},
	{ClockUnsynced, Warning, "the clock has followed no time server for an hour: {reason}", "clock"},
	{ClockSynced, Info, "the clock follows time servers again", "clock"},
	{LoginFailed, Warning, "login of {user} from {remote} failed: {reason}", "user/NAME"},
	{LoginThrottled, Warning, "logins of {user} from {remote} must wait: too many have failed", "user/NAME"},
	{AuditFailed, Error, "the audit log is not written, {waiting} records wait: {error}", "audit"},
	{AuditRestored, Info, "the audit log is written again; {lost} records were lost", "audit"},
	{EventsLost, Warning, "{lost} events were not kept: {reason}", "events"},
	{GroupActive, Info, "{group} is active on {node}: {reason}", "group/NAME"},
	{GroupTakeover, Warning, "{node} has taken {group} over: {reason}", "group/NAME"},
	{GroupBackup, Info, "{group} is on standby on {node}: {reason}", "group/NAME"},
	{GroupFault, Warning, "{group} is at fault on {node}: {reason}", "group/NAME"},
	{GroupInit, Info, "{group} has ended on {node}: {reason}", "group/NAME"},
	{GroupChanged, Info, "{group} on {node} has priority {priority}: {reason}", "group/NAME"},
	{StandbyAlarm, Error, "hot standby: {text}", "standby"},
	{StandbyWarning, Warning, "hot standby: {text}", "standby"},
	{StandbyCleared, Info, "hot standby, over now: {text}", "standby"},
	{PeerConnected, Info, "the mirror reaches {peer}", "peer/NAME"},
	{PeerLost, Warning, "the mirror does not reach {peer}: {reason}", "peer/NAME"},
	{PeerPaired, Info, "paired with {peer}, as {by} has confirmed", "peer/NAME"},
	{PeerUnpaired, Info, "no longer paired with {peer}, as {by} has ordered", "peer/NAME"},
	{ConfigMirrored, Info, "revision {revision} came from {peer}, where {by} has committed it", "config"},
	{ConfigRefused, Error, "{node} does not take the configuration of {peer}: {error}", "config"},
	{RehearsalDone, Info, "{kind} failover of {group} was rehearsed: {failed} of {asked} requests failed, the longest gap was {gap}", "group/NAME"},
	{RehearsalFailed, Warning, "the rehearsal of {group} has failed: {error}", "group/NAME"},
	{UpgradeWritten, Info, "version {version} is written into slot {slot}, from {source}; ordered by {by}", "slot/NAME"},
	{UpgradeRefused, Warning, "a bundle from {source} was not taken: {error}", "slot/NAME"},
	{UpgradeArmed, Info, "the next start is of version {version} in slot {slot}, as {by} has ordered", "slot/NAME"},
	{UpgradeTrial, Warning, "version {version} in slot {slot} runs on trial, try {try}", "slot/NAME"},
	{UpgradeGood, Info, "version {version} in slot {slot} is good: {reason}", "slot/NAME"},
	{UpgradeFellBack, Error, "version {version} in slot {slot} was given up, and {running} runs again: {reason}", "slot/NAME"},
	{PairBegun, Info, "{first} and then {second} are upgraded to version {version}, as {by} has ordered", "upgrade"},
	{PairUpgraded, Info, "{first} and {second} run version {version}", "upgrade"},
	{PairStopped, Warning, "the upgrade of {first} and {second} to version {version} has stopped: {reason}", "upgrade"},
	{AlertFailed, Warning, "alerts do not reach {channel}: {error}", "alert/NAME"},
	{AlertRestored, Info, "alerts reach {channel} again", "alert/NAME"},
	{AlertDropped, Warning, "{dropped} alerts for {channel} were dropped: it takes none, and too many wait", "alert/NAME"},
	{AlertTest, Info, "this is a test, sent by {by}; nothing has happened", "alert/NAME"},
}

var described = func() map[Kind]Description {
	m := make(map[Kind]Description, len(table))
	for _, d := range table {
		m[d.Kind] = d
	}
	return m
}()

// Kinds describes every kind, in the order of the manual.
func Kinds() []Description { return slices.Clone(table) }

// Args names the arguments of a kind's text.
func (d Description) Args() []string {
	var out []string
	for _, m := range argument.FindAllStringSubmatch(d.Text, -1) {
		out = append(out, m[1])
	}
	return out
}

// Object joins the steps of a path. A slash or a control character inside a step
// becomes an underscore, so that a name cannot pass for a path.
func Object(steps ...string) string {
	for i, s := range steps {
		steps[i] = strings.Map(func(r rune) rune {
			if r == '/' || r < ' ' || r == 0x7f {
				return '_'
			}
			return r
		}, s)
	}
	return strings.Join(steps, "/")
}
