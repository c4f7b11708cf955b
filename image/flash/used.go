// SPDX-License-Identifier: Apache-2.0

package flash

import (
	"os"
	"path/filepath"
	"strings"
)

// used says what a disk or a partition of it is used for, "" if nothing.
func used(root, name string) string {
	sys := filepath.Join(root, "sys/class/block", name)
	if fact(sys, "ro") == "1" {
		return name + " is write-protected"
	}
	parts := []string{name}
	entries, err := os.ReadDir(sys)
	if err != nil {
		return err.Error()
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), name) && isPartition(root, e.Name()) {
			parts = append(parts, e.Name())
		}
	}
	mounts := mounts(root)
	swaps, err := os.ReadFile(filepath.Join(root, "proc/swaps"))
	if err != nil && !os.IsNotExist(err) {
		return err.Error()
	}
	for _, p := range parts {
		dir := filepath.Join(root, "sys/class/block", p)
		if at := mounts[fact(dir, "dev")]; at != "" {
			if at == "/" {
				return p + " is what this system runs from"
			}
			return p + " is mounted at " + at
		}
		if strings.Contains("\n"+string(swaps), "\n/dev/"+p+" ") {
			return p + " is used for swapping"
		}
		if held, err := os.ReadDir(filepath.Join(dir, "holders")); err == nil && len(held) > 0 {
			return p + " belongs to " + held[0].Name()
		}
	}
	return ""
}

// mounts returns where each device is mounted first, by its number such as 8:1
// (proc_pid_mountinfo(5)).
func mounts(root string) map[string]string {
	text, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return nil // the exclusive opening refuses what is mounted all the same
	}
	m := map[string]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 4 && m[f[2]] == "" {
			m[f[2]] = f[4]
		}
	}
	return m
}
