// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// echoSector is a boot sector that says "ready" on the first serial port, echoes
// what it gets there, and on the letter r writes 6 to port 0xcf9, which resets
// the machine (Intel ICH9 data sheet, section 13.7.5).
var echoSector = func() []byte {
	b := []byte{
		0x31, 0xc0, // xor ax,ax
		0x8e, 0xd8, // mov ds,ax
		0xbe, 0x3b, 0x7c, // mov si,message
		0xac,       // next: lodsb
		0x84, 0xc0, // test al,al
		0x74, 0x05, // jz echo
		0xe8, 0x1d, 0x00, // call put
		0xeb, 0xf6, // jmp next
		0xba, 0xfd, 0x03, // echo: mov dx,3fd
		0xec,       // in al,dx
		0xa8, 0x01, // test al,1
		0x74, 0xf8, // jz echo
		0xba, 0xf8, 0x03, // mov dx,3f8
		0xec,       // in al,dx
		0x3c, 0x72, // cmp al,'r'
		0x74, 0x05, // je reset
		0xe8, 0x08, 0x00, // call put
		0xeb, 0xeb, // jmp echo
		0xba, 0xf9, 0x0c, // reset: mov dx,cf9
		0xb0, 0x06, // mov al,6
		0xee,             // out dx,al
		0x50,             // put: push ax
		0xba, 0xfd, 0x03, // mov dx,3fd
		0xec,       // wait: in al,dx
		0xa8, 0x20, // test al,20
		0x74, 0xfb, // jz wait
		0x58,             // pop ax
		0xba, 0xf8, 0x03, // mov dx,3f8
		0xee, // out dx,al
		0xc3, // ret
	}
	b = append(b, "ready\n\x00"...)
	sector := make([]byte, 512)
	copy(sector, b)
	sector[510], sector[511] = 0x55, 0xaa
	return sector
}()

// needs skips without the programs of guests.
func needs(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed: .ci/setup brings it", p)
		}
	}
}

func echoDisk(t *testing.T) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "echo.img")
	if err := os.WriteFile(disk, append(echoSector, make([]byte, 1<<20)...), 0o444); err != nil {
		t.Fatal(err)
	}
	return disk
}

// start starts a guest that ends with the test.
func start(t *testing.T, cfg Config) (context.Context, *Guest) {
	t.Helper()
	needs(t, Programs(cfg.Arch)...)
	places, err := Take(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(places.Free)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	g, err := Start(ctx, places, cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, g
}

func TestGuestTalksOnItsSerialLineAndIsReset(t *testing.T) {
	ctx, g := start(t, Config{Disk: echoDisk(t)})
	s := g.Serial()
	if _, _, err := s.Expect(ctx, "ready"); err != nil {
		t.Fatal(err)
	}
	if err := s.Send("hello 42"); err != nil {
		t.Fatal(err)
	}
	if _, m, err := s.Expect(ctx, "nothing", `hello (\d\d)`); err != nil || m[1] != "42" {
		t.Fatalf("the guest said %q, %v; want what was sent", m, err)
	}
	if err := s.Send("r"); err != nil { // by itself
		t.Fatal(err)
	}
	if _, _, err := s.Expect(ctx, "ready"); err != nil {
		t.Fatal(err)
	}
	if err := g.Reset(ctx); err != nil { // by the button
		t.Fatal(err)
	}
	if err := g.WaitReset(ctx, 2); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Expect(ctx, "ready"); err != nil {
		t.Fatal(err)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Expect(ctx, "more"); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("of a guest that is off comes %v", err)
	}
}

func TestGuestForwardsPortsOfTheLoopbackAddressAlone(t *testing.T) {
	_, g := start(t, Config{Disk: echoDisk(t), NICs: []NIC{{Forward: []int{80, 443}}, {Net: "10.0.3.0/24", To: "10.0.3.20", Forward: []int{8080}}}})
	seen := map[int]bool{}
	for _, p := range []int{80, 443, 8080} {
		host, port, err := net.SplitHostPort(g.Addr(p))
		if err != nil || host != "127.0.0.1" || port == "0" || seen[g.Port(p)] {
			t.Errorf("port %d of the guest is at %s:%s (%v)", p, host, port, err)
		}
		seen[g.Port(p)] = true
	}
	if g.Port(22) != 0 {
		t.Errorf("port 22 is at %d, which nobody asked for", g.Port(22))
	}
}

func TestGuestsThatCannotBeAreRefused(t *testing.T) {
	disk := echoDisk(t)
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "needs a disk, a stick or a kernel"},
		{Config{Arch: "mips", Disk: disk}, "amd64 or arm64"},
		{Config{Arch: "arm64", Firmware: BIOS, Disk: disk}, "take uefi"},
		{Config{Arch: "arm64", Panel: true, Disk: disk}, "one serial port"},
		{Config{Firmware: "coreboot", Disk: disk}, "bios or uefi"},
		{Config{Disk: disk + ".not"}, "no such file"},
		{Config{Disk: "a,b"}, "comma"},
	} {
		_, err := Start(t.Context(), &Places{files: []*os.File{nil}}, c.cfg, nil, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Start(%+v) = %v, want %q", c.cfg, err, c.want)
		}
	}
	if _, err := Start(t.Context(), nil, Config{Disk: disk}, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a guest starts without a place")
	}
}

func TestPlacesAreForTwoGuests(t *testing.T) {
	dir := t.TempDir()
	one, err := take(t.Context(), dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := take(short, dir, 2); err == nil {
		t.Fatal("two more guests have a place")
	}
	two, err := take(t.Context(), dir, 1) // the place that the other has given back
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		p, err := take(t.Context(), dir, 2)
		if err == nil {
			p.Free()
		}
		done <- err
	}()
	two.Free()
	one.Free()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("two places are free and nobody gets them")
	}
	if _, err := take(t.Context(), dir, 3); err == nil {
		t.Error("there is a place for three guests")
	}
}

func TestDialogueReadsPastTerminalSequences(t *testing.T) {
	near, far := net.Pipe()
	d := newDialogue(near, io.Discard)
	defer d.close()
	go func() {
		_, _ = io.WriteString(far, "\x1b[2J\x1b[1;31mGRUB\x1b(B \x1bcmenu\r\nstatus: 4")
		_, _ = io.WriteString(far, "2 of 50\r\nlogin: ")
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if which, m, err := d.Expect(ctx, "login", `(?m)^status: (\d+) of`); err != nil || which != 1 || m[1] != "42" {
		t.Errorf("Expect = %d, %q, %v", which, m, err)
	}
	if _, _, err := d.Expect(ctx, "login: $"); err != nil {
		t.Error(err)
	}
	go func() { _, _ = io.WriteString(far, "Kernel panic") }()
	short, end := context.WithTimeout(t.Context(), time.Second)
	defer end()
	if _, _, err := d.Expect(short, "welcome"); err == nil || !strings.Contains(err.Error(), "Kernel panic") || !strings.Contains(err.Error(), "welcome") {
		t.Errorf("the error is %v; want what came and what was waited for", err)
	}
}

func TestSwitchCarriesFramesToAllOthers(t *testing.T) {
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	for range 3 {
		c, err := net.Dial("unix", s.path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	waitPorts(t, s, 3)
	if _, err := conns[0].Write([]byte("\x00\x00\x00\x05frame")); err != nil {
		t.Fatal(err)
	}
	for _, c := range conns[1:] {
		got := make([]byte, 9)
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "\x00\x00\x00\x05frame" {
			t.Errorf("a port gets %q, %v", got, err)
		}
	}
	if _, err := conns[1].Write([]byte("\xff\xff\xff\xff")); err != nil { // no frame is that long
		t.Fatal(err)
	}
	waitPorts(t, s, 2)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conns[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after its end the switch says %v", err)
	}
}

func TestSwitchCarriesFramesOfACableThatIsNoGuests(t *testing.T) {
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	guest, err := net.Dial("unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer guest.Close()
	near, far := net.Pipe() // what is written in one go is read in one go
	s.Plug(far)
	waitPorts(t, s, 2)
	for _, c := range []net.Conn{guest, near} {
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	}
	got := make([]byte, 100)
	for _, text := range []string{"one", "another"} {
		framed := string([]byte{0, 0, 0, byte(len(text))}) + text
		if _, err := near.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(guest, got[:len(framed)]); err != nil || string(got[:len(framed)]) != framed {
			t.Errorf("the guest gets %q, %v; want %q", got[:len(framed)], err, framed)
		}
		if _, err := guest.Write([]byte(framed)); err != nil {
			t.Fatal(err)
		}
		if n, err := near.Read(got); err != nil || string(got[:n]) != text {
			t.Errorf("the cable gets %q, %v; want %q", got[:n], err, text)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := near.Read(got); err != io.EOF {
		t.Errorf("after its end the switch says %v", err)
	}
}

func waitPorts(t *testing.T, s *Switch, n int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		have := len(s.ports)
		s.mu.Unlock()
		if have == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the switch has %d ports, want %d", have, n)
		}
	}
}

// TestGuestOutlivesTheThreadThatStartedIt starts one from a thread that ends, as those
// do that were in a namespace.
func TestGuestOutlivesTheThreadThatStartedIt(t *testing.T) {
	cfg := Config{Disk: echoDisk(t)}
	needs(t, Programs(cfg.Arch)...)
	places, err := Take(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer places.Free()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	type result struct {
		g   *Guest
		tid int
		err error
	}
	started := make(chan result)
	var thread func()
	thread = func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		if unix.Gettid() == os.Getpid() {
			go thread()
			<-ctx.Done() // the first thread would not end: keep it away
			return
		}
		g, err := Start(ctx, places, cfg, nil, slog.New(slog.DiscardHandler))
		started <- result{g, unix.Gettid(), err}
	}
	go thread()
	r := <-started
	if r.err != nil {
		t.Fatal(r.err)
	}
	defer r.g.Close()
	for exists(fmt.Sprintf("/proc/self/task/%d", r.tid)) {
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			t.Fatal("the thread does not end: ", err)
		}
	}
	if err := r.g.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.g.WaitReset(ctx, 1); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyWaitsForAGuestThatHasEnded(t *testing.T) {
	ctx, g := start(t, Config{Disk: echoDisk(t)})
	never := func() error {
		_ = g.Kill() // again and again
		return errors.New("not yet")
	}
	if err := g.Await(ctx, "what never comes", never); err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "QEMU has ended") {
		t.Errorf("of a guest that is off comes %v (%v)", err, ctx.Err())
	}
}
