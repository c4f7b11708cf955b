// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// allStates returns every state there is.
func allStates() []State {
	var all []State
	for _, first := range []Name{A, B} {
		for _, once := range []string{"", "A", "B", OnceRescue} {
			for _, reset := range []string{"", ResetFactory} {
				for i := range 64 {
					all = append(all, State{First: first, Once: once, Reset: reset,
						OK: [2]bool{i&1 > 0, i&2 > 0}, Try: [2]int{i >> 2 & 3, i >> 4 & 3}})
				}
			}
		}
	}
	return all
}

func TestEveryStateComesBackFromItsBlock(t *testing.T) {
	var second []byte
	for _, s := range allStates() {
		b := s.Encode()
		got, err := ParseState(b)
		if err != nil || got != s {
			t.Fatalf("ParseState(Encode(%+v)) = %+v, %v", s, got, err)
		}
		if second == nil {
			second = b[SectorSize:]
		}
		if len(b) != BlockSize || !bytes.Equal(b[SectorSize:], second) || bytes.Trim(b[SectorSize:], "#") != nil {
			t.Fatalf("Encode(%+v): the second sector holds something", s)
		}
	}
}

// setEnv changes a variable in a block as GRUB's save_env does (grub-core
// lib/envblk.c): the value in its place, what follows moved, filled up with #.
func setEnv(t *testing.T, block []byte, name, value string) []byte {
	t.Helper()
	text := strings.TrimRight(string(block), "#")
	i := strings.Index(text, "\n"+name+"=")
	if i < 0 {
		text += name + "=" + value + "\n"
	} else {
		end := i + 1 + strings.Index(text[i+1:], "\n")
		text = text[:i+1] + name + "=" + value + text[end:]
	}
	if len(text) > len(block) {
		t.Fatalf("save_env %s: no room", name)
	}
	return append([]byte(text), bytes.Repeat([]byte("#"), len(block)-len(text))...)
}

// script is the boot loader's script on the text of variables, as a person
// would write it who knows Choose only by its description.
func script(t *testing.T, block []byte) (choice string, after []byte) {
	t.Helper()
	env := map[string]string{}
	for line := range strings.Lines(string(block)) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			env[name] = value
		}
	}
	tail := ""
	if env["reset"] == "factory" {
		tail = " reset"
	}
	if once := env["once"]; once == "A" || once == "B" || once == "rescue" {
		return once + " 0" + tail, setEnv(t, block, "once", "")
	}
	order := []string{"a", "b"}
	if env["order"] == "BA" {
		order = []string{"b", "a"}
	}
	for _, s := range order {
		if env[s+"_ok"] == "1" {
			return strings.ToUpper(s) + " 0" + tail, block
		}
		next := map[string]string{"0": "1", "1": "2", "2": "3"}[env[s+"_try"]]
		if next != "" {
			return strings.ToUpper(s) + " " + next + tail, setEnv(t, block, s+"_try", next)
		}
	}
	block = setEnv(t, setEnv(t, block, "a_try", "0"), "b_try", "0")
	return strings.ToUpper(order[0]) + " 0 recovery" + tail, block
}

func words(c Choice) string {
	s := fmt.Sprintf("%s %d", c.Slot, c.Try)
	if c.Rescue {
		s = "rescue 0"
	}
	if c.Recovery {
		s += " recovery"
	}
	if c.Reset {
		s += " reset"
	}
	return s
}

func TestChooseIsTheScriptOfTheBootLoader(t *testing.T) {
	for _, s := range allStates() {
		want, block := script(t, s.Encode())
		c, after := s.Choose()
		if got := words(c); got != want {
			t.Errorf("%+v: Choose = %s, want %s", s, got, want)
		}
		got, err := ParseState(block)
		if err != nil || got != after {
			t.Errorf("%+v: state after = %+v (%v), want %+v", s, after, err, got)
		}
		if !bytes.Equal(block, after.Encode()) {
			t.Errorf("%+v: the block of the boot loader is not ours:\n%s", s, block)
		}
	}
}

func TestThreeTriesThenTheOtherSlot(t *testing.T) {
	s := State{First: B}.With(A, true, 0)
	var got []string
	for range 5 {
		var c Choice
		c, s = s.Choose()
		got = append(got, words(c))
	}
	if want := "B 1,B 2,B 3,A 0,A 0"; strings.Join(got, ",") != want {
		t.Errorf("starts: %v, want %s", got, want)
	}
}

func TestNoStateIsStuckForEver(t *testing.T) {
	for _, s := range allStates() {
		seen := map[Name]bool{}
		for range 12 {
			var c Choice
			c, s = s.Choose()
			seen[c.Slot] = true
		}
		if s.Good(A) || s.Good(B) {
			continue
		}
		if !seen[A] || !seen[B] {
			t.Errorf("%+v: twelve starts try only %v", s, seen)
		}
	}
}

func TestABlockThatCannotBeReadStartsAnyway(t *testing.T) {
	good := string(State{First: B}.With(A, true, 0).With(B, false, 2).Encode())
	fresh := State{First: A}
	for _, tt := range []struct {
		name, block string
		want        State
		err         string
	}{
		{"empty", "", fresh, "0 bytes, not 1024"},
		{"zeros", strings.Repeat("\x00", 1024), fresh, "first line"},
		{"short", good[:1000], fresh, "1000 bytes"},
		{"head only", blockHead + strings.Repeat("#", 1024-len(blockHead)), fresh, "no variable order"},
		{"order", strings.Replace(good, "order=BA", "order=XX", 1), State{First: A}.With(A, true, 0).With(B, false, 2),
			`order is "XX", and can be "AB" or "BA"`},
		{"try", strings.Replace(good, "b_try=2", "b_try=9", 1), State{First: B}.With(A, true, 0), `b_try is "9"`},
		{"ok", strings.Replace(good, "a_ok=1", "a_ok=y", 1), State{First: B}.With(B, false, 2), `a_ok is "y"`},
		{"once", strings.Replace(good, "once=\n", "once=C\n", 1)[:1024], State{First: B}.With(A, true, 0).With(B, false, 2), `once is "C"`},
		{"stray", strings.Replace(good, "reset=\n", "reset=\nabc\n", 1)[:1024], State{First: B}.With(A, true, 0).With(B, false, 2), "neither a comment"},
	} {
		got, err := ParseState([]byte(tt.block))
		if got != tt.want || err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %+v, %v; want %+v, ...%s", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func FuzzParseState(f *testing.F) {
	f.Add(State{}.Encode())
	f.Add([]byte(blockHead + "order=\\\nBA\na_ok=1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, _ := ParseState(b)
		if back, err := ParseState(s.Encode()); err != nil || back != s {
			t.Fatalf("%+v comes back as %+v, %v", s, back, err)
		}
		if c, _ := s.Choose(); !c.Rescue && c.Slot != A && c.Slot != B {
			t.Fatalf("%+v: nothing is started", s)
		}
	})
}
