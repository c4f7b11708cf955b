// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A probeCase is one question to one server and what must come of it.
type probeCase struct {
	name  string
	probe ProbeConfig
	serve behaviour
	want  Outcome
	why   Reason
	text  string // within the detail
}

func runCases(t *testing.T, typ Type, cases []probeCase) {
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.probe.Type, tt.probe.Port = typ, 0
			addr := serve(t, tt.serve)
			tt.probe.Port = addr.Port()
			r, _ := put(t, tt.probe, addr)
			if r.Outcome != tt.want || r.Reason != tt.why || !strings.Contains(r.Detail, tt.text) {
				t.Errorf("got %v, %s: %s\nwant %v, %s: ...%s...",
					r.Outcome, r.Reason, r.Detail, tt.want, tt.why, tt.text)
			}
		})
	}
}

func TestTCP(t *testing.T) {
	runCases(t, TCP, []probeCase{
		{"accepts", ProbeConfig{}, thenHangs(silent), Good, OK, "connected to 127.0.0.1:"},
		{"closes", ProbeConfig{}, silent, Good, OK, ""},
	})
	if r, _ := put(t, ProbeConfig{Type: TCP}, closedPort(t)); r.Reason != Refused || r.Outcome != Bad {
		t.Errorf("closed port = %+v, want refused", r)
	}
}

// A listener whose queue is full drops the handshake: no answer at all.
func TestConnectTimeout(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*unix.SockaddrInet4).Port))
	conn, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	r, x := put(t, ProbeConfig{Type: TCP, ConnectTimeout: brief}, to)
	if r.Outcome != Bad || r.Reason != ConnectTimeout || x.Connect != 0 {
		t.Errorf("got %+v, connected after %v; want connect_timeout", r, x.Connect)
	}
	r, _ = put(t, ProbeConfig{Type: TCP, ConnectTimeout: time.Minute,
		DataTimeout: time.Minute, Timeout: brief}, to)
	if r.Outcome != Bad || r.Reason != Timeout {
		t.Errorf("got %+v, want timeout of the whole probe", r)
	}
}

func TestACV(t *testing.T) {
	ok := ProbeConfig{Send: "PING\n", Expect: "+PONG"}
	within := func(d time.Duration, p ProbeConfig) ProbeConfig {
		p.DataTimeout = d
		return p
	}
	runCases(t, ACV, []probeCase{
		{"expected", ok, hears(says("+PONG\r\n")), Good, OK, `found "+PONG"`},
		{"server goes on talking", ok, hears(thenHangs(says("xx+PONGxx"))), Good, OK, ""},
		{"no stimulus", ProbeConfig{Expect: "220 "}, thenHangs(says("220 mail\r\n")), Good, OK, ""},
		{"byte by byte", ok, hears(slowly("+PONG", time.Millisecond)), Good, OK, ""},
		{"half-closed", ok, hears(thenHalfCloses(says("+PONG"))), Good, OK, ""},
		{"other answer", ok, hears(says("-ERR\r\n")), Bad, Mismatch, `"+PONG" is not in the first 6 bytes`},
		{"empty answer", ok, hears(silent), Bad, Closed, "without an answer"},
		{"reset", ok, resets, Bad, Reset, ""},
		{"never answers", within(brief, ok), thenHangs(silent), Bad, DataTimeout, "after 0 bytes: no whole answer within 50ms"},
		{"stops in the middle", within(ample, ok), hears(thenHangs(says("+PO"))), Bad, DataTimeout, "after 3 bytes"},
		{"too slow", within(brief, ok), hears(slowly(strings.Repeat("x", 1000), 10*time.Millisecond)), Bad, DataTimeout, ""},
		{"endless", ok, hears(endless("xyz")), Bad, Mismatch, "first 1024 bytes"},
		{"too late in the answer", ProbeConfig{Expect: "ok", Within: 10},
			says("123456789ok"), Bad, Mismatch, "first 10 bytes"},
		{"just within", ProbeConfig{Expect: "ok", Within: 10}, says("12345678okxx"), Good, OK, ""},
		{"whole probe", ProbeConfig{Expect: "ok", DataTimeout: time.Minute, Timeout: brief},
			thenHangs(silent), Bad, Timeout, "within 50ms"},
		{"regex", ProbeConfig{ExpectRegex: `^SSH-2\.\d`}, thenHangs(says("SSH-2.0-x\r\n")), Good, OK, ""},
		{"regex not matched", ProbeConfig{ExpectRegex: `^SSH`}, says("xSSH"), Bad, Mismatch, ""},
		{"regex to the end", ProbeConfig{ExpectRegex: `^OK$`}, slowly("OKAY", time.Millisecond), Bad, Mismatch, ""},
		{"regex to the end, which comes", ProbeConfig{ExpectRegex: `^OK$`}, slowly("OK", time.Millisecond), Good, OK, ""},
		{"regex to the end of a pause", ProbeConfig{ExpectRegex: `^OK$`, DataTimeout: ample},
			thenHangs(says("OK")), Good, OK, ""},
		{"long regex answer byte by byte", ProbeConfig{ExpectRegex: `end`, Within: 4096},
			slowly(strings.Repeat("x", 900)+"end", 0), Good, OK, ""},
	})
}

func TestAgent(t *testing.T) {
	must := ProbeConfig{RequireResponse: true}
	short := ProbeConfig{RequireResponse: true, DataTimeout: brief}
	runCases(t, Agent, []probeCase{
		{"answers", must, says("42"), Good, OK, "says 42"},
		{"line", must, says("42\r\n"), Good, OK, "says 42"},
		{"line, then stays", must, thenHangs(says(" 7 \n")), Good, OK, "says 7"},
		{"half-closed", must, thenHalfCloses(says("100")), Good, OK, "says 100"},
		{"byte by byte", must, slowly("100", time.Millisecond), Good, OK, "says 100"},
		{"out", must, says("-1\n"), Good, AskedOut, "taken out"},
		{"stimulus", ProbeConfig{Send: "load\n", RequireResponse: true}, hears(says("3")), Good, OK, ""},
		{"too much", must, says("101"), Bad, Syntax, `"101"`},
		{"no number", must, says("busy"), Bad, Syntax, `"busy"`},
		{"blank line", must, says("\n"), Bad, Syntax, `""`},
		{"endless", must, endless("1"), Bad, TooLong, ""},
		{"closes", must, silent, Bad, Closed, "closed the connection"},
		{"resets", must, resets, Bad, Reset, ""},
		{"silent", short, thenHangs(silent), Bad, DataTimeout, "after 0 bytes"},
		{"no end of the number", ProbeConfig{RequireResponse: true, DataTimeout: ample}, thenHangs(says("5")), Bad, DataTimeout, "after 1 bytes"},
		{"need not answer", ProbeConfig{}, silent, Abstain, Closed, ""},
		{"need not answer sense", ProbeConfig{}, says("busy"), Abstain, Syntax, ""},
		{"need not answer in time", ProbeConfig{DataTimeout: brief}, thenHangs(silent), Abstain, DataTimeout, ""},
	})
	r, _ := put(t, ProbeConfig{Type: Agent, Port: closedPort(t).Port()}, closedPort(t))
	if r.Outcome != Abstain || r.Reason != Refused {
		t.Errorf("no agent = %+v, want abstain, refused", r)
	}
}

func TestLoadsOfAnswers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		probe ProbeConfig
		says  string
		want  float64
	}{
		{"agent idle", ProbeConfig{Type: Agent}, "0", 0},
		{"agent half", ProbeConfig{Type: Agent}, "50", 0.5},
		{"agent loaded", ProbeConfig{Type: Agent}, "100", 1},
		{"agent out", ProbeConfig{Type: Agent}, "-1", Out},
		{"default range", ProbeConfig{Type: Simple}, "25", 0.25},
		{"above", ProbeConfig{Type: Simple}, "1e9", 1},
		{"below", ProbeConfig{Type: Simple}, "-5", 0},
		{"out", ProbeConfig{Type: Simple}, "-1", Out},
		{"fraction", ProbeConfig{Type: Simple, Loaded: 8}, "2.0\n", 0.25},
		{"reversed", ProbeConfig{Type: Simple, Healthy: 1000, Loaded: 200}, "400", 0.75},
		{"reversed to zero", ProbeConfig{Type: Simple, Healthy: 100}, "25", 0.75},
		{"-1 within the range", ProbeConfig{Type: Simple, Healthy: -3, Loaded: 1}, "-1", 0.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := serve(t, says(tt.says))
			tt.probe.Port = addr.Port()
			r, _ := put(t, tt.probe, addr)
			if r.Outcome != Good || !r.HasLoad || r.Load != tt.want {
				t.Errorf("%q = %+v, want load %v", tt.says, r, tt.want)
			}
		})
	}
}

func TestSimple(t *testing.T) {
	must := ProbeConfig{RequireResponse: true}
	runCases(t, Simple, []probeCase{
		{"no number", must, says("0x10"), Bad, Syntax, ""},
		{"infinite", must, says("inf"), Bad, Syntax, ""},
		{"not a number", must, says("NaN"), Bad, Syntax, ""},
		{"too great", must, says("1e999"), Bad, Syntax, ""},
		{"closes", must, silent, Bad, Closed, ""},
		{"need not answer", ProbeConfig{}, silent, Abstain, Closed, ""},
	})
}

// A resource that this box lacks must not be taken for a server's fault.
func TestNoDescriptorsIsUnavailable(t *testing.T) {
	for _, err := range []unix.Errno{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.EADDRNOTAVAIL} {
		wrapped := &net.OpError{Op: "dial", Err: err}
		r := question{}.unconnected(t.Context(), wrapped)
		if r.Outcome != Unavailable || r.Reason != Resources {
			t.Errorf("%v = %+v, want unavailable, resources", err, r)
		}
	}
	if o, r := classify(&net.OpError{Op: "dial", Err: unix.EHOSTUNREACH}); o != Bad || r != Unreachable {
		t.Errorf("no route = %v, %v; want bad, unreachable", o, r)
	}
	if o, _ := classify(io.ErrClosedPipe); o != Bad {
		t.Errorf("unknown error = %v, want bad", o)
	}
}

func TestCancelBreaksOff(t *testing.T) {
	addr := serve(t, thenHangs(silent))
	for _, typ := range []Type{TLS, HTTP, ACV, Agent} {
		cfg := ProbeConfig{Type: typ, Port: addr.Port(), Expect: "x", SkipVerify: true,
			Timeout: time.Hour, DataTimeout: time.Hour}.withDefaults()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(brief, cancel)
		r := ask(ctx, newProber(cfg, addr, nil), cfg, nil)
		if r.Outcome != Unavailable || !strings.Contains(r.Detail, "broken off") {
			t.Errorf("%s = %+v, want that it was broken off", typ, r)
		}
	}
}

func TestExchangeIsBoundedAndPrintable(t *testing.T) {
	addr := serve(t, hears(endless("\x1b[2J<b>\xff\r\n")))
	_, x := put(t, ProbeConfig{Type: ACV, Send: "go\r\n", Expect: "never", Within: 1 << 20}, addr)
	if x.Sent != "go\n" || x.SentBytes != 4 || x.ReceivedBytes != 1<<20 {
		t.Errorf("sent %q, %d bytes; received %d bytes", x.Sent, x.SentBytes, x.ReceivedBytes)
	}
	if !strings.HasPrefix(x.Received, `\x1b[2J<b>\xff`+"\n") || len(x.Received) > 4*maxExcerpt {
		t.Errorf("received %d characters: %.40q", len(x.Received), x.Received)
	}
	if x.Connect <= 0 || x.FirstByte < x.Connect {
		t.Errorf("connected after %v, first byte after %v", x.Connect, x.FirstByte)
	}
}
