// SPDX-License-Identifier: Apache-2.0

package early

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Cmdline is what the boot loader says on the kernel's command line.
type Cmdline struct {
	Slot     string        // evener.slot: A or B
	Part     string        // evener.part: PARTUUID of the slot's partition, in lower case
	Try      int           // evener.try: 1 to 3 while the slot is tried, else 0
	Recovery bool          // evener.recovery=1: neither slot could be tried any more
	Rescue   bool          // evener.rescue=1: the rescue system
	Reset    bool          // evener.reset=factory: state and data are made anew
	Wait     time.Duration // evener.wait, in seconds: for the disk; 30s
}

// ParseCmdline reads the kernel's command line. Only words that begin with evener. are
// ours; one that is not known is left for a later version. The last of a name counts, as
// it does for the kernel.
func ParseCmdline(text string) (Cmdline, error) {
	c := Cmdline{Wait: 30 * time.Second}
	var errs []error
	for _, word := range strings.Fields(text) {
		if word == "--" || word == "---" { // the rest is for init
			break
		}
		key, value, _ := strings.Cut(word, "=")
		if key, ours := strings.CutPrefix(key, "evener."); ours {
			if err := c.set(key, value); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if len(errs) == 0 && !c.Rescue {
		switch {
		case c.Part == "":
			errs = append(errs, errors.New("the kernel's command line has no evener.part=: the boot loader did not say where the slot is"))
		case c.Slot == "":
			errs = append(errs, errors.New("the kernel's command line has no evener.slot=A or B"))
		}
	}
	return c, errors.Join(errs...)
}

func (c *Cmdline) set(key, value string) (err error) {
	bad := func(want string) error {
		return fmt.Errorf("evener.%s must be %s, not %.40q", key, want, value)
	}
	flag := func(b *bool, yes string) error {
		switch value {
		case yes:
			*b = true
		case "", "0":
			*b = false
		default:
			return bad(yes + " or nothing")
		}
		return nil
	}
	switch key {
	case "slot":
		if value != "A" && value != "B" {
			return bad("A or B")
		}
		c.Slot = value
	case "part":
		if c.Part = strings.ToLower(value); !isUUID(c.Part) {
			return bad("the PARTUUID of a partition")
		}
	case "try":
		if c.Try, err = strconv.Atoi(value); value == "" {
			c.Try = 0
		} else if err != nil || c.Try < 0 || c.Try > 3 {
			return bad("0 to 3")
		}
	case "recovery":
		return flag(&c.Recovery, "1")
	case "rescue":
		return flag(&c.Rescue, "1")
	case "reset":
		return flag(&c.Reset, "factory")
	case "wait":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 600 {
			return bad("1 to 600 seconds")
		}
		c.Wait = time.Duration(n) * time.Second
	}
	return nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdef", r) {
			return false
		}
	}
	return true
}
