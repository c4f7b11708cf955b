// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPortsAreForwardedAsAsked(t *testing.T) {
	n, err := forwards("9443,80,18080:8080,0:22")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ guest, here int }{{9443, 9443}, {80, 0}, {8080, 18080}, {22, 0}} {
		if n.Forward[i] != want.guest || n.At[i] != want.here {
			t.Errorf("port %d is at %d, want %+v", n.Forward[i], n.At[i], want)
		}
	}
	for _, bad := range []string{"http", "0", "70000", "1:2:3", "x:80"} {
		if _, err := forwards(bad); err == nil || !strings.Contains(err.Error(), "no port") {
			t.Errorf("forwards(%q) = %v", bad, err)
		}
	}
}

func TestWhatABoxHasWrittenEndsWithItsImage(t *testing.T) {
	dir := t.TempDir()
	image, kept := filepath.Join(dir, "a.img"), filepath.Join(dir, "a.kept.qcow2")
	now := time.Now()
	for _, c := range []struct {
		built time.Time
		fresh bool
		want  bool // it is kept
	}{{now.Add(-time.Hour), false, true}, {now.Add(-time.Hour), true, false}, {now.Add(time.Hour), false, false}} {
		for _, name := range []string{image, kept} {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(image, c.built, c.built); err != nil {
			t.Fatal(err)
		}
		err := stale(image, kept, c.fresh)
		if _, gone := os.Stat(kept); err != nil || (gone == nil) != c.want {
			t.Errorf("built at %v, fresh %v: %v, %v; want it kept: %v", c.built, c.fresh, gone, err, c.want)
		}
	}
	if err := stale(image, kept+".not", false); err != nil {
		t.Errorf("a new image: %v", err)
	}
}

func TestBootSaysWhatIsMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "make image BOARD=qemu-x86_64"},
		{[]string{"-arch", "mips"}, "amd64 or arm64"},
		{[]string{"-forward", "x"}, "no port"},
		{[]string{"now"}, "only flags"},
	} {
		if c.args != nil && c.args[0] == "-forward" {
			c.args = append(c.args, "-image", "main.img")
		}
		if err := run(t.Context(), c.args, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("boot %q = %v, want %q", c.args, err, c.want)
		}
	}
}
