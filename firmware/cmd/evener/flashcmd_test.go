// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evener/image/slot"
	"evener/image/slottest"
)

// flashImage writes an image, signed with the key 1, and a keyset with it.
func flashImage(t *testing.T) (image, keys string) {
	t.Helper()
	d := slottest.New(t, slot.State{})
	m, payload := slottest.Manifest("1.4.0", slot.MiB+77)
	m.Keys = []string{slottest.Keys(1).List[0].String()}
	d.Put(t, slot.A, slottest.Header(t, m), payload)
	image, keys = filepath.Join(t.TempDir(), "evener.img"), filepath.Join(t.TempDir(), "keys")
	if err := d.Save(image); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keys, []byte(slottest.Keys(1).String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return image, keys
}

// flashLine runs the command with these arguments, on no terminal.
func flashLine(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(append([]string{"flash"}, args...))
	root.SetIn(strings.NewReader("disk\n"))
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestFlashWritesTheDiskThatWasMeant(t *testing.T) {
	image, keys := flashImage(t)
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, 3<<30); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{image, disk, "--keys", keys}, "--yes 3221225472 says"},
		{[]string{image, disk, "--keys", keys, "--yes", "12345"}, "another one; nothing was written"},
		{[]string{image, disk, "--keys", image}, "keys"},
		{[]string{image, "/dev/null", "--keys", keys}, "is no disk"},
		{[]string{keys, disk, "--keys", keys}, "no image of Evener"},
		{[]string{image}, "an image and a disk"},
		{[]string{"--list", image}, "no image and no disk"},
	} {
		if _, err := flashLine(t, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("flash %q = %v, want %q", c.args, err, c.want)
		}
	}
	if d, err := slot.View(disk); err == nil {
		d.Close()
		t.Fatal("something was written")
	}
	out, err := flashLine(t, image, disk, "--keys", keys, "--yes", "3221225472")
	if err != nil || !strings.Contains(out, "read back") || strings.Contains(out, "forgery") {
		t.Fatalf("flash: %v: %s", err, out)
	}
	d, err := slot.View(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if h, err := d.Slot(slot.A); err != nil || h.Manifest.Version != "1.4.0" {
		t.Errorf("slot A = %+v, %v", h.Manifest, err)
	}
}

func TestFlashSaysWhatASignatureIsWorth(t *testing.T) {
	image, _ := flashImage(t)
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := flashLine(t, image, disk, "--yes", "1048576")
	if err == nil || !strings.Contains(err.Error(), "too small") || !strings.Contains(out, "no forgery") {
		t.Errorf("flash without keys onto a small disk: %v: %s", err, out)
	}
	other := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(other, []byte(slottest.Keys(2).String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := flashLine(t, image, disk, "--keys", other); err == nil || !strings.Contains(err.Error(), "no signature by a trusted key") {
		t.Errorf("flash with other keys: %v", err)
	}
}
