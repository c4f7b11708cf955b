// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A robot is a program that keeps single blocks of the configuration by REST.
type robot struct {
	t     *testing.T
	base  string
	token string
	http  *http.Client
	etag  string // of the last answer that had one
}

// do makes a request and expects its status. A write goes with the last ETag.
func (r *robot) do(verb, path, body string, want int) string {
	r.t.Helper()
	req, err := http.NewRequest(verb, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if verb != "GET" && verb != "POST" && r.etag != "" && path != "/config/candidate" {
		req.Header.Set("If-Match", r.etag)
	}
	a, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != want {
		r.t.Fatalf("%s %s = %d %s, %v; want %d", verb, path, a.StatusCode, text, err, want)
	}
	if tag := a.Header.Get("ETag"); tag != "" {
		r.etag = tag
	}
	return string(text)
}

// TestBlocksAreKeptByREST plans, applies and destroys as a provider of Terraform
// would, through the console, and leaves what others have written as it was.
func TestBlocksAreKeptByREST(t *testing.T) {
	s, addr := consoleSite(t)
	s.rest += "# this comment is ours\nserver \"spare\" { address = \"127.0.0.1:9\" } # and this\n"
	b := start(t, setup{config: s.text()})
	web := newBrowser(t)
	b.await("the console answers", func() bool { return web.reaches(addr) })
	r := &robot{t: t, base: "https://" + addr + "/api/v1", http: &web.Client,
		token: strings.TrimSpace(b.must("token", "create", "robot", "--role", "editor"))}
	before := r.do("GET", "/config", "", 200)

	r.do("GET", "/config/responder/gone", "", 404)
	r.etag = ""
	r.do("PUT", "/config/responder/sorry", `{"status":503}`, 400) // without If-Match
	r.do("GET", "/config/pool/shop", "", 200)
	first := r.etag
	const want = `{"status":503,"body":"<b>soon</b>","content_type":"text/html"}`
	if plan := r.do("PUT", "/config/responder/sorry?dry_run=1", want, 200); !strings.Contains(plan, `"changes":[{`) || r.etag != first {
		t.Errorf("plan %s, ETag %s; want a change, and %s", plan, r.etag, first)
	}
	r.do("GET", "/config/responder/sorry", "", 404)
	r.do("PUT", "/config/responder/sorry?comment=by+robot", want, 200)
	if r.etag == first {
		t.Errorf("the ETag is still %s after a write", first)
	}
	made := r.etag
	var got struct {
		Values map[string]any `json:"values"`
	}
	if err := json.Unmarshal([]byte(r.do("GET", "/config/responder/sorry", "", 200)), &got); err != nil || got.Values["body"] != "<b>soon</b>" {
		t.Errorf("made %s, %v", got.Values, err)
	}
	if r.do("PUT", "/config/responder/sorry", want, 200); r.etag != made {
		t.Errorf("the same once more has made revision %s", r.etag)
	}
	r.do("PATCH", "/config/pool/shop/member/web1", `{"weight":150}`, 200)
	if w := b.member("shop", "web1").Static; w != 150 {
		t.Errorf("web1 has weight %d, want 150", w)
	}
	kept := r.etag
	r.etag = made
	r.do("PATCH", "/config/pool/shop/member/web1", `{"weight":7}`, 409)
	r.etag = kept
	r.do("PATCH", "/config/pool/shop/member/web1", `{"wieght":7}`, 400)
	r.do("PATCH", "/config/pool/shop/member/web1", `{"weight":7000}`, 422)
	r.do("PATCH", "/config/pool/shop/member/web1?confirm_s=60", `{"weight":null}`, 200)
	r.do("POST", "/config/confirm", `{}`, 200)
	r.do("DELETE", "/config/responder/sorry?dry_run=1", "", 200)
	r.do("DELETE", "/config/responder/sorry", "", 200)
	r.do("DELETE", "/config/responder/sorry", "", 404)
	r.do("PATCH", "/config/pool/shop?candidate=1", `{"queue":9}`, 200)
	r.do("DELETE", "/config/candidate", "", 200)
	text := func(answer string) (s struct{ Text string }) {
		if err := json.Unmarshal([]byte(answer), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	// The block that was written in has its braces on two lines now; no other byte differs.
	is, was := strings.Replace(text(r.do("GET", "/config", "", 200)).Text, "\"web1\" {\n  }", "\"web1\" {}", 1), text(before).Text
	if is != was {
		t.Errorf("after all was taken back the text is\n%s\nwant\n%s", is, was)
	}
	if doc := r.do("GET", "/openapi.json", "", 200); !strings.Contains(doc, `"/config/{type}/{name}/{part}/{label}"`) {
		t.Error("the OpenAPI document does not describe blocks")
	}
}
