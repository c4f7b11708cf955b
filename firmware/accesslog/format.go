// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A format makes lines of records, for one goroutine.
type format struct {
	combined bool
	enc      encoder
	fields   []field
	keys     []string // what stands before each field: `{"time":`, `,"status":`, ` status="`
}

func newFormat(name string, want []string) (*format, error) {
	f := &format{}
	switch name {
	case "", "json":
		if len(want) == 0 {
			want = Fields()
		}
	case "combined":
		f.combined = true
	default:
		return nil, fmt.Errorf(`format must be "json" or "combined", not %q`, name)
	}
	for i, w := range want {
		k := slices.IndexFunc(fields, func(f field) bool { return f.name == w })
		if k < 0 {
			return nil, fmt.Errorf("no field %q; the fields are %s", w, strings.Join(Fields(), ", "))
		}
		if slices.Contains(want[:i], w) {
			return nil, fmt.Errorf("field %q is there twice", w)
		}
		f.fields = append(f.fields, fields[k])
		switch {
		case f.combined:
			f.keys = append(f.keys, " "+w+`="`)
		case i == 0:
			f.keys = append(f.keys, `{"`+w+`":`)
		default:
			f.keys = append(f.keys, `,"`+w+`":`)
		}
	}
	return f, nil
}

// append appends the line of r with its end.
func (f *format) append(b []byte, r *Record, names []string) []byte {
	e := &f.enc
	e.b, e.json, e.names = b, !f.combined, names
	if f.combined {
		e.combined(r)
	}
	for i, fd := range f.fields {
		e.b = append(e.b, f.keys[i]...)
		fd.append(e, r)
		if f.combined {
			e.b = append(e.b, '"')
		}
	}
	if !f.combined {
		e.b = append(e.b, '}')
	}
	return append(e.b, '\n')
}

// combined appends the line that Apache's "combined" made customary.
func (e *encoder) combined(r *Record) {
	e.address(r.Client())
	e.b = append(e.b, " - - ["...)
	e.b = time.Unix(0, r.Time).UTC().AppendFormat(e.b, "02/Jan/2006:15:04:05 -0700")
	e.b = append(e.b, `] "`...)
	if r.Method.n == 0 {
		e.b = append(e.b, '-')
	} else {
		e.noSpace(r.Method.Bytes(), r.Method.cut)
		e.b = append(e.b, ' ')
		e.noSpace(r.Path.Bytes(), r.Path.cut)
		e.b = append(e.b, ' ')
		e.word(r.Protocol.String(), false)
	}
	e.b = append(e.b, `" `...)
	e.number(uint64(r.Status), r.Status == 0)
	e.b = append(e.b, ' ')
	e.number(uint64(max(r.BytesOut, 0)), r.BytesOut < 0)
	e.b = append(e.b, ` "`...)
	e.text(r.Referer.Bytes(), r.Referer.cut)
	e.b = append(e.b, `" "`...)
	e.text(r.UserAgent.Bytes(), r.UserAgent.cut)
	e.b = append(e.b, '"')
}
