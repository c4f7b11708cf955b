// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// A row is one line of the result: the medians of one case.
type row struct {
	Case   string             `json:"case"`
	Evener *float64           `json:"evener"` // null: it could not be measured, see Note
	Peers  map[string]float64 `json:"peers"`
	Ratio  *float64           `json:"ratio"` // Evener to the peer that Against names; null if either is missing
	Unit   string             `json:"unit"`
	Limit  float64            `json:"limit"` // of the ratio, or of Evener's value where there is no peer or Absolute
	OK     bool               `json:"ok"`

	Against  string             `json:"against,omitempty"`
	Absolute bool               `json:"absolute,omitempty"` // Limit is of Evener's value; the ratio stands beside
	Rates    map[string]float64 `json:"rates,omitempty"`    // requests, exchanges or records each second, beside
	Note     string             `json:"note,omitempty"`     // what went wrong
	About    string             `json:"about,omitempty"`    // how it was measured, and what else was seen
	Skipped  bool               `json:"skipped,omitempty"`  // not measured for want of something, which Note tells
}

// judge fills in Ratio and OK from the values and the limit.
func (r *row) judge() {
	if r.Evener == nil {
		return
	}
	if r.Against == "" || r.Absolute {
		r.OK = *r.Evener <= r.Limit && r.Note == ""
	}
	peer, have := r.Peers[r.Against]
	if !have || peer == 0 {
		return
	}
	ratio := *r.Evener / peer
	r.Ratio = &ratio
	if !r.Absolute {
		r.OK = ratio <= r.Limit && r.Note == ""
	}
}

// theBetter stands for the peer that costs less.
const theBetter = "the better"

// cheapest returns the peer with the smallest value, or theBetter if there is
// none.
func (r *row) cheapest() string {
	best := theBetter
	for _, label := range slices.Sorted(maps.Keys(r.Peers)) {
		if value, have := r.Peers[best]; !have || r.Peers[label] < value {
			best = label
		}
	}
	return best
}

// median returns the middle of values, or the mean of the two in the middle.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return s[n/2]
	}
	return (s[n/2-1] + s[n/2]) / 2
}

func printTable(w io.Writer, rows []row) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nCASE\tEVENER\tPEERS\tRATIO\tLIMIT\tOK\tUNIT")
	for _, r := range rows {
		var peers []string
		for _, name := range slices.Sorted(maps.Keys(r.Peers)) {
			peers = append(peers, fmt.Sprintf("%s %.3g", name, r.Peers[name]))
		}
		ok := "no"
		switch {
		case r.OK:
			ok = "yes"
		case r.Skipped:
			ok = "skipped"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.3g\t%s\t%s\n", r.Case, number(r.Evener), strings.Join(peers, ", "),
			number(r.Ratio), r.Limit, ok, r.Unit)
	}
	t.Flush()
	for _, r := range rows {
		if r.Note != "" {
			fmt.Fprintf(w, "%s: %s\n", r.Case, r.Note)
		}
		if r.About != "" {
			fmt.Fprintf(w, "(%s: %s)\n", r.Case, r.About)
		}
	}
}

func number(f *float64) string {
	if f == nil {
		return "-"
	}
	return fmt.Sprintf("%.3g", *f)
}

func writeJSON(name string, rows []row) error {
	b, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}
