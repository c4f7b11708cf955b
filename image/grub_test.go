// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"evener/image/fat"
	"evener/image/slot"
)

func TestBootMenuIsAValidScript(t *testing.T) {
	program, err := exec.LookPath("grub-script-check")
	if err != nil {
		t.Skip("grub-script-check is missing (Debian's package grub-common)")
	}
	if out, err := exec.Command(program, "grub.cfg").CombinedOutput(); err != nil {
		t.Errorf("grub-script-check: %v\n%s", err, out)
	}
}

func TestPatchedBIOSBootFindsItsParts(t *testing.T) {
	boot, core := bytes.Repeat([]byte{1}, 512), bytes.Repeat([]byte{2}, 1500)
	b, err := patch(boot, core, 2048, slot.BIOSSize)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.code) != 440 || !bytes.Equal(b.code[0x5c:0x68], []byte{0, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0x90, 0x90}) {
		t.Errorf("boot code = %x", b.code[0x58:])
	}
	if want := []byte{1, 8, 0, 0, 0, 0, 0, 0, 2, 0, 0x20, 0x08}; !bytes.Equal(b.core[500:512], want) || len(b.core) != 1536 {
		t.Errorf("core image of %d bytes has the list %x, want %x", len(b.core), b.core[500:512], want)
	}
	if boot[0x5c] != 1 || core[500] != 2 {
		t.Error("patch changed its arguments")
	}
	if _, err := patch(boot, make([]byte, 2000), 2048, 1024); err == nil || !strings.Contains(err.Error(), "only 1024") {
		t.Errorf("patch of a core image that is too large: %v", err)
	}
}

func TestMissingModulesAreNamed(t *testing.T) {
	_, err := GRUB{}.build(t.Context(), grubPlatforms["arm64"][0])
	if err == nil || !strings.Contains(err.Error(), "grub-efi-arm64-bin") {
		t.Errorf("build without modules: %v, want the package's name", err)
	}
}

// oracleScript is put in place of the menu: each line of the table sets a state,
// lets the real script pick, and tells what it picked and which state that leaves.
// Nothing is saved, which would take a minute; TestTriesAreCountedAcrossStarts does.
const oracleScript = `
terminal_output serial
set env=(none)/none
function t {
	set order=$1
	set a_ok=$2
	set a_try=$3
	set b_ok=$4
	set b_try=$5
	set once=$6
	if [ "$once" = - ]; then
		set once=
	fi
	pick
	echo "<$1 $2 $3 $4 $5 $6: $slot $try $recovery $rescue: $order $a_ok $a_try $b_ok $b_try $once"
}
`

// words writes a state as oracleScript does.
func words(s slot.State, none string) string {
	bit := map[bool]int{true: 1}
	once := s.Once
	if once == "" {
		once = none
	}
	return fmt.Sprintf("%s %d %d %d %d %s", s.Order(), bit[s.OK[0]], s.Try[0], bit[s.OK[1]], s.Try[1], once)
}

// allStates are all that pick can tell apart.
func allStates() []slot.State {
	var list []slot.State
	for n := range 2 * 4 * 16 * 4 {
		s := slot.State{First: slot.A, OK: [2]bool{n&1 > 0, n&2 > 0}, Try: [2]int{n >> 2 & 3, n >> 4 & 3}}
		if n>>6&1 > 0 {
			s.First = slot.B
		}
		s.Once = []string{"", "A", "B", slot.OnceRescue}[n>>7&3]
		list = append(list, s)
	}
	return list
}

// GRUB itself runs the script for every state that there is.
func TestGRUBPicksAsTheOracleDoes(t *testing.T) {
	disk := newDisk(t, "amd64", nil, nil)
	script, _, found := strings.Cut(string(grubConfig), "set default=0")
	if !found {
		t.Fatal("grub.cfg has no menu")
	}
	var table strings.Builder
	for _, s := range allStates() {
		fmt.Fprintf(&table, "t %s\n", words(s, "-"))
	}
	replaceConfig(t, disk, script+oracleScript+table.String()+"echo '<end'\n")
	g := boot(t, "bios", disk)
	for _, s := range allStates() {
		c, after := s.Choose()
		recovery, rescue := "", ""
		if c.Recovery {
			recovery = "1"
		}
		if c.Rescue {
			rescue = "1"
		}
		want := fmt.Sprintf("<%s: %s %d %s %s: %s", words(s, "-"), c.Slot, c.Try, recovery, rescue, words(after, ""))
		if got := g.next("<"); got != strings.TrimRight(want, " ") {
			t.Errorf("GRUB says  %s\nwant       %s", got, want)
		}
	}
	g.next("<end")
}

// The whole way: a state with a start still to come for each rule, on the disk that
// we build, over seven starts of one machine.
func TestTriesAreCountedAcrossStarts(t *testing.T) {
	kernel := tinySlot(t)
	disk := newDisk(t, "amd64", kernel, kernel)
	s := slot.State{First: slot.A, Try: [2]int{1, 2}, Once: slot.OnceRescue, Reset: slot.ResetFactory}
	setBoot(t, disk, s)
	uuids := partitions(t, disk)
	g := boot(t, "bios", disk)
	for range 7 {
		var c slot.Choice
		c, s = s.Choose()
		wantArguments(t, g.next("<"), c, uuids)
	}
	g.stop()
	wantBoot(t, disk, s)
}

// UEFI, and a slot that cannot be read: it is given up, and the other one starts.
func TestUnreadableSlotIsGivenUp(t *testing.T) {
	disk := newDisk(t, "amd64", tinySlot(t), nil)
	s := slot.State{First: slot.B}.With(slot.A, true, 0)
	setBoot(t, disk, s)
	g := boot(t, "uefi", disk)
	wantArguments(t, g.next("<"), slot.Choice{Slot: slot.A}, partitions(t, disk))
	g.stop()
	wantBoot(t, disk, s.With(slot.B, false, slot.MaxTries))
}

// On arm64 nothing on this disk can be read: both slots are given up, and the rescue
// system is tried.
func TestArm64GivesUpUnreadableSlots(t *testing.T) {
	disk := newDisk(t, "arm64", nil, nil)
	setBoot(t, disk, slot.State{First: slot.B, Try: [2]int{0, 2}}.With(slot.A, true, 0))
	g := boot(t, "arm64", disk)
	for _, want := range []string{"slot B cannot be read", "slot A cannot be read", "slot B cannot be read", "the rescue system cannot be read"} {
		g.next(want)
	}
	g.stop()
	// The first one was tried in recovery too, which empties the tries.
	wantBoot(t, disk, slot.State{First: slot.B, Try: [2]int{0, 3}})
}

// wantArguments compares a kernel's command line with what the oracle chose.
func wantArguments(t *testing.T, line string, c slot.Choice, uuids map[string]string) {
	t.Helper()
	want := fmt.Sprintf(" evener.slot=%s evener.part=%s evener.try=%d ", c.Slot, uuids[c.Slot.Label()], c.Try)
	if c.Rescue {
		want = " evener.rescue=1 evener.part=" + uuids[slot.LabelESP] + " "
	}
	if !strings.Contains(line, want) {
		t.Errorf("the kernel was started with %q, want %q", line, want)
	}
	if got := strings.Contains(line, " evener.recovery=1 "); got != c.Recovery {
		t.Errorf("recovery is %v, want %v: %q", got, c.Recovery, line)
	}
	if got := strings.Contains(line, " evener.reset=factory "); got != c.Reset {
		t.Errorf("reset is %v, want %v: %q", got, c.Reset, line)
	}
	if !strings.Contains(line, " console=ttyS0,115200 ") || !strings.HasSuffix(line, " quiet") {
		t.Errorf("the command line is cut off: %q", line)
	}
}

// tinySlot is a squashfs with the kernel that tells its command line.
func tinySlot(t *testing.T) []byte {
	t.Helper()
	if _, err := exec.LookPath("mksquashfs"); err != nil {
		t.Skip("mksquashfs is missing (Debian's package squashfs-tools)")
	}
	dir := t.TempDir()
	root, out := filepath.Join(dir, "root"), filepath.Join(dir, "out")
	if err := os.MkdirAll(filepath.Join(root, "boot"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"vmlinuz": tinyKernel(), "initrd.img": []byte("initrd")} {
		if err := os.WriteFile(filepath.Join(root, "boot", name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := exec.Command("mksquashfs", root, out, "-noappend", "-all-root", "-comp", "gzip", "-quiet").CombinedOutput(); err != nil {
		t.Fatalf("mksquashfs: %v\n%s", err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newDisk writes a disk with these slots, of which nil is one without a file system,
// and the tiny kernel as its rescue system.
func newDisk(t *testing.T, arch string, a, b []byte) string {
	t.Helper()
	if a == nil {
		a = make([]byte, 4096)
	}
	path := filepath.Join(t.TempDir(), "disk")
	if err := WriteDisk(context.Background(), path, testDisk(t, arch, tinyKernel(), []byte("initrd"), a)); err != nil {
		t.Fatal(err)
	}
	d, err := slot.View(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	part, _ := d.Partition(slot.LabelB)
	writeAt(t, path, b, part.Start)
	return path
}

// replaceConfig writes another grub.cfg onto the ESP of a disk.
func replaceConfig(t *testing.T, disk, config string) {
	t.Helper()
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := slot.View(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	esp, _ := d.Partition(slot.LabelESP)
	program, err := testGRUB(t, "amd64").build(t.Context(), grubPlatforms["amd64"][1])
	if err != nil {
		t.Fatal(err)
	}
	err = fat.Write(io.NewOffsetWriter(f, esp.Start), fat.Config{Size: esp.Size, Time: testTime, Hidden: uint32(esp.Start / 512)}, []fat.File{
		{Path: "EFI/BOOT/BOOTX64.EFI", Data: program},
		{Path: pathConfig, Data: []byte(config)},
		{Path: strings.TrimPrefix(slot.BlockPath, "/"), Data: slot.State{}.Encode()},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func writeAt(t *testing.T, path string, b []byte, off int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}

// setBoot changes the boot state in place.
func setBoot(t *testing.T, disk string, s slot.State) {
	t.Helper()
	d, err := slot.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.SetBoot(s); err != nil {
		t.Fatal(err)
	}
}

// wantBoot compares the block that GRUB left behind with the oracle's: the same
// variables, all in the first sector.
func wantBoot(t *testing.T, disk string, want slot.State) {
	t.Helper()
	d, err := slot.View(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got, err := d.Boot()
	if err != nil || got != want {
		t.Errorf("boot state is %+v, %v, want %+v", got, err, want)
	}
	esp, _ := d.Partition(slot.LabelESP)
	f, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, slot.BlockSize)
	list, err := fat.Locate(io.NewSectionReader(f, esp.Start, esp.Size), slot.BlockPath[1:])
	if err != nil || len(list) != 1 || list[0].Length != slot.BlockSize {
		t.Fatalf("the block lies at %v, %v, want one run of %d bytes", list, err, slot.BlockSize)
	}
	if _, err := f.ReadAt(b, esp.Start+list[0].Offset); err != nil {
		t.Fatal(err)
	}
	if rest := b[slot.SectorSize:]; !bytes.Equal(rest, bytes.Repeat([]byte("#"), len(rest))) {
		t.Errorf("GRUB changed the second sector: %q", rest)
	}
}

func partitions(t *testing.T, disk string) map[string]string {
	t.Helper()
	d, err := slot.View(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	uuids := map[string]string{}
	for _, p := range d.Partitions() {
		uuids[p.Label] = p.UUID
	}
	return uuids
}
