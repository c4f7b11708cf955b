// SPDX-License-Identifier: Apache-2.0

package accesslog

import "net/netip"

// A Record tells of one exchange, or of one connection of a tcp or udp cluster.
// It has a fixed size and no pointers, so a loop can keep one and reuse it:
// assign Record{} first. Durations are nanoseconds; a negative one means that it
// did not come to that.
type Record struct {
	Time       int64  // Unix time in nanoseconds when the request began
	Total      int64  // from Time to the end
	Queue      int64  // waiting for a member
	Connect    int64  // connecting to the member; 0 on a reused connection
	FirstByte  int64  // from Time to the first byte of the member's answer
	BytesIn    int64  // read from the client
	BytesOut   int64  // written to the client
	Generation uint64 // of the configuration that served it
	Cluster    Name
	Rule       Name
	Pool       Name
	Member     Name
	Status     uint16 // of the answer; 0: none
	Retries    uint16 // further members tried
	Protocol   Protocol
	Persist    Persist
	Reason     Reason

	client endpoint
	via    endpoint // who connected to the box, where a PROXY header told of the client
	server endpoint // the member

	// ServerPort is the box's port of the connection with the member, in no line:
	// packet captures join both sides of an exchange by it. 0: not known.
	ServerPort uint16

	// ServerShared says that the connection with the member carries several at once.
	ServerShared bool

	Method    Text32
	Host      Text128
	Path      Text256 // request target as received, with its query
	RequestID Text64
	Referer   Text128
	UserAgent Text128
}

// A Name stands for a string that [Log.Name] was given; 0 is no name.
type Name uint32

// SetClient sets the client's address. An IPv6 zone is not kept.
func (r *Record) SetClient(a netip.AddrPort) { r.client.set(a) }

// Client returns the client's address, the zero AddrPort if none was set.
func (r *Record) Client() netip.AddrPort { return r.client.get() }

// SetVia sets whose connection it was, where that was not the client's own.
func (r *Record) SetVia(a netip.AddrPort) { r.via.set(a) }

// Via returns whose connection it was, the zero AddrPort if it was the client's.
func (r *Record) Via() netip.AddrPort { return r.via.get() }

// SetServer sets the member's address.
func (r *Record) SetServer(a netip.AddrPort) { r.server.set(a) }

// Server returns the member's address, the zero AddrPort if none was set.
func (r *Record) Server() netip.AddrPort { return r.server.get() }

// An endpoint is an address and a port without a pointer.
type endpoint struct {
	ip   [16]byte
	port uint16
	kind uint8 // 0 none, 4 or 6
}

func (e *endpoint) set(a netip.AddrPort) {
	ip := a.Addr().Unmap()
	e.ip, e.port, e.kind = ip.As16(), a.Port(), 0
	switch {
	case ip.Is4():
		e.kind = 4
	case ip.Is6():
		e.kind = 6
	}
}

func (e *endpoint) get() netip.AddrPort {
	switch ip := netip.AddrFrom16(e.ip); e.kind {
	case 4:
		return netip.AddrPortFrom(ip.Unmap(), e.port)
	case 6:
		return netip.AddrPortFrom(ip, e.port)
	default:
		return netip.AddrPort{}
	}
}
