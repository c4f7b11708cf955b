// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"crypto/ed25519"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"evener/image/slot"
)

// A release is a [Release] for a test, which ends when something goes wrong.
type release struct{ Release }

func releaseOf(t testing.TB, arch string) release {
	t.Helper()
	imageOf(t, arch, ".evb") // skips without one
	r, err := ReadRelease(images(), arch)
	if err != nil {
		t.Fatal(err)
	}
	return release{r}
}

// bundle makes a bundle of another version of r; change may change its manifest.
func (r release) bundle(t testing.TB, version string, payload []byte, key ed25519.PrivateKey, change func(*slot.Manifest)) []byte {
	t.Helper()
	b, err := r.Bundle(version, payload, key, change)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// head makes the header of such a bundle.
func (r release) head(t testing.TB, version string, payload []byte, key ed25519.PrivateKey, change func(*slot.Manifest)) slot.Header {
	t.Helper()
	h, err := r.Head(version, payload, key, change)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// with returns a payload that has the kernel and initrd of r, and in place of the
// firmware's program another one: that of testdata with the build tag.
func (r release) with(t testing.TB, program string) []byte {
	t.Helper()
	needs(t, "mksquashfs", "unsquashfs", "go")
	dir := t.TempDir()
	whole, root, out := filepath.Join(dir, "whole"), filepath.Join(dir, "root"), filepath.Join(dir, "out")
	if err := os.WriteFile(whole, r.Payload, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"unsquashfs", "-quiet", "-no-xattrs", "-d", root, whole, "boot", "etc"},
		{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(root, "sbin", "evener"), "./testdata/" + program},
		{"mksquashfs", root, out, "-quiet", "-noappend", "-all-root", "-noI", "-noD", "-noF", "-noX"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+r.Header.Manifest.Arch)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", args, err, text)
		}
		for _, name := range []string{"sbin", "dev", "proc", "sys", "run", "tmp", "state", "data"} {
			if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	payload, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}
