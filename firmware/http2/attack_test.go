// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// attack repeats a step until the connection ends, at most most times, and
// returns how often that was.
func (l *lab) attack(most int, s func(i uint32) step) int {
	for i := range most {
		s(uint32(2*i + 1))(l)
		l.drive()
		if l.err != nil {
			return i + 1
		}
	}
	return most
}

// ends checks that the connection has ended for r with GOAWAY.
func (l *lab) ends(r Reason) {
	l.t.Helper()
	e, _ := l.err.(*ConnError)
	if e == nil || e.Reason != r {
		l.t.Fatalf("the connection has ended with %v, want %v", l.err, r)
	}
	last := l.said[len(l.said)-1]
	if !strings.HasPrefix(last, "> GOAWAY ") || !strings.HasSuffix(last, r.Code().String()) {
		l.t.Errorf("the last frame is %q, want GOAWAY with %v", last, r.Code())
	}
}

func steps(all ...step) step {
	return func(l *lab) {
		for _, s := range all {
			s(l)
		}
	}
}

// TestRapidReset is CVE-2023-44487: requests that are reset as soon as they are
// sent.
func TestRapidReset(t *testing.T) {
	l := newLab(t, false, Config{})
	n := l.attack(10000, func(id uint32) step { return steps(get(id), rst(id, Cancel)) })
	l.ends(ResetFlood)
	if n != 101 {
		t.Errorf("the attack was stopped after %d requests, want 101", n)
	}
}

func TestResetsOfAnsweredRequestsAreNoAttack(t *testing.T) {
	l := newLab(t, false, Config{})
	l.attack(1000, func(id uint32) step {
		return steps(get(id), answer(id, 204, ""), release(id), rst(id, Cancel))
	})
	if l.err != nil {
		t.Errorf("resets after the answer: %v", l.err)
	}
	// Each answer makes up for one reset.
	l = newLab(t, false, Config{Budget: Budget{Resets: 3}})
	l.attack(200, func(id uint32) step {
		id = 2*id - 1
		return steps(get(id), answer(id, 204, ""), release(id), get(id+2), rst(id+2, Cancel))
	})
	if l.err != nil {
		t.Errorf("as many answers as resets: %v", l.err)
	}
}

// TestRefusalsDoNotMakeUpForResets alternates resets with requests that are
// answered cheaply.
func TestRefusalsDoNotMakeUpForResets(t *testing.T) {
	l := newLab(t, false, Config{})
	n := l.attack(1000, func(id uint32) step {
		id = 2*id - 1
		return steps(get(id, "expect=x"), answer(id, 417, ""), release(id), get(id+2), rst(id+2, Cancel))
	})
	l.ends(ResetFlood)
	if n != 101 {
		t.Errorf("the attack was stopped after %d resets, want 101", n)
	}
}

func TestResetBudgetIsForATime(t *testing.T) {
	l := newLab(t, false, Config{})
	l.attack(1000, func(id uint32) step {
		l.now += BudgetWindow / 90
		return steps(get(id), rst(id, Cancel))
	})
	if l.err != nil {
		t.Errorf("90 resets in each time: %v", l.err)
	}
}

// TestRunningWorkCounts is about rapid reset too: what was reset still runs, so
// it counts until it is released.
func TestRunningWorkCounts(t *testing.T) {
	l := newLab(t, false, Config{MaxStreams: 10})
	l.keep = true
	got := 0
	n := l.attack(50, func(id uint32) step { return steps(get(id), rst(id, Cancel)) })
	for _, s := range l.said {
		if strings.HasPrefix(s, "request") {
			got++
		}
	}
	if got != 10 {
		t.Errorf("%d requests were begun in %d, want 10", got, n)
	}
	if s := l.said[len(l.said)-1]; s != "> RST 99 REFUSED_STREAM" {
		t.Errorf("the last one got %q, want REFUSED_STREAM", s)
	}
	l.keep = false
	release(1)(l)
	if got, want := l.do(get(101)), "request 101 GET a / end"; got != want {
		t.Errorf("after a release: got %q, want %q", got, want)
	}
}

// TestMadeYouReset is CVE-2025-8671: frames that make us reset.
func TestMadeYouReset(t *testing.T) {
	provocations := map[string]func(id uint32) step{
		"zero increment":  func(id uint32) step { return steps(get(id), window(id, 0)) },
		"window overflow": func(id uint32) step { return steps(get(id), window(id, maxWindow)) },
		"half-closed":     func(id uint32) step { return steps(get(id), data(id, false, "x")) },
		"too long":        func(id uint32) step { return steps(post(id, "content-length=1"), data(id, false, "xx")) },
		"malformed":       func(id uint32) step { return get(id, "connection=close") },
		"priority size":   func(id uint32) step { return steps(get(id), raw(typePriority, 0, id, "1234")) },
		"answered first":  func(id uint32) step { return steps(get(id), get(id), data(id, false, "x")) },
	}
	for name, p := range provocations {
		l := newLab(t, false, Config{})
		n := l.attack(1000, p)
		l.ends(ResetFlood)
		if n > 101 {
			t.Errorf("%s: the attack was stopped after %d requests, want at most 101", name, n)
		}
	}
}

// TestContinuationFlood is CVE-2024-27316.
func TestContinuationFlood(t *testing.T) {
	field := "\x00\x01a\x7f\xa1\x1e" + strings.Repeat("x", 4000)
	for name, row := range map[string]struct {
		piece string
		want  Reason
	}{
		"empty": {"", ContinuationFlood},
		"small": {"\x00\x01a\x01b", ContinuationFlood},
		"large": {strings.Repeat(field, 4), BlockFlood},
		"bytes": {"\x82", ContinuationFlood},
	} {
		l := newLab(t, false, Config{})
		raw(typeHeaders, 0, 1, "\x82\x87\x84\x41\x01a")(l)
		n := l.attack(10000, func(uint32) step { return raw(typeContinuation, 0, 1, row.piece) })
		l.ends(row.want)
		if n > 33 {
			t.Errorf("%s: the attack was stopped after %d frames, want at most 33", name, n)
		}
	}
}

// TestHPACKBomb references a large field again and again.
func TestHPACKBomb(t *testing.T) {
	l := newLab(t, false, Config{})
	bomb := "\x40\x01a\x7f\xa1\x1e" + strings.Repeat("x", 4000) + strings.Repeat("\xbe", 12000)
	l.do(raw(typeHeaders, flagEndStream|flagEndHeaders, 1, "\x82\x87\x84\x41\x01a"+bomb))
	if got, want := l.said[0], "refused 431 head_too_large"; got != want {
		t.Errorf("12000 references: got %q, want %q", got, want)
	}
	if got, want := l.do(get(3)), "request 3 GET a / end"; got != want {
		t.Errorf("the next request: got %q, want %q", got, want)
	}
	for _, b := range l.c.pool.blocks {
		if n := cap(b.head.Buf); n > 128<<10 {
			t.Errorf("the bomb took %d bytes of memory", n)
		}
	}
	// A string longer than any head ends the connection before it came.
	l = newLab(t, false, Config{})
	l.do(raw(typeHeaders, 0, 1, "\x82\x40\x01a\x7f\xff\xff\x3f"+strings.Repeat("x", 100)))
	l.ends(BlockFlood)
	// So does one that is longer only when decoded.
	l = newLab(t, false, Config{MaxHead: 1000})
	l.do(raw(typeHeaders, flagEndHeaders, 1, "\x82\x40\x01a\xff\xc9\x06"+strings.Repeat("\x00", 840)))
	if l.err == nil {
		t.Error("a string of 1344 bytes was decoded with a limit of 1000")
	}
}

// TestControlFloods are CVE-2019-9511 to 9518.
func TestControlFloods(t *testing.T) {
	rows := []struct {
		name string
		s    step
		most int
		want Reason
	}{
		{"PING", raw(typePing, 0, 0, "12345678"), 550, PingFlood},
		{"PING acknowledgements", raw(typePing, flagAck, 0, "12345678"), 550, PingFlood},
		{"SETTINGS", raw(typeSettings, 0, 0, ""), 110, SettingsFlood},
		{"SETTINGS acknowledgements", raw(typeSettings, flagAck, 0, ""), 110, SettingsFlood},
		{"GOAWAY", raw(typeGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x00"), 110, SettingsFlood},
		{"empty DATA", data(1, false, ""), 110, EmptyFlood},
		{"padded empty DATA", raw(typeData, flagPadded, 1, "\x03abc"), 110, EmptyFlood},
		{"PRIORITY", raw(typePriority, 0, 3, "\x00\x00\x00\x01\x10"), 550, PriorityFlood},
		{"unknown", raw(0x42, 0, 0, "abc"), 550, PriorityFlood},
		{"PRIORITY_UPDATE", raw(0x10, 0, 0, "\x00\x00\x00\x01u=1"), 550, PriorityFlood},
		{"WINDOW_UPDATE", window(0, 1), 1100, WindowFlood},
		{"WINDOW_UPDATE of a stream", window(1, 1), 1100, WindowFlood},
	}
	for _, row := range rows {
		l := newLab(t, false, Config{})
		post(1)(l)
		if n := l.attack(10000, func(uint32) step { return row.s }); n > row.most {
			t.Errorf("%s: the attack was stopped after %d frames, want at most %d", row.name, n, row.most)
		}
		l.ends(row.want)
	}
}

// TestUnreadAnswers is the other half of those: the peer does not read what it
// makes us send.
func TestUnreadAnswers(t *testing.T) {
	generous := Budget{Pings: 1 << 20, Settings: 1 << 20, Resets: 1 << 20}
	for name, s := range map[string]step{
		"PING":       raw(typePing, 0, 0, "12345678"),
		"SETTINGS":   raw(typeSettings, 0, 0, ""),
		"RST_STREAM": data(1, true, "x"),
	} {
		l := newLab(t, false, Config{Budget: generous})
		l.do(get(1))
		out := 0
		for range 5000 {
			s(l)
		}
		var ev Event
		buf := l.in.Bytes()
		for l.err == nil {
			n, err := l.c.Next(l.now, buf, &ev)
			buf, l.err = buf[n:], err
			out = max(out, len(l.c.Out()))
			if n == 0 && ev.Kind == None {
				break
			}
		}
		l.frames()
		if name == "RST_STREAM" { // one reset tells it all
			if l.err != nil || out > 1000 {
				t.Errorf("%s: %v, %d bytes waited", name, l.err, out)
			}
			continue
		}
		l.ends(QueueFlood)
		if out > 1002*17 {
			t.Errorf("%s: %d bytes waited", name, out)
		}
	}
	// Who reads is no attacker, though something always waits.
	l := newLab(t, false, Config{Budget: generous})
	raw(typePing, 0, 0, "12345678")(l)
	var ev Event
	for range 10000 {
		raw(typePing, 0, 0, "12345678")(l)
		n, err := l.c.Next(l.now, l.in.Bytes(), &ev)
		l.check(err)
		l.in.Next(n)
		l.c.Sent(len(l.c.Out()) - 17)
	}
}

// TestWindowStall is a peer that asks for much and takes nothing, or a byte.
func TestWindowStall(t *testing.T) {
	const body = 1 << 20
	l := newLab(t, false, Config{})
	l.do(settings(xhttp2.Setting{ID: settingWindow, Val: 0}))
	p := make([]byte, body)
	for id := uint32(1); id < 200; id += 2 {
		l.do(get(id))
		s := l.open[id]
		l.c.BeginHead(s)
		l.c.Status(200)
		l.c.EndHead(false)
		if n := l.c.Write(s, p, true); n != 0 {
			t.Fatalf("Write took %d bytes with a window of 0", n)
		}
	}
	if n := len(l.c.Out()); n > 2000 {
		t.Errorf("%d bytes wait in Out", n)
	}
	if s := l.c.Writable(); s != nil {
		t.Errorf("Writable is stream %d with a window of 0", s.ID())
	}
	// One byte at a time.
	l.drive()
	n := l.attack(1<<20, func(uint32) step {
		return func(l *lab) {
			window(1, 1)(l)
			l.drive()
			for s := l.c.Writable(); s != nil; s = l.c.Writable() {
				l.c.Write(s, p, true)
			}
		}
	})
	l.ends(WindowFlood)
	if n > 2100 {
		t.Errorf("the attack was stopped after %d frames, want at most 2100", n)
	}
}

// TestConnectionWindowBoundsMemory sends on many streams what nobody consumes.
func TestConnectionWindowBoundsMemory(t *testing.T) {
	l := newLab(t, false, Config{})
	ack(l)
	total := 0
	l.attack(100, func(id uint32) step {
		return func(l *lab) {
			post(id)(l)
			for range 4 {
				data(id, false, strings.Repeat("x", minFrame))(l)
				total += minFrame
			}
		}
	})
	l.ends(ConnFlow)
	if total > 5*64<<10 {
		t.Errorf("%d bytes were sent before the end, want 256 KiB and one stream's more", total)
	}
}
