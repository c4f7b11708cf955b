// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"sync"
	"time"
)

// Of all feeds of a registry.
const (
	maxFeeds   = 1024            // with subscribers
	maxIdle    = 64              // without, kept for subscribers that come back
	maxIdleFor = 2 * time.Minute // and for so long
)

// feeds holds the feeds of all topics of a registry.
type feeds struct {
	log   *slog.Logger
	epoch string    // of logs: their sources number the entries
	since time.Time // when the ticks of all began

	mu    sync.Mutex // guards what follows, and the feeds' fields that say so
	byKey map[string]*feed
}

func newFeeds(log *slog.Logger) *feeds {
	return &feeds{log: log, epoch: rand.Text()[:12], since: time.Now(), byKey: make(map[string]*feed)}
}

// open returns a view of t's feed for c and these parameters, which are an object
// of t's schema. The view stands nowhere yet. Give it back with close.
func (fs *feeds) open(ctx context.Context, t *Topic, c Call, params json.RawMessage, wake func()) (*view, *Error) {
	if !t.Private && !t.Open {
		c = Call{Role: c.Role, Scope: c.Scope}
	}
	src, canonical, e := t.source(c, params)
	if e != nil {
		return nil, e
	}
	who, err := json.Marshal(c)
	if err != nil {
		return nil, AsError(err)
	}
	v := &view{wake: wake}
	fs.mu.Lock()
	key := t.Name + string(canonical) + string(who)
	if v.feed, e = fs.get(t, key, src); e != nil {
		fs.mu.Unlock()
		return nil, e
	}
	ready := fs.use(v.feed)
	fs.mu.Unlock()
	v.feed.mu.Lock()
	v.feed.views[v] = true
	v.feed.mu.Unlock()
	select {
	case <-ready:
	case <-ctx.Done():
		fs.close(v)
		return nil, AsError(ctx.Err())
	}
	v.feed.mu.Lock()
	e = v.feed.err
	v.feed.mu.Unlock()
	if e == nil {
		e = AsError(v.feed.recall(ctx, fs.log))
	}
	if e != nil {
		fs.close(v)
		return nil, e
	}
	return v, nil
}

// get returns the feed called key. The caller has fs.mu.
func (fs *feeds) get(t *Topic, key string, src source) (*feed, *Error) {
	if f := fs.byKey[key]; f != nil {
		return f, nil
	}
	fs.forget(time.Now().Add(-maxIdleFor), maxIdle)
	if len(fs.byKey) >= maxFeeds+maxIdle {
		return nil, Errorf(CodeTooMany, "too_many.feeds", "%d different topics are followed already: close some", maxFeeds)
	}
	f := &feed{topic: t, key: key, src: src, epoch: rand.Text()[:12], since: fs.since, poke: make(chan struct{}, 1),
		done: make(chan struct{}), views: make(map[*view]bool)}
	if t.Class == Log {
		f.epoch = fs.epoch
	}
	close(f.done)
	fs.byKey[key] = f
	return f, nil
}

// use counts a subscriber of f and starts its goroutine for the first one. It
// returns the channel that is closed when there is something to show. The caller
// has fs.mu.
func (fs *feeds) use(f *feed) <-chan struct{} {
	f.users++
	if f.users > 1 {
		return f.ready
	}
	ctx, cancel := context.WithCancel(context.Background())
	before, ready, done := f.done, make(chan struct{}), make(chan struct{})
	f.stop, f.ready, f.done = cancel, ready, done
	go func() {
		<-before // the run that is just ending
		f.run(ctx, fs.log, ready, done)
	}()
	return ready
}

// close takes v's subscriber away. The goroutine of a feed that has none left has
// ended when close returns.
func (fs *feeds) close(v *view) {
	f := v.feed
	f.mu.Lock()
	delete(f.views, v)
	failed := f.err != nil
	f.mu.Unlock()
	fs.mu.Lock()
	f.users--
	done := f.done
	if failed && fs.byKey[f.key] == f {
		delete(fs.byKey, f.key)
	}
	if f.users > 0 {
		fs.mu.Unlock()
		return
	}
	f.stop()
	f.idle = time.Now()
	fs.mu.Unlock()
	<-done
}

// forget drops the feeds without subscribers that have been idle since before a
// time, and of the others the oldest, until most are left. The caller has fs.mu.
func (fs *feeds) forget(before time.Time, most int) {
	for {
		var oldest *feed
		idle := 0
		for _, f := range fs.byKey {
			if f.users > 0 {
				continue
			}
			idle++
			if oldest == nil || f.idle.Before(oldest.idle) {
				oldest = f
			}
		}
		if oldest == nil || idle < most && !oldest.idle.Before(before) {
			return
		}
		delete(fs.byKey, oldest.key)
	}
}

// changed pokes the feeds of t.
func (fs *feeds) changed(t *Topic) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.byKey {
		if f.topic == t && f.users > 0 {
			f.changed()
		}
	}
}
