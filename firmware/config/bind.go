// SPDX-License-Identifier: Apache-2.0

package config

import (
	"reflect"
	"strings"
)

// How the table reaches the structs of types.go: a keyword's field is the one
// whose JSON name, or config tag where the value is kept out of JSON, is the
// keyword.

// field returns the field of the struct v for a keyword. The flags of a cluster
// lie in structs of their own; that of http is made when it is first needed.
func field(v reflect.Value, keyword string, create bool) reflect.Value {
	t := v.Type()
	for i := range t.NumField() {
		f := v.Field(i)
		switch inner := f.Interface().(type) {
		case Flags:
			if out := field(f, keyword, create); out.IsValid() {
				return out
			}
		case *HTTPFlags:
			if inner == nil {
				inner = new(HTTPFlags)
			}
			out := field(reflect.ValueOf(inner).Elem(), keyword, create)
			if out.IsValid() && create {
				f.Set(reflect.ValueOf(inner))
			}
			if out.IsValid() {
				return out
			}
		}
		if keywordOf(t.Field(i)) == keyword {
			return f
		}
	}
	return reflect.Value{}
}

// keywordOf returns the keyword that a field holds.
func keywordOf(f reflect.StructField) string {
	if tag := f.Tag.Get("config"); tag != "" {
		return tag
	}
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// assign stores what scalar or a list of it returned.
func assign(f reflect.Value, v any) {
	if list, ok := v.([]any); ok {
		out := reflect.MakeSlice(f.Type(), len(list), len(list))
		for i, e := range list {
			assign(out.Index(i), e)
		}
		f.Set(out)
		return
	}
	if f.Kind() == reflect.Pointer { // a flag that can be unset
		p := reflect.New(f.Type().Elem())
		assign(p.Elem(), v)
		f.Set(p)
		return
	}
	f.Set(reflect.ValueOf(v).Convert(f.Type()))
}

// emptyLists replaces the nil slices of v, a struct, by empty ones, so that
// JSON has lists and two ways to say "none" compare equal.
func emptyLists(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case f.Kind() == reflect.Slice && f.IsNil():
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		case f.Type() == reflect.TypeFor[*HTTPFlags]() && !f.IsNil():
			emptyLists(f.Elem())
		}
	}
}
