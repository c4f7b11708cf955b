// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"evener/firmware/api"
	"evener/firmware/audit"
	"evener/firmware/auth"
	"evener/firmware/manage"
	"evener/firmware/recovery"
	"evener/firmware/supervise"
)

// holdLimit is how long the engine is kept stopped for a repair at most.
const holdLimit = 10 * time.Minute

// A recoverer offers package recovery as methods. It sees to it that no engine has
// the state while something is changed, and that the audit log has it.
type recoverer struct {
	state string
	log   *slog.Logger

	// free runs f while no engine runs. why is for people.
	free func(ctx context.Context, why string, f func() error) error

	// alone is free for what must not share the hold of somebody else. If f says that
	// the box starts anew, no engine is started before that.
	alone func(ctx context.Context, why string, f func() (anew bool, err error)) error

	// answers reports whether an engine answers; what it can do itself is refused
	// here then.
	answers func(context.Context) bool

	// renew starts the box anew after a factory reset; nil: nothing runs.
	renew func()

	mu sync.Mutex // one repair at a time
}

// newRecoverer returns the recoverer of a supervisor. What it writes is given to the
// user of the engine, nil for that of the supervisor, before an engine may run again.
func newRecoverer(state string, sup *supervise.Supervisor, renew func(), engine *syscall.Credential, log *slog.Logger) *recoverer {
	give := func() error {
		if engine == nil {
			return nil
		}
		return giveEngine(state, engine)
	}
	return &recoverer{state: state, log: log, renew: renew,
		free: func(ctx context.Context, why string, f func() error) error {
			return held(ctx, sup, why, func() error { return errors.Join(f(), give()) })
		},
		alone: func(ctx context.Context, why string, f func() (bool, error)) error {
			return heldAlone(ctx, sup, why, func() (bool, error) {
				anew, err := f()
				return anew, errors.Join(err, give())
			})
		},
		answers: func(ctx context.Context) bool { return engineAnswers(ctx, state) }}
}

// held runs f while the engine is held. Where somebody holds it already, f shares
// that: the lock of the store keeps an engine from it that is released meanwhile.
func held(ctx context.Context, sup *supervise.Supervisor, why string, f func() error) error {
	err := heldAlone(ctx, sup, why, func() (bool, error) { return false, f() })
	if errors.Is(err, supervise.ErrHeld) {
		return f()
	}
	return err
}

// heldAlone runs f while the engine is held for nothing else.
func heldAlone(ctx context.Context, sup *supervise.Supervisor, why string, f func() (anew bool, err error)) error {
	grip, err := sup.Hold(ctx, "engine", why, holdLimit)
	if err != nil {
		return err
	}
	anew, err := f()
	if anew {
		return err // the hold ends with the box
	}
	if over := grip.Release(context.WithoutCancel(ctx)); !errors.Is(over, supervise.ErrNotHeld) {
		err = errors.Join(err, over)
	}
	return err
}

// engineAnswers reports whether the engine of the box answers within a time in
// which a busy one does. One that just hands over is asked again.
func engineAnswers(ctx context.Context, state string) bool {
	for attempt := range 2 {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return false
			case <-time.After(500 * time.Millisecond):
			}
		}
		one, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := callSocket(one, filepath.Join(state, api.EngineSocket), "serial", "engine", "sys.hello", struct{}{}, nil)
		cancel()
		if err == nil {
			return true
		}
	}
	return false
}

type recoveryRevisions struct {
	Revisions []recovery.Revision `json:"revisions"`
}

type recoveryCount struct {
	Max int `json:"max,omitempty" doc:"how many, the newest first; 30"`
}

type recoveryDiff struct {
	From uint64 `json:"from" doc:"revision"`
	To   uint64 `json:"to" doc:"revision"`
}

type recoveryText struct {
	Text string `json:"text" doc:"unified diff"`
}

type recoveryBox struct {
	Crash  int `json:"crash,omitempty" doc:"0: what was recorded last; 1: before the last crash, 2 and 3: before those before it"`
	Frames int `json:"frames,omitempty" doc:"at most, the newest; 600"`
}

type recoveryLogin struct {
	User     string `json:"user"`
	Password string `json:"password" secret:"true"`
	Code     string `json:"code,omitempty" secret:"true" doc:"of the second factor"`
}

type recoveryUser struct {
	User string `json:"user" doc:"as it is kept"`
}

type recoveryPassword struct {
	User     string `json:"user"`
	Password string `json:"password" secret:"true" doc:"the new one"`
	TOTPOff  bool   `json:"totp_off,omitempty" doc:"turn the second factor off too"`
}

type recoveryRestore struct {
	Revision uint64 `json:"revision" doc:"whose text is brought back"`
	Comment  string `json:"comment,omitempty" doc:"why"`
}

type recoveryAddress struct {
	recovery.Address
	Comment string `json:"comment,omitempty" doc:"why"`
}

type recoveryDone struct {
	Revision uint64 `json:"revision" doc:"that runs as soon as an engine does"`
}

type recoveryCode struct {
	Code string `json:"code" secret:"true" doc:"with which the console makes the first administrator; empty: there is one"`
}

// add registers the methods.
func (r *recoverer) add(reg *api.Registry) {
	r.addReading(reg)
	const wait = 2 * time.Minute // a role that hangs is killed first
	api.Add(reg, api.Method{Name: "recovery.restore", Purpose: "Brings the text of an older revision back while no engine answers.",
		Role: api.Admin, Effect: api.Commit, Audit: "restore revision {revision}", Timeout: wait},
		func(ctx context.Context, c api.Call, p recoveryRestore) (recoveryDone, error) {
			return r.change(ctx, c, "config.rollback", fmt.Sprintf("revision/%d", p.Revision), func(b *recovery.Box) (uint64, error) { return b.Restore(p.Revision, by(c), p.Comment) })
		})
	api.Add(reg, api.Method{Name: "recovery.confirm", Purpose: "Keeps the commit that waits for its confirm, while no engine answers.",
		Role: api.Admin, Effect: api.Commit, Audit: "confirm", Timeout: wait},
		func(ctx context.Context, c api.Call, _ struct{}) (recoveryDone, error) {
			return r.change(ctx, c, "config.confirm", "", func(b *recovery.Box) (uint64, error) { return b.Confirm(by(c)) })
		})
	api.Add(reg, api.Method{Name: "recovery.revert", Purpose: "Takes the commit that waits for its confirm back, while no engine answers.",
		Role: api.Admin, Effect: api.Commit, Audit: "revert", Timeout: wait},
		func(ctx context.Context, c api.Call, _ struct{}) (recoveryDone, error) {
			return r.change(ctx, c, "config.revert", "", func(b *recovery.Box) (uint64, error) { return b.Revert(by(c)) })
		})
	api.Add(reg, api.Method{Name: "recovery.address", Purpose: "Sets the management address while no engine answers.",
		Role: api.Admin, Effect: api.Commit, Audit: "set the management address: {method} {address} {gateway}", Timeout: wait},
		func(ctx context.Context, c api.Call, p recoveryAddress) (recoveryDone, error) {
			return r.change(ctx, c, "config.commit", "management", func(b *recovery.Box) (uint64, error) { return b.SetAddress(p.Address, by(c), p.Comment) })
		})
	r.addUsers(reg, wait)
	api.Add(reg, api.Method{Name: "recovery.factory_reset", Purpose: "Makes the box as it was delivered, but for what is kept, and starts it anew.",
		Role: api.Admin, Sudo: true, Effect: api.System, Timeout: wait,
		Audit: "reset the box (keep network: {network}, keys: {keys}, records: {records})"}, r.factoryReset)
}

func (r *recoverer) addReading(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "recovery.status", Purpose: "Tells what lies in the state of the box, whether an engine runs or not.", Role: api.Viewer},
		func(context.Context, api.Call, struct{}) (recovery.Status, error) {
			s, err := recovery.Look(r.state, r.log)
			if errors.Is(err, fs.ErrNotExist) {
				err = api.Errorf(api.CodeNotFound, "recovery.new", "this box was never up: nothing is set yet")
			}
			return s, err
		})
	api.Add(reg, api.Method{Name: "recovery.revisions", Purpose: "Lists the revisions in the state, the newest first.", Role: api.Viewer},
		func(_ context.Context, _ api.Call, p recoveryCount) (recoveryRevisions, error) {
			if p.Max <= 0 {
				p.Max = 30
			}
			list, err := recovery.Revisions(r.state, p.Max)
			return recoveryRevisions{list}, err
		})
	api.Add(reg, api.Method{Name: "recovery.diff", Purpose: "Compares two revisions in the state.", Role: api.Admin},
		func(_ context.Context, _ api.Call, p recoveryDiff) (recoveryText, error) {
			text, err := recovery.Diff(r.state, p.From, p.To)
			return recoveryText{text}, err
		})
	api.Add(reg, api.Method{Name: "recovery.blackbox", Purpose: "Shows what the engine recorded of its last minutes, or of those before a crash.", Role: api.Viewer},
		func(_ context.Context, _ api.Call, p recoveryBox) (manage.BlackBox, error) {
			return manage.ReadBlackBox(filepath.Join(r.state, blackBoxFile), p.Crash, p.Frames)
		})
	api.Add(reg, api.Method{Name: "recovery.login", Purpose: "Checks the password of an administrator against the state; the caller must delay the next attempt after one that failed.",
		Role: api.Admin, Audit: "log in at the console as {user}"},
		func(ctx context.Context, _ api.Call, p recoveryLogin) (recoveryUser, error) {
			name, err := recovery.Login(ctx, r.state, p.User, p.Password, p.Code, r.log)
			return recoveryUser{name}, recoveryError(err)
		})
}

func (r *recoverer) addUsers(reg *api.Registry, wait time.Duration) {
	api.Add(reg, api.Method{Name: "recovery.password", Purpose: "Gives a user another password while no engine answers.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "set the password of {user} (second factor off: {totp_off})", Timeout: wait},
		func(ctx context.Context, c api.Call, p recoveryPassword) (recoveryDone, error) {
			return r.change(ctx, c, "user.set_password", "user/"+p.User, func(b *recovery.Box) (uint64, error) {
				return 0, b.SetPassword(ctx, p.User, p.Password, p.TOTPOff)
			})
		})
	api.Add(reg, api.Method{Name: "recovery.setup_code", Purpose: "Tells the code that makes the first administrator, while no engine answers.",
		Role: api.Admin, Effect: api.System, Audit: "show the set-up code", Timeout: wait},
		func(ctx context.Context, c api.Call, _ struct{}) (out recoveryCode, err error) {
			_, err = r.change(ctx, c, "auth.setup_code", "", func(b *recovery.Box) (uint64, error) {
				out.Code, err = b.SetupCode()
				return 0, err
			})
			return out, err
		})
	api.Add(reg, api.Method{Name: "recovery.reset_users", Purpose: "Begins anew with users that cannot be read, while no engine answers; the damaged ones are kept.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "begin anew with the users", Timeout: wait},
		func(ctx context.Context, c api.Call, _ struct{}) (out recoveryCode, err error) {
			_, err = r.change(ctx, c, "user.reset", "", func(b *recovery.Box) (uint64, error) {
				out.Code, err = b.ResetUsers()
				return 0, err
			})
			return out, err
		})
}

func by(c api.Call) recovery.By {
	if c.Origin == "" {
		return recovery.By{Author: c.Author, Origin: "api"}
	}
	return recovery.By{Author: c.Author, Origin: c.Origin}
}

// change does something to the state while no engine has it. instead is the
// engine's own method, for which this one stands in, and object the path of what it
// is about, "" for the running revision.
func (r *recoverer) change(ctx context.Context, c api.Call, instead, object string, f func(*recovery.Box) (uint64, error)) (out recoveryDone, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers(ctx) {
		return out, api.Errorf(api.CodeConflict, "recovery.engine", "the engine answers: ask it for %s", instead)
	}
	err = r.free(ctx, "repair by the "+c.Author, func() error {
		b, err := recovery.Open(r.state, r.log)
		if err != nil {
			return err
		}
		out.Revision, err = f(b)
		return errors.Join(err, b.Close(), r.note(audit.Record{User: c.Author, Origin: c.Origin, Remote: c.Remote,
			Method: instead, Object: object, What: strings.TrimSpace(instead+" "+object) + ", while the engine did not answer", Revision: out.Revision}, err))
	})
	return out, recoveryError(err)
}

// note writes into the audit log what was done while no engine has it. A log that
// takes nothing keeps nobody from mending the box.
func (r *recoverer) note(rec audit.Record, done error) error {
	rec.Outcome = audit.OK
	if done != nil {
		rec.Outcome, rec.Message = "error", done.Error()
	}
	l, err := audit.Open(filepath.Join(r.state, "audit"), audit.Config{Wait: 2 * time.Second}, r.log)
	if err == nil {
		err = errors.Join(l.Append(rec), l.Close())
	}
	if err != nil {
		r.log.Error("audit record not written", "method", rec.Method, "by", rec.User, "outcome", rec.Outcome, "err", err)
	}
	return nil
}

func (r *recoverer) factoryReset(ctx context.Context, c api.Call, p recovery.Keep) (struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := audit.Record{User: c.Author, Origin: c.Origin, Remote: c.Remote, Method: "recovery.factory_reset", What: "reset the box",
		Note: "done at " + time.Now().UTC().Format(time.RFC3339)}
	err := r.alone(ctx, "factory reset by the "+c.Author, func() (anew bool, err error) {
		note, err := json.Marshal(rec)
		if err != nil {
			return false, err
		}
		err = recovery.FactoryReset(r.state, p, note)
		if err != nil && !errors.Is(err, recovery.ErrUnfinished) {
			return false, errors.Join(err, r.note(rec, err))
		}
		r.log.Warn("box reset", "by", c.Author, "network", p.Network, "keys", p.Keys, "records", p.Records, "err", err)
		if r.renew == nil {
			return false, finishReset(r.state, r.log)
		}
		r.renew() // the end of a drained engine may still write; the new start removes it
		return true, err
	})
	if errors.Is(err, supervise.ErrHeld) {
		err = api.Errorf(api.CodeConflict, "role.held", "the box is not reset, because its engine is held for something else: %s; release it first", err)
	}
	return struct{}{}, recoveryError(err)
}

// finishReset goes on with a factory reset, and writes down who has asked for it
// in the audit log that the reset box begins with.
func finishReset(state string, log *slog.Logger) error {
	r := &recoverer{state: state, log: log}
	return recovery.Finish(state, func(note json.RawMessage) {
		var rec audit.Record
		if err := json.Unmarshal(note, &rec); err != nil {
			log.Error("record of a factory reset not readable", "err", err)
			return
		}
		_ = r.note(rec, nil)
	})
}

// recoveryError gives an error of package auth its kind.
func recoveryError(err error) error {
	if e := (*auth.Error)(nil); errors.As(err, &e) {
		return api.Errorf(api.CodeFailed, string(e.Kind), "%s", e.Msg)
	}
	return err
}
