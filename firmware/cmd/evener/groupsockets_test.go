// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/lb"
)

// Another box that is just letting go makes the first tries fail: the last word
// must be that of the newest state all the same.
func TestStandbyRebindsUntilItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *standby
		var seen []bool
		fail := 3
		s = newStandby(func(map[string]bool) error {
			if fail--; fail >= 0 {
				return errors.New("in use")
			}
			seen = append(seen, s.serves("front"))
			return nil
		}, slog.New(slog.DiscardHandler))
		done := make(chan error, 1)
		go func() { done <- s.Run(t.Context()) }()
		if s.serves("front") {
			t.Error("a group is active before anybody said so")
		}
		s.set(map[string]bool{"front": true})
		time.Sleep(time.Second)
		s.set(map[string]bool{"front": true}) // nothing new
		time.Sleep(time.Second)
		s.set(map[string]bool{"front": false})
		time.Sleep(time.Second)
		synctest.Wait()
		if fmt.Sprint(seen) != "[true false]" {
			t.Errorf("rebound with front %v, want once each true and false", seen)
		}
	})
}

func TestSocketsOfGroupsAreBoundFreely(t *testing.T) {
	list := []lb.Spec{
		{Network: "tcp", Addr: netip.MustParseAddrPort("192.0.2.1:80"), Group: "front"},
		{Network: "tcp", Addr: netip.MustParseAddrPort("192.0.2.9:80")},
		{Network: "udp", Addr: netip.MustParseAddrPort("192.0.2.2:53"), Group: "back"},
	}
	s := &sockets{}
	for i, spec := range s.specs(list, 1) {
		if want := list[i].Group != ""; spec.FreeBind != want {
			t.Errorf("%s is bound freely: %v, want %v", spec, spec.FreeBind, want)
		}
	}
	if held, _ := s.held(list); len(held) != 3 {
		t.Errorf("held = %v, want all where the kernel knows who has an address", held)
	}
	s.serves = func(group string) bool { return group == "back" }
	if held, at := s.held(list); fmt.Sprint(at) != "[1 2]" || held[0] != list[1] || held[1] != list[2] {
		t.Errorf("held = %v at %v, want the second and third", held, at)
	}
}

// groupText has a cluster on an address of a group, and one for this machine.
const groupText = `node { name = "left" }

group "front" {
  homes    = ["left"]
  interval = "40s"

  router "lan" {
    port      = "lan1"
    vrid      = 77
    addresses = ["%[1]s"]
  }
}

cluster "front" {
  protocol  = "http"
  listen    = ["%[2]s:%[3]d"]
  responder = "here"
}

cluster "fixed" {
  protocol  = "http"
  listen    = ["127.0.0.1:%[3]d"]
  responder = "here"
}

responder "here" { status = 200 }
`

// A standby binds before it has the address, so that a takeover costs no bind.
func TestBoxBindsAddressesOfGroupsThatItDoesNotHave(t *testing.T) {
	port := netip.MustParseAddrPort(loopback(t)).Port()
	box := startLive(t, fmt.Sprintf(groupText, "198.18.7.7/32", "198.18.7.7", port))
	box.await(fmt.Sprintf("somebody listens on 198.18.7.7:%d", port), func() bool {
		table, err := os.ReadFile("/proc/net/tcp") // a row may be left out while others come and go
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(table), fmt.Sprintf("070712C6:%04X 00000000:0000 0A", port))
	})
}

// Without kernel addresses that could be taken away a box that is not active must
// not serve.
func TestSimulatedStandbyDoesNotServe(t *testing.T) {
	port := netip.MustParseAddrPort(loopback(t)).Port()
	startLive(t, fmt.Sprintf(groupText, "127.0.0.77/8", "127.0.0.77", port), "--board", "sim")
	if c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 20*time.Second); err != nil {
		t.Errorf("the cluster without a group does not answer: %v", err)
	} else {
		c.Close()
	}
	if c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.77:%d", port), 20*time.Second); err == nil {
		c.Close()
		t.Error("the cluster of a group that is not active answers")
	}
}
