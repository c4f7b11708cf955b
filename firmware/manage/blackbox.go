// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/blackbox"
	"evener/firmware/event"
	"evener/firmware/stats"
)

type blackBoxParams struct {
	Crash  int `json:"crash,omitempty" doc:"0: what is recorded now; 1: the last crash, 2 and 3: those before it"`
	Frames int `json:"frames,omitempty" doc:"at most, the newest; 600"`
}

// A BlackBox is what was recorded of the last minutes, or of those before a crash.
type BlackBox struct {
	Frames  []blackbox.Frame `json:"frames" doc:"the oldest first"`
	Damaged int              `json:"damaged,omitempty" doc:"frames that a loss of power has torn"`
	Crashed bool             `json:"crashed" doc:"the recording has no end: that of a crash, or the one that goes on now"`
	Crashes []time.Time      `json:"crashes" doc:"when the crashes were whose recordings are kept, the latest first"`
}

var errNoBlackBox = api.Errorf(api.CodeFailed, "blackbox.none", "this box records nothing")

func (b *Box) addBlackBox(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "blackbox.read", Purpose: "Shows what was recorded of the last minutes, or of those before a crash.",
		Role: api.Viewer}, b.readBlackBox)
}

func (b *Box) readBlackBox(_ context.Context, _ api.Call, p blackBoxParams) (BlackBox, error) {
	if b.cfg.BlackBox == "" {
		return BlackBox{}, errNoBlackBox
	}
	if p.Crash < 0 || p.Frames < 0 {
		return BlackBox{}, api.Errorf(api.CodeParams, "params", "crash and frames must not be negative")
	}
	return ReadBlackBox(b.cfg.BlackBox, p.Crash, p.Frames)
}

// ReadBlackBox reads the recording of the file called name, or of the crash'th crash
// before it, counted from 1. It needs no engine. most is how many frames to return
// at most; 0 is 600.
func ReadBlackBox(name string, crash, most int) (BlackBox, error) {
	out := BlackBox{Frames: []blackbox.Frame{}, Crashes: []time.Time{}}
	for n := 0; ; n++ {
		r, err := blackbox.Read(blackbox.CrashFile(name, n))
		if err != nil {
			break // there are no more
		}
		if k := len(r.Frames); k > 0 {
			out.Crashes = append(out.Crashes, r.Frames[k-1].Time)
		}
	}
	if crash > 0 {
		name = blackbox.CrashFile(name, crash-1)
	}
	r, err := blackbox.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return out, api.Errorf(api.CodeNotFound, "not_found", "there is no such recording; %d of crashes are kept", len(out.Crashes))
	} else if err != nil {
		return out, err
	}
	if most == 0 {
		most = 600
	}
	out.Frames = append(out.Frames, r.Frames[max(0, len(r.Frames)-most):]...)
	out.Damaged, out.Crashed = r.Damaged, r.Crashed()
	return out, nil
}

// RunBlackBox records events, and once a second a few counters, until ctx ends.
func (b *Box) RunBlackBox(ctx context.Context) error {
	if b.cfg.BlackBox == "" {
		<-ctx.Done()
		return nil
	}
	rec, crashed := b.openBlackBox(ctx)
	if rec == nil {
		<-ctx.Done() // the box serves without one
		return nil
	}
	if crashed {
		b.log.Warn("engine crashed before; what it recorded is kept", "file", blackbox.CrashFile(b.cfg.BlackBox, 0))
	}
	rec.Add(blackbox.Frame{Start: &blackbox.Start{Version: b.cfg.Version, PID: os.Getpid(), Revision: b.cfg.Store.Running().Number}})
	var wg sync.WaitGroup
	wg.Go(func() { b.follow("black box", rec.Run(ctx)) })
	wg.Go(func() { b.recordEvents(ctx, rec) })
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-tick.C:
			s := b.second(now)
			rec.Add(blackbox.Frame{Time: now, Second: &s})
		}
	}
	wg.Wait()
	return rec.Close("the engine ended, or was replaced")
}

// openBlackBox waits until the engine before this one has ended its recording.
func (b *Box) openBlackBox(ctx context.Context) (rec *blackbox.Recorder, crashed bool) {
	for {
		rec, crashed, err := blackbox.Open(b.cfg.BlackBox, blackbox.Config{}, b.log)
		if err == nil {
			return rec, crashed
		}
		if !errors.Is(err, blackbox.ErrLocked) {
			b.log.Error("black box not opened", "err", err)
			return nil, crashed
		}
		select {
		case <-ctx.Done():
			return nil, false
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (b *Box) recordEvents(ctx context.Context, rec *blackbox.Recorder) {
	if b.cfg.Events == nil {
		return
	}
	b.follow("black box", b.cfg.Events.Follow(ctx, b.cfg.Events.Last(), func(batch event.Batch) error {
		for _, e := range batch.Events {
			rec.Add(blackbox.Frame{Time: e.Time, Event: &blackbox.Event{Kind: string(e.Kind), Severity: e.Severity.String(), Object: e.Object, Text: e.Text}})
		}
		return nil
	}))
}

// second gathers what is recorded of the second that has just ended.
func (b *Box) second(now time.Time) blackbox.Second {
	s := blackbox.Second{Heap: heapInUse(), Goroutines: runtime.NumGoroutine()}
	if b.cfg.History == nil {
		return s
	}
	engine := stats.Series{Kind: stats.EngineKind}
	s.Requests, s.Errors, s.Connections = b.newestKnown(engine, "requests", now), b.newestKnown(engine, "errors", now), b.newestKnown(engine, "connections", now)
	s.Busy = b.newestKnown(engine, "busy", now)
	cfg := b.cfg.Balancer.Config()
	if cfg == nil {
		return s
	}
	for _, c := range cfg.Clusters {
		o := stats.Series{Kind: stats.ClusterKind, Name: c.Name}
		k := blackbox.Cluster{Name: c.Name, Requests: b.newestKnown(o, "requests", now), Errors: b.newestKnown(o, "errors", now),
			Connections: b.newestKnown(o, "connections", now)}
		if k.Requests != 0 || k.Errors != 0 || k.Connections != 0 {
			s.Clusters = append(s.Clusters, k)
		}
	}
	slices.SortFunc(s.Clusters, func(a, b blackbox.Cluster) int {
		return cmp.Compare(b.Requests+b.Connections, a.Requests+a.Connections)
	})
	return s
}

// newestKnown returns the latest value of a metric, 0 if there is none.
func (b *Box) newestKnown(o stats.Series, metric string, now time.Time) float64 {
	o.Metric = metric
	v := b.newest(o, now)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return math.Round(v*1000) / 1000
}
