// SPDX-License-Identifier: Apache-2.0

package led

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorded returns a copy of a tree in a folder that may be written to.
func recorded(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func attribute(t *testing.T, root, device, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "sys/class/leds", device, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

var bicolour = []LED{{"status", "green", "front:green"}, {"alarm", "green", "alarm:green"}, {"alarm", "red", "alarm:red"}}

func TestLevelsAreShownBySeverity(t *testing.T) {
	for _, c := range []struct {
		level                                    Level
		green, red, greenTrigger, redTrigger, st string
	}{
		{Fine, "0", "0", "none", "none", "green"},
		{Warning, "255", "1", "none", "none", "green"}, // yellow is both
		{Error, "0", "0", "timer", "timer", "yellow"},
		{Alert, "0", "1", "none", "none", "yellow"},
		{Emergency, "0", "0", "none", "timer", "yellow"},
	} {
		t.Run(c.level.String(), func(t *testing.T) {
			root := recorded(t, "bicolour")
			l, problems := Open(root, bicolour)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if err := l.Show(Situation{Level: c.level}); err != nil {
				t.Fatal(err)
			}
			got := []string{attribute(t, root, "alarm:green", "brightness"), attribute(t, root, "alarm:red", "brightness"),
				attribute(t, root, "alarm:green", "trigger"), attribute(t, root, "alarm:red", "trigger"), l.Status(c.level, false).Colour}
			want := []string{c.green, c.red, c.greenTrigger, c.redTrigger, c.st}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("green, red, their triggers and status = %v, want %v", got, want)
			}
		})
	}
}

func TestOnlyTheLEDsThatAreThereAreUsed(t *testing.T) {
	root := recorded(t, "apu2")
	leds := []LED{{"power", "green", "apu2:green:led1"}, {"status", "green", "apu2:green:led2"}, {"alarm", "green", "apu2:green:led3"},
		{"alarm", "green", "apu:green:3"}, {"locate", "blue", "apu2:blue:no"}}
	l, problems := Open(root, leds)
	if len(problems) != 1 || !strings.Contains(problems[0], "locate") || !strings.Contains(problems[0], "apu2:blue:no") {
		t.Errorf("problems = %q, want the locate lamp", problems)
	}
	if err := l.Show(Situation{Level: Alert, Locate: true}); err != nil {
		t.Fatal(err)
	}
	// There is green only: an alert lights it, and a box without a lamp for being
	// found blinks its status.
	if a, s := attribute(t, root, "apu2:green:led3", "brightness"), attribute(t, root, "apu2:green:led2", "trigger"); a != "1" || s != "timer" {
		t.Errorf("alarm has brightness %s, status trigger %s; want 1 and timer", a, s)
	}
	if on := attribute(t, root, "apu2:green:led2", "delay_on"); on != "500" {
		t.Errorf("delay_on = %s ms, want 500", on)
	}
	if len(l.State()) != 3 {
		t.Errorf("State = %+v, want three lamps", l.State())
	}
}

func TestALampThatVanishesIsReportedAndComesBack(t *testing.T) {
	root := recorded(t, "bicolour")
	l, _ := Open(root, bicolour)
	file := filepath.Join(root, "sys/class/leds/alarm:red")
	if err := os.Rename(file, file+"-gone"); err != nil {
		t.Fatal(err)
	}
	if err := l.Show(Situation{Level: Alert}); err == nil || !strings.Contains(err.Error(), "alarm:red") {
		t.Errorf("Show = %v, want the LED that is gone", err)
	}
	if s := l.State(); s[1].Problem == "" {
		t.Errorf("State = %+v, want a problem", s)
	}
	if _, err := os.Stat(filepath.Join(file, "brightness")); err == nil {
		t.Error("a file was made in sysfs")
	}
	if err := os.Rename(file+"-gone", file); err != nil {
		t.Fatal(err)
	}
	if err := l.Show(Situation{Level: Alert}); err != nil || l.State()[1].Problem != "" || attribute(t, root, "alarm:red", "brightness") != "1" {
		t.Errorf("after it came back: %v, %+v", err, l.State())
	}
}

func TestSimulatedLampsShowWhatTheyAreTold(t *testing.T) {
	l := Simulate([]LED{{"alarm", "red", "r"}, {"alarm", "yellow", "y"}, {"locate", "blue", "b"}})
	if err := l.Show(Situation{Level: Error, Locate: true}); err != nil {
		t.Fatal(err)
	}
	s := l.State()
	if len(s) != 2 || s[0].Shows != (Light{"yellow", true}) || s[1].Shows != (Light{"blue", true}) {
		t.Errorf("State = %+v", s)
	}
}

func TestNothingIsDarkForWantOfAColour(t *testing.T) {
	for _, have := range []string{"green", "yellow", "red", "blue", "white"} {
		for _, want := range []string{"green", "yellow", "red", "blue", "white"} {
			if lit := choose([]LED{{"alarm", have, "x"}}, want); !lit[0] {
				t.Errorf("%s is dark on a lamp that is %s", want, have)
			}
		}
	}
}

// A box on standby is told from an active one where there is a lamp for alarms: else
// yellow would be taken for one.
func TestStandbyIsTheStatusLampsOwnColour(t *testing.T) {
	status := []LED{{"status", "green", "s:green"}, {"status", "yellow", "s:yellow"}}
	for _, c := range []struct {
		leds  []LED
		level Level
		want  Light
	}{
		{append([]LED{{"alarm", "red", "a:red"}}, status...), Fine, Light{Colour: "yellow"}},
		{append([]LED{{"alarm", "red", "a:red"}}, status...), Warning, Light{Colour: "yellow"}},
		{status, Fine, Light{Colour: "green"}},
		{status, Alert, Light{Colour: "red"}},
	} {
		l := Simulate(c.leds)
		if err := l.Show(Situation{Level: c.level, Standby: true}); err != nil {
			t.Fatal(err)
		}
		for _, lamp := range l.State() {
			if lamp.Use == "status" && lamp.Shows != c.want {
				t.Errorf("%v of %d LEDs on standby: %+v, want %+v", c.level, len(c.leds), lamp.Shows, c.want)
			}
		}
	}
}
