// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"evener/firmware/api"
)

// check looks at both boxes. Nothing is changed yet.
func (r *pairRun) check() (string, error) {
	var boxes [2]upgradeBox
	for i, node := range []string{r.st.First, r.st.Second} {
		x, err := r.status(node)
		if err != nil {
			return "", doubtf("%s does not answer: %v", node, err)
		}
		if err := fitForUpgrade(&x); err != nil {
			return "", err
		}
		boxes[i] = x
	}
	first, second := &boxes[0], &boxes[1]
	for _, g := range second.Groups {
		here := first.group(g.Name)
		if !g.Home && !here.Home {
			continue
		}
		if (g.State == HAActive) == (here.State == HAActive) {
			return "", doubtf("group %s is %s on %s and %s on %s: one of them must be active for it", g.Name, here.State, first.Node, g.State, second.Node)
		}
		if g.State == HAActive && here.Home && !here.Healthy {
			return "", doubtf("group %s could not be active on %s: %s", g.Name, first.Node, here.Reason)
		}
	}
	if gone := lacking(second.Up, first.Up); len(gone) > 0 {
		return "", doubtf("%s is up for %s and not for %s", few(gone), second.Node, first.Node)
	}
	return fmt.Sprintf("%s first, then %s; groups that move: %s", first.Node, second.Node, words(r.st.Moved)), nil
}

// fitForUpgrade says why a box should not be upgraded now.
func fitForUpgrade(x *upgradeBox) error {
	switch {
	case !x.Available:
		return doubtf("%s cannot be upgraded: %s", x.Node, x.Why)
	case x.Trial != nil:
		return doubtf("version %s is on trial on %s: wait for its self-test", x.Running.Version, x.Node)
	case x.Running.Recovery:
		return doubtf("%s runs for lack of a good slot", x.Node)
	case x.Pending:
		return doubtf("a commit on %s waits for its confirm", x.Node)
	case x.Busy:
		return doubtf("a bundle is being written on %s", x.Node)
	case !x.Synced:
		return doubtf("the shared configuration of both boxes is not the same, as %s sees it (evener ha sync)", x.Node)
	}
	return nil
}

func lacking(want, have []string) (out []string) {
	for _, m := range want {
		if !slices.Contains(have, m) {
			out = append(out, m)
		}
	}
	return out
}

// send brings the image to the peer, if it has it in neither slot.
func (r *pairRun) send() (string, error) {
	peer := r.peer()
	x, err := r.status(peer)
	if err != nil {
		return "", doubtf("%s does not answer: %v", peer, err)
	}
	if x.slot(r.st.SHA256) != nil {
		return peer + " has it already", nil
	}
	last := time.Time{}
	err = r.b.sendImage(r.ctx, peer, r.st.Slot, r.st.By, func(done, total int64) {
		if time.Since(last) > pairEvery {
			last = time.Now()
			r.tell(done, total, "")
		}
	})
	if err != nil {
		return "", doubtf("%s did not take the bundle: %v", peer, err)
	}
	return peer + " has taken and checked it", nil
}

func (r *pairRun) first() (string, error)  { return r.install(r.st.First) }
func (r *pairRun) second() (string, error) { return r.install(r.st.Second) }

// install starts the image on a box and waits until it has passed its self-test. In the
// middle this process may end, with the box that it is on.
func (r *pairRun) install(node string) (string, error) {
	err := r.until(pairBoot, func() (bool, string, error) {
		x, err := r.status(node)
		if err != nil {
			r.tell(0, 0, node+" is away")
			return false, node + " did not come back: " + err.Error(), nil
		}
		if x.runs() == r.st.SHA256 {
			if x.Trial == nil && x.Running.OK {
				return true, "", nil
			}
			why := node + " runs it, and tests itself" + failing(x.Trial)
			r.tell(0, 0, why)
			return false, why, nil
		}
		boot, told := r.st.Boots[node]
		if told && x.Running.Boot != boot {
			return false, "", doubtf("%s went back to version %s: %s", node, x.Running.Version, x.Last.Reason)
		}
		if s := x.slot(r.st.SHA256); s == nil {
			return false, "", doubtf("%s has the image in neither slot any more", node)
		} else if !told || !s.Next {
			return false, "it was not started", r.start(node, x.Running.Boot)
		}
		r.tell(0, 0, node+" restarts")
		return false, node + " did not restart", nil
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s runs version %s, and has passed its self-test", node, r.st.Version), nil
}

// startLimit is how long a box may take to begin a restart: it reads the whole slot,
// and checks it, before it chooses it.
const startLimit = 5 * time.Minute

// start tells a box to start the image. What it ran before is noted first.
func (r *pairRun) start(node, boot string) error {
	r.change(func(st *pairState) { st.Boots[node] = boot })
	ctx, cancel := context.WithTimeout(r.ctx, startLimit)
	defer cancel()
	err := r.b.askUpgrade(ctx, node, upgradeAsk{Op: "activate", By: r.st.By, SHA256: r.st.SHA256}, &struct{}{})
	if e := (*api.Error)(nil); errors.As(err, &e) && e.Kind != "ha.peer" || err != nil && node == r.st.Lead {
		return doubtf("%s did not start it: %v", node, err)
	}
	return nil // a peer that has not answered may have done it all the same
}

// failing lists the checks that do not pass yet.
func failing(t *UpgradeTest) string {
	if t == nil {
		return ""
	}
	var list []string
	for _, c := range t.Checks {
		if !c.OK {
			list = append(list, c.Name+" ("+c.Detail+")")
		}
	}
	if len(list) == 0 {
		return ""
	}
	return ": waits for " + words(list)
}
