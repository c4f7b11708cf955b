// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A rule's block stands in the place of its cluster's, and a level makes the content
// shorter.
func TestCompressionByRuleAndLevel(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		for i := range 5000 {
			fmt.Fprintf(w, "line %d of %d is like the %d before, but for %x\n", i, i*i, i-1, i*7919)
		}
	}))
	defer s.Close()
	b := newRunning(t, Config{Loops: 1})
	port := freePort(t)
	text := fmt.Sprintf(`
server "s" { address = %q }
pool "p" {
  member "s" {}
}
cluster "c" {
  protocol = "http"
  listen   = ["127.0.0.1:%d"]
  pool     = "p"
  compress {
    codings      = ["gzip", "br", "zstd"]
    gzip_level   = 1
    brotli_level = 2
  }
  rule "off" {
    when = path("/off")
    compress { disabled = true }
  }
  rule "six" {
    when = path("/six")
    compress {
      gzip_level   = 6
      brotli_level = 5
      zstd_level   = 2
    }
  }
  rule "own" {
    when = path("/own")
    client_ip = true
  }
}
`, s.Listener.Addr(), port)
	mustServe(t, b, 1, text)
	get := func(path, accept string) (coding string, n int) {
		req, _ := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
		req.Header.Set("Accept-Encoding", accept)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp.Header.Get("Content-Encoding"), len(body)
	}
	for _, accept := range []string{"gzip", "br", "zstd"} {
		_, whole := get("/off", accept)
		coding, low := get("/", accept)
		_, own := get("/own", accept)
		_, high := get("/six", accept)
		if coding != accept || low >= whole || high >= low || own != low {
			t.Errorf("%s: coding %q, %d bytes by the cluster, %d by a rule without a block, %d by a higher level, %d as they are",
				accept, coding, low, own, high, whole)
		}
	}
	if coding, _ := get("/off", "gzip"); coding != "" {
		t.Errorf("a rule that compresses nothing: coding %q", coding)
	}
}
