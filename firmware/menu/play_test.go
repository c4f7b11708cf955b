// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

func init() { time.Local = time.UTC } // pages show the time of day

// A box is an engine and a machine that answer at once and remember.
type box struct {
	calls  []string
	fails  map[string]error // by method
	result map[string]string
}

func (b *box) Call(_ context.Context, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	b.calls = append(b.calls, strings.TrimSuffix(method+" "+string(raw), " {}"))
	if err := b.fails[method]; err != nil {
		return err
	}
	if text := b.result[method]; text != "" && result != nil {
		return json.Unmarshal([]byte(text), result)
	}
	return nil
}

// A play is a state with somebody at its keys.
type play struct {
	t       *testing.T
	s       *state
	engine  *box
	machine *box
	now     time.Time
	mute    bool // the engine does not answer
	told    time.Time
}

var epoch = time.Date(2026, 11, 21, 13, 40, 0, 0, time.UTC)

const fingerprint = "5F:0A:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F"

// healthy is a box that serves.
func healthy() *status {
	return &status{Host: "lb1.example.com", Version: "0.4.0", Revision: 12, Started: epoch.Add(-50 * time.Hour), Now: epoch, Serves: true,
		Console:  console{[]string{"https://192.0.2.10:9443"}, fingerprint},
		Clusters: count{3, 3}, Servers: count{7, 8}, Accepted: 1000, BytesIn: 125e3, BytesOut: 31e6,
		Roles:           []role{{"engine", "running"}, {"console", "running"}},
		Management:      management{Method: "static", Address: []string{"192.0.2.10/24", "2001:db8::10/64"}, Gateway: []string{"192.0.2.1"}},
		ManagementGiven: true}
}

func newPlay(t *testing.T, d Display, set Settings) *play {
	if d.Keys == nil {
		d.Keys = []Key{Up, Down, Left, Right, Enter, Escape}
	}
	p := &play{t: t, told: epoch, s: newState(d, set, epoch), now: epoch, engine: &box{fails: map[string]error{"config.candidate": errors.New("you have no candidate")}, result: map[string]string{}},
		machine: &box{fails: map[string]error{}, result: map[string]string{}}}
	p.s.take(p.now, func(s *state) {
		s.news.takeStatus(healthy(), s.now)
		s.news.network = &network{Managed: true, Port: "mgmt", Addresses: []string{"192.0.2.10/24"}, Gateway: "192.0.2.1"}
		s.news.ports = []port{{"mgmt", "up", 1000}, {"1", "up", 10000}, {"2", "no-carrier", 0}, {"3", "down", 0}, {"4", "missing", 0}}
		s.news.sensors = []sensor{{"CPU", "temperature", 47.4, "ok"}, {"fan 1", "fan", 2400, "ok"}, {"12 V", "voltage", 12, "ok"}, {"board", "temperature", 71, "warning"}}
	})
	return p
}

// wait lets time pass as Run does. The engine tells its status each second unless
// it is silent.
func (p *play) wait(d time.Duration) {
	for end := p.now.Add(d); p.now.Before(end); {
		p.now = p.now.Add(min(100*time.Millisecond, end.Sub(p.now)))
		if !p.mute && p.now.Sub(p.told) >= time.Second {
			p.status(func(*status) {})
		}
		p.s.advance(p.now)
		p.carryOut()
	}
}

// status tells the state a status that f has changed.
func (p *play) status(f func(*status)) {
	st := *p.s.news.status
	if st.Pending != nil {
		left := time.Duration(st.Pending.Left) - p.now.Sub(p.s.news.at)
		if st.Pending = (&pending{st.Pending.Revision, duration(left), st.Pending.Author}); left <= 0 {
			st.Pending = nil
		}
	}
	p.told = p.now
	st.Accepted += 12
	st.Now = epoch.Add(p.now.Sub(epoch))
	st.Problems = slices.Clone(st.Problems)
	f(&st)
	p.s.take(p.now, func(s *state) { s.news.takeStatus(&st, s.now) })
}

// carryOut does the orders.
func (p *play) carryOut() {
	for _, o := range p.s.taken() {
		err := o.do(context.Background(), p.engine, p.machine)
		p.s.done(o, err, p.now)
	}
}

// press presses keys shortly, by name.
func (p *play) press(keys ...string) {
	for _, name := range keys {
		k, ok := ParseKey(name)
		if !ok {
			p.t.Fatalf("there is no key %q", name)
		}
		p.s.event(KeyEvent{k, true}, p.now)
		p.carryOut()
		p.wait(50 * time.Millisecond)
		p.s.event(KeyEvent{k, false}, p.now)
		p.carryOut()
	}
}

// hold holds a key down.
func (p *play) hold(name string, d time.Duration) {
	k, _ := ParseKey(name)
	p.s.event(KeyEvent{k, true}, p.now)
	p.wait(d)
	p.s.event(KeyEvent{k, false}, p.now)
	p.carryOut()
}

// screen is what the display shows, with the cursor below where there is one.
func (p *play) screen() string {
	f := p.s.frame()
	var b strings.Builder
	for i, l := range f.Lines {
		if w := width(l); w != p.s.disp.Cols {
			p.t.Errorf("line %q is %d columns wide, want %d", l, w, p.s.disp.Cols)
		}
		fmt.Fprintf(&b, "|%s|\n", l)
		if f.Cursor.On && f.Cursor.Row == i {
			fmt.Fprintf(&b, " %s^\n", strings.Repeat(" ", f.Cursor.Col))
		}
	}
	return b.String()
}

// obey does one line of a script.
func (p *play) obey(line string) {
	words := strings.Fields(line)
	switch verb := words[0]; verb {
	case "press":
		p.press(words[1:]...)
	case "hold":
		d, err := time.ParseDuration(words[2])
		if err != nil {
			p.t.Fatal(err)
		}
		p.hold(words[1], d)
	case "wait":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			p.t.Fatal(err)
		}
		p.wait(d)
	case "status": // the engine tells the same again
		p.status(func(*status) {})
	case "silence":
		p.mute = true
	case "roles":
		p.s.news.roles = []role{{"engine", words[1]}, {"console", "running"}}
	case "problem":
		p.status(func(st *status) {
			st.Problems = append(st.Problems, problem{Kind: words[1], Severity: words[2], Object: words[3], Text: strings.Join(words[4:], " ")})
		})
	case "mended":
		p.status(func(st *status) { st.Problems = nil })
	case "pending":
		p.status(func(st *status) { st.Pending = &pending{13, duration(time.Minute), words[1]} })
	case "pin":
		p.s.configure(func() Settings { set := p.s.set; set.PIN = words[1]; return set }())
	case "mode":
		p.s.configure(func() Settings { set := p.s.set; set.Mode = words[1]; return set }())
	case "standby": // a pair of which the box has this state
		state := words[1]
		p.s.news.standby = &standby{Configured: true, Groups: []failoverGroup{{Name: "front", State: state, Reason: "10.0.0.1 has priority 200, this box 90", Active: "left", Priority: 90, Base: 150, Homes: []string{"left", "right"}}}}
		other := peer{Name: "left", Address: "10.255.0.1:7460", Paired: words[2] == "paired"}
		other.Mirror.Connected, other.Differences.State = other.Paired, "in sync"
		p.s.news.standby.Peers, p.s.news.standby.Mirror.Listen = []peer{other}, "10.255.0.2:7460"
	case "pairing": // how far the engine is
		if err := json.Unmarshal([]byte(strings.Join(words[1:], " ")), &p.s.news.pairing); err != nil {
			p.t.Fatal(err)
		}
	case "firmware": // slot A runs; the version and state of slot B
		f := &firmware{Available: true, Slots: []slot{{"A", "1.3.0", "good", ""}, {"B", words[1], words[2], strings.Join(words[3:], " ")}}}
		f.Running.Slot, f.Running.Version = "A", "1.3.0"
		p.s.news.firmware = f
	case "setup":
		p.s.news.setup = words[1]
	case "fails":
		p.engine.fails[words[1]] = errors.New(strings.Join(words[2:], " "))
	case "unreachable":
		p.engine.fails[words[1]] = ErrUnreachable
	case "answer":
		p.engine.result[words[1]] = strings.Join(words[2:], " ")
	default:
		p.t.Fatalf("a script has no %q", verb)
	}
}

// run plays a script and returns what the display showed after each line, and what
// was asked of the box.
func (p *play) run(script string) string {
	var b strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			fmt.Fprintln(&b, line)
			continue
		}
		p.obey(line)
		fmt.Fprintf(&b, "> %s\n%s", line, p.screen())
		for _, c := range p.engine.calls {
			fmt.Fprintln(&b, "engine:", c)
		}
		for _, c := range p.machine.calls {
			fmt.Fprintln(&b, "machine:", c)
		}
		p.engine.calls, p.machine.calls = nil, nil
	}
	return b.String()
}

// TestPlays compares what displays show while scripts are played with golden files.
func TestPlays(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.script")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	zh := Defaults()
	zh.Language = "zh-Hans"
	for _, script := range scripts {
		src, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []struct {
			name string
			d    Display
			set  Settings
		}{
			{"16x2", Display{Rows: 2, Cols: 16, Releases: true}, Defaults()},
			{"20x4", Display{Rows: 4, Cols: 20, Releases: true, Unicode: true, Backlight: true, Contrast: true}, Defaults()},
			{"20x4-zh", Display{Rows: 4, Cols: 20, Releases: true, Unicode: true, Backlight: true, Contrast: true}, zh},
		} {
			name := strings.TrimSuffix(filepath.Base(script), ".script") + "." + v.name
			t.Run(name, func(t *testing.T) {
				got := newPlay(t, v.d, v.set).run(string(src))
				golden(t, "testdata/"+name+".golden", got)
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s", name, got)
	}
}
