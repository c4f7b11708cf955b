// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"fmt"
	"time"
)

// learnPatience is how long a question for a key stands.
const learnPatience = 20 * time.Second

// A keyLearner finds out which letter each key sends, on a box whose board does
// not say it: it asks for the keys one by one. The first press begins; pressing
// a key that was named already says that the box lacks the one that is asked
// for; the press after the last question ends it.
type keyLearner struct {
	begun  bool
	asked  int            // how many were answered
	letter [keyCount]byte // 0: the box lacks the key
	used   map[byte]bool
}

func newKeyLearner() *keyLearner { return &keyLearner{used: map[byte]bool{}} }

// asks says whether there is something on the glass.
func (l *keyLearner) asks() bool { return l.begun }

// press takes a letter. At the end it returns the keys.
func (l *keyLearner) press(b byte) (keys map[byte]Key, done bool) {
	switch {
	case !l.begun:
		l.begun = true
		return nil, false
	case l.asked < keyCount:
		if !l.used[b] {
			l.letter[l.asked], l.used[b] = b, true
		}
		l.asked++
		return nil, false
	}
	keys = map[byte]Key{}
	for k, letter := range l.letter {
		if letter != 0 {
			keys[letter] = Key(k)
		}
	}
	l.giveUp()
	return keys, true
}

// giveUp forgets what was begun.
func (l *keyLearner) giveUp() { *l = *newKeyLearner() }

// text is what the glass shows: the question, or, for the board's description,
// what was found out.
func (l *keyLearner) text() []string {
	if l.asked < keyCount {
		return []string{"Keys are not known.", "", fmt.Sprintf("Press: %v", Key(l.asked)), "",
			"No such key?", "Press one again."}
	}
	var lines []string
	for k, letter := range l.letter {
		if letter != 0 {
			lines = append(lines, fmt.Sprintf("%c = %v", letter, Key(k)))
		}
	}
	return append(lines, "", "Any key: go on")
}
