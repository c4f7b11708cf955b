// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func newTickets(tb testing.TB, secret byte, cfg TicketConfig) *TicketKeys {
	tb.Helper()
	k, err := NewTicketKeys(bytes.Repeat([]byte{secret}, TicketSecretLen), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestTicketKeysRotate(t *testing.T) {
	k := newTickets(t, 1, TicketConfig{Scope: "shop"})
	begin := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	today := k.Keys(begin)
	if got := k.Keys(begin.Add(24*time.Hour - 1)); got[0] != today[0] {
		t.Error("the key changed within its day")
	}
	tomorrow := k.Keys(begin.Add(24 * time.Hour))
	if tomorrow[0] != today[3] || tomorrow[1] != today[0] || tomorrow[2] != today[1] {
		t.Error("tomorrow's keys are not today's moved on by one")
	}
	if got, want := k.Next(begin.Add(time.Hour)), begin.Add(24*time.Hour); !got.Equal(want) {
		t.Errorf("Next() = %v, want %v", got, want)
	}
	if got, want := k.Next(begin), begin.Add(24*time.Hour); !got.Equal(want) {
		t.Errorf("Next(begin) = %v, want %v", got, want)
	}
	seen := map[[32]byte]string{}
	for _, other := range []struct {
		name string
		k    *TicketKeys
	}{
		{"shop", k}, {"other secret", newTickets(t, 2, TicketConfig{Scope: "shop"})}, {"other scope", newTickets(t, 1, TicketConfig{})},
	} {
		for i, key := range other.k.Keys(begin) {
			if old, twice := seen[key]; twice {
				t.Errorf("%s and %s %d have the same key", old, other.name, i)
			}
			seen[key] = fmt.Sprint(other.name, i)
		}
	}
	// Time before 1970, as of a box without a clock, rotates like any other.
	early := time.Unix(-1, 0)
	if a, b := k.Keys(early), k.Keys(time.Unix(0, 0)); a[0] != b[1] || a[3] != b[0] {
		t.Error("the epoch before 1970 is not the one before the first")
	}
}

// TestTicketsOfTwoBoxes makes real handshakes: a client comes to one box and
// goes on with another that has the same secret, as time passes.
func TestTicketsOfTwoBoxes(t *testing.T) {
	tests := []struct {
		name   string
		secret byte
		after  time.Duration
		want   bool // resumed
	}{
		{"at once", 1, 0, true},
		{"the next day", 1, 24 * time.Hour, true},
		{"to the end of the third", 1, 48*time.Hour + 11*time.Hour, true},
		{"on the fourth day", 1, 72 * time.Hour, false},
		{"another secret", 2, 0, false},
		{"a peer whose clock is behind", 1, -13 * time.Hour, true},
	}
	for _, tt := range tests {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(12 * time.Hour) // noon: the days of the ring begin at midnight
				start := time.Now()
				pair, err := SelfSigned([]string{"a.example"}, nil, start)
				if err != nil {
					t.Fatal(err)
				}
				box := func(secret byte, at time.Time) *tls.Config {
					s, err := NewServer(ServerConfig{Set: newSet(t, SetConfig{Pairs: []*Pair{pair}}),
						Tickets: newTickets(t, secret, TicketConfig{})}, at)
					if err != nil {
						t.Fatal(err)
					}
					return s
				}
				c := trusting("a.example")
				c.MaxVersion, c.ClientSessionCache = version, tls.NewLRUClientSessionCache(1)
				if got := handshake(box(1, start), c); got.clientError != nil || got.server.DidResume {
					t.Fatalf("first handshake: resumed %t, %v", got.server.DidResume, got.clientError)
				}
				if tt.after > 0 {
					time.Sleep(tt.after)
				}
				got := handshake(box(tt.secret, start.Add(tt.after)), c)
				if got.clientError != nil || got.server.DidResume != tt.want {
					t.Errorf("%s, %x: resumed %t, %v, want %t", tt.name, version, got.server.DidResume, got.clientError, tt.want)
				}
			})
		}
	}
}

// TestApplyWhileInUse rotates the keys of a running server.
func TestApplyWhileInUse(t *testing.T) {
	tickets := newTickets(t, 1, TicketConfig{})
	s := newServer(t, ServerConfig{Set: newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("a.example"), p256(t), nil)}}), Tickets: tickets})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for day := range 200 {
			tickets.Apply(s, now.Add(time.Duration(day)*dayLong))
		}
	}()
	for range 20 {
		if got := handshake(s, trusting("a.example")); got.clientError != nil {
			t.Fatal(got.clientError)
		}
	}
	<-done
}

func TestNoTicketKeysNoTickets(t *testing.T) {
	s := newServer(t, ServerConfig{Set: newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("a.example"), p256(t), nil)}})})
	c := trusting("a.example")
	c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range 2 {
		if got := handshake(s, c); got.clientError != nil || got.server.DidResume {
			t.Errorf("resumed %t, %v, want full handshakes", got.server.DidResume, got.clientError)
		}
	}
}

func TestNewTicketKeysRefuses(t *testing.T) {
	_, err := NewTicketKeys(make([]byte, 31), TicketConfig{})
	contains(t, "31 bytes", err, "has 31 bytes, not 32")
	_, err = NewTicketKeys(make([]byte, 32), TicketConfig{Period: time.Second})
	contains(t, "a second", err, "1m0s or longer")
	_, err = NewTicketKeys(make([]byte, 32), TicketConfig{Period: time.Hour + 1})
	contains(t, "fractions", err, "whole seconds")
}
