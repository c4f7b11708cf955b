// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// serveREST serves the resources of the engine's table.
func (s *Server) serveREST(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/api/v1/") {
		fail(w, faultf(codeNotFound, "http.path", "the API is below /api/v1/"))
		return
	}
	me, f := whoIs(r)
	if f != nil {
		fail(w, f)
		return
	}
	rows, f := s.table.load(r.Context(), me)
	if f != nil {
		fail(w, f)
		return
	}
	row, values, allow := find(rows, r.Method, r.URL.EscapedPath())
	switch {
	case row == nil && allow != nil:
		w.Header().Set("Allow", strings.Join(allow, ", "))
		failWith(w, http.StatusMethodNotAllowed, faultf(codeMethod, "http.method", "this resource has %s only", strings.Join(allow, ", ")), nil)
	case row == nil:
		fail(w, faultf(codeNotFound, "http.path", "the API has no such resource; /api/v1/openapi.json lists all"))
	default:
		s.callResource(w, r, me, row, values)
	}
}

// callResource calls the method of row and answers with its result.
func (s *Server) callResource(w http.ResponseWriter, r *http.Request, m meta, row *resource, values map[string]string) {
	path, tokened := httpOnly[row.Method]
	if row.Method == methodSudo {
		path, tokened = sudoPath, true
	}
	if tokened {
		fail(w, faultf(codeForbidden, "method.http_only", "%s is served as POST %s only", row.Method, path))
		return
	}
	m.Key, m.Lang = r.Header.Get("Idempotency-Key"), firstLanguage(r.Header.Get("Accept-Language"))
	if !plain(m.Key, 128) {
		fail(w, faultf(codeRequest, "request.invalid", "Idempotency-Key must be at most 128 printable ASCII characters"))
		return
	}
	params := make(map[string]json.RawMessage)
	if row.Verb == http.MethodGet || row.Verb == http.MethodDelete || row.Body != "" {
		if f := row.query(params, r.URL.RawQuery); f != nil {
			fail(w, f)
			return
		}
	}
	if row.Verb != http.MethodGet && (row.Verb != http.MethodDelete || r.ContentLength != 0) {
		body, release, f := s.body(r, m)
		defer release()
		if f == nil {
			f = row.bodyParams(params, body)
		}
		if f != nil {
			fail(w, f)
			return
		}
	}
	f := row.pathParams(params, values)
	if f == nil {
		f = row.ifMatch(params, r.Header.Get("If-Match"))
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
	a, f := s.pool.call(r.Context(), request{ID: json.RawMessage("1"), Method: row.Method, Params: mustJSON(params), Meta: m})
	if f != nil {
		fail(w, f)
		return
	}
	if tag := row.tag(a.Result); tag != "" {
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "private, no-cache")
		if row.Verb == http.MethodGet && matches(r.Header.Values("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	sendJSON(w, http.StatusOK, a.Result)
}

// query adds the parameters of a query.
func (row *resource) query(params map[string]json.RawMessage, raw string) *fault {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return faultf(codeRequest, "http.query", "the query cannot be read: separate parameters by & and escape their values")
	}
	for name, list := range q {
		switch v, ok := row.value(name, list); {
		case ok:
			params[name] = v
		case len(list) > 1:
			return faultf(codeParams, "params.type", "%.64q stands more than once", name)
		default:
			return faultf(codeParams, "params.type", "%.64q must be of type %s", name, row.types[name])
		}
	}
	return nil
}

// value returns the JSON of a parameter that came as text.
func (row *resource) value(name string, list []string) (json.RawMessage, bool) {
	t := row.types[name]
	if t == "array" {
		return mustJSON(list), true
	}
	if len(list) != 1 {
		return nil, false
	}
	text := json.RawMessage(list[0])
	switch t {
	case "integer":
		_, err := strconv.ParseInt(list[0], 10, 64)
		return text, err == nil && json.Valid(text)
	case "number":
		_, err := strconv.ParseFloat(list[0], 64)
		return text, err == nil && json.Valid(text)
	case "boolean":
		if list[0] == "1" || list[0] == "0" {
			return mustJSON(list[0] == "1"), true
		}
		return text, list[0] == "true" || list[0] == "false"
	case "object":
		return text, isObject(text)
	}
	return mustJSON(list[0]), true
}

// bodyParams adds the members of a JSON body, or the body as one parameter.
func (row *resource) bodyParams(params map[string]json.RawMessage, body []byte) *fault {
	if row.Body == "" {
		return bodyParams(params, body)
	}
	if _, twice := params[row.Body]; twice {
		return faultf(codeParams, "params.twice", "%.64q is the body: leave it out of the query", row.Body)
	}
	members := make(map[string]json.RawMessage)
	f := bodyParams(members, body)
	params[row.Body] = mustJSON(members)
	return f
}

// bodyParams adds the members of a JSON body.
func bodyParams(params map[string]json.RawMessage, body []byte) *fault {
	if !isObject(body) {
		return faultf(codeParse, "json.syntax", "the body must be a JSON object")
	}
	members, err := membersOf(body)
	if err != nil {
		return faultf(codeRequest, "request.invalid", "the body: %v", err)
	}
	for name, v := range members {
		if _, twice := params[name]; twice {
			return faultf(codeParams, "params.twice", "%.64q stands both in the query and in the body", name)
		}
		params[name] = v
	}
	return nil
}

// pathParams adds the parts of the path, those that Join uses in its form.
func (row *resource) pathParams(params map[string]json.RawMessage, values map[string]string) *fault {
	texts := make(map[string]string)
	for part, v := range values {
		if !joins(row.Join, part) {
			texts[part] = v
		}
	}
	for name, form := range row.Join {
		var pairs []string
		for part, v := range values {
			pairs = append(pairs, "{"+part+"}", v)
		}
		texts[name] = strings.NewReplacer(pairs...).Replace(form)
	}
	for name, text := range texts {
		if _, twice := params[name]; twice {
			return faultf(codeParams, "params.twice", "%s is given by the path: leave it out elsewhere", name)
		}
		v, ok := row.value(name, []string{text})
		if !ok {
			return faultf(codeParams, "params.type", "%s in the path must be of type %s", name, row.types[name])
		}
		params[name] = v
	}
	return nil
}

func joins(join map[string]string, part string) bool {
	for _, form := range join {
		if strings.Contains(form, "{"+part+"}") {
			return true
		}
	}
	return false
}

// ifMatch gives the revision of If-Match to the parameter that takes it.
func (row *resource) ifMatch(params map[string]json.RawMessage, field string) *fault {
	if field == "" || field == "*" {
		return nil
	}
	text := strings.Trim(field, `"`)
	n, err := strconv.ParseUint(text, 10, 63)
	switch {
	case row.IfMatch == "":
		return faultf(codeParams, "http.if_match", "this resource takes no If-Match")
	case err != nil || fmt.Sprintf(`"%d"`, n) != field:
		return faultf(codeParams, "http.if_match", `If-Match must be one ETag of this API, such as "12"`)
	case params[row.IfMatch] != nil:
		return faultf(codeParams, "params.twice", "%s is given by If-Match: leave it out elsewhere", row.IfMatch)
	}
	params[row.IfMatch] = mustJSON(n)
	return nil
}

// tag returns the ETag that result names, or "".
func (row *resource) tag(result json.RawMessage) string {
	if row.ETag == "" {
		return ""
	}
	for name := range strings.SplitSeq(row.ETag, ".") {
		var members map[string]json.RawMessage
		if json.Unmarshal(result, &members) != nil {
			return ""
		}
		result = members[name]
	}
	var n uint64
	if result == nil || json.Unmarshal(result, &n) != nil {
		return ""
	}
	return fmt.Sprintf(`"%d"`, n)
}

// firstLanguage returns the first language of Accept-Language, if it is one.
func firstLanguage(field string) string {
	tag, _, _ := strings.Cut(field, ",")
	tag, _, _ = strings.Cut(tag, ";")
	if tag = strings.TrimSpace(tag); tag == "*" || !plain(tag, 35) {
		return ""
	}
	return tag
}

// serveOpenAPI serves the document that describes the resources.
func (s *Server) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	me, f := whoIs(r)
	if f != nil {
		fail(w, f)
		return
	}
	a, f := s.pool.ask(r.Context(), "sys.openapi", me)
	if f != nil {
		fail(w, f)
		return
	}
	tag := tagOf(a.Result)
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "private, no-cache")
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	sendJSON(w, http.StatusOK, a.Result)
}
