// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"encoding/json"
	"net/http"
)

// serveSudo passes on the password that somebody gives again, and puts the new token
// that the session gets for it into the cookie. A cookie that was stolen before has
// no sudo, and is good for a minute more.
func (s *Server) serveSudo(w http.ResponseWriter, r *http.Request) {
	if d := s.logins.take(addrKey(visitOf(r).client.Addr())); d > 0 {
		fail(w, throttled(d))
		return
	}
	me, f := whoIs(r)
	switch {
	case f != nil:
	case r.Header.Get("Authorization") != "":
		f = faultf(codeForbidden, "auth.no_session", "this is for the console's pages, whose session is in a cookie: leave Authorization out")
	case *me.Token == "":
		f = faultf(codeUnauthorized, "auth.required", "log in first")
	}
	if f != nil {
		fail(w, f)
		return
	}
	body, release, f := s.body(r, me)
	defer release()
	var params map[string]json.RawMessage
	if f == nil {
		params, f = sudoParams(body)
	}
	if f != nil {
		fail(w, f)
		return
	}
	leave, f := s.pool.enter(r.Context(), me)
	if f != nil {
		fail(w, f)
		return
	}
	defer leave()
	a, f := s.pool.call(r.Context(), request{ID: json.RawMessage("1"), Method: methodSudo, Params: mustJSON(params), Meta: me})
	if f != nil {
		fail(w, f)
		return
	}
	begin(w, a.Result, func(token string) {
		next := me
		next.Token = &token
		s.socks.rotate(me, next) // first: the page repeats its call over one of them
	})
}

// sudoParams reads the body: what auth.sudo takes, without rotate.
func sudoParams(body []byte) (map[string]json.RawMessage, *fault) {
	if !isObject(body) {
		return nil, faultf(codeParse, "json.syntax", "the body must be a JSON object")
	}
	params := make(map[string]json.RawMessage)
	if f := bodyParams(params, body); f != nil {
		return nil, f
	}
	params["rotate"] = json.RawMessage("true")
	return params, nil
}
