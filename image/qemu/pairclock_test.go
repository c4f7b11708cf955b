// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"time"
)

// clock sets the clock of the active box, with a commit that waits for its confirm.
func (p *pair) clock() {
	before := [2]standing{p.left.standing(), p.right.standing()}
	p.left.change("20m", func(old string) string { return old + "\nresponder \"closed\" { status = 503 }\n" })
	for _, by := range []time.Duration{3 * time.Hour, -6 * time.Hour, 3 * time.Hour} {
		was := p.left.clockNow()
		p.left.sudo()
		p.left.must("time.set", map[string]any{"time": was.Add(by).Format(time.RFC3339Nano)}, nil)
		if now := p.left.clockNow(); now.Sub(was.Add(by)).Abs() > 10*time.Minute {
			p.t.Errorf("set by %v, the clock went from %v to %v", by, was, now)
		}
		p.count(0)
	}
	var waits struct {
		Pending *struct{ Revision uint64 }
	}
	if p.left.must("sys.info", nil, &waits); waits.Pending == nil {
		p.t.Error("the commit does not wait for its confirm any more")
	} else {
		p.left.must("config.confirm", nil, nil)
	}
	p.settled(p.left, p.right)
	for i, after := range []standing{p.left.standing(), p.right.standing()} {
		if was, is := before[i].Groups[0], after.Groups[0]; !was.Since.Equal(is.Since) {
			p.t.Errorf("a group was %s since %v, and is %s since %v because %q", was.State, was.Since, is.State, is.Since, is.Reason)
		}
	}
}

func (p *person) clockNow() time.Time {
	p.t.Helper()
	var t struct{ Now time.Time }
	p.must("time.show", nil, &t)
	return t.Now
}
