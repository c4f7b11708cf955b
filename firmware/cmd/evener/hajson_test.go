// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"evener/firmware/manage"
	"evener/ha"
)

// The process of hot standby and the engine may not import each other's types.
// Each must read all that the other writes, under the same names.
func TestHAAndManageSpeakTheSameJSON(t *testing.T) {
	for _, pair := range []struct {
		name string
		a, b any
	}{
		{"settings", new(ha.Settings), new(manage.HASettings)},
		{"report", new(ha.Report), new(manage.HAReport)},
		{"pulse", new(ha.Pulse), new(manage.HAPulse)},
	} {
		t.Run(pair.name, func(t *testing.T) {
			checkJSON(t, pair.a, pair.b)
			checkJSON(t, pair.b, pair.a)
		})
	}
}

// checkJSON fills from, passes it through to, and wants it back unharmed.
func checkJSON(t *testing.T, from, to any) {
	t.Helper()
	fillValue(reflect.ValueOf(from).Elem())
	sent, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(sent))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Fatalf("%T does not read %T: %v", to, from, err)
	}
	back, err := json.Marshal(to)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(sent, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(back, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%T came through %T as\n%s\nwant\n%s", from, to, back, sent)
	}
}

// fillValue gives every field of v a value that is not its zero.
func fillValue(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 11, 21, 12, 0, 0, 5, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); name != "said" { // manage's own: what texts mean
				fillValue(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillValue(v.Index(0))
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		fillValue(e)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), e)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem())
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(7)
	default:
		panic("a type that this test does not know: " + v.Type().String())
	}
}
