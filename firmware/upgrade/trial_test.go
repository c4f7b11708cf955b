// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evener/image/slot"
)

// onTrial returns a box that runs 1.1.0 on trial, with this self-test, and how
// often it asked for a reboot.
func onTrial(t *testing.T, test func(context.Context) []Check) (*box, *atomic.Int32) {
	x := newBox(t)
	x.arm("1.1.0")
	var reboots atomic.Int32
	x.cfg.Test, x.cfg.Reboot = test, func(context.Context) { reboots.Add(1) }
	x.start()
	x.runs(slot.B, "1.1.0")
	return x, &reboots
}

// pause lets time go by, and what is due then be done.
func pause(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func check(ok bool, why string) []Check {
	return []Check{{Name: "config", OK: true, Detail: "runs"}, {Name: "servers", OK: ok, Detail: why}}
}

func TestATrialEndsWellAfterItsSoak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		x, reboots := onTrial(t, func(context.Context) []Check {
			at := time.Since(began)
			return check(at > 20*time.Second && at < 40*time.Second || at > time.Minute, "1 of 3 up")
		})
		go x.u.Run(t.Context())
		pause(80 * time.Second)
		if s := x.u.Show(); s.Trial == nil || !s.Trial.Good || s.Running.OK {
			t.Errorf("20 s into its soak: %+v", s.Trial)
		}
		pause(15 * time.Second)
		if s := x.u.Show(); s.Trial != nil || !s.Running.OK {
			t.Errorf("after its soak: %+v", s.Trial)
		}
		if e := x.last(EventGood); reboots.Load() > 0 || e.Reason != "its self-test passed for 30s" {
			t.Errorf("%d reboots, %s", reboots.Load(), e.Reason)
		}
		if want := "started good"; strings.Join(x.told, " ") != want {
			t.Errorf("told %s, want %s", x.told, want)
		}
	})
}

func TestATrialThatFailsGoesBackAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, reboots := onTrial(t, func(context.Context) []Check { return check(false, "1 of 3 up, 3 were before") })
		go x.u.Run(t.Context())
		pause(10*time.Minute - 5*time.Second)
		if s := x.u.Show(); reboots.Load() > 0 || s.Trial == nil || time.Until(s.Trial.Deadline).Round(time.Second) != 5*time.Second {
			t.Fatalf("before the deadline: %d reboots, %+v", reboots.Load(), s.Trial)
		}
		pause(10 * time.Second)
		if reboots.Load() != 1 {
			t.Fatalf("%d reboots", reboots.Load())
		}
		x.start()
		x.runs(slot.A, "1.0.0")
		want := "the self-test did not pass: servers: 1 of 3 up, 3 were before"
		if e := x.last(EventFellBack); e.Reason != want {
			t.Errorf("fell back: %s", e.Reason)
		}
	})
}

func TestATrialThatIsGoodLateMayFinishItsSoak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		x, reboots := onTrial(t, func(context.Context) []Check { return check(time.Since(began) > 10*time.Minute-5*time.Second, "down") })
		go x.u.Run(t.Context())
		pause(11 * time.Minute)
		if s := x.u.Show(); reboots.Load() > 0 || s.Trial != nil {
			t.Errorf("%d reboots, %+v", reboots.Load(), s.Trial)
		}
	})
}

func TestASelfTestThatHangsIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, reboots := onTrial(t, func(ctx context.Context) []Check {
			<-t.Context().Done() // deaf to its own context
			return nil
		})
		go x.u.Run(t.Context())
		pause(11 * time.Minute)
		if reboots.Load() != 1 {
			t.Fatalf("%d reboots", reboots.Load())
		}
		if e := x.last(EventGaveUp); !strings.Contains(e.Reason, "no answer within 15s") {
			t.Errorf("%s", e.Reason)
		}
	})
}

func TestWithoutAWayBackATrialHasNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ok atomic.Bool
		x := newBox(t)
		s, _ := x.disk().Boot()
		if err := x.disk().SetBoot(s.With(slot.A, false, 0)); err != nil { // fresh: never marked good; B is empty
			t.Fatal(err)
		}
		x.cfg.Test = func(context.Context) []Check { return check(ok.Load(), "down") }
		x.cfg.Reboot = func(context.Context) { t.Error("rebooted into an empty slot") }
		x.start()
		go x.u.Run(t.Context())
		pause(2 * time.Hour)
		if err := x.u.GiveUp("anna", "x"); err == nil {
			t.Error("given up for an empty slot")
		}
		ok.Store(true)
		pause(time.Minute)
		if x.u.Show().Trial != nil {
			t.Error("a box that is good at last is not kept")
		}
	})
}

func TestWhatFailedIsKnownAfterAWatchdogReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, _ := onTrial(t, func(context.Context) []Check { return check(false, "0 of 3 up") })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- x.u.Run(ctx) }()
		pause(time.Minute)
		cancel()
		<-done
		x.start()
		x.start()
		x.start()
		x.runs(slot.A, "1.0.0")
		if e := x.last(EventFellBack); !strings.Contains(e.Reason, "servers: 0 of 3 up") {
			t.Errorf("fell back: %s", e.Reason)
		}
	})
}
