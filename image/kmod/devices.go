// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// deviceLists are the folders of sysfs with a link to each device that may ask for a
// module, and where the processors ask for theirs. All that lies below /sys/devices is
// fifty times as much.
var deviceLists = []string{"sys/bus/*/devices/*", "sys/class/dmi/*", "sys/class/input/*", "sys/devices/system/*"}

// Wanted is Modaliases.
func (*Loader) Wanted(root string) []string { return Modaliases(root) }

// Modaliases returns what the devices of a machine ask for, each once, in the order of
// their places in the tree of devices: ports get their names in the order in which their
// drivers come. root is / but in tests.
func Modaliases(root string) []string {
	var places []string
	for _, pattern := range deviceLists {
		names, _ := filepath.Glob(filepath.Join(root, pattern)) // no bad pattern
		for _, name := range names {
			if place, err := filepath.EvalSymlinks(name); err == nil { // otherwise it has just gone
				places = append(places, filepath.Join(place, "modalias"))
			}
		}
	}
	slices.SortFunc(places, func(a, b string) int {
		return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
	})
	var list []string
	seen := map[string]bool{}
	for _, place := range slices.Compact(places) {
		text, err := os.ReadFile(place)
		if s := strings.TrimSpace(string(text)); err == nil && s != "" && !seen[s] {
			seen[s] = true
			list = append(list, s)
		}
	}
	return list
}
