// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestDiskThatHangsIsNotAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var hanging atomic.Bool
		var beats atomic.Int64
		var b Box
		if b.beat.show() != nil || b.beatProblems() != nil {
			t.Error("before it runs something is known")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.beat.run(ctx, func() error {
				beats.Add(1)
				if hanging.Load() {
					<-hang
				}
				return nil
			})
		}()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if s := b.beat.show(); !s.Alive || beats.Load() != 21 || b.beatProblems() != nil {
			t.Errorf("after %d beats it is %+v", beats.Load(), s)
		}
		hanging.Store(true)
		time.Sleep(2*time.Minute + 30*time.Second)
		synctest.Wait()
		if s := b.beat.show(); s.Alive || time.Duration(s.Age) < beatLimit || beats.Load() != 22 {
			t.Errorf("of a disk that hangs it says %+v after %d beats", s, beats.Load())
		}
		if p := b.beatProblems(); len(p) != 1 || !strings.Contains(p[0].Text, "has not answered for 2m30s") {
			t.Errorf("problems are %+v", p)
		}
		hanging.Store(false)
		close(hang) // the controller has been reset
		time.Sleep(time.Second)
		synctest.Wait()
		if s := b.beat.show(); !s.Alive {
			t.Errorf("of a disk that answers again it says %+v", s)
		}
		cancel()
		<-done
	})
}

func TestDiskThatRefusesIsAliveWithAProblem(t *testing.T) {
	var b Box
	b.beat.answered(errors.New("no space left on device"))
	if s := b.beat.show(); !s.Alive {
		t.Errorf("it is %+v: a restart would not help", s)
	}
	if p := b.beatProblems(); len(p) != 1 || !strings.Contains(p[0].Text, "takes nothing: no space left on device") {
		t.Errorf("problems are %+v", p)
	}
}

func TestPanelStatusHasTheBeatOfTheStore(t *testing.T) {
	d, _ := panelDesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.RunBeat(ctx) }()
	for end := time.Now().Add(20 * time.Second); d.beat.show() == nil && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if s := must[PanelStatus](d, by("ann"), "panel.status", args{}); s.Store == nil || !s.Store.Alive || s.Store.Problem != "" {
		t.Errorf("the store is %+v", s.Store)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
