// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"time"
)

// pairTolerance is how long something may be wrong during the soak: a probe that
// fails once is no doubt yet.
const pairTolerance = 15 * time.Second

// soak waits until the first box has been good for long enough.
func (r *pairRun) soak() (string, error) {
	began, good := time.Now(), time.Now()
	limit := time.Duration(r.st.Soak)
	err := r.until(limit+pairBoot, func() (bool, string, error) {
		why := r.wrong()
		now := time.Now()
		switch {
		case why == "":
			good = now
		case now.Sub(good) > pairTolerance:
			return false, "", doubtf("%s", why)
		}
		left := limit - now.Sub(began)
		r.tell(int64(now.Sub(began)/time.Second), int64(limit/time.Second), why)
		return left <= 0 && why == "", why, nil
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s was good for %v", r.st.First, limit), nil
}

// wrong says what is wrong with the first box, compared with the second.
func (r *pairRun) wrong() string {
	x, err := r.status(r.st.First)
	if err != nil {
		return fmt.Sprintf("%s does not answer: %v", r.st.First, err)
	}
	y, err := r.status(r.st.Second)
	switch {
	case err != nil:
		return fmt.Sprintf("%s does not answer: %v", r.st.Second, err)
	case x.runs() != r.st.SHA256:
		return fmt.Sprintf("%s runs version %s", r.st.First, x.Running.Version)
	case !x.Synced:
		return "the shared configuration of both boxes is not the same"
	}
	for _, g := range r.st.Moved {
		if here := x.group(g); here.State == HAFault || here.State == HAInit || here.State == HABackup && !here.Healthy {
			return fmt.Sprintf("group %s is %s on %s: %s", g, here.State, r.st.First, here.Reason)
		}
	}
	if gone := lacking(y.Up, x.Up); len(gone) > 0 {
		return fmt.Sprintf("%s is up for %s and not for %s", few(gone), r.st.Second, r.st.First)
	}
	return ""
}

// move brings the groups to the first box, as a planned switch.
func (r *pairRun) move() (string, error) {
	for _, g := range r.st.Moved {
		err := r.until(time.Minute, func() (bool, string, error) {
			x, err := r.status(r.st.First)
			if err == nil && x.group(g).State == HAActive {
				return true, "", nil
			}
			ctx, cancel := context.WithTimeout(r.ctx, 15*time.Second)
			defer cancel()
			_, err = r.b.orderAt(ctx, r.st.Second, HAOrder{Kind: HAOrderSwitch, Group: g, Node: r.st.First, By: r.st.By})
			return false, fmt.Sprintf("group %s did not move to %s: %v", g, r.st.First, err), nil
		})
		if err != nil {
			return "", err
		}
	}
	return "moved: " + words(r.st.Moved), nil
}

// back looks at both boxes, and brings the groups to where they were.
func (r *pairRun) back() (string, error) {
	err := r.until(5*time.Minute, func() (bool, string, error) {
		why := r.wrong()
		if why == "" {
			if y, err := r.status(r.st.Second); err != nil || y.runs() != r.st.SHA256 {
				why = fmt.Sprintf("%s does not run version %s", r.st.Second, r.st.Version)
			}
		}
		r.tell(0, 0, why)
		return why == "", why, nil
	})
	if err != nil || r.st.Stay {
		return "both boxes run it; the groups stay on " + r.st.First, err
	}
	for _, g := range r.st.Moved {
		err := r.until(2*time.Minute, func() (bool, string, error) {
			y, err := r.status(r.st.Second)
			switch here := y.group(g); {
			case err != nil:
				return false, fmt.Sprintf("%s does not answer: %v", r.st.Second, err), nil
			case here.State == HAActive:
				return true, "", nil
			case !here.Healthy || here.State != HABackup:
				return false, fmt.Sprintf("group %s is %s on %s: %s", g, here.State, r.st.Second, here.Reason), nil
			}
			ctx, cancel := context.WithTimeout(r.ctx, 15*time.Second)
			defer cancel()
			o := HAOrder{Kind: HAOrderSwitch, Group: g, Node: r.st.Second, By: r.st.By}
			if y.group(g).Preferred == r.st.Second { // which also lets it move by preference again
				o.Kind, o.Node = HAOrderRebalance, ""
			}
			_, err = r.b.orderAt(ctx, r.st.First, o)
			return false, fmt.Sprintf("group %s did not move back to %s: %v", g, r.st.Second, err), nil
		})
		if err != nil {
			return "", err
		}
	}
	return "both boxes run it, and the groups are where they were", nil
}
