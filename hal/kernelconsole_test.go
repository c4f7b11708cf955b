// SPDX-License-Identifier: Apache-2.0

package hal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evener/board"
)

func TestPanelIsNotOpenedOnAConsoleOfTheKernel(t *testing.T) {
	for active, refused := range map[string]bool{"tty0 ttyS1\n": true, "tty0 ttyS0\n": false, "ttyS10": false} {
		root := t.TempDir()
		for name, text := range map[string]string{"dev/ttyS1": "", "sys/class/tty/console/active": active} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b := board.Board{Name: "ezio", Panel: &board.Panel{Driver: "ezio300", Device: "/dev/ttyS1", Speed: 2400, Rows: 2, Cols: 16}}
		m, err := Open(b, Options{Root: root})
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Panel(t.Context())
		if got := err != nil && strings.Contains(err.Error(), "console of the kernel"); got != refused {
			t.Errorf("consoles %q: %v; refused as a console %v, want %v", active, err, got, refused)
		}
	}
}
