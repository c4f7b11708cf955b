// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// What follows reads the Prometheus text format, version 0.0.4, and is stricter
// than Prometheus: it is the judge of what Writer writes and shares no code with it.

type expoFamily struct {
	help, typ string
	samples   []expoSample
}

type expoSample struct {
	name   string
	labels map[string]string
	order  []string
	value  float64
}

var (
	expoName  = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	expoLabel = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// parseExposition returns the families by name.
func parseExposition(text string) (map[string]*expoFamily, error) {
	if text != "" && !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("the last line has no end")
	}
	families := make(map[string]*expoFamily)
	series := make(map[string]bool)
	var cur *expoFamily
	var curName string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fail := func(format string, args ...any) (map[string]*expoFamily, error) {
			return nil, fmt.Errorf("line %d: %s: %q", i+1, fmt.Sprintf(format, args...), line)
		}
		switch {
		case line == "":
			return fail("empty")
		case strings.HasPrefix(line, "# HELP "):
			name, help, ok := strings.Cut(line[7:], " ")
			if !ok || help == "" || !expoName.MatchString(name) {
				return fail("bad HELP")
			}
			if families[name] != nil {
				return fail("second HELP of a family")
			}
			cur, curName = &expoFamily{help: help}, name
			families[name] = cur
		case strings.HasPrefix(line, "# TYPE "):
			name, typ, _ := strings.Cut(line[7:], " ")
			if cur == nil || name != curName || cur.typ != "" || len(cur.samples) > 0 {
				return fail("TYPE not right after its HELP")
			}
			if typ != "counter" && typ != "gauge" && typ != "histogram" {
				return fail("unknown type")
			}
			cur.typ = typ
		case line[0] == '#':
			return fail("comment")
		default:
			s, err := parseExpoSample(line)
			if err != nil {
				return fail("%v", err)
			}
			if cur == nil || cur.typ == "" || !belongs(s.name, curName, cur.typ) {
				return fail("sample outside of its family")
			}
			id := s.name + fmt.Sprint(s.labels)
			if series[id] {
				return fail("series written twice")
			}
			series[id] = true
			cur.samples = append(cur.samples, s)
		}
	}
	for name, f := range families {
		if err := f.check(name); err != nil {
			return nil, err
		}
	}
	return families, nil
}

func belongs(sample, family, typ string) bool {
	if typ != "histogram" {
		return sample == family
	}
	return sample == family+"_bucket" || sample == family+"_sum" || sample == family+"_count"
}

func parseExpoSample(line string) (s expoSample, err error) {
	s.labels = make(map[string]string)
	end := strings.IndexAny(line, "{ ")
	if end < 0 {
		return s, fmt.Errorf("no value")
	}
	s.name = line[:end]
	if !expoName.MatchString(s.name) {
		return s, fmt.Errorf("bad name")
	}
	rest := line[end:]
	if rest[0] == '{' {
		if rest, err = s.parseLabels(rest[1:]); err != nil {
			return s, err
		}
	}
	if !strings.HasPrefix(rest, " ") || strings.Contains(rest[1:], " ") {
		return s, fmt.Errorf("want one space and one value")
	}
	s.value, err = strconv.ParseFloat(rest[1:], 64)
	return s, err
}

func (s *expoSample) parseLabels(rest string) (string, error) {
	for {
		name, after, ok := strings.Cut(rest, `="`)
		if !ok || !expoLabel.MatchString(name) {
			return "", fmt.Errorf("bad label name")
		}
		if _, twice := s.labels[name]; twice {
			return "", fmt.Errorf("label %s twice", name)
		}
		var v strings.Builder
		i := 0
		for ; i < len(after) && after[i] != '"'; i++ {
			if after[i] != '\\' {
				v.WriteByte(after[i])
				continue
			}
			i++
			if i == len(after) || !strings.ContainsRune(`\"n`, rune(after[i])) {
				return "", fmt.Errorf("bad escape")
			}
			v.WriteByte(map[byte]byte{'\\': '\\', '"': '"', 'n': '\n'}[after[i]])
		}
		s.labels[name] = v.String()
		s.order = append(s.order, name)
		switch {
		case strings.HasPrefix(after[i:], `",`):
			rest = after[i+2:]
		case strings.HasPrefix(after[i:], `"}`):
			return after[i+2:], nil
		default:
			return "", fmt.Errorf("bad end of labels")
		}
	}
}

// check applies the rules of a family as a whole.
func (f *expoFamily) check(name string) error {
	if f.typ == "" || len(f.samples) == 0 {
		return fmt.Errorf("%s: no type or no sample", name)
	}
	if (f.typ == "counter") != strings.HasSuffix(name, "_total") {
		return fmt.Errorf("%s: a counter and only a counter ends in _total", name)
	}
	if f.typ != "histogram" {
		return nil
	}
	type hist struct {
		bound, last, inf float64
		sum, count       bool
	}
	hists := make(map[string]*hist)
	for _, s := range f.samples {
		le, isBucket := s.labels["le"]
		rest := make(map[string]string)
		for k, v := range s.labels {
			if k != "le" {
				rest[k] = v
			}
		}
		h := hists[fmt.Sprint(rest)]
		if h == nil {
			h = &hist{bound: math.Inf(-1), inf: -1}
			hists[fmt.Sprint(rest)] = h
		}
		switch {
		case strings.HasSuffix(s.name, "_bucket"):
			bound, err := strconv.ParseFloat(le, 64)
			if !isBucket || err != nil || bound <= h.bound || s.value < h.last {
				return fmt.Errorf("%s: bucket le=%q is out of order", name, le)
			}
			h.bound, h.last = bound, s.value
			if math.IsInf(bound, 1) {
				h.inf = s.value
			}
		case strings.HasSuffix(s.name, "_sum"):
			h.sum = true
		default:
			if h.inf != s.value {
				return fmt.Errorf("%s: count %v, but +Inf %v", name, s.value, h.inf)
			}
			h.count = true
		}
	}
	for labels, h := range hists {
		if !h.sum || !h.count {
			return fmt.Errorf("%s%s: no sum or no count", name, labels)
		}
	}
	return nil
}
