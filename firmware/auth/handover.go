// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"slices"
	"time"
)

const (
	handoverLife = 5 * time.Minute
	maxHandovers = 64
)

// A handover lets the user of a session in once more, at another address of the
// console. Its token can be used once.
type handover struct {
	hash    digest
	session string // id
	end     time.Duration
}

// Handover returns a token that makes a new session for the user of the session with
// an id, once, within 5 minutes.
func (a *Auth) Handover(id string) (string, error) {
	a.writing.Lock()
	defer a.writing.Unlock()
	token := newSecret()
	hash, _ := parseSecret(token)
	a.mu.Lock()
	x := a.sessions.byID[id]
	if x == nil || a.due(x) != "" {
		a.mu.Unlock()
		return "", noSession()
	}
	now := a.cfg.Elapsed()
	before := a.handovers
	next := slices.DeleteFunc(slices.Clone(before), func(h handover) bool { return h.end <= now })
	if len(next) >= maxHandovers {
		next = next[1:]
	}
	a.handovers = append(next, handover{hash, id, now + handoverLife})
	a.mu.Unlock()
	if err := a.saveSessions(nil); err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.handovers = slices.DeleteFunc(a.handovers, func(h handover) bool { return h.hash == hash })
		return "", err
	}
	return token, nil
}

// UseHandover makes the session that a token of Handover stands for. It ends when the
// session that the token is of would end, at the latest.
func (a *Auth) UseHandover(token, remote, agent string) (Grant, error) {
	hash, ok := parseSecret(token)
	if !ok {
		return Grant{}, noSession()
	}
	a.mu.Lock()
	now := a.cfg.Elapsed()
	i := slices.IndexFunc(a.handovers, func(h handover) bool { return h.hash == hash && h.end > now })
	if i < 0 {
		a.mu.Unlock()
		return Grant{}, noSession()
	}
	h := a.handovers[i]
	x := a.sessions.byID[h.session]
	a.handovers = slices.Delete(slices.Clone(a.handovers), i, i+1)
	a.changed.sessions = true
	if x == nil || a.due(x) != "" {
		a.mu.Unlock()
		return Grant{}, noSession()
	}
	left, user, epoch := x.end-now, x.user, x.epoch
	guesses := x.guesses // else each handover would give free guesses
	a.mu.Unlock()
	u := a.users.Load().byID(user)
	if u == nil || u.Epoch != epoch {
		return Grant{}, noSession()
	}
	g, err := a.grant(u, Attempt{Remote: remote, Agent: agent}, left, guesses)
	if err != nil { // it was not used: the disk has it still
		a.mu.Lock()
		defer a.mu.Unlock()
		a.handovers = append(a.handovers, h)
	}
	return g, err
}
