// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"
)

// What is remembered of calls with a key.
const (
	keepKeys      = 1024             // calls
	keepKeyBytes  = 1 << 20          // bytes of results in all
	keepKeyResult = 256 << 10        // of one; of a longer one only that it was made
	keepKeyFor    = 10 * time.Minute // after the call has ended
)

// keys remembers the results of calls that had a meta.key, so that a client that
// lost its connection may ask again and no call is made twice.
type keys struct {
	mu    sync.Mutex // guards what follows
	made  map[keyOwner]*keyed
	ended []*keyed // the calls that have ended, the oldest first
	size  int      // bytes of their results
}

// A keyOwner is one key of one author.
type keyOwner struct{ author, key string }

// A keyed is one call with a key.
type keyed struct {
	owner  keyOwner
	sum    [sha256.Size]byte // of all that makes it another call
	done   chan struct{}     // closed when it has ended
	at     time.Time         // when it ended
	kept   bool              // the result is good for those who ask again
	result json.RawMessage
	err    *Error
}

// once returns what make does, or has done for the same call before. It waits for
// one that is under way.
func (k *keys) once(ctx context.Context, c Call, key, method string, params json.RawMessage,
	make func() (json.RawMessage, *Error)) (json.RawMessage, *Error) {
	if c.Author == "" {
		return nil, badRequest("a key is remembered for its author: log in first, or leave meta.key out")
	}
	sum, e := sumOf(c, method, params)
	if e != nil {
		return nil, e
	}
	for {
		en, mine, e := k.take(keyOwner{c.Author, key}, sum)
		switch {
		case e != nil:
			return nil, e
		case mine:
			res, e := make()
			k.keep(en, res, e)
			return res, e
		}
		select {
		case <-en.done:
		case <-ctx.Done():
			return nil, Errorf(CodeCancelled, "cancelled", "%s was cancelled", method)
		}
		if en.kept {
			return en.result, en.err
		}
	}
}

// sumOf identifies the call: what is asked, and with whose powers.
func sumOf(c Call, method string, params json.RawMessage) (sum [sha256.Size]byte, e *Error) {
	var v any
	if err := unmarshalNumbers(params, &v); err != nil {
		return sum, AsError(err)
	}
	b, err := json.Marshal([]any{method, v, c.Role, c.Scope})
	if err != nil {
		return sum, AsError(err)
	}
	return sha256.Sum256(b), nil
}

// take returns the call of owner, and whether the caller is to make it.
func (k *keys) take(owner keyOwner, sum [sha256.Size]byte) (en *keyed, mine bool, e *Error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(time.Now().Add(-keepKeyFor), keepKeys, keepKeyBytes)
	if en := k.made[owner]; en != nil {
		if en.sum != sum {
			return nil, false, Errorf(CodeParams, "key.reused", "meta.key %q was used for another call: take a new one", owner.key)
		}
		return en, false, nil
	}
	if k.forget(time.Time{}, keepKeys-1, keepKeyBytes); len(k.made) >= keepKeys {
		return nil, false, Errorf(CodeTooMany, "too_many.keys", "%d calls with a key are in flight: wait for one", keepKeys)
	}
	en = &keyed{owner: owner, sum: sum, done: make(chan struct{})}
	k.made[owner] = en
	return en, true, nil
}

// keep remembers how en has ended. A call that was cancelled may be made anew.
func (k *keys) keep(en *keyed, res json.RawMessage, e *Error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(en.done)
	if e != nil && e.Code == CodeCancelled {
		delete(k.made, en.owner)
		return
	}
	if len(res) > keepKeyResult {
		res, e = nil, Errorf(CodeConflict, "key.spent", "this call was made before; its result was too long to be kept")
	}
	en.kept, en.at, en.result, en.err = true, time.Now(), res, e
	k.ended = append(k.ended, en)
	k.size += len(res)
	k.forget(time.Time{}, keepKeys, keepKeyBytes)
}

// forget drops the calls that ended before a time, and the oldest ones until at
// most so many, and so many bytes, are left. The caller has k.mu.
func (k *keys) forget(before time.Time, most, size int) {
	for len(k.ended) > 0 {
		en := k.ended[0]
		if !en.at.Before(before) && len(k.made) <= most && k.size <= size {
			return
		}
		k.ended[0] = nil
		k.ended = k.ended[1:]
		k.size -= len(en.result)
		delete(k.made, en.owner)
	}
}
