// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// lines tells readings as text.
func lines(rs []Reading) string {
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "%s %q %s %v%s [%v %v %v] %s\n", r.ID, r.Name, r.Kind, r.Value, r.Kind.Unit(), r.Low, r.High, r.Critical, r.State)
	}
	return b.String()
}

func TestRecordedMachinesAreRead(t *testing.T) {
	for _, c := range []struct {
		tree  string
		known []Known
		want  string
	}{
		{"apu2", []Known{{Chip: "k10temp", Input: "temp1", Name: "CPU"}}, `k10temp/temp1 "CPU" temperature 61.375°C [0 70 105] ok
`},
		{"nct6779", []Known{{Chip: "nct6779", Input: "fan2", Ignore: true}, {Chip: "nct6779", Input: "in1", Name: "12 V", Low: 11.4, High: 12.6}, {Chip: "gone", Input: "temp1", High: 70}},
			`coretemp/temp1 "Package id 0" temperature 45°C [0 80 100] ok
coretemp/temp2 "Core 0" temperature 101°C [0 80 100] critical
coretemp-2/temp1 "Package id 0" temperature 44°C [0 80 100] ok
gone/temp1 "gone/temp1" temperature 0°C [0 70 0] missing
nct6779/fan1 "nct6779/fan1" fan 512rpm [600 0 0] warning
nct6779/in0 "nct6779/in0" voltage 0.856V [0 0 0] ok
nct6779/in1 "12 V" voltage 11.2V [11.4 12.6 0] warning
nct6779/temp1 "SYSTIN" temperature 31°C [0 0 0] ok
nct6779/temp2 "CPUTIN" temperature 0°C [0 0 0] missing
nct6779/temp10 "PECI" temperature 38.5°C [0 0 0] ok
power_meter/power1 "power_meter/power1" power 118W [0 0 0] ok
`},
	} {
		t.Run(c.tree, func(t *testing.T) {
			if got := lines(New(os.DirFS(filepath.Join("testdata", c.tree)), c.known).Read()); got != c.want {
				t.Errorf("Read =\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestASensorThatVanishesIsMissingAndComesBack(t *testing.T) {
	root := fstest.MapFS{"sys/class/hwmon/hwmon0/name": {Data: []byte("k10temp\n")}, "sys/class/hwmon/hwmon0/temp1_input": {Data: []byte("50000\n")}}
	s := New(root, nil)
	if r := s.Read(); len(r) != 1 || r[0].State != OK || r[0].Value != 50 {
		t.Fatalf("Read = %+v", r)
	}
	input := root["sys/class/hwmon/hwmon0/temp1_input"]
	delete(root, "sys/class/hwmon/hwmon0/temp1_input")
	if r := s.Read(); len(r) != 1 || r[0].State != Missing || r[0].Value != 50 || !strings.Contains(r[0].Problem, "k10temp") {
		t.Errorf("after its file went: %+v", r)
	}
	// The chip is found under another number.
	delete(root, "sys/class/hwmon/hwmon0/name")
	root["sys/class/hwmon/hwmon3/name"], root["sys/class/hwmon/hwmon3/temp1_input"] = &fstest.MapFile{Data: []byte("k10temp\n")}, input
	if r := s.Read(); len(r) != 1 || r[0].State != OK || r[0].Problem != "" {
		t.Errorf("after it came back: %+v", r)
	}
	input.Data = []byte("nonsense")
	if r := s.Read(); r[0].State != Missing || !strings.Contains(r[0].Problem, "no number") || r[0].Value != 50 {
		t.Errorf("with nonsense in its file: %+v", r)
	}
}

func TestAlarmsDoNotFlutter(t *testing.T) {
	s, sim := Simulate([]Known{{Chip: "sim", Input: "temp1", High: 80, Critical: 90}, {Chip: "sim", Input: "fan1", Low: 1000}}, time.Now)
	for _, c := range []struct {
		id    string
		value float64
		want  State
	}{
		{"sim/temp1", 79.9, OK}, {"sim/temp1", 80, Warning}, {"sim/temp1", 79, Warning}, {"sim/temp1", 78.3, OK},
		{"sim/temp1", 90, Critical}, {"sim/temp1", 89, Critical}, {"sim/temp1", 88, Warning}, {"sim/temp1", 79, Warning}, {"sim/temp1", 70, OK},
		{"sim/fan1", 1000, Warning}, {"sim/fan1", 1010, Warning}, {"sim/fan1", 1030, OK}, {"sim/fan1", 0, Critical}, {"sim/fan1", 2000, OK},
	} {
		if err := sim.Set(c.id, c.value); err != nil {
			t.Fatal(err)
		}
		for _, r := range s.Read() {
			if r.ID == c.id && r.State != c.want {
				t.Errorf("%s at %v is %s, want %s", c.id, c.value, r.State, c.want)
			}
		}
	}
}

func TestOnlyAFanThatHasTurnedCanStandStill(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("0\n")}
	s := New(fstest.MapFS{"sys/class/hwmon/hwmon0/name": {Data: []byte("nct6779\n")}, "sys/class/hwmon/hwmon0/fan1_input": file}, nil)
	for _, c := range []struct {
		rpm  string
		want State
	}{{"0", OK}, {"900", OK}, {"0", Critical}} {
		file.Data = []byte(c.rpm)
		if r := s.Read(); r[0].State != c.want {
			t.Errorf("at %s rpm: %s, want %s", c.rpm, r[0].State, c.want)
		}
	}
}

func TestSimulatedValuesMoveSlowlyWithinTheirLimits(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	s, sim := Simulate([]Known{{Chip: "sim", Input: "temp1", High: 85}, {Chip: "sim", Input: "fan1", Low: 1200}, {Chip: "sim", Input: "in0", Low: 11.4, High: 12.6}}, func() time.Time { return at })
	was, moved := s.Read(), false
	for range 600 {
		at = at.Add(time.Second)
		now := s.Read()
		for i, r := range now {
			moved = moved || r.Value != was[i].Value
			if d := r.Value - was[i].Value; r.State != OK || d*d > 100*100 {
				t.Fatalf("at %v: %+v, before %+v", at, r, was[i])
			}
		}
		was = now
	}
	if !moved {
		t.Error("nothing moved in ten minutes")
	}
	if err := sim.Remove("sim/fan1"); err != nil || s.Read()[0].State != Missing {
		t.Errorf("removed: %v, %+v", err, s.Read())
	}
	if err := sim.Free("sim/fan1"); err != nil || s.Read()[0].State != OK {
		t.Errorf("freed: %v, %+v", err, s.Read())
	}
	if err := sim.Set("sim/temp9", 1); err == nil || !strings.Contains(err.Error(), "sim/temp1") {
		t.Errorf("Set of no sensor = %v, want the sensors there are", err)
	}
}

func FuzzHwmon(f *testing.F) {
	f.Add("k10temp\n", "temp1", "61375\n", "70000\n", "CPU\n")
	f.Add("\xff\n", "in0", "-1", "99999999999999999999", "\x1b[2J")
	f.Add("x", "power1", "", "\x00", "")
	f.Fuzz(func(t *testing.T, name, input, value, limit, label string) {
		if !fileName(input) {
			return
		}
		dir := "sys/class/hwmon/hwmon0/"
		s := New(fstest.MapFS{dir + "name": {Data: []byte(name)}, dir + input + "_input": {Data: []byte(value)},
			dir + input + "_max": {Data: []byte(limit)}, dir + input + "_crit": {Data: []byte(limit)},
			dir + input + "_min": {Data: []byte(limit)}, dir + input + "_label": {Data: []byte(label)}}, nil)
		for range 2 {
			for _, r := range s.Read() {
				if r.ID == "" || r.Name == "" || r.Kind.Unit() == "" || r.State == "" || strings.ContainsAny(r.Name+r.ID, "\x1b\n\x00") {
					t.Fatalf("reading %+v is not whole", r)
				}
			}
		}
	})
}

// fileName reports whether a name can be part of a file's.
func fileName(name string) bool {
	return name != "" && len(name) < 50 && !strings.ContainsAny(name, "/\\") && name != "." && name != ".."
}
