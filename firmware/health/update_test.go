// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func update(t *testing.T, c *Checker, targets ...Target) {
	t.Helper()
	if err := c.Update(targets); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func TestUpdateKeepsStateAndPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.set(addr(1), always(bad(Refused, "refused")))
		c, e := start(t, f, Config{Targets: []Target{target(1, tcp)}})
		round(c, 3)
		wantEvents(t, e, "web1 down: tcp: refused (3 of 3)")

		// Generations faster than the interval must not keep a probe from its turn.
		before := f.times(addr(1))
		for range 100 {
			update(t, c, target(1, tcp), target(2, tcp))
			time.Sleep(time.Second)
		}
		wantEvents(t, e, "web2 up: tcp: fine")
		times := f.times(addr(1))[len(before)-1:]
		if len(times) != 11 {
			t.Errorf("asked %d times in 100s, want 10", len(times)-1)
		}
		for i := 1; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]); gap != 10*time.Second {
				t.Errorf("gap of %v, want 10s", gap)
			}
		}
		if s, _ := c.Status("shop", "web1"); s.State != Down || s.Probes[0].Bad < 10 {
			t.Errorf("status %+v, want down with its counts", s)
		}
	})
}

func TestUpdateStopsWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.set(addr(1), hang)
		c, e := start(t, f, Config{Targets: []Target{target(1, tcp), target(2, tcp)}})
		time.Sleep(3 * time.Second)
		if now, _ := f.underWay(); now != 1 {
			t.Fatalf("%d probes hang, want 1", now)
		}
		e.take()
		update(t, c, target(2, tcp))
		synctest.Wait()
		if now, _ := f.underWay(); now != 0 {
			t.Error("the probe of a member that is gone goes on")
		}
		asked := len(f.times(addr(1)))
		time.Sleep(time.Minute)
		if n := len(f.times(addr(1))); n != asked {
			t.Errorf("asked %d times more", n-asked)
		}
		if _, ok := c.Status("shop", "web1"); ok {
			t.Error("a member that is gone has a status")
		}
		if totals := c.Totals(); totals.Members != 1 || totals.Running != 0 {
			t.Errorf("totals %+v, want one member", totals)
		}
		wantEvents(t, e)

		synctest.Wait() // web2 waits for its turn, which must not come
		update(t, c)
		asked = len(f.times(addr(2)))
		time.Sleep(time.Minute)
		if n := len(f.times(addr(2))); n != asked {
			t.Errorf("asked %d times more", n-asked)
		}
	})
}

// A caller may exchange the generation while it is told of the old one; it hears
// no more of that.
func TestUpdateFromOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *Checker
		var told []string
		c = newChecker(Config{
			Targets: []Target{target(1, tcp), target(2, tcp)},
			OnChange: func(e Event) {
				told = append(told, e.Member)
				if err := c.Update(nil); err != nil {
					t.Errorf("Update: %v", err)
				}
			},
		}, slog.New(slog.DiscardHandler), newFarm().prober)
		c.mu.Lock()
		for i := 1; i <= 2; i++ {
			c.change(c.members[key{"shop", fmt.Sprintf("web%d", i)}], Up, "test", time.Now())
		}
		c.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Errorf("Run = %v", err)
		}
		if !slices.Equal(told, []string{"web1"}) {
			t.Errorf("told of %q, want web1 only", told)
		}
	})
}

func TestUpdateOfAnAddressBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c, e := start(t, f, Config{Targets: []Target{target(1, tcp)}})
		time.Sleep(5 * time.Second)
		e.take()
		moved := target(1, tcp)
		moved.Addr = addr(7)
		update(t, c, moved)
		time.Sleep(5 * time.Second)
		wantEvents(t, e, "web1 checking: address changed from 192.0.0.1:80 to 192.0.0.7:80",
			"web1 up: tcp: fine")
	})
}

func TestUpdateOfOneProbeKeepsTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		agent := ProbeConfig{Type: Agent, Interval: 10 * time.Second, Port: 80}
		f.set(addr(1), func(_ context.Context, typ Type) Result {
			return Result{HasLoad: typ == Agent, Load: 0.5, Detail: "said"}
		})
		c, e := start(t, f, Config{Targets: []Target{target(1, tcp, agent)}})
		time.Sleep(5 * time.Second)
		e.take()
		slower := tcp
		slower.Interval = time.Minute
		update(t, c, target(1, slower, agent))
		s, _ := c.Status("shop", "web1")
		if s.State != Up || s.Probes[0].State != Checking || s.Probes[1].State != Up {
			t.Errorf("status %+v, want up, the new probe checking, the old one up", s)
		}
		wantEvents(t, e)

		update(t, c, target(1, slower))
		wantEvents(t, e, "web1 agent NaN")
		update(t, c, target(1))
		wantEvents(t, e, "web1 checking: its probes were changed")
	})
}

func TestUpdateRefusesMistakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c, _ := start(t, f, Config{Targets: []Target{target(1, tcp)}})
		if err := c.Update([]Target{target(2, tcp), {Pool: "shop", Member: "web3"}}); err == nil {
			t.Error("Update with a mistake succeeded")
		}
		if got := c.States(); len(got) != 1 || got[0].Member != "web1" {
			t.Errorf("states %v, want the old generation", got)
		}
	})
}

func TestStatesAreInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := start(t, newFarm(), Config{Targets: []Target{
			target(2, tcp), target(1), {Pool: "api", Member: "web9", Addr: addr(9)},
		}})
		time.Sleep(5 * time.Second)
		var got []string
		for _, s := range c.States() {
			got = append(got, s.Pool+"/"+s.Member+" "+s.State.String())
		}
		want := []string{"api/web9 checking", "shop/web1 checking", "shop/web2 up"}
		if !slices.Equal(got, want) {
			t.Errorf("states %q, want %q", got, want)
		}
	})
}

func TestTestChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c, e := start(t, f, Config{Targets: []Target{target(1, tcp, ProbeConfig{Type: ICMP})}})
		time.Sleep(5 * time.Second)
		e.take()
		f.set(addr(1), always(bad(Refused, "refused")))
		before := c.Totals()
		for range 5 {
			got := c.Test(t.Context(), "shop", "web1")
			if len(got) != 2 {
				t.Fatalf("%d exchanges, want 2", len(got))
			}
			x := got[0]
			if x.Probe != "tcp" || x.Sent != "hello" || x.SentBytes != 5 || !x.Deciding ||
				x.Result.Reason != Refused || x.Verdict.State != Up ||
				x.Verdict.Reason != "refused (1 of 3)" {
				t.Errorf("exchange %+v", x)
			}
			if got[1].Deciding {
				t.Error("icmp decides beside tcp")
			}
		}
		wantEvents(t, e)
		if after := c.Totals(); !slices.Equal(after.Counts, before.Counts) {
			t.Errorf("counts %v, want %v", after.Counts, before.Counts)
		}
		if got := c.Test(t.Context(), "shop", "web2"); got != nil {
			t.Errorf("test of no member = %v", got)
		}
	})
}

func TestCountsByReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.set(addr(2), always(bad(Reset, "reset")))
		c, _ := start(t, f, Config{Targets: []Target{target(1, tcp), target(2, tcp)}})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		want := []Count{{TCP, Good, OK, 1}, {TCP, Bad, Reset, 1}}
		if got := c.Totals().Counts; !slices.Equal(got, want) {
			t.Errorf("counts %v, want %v", got, want)
		}
	})
}

func TestProbePort(t *testing.T) {
	for _, tt := range []struct {
		p    ProbeConfig
		want string
	}{
		{ProbeConfig{Type: TCP}, "192.0.2.1:80"},
		{ProbeConfig{Type: TCP, Port: 81}, "192.0.2.1:81"},
		{ProbeConfig{Type: Agent}, "192.0.2.1:1510"},
		{ProbeConfig{Type: Simple}, "192.0.2.1:80"},
	} {
		got := tt.p.withDefaults().addr(netip.MustParseAddrPort("192.0.2.1:80"))
		if got.String() != tt.want {
			t.Errorf("%+v asks %v, want %v", tt.p, got, tt.want)
		}
	}
}

// TestADownMemberStaysDownUntilItsNewProbeSaysOtherwise changes the probe of a
// member that is down, once so that the member is found well and once not.
func TestADownMemberStaysDownUntilItsNewProbeSaysOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.set(addr(1), always(bad(Refused, "closed")))
		c, e := start(t, f, Config{Targets: []Target{target(1, tcp)}})
		time.Sleep(time.Minute)
		e.take()
		other := tcp
		other.Interval = 11 * time.Second
		update(t, c, target(1, other))
		wantEvents(t, e)
		if s, _ := c.Status("shop", "web1"); s.State != Down || s.Probes[0].State != Checking {
			t.Errorf("status %+v, want down, the new probe checking", s)
		}
		time.Sleep(time.Minute)
		wantEvents(t, e, "web1 down: tcp: closed (3 of 3)")

		f.set(addr(1), always(good("fine")))
		update(t, c, target(1, tcp))
		time.Sleep(3 * time.Second)
		wantEvents(t, e, "web1 up: tcp: fine")
	})
}

func TestAMemberKnownToBeDownBeginsSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.set(addr(2), always(bad(Refused, "closed")))
		since := time.Now().Add(-time.Hour)
		targets := []Target{target(1, tcp), target(2, tcp)}
		for i := range targets {
			targets[i].Before = &Before{Reason: "was down", Since: since}
		}
		c, e := start(t, f, Config{Targets: targets})
		for _, s := range c.States() {
			if s.State != Down || s.Reason != "was down" || !s.Since.Equal(since) {
				t.Errorf("state %+v, want down since %v because it was", s, since)
			}
		}
		time.Sleep(3 * time.Second)
		wantEvents(t, e, "web1 up: tcp: fine")
		time.Sleep(time.Minute)
		wantEvents(t, e, "web2 down: tcp: closed (3 of 3)")
		if s, _ := c.Status("shop", "web2"); !s.Since.Equal(since) {
			t.Errorf("web2 is down since %v, want %v", s.Since, since)
		}
		moved := target(2, tcp)
		moved.Addr = addr(3)
		moved.Before = targets[1].Before
		update(t, c, moved)
		if s, _ := c.Status("shop", "web2"); s.State != Checking {
			t.Errorf("web2 at another address is %v, want checking", s.State)
		}
	})
}
