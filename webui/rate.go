// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// A rate allows burst things at once, and so many a second in the long run.
type rate struct {
	perSecond, burst float64
}

var (
	rateRequests = rate{50, 200} // HTTP requests of the API from one address
	rateLogins   = rate{2, 10}   // of those, logins: each costs the engine a password hash
	rateSockets  = rate{5, 20}   // WebSockets opened from one address
	rateMessages = rate{50, 200} // messages over all WebSockets of one session
	rateUnknown  = rate{5, 40}   // of one address without a session
)

// maxBuckets is how many keys a limiter tells apart. Beyond it new ones share
// one bucket, so that made-up keys cost no memory.
const maxBuckets = 4096

// A limiter counts events by key with token buckets.
type limiter struct {
	rate rate

	mu      sync.Mutex // guards buckets
	buckets map[string]*bucket
}

// A bucket is empty at its rate's burst: level is what has been used up, as of
// the time at.
type bucket struct {
	level float64
	at    time.Time
}

func newLimiter(r rate) *limiter { return &limiter{rate: r, buckets: make(map[string]*bucket)} }

// take counts one event of key and returns 0, or how long key has to wait for the
// next one, which is then not counted.
func (l *limiter) take(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	b := l.bucket(key, now)
	b.level = max(0, b.level-now.Sub(b.at).Seconds()*l.rate.perSecond)
	b.at = now
	if over := b.level + 1 - l.rate.burst; over > 0 {
		return max(time.Duration(over/l.rate.perSecond*float64(time.Second)), time.Millisecond)
	}
	b.level++
	return 0
}

// bucket returns the bucket of key; l is locked.
func (l *limiter) bucket(key string, now time.Time) *bucket {
	if b := l.buckets[key]; b != nil {
		return b
	}
	if len(l.buckets) >= maxBuckets {
		idle := time.Duration(l.rate.burst / l.rate.perSecond * float64(time.Second))
		for k, b := range l.buckets {
			if now.Sub(b.at) >= idle {
				delete(l.buckets, k)
			}
		}
	}
	if len(l.buckets) >= maxBuckets {
		key = "" // shared
		if b := l.buckets[key]; b != nil {
			return b
		}
	}
	b := &bucket{at: now}
	l.buckets[key] = b
	return b
}

// wait counts one event of key when it may happen.
func (l *limiter) wait(ctx context.Context, key string) error {
	for {
		d := l.take(key)
		if d == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
		}
	}
}

// addrKey returns the name under which an address is counted: an IPv6 host has a
// whole /64 to choose from.
func addrKey(a netip.Addr) string {
	if a.Is6() {
		p, _ := a.Prefix(64) // cannot fail for IPv6
		return p.String()
	}
	return a.String()
}
