// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

func TestOutputOfACommandHasABound(t *testing.T) {
	b := Kept{Max: maxOutput}
	piece := bytes.Repeat([]byte("0123456\n"), 1000)
	for range 1000 {
		if n, err := b.Write(piece); n != len(piece) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if out := strings.Join(linesOf(&b), "\n"); len(out) > maxOutput+200 || len(out) < maxOutput || !strings.HasSuffix(out, "1048576 bytes of what a command prints)") {
		t.Errorf("%d bytes are kept, and the end is %q", len(out), out[len(out)-200:])
	}
}

func TestACommandThatPrintsTooMuchGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox()
		b.cfg.Command = func(_ context.Context, _ []string, out io.Writer) error {
			for range 3 << 10 {
				if _, err := out.Write(bytes.Repeat([]byte("x"), 1<<10)); err != nil {
					return err
				}
			}
			_, err := io.WriteString(out, "\nend\n")
			return err
		}
		b.begin(t)
		b.types(append(login, "11\r", "show log\r", "q\r", "\r", "0\r")...)
		if out := b.shown(); strings.Contains(out, "It was not done") || !strings.Contains(out, "Logged out.") {
			t.Errorf("shown:\n%s", out)
		}
		b.hangUp()
	})
}
