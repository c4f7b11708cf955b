// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"evener/image/kmod/kmodtest"
)

func TestReadModInfo(t *testing.T) {
	text := kmodtest.Module("license=GPL v2", "alias=pci:v00008086d00001533sv*", "alias=fs-ext4", "depends=dca,i2c-algo-bit",
		"softdep=pre: crc32c  i2c-core post: dm-log", "softdep=post: x", "firmware=a/b.bin", "name=igb-x",
		"parm=debug:level (int)", "empty=", "no equals sign", "vermagic=6.1.0-56-amd64 SMP preempt mod_unload modversions ")
	got, err := ReadModInfo(bytes.NewReader(text))
	want := Info{
		Name: "igb_x", Version: "6.1.0-56-amd64", License: "GPL v2", Depends: []string{"dca", "i2c_algo_bit"},
		Aliases: []string{"pci:v00008086d00001533sv*", "fs-ext4"}, Pre: []string{"crc32c", "i2c_core"},
		Post: []string{"dm_log", "x"}, Firmware: []string{"a/b.bin"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ReadModInfo = %+v, %v\nwant %+v", got, err, want)
	}
}

func TestReadModInfoRefusesOtherFiles(t *testing.T) {
	renamed := bytes.Replace(kmodtest.Module("name=x"), []byte(".modinfo"), []byte(".modinfx"), 1)
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"empty":      {nil, "no kernel module"},
		"text":       {[]byte("#!/bin/sh\n"), "no kernel module"},
		"no section": {renamed, "it has no section .modinfo"},
		"a name":     {kmodtest.Module("name=x depends=a,b"), `has the name "x depends=a,b"`},
		"a softdep":  {kmodtest.Module("name=x", "softdep=pre: a,b"), `has the name "a,b"`},
		"a path":     {kmodtest.Module("name=x", "depends=../a"), `has the name "../a"`},
		"cut off":    {kmodtest.Module("name=x")[:100], "no kernel module"},
	} {
		if _, err := ReadModInfo(bytes.NewReader(tt.data)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: ReadModInfo = %v, want an error with %q", name, err, tt.want)
		}
	}
}

func FuzzReadModInfo(f *testing.F) {
	f.Add(kmodtest.Module("name=x", "depends=a,b", "softdep=pre: c"))
	f.Add(kmodtest.Module())
	f.Add([]byte("\x7fELF"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := ReadModInfo(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, name := range append(append([]string{in.Name}, in.Depends...), in.Pre...) {
			if strings.ContainsAny(name, ",\x00") || name != Canonical(name) {
				t.Errorf("name %q of a module is not plain", name)
			}
		}
	})
}

func TestCanonicalKeepsRanges(t *testing.T) {
	for in, want := range map[string]string{
		"i2c-algo-bit": "i2c_algo_bit", "plain": "plain", "a-[0-9]-b": "a_[0-9]_b", "a-[0-9": "a_[0-9", "": "",
	} {
		if got := Canonical(in); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", in, got, want)
		}
	}
}
