// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
)

// patience bounds every wait for a condition.
const patience = 30 * time.Second

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// theHA is the process of the role ha.
var theHA = api.Call{Origin: HARole}

// A fakeHA is that process of one box: it does what it is ordered, in words.
type fakeHA struct {
	d    *desk
	node string

	mu      sync.Mutex // guards what follows
	report  HAReport
	orders  []HAOrder
	pulse   HAPulse
	obey    func(HAOrder) // called with mu held
	refuses string
}

// runHA has a fake tell of one group, called front, until the test ends.
func runHA(t *testing.T, d *desk, node, state string) *fakeHA {
	f := &fakeHA{d: d, node: node, report: HAReport{Epoch: 7, Node: node, Groups: []HAGroupReport{
		{Name: "front", State: state, Since: time.Now(), Reason: "so it is", Healthy: true, Base: 200, Priority: 200,
			Parts: []HAPart{}, Routers: []HARouter{}}}, Peers: []HAPeerReport{}, Alarms: []HAAlarm{}, Changes: []HAChange{}, Orders: []HAOrderOutcome{}}}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			f.beat(ctx)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return f
}

// beat pulses once and obeys.
func (f *fakeHA) beat(ctx context.Context) {
	f.mu.Lock()
	raw, _ := json.Marshal(map[string]any{"report": f.report})
	f.mu.Unlock()
	answer, e := f.d.reg.Call(ctx, theHA, "ha.pulse", raw)
	if e != nil {
		if ctx.Err() == nil {
			f.d.t.Errorf("ha.pulse: %v", e)
			time.Sleep(100 * time.Millisecond)
		}
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulse = HAPulse{}
	if err := json.Unmarshal(answer, &f.pulse); err != nil {
		f.d.t.Error(err)
	}
	for _, o := range f.pulse.Orders {
		known := false
		for _, d := range f.report.Orders {
			known = known || d.ID == o.ID
		}
		if known {
			continue
		}
		f.orders = append(f.orders, o)
		done := HAOrderOutcome{ID: o.ID, OK: f.refuses == "", Text: f.refuses}
		if done.OK {
			done.Text = o.Kind + " done by " + f.node
			if f.obey != nil {
				f.obey(o)
			}
		}
		f.report.Orders = append(f.report.Orders, done)
	}
}

// set changes what the fake tells.
func (f *fakeHA) set(change func(*HAReport)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.report)
}

// last returns the answer to the last pulse.
func (f *fakeHA) last() HAPulse {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pulse
}

// A cable connects the boxes of a test, each with the others.
type cable struct {
	mu  sync.Mutex // guards what follows
	end map[string]*cableEnd
	cut bool
}

// A cableEnd is the mirror of one box.
type cableEnd struct {
	c       *cable
	node    string
	d       *desk
	changed int
}

func (e *cableEnd) Use(MirrorSettings) {}

func (e *cableEnd) Status() MirrorStatus {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	out := MirrorStatus{Fingerprint: "f1", Peers: map[string]MirrorPeerStatus{}}
	for name := range e.c.end {
		if name == e.node {
			continue
		}
		p := MirrorPeerStatus{Paired: true, Differences: HADifferences{State: HAInSync}}
		if p.Connected = !e.c.cut; e.c.cut {
			p.Problem = "the cable is cut"
		}
		out.Peers[name] = p
	}
	return out
}

func (e *cableEnd) Call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	e.c.mu.Lock()
	other, cut := e.c.end[peer], e.c.cut
	e.c.mu.Unlock()
	if other == nil || cut {
		return nil, fmt.Errorf("%s is not connected", peer)
	}
	return other.d.ServePeer(ctx, e.node, method, body)
}

func (e *cableEnd) SharedChanged() {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	e.changed++
}

func (e *cableEnd) Compare(context.Context, string) (HADifferences, error) {
	return HADifferences{State: HAInSync}, nil
}
func (e *cableEnd) Resolve(context.Context, string, HAResolution, string) error { return nil }
func (e *cableEnd) Secret(string) []byte                                        { return []byte("0123456789abcdef0123456789abcdef") }
func (e *cableEnd) Unpair(string) error                                         { return nil }
func (e *cableEnd) PairBegin() (HAPairing, error)                               { return HAPairing{}, nil }
func (e *cableEnd) PairJoin(context.Context, string) (HAPairing, error)         { return HAPairing{}, nil }
func (e *cableEnd) PairShow() HAPairing                                         { return HAPairing{Phase: HAPairIdle} }
func (e *cableEnd) PairConfirm(bool) (HAPairing, error)                         { return HAPairing{}, nil }
func (e *cableEnd) PairCancel()                                                 {}

// A cableLog applies what one box changes on the others.
type cableLog struct {
	from  *cableEnd
	table string
}

func (l cableLog) Put(key, value []byte) error {
	return l.send(MirrorChange{Key: key, Value: value})
}
func (l cableLog) Delete(key []byte) error { return l.send(MirrorChange{Key: key, Deleted: true}) }

func (l cableLog) send(c MirrorChange) error {
	l.from.c.mu.Lock()
	ends := maps.Clone(l.from.c.end)
	cut := l.from.c.cut
	l.from.c.mu.Unlock()
	for name, e := range ends {
		if name == l.from.node || cut {
			continue
		}
		if err := tableOf(e.d, l.table).Apply(l.from.node, []MirrorChange{c}); err != nil {
			return err
		}
	}
	return nil
}

func tableOf(d *desk, name string) *MirrorTable {
	for _, t := range d.MirrorTables() {
		if t.Name == name {
			return t
		}
	}
	panic("no table " + name)
}

// snapshot carries a whole table from one box to another.
func snapshot(t *testing.T, from, to *desk, table string) {
	t.Helper()
	a, b := tableOf(from, table), tableOf(to, table)
	origin := from.nodeName()
	if b.Begin != nil {
		b.Begin(origin)
	}
	var list []MirrorChange
	if err := a.Snapshot(t.Context(), func(k, v []byte) bool {
		list = append(list, MirrorChange{Key: []byte(string(k)), Value: []byte(string(v))})
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.Apply(origin, list); err != nil {
		t.Fatal(err)
	}
	if b.End != nil {
		b.End(origin)
	}
}

// pairText is a box of a pair, which is called NODE; its peer is called PEER.
const pairText = `node {
  name   = "NODE"
  listen = "127.0.0.1:7460"
  peer "PEER" { address = "127.0.0.2:7460" }
}

group "front" {
  homes = ["left", "right"]

  router "lan" {
    port      = "lan1"
    vrid      = 7
    addresses = ["127.0.0.77/8"]
    unicast   = ["127.0.0.1", "127.0.0.2"]
  }

  track "pool" "shop" { at_least = 2 }
  track "custom" "db" { ttl = "10s" }
}

cluster "front" {
  protocol = "http"
  listen   = ["127.0.0.77:PORT"]
  pool     = "shop"
}

server "web1" { address = "127.0.0.1:1" }
server "web2" { address = "127.0.0.1:2" }

pool "shop" {
  member "web1" {}
  member "web2" {}
}
`

// newPair returns two boxes with a cable between them.
func newPair(t *testing.T, port int) (left, right *desk, c *cable) {
	t.Helper()
	c = &cable{end: map[string]*cableEnd{}}
	make1 := func(node, peer string) *desk {
		text := strings.NewReplacer("NODE", node, "PEER", peer, "PORT", fmt.Sprint(port)).Replace(pairText)
		d := newDesk(t, text)
		j, err := event.Open(t.TempDir(), event.Config{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		d.cfg.Events = j
		e := &cableEnd{c: c, node: node, d: d}
		c.end[node] = e
		d.cfg.Mirror = e
		d.cfg.Ports = standbyPorts{map[string]string{"left": "127.0.0.1/8", "right": "127.0.0.2/8"}[node]}
		d.ports.forget()
		for _, table := range d.MirrorTables() {
			table.Attach(cableLog{e, table.Name})
		}
		d.refreshStandby()
		return d
	}
	left, right = make1("left", "right"), make1("right", "left")
	return left, right, c
}

// standbyPorts are a port called lan1 with an address.
type standbyPorts struct{ address string }

func (p standbyPorts) List() ([]Port, error) {
	return []Port{{Name: "lan1", Interface: "eth7", State: "up", Addresses: []string{p.address}}}, nil
}

func (standbyPorts) Identify(string, time.Duration) error { return nil }

// runStandby runs what tells peers, until the test ends.
func runStandby(t *testing.T, boxes ...*desk) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, d := range boxes {
		wg.Go(func() {
			if err := d.RunStandby(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
}
