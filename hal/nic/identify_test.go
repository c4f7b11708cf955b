// SPDX-License-Identifier: Apache-2.0

package nic

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// blinking returns real ports whose driver is the test's.
func blinking(t *testing.T, blink func(string, time.Duration) error) *Ports {
	ip(t, "link", "add", "lan1", "type", "veth", "peer", "name", "lan1-far")
	p, err := Open([]Match{{Label: "1", Interface: "lan1"}, {Label: "2", Interface: "lan2"}}, Config{}, nil)
	must(t, err)
	p.blink = blink
	return p
}

func (p *Ports) lampOn(t *testing.T) bool {
	list, err := p.List()
	must(t, err)
	return list[0].Identify
}

func TestIdentifyBlocksNobodyAndCanBeEnded(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	var mu sync.Mutex
	busy, most, calls := 0, 0, 0
	release := make(chan struct{})
	p := blinking(t, func(name string, d time.Duration) error {
		mu.Lock()
		busy++
		calls++
		most = max(most, busy)
		mu.Unlock()
		<-release // the driver does not come back
		mu.Lock()
		busy--
		mu.Unlock()
		return nil
	})
	must(t, p.Identify("1", time.Minute))
	if !p.lampOn(t) {
		t.Error("the lamp is not said to blink")
	}
	must(t, p.Identify("1", time.Minute)) // once more, while the driver is busy
	must(t, p.Identify("1", 0))
	if p.lampOn(t) {
		t.Error("the lamp is said to blink after it was told not to")
	}
	close(release)
	must(t, p.Close())
	if most != 1 || busy != 0 {
		t.Errorf("the driver was called %d times at once, and %d calls are left; want 1 and 0", most, busy)
	}
}

func TestIdentifyEndsByItself(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	p := blinking(t, func(string, time.Duration) error { return nil })
	defer p.Close()
	must(t, p.Identify("1", 300*time.Millisecond))
	eventually(t, "the lamp goes out", func() bool { return !p.lampOn(t) })
}

func TestIdentifySaysWhyNot(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	answer := error(unix.EPERM)
	p := blinking(t, func(string, time.Duration) error { return answer })
	defer p.Close()
	for _, c := range []struct {
		err   error
		label string
		want  string
	}{
		{unix.EPERM, "1", "port 1 cannot blink: it needs the right CAP_NET_ADMIN"},
		{unix.EBUSY, "1", "port 1 blinks already, as another program has ordered"},
		{unix.EOPNOTSUPP, "1", "port 1 cannot blink: the driver of lan1 has nothing for it"},
		{unix.EIO, "1", "let port 1 blink: input/output error"},
		{nil, "2", "port 2 has no interface now"},
	} {
		answer = c.err
		err := p.Identify(c.label, time.Minute)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %v: Identify(%s) = %v, want %q", c.err, c.label, err, c.want)
		}
		if errors.Is(c.err, unix.EOPNOTSUPP) != errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("with %v: unsupported is %t", c.err, errors.Is(err, errors.ErrUnsupported))
		}
		eventually(t, "the lamp is off", func() bool { return !p.lampOn(t) })
	}
}
