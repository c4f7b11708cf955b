// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A Writer takes the samples of one reading in any order and writes them as
// Prometheus text, version 0.0.4: families sorted by name, each with one HELP and
// one TYPE line. Label values are given in the order of Family.Labels. A sample
// that does not fit its family is a mistake in the collector: it is left out and
// fails the reading.
type Writer struct {
	bufs map[*Family]*bytes.Buffer
	err  error // the first mistake
}

// Uint takes a sample of a counter or gauge.
func (w *Writer) Uint(f *Family, v uint64, labels ...string) {
	if b := w.begin(f, f.Type != HistogramType, labels); b != nil {
		writeName(b, f.Name, f.Labels, labels)
		b.Write(strconv.AppendUint(b.AvailableBuffer(), v, 10))
		b.WriteByte('\n')
	}
}

// Int takes a sample of a gauge.
func (w *Writer) Int(f *Family, v int64, labels ...string) {
	if b := w.begin(f, f.Type == GaugeType, labels); b != nil {
		writeName(b, f.Name, f.Labels, labels)
		b.Write(strconv.AppendInt(b.AvailableBuffer(), v, 10))
		b.WriteByte('\n')
	}
}

// Float takes a sample of a counter or gauge.
func (w *Writer) Float(f *Family, v float64, labels ...string) {
	if b := w.begin(f, f.Type != HistogramType, labels); b != nil {
		writeName(b, f.Name, f.Labels, labels)
		b.Write(appendFloat(b.AvailableBuffer(), v))
		b.WriteByte('\n')
	}
}

// Bool takes a sample of a gauge that is 1 for true and 0 for false.
func (w *Writer) Bool(f *Family, v bool, labels ...string) {
	var n int64
	if v {
		n = 1
	}
	w.Int(f, n, labels...)
}

// State takes a set of states: one series for each of states, 1 for current and
// 0 for the others. The state is the last label of f; labels are those before it.
func (w *Writer) State(f *Family, states []string, current string, labels ...string) {
	if !slices.Contains(states, current) {
		w.fail(fmt.Errorf("metric %s: %q is not among the states %q", f.Name, current, states))
		return
	}
	for _, s := range states {
		w.Bool(f, s == current, append(slices.Clone(labels), s)...)
	}
}

// Histogram takes the buckets, sum and count of a histogram.
func (w *Writer) Histogram(f *Family, t *HistogramTotals, labels ...string) {
	b := w.begin(f, f.Type == HistogramType, labels)
	if b == nil {
		return
	}
	names := append(slices.Clone(f.Labels), "le")
	values := append(slices.Clone(labels), "")
	var n uint64
	next := 0
	for _, e := range exported {
		for ; next <= e.last; next++ {
			n += t.buckets[next]
		}
		values[len(labels)] = e.le
		writeName(b, f.Name+"_bucket", names, values)
		fmt.Fprintf(b, "%d\n", n)
	}
	writeName(b, f.Name+"_sum", f.Labels, labels)
	b.Write(appendFloat(b.AvailableBuffer(), t.Sum().Seconds()))
	b.WriteByte('\n')
	writeName(b, f.Name+"_count", f.Labels, labels)
	fmt.Fprintf(b, "%d\n", n) // as +Inf, also while the histogram is written
}

// begin returns the buffer of f, nil if the sample does not fit f.
func (w *Writer) begin(f *Family, fits bool, labels []string) *bytes.Buffer {
	if !fits {
		w.fail(fmt.Errorf("metric %s: a sample of another type than %s", f.Name, f.Type))
		return nil
	}
	if len(labels) != len(f.Labels) {
		w.fail(fmt.Errorf("metric %s: label values %q for the labels %q", f.Name, labels, f.Labels))
		return nil
	}
	if w.bufs == nil {
		w.bufs = make(map[*Family]*bytes.Buffer)
	}
	b := w.bufs[f]
	if b == nil {
		b = new(bytes.Buffer)
		w.bufs[f] = b
	}
	return b
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// writeTo writes what was taken.
func (w *Writer) writeTo(out io.Writer) error {
	if w.err != nil {
		return w.err
	}
	families := make([]*Family, 0, len(w.bufs))
	for f := range w.bufs {
		families = append(families, f)
	}
	slices.SortFunc(families, func(a, b *Family) int { return cmp.Compare(a.Name, b.Name) })
	for i, f := range families {
		if i > 0 && families[i-1].Name == f.Name {
			return fmt.Errorf("metric %s: two families of that name", f.Name)
		}
		head := "# HELP " + f.Name + " " + helpEscaper.Replace(f.Help) +
			"\n# TYPE " + f.Name + " " + string(f.Type) + "\n"
		if _, err := io.WriteString(out, head); err != nil {
			return err
		}
		if _, err := w.bufs[f].WriteTo(out); err != nil {
			return err
		}
	}
	return nil
}

var (
	helpEscaper  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// writeName writes the name, the labels and the space before the value.
func writeName(b *bytes.Buffer, name string, labels, values []string) {
	b.WriteString(name)
	for i, l := range labels {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(l)
		b.WriteString(`="`)
		labelEscaper.WriteString(b, strings.ToValidUTF8(values[i], "\uFFFD"))
		b.WriteByte('"')
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	b.WriteByte(' ')
}

func appendFloat(b []byte, v float64) []byte {
	// FormatFloat writes NaN, +Inf and -Inf as the format wants them.
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}
