// SPDX-License-Identifier: Apache-2.0

package hal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// notConsole refuses a device that the kernel writes its messages to: people read
// them there, and a display's driver would garble them and be garbled.
func (m *Machine) notConsole(file string) error {
	text, err := os.ReadFile(filepath.Join(m.root, "sys/class/tty/console/active"))
	if err != nil {
		return nil // a kernel without consoles
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	if slices.Contains(strings.Fields(string(text)), filepath.Base(file)) {
		return fmt.Errorf("%s is a console of the kernel: take it out of the kernel's command line (console=)", file)
	}
	return nil
}
