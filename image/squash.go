// SPDX-License-Identifier: Apache-2.0

package image

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxPayload is how many bytes the payload of a slot may have. The partition is
// larger: this is what a box downloads, writes and reads back at each update.
const MaxPayload = 64 << 20

// plainFiles are stored as they are: the initrd and an x86 kernel are compressed
// already, and GRUB would take time to unpack what it reads. An arm64 kernel is
// not: stored plain it would be a third of the slot.
var plainFiles = map[string][]string{
	"amd64": {"vmlinuz", "initrd.img"},
	"arm64": {"initrd.img"},
}

// writeSquashfs makes a squashfs of the tree, compressed by gzip, which GRUB
// reads (it knows no zstd). Level 6 takes a seventh of the time of level 9, for
// 0.6 % more bytes. Equal trees and times give equal bytes. It needs mksquashfs
// and a folder for its work.
func (t *Tree) writeSquashfs(ctx context.Context, file, work, arch string, created time.Time) error {
	dir, err := os.MkdirTemp(work, "root-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // the root's own
		return err
	}
	if err := t.writeTo(dir); err != nil {
		return err
	}
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return err
	}
	stamp := strconv.FormatInt(created.Unix(), 10)
	var plain []string
	for _, name := range plainFiles[arch] {
		plain = append(plain, "name("+name+")")
	}
	cmd := exec.CommandContext(ctx, "mksquashfs", dir, file, "-noappend", "-comp", "gzip",
		"-Xcompression-level", "6", "-all-root", "-no-xattrs",
		"-no-exports", "-mkfs-time", stamp, "-all-time", stamp, "-no-progress", "-quiet",
		"-action", "uncompressed@"+strings.Join(plain, "||"))
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "SOURCE_DATE_EPOCH=") // it takes that or the options
	})
	_, err = output(cmd)
	return err
}

// checkSize says which files are largest if a payload is too large.
func (t *Tree) checkSize(file string, limit int64) error {
	st, err := os.Stat(file)
	if err != nil || st.Size() <= limit {
		return err
	}
	type large struct {
		name string
		size int64
	}
	var all []large
	for name, e := range t.entries {
		if !e.mode.IsRegular() {
			continue
		}
		n, err := e.size()
		if err != nil {
			return err
		}
		all = append(all, large{name, n})
	}
	slices.SortFunc(all, func(a, b large) int {
		return cmp.Or(cmp.Compare(b.size, a.size), strings.Compare(a.name, b.name))
	})
	var text strings.Builder
	for _, l := range all[:min(10, len(all))] {
		fmt.Fprintf(&text, "\n  %8.1f MiB  /%s", float64(l.size)/(1<<20), l.name)
	}
	return fmt.Errorf("%s has %.1f MiB, at most %d MiB are allowed; the largest files, uncompressed:%s",
		filepath.Base(file), float64(st.Size())/(1<<20), limit>>20, text.String())
}
