// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/store"
)

// consoleBox returns a box whose running configuration has a console as text says.
func consoleBox(t *testing.T, dir, text string) *Box {
	t.Helper()
	st, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	b := New(Config{Store: st}, slog.New(slog.DiscardHandler))
	b.useConsole(consoleConfig(t, text))
	return b
}

func consoleConfig(t *testing.T, text string) *config.Console {
	t.Helper()
	cfg, found := config.Parse("test", []byte("console { "+text+" }"))
	if cfg == nil {
		t.Fatal(found)
	}
	return &cfg.Console
}

// itself is the process of the console.
var itself = api.Call{Origin: "console"}

func settings(t *testing.T, b *Box) ConsoleSettings {
	t.Helper()
	s, err := b.consoleSettings(t.Context(), itself, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConsoleCertificateIsKeptAndMadeAnewWhenItMust(t *testing.T) {
	dir := t.TempDir()
	b := consoleBox(t, dir, `listen = ["127.0.0.1:9443"]`)
	first := settings(t, b)
	pair, err := tls.X509KeyPair([]byte(first.Certificate), []byte(first.Key))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"127.0.0.1", "localhost"} {
		if err := pair.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if got := certs.Fingerprint(pair.Leaf); got != first.Fingerprint || !first.SelfSigned {
		t.Errorf("fingerprint %s, self-signed %t; want %s and true", first.Fingerprint, first.SelfSigned, got)
	}
	if life := pair.Leaf.NotAfter.Sub(pair.Leaf.NotBefore); life > 398*24*time.Hour {
		t.Errorf("it lasts %v, longer than clients take", life)
	}
	b.useConsole(consoleConfig(t, `listen = ["127.0.0.1:9444"]`))
	if got := settings(t, b); got.Fingerprint != first.Fingerprint || got.Listen[0] != "127.0.0.1:9444" {
		t.Errorf("on another port: %s %v, want the same certificate", got.Fingerprint, got.Listen)
	}
	b.cfg.Store.Close()

	b = consoleBox(t, dir, `listen = ["127.0.0.1:9443"]`)
	if got := settings(t, b); got.Fingerprint != first.Fingerprint {
		t.Error("the certificate changed with the engine")
	}
	cfg := consoleConfig(t, `listen = ["127.0.0.1:9443"]`)
	late := pair.Leaf.NotAfter.Add(-lastDay - time.Minute)
	if p, err := b.ownPair(cfg, late); err != nil || certs.Fingerprint(p.Leaf()) != first.Fingerprint {
		t.Errorf("ownPair = %v, %v a day before its end, want it still", p, err)
	}
	p, err := b.ownPair(cfg, late.Add(2*time.Minute))
	if err != nil || certs.Fingerprint(p.Leaf()) == first.Fingerprint {
		t.Errorf("ownPair = %v, %v on its last day, want a new one", p, err)
	}
	b.useConsole(consoleConfig(t, `listen = ["127.0.0.1:9443", "[::1]:9443"]`))
	got := settings(t, b)
	if pair, err = tls.X509KeyPair([]byte(got.Certificate), []byte(got.Key)); err != nil || pair.Leaf.VerifyHostname("::1") != nil {
		t.Errorf("certificate after an address came: %v, is not for it", err)
	}
}

func TestConsoleSettingsAreForItsProcessAlone(t *testing.T) {
	b := consoleBox(t, t.TempDir(), "")
	for name, c := range map[string]api.Call{
		"browser":          {Origin: "console", Remote: "192.0.2.7:51000"},
		"session":          {Origin: "console", Author: "alice", Role: api.Admin, Session: "s1"},
		"admin, no remote": {Origin: "console", Role: api.Admin},
		"command line":     {Origin: "cli", Author: "root", Role: api.Admin},
		"lying program":    {Origin: "console", Author: "root", Role: api.Admin, Remote: "pid 1"},
	} {
		for _, method := range []string{"console.settings", "console.report"} {
			raw, e := b.Methods().Call(t.Context(), c, method, json.RawMessage(`{"listening":[]}`))
			if method == "console.settings" {
				raw, e = b.Methods().Call(t.Context(), c, method, nil)
			}
			if e == nil || e.Kind != "console.only" {
				t.Errorf("%s: %s = %s, %v, want it refused", name, method, raw, e)
			}
		}
	}
	raw, e := b.Methods().Call(t.Context(), itself, "console.settings", nil)
	if e != nil || !strings.Contains(string(raw), "PRIVATE KEY") {
		t.Errorf("console.settings = %.60s, %v for the console itself", raw, e)
	}
}

func TestConsoleHearsOfChanges(t *testing.T) {
	b := consoleBox(t, t.TempDir(), "")
	changes := func() uint64 {
		t.Helper()
		got, err := b.consoleChange(t.Context(), itself, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		return got["settings"].Number
	}
	before := changes()
	b.useConsole(consoleConfig(t, ""))
	b.refreshConsole()
	if got := changes(); got != before {
		t.Error("told of a change that was none")
	}
	for _, text := range []string{`listen = []`, `allow = ["::1"]`, `allowed_origins = ["https://a"]`, `trusted_proxies = ["::1"]`, `idle_timeout = "5m"`} {
		before := changes()
		b.useConsole(consoleConfig(t, text))
		if got := changes(); got == before {
			t.Errorf("%s: not told of the change", text)
		}
	}
	if _, err := b.consoleChange(t.Context(), api.Call{Origin: "console", Remote: "192.0.2.7:1"}, struct{}{}); err == nil {
		t.Error("a browser may follow what the console is told")
	}
}

func TestConsoleReportsWhatIsWrong(t *testing.T) {
	b := consoleBox(t, t.TempDir(), "")
	if got := b.consoleProblems(); got != nil {
		t.Errorf("problems = %v before any", got)
	}
	report := func(r ConsoleReport) error {
		_, err := b.consoleReport(context.Background(), itself, r)
		return err
	}
	if err := report(ConsoleReport{Listening: []string{"127.0.0.1:9443"}, Problem: "port taken"}); err != nil {
		t.Fatal(err)
	}
	if got := b.consoleProblems(); len(got) != 1 || got[0].Text != "the console: port taken" {
		t.Errorf("problems = %v, want what the console told", got)
	}
	if err := report(ConsoleReport{Listening: []string{"127.0.0.1:9443"}}); err != nil || b.consoleProblems() != nil {
		t.Errorf("problems = %v, %v after it was mended", b.consoleProblems(), err)
	}
	for _, bad := range []ConsoleReport{{Listening: []string{"nowhere"}}, {Listening: make([]string, 9)}, {Problem: strings.Repeat("x", 5000)}} {
		if e := (*api.Error)(nil); !errors.As(report(bad), &e) || e.Code != api.CodeParams {
			t.Errorf("report %.60v was taken", bad)
		}
	}
}
