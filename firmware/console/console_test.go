// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evener/firmware/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A part is a part of a box as its methods show it. A method that it does not have
// is an error, as in a box.
type part struct {
	name    string
	mu      sync.Mutex
	dead    bool
	answers map[string]any // a result, an error, or func(args) any
	calls   []string
}

type args = map[string]any

func (p *part) Call(ctx context.Context, method string, params, result any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return api.Errorf(api.CodeFailed, "unreachable", "the %s does not answer", p.name)
	}
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(method, "sys.") && method != "network.show" && method != "recovery.status" && method != "role.list" && method != "serial.show" && method != "machine.alarms" {
		p.calls = append(p.calls, method+" "+string(raw))
	}
	answer, ok := p.answers[method]
	if !ok {
		return api.Errorf(api.CodeMethod, "method.unknown", "the %s has no method %s", p.name, method)
	}
	if f, ok := answer.(func(args) any); ok {
		given := args{}
		if err := json.Unmarshal(raw, &given); err != nil {
			return err
		}
		answer = f(given)
	}
	if err, ok := answer.(error); ok {
		return err
	}
	raw, err = json.Marshal(answer)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(raw, result)
}

const fingerprint = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// A box is both parts and a terminal.
type box struct {
	t      *testing.T
	eng    *part
	sup    *part
	stored args // result of recovery.status
	cfg    Config
	out    bytes.Buffer
	mu     sync.Mutex // guards out
	person net.Conn   // the end at which somebody types
	over   chan error
	slow   bool // the terminal
}

// newBox returns a box with an administrator called alice.
func newBox() *box {
	b := &box{over: make(chan error, 1), eng: &part{name: "engine"}, sup: &part{name: "supervisor"}}
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	b.stored = args{"revision": 4, "author": "alice", "committed": at, "host_name": "lb1", "console": []string{"https://192.0.2.10"},
		"management":  args{"method": "static", "address": []string{"192.0.2.10/24"}, "gateway": []string{"192.0.2.1"}},
		"fingerprint": fingerprint, "administrators": []string{"alice", "bob"}, "setup": false, "users": true, "text": true,
		"problems": []string{}, "serial": args{"known": true, "password_reset": true, "idle_seconds": 600}}
	roles := []args{{"name": "engine", "state": "running"}, {"name": "console", "state": "running"}}
	committed := args{"revision": args{"number": 5}, "pending": args{"revision": 5, "left": "5m0s", "author": "serial console"}}
	b.eng.answers = map[string]any{
		"sys.info": args{"version": "1.0", "board": "sim", "revision": 4, "author": "alice", "committed": at, "roles": roles,
			"console": args{"addresses": []string{"https://192.0.2.10"}, "fingerprint": fingerprint}, "problems": []string{}},
		"sys.hello":    args{"hostname": "lb1"},
		"network.show": args{"managed": true, "method": "static", "addresses": []string{"192.0.2.10/24"}, "host_name": "lb1", "time_zone": "UTC"},
		"auth.login": func(p args) any {
			if p["password"] != "good password" {
				return api.Errorf(api.CodeUnauthorized, "auth.denied", "name, password or code is wrong")
			}
			if p["user"] == "bob" && p["code"] != "123456" {
				return api.Errorf(api.CodeUnauthorized, "auth.totp", "give the code too")
			}
			return args{"session": "s1", "user": p["user"], "role": map[bool]string{true: "viewer", false: "admin"}[p["user"] == "viv"]}
		},
		"session.revoke": args{}, "throttle.clear": args{}, "user.set_password": args{}, "user.reset_totp": args{},
		"user.list":      args{"users": []args{{"name": "alice", "totp": false}, {"name": "bob", "totp": true}}},
		"config.discard": args{}, "config.edit": args{}, "config.commit": committed, "config.rollback": committed,
		"config.confirm": args{}, "config.revert": args{}, "config.diff": args{"text": "-a\n+b\n"},
		"port.list": args{"ports": []args{{"name": "mgmt", "interface": "sim0", "mac": "02:00:00:00:00:01", "state": "up", "speed": 1000,
			"addresses": []string{"192.0.2.10/24"}, "management": true}, {"name": "1", "interface": "sim1", "state": "no-carrier"}}},
		"port.identify": args{},
		"diag.ping":     args{"sent": 5, "received": 5, "replies": []args{{"seq": 1, "rtt": "1ms"}}},
		"sys.log": args{"records": []args{{"time": at, "level": "INFO", "message": "member changed",
			"attrs": []args{{"key": "member", "value": "web1\x1b[2J"}}}}, "next": 9},
		"auth.setup_code": args{"code": "ABCD-EFGH-JKLM"},
	}
	b.sup.answers = map[string]any{
		"recovery.status": func(args) any { return b.stored }, "role.list": args{"roles": roles},
		"recovery.revisions": args{"revisions": []args{
			{"number": 4, "time": at, "author": "alice", "comment": "new pool", "status": "confirmed", "running": true},
			{"number": 3, "time": at.Add(-time.Hour), "author": "bob", "comment": "bad\x07bell", "status": "reverted"},
			{"number": 2, "time": at.Add(-2 * time.Hour), "author": "alice", "status": "confirmed"}}},
		"recovery.diff": args{"text": "--- revision 4\n+++ revision 2\n-new\n+old\n"}, "recovery.restore": args{"revision": 5},
		"recovery.blackbox": func(p args) any {
			if p["crash"] == 2.0 {
				return args{"frames": []any{}}
			}
			return args{"crashed": true, "frames": []args{{"time": at, "values": args{"connections": 7}, "events": []any{"member down"}}}}
		},
		"recovery.login": args{"user": "alice"}, "recovery.password": args{}, "recovery.address": args{"revision": 5},
		"recovery.setup_code": args{"code": "ABCD-EFGH-JKLM"}, "recovery.factory_reset": args{}, "recovery.confirm": args{},
		"recovery.reset_users": args{"code": "NEWC-ODEX"}, "role.restart": args{}, "power.reboot": args{}, "power.halt": args{}, "serial.shell": args{},
		"serial.show": args{"lines": []args{{"device": "ttyS0", "speed": 115200, "problem": "process 12 (agetty) has it as its terminal"}}},
	}
	b.cfg = Config{Engine: b.eng, Supervisor: b.sup, Name: "test", Version: "1.0"}
	return b
}

// pairs makes b one of two boxes that are not paired yet. The other one shows another
// code if it is an impostor.
// slots are those of a box that runs A; a version with a lower rollback index is in B.
func (b *box) slots() {
	journal := []args{{"time": "2026-11-21T12:00:00Z", "event": "good", "slot": "A", "reason": "its self-test passed for 30s"}}
	show := args{"available": true, "running": args{"slot": "A", "version": "1.3.0"}, "journal": journal,
		"slots": []args{{"slot": "A", "version": "1.3.0", "state": "good"}, {"slot": "B", "version": "1.2.0\x1b[2J", "state": "bad", "reason": "the self-test did not pass"}}}
	b.eng.answers["upgrade.show"] = show
	b.eng.answers["upgrade.good"] = &api.Error{Code: api.CodeConflict, Kind: "upgrade.no_trial", Message: "version 1.3.0 is not on trial"}
	b.eng.answers["upgrade.fetch"] = func(args) any {
		after := maps.Clone(show)
		after["journal"] = append([]args{{"time": "2026-11-21T12:30:00Z", "event": "written", "slot": "B", "reason": "from http://192.0.2.1/x.evb"}}, journal...)
		b.eng.answers["upgrade.show"] = after
		return args{}
	}
	b.eng.answers["upgrade.activate"] = func(p args) any {
		if p["downgrade"] == true {
			return args{}
		}
		return &api.Error{Code: api.CodeFailed, Kind: "upgrade.rollback", Message: "slot B: 1.2.0 has the rollback index 1, and this box went up to 2"}
	}
}

func (b *box) pairs(impostor bool) {
	at := args{"phase": "code", "code": "123456", "peer": "left", "address": "10.255.0.1:7460", "listen": "10.255.0.2:7460"}
	b.eng.answers["ha.show"] = args{"configured": true, "node": "lb1", "summary": "on standby for front (active on left); peer left is not paired",
		"groups": []args{{"name": "front", "state": "backup", "reason": "10.0.0.1 has priority 200, this box 90", "active": "left", "base": 150, "priority": 90,
			"parts": []args{{"cause": "engine", "ok": true, "detail": "it serves"}, {"cause": "port lan2", "weight": 60, "detail": "no link"}}}},
		"peers":  []args{{"name": "left", "address": "10.255.0.1:7460"}},
		"alarms": []args{{"text": "left is not paired: nothing is mirrored\x1b[2J"}}}
	b.eng.answers["ha.switch"] = args{"text": []string{"group front: handed over to lb1"}}
	b.eng.answers["ha.pair.begin"], b.eng.answers["ha.pair.join"], b.eng.answers["ha.pair.cancel"] = at, at, args{}
	b.eng.answers["ha.pair.confirm"] = func(args) any {
		if impostor {
			return args{"phase": "failed", "problem": "the codes differ"}
		}
		return args{"phase": "done", "peer": "left"}
	}
	b.eng.answers["ha.pair.show"] = args{"phase": "done", "peer": "left"}
}

// begin serves the terminal, within a synctest bubble.
func (b *box) begin(t *testing.T) {
	b.t = t
	line, person := net.Pipe()
	b.person = person
	var end Line = line
	if b.slow {
		end = slowLine{line}
	}
	go func() {
		_, _ = io.Copy(writer{b}, person)
	}()
	go func() {
		b.over <- New(b.cfg, slog.New(slog.DiscardHandler)).Serve(t.Context(), end)
		line.Close()
	}()
	synctest.Wait()
}

type writer struct{ b *box }

func (w writer) Write(p []byte) (int, error) {
	w.b.mu.Lock()
	defer w.b.mu.Unlock()
	return w.b.out.Write(p)
}

// shown returns what the terminal shows, with lines as we write them.
func (b *box) shown() string {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.ReplaceAll(b.out.String(), "\r\n", "\n")
}

// aMinute stands among what is typed for a minute and more in which nothing is.
const aMinute = "<a minute passes>"

// engineUp stands among what is typed for an engine that answers from now on.
const engineUp = "<the engine comes up>"

// types sends each piece when the box waits for it.
func (b *box) types(pieces ...string) {
	for _, p := range pieces {
		synctest.Wait()
		if p == aMinute {
			time.Sleep(70 * time.Second)
			continue
		}
		if p == engineUp {
			b.eng.mu.Lock()
			b.eng.dead = false
			b.eng.mu.Unlock()
			continue
		}
		if _, err := b.person.Write([]byte(p)); err != nil {
			b.t.Fatalf("type %q: %v; shown:\n%s", p, err, b.shown())
		}
	}
	synctest.Wait()
}

// hangUp ends the terminal and waits for the console.
func (b *box) hangUp() error {
	b.person.Close()
	return <-b.over
}

// dialogue is a person's input against a golden transcript and the calls it makes.
type dialogue struct {
	name  string
	setup func(b *box)
	types []string
}

var login = []string{"\r", "l\r", "alice\r", "good password\r"}

func loggedIn(more ...string) []string { return append(append([]string{}, login...), more...) }

var dialogues = []dialogue{
	{"status", nil, []string{"\r", "1\r", "\x0c", "99\r", "0\r"}},
	{"login", nil, []string{"\r", "2\r", "alice\r", "bad password\r", "2\r", "viv\r", "good password\r", "l\r", "bob\r", "good password\r", "123456\r", "l\r", "\x04"}},
	{"address", nil, loggedIn("2\r", "2\r", "4095\r", "100\r", "192.0.2.300/24\r", "192.0.2.20/24\r", "\r", "x\r", "192.0.2.53 192.0.2.54\r", "y\r", "k\r", "0\r")},
	{"address_refused", func(b *box) {
		b.eng.answers["config.commit"] = &api.Error{Code: api.CodeValidation, Kind: "config.invalid", Message: "the configuration has a mistake",
			Problems: []api.Problem{{File: "candidate", Line: 3, Col: 4, Message: "management: gateway is in none of the networks"}}}
	}, loggedIn("2\r", "nothing\r", "DHCP\r", "\r", "\r", "y\r", "0\r")},
	{"address_dead", func(b *box) { b.eng.dead = true }, loggedIn("2\r", "1\r", "7\r", "\r", "y\r", "y\r", "0\r")},
	{"ports", nil, []string{"\r", "3\r", "mgmt\r", "0\r"}},
	{"never_up", func(b *box) {
		b.eng.dead = true
		b.sup.answers["recovery.status"] = api.Errorf(api.CodeNotFound, "recovery.new", "this box was never up: nothing is set yet")
		b.sup.answers["machine.alarms"] = args{"alarms": []args{{"object": "state", "text": "the state partition cannot be used:\nits superblock is damaged\n"}}}
	}, []string{"\r", "1\r", "0\r"}},
	{"ports_dead", func(b *box) { b.eng.dead = true }, []string{"\r", "3\r", "0\r"}},
	{"ping", nil, loggedIn("4\r", "1\r", "192.0.2.1\r", "4\r", "3\r", "example.com\r", "0\r")},
	{"password", nil, []string{"\r", "5\r", "2\r", "another password\r", "another password\r", "y\r", "0\r"}},
	{"password_dead", func(b *box) { b.eng.dead = true }, []string{"\r", "5\r", "1\r", "one\r", "two\r", "5\r", "1\r", "another password\r", "another password\r", "\r", "0\r"}},
	{"password_refused", func(b *box) {
		b.stored["serial"] = args{"known": true, "password_reset": false, "idle_seconds": 600}
	}, []string{"\r", "5\r", "0\r"}},
	{"password_unknown", func(b *box) {
		b.eng.dead, b.stored["serial"] = true, args{"known": false, "idle_seconds": 600}
	}, []string{"\r", "5\r", "0\r"}},
	{"users_damaged", func(b *box) {
		b.eng.dead, b.stored["users"], b.stored["administrators"] = true, false, []string{}
	}, []string{"\r", "l\r", "5\r", "anew\r", "0\r"}},
	{"restore", nil, loggedIn("6\r", "9\r", "2\r", "y\r", "r\r", "0\r")},
	{"restore_dead", func(b *box) { b.eng.dead = true }, loggedIn("6\r", "2\r", "y\r", "\r", "0\r")},
	{"pending", func(b *box) {
		info := b.eng.answers["sys.info"].(args)
		info["pending"] = args{"revision": 5, "left": "1m20s", "author": "alice", "comment": "try"}
	}, loggedIn("7\r", "k\r", "0\r")},
	{"restart", nil, loggedIn("8\r", "2\r", "\r", "0\r")},
	{"shell_off", nil, loggedIn("12\r", "0\r")},
	{"reset_stranger", nil, []string{"\r", "14\r", "\r", "lb2\r", "14\r", "n\r", "lb1\r"}},
	{"reset_admin", nil, loggedIn("14\r", "\r", "y\r", "n\r", "lb1\r")},
	{"power", nil, loggedIn("15\r", "1\r", "no\r", "15\r", "2\r", "off\r")},
	{"standby", func(b *box) { b.pairs(false) }, loggedIn("16\r", "1\r", "1\r", "y\r", "16\r", "2\r", "\r", "16\r", "3\r", "2\r", "\r", "y\r", "0\r")},
	{"standby_differs", func(b *box) { b.pairs(true) }, loggedIn("16\r", "3\r", "1\r", "n\r", "0\r")},
	{"standby_left", func(b *box) {
		b.pairs(false)
		b.eng.answers["ha.pair.begin"] = args{"phase": "open", "listen": "10.255.0.2:7460"}
		b.eng.answers["ha.pair.show"] = args{"phase": "open", "listen": "10.255.0.2:7460"}
	}, loggedIn("16\r", "3\r", "1\r", "\x03", "0\r")},
	{"standby_dead", func(b *box) { b.eng.dead = true }, loggedIn("16\r", "0\r")},
	{"standby_alone", func(b *box) {
		b.eng.answers["ha.show"] = args{"configured": false, "node": "lb1", "summary": "this box stands alone"}
	}, loggedIn("16\r", "0\r")},
	{"firmware", func(b *box) { b.slots() }, loggedIn("18\r", "1\r", "no\r", "18\r", "1\r", "start\r", "downgrade\r")},
	{"firmware_refused", func(b *box) {
		b.slots()
		b.eng.answers["upgrade.usb"] = api.Errorf(api.CodeNotFound, "upgrade.stick", "no USB stick is plugged in")
	}, loggedIn("18\r", "2\r", "18\r", "4\r", "keep\r", "0\r")},
	{"firmware_none", func(b *box) {
		b.eng.answers["upgrade.show"] = args{"available": false, "why": "it is a program on another system", "running": args{"version": "1.0.0"}}
	}, loggedIn("18\r", "0\r")},
	{"firmware_dead", func(b *box) { b.eng.dead = true }, loggedIn("18\r", "0\r")},
	{"blackbox_dead", func(b *box) { b.eng.dead = true }, loggedIn("13\r", "2\r", "13\r", "3\r", "0\r")},
	{"log", nil, loggedIn("10\r", "\x03", "0\r")},
	{"setup", func(b *box) {
		b.stored["setup"], b.stored["administrators"] = true, []string{}
		b.stored["management"], b.stored["console"] = args{"method": "none"}, []string{"https://127.0.0.1:9443"}
		b.eng.answers["network.show"] = args{"managed": false}
	}, []string{"\r", "\r", "1\r", "20\r", "\r", "\r", "lb7\r", "Europe/Berlin\r", "a;b\r", "pool.ntp.org, 192.0.2.123\r", "\r", "k\r", "2\r", "\x03", "0\r"}},
	{"setup_skipped", func(b *box) {
		b.stored["setup"], b.stored["administrators"] = true, []string{}
	}, []string{"\r", "y\r", "\r", "\r", "\r", "\r", "0\r"}},
	{"setup_dead", func(b *box) {
		b.eng.dead, b.stored["setup"], b.stored["administrators"] = true, true, []string{}
	}, []string{"\r", "y\r", "1\r", "\r", "\r", "lb7\r", "\r", "none\r", "y\r", aMinute, "y\r", "0\r"}},
	{"setup_late", func(b *box) {
		b.eng.dead, b.stored["setup"], b.stored["administrators"] = true, true, []string{}
	}, []string{"\r", "y\r", "static\r", "\r", "192.0.2.20/24\r", "\r", "\r", "lb7\r", "\r", engineUp, "none\r", "y\r", "k\r", "0\r"}},
	{"all_dead", func(b *box) { b.eng.dead, b.sup.dead = true, true }, []string{"\r", "1\r", "5\r", "14\r", "\r", "evener\r", "0\r"}},
	{"noise", nil, []string{"\x00\xff\x1b[A\r", "\x1b[200~1\x7f\x08\x1bO3\x15x\x1by1\xfe\x7f\x7f1\r\n", "0\r"}},
}

func TestDialogues(t *testing.T) {
	time.Local = time.UTC
	for _, d := range dialogues {
		t.Run(d.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox()
				if d.setup != nil {
					d.setup(b)
				}
				b.begin(t)
				b.types(d.types...)
				var out strings.Builder
				out.WriteString(b.shown())
				if err := b.hangUp(); err == nil {
					t.Error("the terminal hung up, and Serve returned nil")
				}
				for _, p := range []*part{b.eng, b.sup} {
					for _, c := range p.calls {
						fmt.Fprintf(&out, "\n[%s] %s", p.name, c)
					}
				}
				golden(t, filepath.Join("testdata", d.name+".txt"), out.String()+"\n")
			})
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: the dialogue is\n%s\nwant\n%s", file, got, want)
	}
}
