// SPDX-License-Identifier: Apache-2.0

package led

import "errors"

// A Level is how bad it is with the box.
type Level uint8

// The levels, from the best. They are shown as the alarm lamp of F5's BIG-IP shows
// its severities.
const (
	Fine      Level = iota // dark
	Warning                // yellow: clients are served, for now
	Error                  // yellow, blinking: not as they should be
	Alert                  // red: nobody is served, the engine does not answer
	Emergency              // red, blinking: the hardware is about to fail
)

var levels = [...]string{"fine", "warning", "error", "alert", "emergency"}

func (l Level) String() string {
	if int(l) < len(levels) {
		return levels[l]
	}
	return "unknown"
}

// Alarm returns how a level is shown.
func Alarm(l Level) Light {
	return [...]Light{{}, {"yellow", false}, {"yellow", true}, {"red", false}, {"red", true}}[min(l, Emergency)]
}

// Status returns how the status lamp shows a level: green while clients are served
// as they should be, yellow while they are not, and what an alarm shows where there
// is no lamp for alarms. Where there is one, the status is yellow on standby too, as
// on F5's BIG-IP.
func (l *Lamps) Status(level Level, standby bool) Light {
	switch {
	case standby && l.Has("alarm"):
		return Light{Colour: "yellow"}
	case level == Fine:
		return Light{Colour: "green"}
	case !l.Has("alarm"):
		return Alarm(level)
	case level == Warning:
		return Light{Colour: "green"}
	}
	return Light{Colour: "yellow"}
}

// A Situation is what the lamps tell of the box.
type Situation struct {
	Level   Level
	Standby bool // other boxes serve the clients, this one would
	Locate  bool // somebody looks for it
}

// Show lights power, status and alarm, and the lamp for finding the box where that is
// asked for. A box without such a lamp blinks its status instead.
func (l *Lamps) Show(s Situation) error {
	status, where := l.Status(s.Level, s.Standby), Light{}
	if s.Locate && l.Has("locate") {
		where = Light{"blue", true}
	} else if s.Locate {
		status = Light{status.Colour, true}
	}
	return errors.Join(l.Set("power", Light{Colour: "green"}), l.Set("status", status),
		l.Set("alarm", Alarm(s.Level)), l.Set("locate", where))
}
