// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"net/netip"
	"os"
	"strconv"
	"testing"

	"evener/firmware/lab"
)

// network makes an Ethernet.
func network(t *testing.T) *Switch {
	t.Helper()
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// host makes a machine on a network.
func host(t *testing.T, net *Switch, name, addr string) *lab.Space {
	t.Helper()
	s, err := lab.NewSpace("evg" + strconv.Itoa(os.Getpid()) + "-" + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	cable, err := s.Tap("lan", netip.MustParsePrefix(addr))
	if err != nil {
		t.Fatal(err)
	}
	net.Plug(cable)
	return s
}
