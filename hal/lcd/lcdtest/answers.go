// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"testing"
	"time"
)

// answerCases are those of displays that confirm what they are told.
var answerCases = []testCase{
	{"lost acknowledgement", answers, lostAnswer},
	{"half a packet", answers, halfAnswer},
	{"disturbed command", answers, disturbedCommand},
	{"wrong speed", answers, wrongSpeed},
	{"mute", answers, mute},
}

func answers(r *Rig) bool { return r.Answers && faulty(r) }

func lostAnswer(t *testing.T, r *Rig) {
	dev := open(t, r)
	r.Link.(Faulty).LoseAnswers(1)
	write(t, dev, 0, 0, "once")
	r.Link.(Faulty).LoseAnswers(2)
	write(t, dev, 0, 4, "twice")
	wantScreen(t, r, dev.Info(), "oncetwice")
}

func halfAnswer(t *testing.T, r *Rig) {
	dev := open(t, r)
	for _, text := range []string{"one", "two"} {
		r.Link.(Faulty).CutAnswer()
		write(t, dev, 0, 0, text)
		wantScreen(t, r, dev.Info(), text)
	}
}

// disturbedCommand changes bytes on their way to the display.
func disturbedCommand(t *testing.T, r *Rig) {
	dev := open(t, r)
	for _, n := range []int{1, 2, 7} {
		r.Link.(Faulty).Disturb(n)
		write(t, dev, 0, 0, "first")
		wantScreen(t, r, dev.Info(), "first")
		write(t, dev, 0, 0, "     ")
	}
}

// wrongSpeed is a display that is set to another speed than the board says: it
// must be an error soon, not a hang, and not a display.
func wrongSpeed(t *testing.T, r *Rig) {
	r.Link.(Faulty).SetSpeed(4800)
	began := time.Now()
	dev, err := r.Open(t.Context())
	if err == nil {
		dev.Close()
		t.Fatal("a display that understands nothing opens")
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the error took %v, want at most 15s", took)
	}
}

// mute is a display that stops to answer: a write must fail soon.
func mute(t *testing.T, r *Rig) {
	dev := open(t, r)
	r.Link.(Faulty).LoseAnswers(-1)
	began := time.Now()
	var err error
	for err == nil && time.Since(began) < patience {
		err = dev.Write(0, 0, []byte("x"))
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(began); err == nil || took > 15*time.Second {
		t.Errorf("mute for %v: write = %v, want an error within 15s", took, err)
	}
}
