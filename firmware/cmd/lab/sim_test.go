// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"testing"

	"evener/firmware/config"
)

// The two boxes begin with configurations that are right, and have the same shared
// blocks: they are in sync from the first moment.
func TestTheSimulatedPairBeginsInSync(t *testing.T) {
	boxes, err := simBoxes(t.TempDir(), 9443)
	if err != nil {
		t.Fatal(err)
	}
	var shared []string
	for i, b := range boxes {
		text := simConfig(i, b.Console)
		cfg, problems := config.Parse(b.Name+".hcl", []byte(text))
		for _, p := range problems {
			t.Errorf("%s: %v", b.Name, p)
		}
		if cfg == nil {
			t.Fatal("no configuration")
		}
		both, _, err := config.SplitShared([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		shared = append(shared, string(both))
		if cfg.Node.Name != b.Name || len(cfg.Node.Peers) != 1 || cfg.Node.Peers[0].Name != boxes[1-i].Name {
			t.Errorf("%s is called %q, its peers are %v", b.Name, cfg.Node.Name, cfg.Node.Peers)
		}
	}
	if shared[0] != shared[1] || shared[0] == "" {
		t.Errorf("the shared blocks differ:\n%s\n%s", shared[0], shared[1])
	}
}

func TestTheSimulatedPairWantsTwoPorts(t *testing.T) {
	err := run(t.Context(), []string{"sim", "-console", "65535", "-dir", t.TempDir()}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "1 to 65534") {
		t.Errorf("run = %v", err)
	}
}
