// SPDX-License-Identifier: Apache-2.0

package image

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"evener/image/slot"
)

// testTime is that of every file in the images of tests.
var testTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// testGRUB fetches GRUB's modules once for all tests of the repository.
func testGRUB(t *testing.T, arch string) GRUB {
	t.Helper()
	list, err := Fetch(t.Context(), arch, GRUBPackages(arch), filepath.Join("..", "build", "packages", arch))
	if err != nil {
		t.Fatal(err)
	}
	return GRUBFrom(list)
}

// testHeader signs a manifest of the payload.
func testHeader(t *testing.T, arch string, payload []byte) slot.Header {
	t.Helper()
	sum := sha256.Sum256(payload)
	h, err := slot.NewHeader(slot.Manifest{
		Product: slot.Product, Version: "1.0.0", Boards: []string{"qemu"}, Arch: arch,
		Created: testTime.Format(time.RFC3339), Size: int64(len(payload)), SHA256: hex.EncodeToString(sum[:]),
	}, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// testDisk describes a disk whose rescue system and payload are these bytes.
func testDisk(t *testing.T, arch string, kernel, initrd, payload []byte) Disk {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	return Disk{
		Arch: arch, GRUB: testGRUB(t, arch), Time: testTime,
		Kernel: file("vmlinuz", kernel), Initrd: file("initrd", initrd),
		Payload: file("payload", payload), Header: testHeader(t, arch, payload),
	}
}
