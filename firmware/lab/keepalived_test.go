// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A company is the left box and keepalived, with all meetings at once.
type company struct {
	l     *Lab
	box   *Box
	they  *Keepalived // nil: it does not run
	log   *logbook
	ours  map[int]bool // by VRID: the box is to have the address
	asked bool         // the box can be asked
}

// With keepalived as the other router, one of the two has each address after whatever
// happens to either: the one that should.
func TestKeepalived(t *testing.T) {
	t.Parallel()
	c := &company{l: build(t, Config{Shared: groups(0)}), log: &logbook{}, ours: map[int]bool{}}
	c.box = c.l.Boxes[0]
	t.Cleanup(func() { // before the lab goes
		if c.they != nil {
			must(t, c.they.Stop())
		}
		if t.Failed() {
			all, _ := c.log.since(0)
			t.Log("keepalived said:\n" + all)
		}
	})
	left, right := c.l.Boxes[0].Space, c.l.Boxes[1].Space
	for _, s := range []struct {
		name  string
		do    func(t *testing.T)
		comes bool // who it is that comes, or goes
		box   bool
		check func(t *testing.T)
	}{
		{"the box starts", c.startBox, true, true, nil},
		{"keepalived starts", c.startTheirs, true, false, nil},
		{"keepalived stops", c.stopTheirs, false, false, c.widened},
		{"keepalived starts again", c.startTheirs, true, false, c.unmoved},
		{"the box stops", c.stopBox, false, true, nil},
		{"the box starts again", c.startBox, true, true, c.stays},
		{"keepalived's cable is pulled", func(t *testing.T) { must(t, c.l.Unplug(right, Front)) }, false, false, nil},
		{"keepalived's cable is back", func(t *testing.T) { must(t, c.l.Plug(right, Front)) }, true, false, nil},
		{"the box's cable is pulled", func(t *testing.T) { must(t, c.l.Unplug(left, Front)) }, false, true, nil},
		{"the box's cable is back", func(t *testing.T) { must(t, c.l.Plug(left, Front)) }, true, true, nil},
	} {
		ok := t.Run(s.name, func(t *testing.T) {
			s.do(t)
			for _, m := range meetings {
				if !s.comes || m.preempt && m.higher == s.box || len(c.ours) < len(meetings) {
					c.ours[m.vrid] = s.comes == s.box
				}
			}
			c.settled(t)
			if s.check != nil {
				s.check(t)
			}
		})
		if !ok {
			return // the next would begin elsewhere
		}
	}
}

// groups is the configuration for all meetings.
func groups(further int) string {
	var t strings.Builder
	for _, m := range meetings {
		t.WriteString(m.group(further))
	}
	return t.String()
}

func (c *company) startBox(t *testing.T) {
	must(t, c.box.Start())
	must(t, c.box.Await(t.Context()))
	c.asked = true
}

func (c *company) stopBox(t *testing.T) {
	must(t, c.box.Stop())
	c.asked = false
}

func (c *company) startTheirs(t *testing.T) {
	_, mark := c.log.since(0)
	list := make([]KeepalivedRouter, len(meetings))
	for i, m := range meetings {
		list[i] = m.theirs()
	}
	they, err := c.l.Boxes[1].Keepalived(c.log, list...)
	must(t, err)
	c.they = they
	await(t, "keepalived runs every router", func() error {
		said, _ := c.log.since(mark)
		for _, r := range list {
			if !strings.Contains(said, "("+r.name()+") Entering BACKUP STATE") {
				return errors.New(r.name() + " is not started")
			}
		}
		return nil
	})
}

func (c *company) stopTheirs(t *testing.T) {
	must(t, c.they.Stop())
	c.they = nil
}

// settled waits until every address is where it should be and answers, and checks
// what both say of each other.
func (c *company) settled(t *testing.T) {
	t.Helper()
	await(t, "each address is in its place", c.wrong)
	for _, m := range meetings {
		reached(t, c.l, m.addr(0))
	}
	if c.asked {
		await(t, "the box says so", func() error { return c.told(t) })
	}
	said, _ := c.log.since(0)
	for _, line := range complaints.FindAllStringSubmatch(said, -1) {
		if !slices.ContainsFunc(meetings, func(m meeting) bool { return m.deaf() && m.theirs().name() == line[1] }) {
			t.Errorf("keepalived complains: %s", line[0])
		}
	}
}

// wrong says which address the kernel of a box has and should not have, or the other
// way round.
func (c *company) wrong() (err error) {
	for i, b := range c.l.Boxes {
		have, e := b.addresses()
		err = errors.Join(err, e)
		for _, m := range meetings {
			if has := strings.Contains(have, " "+m.addr(0).String()+"/"); has != (c.ours[m.vrid] == (i == 0)) {
				err = errors.Join(err, fmt.Errorf("%s: %s has the address: %v", m.name, b.Name, has))
			}
		}
	}
	return err
}

// told compares what the box says of its routers with what is.
func (c *company) told(t *testing.T) (err error) {
	for _, m := range meetings {
		g, e := c.box.find(t, fmt.Sprintf("g%d", m.vrid))
		if e != nil {
			return e
		}
		r, bad := g.Routers[0], func(format string, args ...any) {
			err = errors.Join(err, fmt.Errorf("%s: %s", m.name, fmt.Sprintf(format, args...)))
		}
		if (g.State == "active") != c.ours[m.vrid] || g.Reason == "" {
			bad("it is %s because of %q", g.State, g.Reason)
		}
		delete(r.Errors, "state") // came while the box was starting
		if len(r.Errors) > 0 {
			bad("packets were refused: %v", r.Errors)
		}
		if g.State == "backup" && (r.Master == "" || int(r.MasterPriority) != m.theirs().Priority) {
			bad("the active one is %q with priority %d", r.Master, r.MasterPriority)
		}
		if want := m.shows(); r.Received > 0 && r.PeerChecksum != want {
			bad("the peer's checksum is %q, want %q", r.PeerChecksum, want)
		}
	}
	return err
}

// shows is what the box tells of keepalived's checksum: there are two forms only with
// version 3 over IPv4.
func (m meeting) shows() string {
	if m.version == 3 && !m.v6 {
		return "pseudo"
	}
	return ""
}

// stays checks that nothing moves while each router has sent or heard so much that a
// takeover would have come.
func (c *company) stays(t *testing.T) { c.still(t, func() {}) }

// still checks that nothing moves and no ping is lost while f changes something, and
// for a while afterwards.
func (c *company) still(t *testing.T, f func()) {
	t.Helper()
	type count struct {
		since   time.Time
		packets uint64
	}
	now := func(m meeting) (count, error) {
		g, err := c.box.find(t, fmt.Sprintf("g%d", m.vrid))
		if err != nil {
			return count{}, err
		}
		return count{g.Since, g.Routers[0].Sent + g.Routers[0].Received}, nil
	}
	before, pings := map[int]count{}, map[int]*pinger{}
	for _, m := range meetings {
		n, err := now(m)
		must(t, err)
		before[m.vrid], pings[m.vrid] = n, c.l.Neighbour.ping(t, m.addr(0))
	}
	_, mark := c.log.since(0)
	f()
	for _, m := range meetings {
		await(t, "advertisements of "+m.name, func() error {
			n, err := now(m)
			if err == nil && n.packets < before[m.vrid].packets+5 {
				err = fmt.Errorf("%d, before %d", n.packets, before[m.vrid].packets)
			}
			return err
		})
		n, err := now(m)
		must(t, err)
		if n.since != before[m.vrid].since {
			t.Errorf("%s: the state is another since %v, before since %v", m.name, n.since, before[m.vrid].since)
		}
	}
	for _, m := range meetings {
		if n, lost := pings[m.vrid].stop(); n == 0 || lost > 0 {
			t.Errorf("%s: %d pings were answered, %d not", m.name, n, lost)
		}
	}
	if said, _ := c.log.since(mark); strings.Contains(said, "Entering") {
		t.Errorf("keepalived has seen a gap: %s", said)
	}
	must(t, c.wrong())
}

// unmoved checks that a commit which does not touch the groups is noticed by nobody.
func (c *company) unmoved(t *testing.T) {
	c.still(t, func() {
		c.box.commit(t, c.box.running(t)+"\nserver \"spare\" { address = \"198.51.100.12:80\" }\npool \"spare\" {\n  member \"spare\" {}\n}\n", "another pool")
	})
}

// widened adds an address to every router of the box, which is active on all, and
// takes it away again.
func (c *company) widened(t *testing.T) {
	const further = 100
	text := c.box.running(t)
	c.still(t, func() {
		c.l.cfg.Shared = groups(further)
		c.box.commit(t, c.box.Config(), "one address more")
		for _, m := range meetings {
			reached(t, c.l, m.addr(further))
		}
	})
	c.still(t, func() {
		c.box.commit(t, text, "as before")
		await(t, "the box has the address no more", func() error {
			have, err := c.box.addresses()
			for _, m := range meetings {
				if a := m.addr(further).String(); strings.Contains(have, " "+a+"/") {
					err = errors.Join(err, errors.New(a+" is still there"))
				}
			}
			return err
		})
	})
}
