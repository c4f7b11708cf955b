// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/durable"
)

// timeFile keeps the last time that was noted, in the folder of the state.
const timeFile = "last-time"

// A clock is the clocks of a machine.
type clock interface {
	ReadRTC(path string) (time.Time, error)
	SetClock(time.Time) error
}

// maxDrift is how far behind the hardware clock a sane clock of the system may be.
const maxDrift = 2 * time.Second

// SetTime sets the clock of the system from the hardware clock at rtc, such as
// /dev/rtc0, but never before floor: the time at which the image was built, or the last
// one that NoteTime has kept. A box whose battery is empty begins there, and not in
// 1970, where no certificate is valid yet. now is the clock of the system. It returns
// what was done in words, and an Alarm where the time is a guess.
func SetTime(k clock, rtc string, now, floor time.Time) (string, *Alarm) {
	hw, err := k.ReadRTC(rtc)
	want, why := now, "the kernel's own time"
	if err == nil && (now.Before(hw.Add(-maxDrift)) || now.After(hw.Add(maxDrift))) {
		want, why = hw, "the hardware clock"
	}
	var alarm *Alarm
	if want.Before(floor) {
		cause := fmt.Sprintf("says %s", want.UTC().Format(time.RFC3339))
		if err != nil {
			cause = "does not answer: " + err.Error()
		}
		want, why = floor, "the latest time the box knows of"
		alarm = &Alarm{Object: "clock", Text: fmt.Sprintf("the hardware clock %s; the box goes on from %s, and its time is wrong until a time server answers; is its battery empty?",
			cause, floor.UTC().Format(time.RFC3339))}
	}
	if want.Equal(now) {
		return "clock left at " + why, alarm
	}
	if err := k.SetClock(want); err != nil {
		return "clock not set", &Alarm{Object: "clock", Text: fmt.Sprintf("the clock cannot be set to %s: %v", want.UTC().Format(time.RFC3339), err)}
	}
	return "clock set from " + why, alarm
}

// WatchClock calls set each time that somebody sets the clock of the system, until ctx
// ends. The kernel takes a clock that time servers keep over into the hardware clock, but
// rarely, and never one that was set by hand: a box that starts again before begins with
// a time that was found wrong.
func WatchClock(ctx context.Context, set func()) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watch the clock: %w", err)
	}
	f := os.NewFile(uintptr(fd), "clock")
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	const never = 1 << 33 // seconds: in the year 2242
	wait := unix.ItimerSpec{Value: unix.Timespec{Sec: never}}
	// Armed once: it goes on after each set, and arming it anew would fail for one meanwhile.
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &wait, nil); err != nil {
		return fmt.Errorf("watch the clock: %w", err)
	}
	for {
		switch _, err := f.Read(make([]byte, 8)); {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, unix.ECANCELED):
			return fmt.Errorf("watch the clock: %w", err)
		}
		set()
	}
}

// NoteTime keeps now in the folder of the state.
func NoteTime(state string, now time.Time) error {
	return durable.Replace(filepath.Join(state, timeFile), []byte(now.UTC().Format(time.RFC3339)+"\n"), 0o600)
}

// NotedTime returns what NoteTime has kept last, the zero time if nothing.
func NotedTime(state string) (time.Time, error) {
	text, err := os.ReadFile(filepath.Join(state, timeFile))
	if errors.Is(err, os.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}, fmt.Errorf("last time that was noted: %w", err)
	}
	return t, nil
}
