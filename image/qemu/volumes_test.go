// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"evener/image/slot"
)

// volumeMark is what a box leaves in the last 64 KiB of a partition that it has made a
// file system on (firmware/pid1).
const volumeMark = "evener volume 1\n"

// TestBoxWithADamagedStateAndFullDataComesUp has a file system for the state that
// nothing can be read of, and one for the data without room.
func TestBoxWithADamagedStateAndFullDataComesUp(t *testing.T) {
	t.Parallel()
	needs(t, "qemu-img", "mke2fs")
	full := fullFilesystem(t)
	var state, data slot.Partition
	image := changed(t, imageOf(t, "qemu-x86_64", ".img"), func(d *slot.Disk) error {
		state, _ = d.Partition(slot.LabelState)
		data, _ = d.Partition(slot.LabelData)
		return nil
	})
	f, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, 1<<20), state.Start)
	for _, p := range []slot.Partition{state, data} {
		_, e := f.WriteAt([]byte(volumeMark), p.Start+p.Size-64<<10)
		err = errors.Join(err, e)
	}
	_, e := f.WriteAt(full, data.Start)
	if err := errors.Join(err, e, f.Close()); err != nil {
		t.Fatal(err)
	}
	b := boot(t, nil, oneNIC(Config{Disk: image}))
	b.enter()
	b.answer("Set it up now", "n")
	const prompt = "umber, Enter for the menu"
	b.expect(prompt)
	for which := 1; which != 0; b.pause() { // the engine tells when it has started
		b.send("1\r")
		which, _ = b.expect(`(?s)the\s+state\s+partition\s+cannot\s+be\s+used.*no\s+space\s+left\s+on\s+device`, prompt, "Enter for more")
		if which == 2 {
			b.send("\r")
			b.expect(prompt)
		}
	}
}

// fullFilesystem makes a small one in which a file has taken all the room.
func fullFilesystem(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	image, root := filepath.Join(dir, "image"), filepath.Join(dir, "root")
	const size = 16 << 20
	for room := size; room > 0; room -= 32 << 10 {
		if err := errors.Join(os.RemoveAll(image), os.MkdirAll(root, 0o755),
			os.WriteFile(filepath.Join(root, "file"), bytes.Repeat([]byte("full"), room/4), 0o600)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("mke2fs", "-q", "-F", "-t", "ext4", "-L", slot.LabelData, "-b", "4096", "-m", "0", "-d", root, image, fmt.Sprint(size/4096))
		if cmd.Run() != nil { // it does not fit
			continue
		}
		b, err := os.ReadFile(image)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	t.Fatal("mke2fs makes no file system")
	return nil
}
