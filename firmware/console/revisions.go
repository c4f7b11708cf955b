// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// kept is how many revisions are offered.
const kept = 30

type revision struct {
	Number  uint64    `json:"number"`
	Time    time.Time `json:"time"`
	Author  string    `json:"author"`
	Comment string    `json:"comment"`
	Status  string    `json:"status"`
	Running bool      `json:"running"`
}

// restore brings an older revision back, after its difference was shown.
func (s *session) restore() error {
	var list struct {
		Revisions []revision `json:"revisions"`
	}
	if err := s.supervisor("recovery.revisions", map[string]any{"max": kept}, &list); err != nil {
		return s.told(err)
	}
	running := uint64(0)
	var out []string
	for _, r := range list.Revisions {
		mark := " "
		if r.Running {
			mark, running = "*", r.Number
		}
		line := fmt.Sprintf("%s%5d  %s  %-16s %s", mark, r.Number, r.Time.Local().Format(time.DateTime), r.Author, r.Comment)
		if r.Status != "confirmed" {
			line += " (" + r.Status + ")"
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	if len(out) == 0 {
		s.say("There is no revision.")
		return nil
	}
	if err := s.page(out); err != nil {
		return err
	}
	n, err := s.whichRevision(list.Revisions)
	if err != nil || n == 0 {
		return err
	}
	if n == running {
		s.say("Revision %d is what runs.", n)
		return nil
	}
	var d struct {
		Text string `json:"text"`
	}
	if err := s.supervisor("recovery.diff", map[string]any{"from": running, "to": n}, &d); err != nil {
		s.say("The difference cannot be shown: %v", err)
	} else if err := s.page(strings.Split(strings.TrimRight(d.Text, "\n"), "\n")); err != nil {
		return err
	}
	if ok, err := s.yes(fmt.Sprintf("Restore revision %d?", n), false); err != nil || !ok {
		return err
	}
	return s.told(s.rollBack(n))
}

// whichRevision asks for one of a list; 0: none.
func (s *session) whichRevision(list []revision) (uint64, error) {
	for {
		line, err := s.read("Which revision, Enter for none: ")
		if err != nil || line == "" {
			return 0, err
		}
		n, err := strconv.ParseUint(line, 10, 64)
		for _, r := range list {
			if err == nil && r.Number == n {
				return n, nil
			}
		}
		s.say("There is no revision %s in this list.", line)
	}
}

// rollBack restores revision n: by the engine with a confirm, else by the
// supervisor.
func (s *session) rollBack(n uint64) error {
	comment := s.comment(fmt.Sprintf("revision %d restored", n))
	if err := s.still(); err != nil {
		return err
	}
	var done committed
	err := s.change("config.rollback", map[string]any{"revision": n, "comment": comment, "confirm": confirmTime.String()}, &done)
	if !silent(err) {
		if err != nil {
			return err
		}
		return s.decide(done)
	}
	s.say("The engine does not answer: the revision is restored without a confirm, and the engine starts with it.")
	if ok, err := s.yes("Restore it in this way?", true); err != nil || !ok {
		return err
	}
	if err := s.still(); err != nil {
		return err
	}
	var out struct {
		Revision uint64 `json:"revision"`
	}
	if err := s.supervisor("recovery.restore", map[string]any{"revision": n, "comment": comment}, &out); err != nil {
		return err
	}
	s.say("Revision %d has its text.", out.Revision)
	return s.afterwards(false)
}
