// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"net/http"
	"strings"
)

// serveRPC answers one JSON-RPC request in the body of a POST. What belongs to a
// connection (subscriptions, streams, notifications) is for the WebSocket.
func (s *Server) serveRPC(w http.ResponseWriter, r *http.Request) {
	me, f := whoIs(r)
	if f != nil {
		fail(w, f)
		return
	}
	body, release, f := s.body(r, me)
	defer release()
	if f != nil {
		fail(w, f)
		return
	}
	q, f := readRequest(body, me)
	switch {
	case f != nil:
	case len(q.ID) == 0:
		f = faultf(codeRequest, "request.invalid", "every call here is answered: give it an id")
	case strings.HasPrefix(q.Method, "sub.") && q.Method != "sub.read" || strings.HasPrefix(q.Method, "stream."),
		strings.HasSuffix(q.Method, ".download"), strings.HasSuffix(q.Method, ".upload"), strings.HasSuffix(q.Method, ".bundle"):
		f = faultf(codeRequest, "method.connection", "%s belongs to a connection: use the WebSocket /api/v1/ws", short(q.Method))
	}
	if f != nil {
		sendJSON(w, f.status(), answerLine(q.ID, f))
		return
	}
	leave, f := s.pool.enter(r.Context(), me)
	if f != nil {
		sendJSON(w, f.status(), answerLine(q.ID, f))
		return
	}
	defer leave()
	switch a, f := s.pool.call(r.Context(), q); {
	case f == nil:
		sendJSON(w, http.StatusOK, a.line)
	case a.line != nil: // the engine's own words
		sendJSON(w, f.status(), a.line)
	default:
		sendJSON(w, f.status(), answerLine(q.ID, f))
	}
}
