// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"evener/image/fat"
)

// sectors returns where the two sectors of the boot state lie on the disk.
func (d *Disk) sectors() ([2]int64, error) {
	esp, _ := d.Partition(LabelESP)
	ranges, err := fat.Locate(io.NewSectionReader(d.dev, esp.Start, esp.Size), strings.TrimPrefix(BlockPath, "/"))
	if err != nil {
		return [2]int64{}, fmt.Errorf("boot state: %w", err)
	}
	var at []int64
	for _, r := range ranges {
		for off := int64(0); off+SectorSize <= r.Length; off += SectorSize {
			at = append(at, esp.Start+r.Offset+off)
		}
	}
	if len(at) != 2 {
		return [2]int64{}, fmt.Errorf("boot state: %s has %d sectors, not 2", BlockPath, len(at))
	}
	for _, off := range at {
		if off%SectorSize != 0 || off < esp.Start || off+SectorSize > esp.Start+esp.Size {
			return [2]int64{}, fmt.Errorf("boot state: %s lies at byte %d, not in sectors of the ESP", BlockPath, off)
		}
	}
	return [2]int64(at), nil
}

// Boot reads the boot state. The state can be started from whatever the error
// says: it is what the boot loader makes of the block.
func (d *Disk) Boot() (State, error) {
	at, err := d.sectors()
	if err != nil {
		return State{First: A}, err
	}
	block, err := d.block(at)
	if err != nil {
		return State{First: A}, err
	}
	return ParseState(block)
}

func (d *Disk) block(at [2]int64) ([]byte, error) {
	block := make([]byte, 0, BlockSize)
	unit := make([]byte, BackUnit)
	for _, off := range at {
		in := off % BackUnit
		if err := d.dev.ReadBack(unit, off-in); err != nil {
			return nil, fmt.Errorf("boot state: read: %w", err)
		}
		block = append(block, unit[in:][:SectorSize]...)
	}
	return block, nil
}

// SetBoot writes the boot state: one sector, read back and compared. It writes
// nothing if the state is there already. Only if the second sector, which holds
// no variable of ours, was spoiled by somebody is that written too, and first.
func (d *Disk) SetBoot(s State) error {
	at, err := d.sectors()
	if err != nil {
		return err
	}
	old, err := d.block(at)
	if err != nil {
		return err
	}
	block := s.Encode()
	for _, i := range []int{1, 0} {
		part := block[i*SectorSize:][:SectorSize]
		if bytes.Equal(part, old[i*SectorSize:][:SectorSize]) {
			continue
		}
		if err := d.dev.WriteSector(part, at[i]); err != nil {
			return fmt.Errorf("boot state: write: %w", err)
		}
	}
	if old, err = d.block(at); err != nil {
		return err
	}
	if !bytes.Equal(old, block) {
		return errors.New("boot state: the disk does not keep what is written")
	}
	return nil
}

// Arm puts n first in the boot loader's order, not good and not tried. Its
// header must be there.
func (d *Disk) Arm(n Name) error {
	if _, err := d.Slot(n); err != nil {
		return err
	}
	if err := d.clearFault(n); err != nil {
		return err
	}
	s, _ := d.Boot() // what is wrong with it is mended here
	s.First, s.Once = n, ""
	return d.SetBoot(s.With(n, false, 0))
}

// MarkGood says that n came up and passed its self-test: it is first, good, and
// not counted any more. The fault of an earlier time is removed.
func (d *Disk) MarkGood(n Name) error {
	if err := d.clearFault(n); err != nil {
		return err
	}
	s, _ := d.Boot()
	s.First = n
	return d.SetBoot(s.With(n, true, 0))
}

// MarkBad says that n is not to be started, and keeps the reason on the slot
// itself, where a program can put it that has no other place to write to. The
// other slot is first from now on, if it holds an image. That the reason could
// not be kept is told after the boot state was written.
func (d *Disk) MarkBad(n Name, f Fault) error {
	s, _ := d.Boot()
	s = s.With(n, false, MaxTries)
	if _, err := d.Slot(n.Other()); err == nil {
		s.First = n.Other()
	}
	if s.Once == string(n) {
		s.Once = ""
	}
	err := d.SetBoot(s)
	if kept := d.dev.WriteSector(f.encode(), d.header(n)+maxHeader); kept != nil {
		err = errors.Join(err, fmt.Errorf("slot %s: keep the reason: %w", n, kept))
	}
	return err
}

// A Fault is the reason why a slot was given up.
type Fault struct {
	Reason  string `json:"reason"`            // a sentence for people
	By      string `json:"by"`                // who found it: "early", before the root was mounted, or "self-test"
	Time    string `json:"time,omitempty"`    // RFC 3339; the clock may have been wrong
	Version string `json:"version,omitempty"` // of the slot's manifest, if it could be read
}

// The fault on the medium: magic, length and CRC-32C of the JSON, little-endian.
const (
	faultMagic = "EVFAULT1"
	faultFixed = len(faultMagic) + 8
)

// encode returns the sector. A reason that is too long is cut.
func (f Fault) encode() []byte {
	f.By, f.Time, f.Version = cut(f.By, 20), cut(f.Time, 40), cut(f.Version, 64)
	f.Reason = strings.ToValidUTF8(f.Reason, "?")
	for n := len(f.Reason); ; n -= 16 {
		f.Reason = cut(f.Reason, n)
		text, err := json.Marshal(f)
		if err == nil && faultFixed+len(text) <= SectorSize {
			b := append(make([]byte, 0, SectorSize), faultMagic...)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
			b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(text, castagnoli))
			return padded(append(b, text...))
		}
	}
}

// cut returns at most n bytes of s, whole characters of it.
func cut(s string, n int) string {
	if n = max(n, 0); n >= len(s) {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func parseFault(b []byte) (f Fault, ok bool) {
	if len(b) < faultFixed || string(b[:len(faultMagic)]) != faultMagic {
		return Fault{}, false
	}
	n, text := binary.LittleEndian.Uint32(b[8:]), b[faultFixed:]
	if n > uint32(len(text)) {
		return Fault{}, false
	}
	text = text[:n]
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(b[12:]) || json.Unmarshal(text, &f) != nil {
		return Fault{}, false
	}
	return f, true
}

// Fault returns the reason for which n was given up; ok is false if there is
// none.
func (d *Disk) Fault(n Name) (f Fault, ok bool) {
	b := make([]byte, BackUnit)
	if err := d.dev.ReadBack(b, d.header(n)+HeaderSize-BackUnit); err != nil {
		return Fault{}, false
	}
	return parseFault(b[BackUnit-SectorSize:])
}

func (d *Disk) clearFault(n Name) error {
	b := make([]byte, BackUnit)
	if err := d.dev.ReadBack(b, d.header(n)+HeaderSize-BackUnit); err != nil {
		return fmt.Errorf("slot %s: %w", n, err)
	}
	if slices.Max(b[BackUnit-SectorSize:]) == 0 {
		return nil
	}
	return d.dev.WriteSector(make([]byte, SectorSize), d.header(n)+maxHeader)
}
