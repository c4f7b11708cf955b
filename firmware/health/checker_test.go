// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A farm is a set of servers in memory. An address that it does not mention is
// good at once.
type farm struct {
	mu      sync.Mutex
	answers map[netip.AddrPort]func(ctx context.Context, t Type) Result
	asked   map[netip.AddrPort][]time.Time
	now     int // probes under way
	most    int // the most there ever were
}

func newFarm() *farm {
	return &farm{
		answers: make(map[netip.AddrPort]func(context.Context, Type) Result),
		asked:   make(map[netip.AddrPort][]time.Time),
	}
}

func (f *farm) set(addr netip.AddrPort, answer func(context.Context, Type) Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[addr] = answer
}

func (f *farm) times(addr netip.AddrPort) []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked[addr])
}

func (f *farm) prober(p ProbeConfig, addr netip.AddrPort, _ *x509.CertPool) prober {
	return farmProber{f, p.Type, addr}
}

type farmProber struct {
	farm *farm
	typ  Type
	addr netip.AddrPort
}

func (p farmProber) probe(ctx context.Context, t *transcript) Result {
	f := p.farm
	f.mu.Lock()
	f.asked[p.addr] = append(f.asked[p.addr], time.Now())
	f.now++
	f.most = max(f.most, f.now)
	answer := f.answers[p.addr]
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	t.send([]byte("hello"))
	if answer == nil {
		return good("fine")
	}
	return answer(ctx, p.typ)
}

// underWay returns how many probes are, and the most that ever were at once.
func (f *farm) underWay() (now, most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now, f.most
}

func always(r Result) func(context.Context, Type) Result {
	return func(context.Context, Type) Result { return r }
}

// hang answers nothing until its probe is broken off.
func hang(ctx context.Context, _ Type) Result {
	<-ctx.Done()
	return bad(Timeout, "too slow")
}

func addr(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(n >> 8), byte(n)}), 80)
}

func target(n int, probes ...ProbeConfig) Target {
	return Target{Pool: "shop", Member: fmt.Sprintf("web%d", n), Addr: addr(n), Probes: probes}
}

var tcp = ProbeConfig{Type: TCP, Interval: 10 * time.Second}

// events keeps what a Checker tells.
type events struct {
	mu  sync.Mutex
	all []string
}

func (e *events) add(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, fmt.Sprintf(format, args...))
}

// take returns what was told since the last call.
func (e *events) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.all
	e.all = nil
	return all
}

// start runs a Checker in the bubble of t. It ends before the bubble does, or
// the bubble fails.
func start(t *testing.T, f *farm, cfg Config) (*Checker, *events) {
	e := &events{}
	cfg.OnChange = func(ev Event) { e.add("%s %v: %s", ev.Member, ev.State, ev.Reason) }
	cfg.OnLoad = func(_, member, probe string, v float64) { e.add("%s %s %v", member, probe, v) }
	c := newChecker(cfg, slog.New(slog.DiscardHandler), f.prober)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
		if now, _ := f.underWay(); now != 0 {
			t.Errorf("%d probes under way after Run", now)
		}
	})
	return c, e
}

// round sleeps until the first probe of web1 has been asked n times more.
func round(c *Checker, n int) {
	for range n {
		synctest.Wait()
		s, _ := c.Status("shop", "web1")
		time.Sleep(time.Until(s.Probes[0].Due))
		synctest.Wait()
	}
}

func wantEvents(t *testing.T, e *events, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := e.take(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestCheckerFallsAndRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		c, e := start(t, f, Config{Targets: []Target{target(1, tcp)}})
		time.Sleep(3 * time.Second)
		wantEvents(t, e, "web1 up: tcp: fine")

		f.set(addr(1), always(bad(Refused, "refused")))
		asked := len(f.times(addr(1)))
		time.Sleep(50 * time.Second)
		wantEvents(t, e, "web1 down: tcp: refused (3 of 3)")
		s, _ := c.Status("shop", "web1")
		if fell := f.times(addr(1))[asked+2]; !s.Since.Equal(fell) {
			t.Errorf("down since %v, want %v, the third bad answer", s.Since, fell)
		}

		f.set(addr(1), nil)
		time.Sleep(50 * time.Second)
		wantEvents(t, e, "web1 up: tcp: fine (2 of 2)")
	})
}

func TestCheckerKeepsTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		start(t, f, Config{Targets: []Target{target(1, tcp)}})
		time.Sleep(10 * time.Minute)
		times := f.times(addr(1))
		if len(times) < 60 || len(times) > 62 {
			t.Fatalf("asked %d times in 10 minutes, want 60 to 62", len(times))
		}
		for i := 2; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]); gap != 10*time.Second {
				t.Errorf("gap %d is %v, want 10s", i, gap)
			}
		}
	})
}

func TestCheckerBoundsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		var targets []Target
		for i := range 1000 {
			f.set(addr(i), hang)
			targets = append(targets, target(i, tcp))
		}
		c, _ := start(t, f, Config{Targets: targets, Concurrent: 20})
		time.Sleep(20 * time.Second)
		synctest.Wait()
		totals := c.Totals()
		if now, most := f.underWay(); most != 20 || now != 20 || totals.Running != 20 {
			t.Errorf("at most %d under way, %d now; want 20", most, totals.Running)
		}
		if totals.Overdue < 800 {
			t.Errorf("%d overdue, want most of 1000", totals.Overdue)
		}
		// 20 at a time, 5s each: all have had their turn after 250s.
		time.Sleep(5 * time.Minute)
		for i := range 1000 {
			if len(f.times(addr(i))) == 0 {
				t.Fatalf("server %d was never asked: the others starve it", i)
			}
		}
	})
}

func TestCheckerDefaultConcurrency(t *testing.T) {
	if c := New(Config{}, slog.New(slog.DiscardHandler)); c.cfg.Concurrent != 256 {
		t.Errorf("Concurrent = %d, want 256", c.cfg.Concurrent)
	}
}

func TestSlowProbeDoesNotOverlapItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.set(addr(1), hang)
		p := tcp
		p.Interval, p.Timeout = time.Second, 5500*time.Millisecond
		c, _ := start(t, f, Config{Targets: []Target{target(1, p)}})
		time.Sleep(time.Minute)
		if _, most := f.underWay(); most != 1 {
			t.Errorf("%d probes of one member at once", most)
		}
		if n := c.Totals().Skipped; n < 40 || n > 55 {
			t.Errorf("%d intervals skipped in a minute, want about 50", n)
		}
	})
}

func TestTimeoutBoundsAllTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := ProbeConfig{Type: TCP, Tries: 30, Timeout: 5 * time.Second}.withDefaults()
		f := newFarm()
		f.set(addr(1), func(ctx context.Context, _ Type) Result {
			time.Sleep(time.Second)
			return bad(Refused, "refused")
		})
		begin := time.Now()
		r := ask(t.Context(), f.prober(cfg, addr(1), nil), cfg, nil)
		if took := time.Since(begin); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("30 tries took %v, want 5s", took)
		}
		if r.Tries != 5 || r.Outcome != Bad {
			t.Errorf("%d tries, %v; want 5, bad", r.Tries, r.Outcome)
		}
	})
}

func TestOneGoodTryIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := ProbeConfig{Type: TCP, Tries: 3}.withDefaults()
		f := newFarm()
		f.set(addr(1), func(context.Context, Type) Result {
			if len(f.times(addr(1))) < 3 {
				return bad(Refused, "refused")
			}
			return good("fine")
		})
		r := ask(t.Context(), f.prober(cfg, addr(1), nil), cfg, nil)
		if r.Tries != 3 || r.Outcome != Good || r.Took != 2*retryPause {
			t.Errorf("got %+v, want good after 3 tries and two pauses", r)
		}
	})
}

func TestUnavailableIsNeverDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.set(addr(1), always(Result{Outcome: Unavailable, Reason: Permission, Detail: "no right"}))
		c, e := start(t, f, Config{Targets: []Target{target(1, ProbeConfig{Type: ICMP})}})
		time.Sleep(time.Hour)
		wantEvents(t, e)
		s, _ := c.Status("shop", "web1")
		p := s.Probes[0]
		if s.State != Checking || p.Deciding || p.Last.Detail != "no right" || p.Unavailable < 200 {
			t.Errorf("status %+v, want checking, the probe not deciding, with its reason", s)
		}
	})
}

// Out of descriptors, the box must not take every server down.
func TestLackOfResourcesLeavesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		_, e := start(t, f, Config{Targets: []Target{target(1, tcp)}})
		time.Sleep(time.Minute)
		wantEvents(t, e, "web1 up: tcp: fine")
		f.set(addr(1), always(Result{Outcome: Unavailable, Reason: Resources, Detail: "no files"}))
		time.Sleep(time.Hour)
		wantEvents(t, e)
	})
}

func TestLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		agent := ProbeConfig{Type: Agent, Interval: 10 * time.Second, Port: 80}
		say := func(load float64) {
			f.set(addr(1), always(Result{HasLoad: true, Load: load, Detail: "said"}))
		}
		say(0.25)
		c, e := start(t, f, Config{Targets: []Target{target(1, agent)}})
		time.Sleep(2 * time.Second)
		wantEvents(t, e, "web1 agent 0.25", "web1 up: agent: said")
		if s, _ := c.Status("shop", "web1"); !s.HasLoad || s.Load != 0.25 {
			t.Errorf("load %v, %v; want 0.25", s.Load, s.HasLoad)
		}

		say(Out)
		round(c, 1)
		wantEvents(t, e, "web1 agent -1", "web1 down: agent: said")

		f.set(addr(1), always(Result{Outcome: Abstain, Reason: Refused, Detail: "refused"}))
		round(c, 3)
		wantEvents(t, e, "web1 agent NaN", "web1 checking: agent: refused (3 of 3)")
		if s, _ := c.Status("shop", "web1"); s.HasLoad {
			t.Errorf("load %v of a silent agent", s.Load)
		}
		time.Sleep(time.Minute)
		wantEvents(t, e)
	})
}

func TestLoadIsTheWeightedMean(t *testing.T) {
	m := &member{probes: []*probe{
		{ProbeConfig: ProbeConfig{Weight: 100}, load: 0.2},
		{ProbeConfig: ProbeConfig{Weight: 50}, load: 0.8},
		{ProbeConfig: ProbeConfig{Weight: 100}, load: math.NaN()},
	}}
	if got, ok := m.load(); !ok || math.Abs(got-0.4) > 1e-9 {
		t.Errorf("load = %v, %v; want 0.4", got, ok)
	}
	m.probes[1].load = Out
	if got, _ := m.load(); got != Out {
		t.Errorf("load = %v, want out", got)
	}
}

// On real sockets: a server comes, a member is up; it goes, the member is down.
func TestCheckerOnRealSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	changes := make(chan Event, 10)
	c := New(Config{
		Targets: []Target{{
			Pool: "shop", Member: "web1", Addr: netip.MustParseAddrPort(l.Addr().String()),
			Probes: []ProbeConfig{{Type: TCP, Interval: 10 * time.Millisecond}},
		}},
		OnChange: func(e Event) { changes <- e },
	}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	if e := <-changes; e.State != Up || e.Pool != "shop" {
		t.Errorf("first %+v, want up", e)
	}
	l.Close()
	if e := <-changes; e.State != Down || !strings.Contains(e.Reason, "refused (3 of 3)") {
		t.Errorf("then %+v, want down, refused", e)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run = %v", err)
	}
}
