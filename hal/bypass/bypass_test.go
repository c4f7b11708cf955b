// SPDX-License-Identifier: Apache-2.0

package bypass

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func recorded(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func text(p *Pairs) string {
	var b strings.Builder
	for _, s := range p.State() {
		fmt.Fprintf(&b, "%s %s %s/%s %s\n", s.Name, s.Driver, s.Mode, s.PowerOff, s.Problem)
	}
	return b.String()
}

func TestPairsAreFoundAndForced(t *testing.T) {
	for _, c := range []struct{ tree, before, after string }{
		{"caswell", "slot0-0 caswell bypassed/bypassed \nslot0-1 caswell normal/bypassed \ng3bp0 caswell-g3 bypassed/bypassed \ng3bp1 caswell-g3 open/unknown \n",
			"slot0-0 caswell normal/open \nslot0-1 caswell normal/open \ng3bp0 caswell-g3 normal/open \ng3bp1 caswell-g3 normal/unknown \n"},
		{"silicom", "eth2-eth3 silicom bypassed/bypassed \n", "eth2-eth3 silicom normal/open \n"},
		{"none", "", ""},
	} {
		t.Run(c.tree, func(t *testing.T) {
			root := recorded(t, c.tree)
			p, problems := Find(root, nil)
			if got := text(p); got != c.before || len(problems) > 0 {
				t.Errorf("found\n%swant\n%s(%v)", got, c.before, problems)
			}
			if err := p.Force(); err != nil {
				t.Fatal(err)
			}
			if got := text(p); got != c.after {
				t.Errorf("forced\n%swant\n%s", got, c.after)
			}
			if wd, err := attribute(root, "proc/net/bypass/bypass_eth2/bypass_wd"); c.tree == "silicom" && (err != nil || wd != "0") {
				t.Errorf("the card's watchdog is %q, %v", wd, err)
			}
		})
	}
}

func TestPairsOfTheBoardAreLookedFor(t *testing.T) {
	root := recorded(t, "caswell")
	p, problems := Find(root, []Pair{
		{Name: "1-2", Ports: [2]string{"1", "2"}, Driver: "caswell-g3", Path: "sys/class/bypass/g3bp0"},
		{Name: "3-4", Ports: [2]string{"3", "4"}, Driver: "caswell-g3", Path: "sys/class/bypass/g3bp7"},
	})
	if len(problems) != 1 || !strings.Contains(problems[0], "3-4") || !strings.Contains(problems[0], "g3bp7") {
		t.Errorf("problems = %q", problems)
	}
	if got := text(p); strings.Contains(got, "g3bp0 ") || !strings.HasPrefix(got, "1-2 caswell-g3 bypassed") {
		t.Errorf("found\n%s", got)
	}
}

func TestARelayThatDoesNotObeyIsTold(t *testing.T) {
	root := recorded(t, "caswell")
	p, _ := Find(root, nil)
	file := filepath.Join(root, "sys/class/bypass/g3bp0/bypass")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", file); err != nil { // takes everything, tells nothing
		t.Fatal(err)
	}
	if err := p.Force(); err == nil || !strings.Contains(err.Error(), "g3bp0") {
		t.Errorf("Force = %v, want the pair that did not obey", err)
	}
	if got := text(p); !strings.Contains(got, "g3bp0 caswell-g3 unknown/unknown the driver says") {
		t.Errorf("State =\n%s", got)
	}
	if _, err := os.Stat(filepath.Join(root, "sys/class/bypass/g3bp1/nextboot")); err == nil {
		t.Error("a file was made in sysfs")
	}
}

func TestTheSimulatedPairIsForced(t *testing.T) {
	p, problems := Find("/nowhere", []Pair{{Name: "1-2", Driver: "sim"}})
	if len(problems) > 0 || text(p) != "1-2 sim bypassed/bypassed \n" {
		t.Errorf("%v %s", problems, text(p))
	}
	if err := p.Force(); err != nil || text(p) != "1-2 sim normal/bypassed \n" {
		t.Errorf("forced: %v, %s", err, text(p))
	}
}

func FuzzModes(f *testing.F) {
	for _, s := range []string{"n\n", "b", "2\n", "on", "", "\xff\x00"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		if err := os.WriteFile(filepath.Join(dir, "bypass"), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"caswell-g3", "silicom"} {
			if now, off, err := drivers[name].mode(dir, Pair{}); now == "" || off == "" || err == nil && now == Unknown {
				t.Fatalf("%s says %q: %q, %q, %v", name, s, now, off, err)
			}
		}
	})
}

// stuck is a relay that takes every order and stays where it is.
type stuck struct{}

func (stuck) find(string) []Pair                           { return nil }
func (stuck) mode(string, Pair) (now, off Mode, err error) { return Bypassed, Unknown, nil }
func (stuck) force(string, Pair) error                     { return nil }

func TestARelayThatIsStuckIsTold(t *testing.T) {
	drivers["stuck"] = stuck{}
	defer delete(drivers, "stuck")
	p, problems := Find(t.TempDir(), []Pair{{Name: "1-2", Driver: "stuck"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if err := p.Force(); err == nil || !strings.Contains(text(p), "bypassed/unknown it is bypassed all the same") {
		t.Errorf("Force = %v, %s", err, text(p))
	}
}
