// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// A unit is a suffix and how much one of it is.
type unit struct {
	name string
	size int64
}

// durationUnits in the order in which they are written. Longer names stand
// before their prefixes where both could match.
var durationUnits = []unit{
	{"d", int64(24 * time.Hour)},
	{"h", int64(time.Hour)},
	{"m", int64(time.Minute)},
	{"s", int64(time.Second)},
	{"ms", int64(time.Millisecond)},
	{"us", int64(time.Microsecond)},
}

var sizeUnits = []unit{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"B", 1},
}

var (
	errDuration = errors.New(`a duration is written with its unit, such as "5s", "1h30m" or "14d"`)
	errSize     = errors.New(`a size is written with its unit, such as "512B", "16KiB" or "10MiB"`)
)

// ParseDuration reads whole numbers with the units d, h, m, s, ms and us, the
// larger before the smaller: "250ms", "1h30m", "14d". There are no bare
// numbers, no signs and no fractions.
func ParseDuration(s string) (Duration, error) {
	var total int64
	next := 0 // the first unit that may still come
	for rest := s; rest != ""; {
		n, name, tail, err := number(rest)
		if err != nil {
			return 0, errDuration
		}
		i := next
		for i < len(durationUnits) && durationUnits[i].name != name {
			i++
		}
		if i == len(durationUnits) {
			return 0, errDuration
		}
		u := durationUnits[i]
		if n > (math.MaxInt64-total)/u.size {
			return 0, fmt.Errorf("the longest duration is %s", Duration(math.MaxInt64))
		}
		total += n * u.size
		next, rest = i+1, tail
	}
	if s == "" {
		return 0, errDuration
	}
	return Duration(total), nil
}

// number splits "90m30s" into 90, "m" and "30s".
func number(s string) (n int64, name, rest string, err error) {
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if n > (math.MaxInt64-9)/10 {
			return 0, "", "", errors.New("number too large")
		}
		n = n*10 + int64(s[i]-'0')
	}
	j := i
	for j < len(s) && (s[j] < '0' || s[j] > '9') {
		j++
	}
	if i == 0 || i == j {
		return 0, "", "", errors.New("a number and a unit are needed")
	}
	return n, s[i:j], s[j:], nil
}

// String returns d as ParseDuration reads it: "0s", "250ms", "1h30m". What is
// less than a microsecond is cut off.
func (d Duration) String() string {
	rest := int64(d)
	if rest < 0 {
		return time.Duration(d).String()
	}
	var b strings.Builder
	for _, u := range durationUnits {
		if n := rest / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			rest %= u.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; see ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := ParseDuration(string(text))
	if err == nil {
		*d = v
	}
	return err
}

// ParseBytes reads a whole number with one of the units B, KiB, MiB, GiB and
// TiB. There are no bare numbers and no decimal units.
func ParseBytes(s string) (Bytes, error) {
	n, name, rest, err := number(s)
	if err != nil || rest != "" {
		return 0, errSize
	}
	for _, u := range sizeUnits {
		if u.name != name {
			continue
		}
		if n > math.MaxInt64/u.size {
			return 0, errors.New("the size is too large")
		}
		return Bytes(n * u.size), nil
	}
	return 0, errSize
}

// String returns b as ParseBytes reads it, in the largest unit that leaves a
// whole number: "0B", "16KiB", "1536B".
func (b Bytes) String() string {
	for _, u := range sizeUnits {
		if b != 0 && int64(b)%u.size == 0 {
			return fmt.Sprintf("%d%s", int64(b)/u.size, u.name)
		}
	}
	return "0B"
}

// MarshalText implements encoding.TextMarshaler.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; see ParseBytes.
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := ParseBytes(string(text))
	if err == nil {
		*b = v
	}
	return err
}
