// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// TestCutUnderLoad takes a member out at once and again, while clients ask for what
// may be asked for twice: each is answered, by the other member where need be, and
// what runs on the one that was cut has ended.
func TestCutUnderLoad(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	quick, slow := startLoad(t, s.listen, "/", 16), startLoad(t, s.listen, "/wait/100ms", 8)
	for range 5 {
		quick.reach(int(quick.good.Load()) + scale(1000))
		b.must("server", "disable", "--cut", "shop/web1")
		b.await("nothing is open to the member", func() bool { m := b.member("shop", "web1"); return m.Open == 0 && m.Active == 0 })
		b.must("server", "enable", "shop/web1")
		slow.reach(int(slow.good.Load()) + 20)
	}
	quick.stop()
	slow.stop()
	quick.clean()
	slow.clean()
}

// A drain that cuts ends a request that must not be made twice, with an answer that
// says so, also where the engine was killed between the order and its time.
func TestDrainCutsAtItsDeadline(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	b.must("server", "disable", "shop/web2")
	b.must("server", "drain", "--deadline", "10s", "--cut", "--force", "shop/web1")
	if out := b.must("status"); !strings.Contains(out, "cut off at") {
		t.Errorf("status does not tell of the cut:\n%s", out)
	}
	b.killEngine()
	c, err := net.Dial("tcp", s.listen)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(35 * time.Second))
	fmt.Fprint(c, "POST /wait/40s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
	head := make([]byte, len("HTTP/1.1 503"))
	if _, err := c.Read(head); err != nil || string(head) != "HTTP/1.1 503" {
		t.Errorf("the answer is %q, %v; want 503", head, err)
	}
	if got := b.member("shop", "web1").Admin; got != "disabled" {
		t.Errorf("web1 is %s, want disabled", got)
	}
	if out := b.must("metrics"); !strings.Contains(out, `reason="member_cut"} 1`) {
		t.Error("the metrics do not count the cut")
	}
}
