// SPDX-License-Identifier: Apache-2.0

package sensor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"
)

// hwmon reads the chips of the kernel.
type hwmon struct{ root fs.FS }

// inputs are the kinds of files that hold values, and how many of the file's units
// make one of ours.
var inputs = []struct {
	prefix string
	kind   Kind
	units  float64
}{
	{"temp", Temperature, 1000}, {"fan", Fan, 1}, {"in", Voltage, 1000}, {"power", Power, 1e6},
}

// kindOf tells the kind of an input such as temp1.
func kindOf(input string) (Kind, bool) {
	head := strings.TrimRight(input, "0123456789")
	for _, i := range inputs {
		if i.prefix == head && head != input {
			return i.kind, true
		}
	}
	return "", false
}

func unitsOf(input string) float64 {
	head := strings.TrimRight(input, "0123456789")
	for _, i := range inputs {
		if i.prefix == head {
			return i.units
		}
	}
	return 1
}

// maxInputs bounds what one chip may offer.
const maxInputs = 200

func (h hwmon) read() (out []raw) {
	chips, _ := fs.Glob(h.root, "sys/class/hwmon/hwmon*")
	slices.SortFunc(chips, func(a, b string) int { return strings.Compare(sortKey(a), sortKey(b)) })
	count := map[string]int{}
	for _, dir := range chips {
		b, err := fs.ReadFile(h.root, dir+"/name")
		name := word(b)
		if err != nil || name == "" {
			continue // it is just going
		}
		// The number of hwmonN changes from start to start, that of the second chip
		// of a name among those of this name seldom does.
		if count[name]++; count[name] > 1 {
			name += "-" + strconv.Itoa(count[name])
		}
		out = append(out, h.chip(dir, name)...)
	}
	return out
}

// chip reads the inputs of one chip.
func (h hwmon) chip(dir, name string) (out []raw) {
	entries, _ := fs.ReadDir(h.root, dir)
	for _, e := range entries {
		input, ok := strings.CutSuffix(e.Name(), "_input")
		if _, known := kindOf(input); !ok && strings.HasPrefix(e.Name(), "power") {
			input, ok = strings.CutSuffix(e.Name(), "_average")
			if _, err := fs.Stat(h.root, path.Join(dir, input+"_input")); err == nil {
				continue // it has the value at this moment too
			}
		} else if ok && !known {
			continue
		}
		if !ok || len(out) >= maxInputs {
			continue
		}
		r := raw{chip: name, input: input}
		r.value, r.err = h.number(path.Join(dir, e.Name()), input)
		label, _ := fs.ReadFile(h.root, path.Join(dir, input+"_label"))
		r.label = word(label)
		if fault, err := h.number(path.Join(dir, input+"_fault"), ""); err == nil && fault != 0 {
			r.err = errors.New("the chip says that it is broken or not connected")
		}
		for _, l := range []struct {
			suffix string
			to     *float64
		}{{"_min", &r.low}, {"_max", &r.high}, {"_crit", &r.critical}} {
			*l.to, _ = h.number(path.Join(dir, input+l.suffix), input)
		}
		out = append(out, r)
	}
	return out
}

// number reads a value in the unit of its kind.
func (h hwmon) number(name, input string) (float64, error) {
	b, err := fs.ReadFile(h.root, name)
	switch {
	case errors.Is(err, syscall.ENODATA), errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENXIO):
		return 0, fmt.Errorf("the chip gives no value: %w", err)
	case err != nil:
		return 0, err
	}
	text := strings.TrimSpace(string(b[:min(len(b), 64)]))
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the chip gives %q, which is no number", text)
	}
	return float64(n) / unitsOf(input), nil
}

// word makes a short text of one line of what a file holds.
func word(b []byte) string {
	text := strings.TrimSpace(string(b[:min(len(b), 64)]))
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) || r == '/' {
			return '_'
		}
		return r
	}, text)
}
