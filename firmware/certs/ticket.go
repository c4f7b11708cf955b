// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"time"
)

// TicketSecretLen is the number of bytes of a secret for [NewTicketKeys].
const TicketSecretLen = 32

const (
	defaultTicketPeriod = 24 * time.Hour
	minTicketPeriod     = time.Minute
	ticketEpochs        = 3 // whose tickets are accepted: the current one and two before
)

// TicketKeys are the keys that session tickets are encrypted with (RFC 5077, RFC
// 8446 section 4.6.1). Time is cut into epochs; each has a key of its own:
//
//	epoch n  =  Unix time / period
//	key n    =  HKDF-SHA-256(secret, info = "evener session ticket" | scope | 0 | n)
//
// so boxes with the same secret agree on every key without talking, and a
// session that began on one is resumed on the other.
//
//	            n-2      n-1       n       n+1
//	        |--------|--------|---now---|--------|
//	issued                      here
//	taken       yes      yes     yes      yes
//
// A ticket is good for two to three periods; then a full handshake is due. The
// key of the next epoch is taken already, so that a box whose clock is behind
// understands its peer.
//
// The secret must change now and then: whoever learns it can decrypt recorded
// TLS 1.2 sessions that had tickets, however old. TLS 1.3 sessions stay safe,
// since each does a key exchange of its own.
type TicketKeys struct {
	secret [TicketSecretLen]byte
	scope  string
	period time.Duration
}

// TicketConfig says how tickets are made.
type TicketConfig struct {
	// Scope keeps tickets of one listener from being taken by another, whose
	// rules for client certificates may differ. Listeners that are alike may
	// share one. It must be the same on both boxes.
	Scope string

	Period time.Duration // 24h; whole seconds, at least a minute, the same on both boxes
}

// NewTicketKeys makes keys from a shared secret of [TicketSecretLen] random
// bytes.
func NewTicketKeys(secret []byte, cfg TicketConfig) (*TicketKeys, error) {
	if len(secret) != TicketSecretLen {
		return nil, fmt.Errorf("the secret of session tickets has %d bytes, not %d", len(secret), TicketSecretLen)
	}
	if cfg.Period == 0 {
		cfg.Period = defaultTicketPeriod
	}
	if cfg.Period < minTicketPeriod || cfg.Period%time.Second != 0 {
		return nil, fmt.Errorf("keys of session tickets must last whole seconds, %v or longer, not %v",
			minTicketPeriod, cfg.Period)
	}
	return &TicketKeys{secret: [TicketSecretLen]byte(secret), scope: cfg.Scope, period: cfg.Period}, nil
}

// Apply gives the keys of this time to a configuration, which may be in use:
// handshakes from now on have the new keys.
func (t *TicketKeys) Apply(c *tls.Config, now time.Time) { c.SetSessionTicketKeys(t.Keys(now)) }

// Keys returns the keys that are valid at the time now, the one that encrypts
// first, as tls.Config.SetSessionTicketKeys wants them.
func (t *TicketKeys) Keys(now time.Time) [][32]byte {
	n := t.epoch(now)
	keys := make([][32]byte, 0, ticketEpochs+1)
	for back := range int64(ticketEpochs) {
		keys = append(keys, t.key(n-back))
	}
	return append(keys, t.key(n+1))
}

// Next returns when [TicketKeys.Keys] will change. Who keeps time by a clock
// that may jump asks again now and then.
func (t *TicketKeys) Next(now time.Time) time.Time {
	return time.Unix((t.epoch(now)+1)*int64(t.period/time.Second), 0)
}

// epoch works on whole seconds, which reach further than time.Duration.
func (t *TicketKeys) epoch(now time.Time) int64 {
	period := int64(t.period / time.Second)
	n := now.Unix() / period
	if now.Unix()%period < 0 {
		n-- // before 1970: round down there too
	}
	return n
}

func (t *TicketKeys) key(epoch int64) [32]byte {
	info := binary.BigEndian.AppendUint64([]byte("evener session ticket"+t.scope+"\x00"), uint64(epoch))
	b, err := hkdf.Key(sha256.New, t.secret[:], nil, string(info), 32)
	if err != nil {
		panic("certs: HKDF of 32 bytes: " + err.Error()) // only a length above 8160 fails
	}
	return [32]byte(b)
}

// String shows no key.
func (t *TicketKeys) String() string { return "ticket keys of " + t.scope }

// GoString shows no key.
func (t *TicketKeys) GoString() string { return t.String() }
