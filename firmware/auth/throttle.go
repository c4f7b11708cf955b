// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	freeFailures = 5                // the delay begins with this one
	firstDelay   = time.Second      // and doubles
	longestDelay = 15 * time.Minute // up to this
	forgetAfter  = time.Hour        // without a failure
	maxThrottles = 4096             // addresses, and as many names
)

// guesses counts failed attempts of one who guesses.
type guesses struct {
	failures int
	last     time.Duration // when the last one began
	until    time.Duration // no attempt before
}

// wait returns how long until the next attempt may begin.
func (g *guesses) wait(now time.Duration) time.Duration { return max(0, g.until-now) }

// take begins an attempt, unless it must wait. It counts as failed until giveBack.
func (g *guesses) take(now time.Duration) time.Duration {
	if w := g.wait(now); w > 0 {
		return w
	}
	if now-g.last >= forgetAfter {
		g.failures = 0
	}
	g.failures++
	g.last, g.until = now, now+delay(g.failures)
	return 0
}

// giveBack makes an attempt not count.
func (g *guesses) giveBack() {
	g.failures = max(0, g.failures-1)
	g.until = min(g.until, g.last+delay(g.failures))
}

// delay returns how long to wait after so many failures.
func delay(failures int) time.Duration {
	if failures < freeFailures {
		return 0
	}
	return min(longestDelay, firstDelay<<min(failures-freeFailures, 20))
}

// A throttle counts failures by address and by name.
type throttle struct {
	addresses table
	names     table          // lower case; of users that do not exist too
	failed    map[string]int // by user's id: since the last login
}

func (t *throttle) init() {
	t.addresses, t.names, t.failed = make(table), make(table), make(map[string]int)
}

func (t *throttle) sweep(now time.Duration) {
	t.addresses.sweep(now)
	t.names.sweep(now)
}

// A table has the guesses of at most maxThrottles keys.
type table map[string]*entry

type entry struct {
	guesses
	user  string // whose name was tried, where it was one; by id or ""
	mixed bool   // more than one
}

func (t table) sweep(now time.Duration) {
	maps.DeleteFunc(t, func(_ string, e *entry) bool { return now-e.last >= forgetAfter })
}

// get returns the entry of key, a new one if there is none. For that the oldest goes:
// if any is not held now, the oldest of those.
func (t table) get(key string, now time.Duration) *entry {
	e := t[key]
	if e != nil {
		return e
	}
	if len(t) >= maxThrottles {
		oldest, free := "", false
		for k, x := range t {
			idle := x.wait(now) == 0
			if o := t[oldest]; o == nil || idle && !free || idle == free && x.last < o.last {
				oldest, free = k, idle
			}
		}
		delete(t, oldest)
	}
	e = &entry{}
	t[key] = e
	return e
}

// giveBack makes an attempt of key not count. What counts nothing takes no place.
func (t table) giveBack(key string, e *entry) {
	e.giveBack()
	if e.failures == 0 && t[key] == e {
		delete(t, key)
	}
}

// A ticket is an attempt that was admitted.
type ticket struct {
	address, name       *entry
	addressKey, nameKey string
}

// admit lets an attempt from remote to come in as name begin, or says how long it must
// wait. An empty name, and one that known addresses try, has no throttle.
func (a *Auth) admit(remote, name string, known bool) (ticket, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.Elapsed()
	key := strings.ToLower(name)
	addr := addressKey(remote)
	byName := name != "" && !known
	wait := time.Duration(0)
	if e := a.throttle.addresses[addr]; e != nil {
		wait = e.wait(now)
	}
	if e := a.throttle.names[key]; e != nil && byName {
		wait = max(wait, e.wait(now))
	}
	if wait > 0 {
		return ticket{}, throttled(wait)
	}
	a.changed.throttle = true
	t := ticket{address: a.throttle.addresses.get(addr, now), addressKey: addr, nameKey: key}
	t.address.take(now)
	switch {
	case t.address.failures == 1:
		t.address.user, t.address.mixed = key, false
	case t.address.user != key:
		t.address.mixed = true
	}
	if byName {
		t.name = a.throttle.names.get(key, now)
		t.name.take(now)
	}
	return t, nil
}

func throttled(wait time.Duration) error {
	e := errorf(Throttled, "too many attempts have failed: try again in %v", retryIn(wait))
	e.Retry = wait
	return e
}

// undo makes an attempt not count.
func (a *Auth) undo(t ticket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.throttle.addresses.giveBack(t.addressKey, t.address)
	if t.name != nil {
		a.throttle.names.giveBack(t.nameKey, t.name)
	}
}

// succeeded forgets the failures before a login of the user with an id. Those of an
// address that tried other names too stay: else whoever has a user of their own could
// guess the others' passwords without a delay.
func (a *Auth) succeeded(t ticket, user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t.address.giveBack()
	if !t.address.mixed {
		t.address.guesses = guesses{last: t.address.last}
	}
	if t.name != nil {
		t.name.guesses = guesses{last: t.name.last}
	}
	delete(a.throttle.failed, user)
	a.changed.throttle = true
}

// unknownAddress stands for all who come from no address that can be read.
const unknownAddress = "unknown"

// addressKey returns what an address is counted as: itself, or the /64 of IPv6.
func addressKey(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
	addr := ap.Addr()
	if err != nil {
		if addr, err = netip.ParseAddr(remote); err != nil {
			return unknownAddress
		}
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return unknownAddress
	}
	return p.String()
}

// A Throttle is an address or name that has failed lately.
type Throttle struct {
	Kind     string // address or user
	Key      string // such as 192.0.2.1, 2001:db8::/64, or a name
	Failures int
	Last     time.Time
	Until    time.Time // no attempt before; zero: at any time
}

// Throttles lists who has failed lately, those held longest first.
func (a *Auth) Throttles() []Throttle {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, wall, users := a.cfg.Elapsed(), a.wall(), a.users.Load()
	out := []Throttle{}
	list := func(kind, key string, e *entry) {
		if e.failures == 0 {
			return
		}
		t := Throttle{Kind: kind, Key: key, Failures: e.failures, Last: wall.Add(e.last - now).Truncate(time.Second)}
		if w := e.wait(now); w > 0 {
			t.Until = wall.Add(w)
		}
		out = append(out, t)
	}
	for key, e := range a.throttle.addresses {
		list("address", key, e)
	}
	for key, e := range a.throttle.names {
		if users.user(key) != nil { // others may be passwords in the wrong field
			list("user", key, e)
		}
	}
	slices.SortFunc(out, func(x, y Throttle) int {
		if c := y.Until.Compare(x.Until); c != 0 {
			return c
		}
		return strings.Compare(x.Kind+x.Key, y.Kind+y.Key)
	})
	return out
}

// ClearThrottle forgets the failures of an address or a user's name, or ("") of all. It
// returns how many were forgotten.
func (a *Auth) ClearThrottle(key string) (n int) {
	key = strings.ToLower(key)
	addr := key
	if p, err := netip.ParsePrefix(key); err == nil {
		addr = p.Addr().String()
	}
	a.mu.Lock()
	before := a.throttle
	for _, t := range []table{before.addresses, before.names} {
		maps.DeleteFunc(t, func(k string, e *entry) bool {
			gone := key == "" || k == key || k == addressKey(addr)
			if gone && e.failures > 0 {
				n++
			}
			return gone
		})
	}
	a.changed.throttle = true
	a.mu.Unlock()
	return n
}
