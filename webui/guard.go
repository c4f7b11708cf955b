// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// policy is the Content-Security-Policy of every answer: nothing comes from
// elsewhere, nothing in a page runs that is not one of its files.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// reachPolicy is that of one worker alone, which tries whether the console answers
// at its new address: it takes nothing but addresses in numbers and sends nothing
// but one fixed path, see src/reach.ts.
const reachPolicy = "default-src 'none'; connect-src https:"

// policyOf returns the Content-Security-Policy of an answer.
func policyOf(path string) string {
	if strings.HasPrefix(path, "/assets/reach-") {
		return reachPolicy
	}
	return policy
}

// A visit is what is known of one HTTP request before the engine is asked.
type visit struct {
	site   *site
	client netip.AddrPort
}

type visitKey struct{}

func visitOf(r *http.Request) visit { return r.Context().Value(visitKey{}).(visit) }

// guard sets the headers of every answer and turns away who may not talk to us.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		st := s.site.Load()
		h := w.Header()
		h.Set("Content-Security-Policy", policyOf(r.URL.Path))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !st.SelfSigned {
			// With a certificate that browsers do not trust this would lock people out.
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		v := visit{st, st.client(r)}
		if !st.allows(v.client.Addr()) {
			s.denied(w, r, v.client.Addr())
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
	})
}

// here answers who asks, from whichever page, whether a console is here: that of
// the former address does after the console has moved. It tells nothing else.
func here(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// denied answers a client that the access list does not name.
func (s *Server) denied(w http.ResponseWriter, r *http.Request, a netip.Addr) {
	if s.quiet.take("denied "+addrKey(a)) == 0 {
		s.cfg.Log.Warn("client denied", "remote", a, "setting", "console { allow }")
	}
	f := faultf(codeForbidden, "address.denied",
		"the address %v may not use this console: the setting console { allow } does not name it", a)
	if isAPI(r.URL.Path) {
		fail(w, f)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Evener</title></head><body>\n"+
		"<h1>Not from this address</h1>\n<p>%s.</p>\n<p>Whoever administers this box can add it: in the configuration, "+
		"block <code>console</code>, setting <code>allow</code>.</p>\n</body></html>\n", html.EscapeString(f.Message))
}

func isAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }

// fail answers a request of the API with what went wrong: the fault as the
// error member, and its kind once more where scripts look first.
func fail(w http.ResponseWriter, f *fault) { failWith(w, f.status(), f, nil) }

func failWith(w http.ResponseWriter, code int, f *fault, more map[string]string) {
	body := map[string]any{"kind": f.kind(), "error": f}
	for k, v := range more {
		body[k] = v
	}
	var d struct {
		Args struct {
			RetryAfter int64 `json:"retry_after_ms"`
		} `json:"args"`
	}
	if json.Unmarshal(f.Data, &d) == nil && d.Args.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt((d.Args.RetryAfter+999)/1000, 10))
	}
	sendJSON(w, code, mustJSON(body))
}

func sendJSON(w http.ResponseWriter, code int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // a client that has left misses nothing
}

// throttled is the fault for who has to wait for d.
func throttled(d time.Duration) *fault {
	return &fault{codeThrottled, fmt.Sprintf("too many requests: try again in %v", d.Round(time.Millisecond)),
		fmt.Appendf(nil, `{"kind":"throttled","args":{"retry_after_ms":%d}}`, d.Milliseconds()+1)}
}

// api guards the paths of the API: so many requests from one address, and
// changes only from our own pages or from programs, as JSON.
func (s *Server) api(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r)
		if d := s.requests.take(addrKey(v.client.Addr())); d > 0 {
			fail(w, throttled(d))
			return
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			next.ServeHTTP(w, r)
			return
		case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		default:
			fail(w, faultf(codeMethod, "http.method", "the API has no %.16q", r.Method))
			return
		}
		if o := r.Header.Get("Origin"); o != "" && !v.site.trusts(o, r.Host) {
			s.foreign(w, r, o)
			return
		}
		if v.site.csrf.Check(r) != nil {
			s.foreign(w, r, r.Header.Get("Origin"))
			return
		}
		if r.ContentLength != 0 || r.Method != http.MethodDelete {
			if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
				failWith(w, http.StatusUnsupportedMediaType, faultf(codeRequest, "http.type", "Content-Type must be application/json"), nil)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// foreign answers a request from another site's page, or from ours behind a proxy
// that nobody has told us of, and says what to change.
func (s *Server) foreign(w http.ResponseWriter, r *http.Request, origin string) {
	origin, host := short(origin), short(r.Host)
	if s.quiet.take("origin "+addrKey(visitOf(r).client.Addr())) == 0 {
		s.cfg.Log.Warn("foreign origin refused", "origin", origin, "host", host, "path", short(r.URL.Path),
			"setting", "console { allowed_origins }")
	}
	f := faultf(codeForbidden, "origin.mismatch", "a page of %q may not use the console at %q: "+
		"if the console is reached by another name there, through a proxy, add that to the setting console { allowed_origins }", origin, host)
	failWith(w, http.StatusForbidden, f, map[string]string{"origin": origin, "host": host})
}

// short bounds what a client makes us repeat.
func short(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), 200)], "")
}
