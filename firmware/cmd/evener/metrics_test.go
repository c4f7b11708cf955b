// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// scrapes asks for metrics again and again, on a new connection each time, until
// stop is called, which returns how often and what went wrong first.
func scrapes(addr string) (stop func() (n int, err error)) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	var (
		wg    sync.WaitGroup
		quit  = make(chan struct{})
		n     int
		first error
	)
	wg.Go(func() {
		for first == nil {
			select {
			case <-quit:
				return
			default:
			}
			n++
			first = scrape(client, addr)
		}
	})
	return func() (int, error) { close(quit); wg.Wait(); return n, first }
}

func scrape(client *http.Client, addr string) error {
	resp, err := client.Get("http://" + addr + "/metrics")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != 200 || !strings.Contains(string(text), "evener_build_info")) {
		err = fmt.Errorf("status %d, %d bytes", resp.StatusCode, len(text))
	}
	return err
}

func TestNoScrapeIsRefusedAtARestart(t *testing.T) {
	addr := loopback(t)
	b := startLive(t, fmt.Sprintf("metrics { listen = %q }\n", addr))
	b.await("the metrics are served", func() bool { return scrape(http.DefaultClient, addr) == nil })
	stop := scrapes(addr)
	for range 3 {
		b.must("restart", "engine")
	}
	if n, err := stop(); err != nil {
		t.Errorf("scrape %d: %v", n, err)
	}
}

// TestMetricsLetGoOfTheirPort: a port that the configuration does not name any
// more is free, also when the commit that named it was taken back.
func TestMetricsLetGoOfTheirPort(t *testing.T) {
	first, second := loopback(t), loopback(t)
	b := startLive(t, fmt.Sprintf("metrics { listen = %q }\n", first))
	served := func(addr string) bool { return scrape(http.DefaultClient, addr) == nil }
	b.await("the metrics are served", func() bool { return served(first) })
	b.commit(fmt.Sprintf("metrics { listen = %q }\n", second), "--confirm", "1h")
	b.await("only the new address is served", func() bool { return served(second) && isFree(first) })
	b.must("config", "revert")
	b.await("only the old address is served after the revert", func() bool { return served(first) && isFree(second) })
	b.commit("# no metrics\n")
	b.await("no port is held for metrics that were removed", func() bool { return isFree(first) })
}

func isFree(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		l.Close()
	}
	return err == nil
}

// candidate makes text the candidate.
func (b *liveBox) candidate(text string) {
	b.t.Helper()
	file := filepath.Join(b.t.TempDir(), "next.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.must("config", "set", file)
}

// commit serves text.
func (b *liveBox) commit(text string, flags ...string) {
	b.t.Helper()
	b.candidate(text)
	b.must(append([]string{"config", "commit"}, flags...)...)
}
