// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/ha"
)

func TestHAShowTellsOfTheHandoff(t *testing.T) {
	limit := api.Duration(30 * time.Second)
	for _, c := range []struct {
		h    manage.HAHandoff
		want string
	}{
		{manage.HAHandoff{Limit: limit, Problem: "no rights"}, "connections end with a planned switch: no rights"},
		{manage.HAHandoff{Limit: limit}, "a planned switch lets connections end where they began, for 30s"},
		{manage.HAHandoff{Limit: limit, Packets: 7, Connections: 2, Ended: 1, Until: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
			"a planned switch lets connections end where they began, for 30s; since the last one 7 packets of 2 connections, 1 of them ended by the client, were sent on until 2026-01-02 03:04:05"},
	} {
		if got := handoffWords(c.h); got != c.want {
			t.Errorf("handoffWords(%+v) = %q, want %q", c.h, got, c.want)
		}
	}
	h := standbyShown()
	h.Groups[0].Handoff = &manage.HAHandoff{Limit: limit}
	var out strings.Builder
	if printHA(&out, h); !strings.Contains(out.String(), "\n  handoff: a planned switch lets") {
		t.Errorf("ha show says nothing of the handoff:\n%s", out.String())
	}
}

func TestNothingIsHandedOffOnASimulatedLAN(t *testing.T) {
	r := &haRole{lan: t.TempDir(), state: t.TempDir(), log: slog.New(slog.DiscardHandler)}
	h := r.openHandoff()
	defer h.end()
	var c ha.Config
	if h.into(&c, r.log); c.Handoff != nil || c.HandoffWhy == "" {
		t.Errorf("config = %+v, want no handoff, and why", c)
	}
}

// What is not of this project's writing is not carried out by the supervisor, which may
// do everything.
func TestTheSupervisorClearsOnlyWhatCanHaveBeenKept(t *testing.T) {
	c := newHACleaner(t.TempDir(), slog.New(slog.DiscardHandler))
	if err := os.Mkdir(haDir(c.state), 0o700); err != nil {
		t.Fatal(err)
	}
	text := `{"addresses":[],"settings":[{"name":"kernel.core_pattern","before":"x","set":"y"}]}`
	if err := os.WriteFile(haKept(c.state), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.clean(t.Context())
	if got, err := os.ReadFile(haKept(c.state)); err != nil || string(got) != text {
		t.Errorf("the list became %q, %v; want it left alone", got, err)
	}
	if err := os.WriteFile(haKept(c.state), []byte(`{"addresses":["192.0.2.10"],"settings":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c.clean(t.Context())
	if _, err := os.Stat(haKept(c.state)); err == nil {
		t.Error("the list of kept addresses is there still")
	}
}
