// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"evener/firmware/pool"
)

func TestExchangeForwardsRequestAndAnswer(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Header.Get("X-Test"))
		fmt.Fprintf(w, "%s %s %s %q via %q", r.Method, r.Host, r.URL, body, r.Header.Get("Via"))
	}))
	defer origin.Close()
	b := newBox(t, []pool.MemberConfig{member("a", origin.Listener.Addr())}, nil)
	for _, test := range []struct{ method, path, body, want string }{
		{"GET", "/x?y=1", "", `GET shop.test /x?y=1 "" via "1.1 evener"`},
		{"POST", "/p", "hello", `POST shop.test /p "hello" via "1.1 evener"`},
		{"PUT", "/big", strings.Repeat("b", 300_000), ""},
	} {
		req, err := http.NewRequest(test.method, "http://"+b.addr+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "shop.test"
		req.Header.Set("X-Test", "seen")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", test.method, test.path, err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatalf("%s %s: read answer: %v", test.method, test.path, err)
		}
		if test.want != "" && string(got) != test.want {
			t.Errorf("%s %s = %q, want %q", test.method, test.path, got, test.want)
		}
		if test.want == "" && !strings.Contains(string(got), test.body) {
			t.Errorf("%s %s: body of %d bytes lost, answer has %d", test.method, test.path, len(test.body), len(got))
		}
		if resp.Header.Get("X-Seen") != "seen" {
			t.Errorf("%s %s: request field lost", test.method, test.path)
		}
	}
}

func TestAnswersOfAnySizeAndFramingArriveWhole(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		fmt.Sscan(r.URL.Query().Get("n"), &n)
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", fmt.Sprint(n))
		}
		for i := 0; i < n; {
			k := min(n-i, 7777)
			w.Write([]byte(strings.Repeat("z", k)))
			i += k
			if r.URL.Path == "/chunked" {
				w.(http.Flusher).Flush()
			}
		}
	}))
	defer origin.Close()
	b := newBox(t, []pool.MemberConfig{member("a", origin.Listener.Addr())}, nil)
	for _, path := range []string{"/length", "/chunked"} {
		for _, n := range []int{0, 1, 1000, 16000, 16384, 70000, 5_000_000} {
			resp, err := http.Get(fmt.Sprintf("http://%s%s?n=%d", b.addr, path, n))
			if err != nil {
				t.Fatalf("%s %d: %v", path, n, err)
			}
			got, err := io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if err != nil || got != int64(n) {
				t.Errorf("%s: got %d of %d bytes, err %v", path, got, n, err)
			}
		}
	}
}
