// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
)

// open runs a folder in dir until the test ends.
func open(t *testing.T, cfg Config) (*Folder, func()) {
	t.Helper()
	cfg.Settle = time.Millisecond
	f, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stop := runFolder(t, f)
	wait(t, "the folder", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.ready })
	return f, stop
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// A sender sends datagrams to itself on the loopback interface.
type sender struct {
	a, b *net.UDPConn
}

func newSender(t *testing.T) sender {
	t.Helper()
	var s sender
	for _, c := range []**net.UDPConn{&s.a, &s.b} {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		*c = conn
	}
	return s
}

func (s sender) from() netip.AddrPort { return s.a.LocalAddr().(*net.UDPAddr).AddrPort() }
func (s sender) to() netip.AddrPort   { return s.b.LocalAddr().(*net.UDPAddr).AddrPort() }

func (s sender) send(t *testing.T, n, size int) {
	t.Helper()
	for range n {
		if _, err := s.a.WriteToUDPAddrPort(make([]byte, size), s.to()); err != nil {
			t.Fatal(err)
		}
	}
}

func (s sender) request(t *testing.T) Request {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("packet capture needs root")
	}
	lo, err := FindInterface("lo")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("udp and src port %d", s.from().Port())
	e, err := ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return Request{Interfaces: []Interface{lo}, Filter: e, Text: text, By: "test"}
}

func status(f *Folder, id string) Status {
	for _, s := range f.List() {
		if s.ID == id {
			return s
		}
	}
	return Status{}
}

// seen waits until a capture has taken n packets.
func seen(t *testing.T, f *Folder, id string, n uint64) {
	t.Helper()
	wait(t, fmt.Sprintf("%d packets", n), func() bool { return status(f, id).Packets >= n })
}

func done(t *testing.T, f *Folder, id string) Status {
	t.Helper()
	wait(t, "the capture's end", func() bool { return status(f, id).State == Done })
	return status(f, id)
}

// read returns the packets of a capture, as gopacket reads them, and the comments.
func read(t *testing.T, f *Folder, id string) (sizes []int, comments []string) {
	t.Helper()
	file, _, err := f.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, ci, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(ci.Timestamp); age < 0 || age > time.Minute {
			t.Errorf("packet from %v", ci.Timestamp)
		}
		sizes = append(sizes, len(data))
	}
	for len(b) > 0 {
		kind, n := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		if kind == blockPacket {
			size := (binary.LittleEndian.Uint32(b[20:]) + 3) &^ 3
			comment := ""
			if rest := b[28+size : n-4]; len(rest) > 4 {
				comment = string(rest[4 : 4+binary.LittleEndian.Uint16(rest[2:])])
			}
			comments = append(comments, comment)
		}
		b = b[n:]
	}
	return sizes, comments
}

func TestCaptureOnLoopbackTakesEachPacketOnce(t *testing.T) {
	s := newSender(t)
	f, _ := open(t, Config{Dir: t.TempDir()})
	st, err := f.Start(s.request(t))
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, 10, 100)
	if _, err := s.b.WriteToUDPAddrPort([]byte("other"), s.from()); err != nil { // that the filter leaves out
		t.Fatal(err)
	}
	seen(t, f, st.ID, 10)
	if err := f.Delete(st.ID); !errors.Is(err, ErrBusy) {
		t.Errorf("Delete while it runs = %v", err)
	}
	if _, err := f.Stop(st.ID); err != nil {
		t.Fatal(err)
	}
	got := done(t, f, st.ID)
	if got.Reason != Stopped || got.Packets != 10 || got.Lost != 0 || got.Problem != "" {
		t.Errorf("status %+v", got)
	}
	sizes, _ := read(t, f, st.ID)
	if len(sizes) != 10 || sizes[0] != 14+20+8+100 {
		t.Errorf("packets of %v bytes", sizes)
	}
	entries, _ := os.ReadDir(f.cfg.Dir)
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 || strings.HasSuffix(e.Name(), ".part") {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	if err := f.Delete(st.ID); err != nil || len(f.List()) != 0 {
		t.Errorf("Delete = %v, left %v", err, f.List())
	}
}

func TestLimitsEndCapture(t *testing.T) {
	for _, c := range []struct {
		name   string
		limit  func(*Request)
		reason string
		check  func(Status) bool
	}{
		{"packets", func(r *Request) { r.MaxPackets = 7 }, MaxPackets, func(s Status) bool { return s.Packets == 7 }},
		{"bytes", func(r *Request) { r.MaxBytes = minBytes }, MaxBytes, func(s Status) bool { return s.Bytes <= minBytes+1000 && s.Packets > 50 }},
		{"time", func(r *Request) { r.MaxTime = time.Second }, MaxTime, func(s Status) bool { return true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSender(t)
			r := s.request(t)
			c.limit(&r)
			f, _ := open(t, Config{Dir: t.TempDir()})
			st, err := f.Start(r)
			if err != nil {
				t.Fatal(err)
			}
			s.send(t, 100, 1000)
			if got := done(t, f, st.ID); got.Reason != c.reason || !c.check(got) {
				t.Errorf("status %+v", got)
			}
		})
	}
}

func TestRingKeepsTheNewest(t *testing.T) {
	s := newSender(t)
	r := s.request(t)
	r.MaxBytes, r.Ring = minBytes, true
	f, _ := open(t, Config{Dir: t.TempDir()})
	st, err := f.Start(r)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		s.send(t, 1, 1000+i)
	}
	seen(t, f, st.ID, 200)
	if n := status(f, st.ID).Bytes; n > minBytes+2000 {
		t.Errorf("%d bytes while it runs", n)
	}
	if _, err := f.Stop(st.ID); err != nil {
		t.Fatal(err)
	}
	got := done(t, f, st.ID)
	sizes, _ := read(t, f, st.ID)
	if n := len(sizes); n < 30 || n > 70 || sizes[n-1] != 42+1199 || got.Bytes > minBytes+2000 || got.Packets != uint64(n) {
		t.Errorf("%d packets, the last of %d bytes; %+v", n, sizes[n-1], got)
	}
}

func TestSnaplenCutsPackets(t *testing.T) {
	s := newSender(t)
	r := s.request(t)
	r.Snaplen, r.MaxPackets = 64, 1
	f, _ := open(t, Config{Dir: t.TempDir()})
	st, err := f.Start(r)
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, 1, 500)
	done(t, f, st.ID)
	if sizes, _ := read(t, f, st.ID); len(sizes) != 1 || sizes[0] != 64 {
		t.Errorf("sizes %v", sizes)
	}
}

// A told source has what it tells at once.
type told struct {
	mu   sync.Mutex
	f    func(Exchange)
	open []Exchange
}

func (s *told) Watch(f func(Exchange)) (func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.f = f
	return func() { s.mu.Lock(); s.f = nil; s.mu.Unlock() }, nil
}

func (s *told) Open() []Exchange { return s.open }

func TestPacketsNameTheirExchange(t *testing.T) {
	s, member := newSender(t), newSender(t)
	r := s.request(t)
	var err error
	if r.Filter, err = ParseFilter(fmt.Sprintf("udp and (port %d or port %d)", s.from().Port(), member.to().Port())); err != nil {
		t.Fatal(err)
	}
	source := &told{}
	f, _ := open(t, Config{Dir: t.TempDir(), Source: source})
	st, err := f.Start(r)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	s.send(t, 1, 10)
	member.send(t, 1, 20)
	seen(t, f, st.ID, 2)
	source.f(Exchange{ID: "req 1", Cluster: "shop", Member: "web/a", Begin: begin, End: time.Now(), UDP: true, Client: s.from(),
		Listen: []Span{{Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), s.to().Port())}}, Server: member.to(), Port: member.from().Port()})
	if _, err := f.Stop(st.ID); err != nil {
		t.Fatal(err)
	}
	got := done(t, f, st.ID)
	_, comments := read(t, f, st.ID)
	if got.Joined != 2 || len(comments) != 2 ||
		!strings.HasPrefix(comments[0], "evener cluster=shop exchange=req_1 connection=") || !strings.HasSuffix(comments[0], "side=client member=web/a") ||
		!strings.HasSuffix(comments[1], "side=server member=web/a") {
		t.Errorf("%+v %q", got, comments)
	}
	source.mu.Lock()
	if source.f != nil {
		t.Error("the source is still watched")
	}
	source.mu.Unlock()
	if _, err = f.Start(r); err != nil {
		t.Fatal(err)
	}
	source.mu.Lock()
	defer source.mu.Unlock()
	if source.f == nil {
		t.Error("of the next capture the source is not watched")
	}
}
