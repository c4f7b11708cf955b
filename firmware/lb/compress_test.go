// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A rule's block stands in the place of its cluster's, and a level makes the content
// shorter.
func TestCompressionByRuleAndLevel(t *testing.T) {
	text := proseOf(40_000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		io.WriteString(w, text)
	}))
	defer s.Close()
	b := newRunning(t, Config{Loops: 1})
	port := freePort(t)
	mustServe(t, b, 1, fmt.Sprintf(`
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
    when = pathname("/off")
    compress { disabled = true }
  }
  rule "six" {
    when = pathname("/six")
    compress {
      gzip_level   = 6
      brotli_level = 5
      zstd_level   = 2
    }
  }
  rule "own" {
    when = pathname("/own")
    client_ip = true
  }
}
`, s.Listener.Addr(), port))
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
	// How the content comes, piece by piece, moves the length by some bytes.
	for _, accept := range []string{"gzip", "br", "zstd"} {
		_, whole := get("/off", accept)
		coding, low := get("/", accept)
		_, own := get("/own", accept)
		_, high := get("/six", accept)
		if coding != accept || low >= whole || high >= low || own < low*98/100 || own > low*102/100 {
			t.Errorf("%s: coding %q, %d bytes by the cluster, %d by a rule without a block, %d by a higher level, %d as they are",
				accept, coding, low, own, high, whole)
		}
	}
	if coding, _ := get("/off", "gzip"); coding != "" {
		t.Errorf("a rule that compresses nothing: coding %q", coding)
	}
}

// proseOf returns so many words, of which some are frequent.
func proseOf(words int) string {
	r := rand.New(rand.NewPCG(1, 2))
	vocabulary := make([]string, 800)
	for i := range vocabulary {
		for range 2 + r.IntN(8) {
			vocabulary[i] += string(rune('a' + r.IntN(26)))
		}
	}
	var b strings.Builder
	for range words {
		b.WriteString(vocabulary[r.IntN(1+r.IntN(len(vocabulary)))])
		b.WriteByte(' ')
	}
	return b.String()
}
