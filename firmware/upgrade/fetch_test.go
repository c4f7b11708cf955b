// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAServerThatStopsSendingIsGivenUp(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/body":
			_, _ = io.WriteString(w, "EVENER")
			w.(http.Flusher).Flush()
		case "/gone":
			http.NotFound(w, r)
			return
		case "/slow":
			for range 10 { // longer in all than may pass without a byte
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
				time.Sleep(400 * time.Millisecond)
			}
			return
		}
		<-over
	}))
	defer s.Close()
	defer close(over)
	get := func(ctx context.Context, path string, limit time.Duration) (string, error) {
		r, err := fetch(ctx, s.URL+path, limit)
		if err != nil {
			return "", err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		return string(b), err
	}
	for path, want := range map[string]string{"/head": "", "/body": "EVENER"} {
		got, err := get(t.Context(), path, 2*time.Second)
		if got != want || err == nil || !strings.Contains(err.Error(), "has sent nothing for 2s") {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if _, err := get(t.Context(), "/gone", time.Minute); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("what is not there: %v", err)
	}
	if got, err := get(t.Context(), "/slow", 3*time.Second); got != "xxxxxxxxxx" || err != nil {
		t.Errorf("a slow server: %q, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := get(ctx, "/body", time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when it is ended: %v", err)
	}
}

// TestWhoReadsSlowlyIsNotAStall: only the server's silence counts.
func TestWhoReadsSlowlyIsNotAStall(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "all of it") }))
	defer s.Close()
	r, err := fetch(t.Context(), s.URL, 3*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	time.Sleep(4 * time.Second) // a disk that is slow
	if b, err := io.ReadAll(r); string(b) != "all of it" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
