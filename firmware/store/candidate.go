// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what the store takes.
const (
	MaxText       = 16 << 20 // bytes of one text
	MaxCandidates = 64
	maxAuthor     = 128  // bytes
	maxComment    = 4096 // bytes
)

// Candidate returns the draft of author and its text; without one, the error
// is ErrNoCandidate.
func (s *Store) Candidate(author string) (Candidate, []byte, error) {
	c, ok := s.state.Load().Candidates[author]
	if !ok {
		return Candidate{}, nil, ErrNoCandidate
	}
	b, err := s.readText(c.SHA256)
	return c, b, err
}

// Candidates returns all drafts, in the order of their authors.
func (s *Store) Candidates() []Candidate {
	m := s.state.Load().Candidates
	cs := make([]Candidate, 0, len(m))
	for _, a := range slices.Sorted(maps.Keys(m)) {
		cs = append(cs, m[a])
	}
	return cs
}

// SetCandidate makes text the draft of author, replacing the one before. base
// is the revision that it was made on, which must be in the history (0: none
// ran). An old base is no error here but at the commit: a draft is never lost
// because somebody else was faster.
func (s *Store) SetCandidate(author string, text []byte, base uint64) (Candidate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state.Load()
	if err := checkAuthor(author); err != nil {
		return Candidate{}, err
	}
	if err := checkText(text); err != nil {
		return Candidate{}, err
	}
	if base != 0 && st.find(base) < 0 {
		return Candidate{}, &NotFoundError{base}
	}
	if _, ok := st.Candidates[author]; !ok && len(st.Candidates) >= MaxCandidates {
		return Candidate{}, &LimitError{"candidate", fmt.Sprintf("is one too many: %d are kept, discard one", MaxCandidates)}
	}
	hash, err := s.putText(text)
	if err != nil {
		return Candidate{}, err
	}
	c := Candidate{Author: author, Base: base, Time: wall(s.cfg.Now()), SHA256: hash, Size: len(text)}
	next := st.clone()
	next.Candidates[author] = c
	if err := s.save(next); err != nil {
		return Candidate{}, err
	}
	s.sweep()
	return c, nil
}

// Discard drops the draft of author, or returns ErrNoCandidate.
func (s *Store) Discard(author string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.state.Load().clone()
	if _, ok := next.Candidates[author]; !ok {
		return ErrNoCandidate
	}
	delete(next.Candidates, author)
	if err := s.save(next); err != nil {
		return err
	}
	s.sweep()
	return nil
}

// GiveCandidate makes the draft of one author that of another, who must have none:
// else the error is ErrCandidate. The text, its base and its time stay.
func (s *Store) GiveCandidate(from, to string) (Candidate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := checkAuthor(to); err != nil {
		return Candidate{}, err
	}
	next := s.state.Load().clone()
	c, ok := next.Candidates[from]
	if !ok {
		return Candidate{}, ErrNoCandidate
	}
	if _, ok := next.Candidates[to]; ok {
		return Candidate{}, ErrCandidate
	}
	c.Author = to
	delete(next.Candidates, from)
	next.Candidates[to] = c
	if err := s.save(next); err != nil {
		return Candidate{}, err
	}
	return c, nil
}

// Diff returns what changed from revision a to revision b as a unified diff, ""
// if nothing. Revision 0 is the empty text.
func (s *Store) Diff(a, b uint64) (string, error) {
	from, err := s.textOrNone(a)
	if err != nil {
		return "", err
	}
	to, err := s.textOrNone(b)
	if err != nil {
		return "", err
	}
	return Unified(revisionName(a), revisionName(b), string(from), string(to)), nil
}

// DiffCandidate returns what the draft of author changes against the revision
// it was made on, as a unified diff.
func (s *Store) DiffCandidate(author string) (string, error) {
	c, to, err := s.Candidate(author)
	if err != nil {
		return "", err
	}
	from, err := s.textOrNone(c.Base)
	if err != nil {
		return "", err
	}
	return Unified(revisionName(c.Base), "candidate of "+author, string(from), string(to)), nil
}

func (s *Store) textOrNone(n uint64) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	return s.Text(n)
}

func revisionName(n uint64) string { return fmt.Sprintf("revision %d", n) }

func checkText(b []byte) error {
	if len(b) > MaxText {
		return &LimitError{"text", fmt.Sprintf("has %d bytes; %d are taken", len(b), MaxText)}
	}
	return nil
}

func checkAuthor(a string) error {
	if a == "" || len(a) > maxAuthor || !utf8.ValidString(a) || strings.ContainsFunc(a, unicode.IsControl) {
		return &LimitError{"author", fmt.Sprintf("must be 1 to %d bytes of text without control characters", maxAuthor)}
	}
	return nil
}

func checkComment(c string) error {
	if len(c) > maxComment || !utf8.ValidString(c) {
		return &LimitError{"comment", fmt.Sprintf("must be at most %d bytes of text", maxComment)}
	}
	return nil
}

// check returns why b cannot stand in the history.
func (b By) check() error {
	if err := checkAuthor(b.Author); err != nil {
		return err
	}
	switch b.Origin {
	case CLI, API, Console, Web, Panel, Serial, Boot, Mirrored:
		return nil
	}
	return &LimitError{"origin", fmt.Sprintf("must be cli, api, console, web, panel, serial, boot or mirror, not %q", b.Origin)}
}
