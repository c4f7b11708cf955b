// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// descriptors returns how many files a process has open.
func descriptors(t *testing.T, pid int) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// memory returns the resident memory of a process in MiB: now, and the most ever.
func memory(t *testing.T, pid int) (now, peak int) {
	t.Helper()
	for line := range strings.SplitSeq(string(read(t, fmt.Sprintf("/proc/%d/status", pid))), "\n") {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "VmRSS:" && f[0] != "VmHWM:" {
			continue
		}
		kib, err := strconv.Atoi(f[1])
		if err != nil {
			t.Fatal(err)
		}
		if f[0] == "VmRSS:" {
			now = kib >> 10
		} else {
			peak = kib >> 10
		}
	}
	return now, peak
}

// processorTime returns how much processor time a process uses within d.
func processorTime(t *testing.T, pid int, d time.Duration) time.Duration {
	t.Helper()
	used := func() time.Duration {
		_, rest, _ := strings.Cut(string(read(t, fmt.Sprintf("/proc/%d/stat", pid))), ") ")
		f := strings.Fields(rest) // from field 3, the state; utime and stime are 14 and 15
		user, err1 := strconv.Atoi(f[11])
		system, err2 := strconv.Atoi(f[12])
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
	}
	before := used()
	time.Sleep(d)
	return used() - before
}

// A slowClient sends a request a byte at a time.
type slowClient struct {
	net.Conn
	sent int
}

// TestSlowClientsHarmNobody has 5 000 clients that send a byte a second beside a
// normal load. The engine may use 96 MiB then, some 40 of them for itself: 11 KiB for
// each slow client.
func TestSlowClientsHarmNobody(t *testing.T) {
	const bound = 96 // MiB; about 40 of them before the first client comes
	const limit = 15_000
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil || l.Cur < limit {
		t.Skipf("this test needs %d descriptors; the limit is %d", limit, l.Cur)
	}
	slow := scale(5000)
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	s.cluster = "  timeouts { client_head = \"1h\" }\n"
	b := start(t, setup{config: s.text(), exe: program(t, plain)})
	b.usable("shop")
	engine := b.info().PID
	before := descriptors(t, engine)
	normal := startLoad(t, s.listen, "/", 8)

	clients := make([]slowClient, slow)
	for i := range clients {
		clients[i].Conn = dial(t, s.listen)
	}
	request := fmt.Sprintf("GET / HTTP/1.1\r\nHost: a\r\nX-Padding: %s\r\n\r\n", strings.Repeat("x", 100))
	for range 6 { // seconds
		next := time.Now().Add(time.Second)
		for i := range clients {
			c := &clients[i]
			if _, err := c.Write([]byte{request[c.sent]}); err != nil {
				t.Fatalf("slow client %d after %d bytes: %v", i, c.sent, err)
			}
			c.sent++
		}
		time.Sleep(time.Until(next))
	}
	if got := descriptors(t, engine); got < slow {
		t.Errorf("the engine has %d descriptors open; %d slow clients are connected", got, slow)
	}
	now, peak := memory(t, engine)
	t.Logf("%d slow clients: engine %d MiB, at most %d; %s", slow, now, peak, normal)
	if peak > bound {
		t.Errorf("the engine used %d MiB, more than %d", peak, bound)
	}
	normal.stop()
	normal.clean()
	if normal.good.Load() < 1000 {
		t.Errorf("%s: the slow clients held the others up", normal)
	}
	for _, c := range clients {
		c.Close()
	}
	// Connections to members stay open for the next clients.
	b.await("descriptors are released", func() bool { return descriptors(t, engine) <= before+48 })
}

// TestSlowClientsAreCutOff holds the box to client_head: the time for a whole
// request head, however busily its bytes trickle in.
func TestSlowClientsAreCutOff(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	s.cluster = "  timeouts { client_head = \"2s\" }\n"
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	c := dial(t, s.listen)
	begun := time.Now()
	go func() {
		for range 100 {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	c.SetDeadline(begun.Add(15 * time.Second))
	text := make([]byte, 4096)
	n, err := c.Read(text)
	if took := time.Since(begun); err != nil || took < 1900*time.Millisecond {
		t.Errorf("after %v: %v; want an answer after 2s", took, err)
	}
	if !strings.HasPrefix(string(text[:n]), "HTTP/1.1 408 ") {
		t.Errorf("got %q, want status 408", text[:n])
	}
}
