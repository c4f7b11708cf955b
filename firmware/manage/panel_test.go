// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/stats"
)

// A fakeMachine is a supervisor whose panel shows one screen.
type fakeMachine struct {
	screen PanelScreen
	calls  []string
	err    error
}

func (m *fakeMachine) Call(_ context.Context, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	m.calls = append(m.calls, method+" "+string(raw))
	if out, ok := result.(*PanelScreen); ok {
		*out = m.screen
	}
	return m.err
}

const shop = `
server "web1" { address = "192.0.2.11:80" }
server "web2" { address = "192.0.2.12:80" }
pool "shop" {
  member "web1" {}
  member "web2" {}
}
cluster "shop" {
  protocol = "http"
  listen   = ["127.0.0.1:18480"]
  pool     = "shop"
}
panel { pin = "27491301" }
management {
  method  = "static"
  address = ["192.0.2.10/24"]
}
`

// panelDesk is a desk with a panel.
func panelDesk(t *testing.T) (*desk, *fakeMachine) {
	d := newDesk(t, shop)
	m := &fakeMachine{screen: PanelScreen{Mode: "full", Rows: 2, Cols: 16, Lines: []string{"lb1", "code 4711"}}}
	d.cfg.Machine = m
	d.cfg.History = stats.NewHistory(stats.HistoryConfig{}, d.cfg.Registry, slog.New(slog.DiscardHandler))
	return d, m
}

func TestPanelIsAskedOfTheMachine(t *testing.T) {
	d, m := panelDesk(t)
	viewer := api.Call{Author: "vic", Role: api.Viewer}
	if s := must[PanelScreen](d, viewer, "panel.screen", args{}); !slices.Equal(s.Lines, m.screen.Lines) {
		t.Errorf("lines = %q, want %q", s.Lines, m.screen.Lines)
	}
	ann := by("ann")
	if refused(d, ann, "panel.press", args{"key": "enter"}, "auth.sudo"); len(m.calls) != 1 {
		t.Error("a key was pressed without the password: it can turn the box off")
	}
	ann.Sudo = true
	must[PanelScreen](d, ann, "panel.press", args{"key": "enter", "hold": "5s"})
	if want := `panel.press {"key":"enter","hold":"5s"}`; m.calls[len(m.calls)-1] != want {
		t.Errorf("the machine was asked %q, want %q", m.calls, want)
	}
	refused(d, viewer, "panel.press", args{"key": "enter"}, "auth.role")
	m.err = errors.New("the supervisor is silent")
	if _, e := ask[PanelScreen](d, viewer, "panel.screen", args{}); e == nil || !strings.Contains(e.Message, "silent") {
		t.Errorf("screen of a silent machine: %v, want why", e)
	}
}

func TestPrivateScreenIsForAdmins(t *testing.T) {
	d, m := panelDesk(t)
	m.screen.Private = true
	for role, want := range map[api.Role]bool{api.Viewer: false, api.Editor: false, api.Admin: true} {
		raw := must[json.RawMessage](d, api.Call{Author: "vic", Role: role}, "panel.screen", args{})
		if got := strings.Contains(string(raw), "4711"); got != want {
			t.Errorf("the role %v sees the code: %v, want %v", role, got, want)
		}
	}
}

func TestWrongPressesAreRefused(t *testing.T) {
	d, m := panelDesk(t)
	ann := by("ann")
	ann.Sudo = true
	for _, p := range []args{{"key": "reset"}, {"key": "up", "action": "smash"}, {"key": "up", "hold": "1h"},
		{"key": "up", "hold": "-1s"}, {"key": "up", "action": "down", "hold": "1s"}} {
		if _, e := ask[PanelScreen](d, ann, "panel.press", p); e == nil || e.Code != api.CodeParams {
			t.Errorf("press %v: %v, want wrong parameters", p, e)
		}
	}
	refused(d, ann, "panel.press", args{"key": "up", "until": time.Now().Add(-time.Second)}, "panel.late")
	if len(m.calls) > 0 {
		t.Errorf("the machine was asked %q", m.calls)
	}
}

func TestLooksAtTheNetworkAreNotForOneTeam(t *testing.T) {
	d, _ := panelDesk(t)
	op := api.Call{Author: "olga", Role: api.Operator, Scope: map[string]string{"team": "shop"}}
	refused(d, op, "diag.ping", args{"host": "127.0.0.1"}, "auth.scope")
	refused(d, op, "diag.trace", args{"host": "127.0.0.1"}, "auth.scope")
	refused(d, op, "diag.dns", args{"name": "example.com", "server": "127.0.0.1:53"}, "auth.scope")
}

func TestPanelStatusCountsWhatWorks(t *testing.T) {
	d, _ := panelDesk(t)
	viewer := api.Call{Author: "vic", Role: api.Viewer}
	s := must[PanelStatus](d, viewer, "panel.status", args{})
	if s.Clusters != (UpCount{1, 1}) || s.Servers != (UpCount{2, 2}) || !s.Serves {
		t.Errorf("clusters %v, servers %v, serves %v; want all up", s.Clusters, s.Servers, s.Serves)
	}
	if !s.Given || len(s.Management.Address) != 1 || s.Management.Address[0].String() != "192.0.2.10/24" {
		t.Errorf("management = %+v, want its address", s.Management)
	}
	must[json.RawMessage](d, by("ann"), "server.disable", args{"member": "shop/web1"})
	if s = must[PanelStatus](d, viewer, "panel.status", args{}); s.Servers != (UpCount{1, 2}) || s.Clusters.Up != 1 {
		t.Errorf("servers %v, clusters %v after one was disabled", s.Servers, s.Clusters)
	}
	must[json.RawMessage](d, by("ann"), "server.disable", args{"member": "shop/web2", "force": true})
	if s = must[PanelStatus](d, viewer, "panel.status", args{}); s.Clusters != (UpCount{0, 1}) {
		t.Errorf("clusters %v without a member that gets clients, want none up", s.Clusters)
	}
}

func TestPanelKnowsWhichBlocksThereAre(t *testing.T) {
	d := newDesk(t, "engine {}\n")
	d.cfg.History = stats.NewHistory(stats.HistoryConfig{}, d.cfg.Registry, slog.New(slog.DiscardHandler))
	if s := must[PanelStatus](d, by("ann"), "panel.status", args{}); s.Given || s.Management.Method != "none" {
		t.Errorf("management = %+v, given %v, of a configuration without the block", s.Management, s.Given)
	}
	if s := must[PanelSettings](d, by("ann"), "panel.settings", args{}); s.Given || s.Language != "en" || s.Backlight != 100 {
		t.Errorf("settings = %+v of a configuration without the block, want the defaults", s)
	}
}

func TestPINIsToldToNobodyButThePanel(t *testing.T) {
	d, _ := panelDesk(t)
	if s := must[PanelSettings](d, api.Call{Author: "front panel", Origin: "panel", Role: api.Admin}, "panel.settings", args{}); s.PIN != "27491301" || !s.Given || s.Mode != "full" {
		t.Errorf("settings = %+v, want the PIN and the defaults", s)
	}
	refused(d, api.Call{Author: "ann", Role: api.Admin, Session: "s1"}, "panel.settings", args{}, "auth.local")
	refused(d, api.Call{Author: "vic", Role: api.Editor}, "panel.settings", args{}, "auth.role")
}
