// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"evener/firmware/health"
)

// TestMetricsOfStreams: clusters without requests have no series of requests.
func TestMetricsOfStreams(t *testing.T) {
	b := newStreams(t)
	port := freePort(t)
	text := fmt.Sprintf(streamsText, namedTCP(t, "127.0.0.1:0", "t1"), namedUDP(t, "u1"), port, port)
	if err := serveText(t, b, 1, text); err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	_, _ = greeting(t, "tcp", addr)
	for range 3 {
		greeting(t, "udp", addr)
	}
	// The last answer is here before the loop has counted it.
	udp := b.registry.Cluster("u")
	for end := time.Now().Add(10 * time.Second); udp.Sum().DatagramsOut < 3 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	var out bytes.Buffer
	if err := b.registry.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{
		`evener_cluster_accepted_total{cluster="t"} 1`:                    1,
		`evener_cluster_datagrams_total{cluster="u",direction="in"} 3`:    1,
		`evener_cluster_datagrams_total{cluster="u",direction="out"} 3`:   1,
		`evener_cluster_datagrams_total{cluster="t"`:                      0,
		`evener_cluster_requests_total`:                                   0,
		`evener_cluster_active_requests`:                                  0,
		`evener_cluster_request_duration_seconds_count{cluster="t"}`:      1,
		`evener_cluster_terminations_total{cluster="t",reason="internal"`: 1,
	} {
		if got := strings.Count(out.String(), want); got != n {
			t.Errorf("%d times %s, want %d", got, want, n)
		}
	}
	if n, ok := b.Connections("t", "t"); n != 1 || !ok {
		t.Errorf("Connections(t, t) = %d, %v, want 1, true", n, ok)
	}
	if n, ok := b.Connections("t", "nobody"); ok {
		t.Errorf("Connections(t, nobody) = %d, true", n)
	}
}

// TestProbeFailuresAreLabelledByOutcome: the labels are those of package health.
func TestProbeFailuresAreLabelledByOutcome(t *testing.T) {
	b := newStreams(t)
	port := freePort(t)
	text := fmt.Sprintf(streamsText, namedTCP(t, "127.0.0.1:0", "t1"), namedUDP(t, "u1"), port, port)
	text = strings.Replace(text, "pool \"t\" {", "pool \"t\" {\n  probe \"tcp\" {}", 1)
	if err := serveText(t, b, 1, text); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.registry.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, o := range []health.Outcome{health.Bad, health.Unavailable} {
		want := fmt.Sprintf(`evener_probe_failures_total{pool="t",server="t",probe="tcp",outcome=%q} 0`, o)
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line %s", want)
		}
	}
}
