// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"evener/image/kmod/kmodtest"
)

const vermagic = "vermagic=6.1.0 SMP mod_unload "

// tree returns a folder of modules: each line is a file and its entries of
// .modinfo, with bars between them.
func tree(lines ...string) fstest.MapFS {
	fsys := fstest.MapFS{
		"modules.builtin": {Data: []byte("kernel/fs/ext4/ext4.ko\nkernel/lib/crc16.ko\n")},
		"modules.order":   {Data: []byte("x\n")},
	}
	for _, line := range lines {
		file, rest, _ := strings.Cut(line, " ")
		entries := append([]string{vermagic}, strings.Split(rest, "|")...)
		fsys["kernel/"+file+".ko"] = &fstest.MapFile{Data: kmodtest.Module(entries...)}
	}
	return fsys
}

func build(t *testing.T, lines ...string) *Index {
	t.Helper()
	x, err := Build(tree(lines...))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// virtio is a piece of a real kernel: virtio needs its ring, devices need both.
func virtio(t *testing.T) *Index {
	return build(t,
		"drivers/virtio/virtio name=virtio|depends=virtio-ring",
		"drivers/virtio/virtio_ring name=virtio_ring",
		"drivers/virtio/virtio_pci name=virtio_pci|depends=virtio,virtio_ring|alias=pci:v00001AF4d*sv*sd*bc*sc*i*",
		"drivers/block/virtio_blk name=virtio_blk|depends=virtio_ring,virtio|alias=virtio:d00000002v*",
		"drivers/net/virtio_net name=virtio_net|depends=virtio_ring,virtio,net_failover|alias=virtio:d00000001v*|softdep=post: extra-one",
		"drivers/net/net_failover name=net_failover",
		"fs/jfs name=jfs|softdep=pre: crc32c",
		"crypto/crc32c_generic name=crc32c_generic|alias=crc32c|alias=crypto-crc32c",
		"crypto/crc32c-intel name=crc32c_intel|alias=crc32c",
		"misc/extra-one name=extra_one|softdep=pre: gone",
		"net/nf_nat_x name=nf_nat_x|alias=nft-chain-2-nat",
	)
}

func TestIndexComesBackAsItWas(t *testing.T) {
	x := virtio(t)
	text := x.Encode()
	y, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse: %v\n%s", err, text)
	}
	if !reflect.DeepEqual(x, y) {
		t.Errorf("Parse(Encode()) differs:\n%+v\n%+v", x, y)
	}
	if again := virtio(t).Encode(); !bytes.Equal(text, again) {
		t.Error("the same modules give another index")
	}
}

func TestForFindsTheModulesOfADevice(t *testing.T) {
	x := virtio(t)
	for alias, want := range map[string][]string{
		"virtio:d00000001v00001AF4\n":                           {"virtio_net"},
		"pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00": {"virtio_pci"},
		"pci:v00001AF5d00001000sv00001AF4sd00000001bc02sc00i00": nil,
		"crc32c":          {"crc32c_generic", "crc32c_intel"},
		"nft-chain-2-nat": {"nf_nat_x"},
		"nft_chain_2_nat": {"nf_nat_x"},
		"":                nil,
	} {
		if got := x.For(alias); !slices.Equal(got, want) {
			t.Errorf("For(%q) = %q, want %q", alias, got, want)
		}
	}
}

// TestForMissesNothing compares the search by prefixes with one through all.
func TestForMissesNothing(t *testing.T) {
	var lines []string
	patterns := []string{"*", "a*", "ab*", "abc", "a?c", "[ab]b*", "ab[c-d]*", "b*c", "pci:v1d*", "pci:v1d2*", "pci:v*d2", `\ab*`}
	for i, p := range patterns {
		lines = append(lines, fmt.Sprintf("m%02d name=m%02d|alias=%s|alias=%s", i, i, p, patterns[(i+5)%len(patterns)]))
	}
	x := build(t, lines...)
	for _, name := range []string{"", "a", "ab", "abc", "abd", "axc", "bb", "bc", "bxc", "pci:v1d2", "pci:v1d2x", "pci:v3d2", "zz"} {
		want := map[string]bool{}
		for _, a := range x.aliases {
			if slowMatch(a.pattern, name) {
				want[x.modules[a.module].Name] = true
			}
		}
		got := x.For(name)
		if len(got) != len(want) || slices.ContainsFunc(got, func(m string) bool { return !want[m] }) {
			t.Errorf("For(%q) = %q, want %v", name, got, want)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		fsys fstest.MapFS
		want string
	}{
		"nothing":    {tree(), "there is no module"},
		"needs":      {tree("a name=a|depends=b"), "kernel/a.ko needs module b, which is not there"},
		"twice":      {tree("a name=a", "x/a name=a"), "are both module a"},
		"two kernel": {tree("a name=a", "b name=b|vermagic=5.0 SMP"), "is for kernel 5.0, the modules before it are for 6.1.0"},
		"no list":    {fstest.MapFS{"a.ko": {Data: kmodtest.Module("name=a", vermagic)}}, "modules.builtin"},
		"compressed": {fstest.MapFS{"a.ko.xz": {}}, "a.ko.xz is compressed: unpack it first"},
		"no module":  {fstest.MapFS{"a.ko": {Data: []byte("x")}}, "a.ko: no kernel module"},
	} {
		if _, err := Build(tt.fsys); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Build = %v, want an error with %q", name, err, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const head = magic + "6.1\n"
	for text, want := range map[string]string{
		"":                                 "line 1: this is no index of modules",
		"evener-modules 2 6.1\n":           "line 1: this is no index",
		head:                               "cut off",
		head + "a\t\t\t\t\n":               "cut off: no empty line",
		head + "a\t\t\t\t\n\nx\ta":         "its last line does not end",
		head + "a\t\t\t\n\n":               "line 2: a module has a name and four lists",
		head + "b\t\t\t\t\na\t\t\t\t\n\n":  `line 3: module "a" should stand before "b"`,
		head + "a-b\t\t\t\t\n\n":           "line 2: a module has",
		head + "a\t\t\t\t\n\nx\n":          "line 4: an alias is a pattern",
		head + "a\t\t\t\t\n\nx\tb\n":       `line 4: alias "x" is of a module "b"`,
		head + "a\t\t\t\t\n\ny\ta\nx\ta\n": `line 5: alias "x" should stand before "y"`,
		head + "a\t\t\t\t\nb\t\t\t\t\n\nx\tb\nx\ta\n": `line 6: alias "x" should stand before`,
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want an error with %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(magic + "6.1\na\tk/a.ko\tb\tc\td\nb\t\t\t\t\n\nx*\ta\n"))
	f.Add([]byte(magic + "6.1\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(x.Encode(), data) {
			t.Errorf("Encode(Parse(%q)) = %q", data, x.Encode())
		}
		for _, m := range x.modules {
			_, _ = x.Order(m.Name) // what it needs may be missing or need it: an error, no more
		}
		x.For("pci:v00001AF4d00001000")
	})
}

func TestSubsetTakesWhatIsNeeded(t *testing.T) {
	sub, err := virtio(t).Subset("virtio_net", "jfs")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range sub.Modules() {
		names = append(names, m.Name)
	}
	want := []string{"crc16", "crc32c_generic", "crc32c_intel", "ext4", "extra_one", "jfs", "net_failover", "virtio", "virtio_net", "virtio_ring"}
	if !slices.Equal(names, want) {
		t.Errorf("modules = %q, want %q", names, want)
	}
	if got := sub.For("virtio:d00000001v00001AF4"); !slices.Equal(got, []string{"virtio_net"}) {
		t.Errorf("For a port = %q", got)
	}
	if _, err := Parse(sub.Encode()); err != nil {
		t.Errorf("Parse of a subset: %v", err)
	}
}
