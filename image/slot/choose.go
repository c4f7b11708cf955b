// SPDX-License-Identifier: Apache-2.0

package slot

// A Choice is what the boot loader starts, in the words of the kernel's command
// line: evener.slot, evener.try, evener.recovery, evener.rescue, evener.reset.
type Choice struct {
	Slot     Name // empty for the rescue system
	Try      int  // 1 to 3; 0 if the slot is good, or started once, or in recovery
	Recovery bool // neither slot may be tried any more: the first is, all the same
	Rescue   bool // the rescue system of the ESP
	Reset    bool // state and data are made anew first
}

// Choose returns what the boot loader starts from s, and the state that it
// leaves behind; it writes nothing if that is s. The script of the boot loader
// is the same program in another language:
//
//	once = rescue, A or B    it is emptied, and that is started; nothing is counted
//	else the first slot of order that is good         nothing is counted or written
//	          or has a try below 3                    its try is counted up, and passed on
//	else both tries are emptied, and the first slot of order is started with
//	evener.recovery=1; its try is passed on as 0
//
// reset is passed on and stays: who carried it out clears it.
func (s State) Choose() (Choice, State) {
	s = s.normal()
	c := Choice{Reset: s.Reset != ""}
	if s.Once != "" {
		if c.Rescue = s.Once == OnceRescue; !c.Rescue {
			c.Slot = Name(s.Once)
		}
		s.Once = ""
		return c, s
	}
	for _, n := range []Name{s.First, s.First.Other()} {
		if s.Good(n) {
			c.Slot = n
			return c, s
		}
		if t := s.Tries(n); t < MaxTries {
			c.Slot, c.Try = n, t+1
			return c, s.With(n, false, t+1)
		}
	}
	c.Slot, c.Recovery = s.First, true
	s.Try = [2]int{}
	return c, s
}
