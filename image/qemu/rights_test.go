// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestEngineWorksWithoutRoot tries on a running box what an engine may with its few
// rights, or has process 1 do: the rest of the tests updates and resets the box. Its
// hardware clock is wrong, and the box is rebooted and switched off in order at the end.
func TestEngineWorksWithoutRoot(t *testing.T) {
	t.Parallel()
	needs(t, "qemu-img", "debugfs")
	cfg := oneNIC(Config{Disk: imageOf(t, "qemu-x86_64", ".img"), Ahead: wrong})
	cfg.NICs = append(cfg.NICs, NIC{Net: "10.9.9.0/24"})
	p := setUp(boot(t, nil, cfg))
	p.rights()
	p.networkIsSet()
	p.clockFollowsServers()
	p.clockIsSet()
	p.packetsAreCaptured()
	p.follows() // nobody: what follows is the hardware clock's
	p.restartsInOrder()
	p.serves("hello")
	p.clockIs(0)
	if err := p.PressPower(p.ctx); err != nil {
		t.Fatal(err)
	}
	log := p.goesOff()
	endsTold(t, log, "reboots", "halts")
	if strings.Contains(log, `msg="file system checked"`) {
		t.Errorf("the start after the reboot found a file system that was not unmounted: %s", log)
	}
}

// rights looks at what the engine says of itself at its start.
func (p *person) rights() {
	p.t.Helper()
	var log struct {
		Records []struct {
			Message string `json:"message"`
			Attrs   []struct {
				Key   string `json:"key"`
				Value string `json:"value"`
			} `json:"attrs"`
		} `json:"records"`
	}
	p.must("sys.log", map[string]any{"max": 1000}, &log)
	// NET_BIND_SERVICE, NET_ADMIN, NET_RAW, SYS_TIME: bits 10, 12, 13 and 25.
	want := map[string]string{"uid": "903", "rights": "0000000002003400", "ever": "0000000002003400", "no_new_privs": "1"}
	for _, r := range log.Records {
		if r.Message != "engine confined" {
			continue
		}
		for _, a := range r.Attrs {
			if w, ok := want[a.Key]; ok && w != a.Value {
				p.t.Errorf("%s of the engine is %s, want %s", a.Key, a.Value, w)
			}
			delete(want, a.Key)
		}
		if len(want) > 0 {
			p.t.Errorf("the engine does not say its %v: %+v", want, r)
		}
		return
	}
	p.t.Errorf("the engine was not confined: %+v", log.Records)
}

// networkIsSet has the box make a VLAN, NAT and forwarding, on a port besides the one of
// management, which DHCP has set, and looks at its name.
func (p *person) networkIsSet() {
	p.t.Helper()
	p.publish(`access_log { path = "/var/log/evener/access.log" }`, anOrigin(p.t, "hello"))
	p.serves("hello")
	var old struct {
		Text string `json:"text"`
	}
	p.must("config.text", nil, &old)
	p.must("config.set", map[string]any{"text": old.Text + `
port "1" {
  addresses = ["10.9.9.1/24"]
  vlan "7" { addresses = ["10.7.0.1/24"] }
}
nat "out" {
  from = ["10.7.0.0/24"]
  out  = "1"
}
forwarding { ipv4 = true }
`}, nil)
	p.must("config.commit", map[string]any{"confirm": "10m", "comment": "another network"}, nil)
	p.await("the confirm", func() error { return p.ask("config.confirm", nil, nil) })
	p.serves("hello")
	var got json.RawMessage
	p.await("the network", func() error {
		var n struct {
			HostName string   `json:"host_name"`
			DNS      []string `json:"dns"`
			Problems []string `json:"problems"`
			Ways     []struct {
				Kind string `json:"kind"`
				Set  bool   `json:"set"`
			} `json:"ways"`
			Forwarding struct {
				IPv4 bool `json:"ipv4"`
			} `json:"forwarding"`
		}
		if err := p.ask("network.show", nil, &got); err != nil {
			return err
		}
		if err := json.Unmarshal(got, &n); err != nil {
			return err
		}
		text := string(got)
		if n.HostName != "lb1" || len(n.DNS) == 0 || len(n.Problems) > 0 || !strings.Contains(text, "10.7.0.1/24") || !n.Forwarding.IPv4 || len(n.Ways) != 1 || !n.Ways[0].Set {
			return fmt.Errorf("not yet: %s", text)
		}
		return nil
	})
	var problems struct {
		Problems []string `json:"problems"`
	}
	p.must("sys.info", nil, &problems)
	for _, x := range problems.Problems {
		p.t.Errorf("the box has a problem: %s", x)
	}
}

// packetsAreCaptured captures those of the test itself.
func (p *person) packetsAreCaptured() {
	p.t.Helper()
	var c struct {
		ID      string `json:"id"`
		Packets int    `json:"packets"`
		Problem string `json:"problem"`
	}
	p.sudo()
	p.must("capture.start", map[string]any{"filter": fmt.Sprintf("tcp port %d", ShopPort)}, &c)
	p.await("a packet", func() error {
		if _, err := p.Shop(p.ctx); err != nil {
			return err
		}
		var all struct {
			Captures []struct {
				ID      string `json:"id"`
				Packets int    `json:"packets"`
			} `json:"captures"`
		}
		if err := p.ask("capture.list", nil, &all); err != nil {
			return err
		}
		for _, x := range all.Captures {
			if x.ID == c.ID && x.Packets > 0 {
				return nil
			}
		}
		return errNotYet
	})
	p.must("capture.stop", map[string]any{"id": c.ID}, nil)
}
