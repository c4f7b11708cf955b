// SPDX-License-Identifier: Apache-2.0

package lcdtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"evener/hal/lcd"
)

// nextKey waits for an event.
func nextKey(t *testing.T, keys <-chan lcd.KeyEvent) lcd.KeyEvent {
	t.Helper()
	select {
	case e, ok := <-keys:
		if !ok {
			t.Fatal("the keys ended")
		}
		return e
	case <-time.After(patience):
		t.Fatalf("no key after %v", patience)
	}
	return lcd.KeyEvent{}
}

func eachKey(t *testing.T, r *Rig) {
	dev := open(t, r)
	for _, k := range r.Keys {
		r.Press(k)
		if got, want := nextKey(t, dev.Keys()), (lcd.KeyEvent{Key: k, Down: true}); got != want {
			t.Fatalf("pressed %v, got %+v", k, got)
		}
		if !dev.Info().Releases {
			if got := nextKey(t, dev.Keys()); got != (lcd.KeyEvent{Key: k}) {
				t.Fatalf("pressed %v, then got %+v", k, got)
			}
		}
		r.Release(k)
		if dev.Info().Releases {
			if got := nextKey(t, dev.Keys()); got != (lcd.KeyEvent{Key: k}) {
				t.Fatalf("released %v, got %+v", k, got)
			}
		}
	}
	// Nothing more may follow.
	select {
	case e := <-dev.Keys():
		t.Errorf("got %+v although no key was pressed", e)
	case <-time.After(3 * time.Second):
	}
}

// keyHeld holds a key while nobody reads keys: whatever it repeats must not
// pile up, and its release must arrive.
func keyHeld(t *testing.T, r *Rig) {
	dev := open(t, r)
	k := r.Keys[0]
	r.Press(k)
	time.Sleep(time.Hour)
	if n := len(dev.Keys()); n == 0 || n > 64 {
		t.Errorf("%d events wait after an hour, want 1 to 64", n)
	}
	write(t, dev, 0, 0, "alive")
	wantScreen(t, r, dev.Info(), "alive")
	r.Release(k)
	time.Sleep(time.Second)
	var last lcd.KeyEvent
	for range len(dev.Keys()) {
		last = nextKey(t, dev.Keys())
	}
	if last != (lcd.KeyEvent{Key: k}) {
		t.Errorf("the last event is %+v, want the release of %v", last, k)
	}
}

// unplugged pulls the plug: the keys must end or a write must fail, soon, and
// the display must open again.
func unplugged(t *testing.T, r *Rig) {
	dev := open(t, r)
	write(t, dev, 0, 0, "before")
	r.Unplug()
	began := time.Now()
	var err error
	for err == nil && time.Since(began) < patience {
		select {
		case _, ok := <-dev.Keys():
			if !ok {
				err = fmt.Errorf("keys ended")
			}
		default:
			err = dev.Write(0, 0, []byte("x"))
			time.Sleep(50 * time.Millisecond)
		}
	}
	if err == nil {
		t.Fatalf("nothing was noticed in %v", patience)
	}
	dev.Close()
	if dev, err := r.Open(t.Context()); err == nil {
		dev.Close()
		t.Error("a display that is not there opens")
	}
	r.Replug()
	dev = opensAgain(t, r)
	write(t, dev, 0, 0, "after")
	wantScreen(t, r, dev.Info(), "after")
}

// garbage makes noise arrive at the host: the display must be usable after it,
// and keys it was mistaken for must be few.
func garbage(t *testing.T, r *Rig) {
	dev := open(t, r)
	go func() {
		for range dev.Keys() {
		}
	}()
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		noise := make([]byte, 1+random.IntN(60))
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		r.Link.(Faulty).Garbage(noise)
		write(t, dev, 0, 0, "noise")
		time.Sleep(time.Second)
	}
	write(t, dev, 0, 0, "quiet")
	wantScreen(t, r, dev.Info(), "quiet")
}
