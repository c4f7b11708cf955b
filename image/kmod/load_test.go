// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOrderPutsWhatIsNeededFirst(t *testing.T) {
	x := virtio(t)
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{[]string{"virtio_pci"}, "virtio_ring virtio virtio_pci"},
		{[]string{"virtio-blk", "virtio_net"}, "virtio_ring virtio virtio_blk net_failover virtio_net extra-one"},
		{[]string{"jfs"}, "crc32c_generic crc32c-intel jfs"},
		{[]string{"ext4"}, ""}, // built in
		{[]string{"nft-chain-2-nat"}, "nf_nat_x"},
		{nil, ""},
	} {
		files, err := x.Order(tt.names...)
		if err != nil {
			t.Errorf("Order(%q): %v", tt.names, err)
			continue
		}
		var got []string
		for _, f := range files {
			got = append(got, strings.TrimSuffix(filepath.Base(f), ".ko"))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("Order(%q) = %q, want %q", tt.names, got, tt.want)
		}
	}
	if _, err := x.Order("nonesuch"); err == nil || err.Error() != `no module "nonesuch" in the index of kernel 6.1.0` {
		t.Errorf("Order of what is not there: %v", err)
	}
}

func TestOrderTellsOfCircles(t *testing.T) {
	x := build(t, "a name=a|depends=b", "b name=b|depends=c", "c name=c|depends=b", "s name=s|softdep=pre: r", "r name=r|softdep=pre: s")
	if _, err := x.Order("a"); err == nil || err.Error() != "module b needs itself, through others" {
		t.Errorf("Order of a circle: %v", err)
	}
	if files, err := x.Order("s"); err != nil || len(files) != 2 {
		t.Errorf("Order of modules that ask softly for each other = %q, %v, want both", files, err)
	}
}

// A kernel takes modules as the real one does: each once, those it needs first.
type kernel struct {
	x      *Index
	files  map[string]string // module by file
	fails  map[string]error
	loaded []string
}

func (k *kernel) finit(f *os.File) error {
	name := k.files[f.Name()]
	if slices.Contains(k.loaded, name) {
		return unix.EEXIST
	}
	if err := k.fails[name]; err != nil {
		return err
	}
	m, _ := k.x.Module(name)
	for _, d := range m.Depends {
		if need, _ := k.x.Module(d); need.File != "" && !slices.Contains(k.loaded, d) {
			return unix.ENOENT
		}
	}
	k.loaded = append(k.loaded, name)
	return nil
}

func boot(t *testing.T, x *Index) (*Loader, *kernel) {
	t.Helper()
	root := t.TempDir()
	k := &kernel{x: x, files: map[string]string{}, fails: map[string]error{}}
	for _, m := range x.Modules() {
		if m.File == "" {
			continue
		}
		file := filepath.Join(root, m.File)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(m.Name), 0o644)); err != nil {
			t.Fatal(err)
		}
		k.files[file] = m.Name
	}
	return &Loader{Root: root, Index: x, finit: k.finit}, k
}

func TestLoadBringsWhatIsNeeded(t *testing.T) {
	l, k := boot(t, virtio(t))
	k.loaded = []string{"virtio_ring"} // is there already
	if err := errors.Join(l.For("virtio:d00000001v00001AF4"), l.Load("virtio_net", "ext4"), l.For("nobody knows")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"virtio_ring", "virtio", "net_failover", "virtio_net", "extra_one"}; !slices.Equal(k.loaded, want) {
		t.Errorf("loaded %q, want %q", k.loaded, want)
	}
}

func TestLoadGoesOnAndTellsEachFailure(t *testing.T) {
	l, k := boot(t, virtio(t))
	k.fails["virtio"] = unix.ENOENT
	k.fails["crc32c_intel"] = unix.ENODEV // softly wanted: nobody is told
	err := l.Load("virtio_blk", "nonesuch", "jfs")
	want := "load kernel module virtio: no such file or directory: a symbol or another module that it needs is missing, or its file\n" +
		`no module "nonesuch" in the index of kernel 6.1.0`
	if err == nil || err.Error() != want {
		t.Errorf("Load = %v\nwant %s", err, want)
	}
	var e *Error
	if !errors.As(err, &e) || e.Module != "virtio" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error has no cause: %#v", err)
	}
	if want := []string{"virtio_ring", "crc32c_generic", "jfs"}; !slices.Equal(k.loaded, want) {
		t.Errorf("loaded %q, want %q", k.loaded, want)
	}
	delete(k.fails, "crc32c_intel")
	if err := l.Load("crc32c-intel"); err != nil || !slices.Contains(k.loaded, "crc32c_intel") {
		t.Errorf("Load of what had failed when it was not needed: %v", err)
	}
}

func TestForMindsNoMissingDevice(t *testing.T) {
	l, k := boot(t, virtio(t))
	k.fails["virtio_blk"], k.fails["net_failover"] = unix.ENODEV, unix.EINVAL
	if err := l.For("virtio:d00000002v00001AF4"); err != nil {
		t.Errorf("For a device that the module does not want: %v", err)
	}
	if err := l.Load("virtio_blk"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("Load of the same module = %v, want that it finds no device", err)
	}
	if err := l.For("virtio:d00000001v00001AF4"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("For = %v, want what the kernel said", err)
	}
}

func TestLoadSaysWhenAFileIsMissing(t *testing.T) {
	l, _ := boot(t, virtio(t))
	m, _ := l.Index.Module("virtio_ring")
	if err := os.Remove(filepath.Join(l.Root, m.File)); err != nil {
		t.Fatal(err)
	}
	if err := l.Load("virtio"); err == nil || !strings.Contains(err.Error(), "load kernel module virtio_ring: open ") {
		t.Errorf("Load = %v", err)
	}
}

func TestOpenLoaderReadsTheIndexOfTheRunningKernel(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenLoader(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenLoader without an index: %v", err)
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, unix.ByteSliceToString(u.Release[:]))
	file := filepath.Join(root, IndexFile)
	if err := errors.Join(os.Mkdir(root, 0o755), os.WriteFile(file, virtio(t).Encode(), 0o644)); err != nil {
		t.Fatal(err)
	}
	l, err := OpenLoader(dir)
	if err != nil || l.Root != root || len(l.Index.Modules()) != 13 {
		t.Errorf("OpenLoader = %+v, %v", l, err)
	}
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLoader(dir); err == nil || !strings.Contains(err.Error(), file+": line 1") {
		t.Errorf("OpenLoader with garbage: %v", err)
	}
}
