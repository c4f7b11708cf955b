// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Config says how a Registry runs methods. A zero field takes the default named
// beside it.
type Config struct {
	Timeout time.Duration // 30s, for methods that name none

	// Audit receives every call of a method that has an audit text, twice:
	// before it runs and after. It may be called from many goroutines.
	Audit func(Record) // nil: no audit log
}

// A Registry holds the methods and the topics. Register all of them with [Add]
// and [AddState] and its like, then call: there is no lock between the two.
type Registry struct {
	cfg     Config
	log     *slog.Logger
	methods map[string]*Method
	topics  map[string]*Topic
	feeds   *feeds
	keys    keys
}

// New returns an empty Registry that logs the faults of methods to log.
func New(log *slog.Logger, cfg Config) *Registry {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	return &Registry{cfg: cfg, log: log, methods: make(map[string]*Method), topics: make(map[string]*Topic),
		feeds: newFeeds(log), keys: keys{made: make(map[keyOwner]*keyed)}}
}

var (
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)
	auditField = regexp.MustCompile(`\{([^{}]*)\}`)
)

// Add registers fn as the method m. Parameters and result are described by the
// fields of P and R (see [Schema]); use struct{} where there is none.
//
// The arguments of a method are program text, so Add panics on a mistake in
// them: a name that is taken or not dotted, no purpose or role, an effect
// without an audit text, an audit or CLI argument that is no parameter, a type
// that has no schema.
func Add[P, R any](reg *Registry, m Method, fn func(context.Context, Call, P) (R, error)) {
	m.Params, m.Result = reflect.TypeFor[P](), reflect.TypeFor[R]()
	m.params, m.result = mustSchema(m.Name, m.Params), schemaWhenNeeded(m.Name, m.Result)
	if m.Timeout == 0 {
		m.Timeout = reg.cfg.Timeout
	}
	m.invoke = func(ctx context.Context, c Call, raw json.RawMessage) (any, error) {
		var p P
		if err := json.Unmarshal(raw, &p); err != nil {
			return nil, paramsError(m.Name, []Problem{{Message: plainJSONError(err)}})
		}
		return fn(ctx, c, p)
	}
	if why := m.fault(); why != "" {
		panic(fmt.Sprintf("api: method %q: %s", m.Name, why))
	}
	if reg.methods[m.Name] != nil {
		panic(fmt.Sprintf("api: method %q is registered twice", m.Name))
	}
	rest := m.REST
	m.REST = nil
	reg.methods[m.Name] = &m
	if rest != nil {
		reg.Resource(m.Name, *rest)
	}
}

// fault returns what is wrong with the description of m, or "".
func (m *Method) fault() string {
	switch {
	case !nameForm.MatchString(m.Name):
		return "a name is lower-case words with dots between, such as server.drain"
	case m.Purpose == "":
		return "no purpose"
	case m.Role == Nobody && !m.Open || m.Role > Admin:
		return "no role"
	case m.params.Type != "object" || m.Params.Kind() != reflect.Struct:
		return "parameters must be a struct"
	case m.Effect != Read && m.Audit == "":
		return "an effect without an audit text"
	}
	for _, f := range auditField.FindAllStringSubmatch(m.Audit, -1) {
		if m.params.Properties[f[1]] == nil {
			return "audit text names " + f[0] + ", which is no parameter"
		}
	}
	if m.CLI != nil {
		for _, a := range m.CLI.Args {
			if m.params.Properties[a] == nil {
				return "command line argument " + a + " is no parameter"
			}
		}
	}
	return ""
}

// Methods returns every method in the order of the names.
func (r *Registry) Methods() []*Method {
	ms := slices.Collect(maps.Values(r.methods))
	slices.SortFunc(ms, func(a, b *Method) int { return strings.Compare(a.Name, b.Name) })
	return ms
}

// Part returns a registry of the methods of r with these names, for callers who shall
// have no others; it has no topics but what every registry has. The methods stay
// those of r. A name that r does not have is a mistake of the program.
func (r *Registry) Part(names ...string) *Registry {
	part := New(r.log, r.cfg)
	for _, name := range names {
		m := r.methods[name]
		if m == nil {
			panic(fmt.Sprintf("api: part: there is no method %q", name))
		}
		part.methods[name] = m
	}
	return part
}

// Method returns the method called name, or nil.
func (r *Registry) Method(name string) *Method { return r.methods[name] }

// Call runs the method called name for c with the JSON object params (empty is
// {}) and returns its result as JSON. It checks the role and the parameters,
// ends the method's context after its timeout, turns a panic into an error and
// tells the audit log. It returns when the method has returned.
func (r *Registry) Call(ctx context.Context, c Call, name string, params json.RawMessage) (json.RawMessage, *Error) {
	m := r.methods[name]
	if m == nil {
		e := Errorf(CodeMethod, "method.unknown", "there is no method %q", name)
		if s := nearest(name, slices.Collect(maps.Keys(r.methods))); s != "" {
			e.Message += fmt.Sprintf(" (did you mean %q?)", s)
		}
		return nil, e
	}
	if len(params) == 0 {
		params = json.RawMessage("{}")
	}
	bad := m.checkParams(params)
	made := func() (json.RawMessage, *Error) {
		ctx, end := r.audit(ctx, m, c, params, bad == nil)
		raw, e := r.run(ctx, m, c, params, bad)
		end(e)
		return raw, e
	}
	run := runningCall(ctx)
	if run == nil || run.key == "" || m.refuse(c, bad) != nil {
		return made()
	}
	if m.bound {
		return nil, badRequest("%s works on this connection alone: leave meta.key out", m.Name)
	}
	return r.keys.once(ctx, c, run.key, name, params, made)
}

// refuse says why c may not call m. bad is what is wrong with the parameters: a
// caller without the role does not learn it.
func (m *Method) refuse(c Call, bad *Error) *Error {
	switch {
	case !m.Open && c.Role < m.Role:
		return roleError(m.Name, m.Role, c)
	case m.Sudo && !c.Sudo:
		return Errorf(CodeForbidden, "auth.sudo", "%s needs your password again: call auth.sudo first", m.Name)
	}
	return bad
}

// run checks the caller and calls m.
func (r *Registry) run(ctx context.Context, m *Method, c Call, params json.RawMessage, bad *Error) (json.RawMessage, *Error) {
	if e := m.refuse(c, bad); e != nil {
		return nil, e
	}
	ctx, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	raw, err := r.protect(ctx, m, c, params)
	if err != nil {
		return nil, outcome(ctx, m, err)
	}
	return raw, nil
}

// roleError says that c may not use what needs the role need.
func roleError(name string, need Role, c Call) *Error {
	if c.Role == Nobody {
		return Errorf(CodeUnauthorized, "auth.required", "log in first")
	}
	e := Errorf(CodeForbidden, "auth.role", "%s needs the role %s; %s has %s", name, need, c.Author, c.Role)
	e.Args = map[string]any{"need": need.String(), "have": c.Role.String()}
	return e
}

// protect calls m and turns a panic into an internal error: a fault of one
// method must not take the engine with it.
func (r *Registry) protect(ctx context.Context, m *Method, c Call, params json.RawMessage) (raw json.RawMessage, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.log.Error("method panicked", "method", m.Name, "author", c.Author,
				"err", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = internalError(m)
		}
	}()
	res, err := m.invoke(ctx, c, params)
	if err != nil {
		return nil, err
	}
	if raw, err = encodeResult(m.result(), res); err != nil {
		r.log.Error("method result is no json", "method", m.Name, "err", err)
		return nil, internalError(m)
	}
	return raw, nil
}

// outcome words a method's error. The end of the context is told apart from a
// failure of the method's own.
func outcome(ctx context.Context, m *Method, err error) *Error {
	e := AsError(err)
	if e.Code != CodeFailed || ctx.Err() == nil {
		return e
	}
	if ctx.Err() == context.DeadlineExceeded {
		return Errorf(CodeTimeout, "timeout", "%s did not end within %v: %v", m.Name, m.Timeout, err)
	}
	return Errorf(CodeCancelled, "cancelled", "%s was cancelled", m.Name)
}

func internalError(m *Method) *Error {
	return Errorf(CodeInternal, "internal", "%s met a fault of the box; its log has the details", m.Name)
}
