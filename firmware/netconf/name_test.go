// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
)

// TestNameIsGivenBySomebodyElse: then no right to everything is missed.
func TestNameIsGivenBySomebodyElse(t *testing.T) {
	dir, refused := t.TempDir(), errors.New("refused")
	var names []string
	l := Linux{Resolver: filepath.Join(dir, "resolv.conf"), Zone: filepath.Join(dir, "localtime"), Name: func(name string) error {
		names = append(names, name)
		return refused
	}}
	if err := l.Do(Step{Kind: SetHostName, Name: "lb1"}); !errors.Is(err, refused) || !slices.Equal(names, []string{"lb1"}) {
		t.Errorf("names given: %q, %v", names, err)
	}
	s, err := l.Read()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(s.Lacks, "CAP_SYS_ADMIN") {
		t.Errorf("lacks %q", s.Lacks)
	}
}
