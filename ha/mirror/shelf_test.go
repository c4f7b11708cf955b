// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A shelf is a Repository, Objects and Bases: a text is a row of lines "name=value",
// and each is an object of the block "line".
type shelf struct {
	mu      sync.Mutex
	rev     Revision
	history []string
	bases   map[string]string
	refuse  error                         // what Apply returns
	stop    func(peer, text string) error // of Save
}

func newShelf(text string) *shelf {
	return &shelf{rev: Revision{Text: text, Number: 1, Who: "first"}, bases: map[string]string{}, history: []string{text}}
}

func (s *shelf) Current(context.Context) (Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rev, nil
}

func (s *shelf) Apply(_ context.Context, t Take) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if TextHash(s.rev.Text) != t.Expect {
		return ErrChanged
	}
	if s.refuse != nil {
		return s.refuse
	}
	s.commit(t.Text, t.Author, t.Comment)
	return nil
}

func (s *shelf) commit(text, who, comment string) {
	s.rev = Revision{Text: text, Number: s.rev.Number + 1, Who: who, Comment: comment, When: time.Now()}
	s.history = append(s.history, text)
}

func lines(text string) map[string]string {
	m := map[string]string{}
	for _, l := range strings.Fields(text) {
		k, v, _ := strings.Cut(l, "=")
		m[k] = v
	}
	return m
}

func (s *shelf) Diff(base, mine, theirs string) (all []Difference, err error) {
	b, m, t := lines(base), lines(mine), lines(theirs)
	names := maps.Clone(m)
	maps.Copy(names, t)
	for _, k := range slices.Sorted(maps.Keys(names)) {
		if m[k] == t[k] {
			continue
		}
		who := "both"
		if b[k] == t[k] {
			who = "mine"
		} else if b[k] == m[k] {
			who = "theirs"
		}
		all = append(all, Difference{Object: Object{"line", k}, Mine: m[k], Theirs: t[k], Who: who})
	}
	return all, nil
}

func (s *shelf) Merge(into, from string, objects []Object) (string, error) {
	i, f := lines(into), lines(from)
	for _, o := range objects {
		if o.Block != "line" {
			return "", fmt.Errorf("there is no block %q", o.Block)
		}
		i[o.Name] = f[o.Name]
		if f[o.Name] == "" {
			delete(i, o.Name)
		}
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(i)) {
		out = append(out, k+"="+i[k])
	}
	return strings.Join(out, " "), nil
}

func (s *shelf) Load(peer string) (string, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.bases[peer]
	return text, ok, nil
}

func (s *shelf) Save(peer, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		if err := s.stop(peer, text); err != nil {
			return err
		}
	}
	s.bases[peer] = text
	return nil
}

func (s *shelf) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rev.Text
}

// edit commits a text as a person at the box.
func (s *shelf) edit(b *box, text, who string) {
	s.mu.Lock()
	s.commit(text, who, "")
	s.mu.Unlock()
	b.RevisionChanged()
}
