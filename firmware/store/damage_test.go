// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestRotOfOneCopyCostsOneChange(t *testing.T) {
	for _, name := range []string{"state.0", "state.1"} {
		for _, rot := range []func([]byte) []byte{
			func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			func(b []byte) []byte { return b[:len(b)-1] },
			func(b []byte) []byte { return nil },
			func(b []byte) []byte { return append([]byte("evener 1 state 99 00\n"), b...) },
		} {
			w := started(t, "one", "two")
			must(t, w.draft("alice", "three"))
			must(t, w.s.Discard("alice"))
			must(t, w.s.Close())
			before := digest(w.s)
			w.disk.put(name, rot(w.disk.names[name].data))
			must(t, w.open())
			if got := kinds(w.s, 0); len(got) != 1 || !strings.HasPrefix(got[0], "damaged") {
				t.Errorf("%s: events = %q, want damaged", name, got)
			}
			after := digest(w.s)
			older := strings.Contains(after, "running 2 ") && strings.Contains(after, `candidate alice on 2 "three" <nil>`)
			if after != before && !older {
				t.Errorf("%s: got\n%s", name, after)
			}
			must(t, w.draft("bob", "goes on"))
			w.disk = w.disk.asSeen()
			must(t, w.open())
			if es := w.s.Events(0); len(es) != 0 {
				t.Errorf("%s: after another change: %v, want it mended", name, es)
			}
		}
	}
}

func TestDamageBeyondRepairIsNamed(t *testing.T) {
	w := started(t, "one")
	must(t, w.s.Put("k", 1))
	if _, err := w.s.Secret("cookie"); err != nil {
		t.Fatal(err)
	}
	must(t, w.s.Close())
	for _, n := range []string{"runtime.1", "secrets.1"} {
		w.disk.put(n, []byte("rubbish"))
	}
	w.disk.put("texts/"+w.s.Running().SHA256, []byte("own"))
	must(t, w.open())
	if got := len(w.s.Events(0)); got != 2 {
		t.Errorf("%d events, want damage to runtime and secrets", got)
	}
	if _, err := w.s.Text(1); !errors.As(err, new(*CorruptError)) {
		t.Errorf("Text = %v, want a CorruptError", err)
	}
	must(t, w.draft("bob", "one")) // writes the same text, and so mends it
	if got := running(t, w.s); got != "1 one" {
		t.Errorf("running = %q, want it mended", got)
	}
	must(t, w.s.Close())
	w.disk.put("state.0", nil)
	w.disk.put("state.1", nil)
	if err := w.open(); !errors.As(err, new(*CorruptError)) {
		t.Errorf("Open = %v, want a CorruptError", err)
	}
	if w.disk.locked {
		t.Error("a failed Open keeps the lock")
	}
}

func TestSecretsRotate(t *testing.T) {
	w := started(t)
	first, err := w.s.Secret("cookie")
	must(t, err)
	again, err := w.s.Secret("cookie")
	must(t, err)
	if len(first) != 32 || !bytes.Equal(first, again) || bytes.Equal(first, make([]byte, 32)) {
		t.Errorf("Secret = %x, then %x", first, again)
	}
	must(t, w.s.Rotate("cookie"))
	w.disk = w.disk.asSeen()
	must(t, w.open())
	keys, err := w.s.Secrets("cookie")
	must(t, err)
	if len(keys) != 2 || !bytes.Equal(keys[1], first) || bytes.Equal(keys[0], first) {
		t.Errorf("after Rotate: %x, want a new one before %x", keys, first)
	}
	for range 5 {
		must(t, w.s.Rotate("cookie"))
	}
	if keys, _ := w.s.Secrets("cookie"); len(keys) != 3 {
		t.Errorf("%d keys, want 3", len(keys))
	}
}

func TestRuntimeLimits(t *testing.T) {
	w := started(t)
	must(t, w.s.Put("a", "x"))
	if err := w.s.Put("b", strings.Repeat("x", maxRuntime)); !errors.As(err, new(*LimitError)) {
		t.Errorf("Put of 1 MiB = %v, want a LimitError", err)
	}
	if got := w.s.Keys(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("keys = %q", got)
	}
	if err := w.s.Put("", 1); !errors.As(err, new(*LimitError)) {
		t.Errorf("Put without a key = %v, want a LimitError", err)
	}
	ops := w.disk.ops
	must(t, w.s.Put("a", "x"))
	if w.disk.ops != ops {
		t.Error("Put of the same value wrote")
	}
}
