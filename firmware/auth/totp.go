// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

const (
	recoveryCodes = 10
	beginLife     = 10 * time.Minute // from TOTPBegin to TOTPConfirm
	usedSteps     = 8                // that are remembered
	totpPeriod    = 30 * time.Second // of a code
)

// A begun is a second factor that waits for its first code.
type begun struct {
	secret string
	end    time.Duration
}

// TOTPBegin makes a secret for a user's authenticator app, as text and as the URL that
// apps read from a QR code. Nothing changes until TOTPConfirm.
func (a *Auth) TOTPBegin(name string) (secret, url string, err error) {
	u, err := a.users.Load().named(name)
	if err != nil {
		return "", "", err
	}
	if u.TOTP != nil {
		return "", "", errorf(WrongMoment, "the second factor is on already: turn it off first")
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: a.cfg.Issuer, AccountName: u.Name})
	if err != nil {
		return "", "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun[u.ID] = begun{key.Secret(), a.cfg.Elapsed() + beginLife}
	return key.Secret(), key.URL(), nil
}

// TOTPConfirm turns the second factor of a user on, with a code that the app shows. It
// returns recovery codes, each of which is good in place of one code.
func (a *Auth) TOTPConfirm(name, code string) ([]string, error) {
	u, err := a.users.Load().named(name)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	b, ok := a.begun[u.ID]
	a.mu.Unlock()
	if !ok || a.cfg.Elapsed() >= b.end {
		return nil, errorf(WrongMoment, "begin anew: there is no secret that waits for its first code")
	}
	step := a.step(b.secret, code)
	if step < 0 {
		return nil, errorf(Denied, "the code is wrong: is the app's clock right, and the box's?")
	}
	codes, digests := newRecovery()
	err = a.changeTOTP(name, func(*totpRec) (*totpRec, error) {
		return &totpRec{Secret: b.secret, Used: []int64{step}, Recovery: digests}, nil
	})
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.begun, u.ID)
	a.log.Info("second factor turned on", "user", u.Name)
	return codes, nil
}

// TOTPDisable turns the second factor of a user off, for the user or an admin.
func (a *Auth) TOTPDisable(name string) error {
	err := a.changeTOTP(name, func(t *totpRec) (*totpRec, error) {
		if t == nil {
			return nil, errorf(WrongMoment, "the second factor is off")
		}
		return nil, nil
	})
	if err == nil {
		a.log.Info("second factor turned off", "user", name)
	}
	return err
}

// RecoveryCodes makes new recovery codes for a user; the old ones are void.
func (a *Auth) RecoveryCodes(name string) ([]string, error) {
	codes, digests := newRecovery()
	err := a.changeTOTP(name, func(t *totpRec) (*totpRec, error) {
		if t == nil {
			return nil, errorf(WrongMoment, "the second factor is off: it needs no recovery codes")
		}
		return &totpRec{Secret: t.Secret, Used: t.Used, Recovery: digests}, nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// changeTOTP puts what f returns in place of a user's second factor.
func (a *Auth) changeTOTP(name string, f func(*totpRec) (*totpRec, error)) error {
	return a.changeUsers(func(d *userDoc) error {
		u, err := d.named(name)
		if err != nil {
			return err
		}
		next, err := f(u.TOTP)
		if err != nil {
			return err
		}
		u.TOTP = next
		return nil
	})
}

func newRecovery() (codes []string, digests []digest) {
	for range recoveryCodes {
		c := typedCode()
		codes, digests = append(codes, c), append(digests, digestOf(plainCode(c)))
	}
	return codes, digests
}

// useCode uses up a code of u, who may have no second factor.
func (a *Auth) useCode(u *userRec, code string) error {
	t := u.TOTP
	if t == nil {
		return nil
	}
	if step := a.step(t.Secret, code); step >= 0 {
		if slices.Contains(t.Used, step) {
			return denied() // somebody has looked over the user's shoulder
		}
		used := slices.Insert(slices.Clone(t.Used), 0, step)
		u.TOTP = &totpRec{t.Secret, used[:min(len(used), usedSteps)], t.Recovery}
		return nil
	}
	d, found := digestOf(plainCode(code)), -1
	for i := range t.Recovery {
		if subtle.ConstantTimeCompare(t.Recovery[i][:], d[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return denied()
	}
	u.TOTP = &totpRec{t.Secret, t.Used, slices.Delete(slices.Clone(t.Recovery), found, found+1)}
	return nil
}

// step returns the step of time (RFC 6238) that code is the code of: the present one,
// or that before or after it; -1 if it is none.
func (a *Auth) step(secret, code string) int64 {
	code = strings.ReplaceAll(code, " ", "")
	now := a.cfg.Now()
	found := int64(-1)
	for _, skew := range []time.Duration{0, -totpPeriod, totpPeriod} {
		at := now.Add(skew)
		want, err := totp.GenerateCode(secret, at)
		if err != nil {
			return -1 // the secret is damaged
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && found < 0 {
			found = at.Unix() / int64(totpPeriod/time.Second)
		}
	}
	return found
}
