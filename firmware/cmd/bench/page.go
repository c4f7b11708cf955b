// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// How long a page of the console stays open, with how many servers that change each
// second, and what that may cost.
const (
	pageTime      = 10 * time.Minute
	pageServers   = 200
	pageHeapLimit = 10 // MB
	pageCoreLimit = 15 // % of a core
)

// pagesOf is the folder of the console's source, below which its pages are built.
const pagesOf = "webui"

// A pageFound is what the browser tells of a page that stayed open.
type pageFound struct {
	Heap     [2]float64 `json:"heap"`     // bytes, before and after
	Core     float64    `json:"core"`     // seconds of a processor in each second
	Elements [2]int     `json:"elements"` // of the page, before and after
}

// pageCost keeps the console's table of servers open in a browser.
func pageCost(l *lab) ([]row, error) {
	heap := row{Case: "console-page/heap", Unit: "MB that the page grows", Limit: pageHeapLimit,
		About: fmt.Sprintf("The table of %d servers stays open in Chromium for %v while each row changes once a second.", pageServers, pageTime)}
	core := row{Case: "console-page/core", Unit: "% of a core, of the browser's process that draws it", Limit: pageCoreLimit}
	found, err := l.soakPage()
	if err != nil {
		return skipped(err, heap, core), nil
	}
	heap.About += fmt.Sprintf(" %.1f MB at first, %d elements, %d at the end.", found.Heap[0]/1e6, found.Elements[0], found.Elements[1])
	heap.measured([]float64{(found.Heap[1] - found.Heap[0]) / 1e6})
	core.measured([]float64{100 * found.Core})
	return []row{heap, core}, nil
}

// soakPage keeps the page open.
func (l *lab) soakPage() (found pageFound, err error) {
	program, err := filepath.Abs(l.evener)
	if err != nil {
		return found, err
	}
	for _, need := range []string{"dist/manifest.json", "node_modules/playwright-core"} {
		if _, err := os.Stat(filepath.Join(pagesOf, need)); err != nil {
			return found, fmt.Errorf("%w: %w (make webui)", errNotMeasured, err)
		}
	}
	for _, p := range []string{"node", "chromium"} {
		if _, err := exec.LookPath(p); err != nil {
			return found, fmt.Errorf("%w: %s is not installed (.ci/setup brings it)", errNotMeasured, p)
		}
	}
	cmd := exec.CommandContext(l.ctx, "node", "e2e/soak.mjs", "--json")
	cmd.Dir, cmd.Stderr = pagesOf, l.progress
	cmd.Env = append(os.Environ(), "EVENER_BIN="+program, "EVENER_WEBUI_DIR=dist", "PAGES=/servers",
		"SERVERS="+strconv.Itoa(pageServers), fmt.Sprintf("MINUTES=%g", pageTime.Minutes()))
	text, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	if err != nil {
		return found, fmt.Errorf("keep the page open: %w", err)
	}
	return found, nil
}
