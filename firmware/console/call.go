// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"time"

	"evener/firmware/api"
)

// How long a call may take.
const (
	quick = 10 * time.Second // of what only reads or answers at once
	probe = 4 * time.Second  // of an engine of which it is not known that it answers
	work  = time.Minute      // of what changes something
	slow  = 2 * time.Minute  // of what holds the engine
)

func (s *session) engine(method string, params, result any) error {
	limit := quick
	if s.box.silent != nil {
		limit = probe
	}
	return s.wait(limit, func(ctx context.Context) error { return s.cfg.Engine.Call(ctx, method, nonNil(params), result) })
}

// errUnsure is what a change ends with that has taken too long. The engine has it, so
// nobody else must do it too.
var errUnsure = errors.New("it is not known whether it was done: the engine takes too long")

// change has the engine change something. An error that is silent says that the engine
// did not get it.
func (s *session) change(method string, params, result any) error {
	err := s.wait(quick, func(ctx context.Context) error { return s.cfg.Engine.Call(ctx, "sys.info", struct{}{}, nil) })
	if silent(err) || s.over(err) {
		return err
	}
	return s.wait(work, func(ctx context.Context) error {
		err := s.cfg.Engine.Call(ctx, method, nonNil(params), result)
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return errUnsure
		}
		return err
	})
}

func (s *session) supervisor(method string, params, result any) error {
	return s.wait(slow, func(ctx context.Context) error { return s.cfg.Supervisor.Call(ctx, method, nonNil(params), result) })
}

func nonNil(params any) any {
	if params == nil {
		return struct{}{}
	}
	return params
}

// silent reports whether err says that a part of the box does not answer.
func silent(err error) bool {
	return err != nil && (errors.Is(err, context.DeadlineExceeded) || api.AsError(err).Kind == "unreachable")
}

// either asks the engine, and the supervisor for another method if that does not
// answer. instead may be "": nothing stands in.
func (s *session) either(method string, params, result any, instead string, others, other any) (byEngine bool, err error) {
	return s.otherwise(s.engine(method, params, result), instead, others, other)
}

// eitherChanges is either for a method that changes something.
func (s *session) eitherChanges(method string, params, result any, instead string, others, other any) (byEngine bool, err error) {
	return s.otherwise(s.change(method, params, result), instead, others, other)
}

// otherwise has the supervisor do what the engine did not get.
func (s *session) otherwise(err error, instead string, others, other any) (byEngine bool, _ error) {
	switch {
	case !silent(err):
		return true, err
	case instead == "":
		return false, errNeedsEngine
	}
	s.say("The engine does not answer; the supervisor does it.")
	return false, s.supervisor(instead, others, other)
}

var errNeedsEngine = errors.New("this needs the engine, which does not answer: look at Status, restart the engine, or restore a configuration")
