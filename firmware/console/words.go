// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"
)

// Words breaks a command line into words; quotes hold words together.
func Words(line string) ([]string, error) {
	words, last, raw, quote := Lex(line)
	if quote != 0 {
		return nil, fmt.Errorf("a quote %c is not closed", quote)
	}
	if raw != "" {
		words = append(words, last)
	}
	return words, nil
}

// Lex breaks a command line into the words before its last blank and the rest after it,
// as it is meant and as it is written. quote is the quote that the rest leaves open.
func Lex(line string) (words []string, last, raw string, quote rune) {
	var word strings.Builder
	begin := 0 // of raw
	for i, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote = r
		case r == ' ':
			if begin < i {
				words = append(words, word.String())
			}
			word.Reset()
			begin = i + 1
		default:
			word.WriteRune(r)
		}
	}
	return words, word.String(), line[begin:], quote
}

// Kept keeps what a command prints, up to Max bytes. It takes the rest too, so that the
// command goes on, and forgets it.
type Kept struct {
	Max int
	Cut bool // whether something was forgotten

	kept strings.Builder
}

func (k *Kept) Write(p []byte) (int, error) {
	n := min(len(p), k.Max-k.kept.Len())
	k.Cut = k.Cut || n < len(p)
	k.kept.Write(p[:n])
	return len(p), nil
}

// String returns what was kept.
func (k *Kept) String() string { return k.kept.String() }
