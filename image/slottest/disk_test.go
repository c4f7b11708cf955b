// SPDX-License-Identifier: Apache-2.0

package slottest

import (
	"bytes"
	"testing"
)

func TestDiskOverAnImageShowsWhatLiesBelow(t *testing.T) {
	image := bytes.Repeat([]byte("abcdefgh"), 5000) // no whole pages
	d := Over(bytes.NewReader(image), int64(len(image)))
	want := bytes.Clone(image)
	for _, op := range []Op{{Off: 10, Data: []byte("XYZ")}, {Off: pageSize - 2, Data: []byte("0123")}, {Off: int64(len(image)) - 3, Data: []byte("end")}} {
		copied := d.Copy()
		d.Apply(op)
		copy(want[op.Off:], op.Data)
		got := make([]byte, len(op.Data))
		if _, err := copied.ReadAt(got, op.Off); err != nil || !bytes.Equal(got, image[op.Off:][:len(got)]) {
			t.Errorf("a copy from before has %q, %v", got, err)
		}
	}
	got := make([]byte, len(image))
	if _, err := d.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Errorf("it reads as something else, %v", err)
	}
	if _, err := d.ReadAt(got, 1); err == nil {
		t.Error("more is read than there is")
	}
	if _, err := d.WriteAt([]byte("x"), d.Size()); err == nil {
		t.Error("more is written than there is")
	}
}
