// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"evener/firmware/durable"
)

const (
	seedFile  = "random-seed" // in the folder of the state
	seedMagic = "evener-seed 1"
	seedSize  = 64  // bytes
	maxSeed   = 512 // bytes that go to the kernel at once
	seedBits  = 256 // that a seed of this machine is worth
)

// A generator is the kernel's source of random numbers.
type generator interface {
	AddEntropy(seed []byte, bits int) error
	Random(b []byte) error
}

// FeedSeed gives the kernel the seed that SaveSeed has left in the folder of the
// state, and returns for how many bits it counts.
//
// A seed counts once and on the machine that wrote it: it is removed before it is used,
// for good before the disk has forgotten it, and it carries a digest of machine. A seed
// on a copied disk, or one that cannot be removed, is mixed in and counts for nothing.
func FeedSeed(k generator, state, machine string) (bits int, err error) {
	name := filepath.Join(state, seedFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	head, seed, _ := bytes.Cut(text, []byte{'\n'})
	seed = seed[:min(len(seed), maxSeed)]
	gone := errors.Join(os.Remove(name), durable.SyncDir(state))
	if gone == nil && machine != "" && len(seed) == seedSize && string(head) == seedHead(machine) {
		bits = seedBits
	}
	if err := k.AddEntropy(seed, bits); err != nil {
		return 0, errors.Join(err, gone)
	}
	return bits, gone
}

// SaveSeed leaves a seed for the next start, if the kernel's generator is ready.
func SaveSeed(k generator, state, machine string) error {
	seed := make([]byte, seedSize)
	if err := k.Random(seed); errors.Is(err, unix.EAGAIN) {
		return nil // what it would give now is not worth keeping
	} else if err != nil {
		return fmt.Errorf("save a seed: %w", err)
	}
	return durable.Replace(filepath.Join(state, seedFile), append([]byte(seedHead(machine)+"\n"), seed...), 0o600)
}

func seedHead(machine string) string {
	sum := sha256.Sum256([]byte("evener seed\x00" + machine))
	return seedMagic + " " + hex.EncodeToString(sum[:])
}

// Machine returns what tells this machine from others, from what its firmware says of
// it: empty where it says nothing.
func Machine(root string) string {
	var parts []string
	for _, name := range []string{"class/dmi/id/product_uuid", "class/dmi/id/product_serial", "class/dmi/id/board_serial",
		"firmware/devicetree/base/serial-number"} {
		text, err := os.ReadFile(filepath.Join(root, "sys", name))
		if s := strings.Trim(string(text), "\x00 \n"); err == nil && s != "" {
			parts = append(parts, name+"="+s)
		}
	}
	return strings.Join(parts, "\n")
}
