// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestMembersKilledAtRandomFailNoGET(t *testing.T) {
	origins := newOrigins(t, "web1", "web2", "web3")
	s := newSite(t, origins...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	l := startLoad(t, s.listen, "/", 16)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dead := map[*origin]bool{}
	for range 40 {
		o := origins[r.IntN(len(origins))]
		switch {
		case dead[o]:
			o.revive()
			delete(dead, o)
		case len(dead) < len(origins)-1: // one lives
			o.kill()
			dead[o] = true
		}
		time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
	}
	for o := range dead {
		o.revive()
	}
	b.usable("shop")
	l.reach(int(l.good.Load()) + 1000)
	l.stop()
	l.clean()
	if l.stale.Load() != 0 {
		t.Errorf("%s; the death of a member must close no client's connection", l)
	}
	for _, o := range origins {
		if o.requests.Load() == 0 {
			t.Errorf("%s never got a request", o.name)
		}
	}
}
