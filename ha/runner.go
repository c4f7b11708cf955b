// SPDX-License-Identifier: Apache-2.0

package ha

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"evener/ha/handoff"
	"evener/ha/heartbeat"
	"evener/ha/vrrp"
	"evener/ha/wire"
)

// A Config says what a Runner has besides its LAN. A zero field takes the default
// named beside it.
type Config struct {
	Simulated bool // told in reports
	Realtime  bool // advertise from a thread of real-time priority

	// Listen opens the socket of heartbeats and calls wake when one comes; nil:
	// ListenUDP.
	Listen func(at netip.AddrPort, wake func()) (Datagrams, error)

	// Settings are applied before the first look at the LAN, so that what the
	// process before this one has left is found again. Mistakes in them are told in
	// reports. nil: none.
	Settings *Settings

	// Resume is what the process before this one has handed over; nil: nothing.
	Resume *Handover

	// Handoff lets connections of a group that an order moves end where they began.
	// nil: they end at once; HandoffWhy is told to people.
	Handoff    Handoff
	HandoffWhy string

	// Neighbour finds the MAC of another box; nil: [handoff.Neighbour].
	Neighbour func(ctx context.Context, iface string, addr netip.Addr) (net.HardwareAddr, error)
}

// A Runner runs the failover groups of one box on a LAN. It does nothing before
// Apply and a Pulse.
//
// All it knows belongs to the goroutine of Run. The other methods hand it what to do
// and may be called from any goroutine.
type Runner struct {
	cfg   Config
	lan   wire.LAN
	log   *slog.Logger
	began time.Time     // with the monotonic clock
	at    time.Duration // of the latest look at the LAN; belongs to Run

	mu    sync.Mutex // guards what follows
	inbox []func()
	ended bool

	// What follows belongs to Run.
	epoch    uint64
	node     string
	number   uint64 // of the settings
	problem  string // why they are not in force
	groups   []*group
	peers    []*peer
	engine   engineWatch
	tracks   map[string]TrackState // as pulses have told; what one leaves out stays
	timeline timeline
	results  []OrderResult

	realtime    bool
	realtimeWhy string

	met map[neighbour]meeting
	ask chan neighbour // to the goroutine that may wait for an answer

	beats       Datagrams
	listening   string // address of beats
	wanted      string // address that beats should have
	beatProblem string // why there are none
	beatRetry   time.Duration
	beatAt      time.Duration
	beatNow     bool // something is new
	beaten      time.Duration

	alarms  []Alarm
	since   map[string]time.Time // of alarms, by what they are about
	raised  map[string]bool
	alarmAt time.Duration

	leaving   bool // somebody else goes on: keep the addresses
	departing bool // the box stops: take nothing any more
	dst       [1]netip.Addr
	in        [heartbeat.MaxSize + 1]byte
}

// New returns a runner on lan, which stays the caller's.
func New(lan wire.LAN, cfg Config, log *slog.Logger) *Runner {
	if cfg.Listen == nil {
		cfg.Listen = ListenUDP
	}
	if cfg.Neighbour == nil {
		cfg.Neighbour = handoff.Neighbour
	}
	var b [8]byte
	rand.Read(b[:])
	r := &Runner{cfg: cfg, lan: lan, log: log, began: time.Now(), epoch: binary.BigEndian.Uint64(b[:]) >> 11, // exact in every reader of JSON
		tracks: map[string]TrackState{}, since: map[string]time.Time{}, raised: map[string]bool{}, realtimeWhy: "not asked for",
		met: map[neighbour]meeting{}, ask: make(chan neighbour, maxNeighbours)}
	return r
}

// now returns the time by which to judge, since the runner was made: the moment of the
// latest look at the LAN. All that had come by then has been read. However long the
// process stands still after that, nothing counts as missing that waits to be read.
func (r *Runner) now() time.Duration { return r.at }

// Run works until ctx ends, and then gives up what it has: other boxes are told, the
// addresses are released. After HandOver it leaves everything as it is.
func (r *Runner) Run(ctx context.Context) error {
	asking, cancel := context.WithCancel(ctx)
	var asker sync.WaitGroup
	asker.Go(func() { r.neighbours(asking) })
	defer asker.Wait()
	defer cancel()
	if r.cfg.Realtime {
		r.becomeRealtime()
	}
	stop := context.AfterFunc(ctx, r.lan.Wake)
	defer stop()
	defer r.end()
	r.at = time.Since(r.began)
	r.engine.asked = r.at
	if r.cfg.Settings != nil {
		_ = r.apply(*r.cfg.Settings) // reported as the problem
	}
	for ctx.Err() == nil && !r.leaving {
		until := r.next()
		batch, err := r.lan.Wait(until)
		if err != nil {
			r.stop("the network cannot be read any more: " + err.Error())
			return fmt.Errorf("wait for packets: %w", err)
		}
		r.at = max(r.at, batch.At.Sub(r.began))
		r.oversleep(batch.At.Sub(until))
		r.hear()
		for _, p := range batch.Packets {
			r.packet(p)
		}
		if batch.Changed {
			r.relink()
		}
		r.work()
		if batch.More {
			continue // no time is judged before all that came was read
		}
		r.turn()
	}
	if !r.leaving {
		r.stop("the box gives up hot standby")
	}
	return nil
}

// becomeRealtime asks for real-time priority, and goes on without it.
func (r *Runner) becomeRealtime() {
	err := realtime()
	r.realtime, r.realtimeWhy = err == nil, ""
	if err != nil {
		r.realtimeWhy = err.Error()
		r.log.Warn("advertising without real-time priority: load on this box may delay it", "err", err)
	}
}

// turn judges the time for every group.
func (r *Runner) turn() {
	for _, g := range r.groups {
		if g.silent > 0 && r.now() >= g.silent {
			g.silent = 0
		}
		if g.farewellTill > 0 && r.now() >= g.farewellTill {
			r.believe(g)
		}
		r.watchEngine(g)
		r.follow(g)
		r.settle(g)
		r.judge(g)
		r.settle(g)
	}
	if r.wanted != r.listening && r.beats == nil && r.now() >= r.beatRetry {
		r.listen(r.wanted)
	}
	r.beat()
	if now := r.now(); now >= r.alarmAt {
		r.alarmAt = now + alarmEvery
		r.alarm()
	}
}

// next returns when the loop has to turn again at the latest.
func (r *Runner) next() time.Time {
	at := r.now() + alarmEvery
	if r.beats != nil {
		at = min(at, r.beatAt)
	}
	for _, g := range r.groups {
		if t, ok := r.deadline(g); ok {
			at = min(at, t)
		}
	}
	return r.began.Add(at)
}

// oversleep notes that this process stood still, and not the engine.
func (r *Runner) oversleep(late time.Duration) {
	if late > engineGap {
		r.engine.slept(late)
		r.log.Warn("this process stood still", "for", late.Round(time.Millisecond))
	}
}

// packet hands a packet to the routers that it may be for.
func (r *Runner) packet(p wire.Packet) {
	got, err := vrrp.Parse(p.Data, p.Src, p.Dst, p.TTL)
	for _, g := range r.groups {
		for _, rt := range g.routers {
			switch {
			case rt.set.Interface != p.Interface || rt.family() != p.Family:
			case err != nil:
				if len(p.Data) < 2 || p.Data[1] == rt.set.VRID {
					rt.refuse(err)
				}
			case got.VRID == rt.set.VRID && !g.begun:
				rt.bad[vrrp.NotTaking]++
			case got.VRID == rt.set.VRID:
				if !r.outdated(rt, got) && !r.early(rt, got) {
					r.feed(rt, vrrp.Advert{Received: got}, note{cause: CauseAdvert})
				}
				r.meet(rt, got.Source)
			}
		}
	}
}

// refuse counts a packet that was not believed.
func (rt *router) refuse(err error) {
	if e := (*vrrp.PacketError)(nil); errors.As(err, &e) {
		rt.bad[e.Reason]++
	}
}

// relink looks at the links again.
func (r *Runner) relink() {
	for _, g := range r.groups {
		r.lookAt(g)
	}
}

// lookAt finds out how the links of g are, and from which addresses its routers send.
func (r *Runner) lookAt(g *group) {
	r.look(g)
	for _, rt := range g.routers {
		s := rt.st.Status()
		rt.link = r.linkProblem(rt.set.Interface)
		if rt.link == "" {
			rt.link = strings.TrimPrefix(s.Problem, rt.set.Interface+": ") // people are told the port
		}
		if rt.link == "" && !s.Primary.IsValid() {
			rt.link = fmt.Sprintf("it has no %v address of its own to advertise from", rt.family())
		}
		r.reconfigure(rt)
	}
}

// reconfigure tells the machine of rt what its configuration is by now.
func (r *Runner) reconfigure(rt *router) {
	c := rt.config(rt.g, rt.st.Status().Primary)
	if sameConfig(c, rt.cfg) {
		return
	}
	rt.cfg = c
	r.feed(rt, vrrp.Configure{Config: c}, note{cause: CauseSettings})
}

// work does what other goroutines have asked for.
func (r *Runner) work() {
	r.mu.Lock()
	list := r.inbox
	r.inbox = nil
	r.mu.Unlock()
	for _, f := range list {
		f()
	}
}

// stop gives up what this box has, and tells the others.
func (r *Runner) stop(why string) {
	for _, g := range r.groups {
		r.all(g, vrrp.Shutdown{Why: why}, note{cause: CauseStop})
		g.begun, g.served = false, false
		r.conclude(g)
	}
	r.beatNow = true
	r.beat()
}

// end closes what Run has opened, and refuses what comes from then on.
func (r *Runner) end() {
	if r.beats != nil {
		if err := r.beats.Close(); err != nil {
			r.log.Warn("socket of heartbeats not closed", "err", err)
		}
	}
	r.work() // who waits for an answer gets one
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.inbox {
		f()
	}
	r.inbox, r.ended = nil, true
}

// errEnded is what requests get after Run.
var errEnded = errors.New("hot standby has ended in this process")

// post has Run call f, unless it has ended.
func (r *Runner) post(f func()) (ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	r.inbox = append(r.inbox, f)
	r.lan.Wake()
	return true
}

// do has Run call f, and waits for that.
func (r *Runner) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	if !r.post(func() { f(); close(done) }) {
		return errEnded
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
