// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"evener/image/slot"
)

// A release is the bundle of an image, and the key that signed it.
type release struct {
	header  slot.Header
	payload []byte
	key     ed25519.PrivateKey
}

// releaseOf reads the newest bundle, and the development key beside it.
func releaseOf(t testing.TB, arch string) release {
	t.Helper()
	name := imageOf(t, arch, ".evb")
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := slot.ParseBundle(f)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := io.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	return release{b.Header, payload, devKey(t, filepath.Dir(name))}
}

func devKey(t testing.TB, dir string) ed25519.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "keys", "dev.key"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("the development key is no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(ed25519.PrivateKey)
}

// bundle makes a bundle of another version of r; change may change its manifest.
func (r release) bundle(t testing.TB, version string, payload []byte, key ed25519.PrivateKey, change func(*slot.Manifest)) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := slot.WriteBundle(&b, r.head(t, version, payload, key, change), bytes.NewReader(payload)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// head makes the header of such a bundle.
func (r release) head(t testing.TB, version string, payload []byte, key ed25519.PrivateKey, change func(*slot.Manifest)) slot.Header {
	t.Helper()
	m := r.header.Manifest
	sum := sha256.Sum256(payload)
	m.Version, m.Size, m.SHA256 = version, int64(len(payload)), hex.EncodeToString(sum[:])
	if change != nil {
		change(&m)
	}
	h, err := slot.NewHeader(m, key)
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
	if err := os.WriteFile(whole, r.payload, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"unsquashfs", "-quiet", "-no-xattrs", "-d", root, whole, "boot", "etc"},
		{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(root, "sbin", "evener"), "./testdata/" + program},
		{"mksquashfs", root, out, "-quiet", "-noappend", "-all-root", "-noI", "-noD", "-noF", "-noX"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+r.header.Manifest.Arch)
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
