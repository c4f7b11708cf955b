// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// TextHash returns the name of a shared text: its SHA-256 hash in hexadecimal.
func TextHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// compare says how two boxes stand to each other, by the hashes of their texts and
// of the texts that each remembers from when both were equal last ("" if never).
//
// The two bases may differ, because a box can stop between the moment when both
// are equal and the moment when it has noted that. So what counts is whether the
// other's text is one that this box has moved on from knowingly.
func compare(mine, mineBase, theirs, theirsBase string) SyncState {
	ahead := mineBase == theirs  // we were equal at what they have now
	behind := theirsBase == mine // they were equal with us at what we have now
	switch {
	case mine == theirs:
		return InSync
	case ahead == behind:
		return Conflict
	case ahead:
		return MineNewer
	}
	return TheirsNewer
}

// A statement is what a box says to another about its configuration.
type statement struct {
	Hash    string    `json:"hash"`
	Base    string    `json:"base"` // when both were equal last, as far as the speaker knows; "": never
	Number  uint64    `json:"number"`
	Who     string    `json:"who"`
	When    time.Time `json:"when"`
	Comment string    `json:"comment"`
	Refused string    `json:"refused,omitempty"` // why the speaker did not take the other's text
	// Boot and Serial order what one box says: an answer can be overtaken by a
	// later statement that goes on the other stream.
	Boot   uint64 `json:"boot"`
	Serial uint64 `json:"serial"`
}

// revision returns what s says of the speaker's revision.
func (s statement) revision() Revision {
	return Revision{Number: s.Number, Who: s.Who, When: s.When, Comment: s.Comment}
}

// before reports whether s was said before o by the same run of a box.
func (s statement) before(o statement) bool { return s.Boot == o.Boot && s.Serial < o.Serial }

const maxWords = 1024 // bytes of a name or comment in a statement

// parseStatement reads and checks a statement.
func parseStatement(b []byte) (statement, error) {
	var s statement
	if err := json.Unmarshal(b, &s); err != nil {
		return statement{}, fmt.Errorf("read the state of a configuration: %w", err)
	}
	if !validHash(s.Hash) || (s.Base != "" && !validHash(s.Base)) {
		return statement{}, fmt.Errorf("the state of a configuration has no proper hash")
	}
	if len(s.Who) > maxWords || len(s.Comment) > maxWords || len(s.Refused) > 4*maxWords {
		return statement{}, fmt.Errorf("the state of a configuration has words of more than %d bytes", maxWords)
	}
	s.Who, s.Comment, s.Refused = clean(s.Who), clean(s.Comment), clean(s.Refused)
	return s, nil
}

func validHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

// clip shortens text to what a statement may hold.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most-3] + "..."
}
