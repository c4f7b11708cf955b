// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"bytes"
	"flag"
	"math"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fullRegistry has one of everything, with a value in each series.
func fullRegistry() *Registry {
	reg := NewRegistry(Config{Loops: 2, Version: "1.2", Commit: "abc", Model: "sim"})
	for i := range 2 {
		s := reg.Cluster("shop").Slot(i)
		s.Accepted.Add(3)
		s.Connections.Add(2)
		s.Requests.Add(7)
		s.Class[2].Add(5)
		s.Class[0].Add(1)
		s.BytesIn.Add(1 << 53)
		s.Duration.Observe(1e6)       // exactly 1 ms: belongs to le="0.001"
		s.Duration.Observe(1e6 + 1)   // just above
		s.Duration.Observe(61e9)      // above the last exported bound
		s.Duration.Observe(100e9 + 1) // above the last bucket
		s.Aborts[ClientAbort].Add(1)
		s.Rejected[3].Add(4)
		s.PersistNew.Add(2)
		reg.Rule("shop", "api").Slot(i).Hit(1_700_000_000_123_456_789 + int64(i))
		m := reg.Member("shop", "web1").Slot(i)
		m.Class[2].Add(5)
		m.Duration.Observe(3e6)
		m.Errors[ErrReset].Add(1)
		e := reg.Engine().Slot(i)
		e.Busy.Add(1_500_000_000)
		e.Descriptors.Set(9)
	}
	reg.Rule("shop", "never")
	reg.Cluster("dns").Serve(UDP)
	reg.Cluster("dns").Slot(0).DatagramsIn.Add(3)
	reg.Cluster("dns").Slot(1).DatagramsOut.Add(2)
	reg.Cluster("safe").Serve(HTTPS)
	reg.Cluster("safe").Slot(0).Handshakes.Add(5)
	reg.Cluster("safe").Slot(1).Resumed.Add(2)
	reg.Cluster("safe").Slot(1).HandshakeFailed[9].Add(4)
	reg.Engine().SetGeneration(4, 1)
	return reg
}

func textOf(t *testing.T, reg *Registry) string {
	t.Helper()
	var b bytes.Buffer
	if err := reg.WriteText(&b); err != nil {
		t.Fatalf("WriteText: %v", err)
	}
	return b.String()
}

func TestTextIsValidAndGolden(t *testing.T) {
	reg := fullRegistry()
	reg.Register(func(w *Writer) {
		w.State(ServerHealth, []string{"up", "down"}, "down", "shop", "web1")
		w.Int(ServerWeight, 100, "shop", "web1")
		w.State(ServerHealth, []string{"up", "down"}, "up", "shop", "web2")
	})
	got := textOf(t, reg)
	families, err := parseExposition(got)
	if err != nil {
		t.Fatalf("not the text format: %v", err)
	}
	if f := families["evener_server_health"]; f == nil || len(f.samples) != 4 {
		t.Errorf("evener_server_health = %+v, want 4 samples", f)
	}
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the text differs from %s; see the change with -update and git diff", golden)
	}
}

func TestLabelsAndHelpAreEscaped(t *testing.T) {
	f := &Family{"evener_odd", GaugeType, "A \\ and\na second line.", []string{"a", "b"}}
	values := []string{"q\"b\\s\nnl", "bad\xffutf8 ü{},="}
	var w Writer
	w.Float(f, math.Inf(-1), values...)
	var b bytes.Buffer
	if err := w.writeTo(&b); err != nil {
		t.Fatal(err)
	}
	families, err := parseExposition(b.String())
	if err != nil {
		t.Fatalf("%v in %q", err, b.String())
	}
	s := families["evener_odd"].samples[0]
	if s.labels["a"] != values[0] || s.labels["b"] != "bad\uFFFDutf8 ü{},=" || !math.IsInf(s.value, -1) {
		t.Errorf("read back %q = %v", s.labels, s.value)
	}
	if got, want := families["evener_odd"].help, `A \\ and\na second line.`; got != want {
		t.Errorf("help = %q, want %q", got, want)
	}
}

func TestMistakesOfCollectorsFailTheReading(t *testing.T) {
	tests := []struct {
		name    string
		collect func(*Writer)
		want    string
	}{
		{"too few labels", func(w *Writer) { w.Int(ServerWeight, 1, "shop") }, "label values"},
		{"gauge for a counter", func(w *Writer) { w.Int(RuleHits, -1, "shop", "api") }, "another type"},
		{"number for a histogram", func(w *Writer) { w.Uint(ServerDuration, 1, "shop", "web1") }, "another type"},
		{"histogram for a number", func(w *Writer) { w.Histogram(ServerWeight, new(HistogramTotals), "a", "b") }, "another type"},
		{"state unknown", func(w *Writer) { w.State(ServerHealth, []string{"up"}, "odd", "shop", "web1") }, `"odd"`},
		{"name taken", func(w *Writer) {
			w.Uint(&Family{"evener_generation", GaugeType, "Another.", nil}, 1)
		}, "two families"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reg := NewRegistry(Config{Loops: 1})
			reg.Register(tt.collect)
			var b bytes.Buffer
			err := reg.WriteText(&b)
			if err == nil || !strings.Contains(err.Error(), tt.want) || b.Len() > 0 {
				t.Errorf("WriteText = %v after %d bytes, want an error about %s and no byte", err, b.Len(), tt.want)
			}
		})
	}
}

func TestParserOfTheTestsIsStrict(t *testing.T) {
	const head = "# HELP a_total A.\n# TYPE a_total counter\n"
	const hist = "# HELP h H.\n# TYPE h histogram\n"
	for _, text := range []string{
		"a 1\n",
		head,
		head + "a_total 1",
		head + "a_total 1\n\n",
		head + "a_total 1\na_total 2\n",
		head + "a_total{x=\"1\"} 1\n" + head + "a_total{x=\"2\"} 1\n",
		head + "a_total{x=\"\\t\"} 1\n",
		head + "a_total{x=\"1\",} 1\n",
		head + "b_total 1\n",
		"# HELP a A.\n# TYPE a counter\na 1\n",
		"# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n",
		hist + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
		hist + "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n",
		hist + "h_bucket{le=\"+Inf\"} 1\nh_count 1\n",
	} {
		if _, err := parseExposition(text); err == nil {
			t.Errorf("parseExposition(%q) finds nothing wrong", text)
		}
	}
}
