// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"strings"

	"evener/firmware/api"
	"evener/firmware/logring"
)

// maxLogWords bounds what a record is compared with.
const maxLogWords = 20

// A logWord is a word that a record must have or, with not, must not have.
type logWord struct {
	not        bool
	key, value string // key "": value is looked for everywhere
}

// logWords reads words such as crashed, role=web1 and -audit. Case does not matter.
func logWords(list []string) ([]logWord, error) {
	if len(list) > maxLogWords {
		return nil, api.Errorf(api.CodeParams, "params.text", "%d words are too many; give %d at most", len(list), maxLogWords)
	}
	var out []logWord
	for _, s := range list {
		w := logWord{value: strings.ToLower(s)}
		if rest, ok := strings.CutPrefix(w.value, "-"); ok && rest != "" {
			w.not, w.value = true, rest
		}
		if key, value, ok := strings.Cut(w.value, "="); ok && key != "" {
			w.key, w.value = key, value
		}
		out = append(out, w)
	}
	return out, nil
}

// hasWords says whether a record fits all words.
func hasWords(list []logWord, r logring.Record) bool {
	for _, w := range list {
		if w.in(r) == w.not {
			return false
		}
	}
	return true
}

// in says whether a record has w. The value of an attribute need only begin so:
// values may be long.
func (w logWord) in(r logring.Record) bool {
	if w.key == "" && strings.Contains(strings.ToLower(r.Message), w.value) {
		return true
	}
	for _, a := range r.Attrs {
		key, value := strings.ToLower(a.Key), strings.ToLower(a.Value)
		if w.key == "" && strings.Contains(value, w.value) || w.key != "" && key == w.key && strings.HasPrefix(value, w.value) {
			return true
		}
	}
	return false
}
