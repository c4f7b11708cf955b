// SPDX-License-Identifier: Apache-2.0

package vrrp

// A State is what a virtual router is on this box.
type State uint8

// The states. INIT, BACKUP and ACTIVE are those of RFC 9568, section 6.3.
const (
	Init   State = iota // not started
	Backup              // another router has the addresses
	Active              // this box has the addresses
	Fault               // started, but unable to take part: link down, or SetFault
)

// String returns the state in lower case, such as "backup".
func (s State) String() string {
	switch s {
	case Init:
		return "init"
	case Backup:
		return "backup"
	case Active:
		return "active"
	case Fault:
		return "fault"
	}
	return "unknown"
}

// An Event is something that happened to a virtual router: one of the types
// below that say so. Why is always a short text for people without a capital
// and a full stop, such as "the engine does not serve".
type Event interface{ event() }

type (
	// Startup takes the router from INIT: an owner becomes ACTIVE, any other
	// BACKUP, or FAULT where LinkDown or SetFault came before.
	Startup struct{}

	// Shutdown takes it back to INIT; an ACTIVE router gives up first.
	Shutdown struct{ Why string }

	// Tick says that the time of Deadline has come. After a pause the caller
	// hands in every packet that waits before it ticks, so that an ACTIVE
	// router that advertised meanwhile is not taken for dead. A Tick too early
	// does no harm.
	Tick struct{}

	// Advert is a packet that Parse took, from the router's interface.
	Advert struct{ Received }

	// SetPriority sets the effective priority: it is bounded to 1 to 254, and
	// that of an owner stays 255. An ACTIVE router advertises it at once. Base is what
	// it would be but for Why: where it is higher, the reason for leaving or not
	// becoming ACTIVE says so.
	SetPriority struct {
		Priority, Base uint8
		Why            string
	}

	// Configure replaces the configuration, which must pass Config.Check (one
	// that does not is refused with a Log). An ACTIVE router stays ACTIVE
	// unless its VRID or family is another; then it gives up and starts anew.
	Configure struct{ Config Config }

	// Handover makes an ACTIVE router give up for another (priority 0, then
	// BACKUP) and pins it, so that it does not take over again at once. A router
	// in another state is only pinned.
	Handover struct{ Why string }

	// Pin keeps a BACKUP router from taking over from an ACTIVE one of lower
	// priority; from one that falls silent it takes over as ever, which ends
	// the pin.
	Pin struct {
		On  bool
		Why string
	}

	// Heir says that this router is the next in line: while it is on, an
	// advertisement of priority 0 from the ACTIVE router makes a BACKUP one
	// ACTIVE at once, not after Skew_Time, which only exists to tell several
	// heirs apart.
	Heir struct{ On bool }

	// Takeover makes a BACKUP router ACTIVE at once, against Pin: the
	// other routers of its group are ACTIVE here, or the ACTIVE one hands over.
	Takeover struct{ Why string }

	// LinkUp says that the interface can send and receive. It ends FAULT unless
	// SetFault is on. An ACTIVE router announces its addresses again: the link may
	// now end at another switch.
	LinkUp struct{}

	// LinkDown says that the interface cannot send or receive: FAULT.
	LinkDown struct{ Why string }

	// SetFault says that the router must not be ACTIVE for a reason other than its
	// own link, such as an engine that does not serve or a link of another
	// router of the group. An ACTIVE one gives up with priority 0.
	SetFault struct {
		On  bool
		Why string
	}
)

func (Startup) event()     {}
func (Shutdown) event()    {}
func (Tick) event()        {}
func (Advert) event()      {}
func (SetPriority) event() {}
func (Configure) event()   {}
func (Handover) event()    {}
func (Pin) event()         {}
func (Heir) event()        {}
func (Takeover) event()    {}
func (LinkUp) event()      {}
func (LinkDown) event()    {}
func (SetFault) event()    {}

// An Action is something that the caller must do, in the order in which Handle
// returns it: one of the types below that say so.
type Action interface{ action() }

type (
	// Send is to send the advertisement: to the group, or to each unicast peer.
	// It is complete, and may be that of a router that was just configured away.
	Send struct{ Advertisement }

	// Take is to give the interface exactly the addresses of the router's
	// present configuration; it comes again when they change. Accept says
	// whether packets to them are served or only forwarded; neighbour
	// solicitations and advertisements are always taken (RFC 9568, section
	// 6.4.3).
	Take struct{ Accept bool }

	// Release is to take all the router's addresses from the interface.
	Release struct{}

	// Announce is to send gratuitous ARP or unsolicited neighbour advertisements
	// for every address. Again is false where the router just became ACTIVE,
	// true where it only repeats or heals what neighbours know. Once says that
	// one round is enough; else the configured number of repetitions applies.
	Announce struct {
		Again bool
		Once  bool
		Why   string
	}

	// Log is to tell people. From and To differ for a change of state. Warn
	// marks what somebody should look into.
	Log struct {
		From, To State
		Text     string
		Warn     bool
	}
)

func (Send) action()     {}
func (Take) action()     {}
func (Release) action()  {}
func (Announce) action() {}
func (Log) action()      {}
