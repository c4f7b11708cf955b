// SPDX-License-Identifier: Apache-2.0

package flash

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"evener/image/gpt"
	"evener/image/slot"
	"evener/image/slottest"
)

const payloadSize = 3*slot.MiB + 1234

// anImage writes an image with one slot and something on every other partition,
// and returns its path.
func anImage(t *testing.T, n slot.Name) string {
	t.Helper()
	d := slottest.New(t, slot.State{First: slot.B, Once: "rescue"})
	m, payload := slottest.Manifest("1.4.0", payloadSize)
	m.Keys = []string{slottest.Keys(1).List[0].String()}
	d.Put(t, n, slottest.Header(t, m), payload)
	disk, err := slot.New(d)
	if err != nil {
		t.Fatal(err)
	}
	for label, text := range map[string]string{slot.LabelBIOS: "core", slot.LabelState: "old state", slot.LabelData: "old data"} {
		p, _ := disk.Partition(label)
		d.Apply(slottest.Op{Off: p.Start, Data: []byte(text)})
	}
	d.Apply(slottest.Op{Off: 0, Data: []byte("boot code")})
	path := filepath.Join(t.TempDir(), "evener.img")
	if err := d.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// aDisk makes a file of size bytes that is full of something in the places that
// matter.
func aDisk(t *testing.T, size int64) Disk {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 2<<20)
	rand.NewChaCha8([32]byte{7}).Read(noise)
	for _, at := range []int64{0, 100 << 20, 130 << 20, 386 << 20, 640 << 20, 644 << 20, 897 << 20, size - 2<<20} {
		if _, err := f.WriteAt(noise[:min(2<<20, size-at)], at); err != nil && at < size {
			t.Fatal(err)
		}
	}
	d, err := Find("/", path)
	if err != nil || d.Size != size {
		t.Fatalf("Find = %+v, %v", d, err)
	}
	return d
}

func openImage(t *testing.T, path string, n slot.Name) *Source {
	t.Helper()
	s, err := OpenRunning(path, n, slottest.Keys(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestDiskIsANewBoxAndNoCopy(t *testing.T) {
	for _, n := range []slot.Name{slot.A, slot.B} {
		t.Run("from slot "+string(n), func(t *testing.T) {
			image := anImage(t, n)
			s := openImage(t, image, n)
			d := aDisk(t, 4<<30)
			steps := map[Step]int64{}
			err := s.Write(t.Context(), d, func(step Step, done, total int64) {
				if done > total || done < steps[step] {
					t.Errorf("step %s is at %d of %d after %d", step, done, total, steps[step])
				}
				steps[step] = done
			})
			if err != nil {
				t.Fatal(err)
			}
			if steps["write"] == 0 || steps["write"] != steps["check"] {
				t.Errorf("%d bytes were written and %d checked", steps["write"], steps["check"])
			}
			checkDisk(t, image, d)
		})
	}
}

// checkDisk compares a written disk with the image.
func checkDisk(t *testing.T, image string, d Disk) {
	t.Helper()
	got, err := slot.View(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if err := got.Verify(t.Context(), slot.A, slottest.Keys(1), nil); err != nil {
		t.Error(err)
	}
	if _, err := got.Slot(slot.B); !errors.Is(err, slot.ErrEmpty) {
		t.Errorf("slot B: %v, want that it is empty", err)
	}
	state, err := got.Boot()
	if c, _ := state.Choose(); err != nil || c.Slot != slot.A || !state.Good(slot.A) || state.Usable(slot.B) {
		t.Errorf("boot state %+v, %v", state, err)
	}
	was, err := slot.View(image)
	if err != nil {
		t.Fatal(err)
	}
	defer was.Close()
	from, to := contents(t, image), contents(t, d.Path)
	for _, p := range was.Partitions() {
		q, ok := got.Partition(p.Label)
		if !ok || q.Start != p.Start || q.UUID == p.UUID || p.Label != slot.LabelData && q.Size != p.Size {
			t.Errorf("partition %+v became %+v", p, q)
		}
		a, b := make([]byte, 1<<20), make([]byte, 1<<20)
		_, _ = from.ReadAt(a, p.Start)
		_, _ = to.ReadAt(b, p.Start)
		switch p.Label {
		case slot.LabelBIOS:
			if !bytes.Equal(a, b) {
				t.Errorf("%s differs", p.Label)
			}
		case slot.LabelState, slot.LabelData:
			if !bytes.Equal(b, zeros[:]) {
				t.Errorf("%s is not empty", p.Label)
			}
		}
	}
	if data, _ := got.Partition(slot.LabelData); data.Start+data.Size < d.Size-3<<20 {
		t.Errorf("data ends at %d of %d", data.Start+data.Size, d.Size)
	}
	code := make([]byte, 9)
	if _, _ = to.ReadAt(code, 0); string(code) != "boot code" {
		t.Errorf("the disk begins with %q", code)
	}
}

func contents(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestDiskThatWasWrittenHalfStartsNothing(t *testing.T) {
	s := openImage(t, anImage(t, slot.A), slot.A)
	d := aDisk(t, 2<<30)
	if err := s.Write(t.Context(), d, nil); err != nil { // so that there is a table
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Write(ctx, d, func(step Step, done, total int64) {
		if step == "write" && done > total/2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Write = %v", err)
	}
	f := contents(t, d.Path)
	if table, err := gpt.Parse(f, d.Size); err == nil {
		t.Errorf("the disk still has the table %+v", table)
	}
	first := make([]byte, 512)
	if _, _ = f.ReadAt(first, 0); !bytes.Equal(first, zeros[:512]) {
		t.Error("the disk still has boot code")
	}
}

// A forgetful device gives back another byte than was written.
type forgetful struct {
	slot.Device
	at int64
}

func (f forgetful) ReadBack(p []byte, off int64) error {
	err := f.Device.ReadBack(p, off)
	if off <= f.at && f.at < off+int64(len(p)) {
		p[f.at-off] ^= 1
	}
	return err
}

func TestDiskThatDoesNotKeepWhatIsWrittenIsFoundOut(t *testing.T) {
	s := openImage(t, anImage(t, slot.A), slot.A)
	d := aDisk(t, 2<<30)
	for _, at := range []int64{1 << 20, 2<<20 + 77, 130<<20 + payloadSize - 1, 3, 642<<20 - 600} {
		target, err := openTarget(d)
		if err != nil {
			t.Fatal(err)
		}
		target.Device = forgetful{target.Device, at}
		table, err := s.layout(d.Size)
		if err != nil {
			t.Fatal(err)
		}
		w := &writing{source: s, target: target, table: table, progress: func(Step, int64, int64) {}}
		if err := w.run(t.Context()); err == nil || !strings.Contains(err.Error(), "does not keep") {
			t.Errorf("a wrong byte at %d: %v", at, err)
		}
		target.Close()
	}
}

func TestWhatIsNoImageIsRefused(t *testing.T) {
	if _, err := Open(anImage(t, slot.B), slottest.Keys(1)); !errors.Is(err, slot.ErrEmpty) {
		t.Errorf("slot A is empty: %v", err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"qcow2", "QFI\xfb" + strings.Repeat("x", 100), "an image for QEMU"},
		{"gzip", "\x1f\x8b" + strings.Repeat("x", 100), "gunzip"},
		{"bundle", "EVENER BUNDLE 1\n", "take the file that ends in .img"},
		{"text", "hello", "no image of Evener"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(path, slottest.Keys(1)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, want %q", err, c.want)
			}
		})
	}
}

func TestSignatureAndContentOfTheImageAreChecked(t *testing.T) {
	image := anImage(t, slot.A)
	if _, err := Open(image, slottest.Keys(2)); !errors.Is(err, slot.ErrNotSigned) {
		t.Errorf("with another key: %v", err)
	}
	s, err := Open(image, slot.Keys{})
	if err != nil || s.Trusted {
		t.Fatalf("with the image's own keys: %v", err)
	}
	defer s.Close()
	if err := s.Check(t.Context(), nil); err != nil {
		t.Error(err)
	}
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.disk.Partition(slot.LabelA)
	if _, err := f.WriteAt([]byte("broken"), p.Start+slot.MiB); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := s.Check(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Check of a damaged image = %v", err)
	}
}

func TestDisksThatMustNotBeWrittenAreRefused(t *testing.T) {
	image := anImage(t, slot.A)
	s := openImage(t, image, slot.A)
	if _, err := s.layout(minDisk); err != nil {
		t.Errorf("the smallest disk is refused: %v", err)
	}
	if _, err := s.layout(minDisk - slot.MiB); err == nil {
		t.Error("a disk that is a MiB too small is taken")
	}
	if err := s.Write(t.Context(), aDisk(t, 900<<20), nil); err == nil || !strings.Contains(err.Error(), "too small") {
		t.Errorf("a small disk: %v", err)
	}
	d := aDisk(t, 2<<30)
	d.Used = "sda1 is mounted at /home"
	if err := s.Write(t.Context(), d, nil); err == nil || !strings.Contains(err.Error(), "mounted at /home") {
		t.Errorf("a mounted disk: %v", err)
	}
	d.Used, d.Size = "", d.Size+1<<20
	if err := s.Write(t.Context(), d, nil); err == nil || !strings.Contains(err.Error(), "another disk") {
		t.Errorf("another disk: %v", err)
	}
	self, err := Find("/", image)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), self, nil); err == nil || !strings.Contains(err.Error(), "onto itself") {
		t.Errorf("the image itself: %v", err)
	}
	if _, err := Find("/", "/dev/null"); err == nil || !strings.Contains(err.Error(), "no disk") {
		t.Errorf("Find(/dev/null) = %v", err)
	}
}

func TestLoopDeviceIsWrittenUnlessItIsUsed(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("loop devices need root")
	}
	image := anImage(t, slot.A)
	s := openImage(t, image, slot.A)
	file := aDisk(t, 2<<30)
	out, err := exec.Command("losetup", "--find", "--show", "--partscan", file.Path).CombinedOutput()
	if err != nil {
		t.Skipf("this kernel has no loop devices: %v: %s", err, out)
	}
	dev := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", dev).CombinedOutput(); err != nil {
			t.Errorf("detach %s: %v: %s", dev, err, out)
		}
	})
	d, err := Find("/", dev)
	if err != nil || d.Size != file.Size || d.Used != "" {
		t.Fatalf("Find = %+v, %v", d, err)
	}
	holder, err := os.OpenFile(dev, os.O_RDWR|unix.O_EXCL, 0) // as a mount does
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), d, nil); err == nil || !strings.Contains(err.Error(), "used by the system") {
		t.Errorf("a disk that somebody has: %v", err)
	}
	holder.Close()
	if err := s.Write(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	checkDisk(t, image, d)
}
