// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"evener/firmware/accesslog"
	"evener/firmware/api"
	"evener/firmware/audit"
	"evener/firmware/config"
	"evener/firmware/event"
	"evener/firmware/lb"
	"evener/firmware/store"
)

func TestConfigurationsKnowEveryKindOfEvent(t *testing.T) {
	var want []string
	for _, d := range event.Kinds() {
		want = append(want, string(d.Kind))
	}
	if !slices.Equal(config.EventKinds, want) {
		t.Errorf("config.EventKinds = %q\nwant %q", config.EventKinds, want)
	}
}

// recordBox returns a box with an audit log and a journal, and its methods.
func recordBox(t *testing.T) (*Box, *api.Registry) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	a, err := audit.Open(t.TempDir(), audit.Config{Wait: time.Minute}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	j, err := event.Open(t.TempDir(), event.Config{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); j.Close(); s.Close() })
	b := New(Config{Audit: a, Events: j, Store: s}, quiet)
	return b, b.Methods()
}

func TestEveryChangeIsRecordedAndSecretsAreNot(t *testing.T) {
	b, reg := recordBox(t)
	admin := api.Call{Author: "ann", Origin: "console", Remote: "192.0.2.7:1", Session: "s1", Role: api.Admin, Sudo: true}
	call := func(c api.Call, method, params string) *api.Error {
		_, e := reg.Call(t.Context(), c, method, json.RawMessage(params))
		return e
	}
	MemberChanged(b.cfg.Events, lb.Change{Pool: "shop", Member: "web2", Kind: lb.WentDown, Reason: "refused"})
	if e := call(admin, "event.ack", `{"events":[1],"note":"known"}`); e != nil {
		t.Fatal(e)
	}
	if e := call(api.Call{Author: "eve", Role: api.Viewer}, "alert.secret", `{"name":"mail","value":"s3cret"}`); e == nil {
		t.Fatal("a viewer may set a password")
	}
	if e := call(admin, "audit.export", `{}`); e != nil {
		t.Fatal(e)
	}
	if e := call(admin, "event.list", `{}`); e != nil {
		t.Fatal(e)
	}
	got, err := b.cfg.Audit.Query(t.Context(), audit.Filter{}, 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := b.cfg.Audit.Export(t.Context(), &text, audit.Filter{}); err != nil || strings.Contains(text.String(), "s3cret") {
		t.Errorf("Export = %v: %s", err, text.String())
	}
	if len(got) != 4 {
		t.Fatalf("%d records, want the beginning and three: %s", len(got), text.String())
	}
	export, denied, ack := got[0], got[1], got[2]
	if ack.Method != "event.ack" || ack.User != "ann" || ack.Session != "s1" || ack.Remote != "192.0.2.7:1" || ack.Outcome != audit.OK {
		t.Errorf("record of the acknowledgement %+v", ack)
	}
	if denied.User != "eve" || denied.Outcome != "auth.role" || denied.Object != "alert/mail" {
		t.Errorf("record of what was refused %+v", denied)
	}
	if export.Method != "audit.export" || export.After == "" {
		t.Errorf("record of the export %+v", export)
	}
	if es := b.cfg.Events.Query(event.Filter{}, 0, 0); len(es) != 1 || es[0].Ack == nil || es[0].Text != "shop/web2 is down: refused" {
		t.Errorf("events %+v", es)
	}
}

func TestFailedLoginIsAnEventWithoutWhatWasTyped(t *testing.T) {
	b, reg := recordBox(t)
	_, e := reg.Call(t.Context(), api.Call{Origin: "console", Remote: "192.0.2.7:1"}, "auth.login",
		json.RawMessage(`{"user":"hunter2","password":"secret-word"}`))
	if e == nil {
		t.Fatal("somebody logged in")
	}
	var text bytes.Buffer
	if _, err := b.cfg.Audit.Export(t.Context(), &text, audit.Filter{Method: "auth.login"}); err != nil ||
		strings.Contains(text.String(), "hunter2") || strings.Contains(text.String(), "secret-word") || !strings.Contains(text.String(), "192.0.2.7:1") {
		t.Errorf("Export = %v: %s", err, text.String())
	}
	if es := b.cfg.Events.Query(event.Filter{Kinds: []string{"login.*"}}, 0, 0); len(es) != 1 || es[0].Args["remote"] != "192.0.2.7:1" {
		t.Errorf("events %+v", es)
	}
}

func TestEventTopicTellsLoss(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	j, err := event.Open(t.TempDir(), event.Config{Size: 3}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	b := New(Config{Events: j}, quiet)
	for range 10 {
		MemberChanged(j, lb.Change{Pool: "shop", Member: "web2", Kind: lb.WentDown})
	}
	got, err := b.eventTopic(t.Context(), api.Call{}, eventTopicParams{}, 4, 100)
	if err != nil || got.First != 8 || got.Last != 10 || len(got.Entries) != 3 {
		t.Errorf("after 4: %+v, %v", got, err)
	}
	got, err = b.eventTopic(t.Context(), api.Call{}, eventTopicParams{Kinds: []string{"config.*"}}, 8, 100)
	if err != nil || got.First > 9 || got.Last != 10 || len(got.Entries) != 0 {
		t.Errorf("after 8, of other kinds: %+v, %v", got, err)
	}
}

// A tapper gives its tap whatever a test wants.
type tapper struct {
	tap     accesslog.Tap
	rate    int // 0: all
	stopped chan struct{}
}

func (f *tapper) Tap(t accesslog.Tap) (func(), error) {
	f.tap = t
	return func() { close(f.stopped) }, nil
}

// Sample is for filters that take all.
func (f *tapper) Sample(perSecond int, t accesslog.Tap) (func(), error) {
	f.rate = perSecond
	return f.Tap(t)
}

func (f *tapper) see(path string, status uint16, drops uint64) {
	r := accesslog.Record{Status: status}
	r.Path.SetString(path)
	r.Method.SetString("GET")
	f.tap(accesslog.Seen{Record: &r, Drops: drops})
}

func TestAccessTopicFiltersAndShowsGaps(t *testing.T) {
	f := &tapper{stopped: make(chan struct{})}
	b := New(Config{Taps: f}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	p := accessFilter{Status: []string{"5xx", "404"}, Not: accessExcept{Path: []string{"/health"}}}
	read := func(after uint64) api.Batch[AccessEntry] {
		got, err := b.accessTopic(ctx, api.Call{}, p, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := read(0); len(got.Entries) != 0 || f.tap == nil || f.rate != 0 {
		t.Fatalf("at first %+v", got)
	}
	f.see("/a", 503, 0)
	f.see("/b", 200, 0)
	f.see("/health", 503, 0)
	f.see("/c", 404, 0)
	f.see("/d", 200, 7) // seven were lost before it
	f.see("/e", 500, 7)
	got := read(0)
	if len(got.Entries) != 2 || got.Entries[1].Data.Path != "/c" || got.Last != 2 {
		t.Fatalf("before the loss %+v", got)
	}
	got = read(got.Last)
	if got.First != 10 || len(got.Entries) != 1 || got.Entries[0].Seq != 10 || got.Entries[0].Data.Path != "/e" {
		t.Errorf("after the loss %+v", got)
	}
	cancel()
	<-f.stopped // or the test hangs
	for _, bad := range []accessFilter{{Status: []string{"6"}}, {Client: []string{"nowhere"}}, {Not: accessExcept{Status: []string{"xxx"}}}} {
		if _, err := b.accessTopic(t.Context(), api.Call{}, bad, 0, 1); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestAccessTopicOfAllTakesASample(t *testing.T) {
	f := &tapper{stopped: make(chan struct{})}
	b := New(Config{Taps: f}, slog.New(slog.DiscardHandler))
	p := accessFilter{Cluster: []string{}}
	if _, err := b.accessTopic(t.Context(), api.Call{}, p, 0, 100); err != nil || f.rate != tailRate {
		t.Fatalf("%v; %d records a second are wanted, not %d", err, f.rate, tailRate)
	}
	f.see("/a", 200, 0)
	if got, err := b.accessTopic(t.Context(), api.Call{}, p, 0, 100); err != nil || len(got.Entries) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
