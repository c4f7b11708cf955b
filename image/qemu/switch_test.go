// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"io"
	"net"
	"testing"
	"time"
)

// TestSwitchSendsFramesWhereTheirAddressWasLastHeard moves an address from one port to
// another one, as two boxes do that stand in for each other.
func TestSwitchSendsFramesWhereTheirAddressWasLastHeard(t *testing.T) {
	s, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var conns []net.Conn
	for range 3 {
		c, err := net.Dial("unix", s.path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		conns = append(conns, c)
	}
	waitPorts(t, s, 3)
	const all, box, client = "\xff\xff\xff\xff\xff\xff", "\x02box  ", "\x02guest"
	for _, f := range []struct {
		from         int
		to, by, text string
		reach        []int
	}{
		{0, box, client, "nobody was heard", []int{1, 2}},
		{1, all, box, "here is the box  ", []int{0, 2}},
		{0, box, client, "to the box alone ", []int{1}},
		{1, client, box, "and back again   ", []int{0}},
		{2, all, box, "it is here now   ", []int{0, 1}},
		{0, box, client, "so this goes here", []int{2}},
		{1, all, client, "for all, the last", []int{0, 2}},
	} {
		frame := f.to + f.by + "\x08\x00" + f.text
		frame = string([]byte{0, 0, 0, byte(len(frame))}) + frame
		if _, err := conns[f.from].Write([]byte(frame)); err != nil {
			t.Fatal(err)
		}
		for _, i := range f.reach { // what came before and should not have is read in its place
			got := make([]byte, len(frame))
			if _, err := io.ReadFull(conns[i], got); err != nil || string(got) != frame {
				t.Fatalf("port %d gets %q, %v; want %q", i, got, err, frame)
			}
		}
	}
}
