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

	client     [16]byte
	clientPort uint16
	clientKind uint8 // 0 none, 4 or 6

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
func (r *Record) SetClient(a netip.AddrPort) {
	ip := a.Addr().Unmap()
	r.clientPort = a.Port()
	r.client = ip.As16()
	switch {
	case ip.Is4():
		r.clientKind = 4
	case ip.Is6():
		r.clientKind = 6
	default:
		r.clientKind = 0
	}
}

// Client returns the client's address, the zero AddrPort if none was set.
func (r *Record) Client() netip.AddrPort {
	switch ip := netip.AddrFrom16(r.client); r.clientKind {
	case 4:
		return netip.AddrPortFrom(ip.Unmap(), r.clientPort)
	case 6:
		return netip.AddrPortFrom(ip, r.clientPort)
	default:
		return netip.AddrPort{}
	}
}
