// SPDX-License-Identifier: Apache-2.0

package http2

// Underscore says what becomes of a request field whose name contains "_",
// which servers with a CGI heritage confuse with "-".
type Underscore uint8

const (
	Drop   Underscore = iota // the field is marked Hop and so not forwarded
	Keep                     // the field is forwarded like any other
	Reject                   // the request is refused
)

// A Config has the limits and choices for connections of one kind. A zero field
// means the default named beside it.
type Config struct {
	MaxStreams   int // concurrent streams; announced by a server, kept to by a client; 100
	StreamWindow int // bytes that a peer may send ahead on a stream; 64 KiB
	ConnWindow   int // bytes that a peer may send ahead on all of them, at least 65535; 256 KiB
	MaxFrame     int // bytes of a frame that a peer may send, 16384 to 16777215; 16384
	HeaderTable  int // bytes of the dynamic table that a peer may use; 4096, none when negative
	MaxOut       int // bytes in Out from which no more of a body is taken; 64 KiB

	MaxHead   int // bytes of a decoded head with 32 for each field (RFC 9113 section 6.5.2); 32 KiB
	MaxFields int // field lines, all of Cookie counted as one; 100
	MaxField  int // bytes of one name and value, ": " between them; 16 KiB
	MaxTarget int // bytes of :path; 8 KiB

	ExtendedConnect    bool       // servers: let clients ask for CONNECT with :protocol (RFC 8441)
	Extended           bool       // let bytes from 0x80 stand in targets
	Underscore         Underscore // requests only; Drop
	RejectGetBody      bool       // refuse GET, HEAD and DELETE with a body
	RejectEncodedSlash bool       // refuse %2f and %5c in a path

	Budget Budget
}

// A Budget bounds what a peer may cost without any use. All but Continuations
// and Queued are counts within BudgetWindow; whoever goes beyond one is sent
// away with ENHANCE_YOUR_CALM. A zero field means the default named beside it.
//
// Work that was of use earns more: see each field. A beginning is a head that
// begins a stream, a payload a DATA frame with content, received, or sent with
// 1 KiB or with all that was to be sent; payloads that a window of few bytes
// cuts up earn nothing.
type Budget struct {
	// Resets bounds the streams reset before they were answered, by the client
	// (CVE-2023-44487) or by us because of what the client did (CVE-2025-8671).
	// Each answer sent whole makes up for one, but to what was Refused. 100.
	Resets int
	// Queued bounds the acknowledgements and resets that wait to be sent to a
	// peer who does not read them (CVE-2019-9512, 9514, 9515). 1000.
	Queued int
	// Continuations bounds the CONTINUATION frames of one head
	// (CVE-2024-27316). 32.
	Continuations int
	// Pings bounds PING frames (CVE-2019-9512); 2 more for each beginning or
	// payload, because peers measure round trips while they load. 500.
	Pings int
	// Settings bounds SETTINGS frames (CVE-2019-9515). 100.
	Settings int
	// Empty bounds DATA frames that neither carry anything nor end the stream
	// (CVE-2019-9518); 1 more for each beginning. 100.
	Empty int
	// Priorities bounds PRIORITY frames (CVE-2019-9513), those of unknown types,
	// and RST_STREAM of what has ended; 10 more for each beginning. 500.
	Priorities int
	// Windows bounds WINDOW_UPDATE frames (CVE-2019-9517, CVE-2019-9511); 10 more
	// for each beginning or payload. 1000.
	Windows int
}

// BudgetWindow is the time that a [Budget] is for, in nanoseconds.
const BudgetWindow int64 = 30e9

// A Profile is a Config whose defaults are filled in. It is read only: any
// number of connections, on any goroutine, may share one.
type Profile struct{ c Config }

// Prepare fills in the defaults and brings what the protocol bounds within its
// bounds.
func Prepare(c Config) *Profile {
	fill := func(n *int, otherwise, least, most int) {
		if *n == 0 {
			*n = otherwise
		}
		*n = min(max(*n, least), most)
	}
	const many = 1 << 30
	fill(&c.MaxStreams, 100, 1, many)
	fill(&c.StreamWindow, 64<<10, 1, maxWindow)
	fill(&c.ConnWindow, 256<<10, firstWindow, maxWindow)
	fill(&c.MaxFrame, minFrame, minFrame, maxFrame)
	fill(&c.HeaderTable, firstTable, 0, 64<<10)
	fill(&c.MaxOut, 64<<10, 1, many)
	fill(&c.MaxHead, 32<<10, 1, many)
	fill(&c.MaxFields, 100, 1, many)
	fill(&c.MaxField, 16<<10, 1, many)
	fill(&c.MaxTarget, 8<<10, 1, many)
	fill(&c.Budget.Resets, 100, 1, many)
	fill(&c.Budget.Queued, 1000, 1, many)
	fill(&c.Budget.Continuations, 32, 1, many)
	fill(&c.Budget.Pings, 500, 1, many)
	fill(&c.Budget.Settings, 100, 1, many)
	fill(&c.Budget.Empty, 100, 1, many)
	fill(&c.Budget.Priorities, 500, 1, many)
	fill(&c.Budget.Windows, 1000, 1, many)
	return &Profile{c}
}
