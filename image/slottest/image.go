// SPDX-License-Identifier: Apache-2.0

package slottest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"evener/image/slot"
)

// Key returns the signing key of that number, always the same.
func Key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// Keys returns the set of the keys of these numbers.
func Keys(numbers ...byte) slot.Keys {
	var ks slot.Keys
	for _, n := range numbers {
		public := Key(n).Public().(ed25519.PublicKey)
		ks.List = append(ks.List, slot.Key{ID: slot.KeyID(public), Public: public, Comment: "test"})
	}
	return ks
}

// Manifest returns that of an image of size bytes of this version, and its
// payload. Boards are "sim" and "qemu-x86_64".
func Manifest(version string, size int) (slot.Manifest, []byte) {
	seed := sha256.Sum256([]byte(version))
	payload := make([]byte, size)
	rand.NewChaCha8(seed).Read(payload)
	sum := sha256.Sum256(payload)
	return slot.Manifest{
		Product: slot.Product, Version: version, Boards: []string{"qemu-x86_64", "sim"}, Arch: "amd64",
		Created: "2026-11-21T08:00:00Z", Size: int64(size), SHA256: hex.EncodeToString(sum[:]),
	}, payload
}

// Header signs m with the key of number 1.
func Header(t testing.TB, m slot.Manifest) slot.Header {
	t.Helper()
	h, err := slot.NewHeader(m, Key(1))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Bundle returns a whole bundle of m, signed with the key of number 1.
func Bundle(t testing.TB, m slot.Manifest, payload []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := slot.WriteBundle(&b, Header(t, m), bytes.NewReader(payload)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Put writes an image into a slot as a factory does: without an order of writes
// and without touching the boot state.
func (d *Disk) Put(t testing.TB, n slot.Name, h slot.Header, payload []byte) {
	t.Helper()
	disk, err := slot.New(d)
	if err != nil {
		t.Fatal(err)
	}
	head, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	p, _ := disk.Partition(n.Label())
	d.put(payload, p.Start)
	d.put(head, p.Start+p.Size-slot.HeaderSize)
}
