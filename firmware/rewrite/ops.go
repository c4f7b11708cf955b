// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"strings"

	"evener/firmware/message"
)

// An Action is what an operation does to the fields of a name.
type Action uint8

const (
	Add         Action = iota // a further line
	Set                       // in the place of all lines
	SetIfAbsent               // a line if there is none
	Append                    // a further element of the list; all lines become one
	Remove                    // all lines; Name may be a prefix that ends with "*"
)

// String returns the word for a.
func (a Action) String() string {
	return [...]string{"add", "set", "set_if_absent", "append", "remove"}[a]
}

// A Direction says of which messages operations change the fields.
type Direction uint8

const (
	Requests Direction = iota
	Answers
)

// An Op is one operation as the configuration has it. Value is the text of a
// [Template]; where it comes out empty for an exchange, Set removes the field
// and the others do nothing: a field without a value would say nothing.
//
// To set Host in requests means the authority that the member gets; it comes
// out in [Changes], not as a field.
type Op struct {
	Action Action
	Name   string
	Value  string
}

// A Problem is one mistake in an operation, worded for the person who wrote it.
type Problem struct {
	Op    int  // index
	Value bool // it is in the value; else in the name or the whole
	Msg   string
}

// Ops are compiled operations, applied in their order. They are immutable and
// may be used by any number of goroutines, each with its own Changes.
type Ops struct{ list []op }

type op struct {
	action Action
	name   fieldName
	value  *Template // nil for Remove
}

// CompileOps checks operations and reports every mistake, in their order; the
// Ops are nil if there was one.
func CompileOps(d Direction, ops []Op) (*Ops, []Problem) {
	var out Ops
	var problems []Problem
	for i, o := range ops {
		report := func(value bool, msg string) {
			problems = append(problems, Problem{Op: i, Value: value, Msg: msg})
		}
		if msg := checkName(d, o); msg != "" {
			report(false, msg)
		}
		compiled := op{action: o.Action, name: newFieldName(o.Name)}
		if o.Action == Remove {
			if o.Value != "" {
				report(true, "what is removed has no value")
			}
		} else {
			var msg string
			if compiled.value, msg = compileValue(o, compiled.name.id); msg != "" {
				report(true, msg)
			}
		}
		out.list = append(out.list, compiled)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &out, nil
}

// compileValue compiles the value of o.
func compileValue(o Op, id message.FieldID) (t *Template, msg string) {
	if trimmed := strings.Trim(o.Value, " \t"); trimmed != o.Value {
		return nil, fmt.Sprintf("blanks around a value are no part of it: write %q", trimmed)
	}
	if o.Value == "" {
		return nil, "the value is empty; remove takes a field away"
	}
	t, err := NewValue(o.Value)
	if err != nil {
		return nil, err.Error()
	}
	if text, ok := t.constant(); ok && id == message.Host {
		if _, fault := message.CheckHost([]byte(text)); fault != message.HostSound {
			return nil, fmt.Sprintf("%q is no host with or without a port", text)
		}
	}
	return t, ""
}
