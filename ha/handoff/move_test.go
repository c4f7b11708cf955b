// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
)

// each runs f for both families and both kinds of MAC.
func each(t *testing.T, f func(*testing.T, *lab)) {
	for _, v6 := range []bool{false, true} {
		for _, virtual := range []bool{false, true} {
			t.Run(fmt.Sprintf("v6=%v,virtual=%v", v6, virtual), func(t *testing.T) {
				f(t, newLab(t, v6, virtual, false))
			})
		}
	}
}

// transfer sends noise and reads it back, until enough is closed; then it says
// whether all came back.
func transfer(c *conn, enough chan struct{}) chan error {
	sent, got := sha256.New(), sha256.New()
	n := make(chan int64, 1)
	go func() {
		w := io.MultiWriter(c, sent)
		noise := rand.NewChaCha8([32]byte{1})
		var total int64
		for running := true; running; {
			m, err := io.CopyN(w, noise, 64<<10)
			total += m
			select {
			case <-enough:
				running = false
			default:
				running = err == nil
			}
		}
		n <- total
		c.Conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	done := make(chan error, 1)
	go func() {
		m, err := io.Copy(got, c.r)
		if total := <-n; err == nil && m != total {
			err = fmt.Errorf("%d bytes came back of %d", m, total)
		}
		if err == nil && !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
			err = fmt.Errorf("what came back is not what was sent")
		}
		done <- err
	}()
	return done
}

func TestConnectionsOutliveTheMoveOfTheirAddress(t *testing.T) {
	each(t, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		idle, busy := l.dial(), l.dial()
		if idle.name != "left" || busy.name != "left" {
			t.Fatalf("connections accepted by %s and %s, want left", idle.name, busy.name)
		}
		if err := idle.echo("before"); err != nil {
			t.Fatal(err)
		}
		enough := make(chan struct{})
		done := transfer(busy, enough)
		l.move(left, right, 0)
		eventually(t, "packets are sent on", func() bool { return right.receiver.Stats().Packets > 2000 })
		fresh := l.dial()
		if fresh.name != "right" {
			t.Errorf("a new connection was accepted by %s, want right", fresh.name)
		}
		close(enough)
		if err := <-done; err != nil {
			t.Errorf("transfer: %v", err)
		}
		for _, c := range []*conn{idle, fresh} {
			if err := c.echo("after"); err != nil {
				t.Errorf("connection of %s: %v", c.name, err)
			}
		}
		s := right.receiver.Stats()
		if s.Flows != 2 || s.Ended != 1 {
			t.Errorf("flows, ended = %d, %d, want 2, 1", s.Flows, s.Ended)
		}
		if n := l.seen.count(forwarded(right, left)); s.Packets <= uint64(n) { // the kernel joins them
			t.Errorf("%d packets counted in %d frames", s.Packets, n)
		}
		if n := l.seen.count(reset); n != 0 {
			t.Errorf("%d RST seen", n)
		}
	})
}

func TestAfterTheLimitUnknownConnectionsAreReset(t *testing.T) {
	each(t, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		c := l.dial()
		l.move(left, right, 200*time.Millisecond)
		eventually(t, "the receiver ends", func() bool {
			select {
			case <-right.receiver.Done():
				return true
			default:
				return false
			}
		})
		if err := c.echo("late"); err == nil {
			t.Error("the connection lives on after the limit")
		}
		byRight := func(p gopacket.Packet) bool { return reset(p) && !bytes.Equal(source(p), left.mac) }
		eventually(t, "a RST of right", func() bool { return l.seen.count(byRight) > 0 })
		if s := right.receiver.Stats(); s.Until.Sub(s.Since) < 200*time.Millisecond {
			t.Errorf("ended %v after it began", s.Until.Sub(s.Since))
		}
		if c := l.dial(); c.name != "right" {
			t.Errorf("a new connection was accepted by %s, want right", c.name)
		}
	})
}

// The program in the kernel must not depend on a process that may stand still.
func TestKernelKeepsTheLimitAlone(t *testing.T) {
	l := newLab(t, false, false, false)
	left, right := l.boxes["left"], l.boxes["right"]
	c := l.dial()
	l.move(left, right, 3*time.Second)
	right.receiver.timer.Stop() // as if the process stood still
	began := time.Now()
	eventually(t, "the connection is reset", func() bool { return c.echo("x") != nil })
	if time.Since(began) > long/2 {
		t.Error("the connection ended because of a time-out")
	}
	select {
	case <-right.receiver.Done():
		t.Error("the receiver has ended, so nothing was tested")
	default:
	}
}

func TestSwitchesBackAndForthWhileTransfersRun(t *testing.T) {
	each(t, func(t *testing.T, l *lab) {
		from, to := l.boxes["left"], l.boxes["right"]
		enough := make(chan struct{})
		var all []chan error
		var idle []*conn
		for range 8 {
			c, i := l.dial(), l.dial()
			if c.name != from.name || i.name != from.name {
				t.Errorf("connections accepted by %s and %s, want %s", c.name, i.name, from.name)
			}
			all, idle = append(all, transfer(c, enough)), append(idle, i)
			l.move(from, to, 0)
			from, to = to, from
		}
		for _, c := range idle {
			if err := c.echo("still here"); err != nil {
				t.Errorf("idle connection of %s: %v", c.name, err)
			}
		}
		close(enough)
		for _, done := range all {
			if err := <-done; err != nil {
				t.Errorf("transfer: %v", err)
			}
		}
		if n := l.seen.count(reset); n != 0 {
			t.Errorf("%d RST seen", n)
		}
	})
}
