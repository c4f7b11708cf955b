// SPDX-License-Identifier: Apache-2.0

package early

import (
	"strings"
	"testing"
	"time"
)

const uuid = "b8ff3920-3ca5-8d00-86e3-793d32e7aa11"

func TestCmdlineIsRead(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       Cmdline
		err        string // a part of it
	}{
		{"whole", "BOOT_IMAGE=/boot/vmlinuz quiet evener.slot=B evener.part=" + strings.ToUpper(uuid) + " evener.try=2 evener.recovery=1 evener.reset=factory evener.wait=7 console=ttyS0",
			Cmdline{Slot: "B", Part: uuid, Try: 2, Recovery: true, Reset: true, Wait: 7 * time.Second}, ""},
		{"least", "evener.slot=A evener.part=" + uuid, Cmdline{Slot: "A", Part: uuid, Wait: 30 * time.Second}, ""},
		{"empty values of the boot loader", "evener.slot=A evener.part=" + uuid + " evener.try= evener.reset= evener.recovery=", Cmdline{Slot: "A", Part: uuid, Wait: 30 * time.Second}, ""},
		{"the last counts", "evener.slot=B evener.slot=A evener.part=" + uuid, Cmdline{Slot: "A", Part: uuid, Wait: 30 * time.Second}, ""},
		{"what follows -- is not ours", "evener.slot=A evener.part=" + uuid + " -- evener.slot=C", Cmdline{Slot: "A", Part: uuid, Wait: 30 * time.Second}, ""},
		{"a later version's word", "evener.slot=A evener.part=" + uuid + " evener.new=1", Cmdline{Slot: "A", Part: uuid, Wait: 30 * time.Second}, ""},
		{"rescue needs no slot", "evener.rescue=1", Cmdline{Rescue: true, Wait: 30 * time.Second}, ""},
		{"no partition", "evener.slot=A", Cmdline{}, "no evener.part="},
		{"no slot", "evener.part=" + uuid, Cmdline{}, "no evener.slot="},
		{"other slot", "evener.slot=C evener.part=" + uuid, Cmdline{}, `evener.slot must be A or B, not "C"`},
		{"other partition", "evener.slot=A evener.part=/dev/sda3", Cmdline{}, "evener.part must be the PARTUUID"},
		{"try beyond", "evener.try=4 evener.slot=A evener.part=" + uuid, Cmdline{}, "evener.try must be 0 to 3"},
		{"reset of another kind", "evener.reset=all evener.slot=A evener.part=" + uuid, Cmdline{}, "evener.reset must be factory or nothing"},
		{"no time", "evener.wait=0 evener.slot=A evener.part=" + uuid, Cmdline{}, "evener.wait must be 1 to 600 seconds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCmdline(tt.text)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("ParseCmdline = %v, want an error with %q", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("ParseCmdline = %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func FuzzParseCmdline(f *testing.F) {
	f.Add("quiet evener.slot=A evener.try=3 evener.part=" + uuid)
	f.Add("evener.rescue=1 evener.wait=600 -- x")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCmdline(text)
		if err != nil {
			return
		}
		if c.Try < 0 || c.Try > 3 || c.Wait <= 0 || !c.Rescue && (!isUUID(c.Part) || c.Slot != "A" && c.Slot != "B") {
			t.Errorf("ParseCmdline(%q) = %+v", text, c)
		}
	})
}
