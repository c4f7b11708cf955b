// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"fmt"
	"time"
)

// A Kind is what programs tell errors by.
type Kind string

// The kinds of an [Error].
const (
	Denied      Kind = "auth.denied"     // name, password or code is wrong
	CodeNeeded  Kind = "auth.totp"       // the password is right; a code is needed too
	Throttled   Kind = "auth.throttled"  // too many failed attempts; Retry says how long
	Busy        Kind = "auth.busy"       // too many attempts at this moment
	NoSession   Kind = "auth.session"    // no such session or token, or no longer
	NotFound    Kind = "not_found"       // no such user, token or session
	Exists      Kind = "auth.exists"     // the name is taken
	LastAdmin   Kind = "auth.last_admin" // there must be an admin
	Invalid     Kind = "params.invalid"  // a name, password or the like breaks its rule
	Full        Kind = "auth.limit"      // there are as many as may be
	SetUp       Kind = "auth.set_up"     // there is an admin already
	Exceeds     Kind = "auth.exceeds"    // more than the creator may do
	WrongMoment Kind = "auth.state"      // such as a confirm without a begin
)

// ErrClosed is what changes get after [Auth.Close].
var ErrClosed = errors.New("this engine has handed the users over: ask the new one")

// An Error says why something was refused. Its text holds no secret.
type Error struct {
	Kind  Kind
	Msg   string        // for people: what is wrong and what would be right
	Retry time.Duration // of Throttled and Busy: when to try again
}

// Error returns Msg.
func (e *Error) Error() string { return e.Msg }

func errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// is says whether err is an Error of that kind.
func is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// denied is the one answer to all that is wrong with a login: it does not say what.
func denied() *Error { return errorf(Denied, "the name, the password or the code is wrong") }

func noSession() *Error {
	return errorf(NoSession, "the session has ended, or the token is not valid: log in again")
}

// retryIn words a wait, in whole seconds rounded up.
func retryIn(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}
