// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"evener/firmware/persist"
)

const sourcesText = `
server "s" { address = "127.0.0.1:1" }
pool "p" {
  member "s" {}
}
pool "q" {
  member "s" {}
}
cluster "web" {
  protocol = "http"
  listen   = ["127.0.0.1:%d"]
  pool     = "p"
  persist "source" { netmask4 = 24 }
  rule "q" {
    when = path_prefix("/q/")
    pool = "q"
    persist "source" {}
  }
}
cluster "mail" {
  protocol = "tcp"
  listen   = ["127.0.0.1:%d"]
  pool     = "p"
  persist "source" { inter_cluster = true }
}
`

func TestClearSources(t *testing.T) {
	web, other := persist.SourceScope("web", "p"), persist.SourceScope("gone", "p")
	q, mail := persist.SourceScope("web", "q"), persist.InterClusterScope("l4")
	records := []persist.SourceKey{
		{Scope: web, Addr: netip.MustParseAddr("192.0.2.0")},
		{Scope: q, Addr: netip.MustParseAddr("192.0.2.7")},
		{Scope: q, Addr: netip.MustParseAddr("198.51.100.7")},
		{Scope: mail, Addr: netip.MustParseAddr("192.0.2.7")},
		{Scope: other, Addr: netip.MustParseAddr("192.0.2.7")},
	}
	for _, tt := range []struct {
		name, cluster, client string
		left                  string // indexes of records
	}{
		{"all", "", "", ""},
		{"a cluster", "web", "", "34"},
		{"what clusters share", "mail", "", "0124"},
		{"a client", "", "192.0.2.7", "2"},
		{"another of its network", "", "192.0.2.9", "1234"},
		{"a client in IPv6 form", "mail", "::ffff:192.0.2.7", "0124"},
		{"a client of a cluster", "web", "192.0.2.7", "234"},
		{"an unknown client", "web", "203.0.113.1", "01234"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newRunning(t, Config{Loops: 1})
			if err := serveText(t, b, 1, fmt.Sprintf(sourcesText, freePort(t), freePort(t))); err != nil {
				t.Fatal(err)
			}
			now := time.Now().UnixNano()
			for _, k := range records {
				b.sources.Begin(k, 1, time.Hour, now)
			}
			var client netip.Addr
			if tt.client != "" {
				client = netip.MustParseAddr(tt.client)
			}
			n, err := b.ClearSources(tt.cluster, client)
			left := ""
			for i, k := range records {
				if _, ok := b.sources.Find(k, now); ok {
					left += fmt.Sprint(i)
				}
			}
			if err != nil || left != tt.left || n != len(records)-len(left) {
				t.Errorf("ClearSources(%q, %q) = %d, %v and leaves %q, want %q", tt.cluster, tt.client, n, err, left, tt.left)
			}
		})
	}
}

func TestClearSourcesOfAnUnknownCluster(t *testing.T) {
	b := newRunning(t, Config{Loops: 1})
	if err := serveText(t, b, 1, fmt.Sprintf(sourcesText, freePort(t), freePort(t))); err != nil {
		t.Fatal(err)
	}
	_, err := b.ClearSources("wep", netip.Addr{})
	if !errors.As(err, new(*NotFoundError)) || !strings.Contains(err.Error(), "web, mail") {
		t.Errorf("ClearSources(wep) = %v, want the clusters that there are", err)
	}
}

// TestUseKeysKeepsOldCookies: a cookie of the key before is good, and is set anew.
func TestUseKeysKeepsOldCookies(t *testing.T) {
	b := newExplainer(t)
	first, err := b.Explain(Question{URL: "/"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(first.SetCookie, ";")
	if err := b.UseKeys(persist.Rotate(b.cfg.Keys, 2)); err != nil {
		t.Fatal(err)
	}
	a, err := b.Explain(Question{URL: "/", Fields: []string{"Cookie: " + cookie}}, nil)
	want := "the client is kept on web1 by its cookie; the answer sets a cookie"
	if err != nil || a.KeptWhy != want {
		t.Errorf("persistence %q, %v; want %q", a.KeptWhy, err, want)
	}
	if again, _, _ := strings.Cut(a.SetCookie, ";"); again == cookie || again == "" {
		t.Errorf("the answer sets %q, want another than %q", again, cookie)
	}
}
