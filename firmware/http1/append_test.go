// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"evener/firmware/message"
)

func TestAppend(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"request line", string(AppendRequestLine([]byte("x"), []byte("GET"), []byte("/a?b"))), "xGET /a?b HTTP/1.1\r\n"},
		{"status line", string(AppendStatusLine(nil, 1, 404, nil)), "HTTP/1.1 404 Not Found\r\n"},
		{"status line of 1.0", string(AppendStatusLine(nil, 0, 200, []byte("Fine"))), "HTTP/1.0 200 Fine\r\n"},
		{"unknown status", string(AppendStatusLine(nil, 1, 299, nil)), "HTTP/1.1 299 \r\n"},
		{"field", string(AppendField(nil, "Host", []byte("a"))), "Host: a\r\n"},
		{"length", string(AppendLength(nil, 1<<62)), "Content-Length: 4611686018427387904\r\n"},
		{"chunk", string(AppendChunkHead(nil, 0x1f00)), "1f00\r\n"},
	}
	for _, tc := range tests {
		if tc.got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, tc.got, tc.want)
		}
	}
}

func TestAppendFieldsWritesOneFormOfLine(t *testing.T) {
	h, _ := request(get+"A:1\r\nB: \t2 \r\nC:\r\nConnection: b2\r\nB2: x\r\nD: 4\r\nE: 5\r\n\r\n", nil)
	if got, want := string(AppendFields(nil, h)), "A: 1\r\nB: 2\r\nC: \r\nD: 4\r\nE: 5\r\n"; got != want {
		t.Errorf("AppendFields = %q, want %q", got, want)
	}
}

// TestAppendErrorIsSound reads each answer with our parser and net/http's.
func TestAppendErrorIsSound(t *testing.T) {
	date := []byte("Sat, 21 Nov 2026 10:00:00 GMT")
	for _, r := range Reasons() {
		for _, method := range []message.Method{message.GET, message.HEAD} {
			status := requestErrors[r].Status
			out := AppendError(nil, status, true, method, date)
			var h message.Head
			n, err := ParseResponse(&h, out, nil, ReqInfo{Method: method})
			if err != nil || h.Status != status || h.KeepAlive {
				t.Fatalf("%d: %v, status %d, KeepAlive %v in %q", status, err, h.Status, h.KeepAlive, out)
			}
			name := map[message.Method]string{message.GET: "GET", message.HEAD: "HEAD"}[method]
			resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(out)), &http.Request{Method: name})
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if err != nil || string(text) != string(out[n:]) || resp.Header.Get("Date") != string(date) {
				t.Errorf("%d: body %q, %v in %q", status, text, err, out)
			}
			if (status == 405) != (resp.Header.Get("Allow") != "") {
				t.Errorf("%d: Allow: %q", status, resp.Header.Get("Allow"))
			}
			if (method == message.HEAD) != (len(text) == 0) {
				t.Errorf("%s: body %q", name, text)
			}
		}
	}
	if out := string(AppendError(nil, 503, false, message.GET, nil)); strings.Contains(out, "close") || strings.Contains(out, "Date") {
		t.Errorf("AppendError without close and date = %q", out)
	}
}

// TestStatusTextKnowsTheRegistry compares with net/http, whose few older
// phrases are named.
func TestStatusTextKnowsTheRegistry(t *testing.T) {
	newer := map[int]string{413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable",
		422: "Unprocessable Content", 418: ""}
	for status := -1; status < 1000; status++ {
		want := http.StatusText(status)
		if s, differs := newer[status]; differs {
			want = s
		}
		if got := StatusText(status); got != want {
			t.Errorf("StatusText(%d) = %q, want %q", status, got, want)
		}
	}
}

func TestReasonsAreLabels(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		s := r.String()
		if s == "" || seen[s] || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			t.Errorf("reason %d is called %q", r, s)
		}
		seen[s] = true
		if e := requestErrors[r]; e.Status < 400 || e.Status > 599 || e.Reason != r {
			t.Errorf("%v: %+v", r, e)
		}
		if e := answerErrors[r]; e.Status != 502 || e.Reason != r {
			t.Errorf("%v: %+v", r, e)
		}
	}
	if len(seen) != int(numReasons)-1 {
		t.Errorf("%d reasons, want %d", len(seen), numReasons-1)
	}
	for _, r := range []Reason{ok, more, 255} {
		if r.String() != "unknown" {
			t.Errorf("%d is called %q, want unknown", r, r)
		}
	}
}
