// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"evener/image/slot"
	"evener/image/slottest"
)

func bundle(t *testing.T, version, board string) *fstest.MapFile {
	m, payload := slottest.Manifest(version, 5000)
	m.Boards = []string{board}
	return &fstest.MapFile{Data: slottest.Bundle(t, m, payload)}
}

// sticks shows these, in their order.
func sticks(list ...fs.FS) Sticks {
	return func(_ context.Context, each func(string, fs.FS) error) error {
		for i, s := range list {
			if err := each(string(rune('a'+i)), s); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestTheNewestBundleOfTheSticksIsTaken(t *testing.T) {
	x := newBox(t)
	one := fstest.MapFS{"evener-1.2.evb": bundle(t, "1.2.0", "sim"), "notes.txt": {Data: []byte("x")},
		"evener-9.evb": bundle(t, "9.0.0", "nsa-5130"), "._evener-1.2.evb": {Data: []byte("of a Mac")}}
	two := fstest.MapFS{"evener/evener-1.10.EVB": bundle(t, "1.10.0", "sim"), "deep/er/evener-8.evb": bundle(t, "8.0.0", "sim")}
	r, name, size, err := x.u.Stick(t.Context(), sticks(one, two))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil || name != "b/evener/evener-1.10.EVB" || int64(len(b)) != size {
		t.Fatalf("%s, %d bytes of %d, %v", name, len(b), size, err)
	}
	if _, err := x.u.Take(t.Context(), bytes.NewReader(b), Order{Source: "usb"}, nil); err != nil {
		t.Error(err)
	}
}

// A pulledFile gives some of a bundle, and then what a kernel says of a stick that is gone.
type pulledFile struct {
	fs.File
	left int
}

func (f *pulledFile) Read(b []byte) (int, error) {
	if f.left == 0 {
		return 0, &fs.PathError{Op: "read", Path: "/run/evener/sticks/sda1/a.evb", Err: errors.New("input/output error")}
	}
	n, err := f.File.Read(b[:min(len(b), f.left)])
	f.left -= n
	return n, err
}

func TestAStickThatIsPulledOutIsTold(t *testing.T) {
	x := newBox(t)
	f, err := fstest.MapFS{"a.evb": bundle(t, "1.2.0", "sim")}.Open("a.evb")
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	const want = "the USB stick cannot be read to the end of the update, as if it was pulled out: input/output error"
	_, err = x.u.Take(t.Context(), stickFile{&pulledFile{f, int(info.Size()) - 100}}, Order{Source: "usb"}, nil)
	if err == nil || err.Error() != want {
		t.Errorf("Take = %v, want %s", err, want)
	}
	if e := x.u.Show().Journal[0]; e.Event != EventRefused || !strings.HasPrefix(e.Reason, want) {
		t.Errorf("the journal has %+v", e)
	}
}

func TestSticksWithoutABundleForThisBoxSayWhy(t *testing.T) {
	x := newBox(t)
	if _, _, _, err := x.u.Stick(t.Context(), sticks(fstest.MapFS{}, fstest.MapFS{"a.txt": {}})); !errors.Is(err, ErrNoBundle) {
		t.Errorf("empty sticks: %v", err)
	}
	cut := bundle(t, "1.2.0", "sim")
	cut.Data = cut.Data[:len(cut.Data)-10]
	_, _, _, err := x.u.Stick(t.Context(), sticks(fstest.MapFS{"cut.evb": cut, "other.evb": bundle(t, "2.0.0", "nsa-5130"), "text.evb": {Data: []byte("x")}}))
	for _, want := range []string{"a/cut.evb: the update is damaged", "a/other.evb: the update is for nsa-5130", "a/text.evb: this is not an update"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want ...%s", err, want)
		}
	}
	gone := errors.New("the stick was pulled out")
	if _, _, _, err := x.u.Stick(t.Context(), func(context.Context, func(string, fs.FS) error) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("pulled out: %v", err)
	}
	if x.states() != "good empty" || x.u.Show().Slots[1].State != StateEmpty || x.u.head(slot.B).gaveUp {
		t.Errorf("something was written: %s", x.states())
	}
}
