// SPDX-License-Identifier: Apache-2.0

package certs

import "time"

// An Expiry says how urgent the end of a certificate is. Later ones are worse.
type Expiry uint8

// The thresholds are parts of the certificate's own life, so that a certificate
// of 47 days is not reported for most of its life; for long-lived ones they are
// capped, so that ten years do not give three years of warnings. With 90 days
// of life both come to the same: 30, 9 and 3 days.
const (
	Valid       Expiry = iota
	NotYetValid        // its first day has not come
	Expiring           // less than 1/3 of its life is left, and less than 30 days
	Critical           // less than 1/10, and less than 10 days
	Imminent           // less than 1/30, and less than 3 days
	Expired
)

var expiryNames = [...]string{"valid", "not_yet_valid", "expiring", "critical", "imminent", "expired"}

func (e Expiry) String() string { return expiryNames[e] }

// MarshalText returns the name that String gives.
func (e Expiry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

const dayLong = 24 * time.Hour

var expirySteps = [...]struct {
	state Expiry
	part  time.Duration // of the life
	limit time.Duration
}{
	{Imminent, 30, 3 * dayLong},
	{Critical, 10, 10 * dayLong},
	{Expiring, 3, 30 * dayLong},
}

// ExpiryOf judges a certificate that is valid from notBefore to notAfter.
func ExpiryOf(notBefore, notAfter, now time.Time) Expiry {
	if now.After(notAfter) {
		return Expired
	}
	life, left := notAfter.Sub(notBefore), notAfter.Sub(now)
	for _, s := range expirySteps {
		if left < min(life/s.part, s.limit) {
			return s.state
		}
	}
	if now.Before(notBefore) {
		return NotYetValid
	}
	return Valid
}
