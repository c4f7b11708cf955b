// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func manual(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/manual/" + page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestManualListsWhatIsEmitted compares the page with the text of a registry that
// emits every family, both ways: name, type and labels.
func TestManualListsWhatIsEmitted(t *testing.T) {
	reg := fullRegistry()
	own := emitted(t, reg)
	reg.Register(func(w *Writer) {
		for _, f := range Families() {
			if _, ok := own[f.Name]; !ok {
				w.Uint(f, 1, make([]string, len(f.Labels))...)
			}
		}
	})
	want := emitted(t, reg)

	got := make(map[string]string)
	row := regexp.MustCompile("(?m)^\\| `(evener_[a-z0-9_]+)(?:\\{([a-z_,]+)\\})?` \\| (\\w+) \\| (.+) \\|$")
	for _, m := range row.FindAllStringSubmatch(manual(t, "metrics.md"), -1) {
		if _, twice := got[m[1]]; twice {
			t.Errorf("the manual has %s twice", m[1])
		}
		got[m[1]] = m[3] + " of " + m[2]
	}
	for name, is := range want {
		if got[name] != is {
			t.Errorf("%s is a %s; the manual says %q", name, is, got[name])
		}
	}
	for name := range got {
		if want[name] == "" {
			t.Errorf("the manual has %s, which nothing emits", name)
		}
	}
	if len(want) != len(Families()) {
		t.Errorf("%d families are emitted, there are %d", len(want), len(Families()))
	}
}

// emitted returns type and labels of each family in the text of reg.
func emitted(t *testing.T, reg *Registry) map[string]string {
	t.Helper()
	families, err := parseExposition(textOf(t, reg))
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]string)
	for name, f := range families {
		labels := slices.DeleteFunc(f.samples[0].order, func(l string) bool { return l == "le" })
		m[name] = f.typ + " of " + strings.Join(labels, ",")
	}
	return m
}

func TestFamiliesAreWellFormed(t *testing.T) {
	units := regexp.MustCompile(`_(ms|milliseconds|us|ns|minutes|kb|kib|percent)(_|$)`)
	for _, f := range Families() {
		if !strings.HasSuffix(f.Help, ".") || strings.Contains(f.Help, "\n") {
			t.Errorf("%s: help %q is not one sentence", f.Name, f.Help)
		}
		if units.MatchString(f.Name) {
			t.Errorf("%s is not in a base unit", f.Name)
		}
	}
}

func TestManualHelpIsTheEmittedHelp(t *testing.T) {
	page := manual(t, "metrics.md")
	for _, f := range Families() {
		if !strings.Contains(page, "| "+string(f.Type)+" | "+strings.TrimSuffix(f.Help, ".")) {
			t.Errorf("the manual does not say of %s: %s", f.Name, f.Help)
		}
	}
}

func TestManualListsBucketsSeriesAndReasons(t *testing.T) {
	page := manual(t, "metrics.md")
	var les []string
	for _, d := range exportedBounds {
		les = append(les, strconv.FormatFloat(d.Seconds(), 'g', -1, 64))
	}
	if line := "`" + strings.Join(les, " ") + " +Inf`"; !strings.Contains(page, line) {
		t.Errorf("no line of bounds %s", line)
	}
	for k := range metricsOf {
		if line := fmt.Sprintf("| %s | `%s` |", k, strings.Join(Metrics(k), " ")); !strings.Contains(page, line) {
			t.Errorf("no row of series %s", line)
		}
	}
	for _, kinds := range [][]string{reasonNames[1:], errorKindNames[:], classNames[:]} {
		if list := "`" + strings.Join(kinds, " ") + "`"; !strings.Contains(page, list) {
			t.Errorf("no list %s", list)
		}
	}
}

// TestReasonsAreThoseOfTheAccessLog reads the numbers and names from the manual,
// because the two packages do not know each other.
func TestReasonsAreThoseOfTheAccessLog(t *testing.T) {
	var rows []string
	for _, m := range regexp.MustCompile("(?m)^\\| (\\d+) \\| `([a-z_]+)` \\|").FindAllStringSubmatch(manual(t, "accesslog.md"), -1) {
		rows = append(rows, m[1]+" "+m[2])
	}
	var want []string
	for i, name := range reasonNames {
		want = append(want, fmt.Sprint(i, " ", name))
	}
	if !slices.Equal(rows, want) {
		t.Errorf("accesslog.md has the reasons\n%q, want\n%q", rows, want)
	}
	if got := Reason(NumReasons).String(); got != fmt.Sprintf("reason_%d", NumReasons) {
		t.Errorf("a reason that does not exist is %q", got)
	}
}
