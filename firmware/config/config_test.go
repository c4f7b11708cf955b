// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// mustParse parses a text that has no errors.
func mustParse(t testing.TB, src []byte) *Config {
	t.Helper()
	cfg, diags := Parse("test.hcl", src)
	if cfg == nil {
		t.Fatalf("Parse: %v\nof:\n%s", diags, src)
	}
	return cfg
}

// values returns cfg without what depends on where things stand.
func values(cfg *Config) *Config {
	strip(reflect.ValueOf(cfg))
	return cfg
}

func strip(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			strip(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			strip(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			switch f := v.Field(i); f.Type() {
			case reflect.TypeFor[hcl.Range](), reflect.TypeFor[OperationRanges](), reflect.TypeFor[hcl.Expression]():
				f.SetZero()
			default:
				if v.Type().Field(i).IsExported() {
					strip(f)
				}
			}
		}
	}
}

func equal(a, b *Config) bool { return reflect.DeepEqual(values(a), values(b)) }

func TestEveryKeywordCanBeTurned(t *testing.T) {
	cfg := mustParse(t, read(t, "testdata/every.hcl"))
	turned := make(map[string]bool)
	walk("", "", reflect.ValueOf(cfg).Elem(), func(b *Block, sel string, v reflect.Value) {
		for _, k := range b.Keywords {
			f := field(v, k.Name, false)
			if !applies(k.Only, sel) || f.IsZero() && k.Default == "" {
				continue
			}
			if f.Kind() == reflect.Pointer {
				f = f.Elem()
			}
			if k.Default == "" || spell(k.Kind, f) != spellDefault(&k, sel) {
				turned[b.title()+"."+k.Name] = true
			}
		}
	})
	for _, b := range Schema() {
		for _, k := range b.Keywords {
			if !turned[b.title()+"."+k.Name] {
				t.Errorf("%s.%s has its default in every.hcl: want it turned", b.Name, k.Name)
			}
		}
	}
}

// walk calls f for each block of a configuration.
func walk(parent, outer string, v reflect.Value, f func(*Block, string, reflect.Value)) {
	for _, b := range blocksIn(parent) {
		visit := func(v reflect.Value) {
			sel := outer
			if b.label != "" {
				sel, _, _ = strings.Cut(b.labelOf(v), labelGap)
			}
			if b.By != "" && b.keyword(b.By) != nil {
				sel = field(v, b.By, false).String()
			}
			f(b, sel, v)
			walk(b.Name, sel, v, f)
		}
		switch in := v.FieldByName(b.field); {
		case in.Kind() == reflect.Slice:
			for i := range in.Len() {
				visit(in.Index(i).Elem())
			}
		case in.Kind() == reflect.Pointer && in.IsNil():
		case in.Kind() == reflect.Pointer:
			visit(in.Elem())
		case applies(b.Only, outer):
			visit(in)
		}
	}
}

func TestDefaultsOfTheTableAreRight(t *testing.T) {
	for _, b := range Schema() {
		for _, k := range b.Keywords {
			for _, text := range append([]string{k.Min, k.Max, k.Default}, mapValues(k.DefaultFor)...) {
				if text == "" {
					continue
				}
				v := k.defaultValue(text) // panics on what cannot be read
				if !k.within(v) {
					t.Errorf("%s.%s: %q is outside %s to %s", b.Name, k.Name, text, k.Min, k.Max)
				}
				if s, ok := v.(string); ok && text == k.Default {
					if _, err := k.fromString(k.Kind, s); err != nil {
						t.Errorf("%s.%s: default %q: %v", b.Name, k.Name, text, err)
					}
				}
			}
			if k.Default == "" && !k.Required && k.Unset == "" {
				t.Errorf("%s.%s has no default and does not say what holds without", b.Name, k.Name)
			}
		}
	}
}

func mapValues(m map[string]string) (out []string) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func TestDefaultsReachTheValues(t *testing.T) {
	cfg := mustParse(t, []byte(`
server "a" { address = "192.0.2.1:80" }
pool "p" {
  member "a" {}
  probe "agent" {}
  probe "tls" {}
  probe "simple" {}
}
cluster "h" {
  protocol = "http"
  listen   = ["192.0.2.9:80"]
  pool     = "p"
  persist "cookie" {}
  persist "source" {}
}
cluster "u" {
  protocol = "udp"
  listen   = ["192.0.2.9:53"]
  pool     = "p"
}
cluster "s" {
  protocol = "https"
  listen   = ["192.0.2.9:443"]
  pool     = "q"
}
pool "q" {
  tls {}
  member "a" {}
}
responder "r" { redirect = "/x" }
certificate "c" {}
`))
	p, h, u, s := cfg.Pools[0], cfg.Clusters[0], cfg.Clusters[1], cfg.Clusters[2]
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"drain timeout", cfg.Engine.DrainTimeout.String(), "30s"},
		{"policy", p.Policy, RoundRobin},
		{"weight", p.Members[0].Weight, 100},
		{"member's tcp_mux", p.Members[0].TCPMux, true},
		{"agent's port", p.Probes[0].Port, 1510},
		{"interval", p.Probes[0].Interval.String(), "15s"},
		{"verify", p.Probes[1].Verify, (*bool)(nil)},
		{"tls probe's port", p.Probes[1].Port, 0},
		{"loaded", p.Probes[2].Loaded, 100.0},
		{"flags", h.Flags, Flags{IgnoreCase: true, TCPMux: true}},
		{"via", h.HTTP.Via, true},
		{"underscore", h.HTTP.Underscore, "drop"},
		{"scheme", h.Persist[0].Scheme, "token"},
		{"cookie's name", h.Persist[0].Name, ""},
		{"netmask6", h.Persist[1].Netmask6, 128},
		{"tunnel", h.Timeouts.Tunnel.String(), "1h"},
		{"head", h.Limits.Head, Bytes(16 << 10)},
		{"retries", h.Retries, 2},
		{"udp tunnel", u.Timeouts.Tunnel.String(), "30s"},
		{"udp head", u.Timeouts.ClientHead, Duration(0)},
		{"udp http flags", u.HTTP, (*HTTPFlags)(nil)},
		{"redirect's status", cfg.Responders[0].Status, 302},
		{"metrics", cfg.Metrics, (*Metrics)(nil)},
		{"certificate's source", cfg.Certificates[0].Source, Imported},
		{"profile", s.TLS.Profile, "intermediate"},
		{"tickets", s.TLS.SessionTickets, true},
		{"client_auth", s.TLS.ClientAuth, "none"},
		{"certificates", s.CertificateNames(), []string{"box"}},
		{"https flags", s.HTTP.Via, true},
		{"handshake", s.Timeouts.Handshake.String(), "10s"},
		{"http handshake", h.Timeouts.Handshake, Duration(0)},
		{"http tls", h.TLS.Profile, ""},
		{"pool's verify", cfg.Pools[1].TLS.Verify, true},
		{"no pool tls", p.TLS, (*PoolTLS)(nil)},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

// sources are the texts of all tests that are right.
func sources(t testing.TB) map[string][]byte {
	out := make(map[string][]byte)
	for _, pattern := range []string{"testdata/*.hcl", "testdata/check/*.hcl", "testdata/format/*.hcl", "../../examples/*.hcl"} {
		for _, file := range cases(t, pattern) {
			src := read(t, file)
			if cfg, _ := Parse(file, src); cfg != nil {
				out[file] = src
			}
		}
	}
	return out
}

func TestTextParsesToTheSameValues(t *testing.T) {
	for file, src := range sources(t) {
		want := mustParse(t, src)
		for _, defaults := range []bool{false, true} {
			text := want.Text(defaults)
			if got := mustParse(t, text); !equal(got, want) {
				t.Errorf("%s: Parse(Text(%t)) differs:\n%s", file, defaults, text)
			}
			if again := mustParse(t, text).Text(defaults); !bytes.Equal(again, text) {
				t.Errorf("%s: Text(%t) is not stable:\n%s\nthen:\n%s", file, defaults, text, again)
			}
			if got, _ := Format(text); !bytes.Equal(got, text) {
				t.Errorf("%s: Text(%t) is not canonical:\n%s", file, defaults, text)
			}
		}
	}
}

func TestTextPrintsDefaults(t *testing.T) {
	cfg := mustParse(t, read(t, "testdata/check/valid_minimal.hcl"))
	golden(t, "testdata/text_short.golden", cfg.Text(false))
	golden(t, "testdata/text_defaults.golden", cfg.Text(true))
}

func TestJSONHasUnitsAndNoToken(t *testing.T) {
	got, err := mustParse(t, read(t, "testdata/every.hcl")).JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/every.json.golden", got)
	if bytes.Contains(got, []byte("correct-horse")) {
		t.Error("JSON holds the token of the statistics")
	}
	var back Config
	if err := json.Unmarshal(got, &back); err != nil {
		t.Errorf("JSON cannot be read back: %v", err)
	}
	if want := "1h30m"; back.Clusters[0].Persist[1].Timeout.String() != want {
		t.Errorf("timeout read back = %v, want %s", back.Clusters[0].Persist[1].Timeout, want)
	}
}

func TestLookups(t *testing.T) {
	cfg := mustParse(t, read(t, "testdata/every.hcl"))
	if cfg.Server("web2") != cfg.Servers[1] || cfg.Pool("shop") != cfg.Pools[0] ||
		cfg.Cluster("dns") != cfg.Clusters[2] || cfg.Responder("moved") != cfg.Responders[2] {
		t.Error("a look-up does not find what is there")
	}
	if cfg.Certificate("www") != cfg.Certificates[1] || cfg.CA("letsencrypt") != cfg.ACME[0] || cfg.Certificate("box").Source != SelfSigned {
		t.Error("a certificate is not found")
	}
	if cfg.Certificate("x") != nil || cfg.CA("x") != nil || cfg.Server("x") != nil || cfg.Pool("x") != nil || cfg.Cluster("x") != nil || cfg.Responder("x") != nil {
		t.Error("a look-up finds what is not there")
	}
}

func TestRuleKeepsExpressionAndPosition(t *testing.T) {
	src := read(t, "testdata/every.hcl")
	r := mustParse(t, src).Clusters[0].Rules[0]
	if want := `(host("api.example.com") && !method("TRACE"))`; r.Text != want {
		t.Errorf("Text = %s, want %s", r.Text, want)
	}
	at := r.When.Range()
	if got := string(src[at.Start.Byte:at.End.Byte]); !strings.HasPrefix(got, "(host(") || !strings.Contains(got, "# the name") {
		t.Errorf("When stands at %q", got)
	}
	if r.Range.Start.Line == 0 || !strings.HasPrefix(string(src[r.Range.Start.Byte:]), `rule "api"`) {
		t.Errorf("Range = %v, want that of the rule", r.Range)
	}
}

func TestParseWithSortsWhatOthersFind(t *testing.T) {
	src := []byte("engine { loops = -1 }\n\n" + string(read(t, "testdata/check/unreachable.hcl")) + "\nengine {}\n")
	calls := 0
	_, diags := ParseWith("x.hcl", src, func(c *Config, d *Diagnostics) {
		calls++
		for _, r := range c.Clusters[0].Rules {
			d.Add(r.When.Range(), "rule", "found by another")
		}
		d.Warn(c.Clusters[0].Range, "", "and a warning")
	})
	if calls != 1 {
		t.Fatalf("the check ran %d times, want 1", calls)
	}
	last := 0
	for _, x := range diags {
		if x.Range.Start.Byte < last {
			t.Errorf("%v stands before line it is about", x)
		}
		last = x.Range.Start.Byte
	}
	for _, want := range []string{"loops must be 0 to 256", "found by another", "and a warning", "engine is given twice"} {
		if !strings.Contains(diags.Error(), want) {
			t.Errorf("diagnostics lack %q:\n%v", want, diags)
		}
	}
}
