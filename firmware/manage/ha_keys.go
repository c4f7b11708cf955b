// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// A pair of boxes has one set of keys: a cookie or a session ticket that one has
// made is good on the other. They are those of the box whose configuration came
// first; the other takes them over and keeps its own behind them, for the cookies
// that it has made already.

// keysState is where the store has whose keys are in use.
const keysState = "ha.keys"

// A keySet says whose keys a box uses, and how often they were rotated.
type keySet struct {
	Origin string    `json:"origin"` // node that has made them
	Since  time.Time `json:"since"`  // its first revision
	Turn   int       `json:"turn"`   // rotations since, on whatever box
}

// A wireKeys is a set of keys between boxes.
type wireKeys struct {
	keySet
	Keys [][]byte `json:"keys"` // the newest first
}

// mirroredKeys are the names of the keys that boxes share.
var mirroredKeys = []string{keySecret, ticketSecret}

// keySets returns whose keys this box uses, by name of the keys: its own, unless it
// has taken others.
func (b *Box) keySets() (map[string]keySet, error) {
	sets := map[string]keySet{}
	if _, err := b.cfg.Store.Get(keysState, &sets); err != nil {
		return nil, err
	}
	own := keySet{Origin: b.nodeName(), Since: b.firstRevision()}
	changed := false
	for _, name := range mirroredKeys {
		if sets[name].Origin == "" {
			sets[name], changed = own, true
		}
	}
	if !changed || own.Origin == "" {
		return sets, nil
	}
	return sets, b.cfg.Store.Put(keysState, sets)
}

// firstRevision returns when the oldest revision that is known was committed.
func (b *Box) firstRevision() time.Time {
	list := b.cfg.Store.History()
	if len(list) == 0 {
		return time.Now().UTC()
	}
	return list[len(list)-1].Time
}

// keyOrigin returns the node whose cookie keys are in use, "" if they are this
// box's own and nobody else has them.
func (b *Box) keyOrigin() string {
	if b.cfg.Store == nil || !b.anyPaired() {
		return ""
	}
	sets, err := b.keySets()
	if err != nil {
		return ""
	}
	return sets[keySecret].Origin
}

// yields tells whether a box that uses mine is to take theirs.
func (mine wireKeys) yields(theirs wireKeys) bool {
	if mine.Origin == theirs.Origin && mine.Since.Equal(theirs.Since) {
		return cmp.Or(cmp.Compare(theirs.Turn, mine.Turn), bytes.Compare(theirs.Keys[0], mine.Keys[0])) > 0
	}
	return cmp.Or(theirs.Since.Compare(mine.Since), cmp.Compare(theirs.Origin, mine.Origin)) < 0
}

// ownKeys returns the keys called name as this box has them.
func (b *Box) ownKeys(name string) (wireKeys, error) {
	sets, err := b.keySets()
	if err != nil {
		return wireKeys{}, err
	}
	keys, err := b.cfg.Store.Secrets(name)
	return wireKeys{sets[name], keys}, err
}

// keyMirror carries the keys of persistence cookies and session tickets.
func (b *Box) keyMirror() *MirrorTable {
	t := &MirrorTable{Name: "keys"}
	t.Snapshot = func(_ context.Context, yield func(key, value []byte) bool) error {
		for _, name := range mirroredKeys {
			k, err := b.ownKeys(name)
			if err != nil {
				return err
			}
			value, err := json.Marshal(k)
			if err != nil {
				return err
			}
			if !yield([]byte(name), value) {
				break
			}
		}
		return nil
	}
	t.Apply = func(_ string, changes []MirrorChange) error {
		return t.each(changes, func(c MirrorChange) error { return b.takeKeys(string(c.Key), c.Value) })
	}
	return t
}

// takeKeys takes the keys of another box if they are the older ones, or were rotated
// since.
func (b *Box) takeKeys(name string, value []byte) error {
	if name != keySecret && name != ticketSecret {
		return fmt.Errorf("this version shares no keys called %q", name)
	}
	var theirs wireKeys
	if err := json.Unmarshal(value, &theirs); err != nil {
		return fmt.Errorf("read the keys called %s: %w", name, err)
	}
	if len(theirs.Keys) == 0 || theirs.Origin == "" {
		return fmt.Errorf("the keys called %s have no origin, or there are none", name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	mine, err := b.ownKeys(name)
	if err != nil || bytes.Equal(mine.Keys[0], theirs.Keys[0]) && mine.keySet == theirs.keySet || !mine.yields(theirs) {
		return err
	}
	sets, err := b.keySets()
	if err != nil {
		return err
	}
	if err := b.cfg.Store.AdoptSecrets(name, theirs.Keys); err != nil {
		return err
	}
	sets[name] = theirs.keySet
	if err := b.cfg.Store.Put(keysState, sets); err != nil {
		return err
	}
	b.log.Info("keys of another box taken", "keys", name, "node", theirs.Origin, "turn", theirs.Turn)
	return b.useKeys(name)
}

// useKeys serves with the keys called name that the store has now. mu is held.
func (b *Box) useKeys(name string) error {
	if name == ticketSecret {
		secret, err := TicketSecret(b.cfg.Store)
		if err != nil {
			return err
		}
		return b.cfg.Balancer.UseTicketSecret(secret)
	}
	keys, err := CookieKeys(b.cfg.Store)
	if err != nil {
		return err
	}
	return b.cfg.Balancer.UseKeys(keys)
}

// keysRotated tells peers that this box has rotated keys. mu is held.
func (b *Box) keysRotated(name string) error {
	sets, err := b.keySets()
	if err != nil {
		return err
	}
	set := sets[name]
	set.Turn++
	sets[name] = set
	if err := b.cfg.Store.Put(keysState, sets); err != nil {
		return err
	}
	k, err := b.ownKeys(name)
	if err != nil {
		return err
	}
	value, err := json.Marshal(k)
	if err != nil {
		return err
	}
	b.standby.tables.keys.put([]byte(name), value)
	return nil
}
