// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"evener/image/early"
	"evener/image/fat"
	"evener/image/gpt"
	"evener/image/slot"
)

// A simulated box has its slots in a file that is laid out as an appliance's disk. Its
// restart chooses a slot as the boot loader does; what is in the slots is a line of
// text, and the program stays the same.
const (
	simDiskFile  = "sim-disk.img"
	simBootFile  = "sim-boot.json" // how the box was started, as a kernel's command line says it
	simFirst     = "1.0.0"         // version of the image that a new disk has
	simImageHead = "simulated image of Evener: "
)

// How a simulated image behaves.
const (
	simGood  = "good"
	simFails = "fails" // its self-test does not pass
	simHangs = "hangs" // it never gets to its self-test
)

// simKey signs simulated images. It is no secret, and no other board trusts it.
func simKey() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("the key of Evener's simulated board"))
	return ed25519.NewKeyFromSeed(seed[:])
}

func simKeys() slot.Keys {
	public := simKey().Public().(ed25519.PublicKey)
	return slot.Keys{List: []slot.Key{{ID: slot.KeyID(public), Public: public, Comment: "simulated board: everybody has this key"}}}
}

// simImage is the payload of a simulated image.
func simImage(version, behave string, size int) []byte {
	text := fmt.Sprintf("%s%s %s\n", simImageHead, version, behave)
	out := bytes.Repeat([]byte("\n"), max(size, slot.SectorSize))
	copy(out, text)
	return out
}

// simHeader describes a simulated image and signs that.
func simHeader(version string, index int, payload []byte) (slot.Header, error) {
	sum := sha256.Sum256(payload)
	return slot.NewHeader(slot.Manifest{Product: slot.Product, Version: version, Boards: []string{"sim"}, Arch: runtime.GOARCH, RollbackIndex: index,
		Created: time.Now().UTC().Format(time.RFC3339), Size: int64(len(payload)), SHA256: hex.EncodeToString(sum[:]), Keys: simKeyLines()}, simKey())
}

func simKeyLines() (out []string) {
	for _, k := range simKeys().List {
		out = append(out, k.String())
	}
	return out
}

// A simBoot is how a simulated box was started.
type simBoot struct {
	early.Boot
	ID     string `json:"id"`     // of this start
	Behave string `json:"behave"` // of the image
}

func readSimBoot(state string) (b simBoot, err error) {
	text, err := os.ReadFile(filepath.Join(state, simBootFile))
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	return b, err
}

// startSimDisk starts the simulated disk of a box: it is made where there is none, and
// then a slot is chosen as the boot loader does. An image that hangs is restarted by a
// simulated watchdog, which costs it a try.
func startSimDisk(state string, log *slog.Logger) error {
	path := filepath.Join(state, simDiskFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := makeSimDisk(path); err != nil {
			return errors.Join(fmt.Errorf("make the simulated disk: %w", err), os.Remove(path))
		}
	}
	disk, err := slot.Open(path)
	if err != nil {
		return err
	}
	defer disk.Close()
	boot, err := chooseSim(disk, log)
	if err != nil {
		return err
	}
	var id [16]byte
	rand.Read(id[:])
	boot.Disk, boot.ID = path, hex.EncodeToString(id[:])
	text, err := json.Marshal(boot)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(state, simBootFile), text, 0o600)
}

// chooseSim starts slots until one gets somewhere.
func chooseSim(disk *slot.Disk, log *slog.Logger) (b simBoot, err error) {
	for range 2*slot.MaxTries + 1 {
		s, damage := disk.Boot()
		if damage != nil {
			log.Warn("simulated boot state damaged", "err", damage)
		}
		c, next := s.Choose()
		if err := disk.SetBoot(next); err != nil {
			return b, err
		}
		if c.Rescue || c.Reset {
			log.Warn("simulated boot loader has no rescue system and resets nothing", "rescue", c.Rescue, "reset", c.Reset)
			next.Reset = ""
			if err := disk.SetBoot(next); err != nil {
				return b, err
			}
			if c.Rescue {
				continue
			}
		}
		b = simBoot{Boot: early.Boot{Slot: string(c.Slot), Try: c.Try, Recovery: c.Recovery}}
		if err := b.load(disk, c.Slot); err != nil {
			log.Warn("simulated start failed", "slot", c.Slot, "try", c.Try, "err", err)
			if err := disk.MarkBad(c.Slot, slot.Fault{Reason: err.Error(), By: "early"}); err != nil {
				return b, err
			}
			continue
		}
		log.Info("simulated start", "slot", c.Slot, "try", c.Try, "version", b.Version)
		if b.Behave == simHangs && !c.Recovery {
			log.Warn("simulated image hangs, and the simulated watchdog restarts the box", "slot", c.Slot, "try", c.Try)
			continue
		}
		return b, nil
	}
	return b, errors.New("no slot of the simulated disk gets anywhere")
}

// load reads the image of a slot, and what it says of itself.
func (b *simBoot) load(disk *slot.Disk, n slot.Name) error {
	h, err := disk.Slot(n)
	if err != nil {
		return err
	}
	if _, err := h.Verify(simKeys()); err != nil {
		return err
	}
	r, err := disk.Payload(n)
	if err != nil {
		return err
	}
	head := make([]byte, 256)
	k, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	line, _, _ := strings.Cut(string(head[:k]), "\n")
	text, ok := strings.CutPrefix(line, simImageHead)
	if !ok {
		return errors.New("what is in the slot is no simulated image")
	}
	_, b.Behave, _ = strings.Cut(text, " ")
	b.Version, b.Created = h.Manifest.Version, h.Manifest.Created
	for _, p := range disk.Partitions() {
		if p.Label == n.Label() {
			b.Part = p.UUID
		}
	}
	return nil
}

// makeSimDisk makes a disk as an image for an appliance is laid out, with one good
// image. The file has holes: it takes little room.
func makeSimDisk(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(slot.ImageSize); err != nil {
		return err
	}
	parts, err := slot.Layout(runtime.GOARCH, slot.ImageSize)
	if err != nil {
		return err
	}
	table, err := gpt.New(slot.ImageSize)
	if err != nil {
		return err
	}
	for _, p := range parts {
		kind, err := gpt.ParseGUID(p.Type)
		if err != nil {
			return err
		}
		table.Partitions = append(table.Partitions, gpt.Partition{Number: p.Number, Label: p.Label, Type: kind, ID: gpt.NewGUID(),
			First: uint64(p.Start / slot.SectorSize), Last: uint64((p.Start+p.Size)/slot.SectorSize - 1)})
		switch p.Label {
		case slot.LabelESP:
			state := slot.State{First: slot.A}.With(slot.A, true, 0).With(slot.B, false, slot.MaxTries)
			cfg := fat.Config{Size: p.Size, Label: "EVENER-ESP", Hidden: uint32(p.Start / slot.SectorSize), Time: time.Now()}
			err = fat.Write(io.NewOffsetWriter(f, p.Start), cfg, []fat.File{{Path: slot.BlockPath[1:], Data: state.Encode()}})
		case slot.LabelA:
			err = putSimImage(f, p)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(table.Write(f), f.Sync())
}

// putSimImage writes the first image into a slot of a disk that nobody uses yet.
func putSimImage(f *os.File, p slot.Partition) error {
	payload := simImage(simFirst, simGood, 0)
	h, err := simHeader(simFirst, 0, payload)
	if err != nil {
		return err
	}
	head, err := h.Encode()
	if err != nil {
		return err
	}
	_, err = f.WriteAt(payload, p.Start)
	_, err2 := f.WriteAt(head, p.Start+p.Size-slot.HeaderSize)
	return errors.Join(err, err2)
}
