// SPDX-License-Identifier: Apache-2.0

package lcd_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"evener/hal/lcd"
	"evener/hal/lcd/lcdtest"
)

// deaf is a display that takes everything and never says a thing.
type deaf struct{ *lcdtest.CFA }

func (deaf) Feed([]byte) []byte { return nil }

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// TestOpenOfADeafDisplayLeavesNothing opens a real tty behind which nothing
// answers: the error says what to look at, and no file stays open.
func TestOpenOfADeafDisplayLeavesNothing(t *testing.T) {
	r := lcdtest.PtyRig(t, "cfa635", lcd.Options{}, deaf{lcdtest.NewCFA("cfa635")})
	defer r.Close()
	before := openFiles(t)
	for range 3 {
		began := time.Now()
		dev, err := r.Open(t.Context())
		if err == nil {
			dev.Close()
			t.Fatal("a deaf display opens")
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("it took %v, want about a second", took)
		}
		for _, part := range []string{"cfa635", "no answer", "power", "115200"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %q does not mention %s", err, part)
			}
		}
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files are open, were %d", after, before)
	}
}

func TestOpenOfALineThatIsNotThereSaysSo(t *testing.T) {
	_, err := lcd.OpenDevice(t.Context(), "cfa633", lcd.Options{Device: "/dev/ttyNONE7"})
	if err == nil || !strings.Contains(err.Error(), "/dev/ttyNONE7") {
		t.Errorf("open: %v, want an error that names the line", err)
	}
	_, err = lcd.OpenDevice(t.Context(), "cfa633", lcd.Options{Device: "/dev/null", Speed: 300})
	if err == nil || !strings.Contains(err.Error(), "19200") {
		t.Errorf("open at 300 bit/s: %v, want an error that lists the speeds", err)
	}
}
