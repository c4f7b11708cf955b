// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"reflect"
	"strings"
)

// Fill finds out what the texts in v say, a pointer to something that is about to
// leave the box. A struct takes part with a field Said of type [Words], whose tag
// says names the fields that hold sentences, as JSON calls them:
//
//	Why  string       `json:"why"`
//	Said phrase.Words `json:"said,omitempty" says:"why"`
//
// A tag of - says that somebody else fills it. The sentences of a list are called by the
// field's name and their place, such as problems.0. What v points to, with its slices and
// maps, must be the caller's own: Fill writes into them.
func Fill(v any) { fill(reflect.ValueOf(v)) }

var wordsType = reflect.TypeFor[Words]()

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			fill(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		if deep(v.Type().Elem()) {
			for i := range v.Len() {
				fill(v.Index(i))
			}
		}
	case reflect.Map:
		fillMap(v)
	case reflect.Struct:
		fillStruct(v)
	}
}

// fillMap fills copies of the values: those in a map cannot be changed.
func fillMap(v reflect.Value) {
	if !deep(v.Type().Elem()) {
		return
	}
	for _, key := range v.MapKeys() {
		x := reflect.New(v.Type().Elem()).Elem()
		x.Set(v.MapIndex(key))
		fill(x)
		v.SetMapIndex(key, x)
	}
}

// deep says whether values of a type may have sentences in them.
func deep(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Slice, reflect.Map:
		return t != wordsType
	}
	return false
}

func fillStruct(v reflect.Value) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case !f.IsExported():
		case f.Type == wordsType:
			if names := f.Tag.Get("says"); names != "-" {
				v.Field(i).Set(reflect.ValueOf(said(v, names)))
			}
		case deep(f.Type):
			fill(v.Field(i))
		}
	}
}

// said finds out what the named fields of a struct say.
func said(v reflect.Value, names string) Words {
	var w Words
	for _, name := range strings.Split(names, ",") {
		f := fieldOf(v, name)
		switch {
		case f.Kind() == reflect.String:
			w = w.With(name, f.String())
		case f.IsValid() && f.Type() == reflect.TypeFor[[]string]():
			w = w.WithList(name, f.Interface().([]string))
		default:
			panic("phrase: " + v.Type().String() + " has no text called " + name)
		}
	}
	return w
}

// fieldOf returns the field that JSON calls name.
func fieldOf(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}
