// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
	"testing"

	"evener/image/kmod"
)

func TestRunTakesWhatTheKernelGives(t *testing.T) {
	x, err := kmod.Parse([]byte("evener-modules 1 6.1\next4\t\t\t\t\n\nfs_jfs\text4\n"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(string) (*kmod.Loader, error) { return &kmod.Loader{Root: t.TempDir(), Index: x}, nil }
	for _, tt := range []struct{ args, want string }{
		{"-q -- ext4", ""},
		{"-q -- fs-jfs", ""},
		{"-q -- nft-expr-x", `no module "nft-expr-x"`},
		{"-q --", "the name of a module"},
		{"-r ext4", "option -r is unknown"},
	} {
		got := ""
		if err := run(strings.Fields(tt.args), open); err != nil {
			got = err.Error()
		}
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("modprobe %s: %q, want %q", tt.args, got, tt.want)
		}
	}
	broken := errors.New("no index")
	if err := run([]string{"ext4"}, func(string) (*kmod.Loader, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("run without an index: %v", err)
	}
}
