// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var sample = regexp.MustCompile(`^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\["\\n])*",?)*\})? (\S+)$`)

// parseMetrics reads Prometheus text and is strict: every sample stands below the
// HELP and TYPE of its family, once. It returns the samples as they are written.
func parseMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	family, typ := "", ""
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			family, _, _ = strings.Cut(rest, " ")
			typ = ""
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			if name != family || typ != "" {
				t.Fatalf("line %d: TYPE without its HELP: %s", i+1, line)
			}
			typ = kind
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("line %d is no sample: %q", i+1, line)
		}
		name := m[1]
		if typ == "histogram" {
			name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if _, twice := out[m[1]+m[2]]; err != nil || twice || name != family || typ == "" {
			t.Fatalf("line %d: %v, twice %v, in family %q of type %q: %s", i+1, err, twice, family, typ, line)
		}
		out[m[1]+m[2]] = value
	}
	return out
}

// scrape asks for the metrics at an address.
func scrape(t *testing.T, addr string) map[string]float64 {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return parseMetrics(t, string(text))
}

func TestMetricsAgreeWithWhatWasSent(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	metrics := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	s.cluster = "  rule \"deny\" {\n    when = path_prefix(\"/deny/\")\n    responder = \"no\"\n  }\n"
	s.rest = fmt.Sprintf("responder \"no\" { status = 403 }\nmetrics { listen = %q }\n", metrics)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	l := startLoad(t, s.listen, "/", 4)
	l.reach(1000)
	l.stop()
	l.clean()
	for range 7 {
		question{method: "GET", target: "/deny/x"}.send(t, s.listen)
	}
	for range 3 {
		question{method: "GET", target: "/%zz"}.send(t, s.listen)
	}
	m := scrape(t, metrics)
	for end := time.Now().Add(20 * time.Second); m[`evener_cluster_connections{cluster="shop"}`] > 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond) // the ends of the last connections are on their way
		m = scrape(t, metrics)
	}
	parseMetrics(t, b.must("metrics"))
	for name, want := range map[string]int64{
		`evener_cluster_requests_total{cluster="shop",code_class="2xx"}`:           l.good.Load(),
		`evener_cluster_requests_total{cluster="shop",code_class="4xx"}`:           10,
		`evener_cluster_accepted_total{cluster="shop"}`:                            l.connects.Load() + 10,
		`evener_cluster_connections{cluster="shop"}`:                               0,
		`evener_cluster_active_requests{cluster="shop"}`:                           0,
		`evener_rule_hits_total{cluster="shop",rule="deny"}`:                       7,
		`evener_server_requests_total{pool="shop",server="web1",code_class="2xx"}`: s.origins[0].requests.Load(),
		`evener_server_requests_total{pool="shop",server="web2",code_class="2xx"}`: s.origins[1].requests.Load(),
		`evener_server_up{pool="shop",server="web1"}`:                              1,
		`evener_config_revision`:                                                   1,
		`evener_generation`:                                                        1,
	} {
		if got, ok := m[name]; !ok || got != float64(want) {
			t.Errorf("%s = %v (there: %v), want %d", name, got, ok, want)
		}
	}
	const duration = "evener_cluster_request_duration_seconds_"
	if n := m[duration+`count{cluster="shop"}`]; n != m[duration+`bucket{cluster="shop",le="+Inf"}`] || n < float64(l.good.Load()+7) {
		t.Errorf("the durations of %v exchanges are counted; %d were forwarded or answered", n, l.good.Load()+7)
	}
	if sum := s.origins[0].requests.Load() + s.origins[1].requests.Load(); sum != l.good.Load() {
		t.Errorf("the servers got %d requests; %d were sent", sum, l.good.Load())
	}
}

func TestAccessLogAgreesWithWhatWasSent(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1", "web2")...)
	file := filepath.Join(t.TempDir(), "access.log")
	s.cluster = "  rule \"deny\" {\n    when = path_prefix(\"/deny/\")\n    responder = \"no\"\n  }\n"
	s.rest = fmt.Sprintf("responder \"no\" { status = 403 }\naccess_log { path = %q }\n", file)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	type line struct {
		Cluster, Rule, Pool, Member, Method, Host, Path, Reason string
		Client                                                  string
		Status                                                  int
		Generation                                              uint64
		BytesOut                                                int64   `json:"bytes_out"`
		Duration                                                float64 `json:"duration_seconds"`
	}
	var want []line
	for i := range 200 {
		q := question{method: []string{"GET", "HEAD", "DELETE"}[i%3], target: fmt.Sprintf("/p%d?q=%d", i, i), from: fmt.Sprintf("127.0.7.%d", i+1)}
		if i%5 == 0 {
			q.target = "/deny" + q.target
		}
		resp := q.send(t, s.listen)
		w := line{Cluster: "shop", Pool: "shop", Member: resp.Header.Get("X-Origin"), Method: q.method,
			Host: "www.example.com", Path: q.target, Client: q.from, Status: resp.StatusCode, Generation: 1}
		if i%5 == 0 {
			w.Rule, w.Pool = "deny", ""
		}
		want = append(want, w)
	}
	var got []line
	b.await("all lines are written", func() bool {
		got = nil
		for text := range strings.Lines(string(read(t, file))) {
			var l line
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				return false // half a line, or a mistake that stays one
			}
			got = append(got, l)
		}
		return len(got) >= len(want)
	})
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
	byPath := map[string]line{}
	for _, l := range got {
		reason := "completed"
		if l.Member == "" {
			reason = "local"
		}
		if l.Duration < 0 || l.Duration > 60 || l.Duration == 0 && l.Member != "" || l.BytesOut <= 0 || l.Reason != reason {
			t.Errorf("%s: duration %v, bytes out %d, reason %s, want %s", l.Path, l.Duration, l.BytesOut, l.Reason, reason)
		}
		l.Duration, l.BytesOut, l.Reason = 0, 0, ""
		byPath[l.Path] = l
	}
	for _, w := range want {
		if byPath[w.Path] != w {
			t.Errorf("the log has %+v\nsent was  %+v", byPath[w.Path], w)
		}
	}
}
