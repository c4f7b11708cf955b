// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBenchWithoutImagesGoesOn stands where no image was built.
func TestBenchWithoutImagesGoesOn(t *testing.T) {
	t.Chdir(t.TempDir())
	l := &lab{ctx: t.Context(), options: options{rounds: 3, dir: t.TempDir()}, origin: &origin{http: []int{1}}, progress: io.Discard}
	for name, run := range map[string]func(*lab) ([]row, error){
		"image-size": imageSize, "boot-bios": bootCase("boot-bios", biosMachine), "boot-arm64": bootCase("boot-arm64", arm64Machine),
		"idle-memory-appliance": idleAppliance, "update": updateCase, "console-page": pageCost,
	} {
		rows, err := run(l)
		if err != nil || len(rows) == 0 {
			t.Errorf("%s: %d rows, %v; want rows that say why nothing was measured", name, len(rows), err)
		}
		for _, r := range rows {
			if !r.Skipped || r.OK || r.Evener != nil || !strings.HasPrefix(r.Case, name) || !strings.Contains(r.Note, "not measured: ") {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

func TestImageSizeCountsHolesApart(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir(images, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(images, "evener-1.0.0-qemu-x86_64.img")
	if err := os.WriteFile(name, make([]byte, 4096), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 64*mebi); err != nil {
		t.Fatal(err)
	}
	peers := map[string]float64{}
	if err := sizeOf(peers, "disk", "qemu-x86_64", ".img"); err != nil {
		t.Fatal(err)
	}
	if peers["disk"] != 64 || peers["allocated"] <= 0 || peers["allocated"] > 1 {
		t.Errorf("a file of 64 MiB with 4 KiB in it: %v", peers)
	}
}

func TestRowsTellSkippedFromFailed(t *testing.T) {
	rows := skipped(errors.New("the guest fell over"), row{Case: "boot", Unit: "s", Limit: 5})
	rows[0].measured([]float64{3, 1, 2})
	if r := rows[0]; r.Skipped || r.OK || *r.Evener != 2 {
		t.Errorf("a case of which a round has failed: %+v", r)
	}
	var out strings.Builder
	printTable(&out, append(rows, skipped(errNotMeasured, row{Case: "update"})...))
	if text := out.String(); !strings.Contains(text, "skipped") || !strings.Contains(text, "update: not measured") || !strings.Contains(text, "fell over") {
		t.Error(text)
	}
}
