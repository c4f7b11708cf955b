// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"evener/firmware/manage"
)

// A fault is something that happens to the left box, which is active, or to the
// networks, with clients going on.
type fault struct {
	name  string
	cause func(t *testing.T, l *Lab)
	away  bool // the right box is active meanwhile
	gone  bool // the left box cannot be asked meanwhile
	heal  func(t *testing.T, l *Lab)
	check func(t *testing.T, l *Lab) // before it is healed
}

var faults = []fault{
	{name: "the supervisor is killed", away: true, gone: true,
		cause: func(t *testing.T, l *Lab) { must(t, syscall.Kill(l.Boxes[0].Supervisor(), syscall.SIGKILL)) },
		check: func(t *testing.T, l *Lab) {
			await(t, "what is left of the box gives the address up", func() error { return l.Boxes[0].lacks() })
		},
		heal: restart},
	{name: "the power goes", away: true, gone: true,
		cause: func(t *testing.T, l *Lab) { must(t, l.Boxes[0].Signal(syscall.SIGKILL)) },
		heal:  restart},
	{name: "the process of VRRP is killed",
		cause: func(t *testing.T, l *Lab) { kill(t, l.Boxes[0], "ha") }},
	{name: "the engine is killed",
		cause: func(t *testing.T, l *Lab) { kill(t, l.Boxes[0], "engine") }},
	{name: "the front cable is pulled", away: true,
		cause: func(t *testing.T, l *Lab) { must(t, l.Unplug(l.Boxes[0].Space, Front)) },
		heal:  func(t *testing.T, l *Lab) { must(t, l.Plug(l.Boxes[0].Space, Front)) },
		check: explained("front")},
	{name: "the cable to the servers is pulled", away: true,
		cause: func(t *testing.T, l *Lab) { must(t, l.Unplug(l.Boxes[0].Space, Back)) },
		heal:  func(t *testing.T, l *Lab) { must(t, l.Plug(l.Boxes[0].Space, Back)) },
		check: explained("back")},
	{name: "the box is frozen and thawed", away: true, gone: true,
		cause: func(t *testing.T, l *Lab) { must(t, l.Boxes[0].Signal(syscall.SIGSTOP)) },
		heal:  func(t *testing.T, l *Lab) { must(t, l.Boxes[0].Signal(syscall.SIGCONT)) }},
	{name: "the mirror is cut",
		cause: func(t *testing.T, l *Lab) { must(t, l.Unplug(l.Boxes[0].Space, Link)) },
		check: func(t *testing.T, l *Lab) {
			await(t, "the right box notices", func() error {
				if l.Boxes[1].inSync(t.Context()) == nil {
					return errors.New("it believes to be in sync")
				}
				return nil
			})
		},
		heal: func(t *testing.T, l *Lab) { must(t, l.Plug(l.Boxes[0].Space, Link)) }},
	{name: "advertisements are lost one way",
		cause: func(t *testing.T, l *Lab) {
			must(t, l.Drop(l.Boxes[0].Space, Front, true, 100, "ip protocol 112"))
			must(t, l.Drop(l.Boxes[0].Space, Front, true, 100, "ip6 nexthdr 112"))
		},
		check: func(t *testing.T, l *Lab) {
			await(t, "the right box says why it does not take over", func() error {
				if g := group(t, l.Boxes[1]); g.Held == "" {
					return fmt.Errorf("it is %s because of %q", g.State, g.Reason)
				}
				s, err := l.Boxes[1].HA(t.Context())
				if err == nil && len(s.Alarms) == 0 {
					err = errors.New("there is no alarm")
				}
				return err
			})
		},
		heal: func(t *testing.T, l *Lab) { must(t, l.Heal()) }},
	{name: "three of ten advertisements are lost",
		cause: func(t *testing.T, l *Lab) { must(t, l.Drop(l.Boxes[0].Space, Front, true, 30, "ip protocol 112")) },
		check: func(*testing.T, *Lab) { time.Sleep(3 * time.Second) }, // let many be lost
		heal:  func(t *testing.T, l *Lab) { must(t, l.Heal()) }},
	{name: "the switch blocks the port of a box that starts", away: true, gone: true,
		cause: func(t *testing.T, l *Lab) {
			must(t, l.Boxes[0].Stop())
			must(t, l.Block(l.Boxes[0].Space, Front))
			settled(t, l, l.Boxes[1], l.Boxes[0])
			must(t, l.Boxes[0].Start())
			must(t, l.Boxes[0].Await(t.Context()))
		},
		check: func(t *testing.T, l *Lab) {
			await(t, "the left box says why it waits", func() error {
				if g := group(t, l.Boxes[0]); g.State != manage.HABackup || g.Held == "" {
					return fmt.Errorf("it is %s because of %q, held by %q", g.State, g.Reason, g.Held)
				}
				return nil
			})
		},
		heal: func(t *testing.T, l *Lab) { must(t, l.Heal()) }},
	{name: "both boxes start at once", gone: true,
		cause: func(t *testing.T, l *Lab) {
			for _, b := range l.Boxes {
				must(t, b.Signal(syscall.SIGKILL))
			}
			for _, b := range l.Boxes {
				<-b.ended
				must(t, b.Start())
			}
			for _, b := range l.Boxes {
				must(t, b.Await(t.Context()))
			}
		}},
}

func restart(t *testing.T, l *Lab) {
	b := l.Boxes[0]
	select {
	case <-b.ended:
	case <-time.After(long):
		t.Error("the supervisor has not ended")
		must(t, b.Signal(syscall.SIGKILL))
	}
	await(t, "the last process of the box ends", func() error {
		if pids, err := b.Space.pids(); err != nil || len(pids) > 0 {
			return errors.Join(err, fmt.Errorf("processes %v", pids))
		}
		return nil
	})
	must(t, b.Start())
	must(t, b.Await(t.Context()))
}

func kill(t *testing.T, b *Box, role string) {
	t.Helper()
	pid, err := b.PID(t.Context(), role)
	must(t, err)
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	await(t, role+" runs again", func() error {
		now, err := b.PID(t.Context(), role)
		if err == nil && now == pid {
			err = errors.New("it is the old one")
		}
		return err
	})
}

// lacks says what address the kernel of the box has.
func (b *Box) lacks() error {
	for _, addr := range []string{VIP.String(), VIP6.String()} {
		if has, err := b.Holds(addr); err != nil || has {
			return errors.Join(err, fmt.Errorf("box %s has %s", b.Name, addr))
		}
	}
	return nil
}

// explained checks that the left box says why it is not active, with a word of the
// cause.
func explained(word string) func(t *testing.T, l *Lab) {
	return func(t *testing.T, l *Lab) {
		await(t, "the left box names "+word, func() error {
			if g := group(t, l.Boxes[0]); !strings.Contains(g.Reason, word) {
				return fmt.Errorf("it is %s because of %q", g.State, g.Reason)
			}
			return nil
		})
	}
}

// After each fault one box is active, says why, and clients of a cookie and of a
// source come to the servers that they had.
func TestFaults(t *testing.T) {
	l := pair(t, Config{})
	left, right := l.Boxes[0], l.Boxes[1]
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			web := l.Client.Visit(Visits{URL: "http://" + VIP.String() + "/", Cookies: true})
			raw := l.Neighbour.Visit(Visits{URL: "http://" + VIP.String() + ":81/", Fresh: true})
			for _, v := range []*Visitor{web, raw} {
				defer v.Stop()
				await(t, "clients are served", func() error { return enough(v, 20) })
			}
			await(t, "records have come to the other box", func() error { return right.has(t, left) })
			if f.heal != nil {
				healed := false
				heal := f.heal
				f.heal = func(t *testing.T, l *Lab) { healed = true; heal(t, l) }
				defer func() {
					if !healed { // the next has a whole lab
						f.heal(t, l)
					}
				}()
			}
			f.cause(t, l)
			active, but := left, []*Box{}
			if f.away {
				active = right
				if f.gone {
					but = append(but, left)
				}
			}
			settled(t, l, active, but...)
			if f.check != nil {
				f.check(t, l)
			}
			if f.heal != nil {
				f.heal(t, l)
			}
			settled(t, l, left)
			for name, v := range map[string]*Visitor{"cookie": web, "source": raw} {
				from := v.Seen().Answered
				await(t, "clients are served again", func() error { return enough(v, from+20) })
				if s := v.Stop(); s.Changes > 0 {
					t.Errorf("a client kept by %s came to another server: %v", name, s)
				} else {
					t.Logf("%s: %v", name, s)
				}
			}
			for _, b := range l.Boxes {
				await(t, b.Name+" is in sync again", func() error { return b.inSync(t.Context()) })
			}
		})
	}
}

func enough(v *Visitor, n int) error {
	if s := v.Seen(); s.Answered < n {
		return fmt.Errorf("%v", s)
	}
	return nil
}

// has says which of another box's source records a box has not.
func (b *Box) has(t *testing.T, other *Box) error {
	records := func(b *Box) (out []string, err error) {
		var list manage.Sources
		err = b.Call(t.Context(), "persist.list", struct{}{}, &list)
		for _, r := range list.Records {
			out = append(out, r.Client+" "+r.Pool+"/"+r.Member)
		}
		return out, err
	}
	mine, err := records(b)
	if err != nil {
		return err
	}
	theirs, err := records(other)
	if err == nil && (len(theirs) == 0 || strings.Join(mine, ",") != strings.Join(theirs, ",")) {
		err = fmt.Errorf("%q beside %q", mine, theirs)
	}
	return err
}
