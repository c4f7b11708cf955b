// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Record is one line of the audit log: a call that changes something or has an
// audit text, before it runs (Done is false) and after.
type Record struct {
	Time   time.Time // when this record was made
	Method string
	Effect Effect
	Call   Call
	Text   string // the method's audit text with its parameters filled in

	// Params are the parameters with secrets replaced by "***"; nil where they
	// did not fit the schema, because a misspelt secret cannot be told.
	Params json.RawMessage

	Done bool
	Err  *Error        // of a call that is done and failed or was refused
	Took time.Duration // of a call that is done

	Change Change // what the method has said of it, of a call that is done
}

// A Change is what a method says of what it did, for the audit log. No field may
// hold a secret.
type Change struct {
	User     string // who it turned out to be, of a login; empty: the caller
	Object   string // path, such as pool/shop/member/web2
	Before   string // short text
	After    string
	Revision uint64 // of the configuration that runs then; 0: it did not change
	Note     string // why
}

type changeKey struct{}

// ChangeOf returns where a method notes what its call changes, never nil. ctx is
// the one that the method was called with. The method may fill it in before it
// knows how it ends: the record says that too.
func ChangeOf(ctx context.Context) *Change {
	if c, ok := ctx.Value(changeKey{}).(*Change); ok {
		return c
	}
	return &Change{} // nobody reads it
}

// audit reports the start of a call and returns the function that reports its
// end. valid says whether params fit the schema. The method must be run with the
// context that it returns.
func (r *Registry) audit(ctx context.Context, m *Method, c Call, params json.RawMessage, valid bool) (context.Context, func(*Error)) {
	if r.cfg.Audit == nil || m.Audit == "" {
		return ctx, func(*Error) {}
	}
	rec := Record{Time: time.Now(), Method: m.Name, Effect: m.Effect, Call: c}
	if valid {
		rec.Params, rec.Text = m.redact(params)
	} else {
		rec.Text = m.auditText(m.fitting(params))
	}
	r.cfg.Audit(rec)
	start, change := rec.Time, &Change{}
	return context.WithValue(ctx, changeKey{}, change), func(e *Error) {
		rec.Change = *change
		rec.Time, rec.Done, rec.Err = time.Now(), true, e
		rec.Took = rec.Time.Sub(start)
		r.cfg.Audit(rec)
	}
}

// redact returns valid params without their secrets, and m's audit text.
func (m *Method) redact(params json.RawMessage) (json.RawMessage, string) {
	var v map[string]any
	if err := unmarshalNumbers(params, &v); err != nil {
		return nil, m.auditText(nil)
	}
	hideSecrets(m.params, m.params, v)
	clean, err := json.Marshal(v)
	if err != nil {
		return nil, m.auditText(nil)
	}
	for name, s := range m.params.Properties {
		if _, given := v[name]; !given && s.Type == "boolean" && !s.Nullable {
			v[name] = false // "now:" with nothing behind it says nothing
		}
	}
	return clean, m.auditText(v)
}

// fitting returns those of params that fit m's schema where some do not, without secrets.
func (m *Method) fitting(params json.RawMessage) map[string]any {
	var given map[string]json.RawMessage
	if err := unmarshalNumbers(params, &given); err != nil {
		return nil
	}
	out := make(map[string]any)
	for name, raw := range given {
		s := m.params.Properties[name]
		if s == nil {
			continue
		}
		c := checker{d: json.NewDecoder(bytes.NewReader(raw)), root: m.params}
		c.d.UseNumber()
		var v any
		if c.value(s, "", 0) == nil && len(c.problems) == 0 && unmarshalNumbers(raw, &v) == nil {
			out[name] = v
		}
	}
	hideSecrets(m.params, m.params, out)
	return out
}

// auditText returns m's audit text with the parameters in v.
func (m *Method) auditText(v map[string]any) string {
	text := auditField.ReplaceAllStringFunc(m.Audit, func(f string) string { return auditValue(v[f[1:len(f)-1]]) })
	return strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "?")
}

// auditValue writes an argument for people. What was not given leaves no trace.
func auditValue(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		words := make([]string, len(v))
		for i, e := range v {
			words[i] = auditValue(e)
		}
		return strings.Join(words, ", ")
	case map[string]any:
		var words []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			words = append(words, k+"="+auditValue(v[k]))
		}
		return strings.Join(words, ", ")
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

// hideSecrets replaces, inside v, every value whose schema is marked secret.
func hideSecrets(root, s *Schema, v any) {
	s = s.resolve(root)
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			sub := s.Properties[k]
			if sub == nil {
				sub = s.Values
			}
			switch {
			case sub == nil:
			case sub.Secret:
				v[k] = "***"
			default:
				hideSecrets(root, sub, e)
			}
		}
	case []any:
		if s.Items == nil {
			return
		}
		for i, e := range v {
			if s.Items.Secret {
				v[i] = "***"
				continue
			}
			hideSecrets(root, s.Items, e)
		}
	}
}
