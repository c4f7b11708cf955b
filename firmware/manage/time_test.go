// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/event"
	"evener/firmware/netconf"
	"evener/firmware/ntp"
)

// A wrist has a clock that remembers which servers it was told.
type wrist struct {
	mu   sync.Mutex // guards told
	told []string
	is   ntp.Status
	set  []time.Time
}

func (w *wrist) SetTime(to time.Time, force bool) (time.Duration, error) {
	if !w.is.Corrects {
		return 0, ntp.CannotError(w.is.Why)
	}
	if w.is.Synced && !force {
		return 0, ntp.ErrFollows
	}
	w.set = append(w.set, to)
	return time.Until(to), nil
}

func (w *wrist) Set(servers []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = servers
}

func (w *wrist) Status() ntp.Status { return w.is }

func (w *wrist) servers() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told
}

// lender is a DHCP server that names time servers too.
type lender struct{ *netconf.Sim }

func (l lender) Obtain(ctx context.Context, iface string, last netip.Addr) (netconf.Lease, error) {
	x, err := l.Sim.Obtain(ctx, iface, last)
	x.NTP = []netip.Addr{netip.MustParseAddr("192.0.2.123")}
	return x, err
}

func TestTimeServersComeFromTheConfigurationOrDHCP(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		source     string
	}{
		{"named", "system { ntp = [\"a.example\", \"192.0.2.1\"] }\nmanagement { method = \"dhcp\" }\n", []string{"a.example", "192.0.2.1"}, "configuration"},
		{"not named", "management { method = \"dhcp\" }\n", []string{"192.0.2.123"}, "dhcp"},
		{"none on purpose", "system { ntp = [\"none\"] }\nmanagement { method = \"dhcp\" }\n", nil, "none"},
		{"no DHCP", "", nil, "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _, sim := networkDesk(t, deskText)
			w := &wrist{}
			d.cfg.Clock = w
			conf := netconf.New(sim, lender{sim}, netconf.Config{Changed: d.NetworkChanged}, slog.New(slog.DiscardHandler))
			d.cfg.Network = conf
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- conf.Run(ctx) }()
			defer func() { cancel(); <-done }()
			ann := by("ann")
			must[Draft](d, ann, "config.set", args{"text": deskText + "\n" + c.text})
			must[Committed](d, ann, "config.commit", args{"comment": "time", "force": true})
			for end := time.Now().Add(20 * time.Second); !slices.Equal(w.servers(), c.want) && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond)
			}
			if got := must[TimeInfo](d, ann, "time.show", args{}); !slices.Equal(w.servers(), c.want) || got.Source != c.source {
				t.Errorf("servers are %q from %s, want %q from %s", w.servers(), got.Source, c.want, c.source)
			}
		})
	}
}

func TestClockIsShownAndToldOf(t *testing.T) {
	d, _, _ := networkDesk(t, deskText)
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	w := &wrist{is: ntp.Status{Synced: true, Offset: -1500 * time.Microsecond, Error: time.Millisecond, Stratum: 3, Last: at, Corrects: true, Problems: []string{"it is late"},
		Servers: []ntp.Server{{Name: "a.example", Address: netip.MustParseAddrPort("192.0.2.1:123"), State: ntp.Outvoted, Stratum: 2, Offset: time.Hour, At: at}, {Name: "b", State: ntp.Silent, Why: "no answer"}}}}
	d.cfg.Clock = w
	got := must[TimeInfo](d, by("ann"), "time.show", args{})
	if !got.Synced || got.Offset != -0.0015 || got.Stratum != 3 || got.Problem != "it is late" || len(got.Servers) != 2 || got.Servers[0].Offset != 3600 ||
		got.Servers[0].State != "outvoted" || got.Servers[1].Address != "" || !got.Servers[1].At.IsZero() {
		t.Errorf("time.show = %+v", got)
	}
	if p := d.timeProblems(); len(p) != 1 || !strings.Contains(p[0].Text, "clock: it is late") {
		t.Errorf("problems are %+v", p)
	}
	for _, e := range []ntp.Event{{Kind: ntp.Stepped, By: time.Hour}, {Kind: ntp.Jumped, By: -time.Minute}, {Kind: ntp.Lost, Why: "no answer"}, {Kind: ntp.Found}} {
		d.ClockEvent(e)
	}
	var told []event.Kind
	for _, e := range d.cfg.Events.Query(event.Filter{}, 10, 0) {
		if strings.HasPrefix(string(e.Kind), "clock.") {
			told = append(told, e.Kind)
		}
	}
	slices.Sort(told)
	if want := []event.Kind{event.ClockJumped, event.ClockStepped, event.ClockSynced, event.ClockUnsynced}; !slices.Equal(told, want) {
		t.Errorf("told is %q, want %q", told, want)
	}
}

func TestClockIsSetByHandUnlessItFollowsServers(t *testing.T) {
	d, _, _ := networkDesk(t, deskText)
	w := &wrist{is: ntp.Status{Corrects: true}}
	d.cfg.Clock = w
	ann := by("ann")
	ann.Sudo = true
	later := time.Now().Add(3 * time.Hour).UTC()
	if got := must[TimeSet](d, ann, "time.set", args{"time": later}); len(w.set) != 1 || !w.set[0].Equal(later) || got.By < 10000 {
		t.Errorf("time.set = %+v, the clock was set to %v, want %v", got, w.set, later)
	}
	refused := func(p args, want string) {
		t.Helper()
		if _, e := ask[TimeSet](d, ann, "time.set", p); e == nil || !strings.Contains(e.Message, want) {
			t.Errorf("time.set %v: %v, want %q", p, e, want)
		}
	}
	refused(args{"time": "0026-11-21T12:00:00Z"}, "of the years 2020 to 2099")
	w.is.Synced = true
	refused(args{"time": later}, "only with force")
	must[TimeSet](d, ann, "time.set", args{"time": later, "force": true})
	w.is = ntp.Status{Why: "it is simulated"}
	refused(args{"time": later, "force": true}, "cannot be set: it is simulated")
	if len(w.set) != 2 {
		t.Errorf("the clock was set to %v; want two times", w.set)
	}
	d.cfg.Clock = nil
	refused(args{"time": later}, "nothing keeps the clock")
}
