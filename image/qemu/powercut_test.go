// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"evener/image/slot"
	"evener/image/slottest"
)

// cuts is how many of the cuts are booted.
const cuts = 12

// An update is one that a box has taken: its disk was image, and the writes of the log
// from begin to end went to it meanwhile.
type update struct {
	image      string
	log        *WriteLog
	begin, end int
	new        string // version in slot B; in slot A is that of the image
}

// A cut is a loss of power after the first n writes of a log. Of the last one torn bytes
// have come, if torn is not 0, and of those that were never flushed some may be lost.
type cut struct {
	name string
	n    int
	torn int64
	lost uint64 // not 0: the seed of which ones
}

// logged is how many writes a log has by now.
func logged(t *testing.T, name string) (*WriteLog, int) {
	t.Helper()
	l, err := OpenWriteLog(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, len(l.Writes)
}

// powerCuts looks at the disk as a power cut after each write of the update leaves it, as
// the boot loader and the first program do, and boots a dozen of them.
func powerCuts(t *testing.T, u *update) {
	t.Helper()
	from := u.disk(t, u.begin)
	marks := u.marks(t, from)
	u.everyCut(t, from)
	seed := uint64(time.Now().UnixNano())
	list := u.sample(t, marks, rand.New(rand.NewPCG(seed, 0)))
	t.Logf("%d writes, of them %d to the boot state; seed %d", u.end-u.begin, len(marks.state), seed)
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u.boot(t, c)
		})
	}
}

// disk returns the disk as it is after n writes.
func (u *update) disk(t *testing.T, n int) *slottest.Disk {
	t.Helper()
	f, err := os.Open(u.image)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	d := slottest.Over(f, info.Size())
	for i := range n {
		u.apply(t, d, i)
	}
	return d
}

func (u *update) apply(t *testing.T, d *slottest.Disk, i int) {
	t.Helper()
	if u.log.Writes[i].Discard {
		return // a disk may keep what was discarded
	}
	b, err := u.log.Data(i, u.log.Writes[i].Len)
	if err != nil {
		t.Fatal(err)
	}
	d.Apply(slottest.Op{Off: u.log.Writes[i].Off, Data: b})
}

// marks are the writes of an update that matter most.
type marks struct {
	state   []int // to the boot state: arming, a try, good
	payload []int // to the slot, in order
	header  []int // to its header: first it is emptied, last it is one that could be started
}

func (u *update) marks(t *testing.T, from *slottest.Disk) (m marks) {
	t.Helper()
	probe := from.Copy()
	probe.Record()
	d, err := slot.New(probe)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetBoot(slot.State{Once: slot.OnceRescue, Reset: slot.ResetFactory}); err != nil {
		t.Fatal(err)
	}
	state := probe.Ops[0].Off
	b, _ := d.Partition(slot.LabelB)
	for i := u.begin; i < u.end; i++ {
		w := u.log.Writes[i]
		switch {
		case w.Len == 0 || w.Discard:
		case w.Off <= state && state < w.Off+w.Len:
			m.state = append(m.state, i)
		case w.Off >= b.Start && w.Off < b.Start+b.Size-slot.HeaderSize:
			m.payload = append(m.payload, i)
		case w.Off >= b.Start && w.Off < b.Start+b.Size:
			m.header = append(m.header, i)
		}
	}
	if len(m.state) != 3 || len(m.payload) < 20 || len(m.header) < 2 || slices.Max(m.header) > m.state[0] || slices.Max(m.payload) > m.state[0] {
		t.Fatalf("the update has written %+v; want the slot, its header when it is emptied and when it is whole, and then the boot state 3 times", m)
	}
	return m
}

// everyCut asks the boot logic itself what each cut would start. An image of which
// nothing was written since is not read again.
func (u *update) everyCut(t *testing.T, from *slottest.Disk) {
	t.Helper()
	d := from.Copy()
	seen := map[slot.Name]int{}
	verified := map[slot.Name]bool{}
	disk, err := slot.New(d)
	if err != nil {
		t.Fatal(err)
	}
	for i := u.begin; i < u.end; i++ {
		if i > u.begin {
			u.apply(t, d, i-1)
			for _, n := range []slot.Name{slot.A, slot.B} {
				p, _ := disk.Partition(n.Label())
				w := u.log.Writes[i-1]
				verified[n] = verified[n] && (w.Off >= p.Start+p.Size || w.Off+w.Len <= p.Start)
			}
		}
		n, err := starts(t, d, verified)
		if err != nil {
			t.Fatalf("after %d of %d writes: %v", i-u.begin, u.end-u.begin, err)
		}
		seen[n]++
	}
	if seen[slot.A] == 0 || seen[slot.B] == 0 {
		t.Errorf("the cuts do not show both slots: %v", seen)
	}
}

// starts returns the slot that the boot loader starts, which must be one that the first
// program lets pass.
func starts(t *testing.T, d *slottest.Disk, verified map[slot.Name]bool) (slot.Name, error) {
	t.Helper()
	disk, err := slot.New(d)
	if err != nil {
		return "", err
	}
	s, err := disk.Boot()
	if err != nil {
		return "", err
	}
	c, _ := s.Choose()
	if c.Slot == "" || c.Recovery {
		return "", fmt.Errorf("the boot loader starts %+v", c)
	}
	if !verified[c.Slot] {
		h, err := disk.Slot(c.Slot)
		if err != nil {
			return "", err
		}
		keys, err := slot.ParseKeys([]byte(joined(h.Manifest.Keys)))
		if err != nil {
			return "", err
		}
		if err := disk.Verify(t.Context(), c.Slot, keys, nil); err != nil {
			return "", err
		}
		verified[c.Slot] = true
	}
	return c.Slot, nil
}

func joined(lines []string) (out string) {
	for _, l := range lines {
		out += l + "\n"
	}
	return out
}

// sample chooses what is booted: each moment at which something may go wrong, and some
// that nobody has thought of.
func (u *update) sample(t *testing.T, m marks, r *rand.Rand) []cut {
	t.Helper()
	arm, good, header := m.state[0], m.state[2], m.header[len(m.header)-1]
	middle := m.payload[len(m.payload)/2]
	list := []cut{
		{name: "before the first write", n: u.begin},
		{name: "the slot is emptied", n: m.header[0] + 1},
		{name: "in the middle of the payload", n: middle, torn: u.log.Writes[middle].Len / 2 / slot.SectorSize * slot.SectorSize},
		{name: "unsynced payload lost", n: middle + 1, lost: r.Uint64() | 1},
		{name: "before the header", n: header},
		{name: "after the header", n: header + 1},
		{name: "before it is armed", n: arm},
		{name: "the boot state torn", n: arm, torn: 1 + r.Int64N(slot.SectorSize-1)},
		{name: "after it is armed", n: arm + 1},
		{name: "before it is good", n: good},
		{name: "after the last write", n: u.end},
	}
	for len(list) < cuts {
		list = append(list, cut{name: "at random", n: u.begin + r.IntN(u.end-u.begin), lost: r.Uint64() | 1})
	}
	return list
}

// build writes the disk that a cut leaves into a file.
func (u *update) build(t *testing.T, c cut) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "cut.img")
	if err := qemuImg(t.Context(), "convert", "-f", "raw", "-O", "raw", u.image, name); err != nil { // keeps holes
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	flushed := c.n
	for flushed > 0 && !u.log.Writes[flushed-1].Flush {
		flushed--
	}
	r := rand.New(rand.NewPCG(c.lost, 0))
	for i := range min(c.n+1, u.end) {
		w, n := u.log.Writes[i], u.log.Writes[i].Len
		switch {
		case w.Discard:
			continue
		case i == c.n:
			n = c.torn
		case i >= flushed && c.lost != 0:
			n = r.Int64N(n/slot.SectorSize+1) * slot.SectorSize * r.Int64N(2)
		}
		b, err := u.log.Data(i, n)
		if err == nil {
			_, err = f.WriteAt(b, w.Off)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// boot boots what a cut leaves until it is certain what runs: the version in process 1's
// words, and the box's name out of its configuration.
func (u *update) boot(t *testing.T, c cut) {
	t.Helper()
	places, err := Take(t.Context(), 1) // before the disk is built
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(places.Free)
	image := u.build(t, c)
	d, err := slot.View(image)
	if err != nil {
		t.Fatal(err)
	}
	s, problem := d.Boot()
	old, err := d.Slot(slot.A)
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	if problem != nil && c.torn == 0 {
		t.Errorf("the boot state: %v", problem)
	}
	want, _ := s.Choose()
	b := boot(t, places, Config{Disk: image})
	began := time.Now()
	which, m := b.expect(`evener: version (\S+), slot ([AB])`, "rescue system", "this start has failed")
	if which != 0 {
		t.Fatalf("%s: %q", c.name, m[0])
	}
	version := map[slot.Name]string{slot.A: old.Manifest.Version, slot.B: u.new}[slot.Name(m[2])]
	if m[1] != version || slot.Name(m[2]) != want.Slot || !slices.Contains([]slot.Name{slot.A, slot.B}, want.Slot) {
		t.Errorf("%s: version %s runs from slot %s; want that of slot %s, which is %s", c.name, m[1], m[2], want.Slot, version)
	}
	b.expect(`Evener \S+ on lb1\s`)
	t.Logf("version %s, slot %s; known after %.0f s", m[1], m[2], time.Since(began).Seconds())
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Remove(image); err != nil { // room for the others
		t.Error(err)
	}
}
