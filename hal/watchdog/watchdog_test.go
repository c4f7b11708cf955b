// SPDX-License-Identifier: Apache-2.0

package watchdog_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"evener/hal/watchdog"
	"evener/hal/watchdog/watchdogtest"
)

func TestAnUnfedWatchdogResetsTheBox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dog := watchdogtest.New(time.Now)
		w, err := watchdog.New(dog, 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			time.Sleep(20 * time.Second)
			if err := w.Feed(); err != nil {
				t.Fatal(err)
			}
		}
		s := w.State()
		if dog.Reset() || s.Timeout != 30*time.Second || s.Left != 30*time.Second || s.Fed != time.Now() || !s.Stoppable || s.Problem != "" {
			t.Errorf("fed: reset %v, %+v", dog.Reset(), s)
		}
		time.Sleep(31 * time.Second)
		if !dog.Reset() {
			t.Error("31 s without food, and nothing happened")
		}
	})
}

func TestTimeoutsThatADriverDoesNotHave(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*watchdogtest.Dog)
		want    time.Duration
		problem string
	}{
		{"clamped", func(d *watchdogtest.Dog) { d.Max = 16 }, 16 * time.Second, ""},
		{"refused", func(d *watchdogtest.Dog) { d.Min, d.Refuse = 40, true }, 60 * time.Second, "cannot be set to 30s"},
		{"fixed", func(d *watchdogtest.Dog) { d.Options = watchdog.MagicClose }, 60 * time.Second, "cannot be set"},
		{"short", func(d *watchdogtest.Dog) { d.Max = 2 }, 2 * time.Second, "is short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dog := watchdogtest.New(time.Now)
			c.change(dog)
			w, err := watchdog.New(dog, 30*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if s := w.State(); s.Timeout != c.want || c.problem == "" != (s.Problem == "") || !strings.Contains(s.Problem, c.problem) {
				t.Errorf("State = %+v, want %v and %q", s, c.want, c.problem)
			}
		})
	}
}

func TestTheBootStatusIsToldInWords(t *testing.T) {
	dog := watchdogtest.New(time.Now)
	dog.Boot = watchdog.CardReset | watchdog.Overheat
	w, err := watchdog.New(dog, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if s := w.State(); !s.Reset || strings.Join(s.Boot, "; ") != "the watchdog has reset the box; the CPU was too hot" {
		t.Errorf("State = %+v", s)
	}
}

func TestOnlyStopDisarms(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*watchdog.Watchdog) error
		nwo  bool
		want bool
	}{
		{"stop", (*watchdog.Watchdog).Stop, false, true},
		{"stop of one without a way out", (*watchdog.Watchdog).Stop, true, false},
		{"leave", (*watchdog.Watchdog).Leave, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dog := watchdogtest.New(time.Now)
			dog.NoWayOut = c.nwo
			w, err := watchdog.New(dog, 30*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.end(w); err != nil || dog.Stopped() != c.want {
				t.Errorf("%v, stopped %v, want %v", err, dog.Stopped(), c.want)
			}
			if err := w.Feed(); !errors.Is(err, watchdog.ErrStopped) {
				t.Errorf("Feed afterwards = %v", err)
			}
		})
	}
}

func TestAWatchdogThatFailsSaysSo(t *testing.T) {
	dog := watchdogtest.New(time.Now)
	w, err := watchdog.New(dog, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	dog.Break(syscall.ENODEV)
	if err := w.Feed(); !errors.Is(err, syscall.ENODEV) || !strings.Contains(w.State().Problem, "cannot be fed") {
		t.Errorf("Feed = %v, %+v", err, w.State())
	}
	if _, err := watchdog.New(dog, 30*time.Second); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("New = %v", err)
	}
	dog.Break(nil)
	if err := w.Feed(); err != nil || w.State().Problem != "" {
		t.Errorf("mended: %v, %+v", err, w.State())
	}
}

func TestWhatIsNoWatchdogIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "watchdog0")
	if _, err := watchdog.Open(name); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "module") {
		t.Errorf("Open of nothing = %v", err)
	}
	dev, err := watchdog.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watchdog.New(dev, 30*time.Second); !errors.Is(err, syscall.ENOTTY) {
		t.Errorf("New with /dev/null = %v, want ENOTTY", err)
	}
}

func TestTheSimulatedWatchdogTellsThatItRanOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out atomic.Int32
		w, err := watchdog.New(watchdog.Simulate(func() { out.Add(1) }), 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Second)
		if err := w.Feed(); err != nil || w.State().Left != 30*time.Second {
			t.Errorf("%v, %+v", err, w.State())
		}
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if out.Load() != 0 {
			t.Error("it ran out though it was fed")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if out.Load() != 1 {
			t.Errorf("it ran out %d times, want once", out.Load())
		}
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
}
