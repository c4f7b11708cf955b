// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
)

// textType is the media type of the text format, version 0.0.4.
const textType = "text/plain; version=0.0.4; charset=utf-8"

// Handler serves the registry as Prometheus text for GET and HEAD, whatever the
// path. If token is not empty, a request must carry it as a bearer token (RFC
// 6750 section 2.1). Timeouts and limits are those of the caller's server.
func Handler(reg *Registry, token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token != "" && !bears(r, token) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			http.Error(w, "a bearer token is required", http.StatusUnauthorized)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		var b bytes.Buffer
		if err := reg.WriteText(&b); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", textType)
		w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
		w.Header().Set("Cache-Control", "no-store")
		if r.Method == http.MethodGet {
			_, _ = b.WriteTo(w) // an error means that the client went away
		}
	})
}

// bears reports in constant time whether r carries the token. Hashes are compared,
// so that the length is not told either.
func bears(r *http.Request, token string) bool {
	scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}
