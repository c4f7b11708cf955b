// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
)

const (
	cookieName = "__Host-evener"
	maxToken   = 512 // bytes; longer ones are none of ours

	bodyUnknown = 8 << 10 // a request's body before the engine knows the token
	bodyKnown   = 1 << 20
)

// whoIs reads the token of a request: Authorization goes before the cookie.
func whoIs(r *http.Request) (meta, *fault) {
	v := visitOf(r)
	token := ""
	if a := r.Header.Get("Authorization"); a != "" {
		scheme, rest, _ := strings.Cut(a, " ")
		if token = strings.TrimSpace(rest); !strings.EqualFold(scheme, "Bearer") || token == "" {
			return meta{}, faultf(codeUnauthorized, "auth.scheme", "Authorization must be: Bearer TOKEN")
		}
	} else if c, err := r.Cookie(cookieName); err == nil {
		token = c.Value
	}
	if !plain(token, maxToken) {
		return meta{}, faultf(codeUnauthorized, "auth.token", "the token has a form that no token of this box has")
	}
	return meta{Origin: "console", Token: &token, Remote: v.client.String(), Agent: short(r.UserAgent())}, nil
}

// counted returns the name under which the caller's doings are counted: of its
// session, or of its address while it has none.
func (m meta) counted() string {
	if *m.Token != "" {
		sum := sha256.Sum256([]byte(*m.Token))
		return hex.EncodeToString(sum[:16])
	}
	ap, err := netip.ParseAddrPort(m.Remote)
	if err != nil {
		return ""
	}
	return addrKey(ap.Addr())
}

// withoutToken is the caller before it has a session.
func (m meta) withoutToken() meta {
	none := ""
	m.Token = &none
	return m
}

// body reads the body of r. Only whom the engine knows may send a large one, and
// only so many of those at once. release must be called when it is not needed any more.
func (s *Server) body(r *http.Request, m meta) (b []byte, release func(), f *fault) {
	release = func() {}
	limit := int64(bodyUnknown)
	if r.ContentLength < 0 || r.ContentLength > limit {
		if *m.Token == "" {
			return nil, release, faultf(codeTooLarge, "message.size", "a request without a session may have %d bytes", limit)
		}
		hello := m
		hello.Auto = true
		a, f := s.pool.ask(r.Context(), "sys.hello", hello)
		if f == nil && !a.knowsSession() {
			f = faultf(codeUnauthorized, "auth.required", "log in first")
		}
		if f != nil {
			return nil, release, f
		}
		limit = bodyKnown
		if r.ContentLength < 0 || r.ContentLength > smallMessage {
			select {
			case s.big <- struct{}{}:
				release = func() { <-s.big }
			case <-r.Context().Done():
				return nil, release, faultf(codeCancelled, "cancelled", "the client has left")
			}
		}
	}
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, release, faultf(codeTooLarge, "message.size", "a request may have %d bytes", limit)
	case err != nil:
		return nil, release, faultf(codeRequest, "request.incomplete", "the request's body did not arrive whole in time")
	}
	return b, release, nil
}

// serveEntry serves one of the methods that begin a session: their token goes
// into the cookie, the rest of their result into the body.
func (s *Server) serveEntry(method string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if d := s.logins.take(addrKey(visitOf(r).client.Addr())); d > 0 {
			fail(w, throttled(d))
			return
		}
		me, f := whoIs(r)
		if f != nil {
			fail(w, f)
			return
		}
		m := me.withoutToken()
		params, release, f := s.body(r, m)
		defer release()
		if f == nil && !isObject(params) {
			f = faultf(codeParse, "json.syntax", "the body must be a JSON object")
		}
		if f != nil {
			fail(w, f)
			return
		}
		leave, f := s.pool.enter(r.Context(), m)
		if f != nil {
			fail(w, f)
			return
		}
		defer leave()
		a, f := s.pool.call(r.Context(), request{ID: json.RawMessage("1"), Method: method, Params: params, Meta: m})
		if f != nil {
			fail(w, f)
			return
		}
		begin(w, a.Result, nil)
	}
}

// begin answers with the session that result describes. Its token is for the cookie
// alone; taken, if not nil, gets it before anything is sent.
func begin(w http.ResponseWriter, result json.RawMessage, taken func(token string)) {
	var token string
	members, err := membersOf(result)
	if err == nil {
		err = json.Unmarshal(members["token"], &token)
	}
	delete(members, "token")
	body := mustJSON(members)
	if err != nil || token == "" || !plain(token, maxToken) || bytes.Contains(body, []byte(token)) {
		fail(w, faultf(codeInternal, "engine.answer", "the engine's answer has no token where it must be"))
		return
	}
	if taken != nil {
		taken(token)
	}
	setCookie(w, token, 0)
	sendJSON(w, http.StatusOK, body)
}

// setCookie sets the session's cookie: until the browser closes, or, with age -1,
// not at all any more.
func setCookie(w http.ResponseWriter, token string, age int) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: token, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode})
}

// serveLogout ends the session. The cookie goes also when the engine does not
// know it any more.
func (s *Server) serveLogout(w http.ResponseWriter, r *http.Request) {
	me, f := whoIs(r)
	if f != nil {
		setCookie(w, "", -1)
		fail(w, f)
		return
	}
	_, f = s.pool.ask(r.Context(), "auth.logout", me)
	if f != nil && f.Code != codeUnauthorized {
		fail(w, f) // the session may live on: the page must say so
		return
	}
	setCookie(w, "", -1)
	sendJSON(w, http.StatusOK, []byte("{}"))
}

func isObject(b []byte) bool {
	b = bytes.TrimSpace(b)
	return len(b) > 0 && b[0] == '{' && json.Valid(b)
}
