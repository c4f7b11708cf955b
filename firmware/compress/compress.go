// SPDX-License-Identifier: Apache-2.0

// Package compress applies content codings to answers (RFC 9110 section 8.4):
// which coding a client takes ([Negotiate]), which answers are worth it and what
// their fields then say ([Policy], [Answer]), and the coding itself ([Encoder],
// [Pool]): gzip (RFC 1952), zstd (RFC 8878, RFC 9659) and brotli (RFC 7932).
//
// It is made for an event loop. Nothing here blocks, starts a goroutine or does
// I/O: bytes in, bytes out, with a bound on both the work and the output of one
// call and a budget for the memory of all streams of a loop. It knows neither
// connections nor the form of a message; whoever forwards answers asks and
// does what it is told.
//
// Compression makes the length of an answer depend on its content. Where a page
// holds a secret (a token against cross-site requests) beside text that an
// attacker can choose (a search term), and the attacker can make the browser ask
// often and see how long the answers are, the secret can be guessed letter by
// letter in spite of TLS (BREACH, 2013). Nothing in this package prevents that:
// such pages must be left out by content type or route, or mask their secrets.
package compress

import (
	"fmt"
	"strconv"
)

// A Coding is a content coding.
type Coding uint8

// The codings that there are.
const (
	Identity Coding = iota // none
	Gzip
	Zstd
	Brotli
	numCodings
)

var codingNames = [numCodings]string{"identity", "gzip", "zstd", "br"}

// String returns the name that Content-Encoding has for c.
func (c Coding) String() string {
	if c < numCodings {
		return codingNames[c]
	}
	return "Coding(" + strconv.Itoa(int(c)) + ")"
}

// CodingByName returns the coding of a name as String gives it.
func CodingByName(name string) (c Coding, ok bool) {
	for i, s := range codingNames {
		if s == name {
			return Coding(i), true
		}
	}
	return Identity, false
}

// Preferred are the codings in the order that serves a load balancer best: of
// those that a client takes equally gladly, zstd costs the least time for its
// size, brotli is smaller and takes four times as long.
var Preferred = [...]Coding{Zstd, Brotli, Gzip}

// A Setting says how to compress. Level 0 is the coding's default.
type Setting struct {
	Coding Coding
	Level  int
}

// A levels is what a coding offers: levels from lowest on, and for each what an
// encoder holds in KiB at most. Levels that take more are not offered, nor
// brotli's 0 and 1, which are worse than gzip.
type levels struct {
	lowest, normal int
	kib            []int
}

var offered = [numCodings]levels{
	Gzip:   {lowest: 1, normal: 4, kib: []int{832, 1216, 1216, 960, 1088, 1088}},
	Zstd:   {lowest: 1, normal: 1, kib: []int{928, 2048}},
	Brotli: {lowest: 2, normal: 4, kib: []int{1152, 1152, 1440, 1984}},
}

// normalize replaces level 0 by the coding's default.
func (s Setting) normalize() (Setting, error) {
	if s.Coding == Identity || s.Coding >= numCodings {
		return s, fmt.Errorf("there is no encoder for %v", s.Coding)
	}
	l := &offered[s.Coding]
	if s.Level == 0 {
		s.Level = l.normal
	}
	if highest := l.lowest + len(l.kib) - 1; s.Level < l.lowest || s.Level > highest {
		return s, fmt.Errorf("level of %v must be %d to %d, not %d", s.Coding, l.lowest, highest, s.Level)
	}
	return s, nil
}

// Check reports what is wrong with s, nil if there is an encoder for it: gzip
// has levels 1 to 6 (4 if it is 0), zstd 1 and 2 (1), brotli 2 to 5 (4).
func (s Setting) Check() error {
	_, err := s.normalize()
	return err
}

// Memory returns how many bytes an encoder of a valid setting holds at most,
// whether it is in use or idle. Most of it are the tables that find repeated
// text, so that it hardly depends on the answer.
func (s Setting) Memory() int {
	s, err := s.normalize()
	if err != nil {
		return 0
	}
	l := &offered[s.Coding]
	return l.kib[s.Level-l.lowest] << 10
}
