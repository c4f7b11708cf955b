// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	good := fullRegistry()
	bad := NewRegistry(Config{Loops: 1})
	bad.Register(func(w *Writer) { w.Int(ServerWeight, 1) })
	tests := []struct {
		name, method, token, auth string
		reg                       *Registry
		status                    int
		body                      bool
	}{
		{"open", "GET", "", "", good, 200, true},
		{"head has no body", "HEAD", "", "", good, 200, false},
		{"post", "POST", "", "", good, 405, true},
		{"token missing", "GET", "s3cret", "", good, 401, true},
		{"token wrong", "GET", "s3cret", "Bearer s3creT", good, 401, true},
		{"token longer", "GET", "s3cret", "Bearer s3cretx", good, 401, true},
		{"other scheme", "GET", "s3cret", "Basic s3cret", good, 401, true},
		{"token right", "GET", "s3cret", "Bearer s3cret", good, 200, true},
		{"scheme in any case", "GET", "s3cret", "bearer s3cret", good, 200, true},
		{"method is not told without token", "POST", "s3cret", "", good, 401, true},
		{"collector mistaken", "GET", "", "", bad, 500, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/metrics", nil)
			if tt.auth != "" {
				r.Header.Set("Authorization", tt.auth)
			}
			w := httptest.NewRecorder()
			Handler(tt.reg, tt.token).ServeHTTP(w, r)
			if w.Code != tt.status || (w.Body.Len() > 0) != tt.body {
				t.Fatalf("status %d with %d bytes, want %d", w.Code, w.Body.Len(), tt.status)
			}
			if tt.status != 200 {
				if strings.Contains(w.Body.String(), "evener_cluster") {
					t.Error("the refusal shows metrics")
				}
				return
			}
			if got := w.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
				t.Errorf("Content-Type: %s", got)
			}
			if tt.method == http.MethodGet {
				if _, err := parseExposition(w.Body.String()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
