// SPDX-License-Identifier: Apache-2.0

package ntp

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A System is a clock.
type System interface {
	// Now returns the time, and the time that has passed since some moment, which
	// nobody can set.
	Now() (wall time.Time, passed time.Duration)
	// Kept reports whether somebody has kept the clock right since the machine has
	// started.
	Kept() bool
	// Can reports whether the clock may be corrected, and why not.
	Can() (bool, string)
	// Simulated reports whether it is meant to be left alone.
	Simulated() bool
	// Slew lets the clock run faster or slower until offset is made up. Err is the
	// most by which offset may be wrong, poll when the next offset comes.
	Slew(offset, err, poll time.Duration, leap Leap) error
	// Step sets the clock at once.
	Step(offset, err time.Duration) error
}

// Linux is the clock of the kernel. It needs CAP_SYS_TIME.
type Linux struct{}

// Simulated reports that it is not.
func (Linux) Simulated() bool { return false }

// Now returns the time, and the time since the machine has started, with that in
// which it slept.
func (Linux) Now() (time.Time, time.Duration) {
	var real, boot unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME, &real) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
		now := time.Now() // a kernel without these clocks cannot be met
		return now.Round(0), time.Duration(now.UnixNano())
	}
	return time.Unix(real.Unix()), time.Duration(boot.Nano())
}

// Kept reads what the kernel says of its clock: it forgets that somebody kept it
// when nobody has for some hours.
func (Linux) Kept() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

// Can looks for CAP_SYS_TIME.
func (Linux) Can() (bool, string) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false, fmt.Sprintf("ask for the rights of this process: %v", err)
	}
	if data[unix.CAP_SYS_TIME/32].Effective&(1<<(unix.CAP_SYS_TIME%32)) == 0 {
		return false, "the engine lacks the right CAP_SYS_TIME: start the box as root, or let the operating system keep the clock"
	}
	return true, ""
}

// Slew gives the offset to the kernel's phase-locked loop (RFC 5905, section 12),
// which learns in this way how much too fast or slow the machine's crystal is.
func (Linux) Slew(offset, err, poll time.Duration, leap Leap) error {
	t := slewing(offset, err, poll, leap)
	return adjust(&t)
}

// slewing is what the kernel is told.
func slewing(offset, err, poll time.Duration, leap Leap) unix.Timex {
	var t unix.Timex
	t.Modes = unix.ADJ_OFFSET | unix.ADJ_STATUS | unix.ADJ_TIMECONST | unix.ADJ_MAXERROR | unix.ADJ_ESTERROR | unix.ADJ_NANO
	t.Status = unix.STA_PLL | unix.STA_NANO // and not STA_UNSYNC: the hardware clock follows too
	switch leap {
	case LongMinute:
		t.Status |= unix.STA_INS
	case ShortMinute:
		t.Status |= unix.STA_DEL
	}
	setLong(&t.Offset, int64(offset))
	setLong(&t.Constant, constant(poll))
	setLong(&t.Maxerror, err.Microseconds())
	setLong(&t.Esterror, err.Microseconds())
	return t
}

// constant is the time constant of the loop for a pause between two offsets: the
// kernel adds 4 to the logarithm of RFC 5905.
func constant(poll time.Duration) int64 {
	var n int64
	for s := int64(poll / time.Second); s > 1; s /= 2 {
		n++
	}
	return min(max(n-4, 0), 6)
}

// Step adds the offset to the clock, and tells the kernel that it is right now.
func (Linux) Step(offset, err time.Duration) error {
	var t unix.Timex
	t.Modes = unix.ADJ_SETOFFSET | unix.ADJ_NANO
	t.Time = timeval(offset)
	if err := adjust(&t); err != nil {
		return err
	}
	t = slewing(0, err, leastPoll, NoLeap)
	return adjust(&t)
}

// timeval splits an offset as ADJ_SETOFFSET with ADJ_NANO wants it: nanoseconds are
// never negative.
func timeval(d time.Duration) (t unix.Timeval) {
	s, ns := int64(d/time.Second), int64(d%time.Second)
	if ns < 0 {
		s, ns = s-1, ns+int64(time.Second)
	}
	setLong(&t.Sec, s)
	setLong(&t.Usec, ns)
	return t
}

// setLong sets a field whose size differs by architecture.
func setLong[T ~int32 | ~int64](field *T, v int64) { *field = T(v) }

func adjust(t *unix.Timex) error {
	_, err := unix.Adjtimex(t)
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("the kernel does not let this process correct the clock, as in a container: %w", err)
	}
	return err
}

// Dry is the clock of the kernel, which is only looked at.
type Dry struct{ Linux }

// Simulated reports that the clock is meant to be left alone.
func (Dry) Simulated() bool { return true }

// Can says that it may not be corrected.
func (Dry) Can() (bool, string) { return false, "the simulated board never sets the machine's clock" }

// Slew does nothing.
func (Dry) Slew(time.Duration, time.Duration, time.Duration, Leap) error { return nil }

// Step does nothing.
func (Dry) Step(time.Duration, time.Duration) error { return nil }
