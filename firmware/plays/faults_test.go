// SPDX-License-Identifier: Apache-2.0

package plays

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"time"
)

// relay is a configuration with one member, web.
const relay = `
config
  pool "p" {
    member "web" {}
  }
  cluster "c" {
    protocol = "http"
    listen   = ["@front"]
    pool     = "p"
  }
`

const answering = `
server web
  expect request GET /
    no field X-Odd
  answer 200 "fine"
` + relay

// TestPlaysFail plays what must fail: each fault is told with its line.
func TestPlaysFail(t *testing.T) {
	get := "client\n  request GET /\n"
	tests := []struct{ name, play, want string }{
		{"status", answering + get + "  expect answer 404", "x.play:18: expect answer 404: got\n\t| HTTP/1.1 200 OK\n"},
		{"body", answering + get + "  expect answer 200\n    body \"foul\"", `x.play:19: body "foul": body is "fine", want "foul"`},
		{"field", answering + get + "  expect answer 200\n    field X-None", "x.play:19: field X-None: there is none"},
		{"field that is", answering + get + "  expect answer 200\n    no field Via", "x.play:19: no field Via: there is one"},
		{"request", answering + "client\n  request GET /other\n  expect answer 200", "x.play:3: expect request GET /: got\n\t| GET /other HTTP/1.1"},
		{"claim of a server", answering + "client\n  request GET /\n    | X-Odd: 1\n  expect answer 200", "x.play:4: no field X-Odd: there is one"},
		{"bytes", answering + get + "  expect bytes \"HTTP/1.0\"", `x.play:18: expect bytes "HTTP/1.0": got "HTTP/1.1"`},
		{"behind a client's script", answering + get + "  expect head 200", `x.play:16: client: behind the script came "fine"`},
		{"behind a server's script", "server web\n  expect head request POST /\n  signal begun" + relay +
			"client\n  send \"POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 5\\r\\n\\r\\n\"\n  await begun\n  send \"hello\"\n  expect answer 200",
			`x.play:1: server web: behind the script came "hello"`},
		{"connection too many", "server web\n" + relay + get + "  expect answer 200", "x.play:1: server web: connection 1 came, of 0"},
		{"connection missing", "server web\n  expect request GET /\n" + relay, "x.play:1: server web: it is still connection 1 has not come"},
		{"end", answering + get + "  expect answer 200\n  reset\n  expect end", "x.play:20: expect end: "},
		{"unknown step", answering + "client\n  dance", "x.play:17: dance: there is no such step here"},
		{"unknown option", answering + "client to=front quick", `x.play:16: client to=front quick: "quick" is not known here`},
		{"unknown variable", answering + "client\n  send \"$(x)\"", "x.play:17: send \"$(x)\": $(x) has no value"},
		{"configuration", "config\n  pool \"p\" {\n    size = 1\n  }", "x.play:3:5: "},
		{"section", "scene\n  x", "x.play:1: scene: a play has server, certificate, config, client and box"},
		{"quote", "client\n  send \"x", "x.play:2: send \"x: a word in quotes must be a Go string"},
		{"tab", "client\n\tsend x", "x.play:2: send x: indent with spaces"},
		{"data of nobody", "| x", "x.play:1: | x: data belongs below a step"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root, err := parseTree("x.play", []byte(tc.play))
			if err == nil {
				err = perform(root, 2*time.Second)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the play ended with\n%v\nwant %q", err, tc.want)
			}
		})
	}
}

// TestReadersDiffer shows that the readers of the tables can tell what must not
// reach an origin: each takes these bytes for something else.
func TestReadersDiffer(t *testing.T) {
	const smuggled = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden
	tests := []struct {
		name, in            string
		strict, coding, len int // requests seen; -1: refused
	}{
		{"one request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, 1, 1},
		{"length and coding", smuggled, -1, 2, 1},
		{"coding with blank", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n" + hidden, -1, 2, 2},
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", -1, 1, 1},
		{"no whole request", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell", 0, 0, 0},
	}
	for _, tc := range tests {
		o := &origin{streams: []*bytes.Buffer{bytes.NewBufferString(tc.in)}}
		count := func(read func(*bufio.Reader) (*message, error)) int {
			seen, err := o.requests(read)
			if err != nil {
				return -1
			}
			return len(seen)
		}
		got := [3]int{count(readRequest), count(lenient{}.read), count(lenient{prefersLength: true}.read)}
		if want := [3]int{tc.strict, tc.coding, tc.len}; got != want {
			t.Errorf("%s: strict, lenient, lenient by length saw %v requests, want %v", tc.name, got, want)
		}
	}
}
