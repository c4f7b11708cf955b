// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"slices"
	"time"
)

// Times of keys.
const (
	longPress   = 700 * time.Millisecond // a short press is over before
	repeatAfter = 600 * time.Millisecond
	repeatEvery = 150 * time.Millisecond
	stuckAfter  = time.Minute // nobody holds a key for so long
)

// A keypad makes presses of what the keys report: it repeats those that are held,
// and gives long presses the meaning of keys that the panel lacks.
type keypad struct {
	has      [keyCount]bool
	releases bool
	held     [keyCount]held
}

// held is a key that is down.
type held struct {
	down  bool
	since time.Time
	next  time.Time // of the next repetition; zero: none
	fired bool      // the long press has been told
	spent bool      // nothing of this press counts any more
}

// fit makes k that of a display.
func (k *keypad) fit(d Display) {
	var has [keyCount]bool
	for _, key := range d.Keys {
		if int(key) < keyCount {
			has[key] = true
		}
	}
	if has != k.has || k.releases != d.Releases {
		*k = keypad{has: has, releases: d.Releases}
	}
}

// long returns what a long press of key means, and whether it means anything.
func (k *keypad) long(key Key) (Key, bool) {
	switch {
	case !k.releases:
	case key == Enter && !k.has[Escape]:
		return Escape, true
	case key == Down && !k.has[Up]:
		return Up, true
	}
	return 0, false
}

// event takes what a key reports and returns the presses that it makes.
func (k *keypad) event(e KeyEvent, now time.Time) []Key {
	if int(e.Key) >= keyCount {
		return nil
	}
	h := &k.held[e.Key]
	_, twofold := k.long(e.Key)
	switch {
	case e.Down && h.down: // the display repeats by itself, or a release was lost
		return nil
	case e.Down:
		*h = held{down: true, since: now}
		if twofold {
			return nil
		}
		if e.Key != Enter && e.Key != Escape {
			h.next = now.Add(repeatAfter)
		}
		return []Key{e.Key}
	}
	was := *h
	*h = held{}
	if was.down && twofold && !was.fired && !was.spent {
		return []Key{e.Key}
	}
	return nil
}

// tick returns the presses that time makes. Where holding is set, Enter is held for
// its own sake.
func (k *keypad) tick(now time.Time, holding bool) (out []Key) {
	for i := range k.held {
		h, key := &k.held[i], Key(i)
		if !h.down || h.spent || now.Sub(h.since) >= stuckAfter {
			continue
		}
		if long, twofold := k.long(key); twofold && !h.fired && now.Sub(h.since) >= longPress && (!holding || key != Enter) {
			h.fired = true
			out = append(out, long)
		}
		if !h.next.IsZero() && !now.Before(h.next) {
			h.next = now.Add(repeatEvery)
			out = append(out, key)
		}
	}
	return out
}

// heldFor returns how long key has been down, in a press that is not spent.
func (k *keypad) heldFor(key Key, now time.Time) time.Duration {
	h := k.held[key]
	if !h.down || h.spent {
		return 0
	}
	return now.Sub(h.since)
}

// spend makes nothing more of the press of key that is under way.
func (k *keypad) spend(key Key) { k.held[key].spent = true }

// active reports whether time makes a difference now.
func (k *keypad) active() bool {
	return slices.ContainsFunc(k.held[:], func(h held) bool { return h.down })
}

// stuck returns the keys that nobody can be holding.
func (k *keypad) stuck(now time.Time) (out []Key) {
	for i, h := range k.held {
		if h.down && now.Sub(h.since) >= stuckAfter {
			out = append(out, Key(i))
		}
	}
	return out
}
