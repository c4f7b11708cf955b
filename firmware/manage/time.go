// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/event"
	"evener/firmware/ntp"
	"evener/firmware/phrase"
)

// Clock is what keeps the clock of the box right.
type Clock interface {
	Set(servers []string)
	SetTime(to time.Time, force bool) (by time.Duration, err error)
	Status() ntp.Status
}

// A TimeInfo is how the clock of the box does.
type TimeInfo struct {
	Now       time.Time    `json:"now" doc:"the box's clock"`
	Source    string       `json:"source" doc:"of the list of servers: configuration, dhcp or none"`
	Synced    bool         `json:"synced" doc:"the clock follows servers"`
	Corrects  bool         `json:"corrects" doc:"the box corrects its clock"`
	Why       string       `json:"why" doc:"it does not; empty: it does"`
	Simulated bool         `json:"simulated" doc:"the clock is meant to be left alone"`
	Would     string       `json:"would" doc:"what would be done to a clock that is not corrected; empty: nothing"`
	Offset    float64      `json:"offset" doc:"seconds that were missing at the last agreement"`
	Error     float64      `json:"error" doc:"seconds by which offset may have been wrong"`
	Stratum   int          `json:"stratum" doc:"of the box, 2 to 16; 0: not known"`
	Last      time.Time    `json:"last,omitzero" doc:"when servers agreed last; absent: never yet"`
	Next      time.Time    `json:"next,omitzero" doc:"when they are asked next"`
	Servers   []TimeServer `json:"servers"`
	Problem   string       `json:"problem" doc:"what is not as it should be; empty: nothing"`
	Problems  []string     `json:"problems" doc:"each of them"`

	Said phrase.Words `json:"said,omitempty" says:"why,problem,problems" doc:"what the texts say, by field: kind and args, for translation"`
}

// A TimeServer is one that is asked for the time.
type TimeServer struct {
	Name     string    `json:"name" doc:"as configured"`
	Address  string    `json:"address" doc:"empty: the name was not resolved"`
	State    string    `json:"state" doc:"waiting, good, outvoted, unfit, silent or refused"`
	Why      string    `json:"why" doc:"of unfit, silent and refused"`
	Stratum  int       `json:"stratum" doc:"0: not known"`
	Offset   float64   `json:"offset" doc:"seconds that the box's clock lacked"`
	Distance float64   `json:"distance" doc:"seconds by which offset may have been wrong"`
	Delay    float64   `json:"delay" doc:"seconds there and back"`
	At       time.Time `json:"at,omitzero" doc:"of the last answer; absent: none yet"`

	Said phrase.Words `json:"said,omitempty" says:"why" doc:"what the texts say, by field: kind and args, for translation"`
}

type timeParams struct {
	Time  time.Time `json:"time" doc:"that it is now, such as 2026-11-21T12:00:00Z"`
	Force bool      `json:"force,omitempty" doc:"even if the clock follows time servers, which then have to be believed anew"`
}

// A TimeSet is what became of a clock that was set.
type TimeSet struct {
	Now time.Time `json:"now" doc:"the box's clock"`
	By  float64   `json:"by" doc:"seconds by which it was set, forward if positive"`
}

// The times that a clock may be set to: certificates and the journals hold them.
var (
	earliestTime = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	latestTime   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

var errNoClock = api.Errorf(api.CodeFailed, "time.unknown", "nothing keeps the clock of this box; the log of the engine says why")

func (b *Box) addTime(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "time.show", Purpose: "Shows how the clock of the box does, and the time servers.", Role: api.Viewer}, b.timeShow)
	api.Add(reg, api.Method{Name: "time.set", Purpose: "Sets the clock of the box by hand.", Role: api.Admin, Sudo: true, Effect: api.System,
		Audit: "set the clock to {time}, even if it follows time servers: {force}"}, b.timeSet)
	b.topics.time = api.AddState(reg, api.Topic{Name: "state.time", Purpose: "How the clock of the box does, as one object named clock.",
		Role: api.Viewer, Every: 2 * time.Second}, func(ctx context.Context, c api.Call, _ struct{}) (map[string]TimeInfo, error) {
		t, err := b.timeShow(ctx, c, struct{}{})
		t.Now = time.Time{} // it would be another at each look
		return map[string]TimeInfo{"clock": t}, err
	})
}

// ClockChanged tells who watches that something of the clock has changed.
func (b *Box) ClockChanged() { changed(b.topics.time) }

// ClockEvent tells of something that has happened to the clock.
func (b *Box) ClockEvent(e ntp.Event) {
	switch e.Kind {
	case ntp.Stepped:
		b.happened(event.ClockStepped, "clock", map[string]any{"by": e.By.String()})
	case ntp.Jumped:
		b.happened(event.ClockJumped, "clock", map[string]any{"by": e.By.String()})
	case ntp.Lost:
		b.happened(event.ClockUnsynced, "clock", map[string]any{"reason": e.Why})
	case ntp.Found:
		b.happened(event.ClockSynced, "clock", nil)
	}
}

func (b *Box) timeShow(context.Context, api.Call, struct{}) (TimeInfo, error) {
	if b.cfg.Clock == nil {
		return TimeInfo{}, errNoClock
	}
	s := b.cfg.Clock.Status()
	t := TimeInfo{Now: time.Now().UTC(), Source: b.clock.from(), Synced: s.Synced, Corrects: s.Corrects, Why: s.Why, Simulated: s.Simulated,
		Would: s.Would, Offset: s.Offset.Seconds(), Error: s.Error.Seconds(), Stratum: s.Stratum, Last: s.Last.UTC(), Next: s.Next.UTC(),
		Servers: []TimeServer{}, Problem: strings.Join(s.Problems, "; "), Problems: append([]string{}, s.Problems...)}
	for _, x := range s.Servers {
		v := TimeServer{Name: x.Name, State: string(x.State), Why: x.Why, Stratum: x.Stratum, Offset: x.Offset.Seconds(),
			Distance: x.Distance.Seconds(), Delay: x.Delay.Seconds(), At: x.At.UTC()}
		if x.Address.IsValid() {
			v.Address = x.Address.String()
		}
		t.Servers = append(t.Servers, v)
	}
	phrase.Fill(&t)
	return t, nil
}

func (b *Box) timeSet(_ context.Context, c api.Call, p timeParams) (TimeSet, error) {
	if err := unscoped(c, "the clock"); err != nil {
		return TimeSet{}, err
	}
	if b.cfg.Clock == nil {
		return TimeSet{}, errNoClock
	}
	if p.Time.Before(earliestTime) || !p.Time.Before(latestTime) {
		return TimeSet{}, api.Errorf(api.CodeParams, "params.time", "time must be of the years %d to %d, such as 2026-11-21T12:00:00Z, not %s",
			earliestTime.Year(), latestTime.Year()-1, p.Time.UTC().Format(time.RFC3339))
	}
	by, err := b.cfg.Clock.SetTime(p.Time, p.Force)
	switch cannot := ntp.CannotError(""); {
	case errors.Is(err, ntp.ErrFollows):
		return TimeSet{}, api.Errorf(api.CodeGuard, "time.follows",
			"the clock follows time servers, which keep it right: it is set by hand only with force, and they are asked again afterwards")
	case errors.As(err, &cannot):
		return TimeSet{}, api.Errorf(api.CodeFailed, "time.cannot", "%v", err)
	case err != nil:
		return TimeSet{}, api.Errorf(api.CodeFailed, "time.failed", "%v", err)
	}
	return TimeSet{Now: time.Now().UTC(), By: by.Seconds()}, nil
}

// timekeeping remembers where the clock's servers come from.
type timekeeping struct {
	mu     sync.Mutex // guards what follows; it may be taken while network.mu is held
	names  []string   // none: those of DHCP
	dhcp   bool       // the management port is configured by DHCP
	used   bool
	source string
}

func (k *timekeeping) from() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.source
}

// useClock names the servers that cfg wants: those that it names, or where it names
// none those that DHCP gives.
func (b *Box) useClock(cfg *config.Config) {
	k := &b.clock
	k.mu.Lock()
	k.names, k.dhcp, k.used = cfg.System.NTP, cfg.Management.Method == config.MethodDHCP, true
	k.mu.Unlock()
	b.useLease()
}

// useLease names the servers anew, as DHCP may give others now.
func (b *Box) useLease() {
	k := &b.clock
	k.mu.Lock()
	defer k.mu.Unlock()
	if b.cfg.Clock == nil || !k.used {
		return
	}
	list := k.names
	k.source = "configuration"
	if len(list) == 0 && k.dhcp && b.cfg.Network != nil {
		if l := b.cfg.Network.Status().Lease; l != nil {
			list, k.source = written(l.NTP), "dhcp"
		}
	}
	if len(list) == 0 || list[0] == config.NoServers {
		list, k.source = nil, "none"
	}
	b.cfg.Clock.Set(list)
}

// timeProblems tells what is wrong with the clock.
func (b *Box) timeProblems() []Problem {
	if b.cfg.Clock == nil {
		return nil
	}
	s := b.cfg.Clock.Status()
	if len(s.Problems) == 0 {
		return nil
	}
	text := strings.Join(s.Problems, "; ")
	return []Problem{{Kind: "time.problem", Severity: severityWarning, Object: "clock", Args: map[string]any{"error": text},
		Text: "clock: " + text}}
}
