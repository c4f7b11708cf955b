// SPDX-License-Identifier: Apache-2.0

package lcd

import "fmt"

// letterKeys reads the keys of displays that report them as letters: a capital
// when one goes down and, if the display can, the small letter when it is let
// go.
//
// Not all firmware reports releases, and a key that never comes up would be
// held for ever. So until the first small letter has come, each press is told
// as pressed and let go at once; from then on as it is. A key that goes down a
// second time without having come up shows that the display does not report
// releases after all.
type letterKeys struct {
	keys     map[byte]Key
	last     byte   // the letter before
	releases bool   // the display has shown that it reports them
	down     []byte // letters that were told as pressed only
}

// read returns what a byte from the display means.
func (l *letterKeys) read(b byte) []KeyEvent {
	last := l.last
	l.last = b
	if k, ok := l.keys[b]; ok {
		return l.press(b, k)
	}
	if b < 'a' || b > 'z' {
		return nil
	}
	capital := b - 'a' + 'A'
	k, ok := l.keys[capital]
	if !ok {
		return nil
	}
	if !l.releases {
		l.releases = last == capital
		return nil // its release has been told with the press
	}
	return l.release(capital, k)
}

func (l *letterKeys) press(b byte, k Key) []KeyEvent {
	if !l.releases {
		return []KeyEvent{{k, true}, {k, false}}
	}
	for _, held := range l.down {
		if held == b {
			return l.giveUp(k)
		}
	}
	l.down = append(l.down, b)
	return []KeyEvent{{k, true}}
}

// giveUp lets go of all keys: the display does not report releases.
func (l *letterKeys) giveUp(pressed Key) (events []KeyEvent) {
	for _, held := range l.down {
		events = append(events, KeyEvent{l.keys[held], false})
	}
	l.down, l.releases = nil, false
	return append(events, KeyEvent{pressed, true}, KeyEvent{pressed, false})
}

func (l *letterKeys) release(b byte, k Key) []KeyEvent {
	for i, held := range l.down {
		if held == b {
			l.down = append(l.down[:i], l.down[i+1:]...)
			return []KeyEvent{{k, false}}
		}
	}
	return nil
}

// letterMap returns the keys of a board, or the usual ones: reports are one
// capital letter each.
func (o Options) letterMap(usual map[string]Key) (map[byte]Key, error) {
	named, err := o.keyMap(usual)
	if err != nil {
		return nil, err
	}
	keys := make(map[byte]Key, len(named))
	for report, k := range named {
		if len(report) != 1 || report[0] < 'A' || report[0] > 'Z' {
			return nil, badReport(report, `one letter from "A" to "Z"`)
		}
		keys[report[0]] = k
	}
	return keys, nil
}

// badReport says how a board must write what a display reports.
func badReport(report, want string) error {
	return fmt.Errorf("key report must be %s, not %q", want, report)
}
