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

// relayed is a configuration that passes the streams of a client on to the server
// web as bytes.
const relayed = `
config
  pool "p" {
    member "web" {}
  }
  cluster "c" {
    protocol = "tcp"
    listen   = ["@front"]
    pool     = "p"
  }

client h2
  request GET /
`

// TestStreamsFail plays what must fail in HTTP/2, of which one end is as strict as
// the other.
func TestStreamsFail(t *testing.T) {
	server := "server web h2\n  expect head request GET /\n"
	tests := []struct{ name, server, client, want string }{
		{"status", "  answer 200", "  expect answer 404", "expect answer 404: got\n\t| HTTP/2 200"},
		{"field", "  answer 200", "  expect answer 200\n    field x", "field x: there is none"},
		{"data", "  answer 200 \"fine\"", "  expect head 200\n  expect data \"foul\"", `got "fine"`},
		{"data too many", "  answer 200 \"fine\"", "  expect head 200\n  expect data \"fin\"", `got "fine"`},
		{"no end", "  answer 200 \"fine\"", "  expect head 200\n  expect data \"fine\"", "end true"},
		{"reset", "  rst CANCEL", "  expect rst NO_ERROR", "got RST_STREAM CANCEL"},
		{"reset, not an answer", "  rst CANCEL", "  expect answer 200", "got RST_STREAM CANCEL"},
		{"answer, not a reset", "  answer 200", "  expect rst CANCEL", "HEADERS end"},
		{"goaway", "  goaway NO_ERROR 1", "  expect goaway NO_ERROR last 3", "got GOAWAY NO_ERROR last 1"},
		{"behind a client's script", "  answer 200", "  expect head 200\nclient h2\n  request GET /", "x.play:1: server web h2: connection 2 came"},
		{"answer behind a script", "  answer 200 \"fine\"", "  expect head 200", `behind the script came on stream 1 data`},
		{"end", "  goaway PROTOCOL_ERROR 0\n  close", "  expect answer 200", "there is also GOAWAY PROTOCOL_ERROR last 0"},
		{"end of the connection", "  goaway PROTOCOL_ERROR 0\n  close", "  expect end", "got GOAWAY PROTOCOL_ERROR last 0"},
		{"capitals", "  head end\n    :status 200\n    X-Y z", "  expect answer 200", `malformed: field "X-Y": "z"`},
		{"blank", "  head end\n    :status 200\n    x \" y\"", "  expect answer 200", `malformed: field "x": " y"`},
		{"connection", "  head end\n    :status 200\n    connection close", "  expect answer 200", `malformed: field "connection": "close"`},
		{"pseudo-field", "  head end\n    :status 200\n    :path /", "  expect answer 200", "malformed: pseudo-fields"},
		{"no status", "  head end\n    x y", "  expect answer 200", "malformed: no :status"},
		{"length", "  answer 200 \"fine\"\n    | Content-Length: 3", "  expect answer 200", "malformed: content-length [3], and 4 bytes came"},
		{"behind the end", "  answer 200\n  frame DATA 1 1 \"x\"", "  expect answer 200\n  expect nothing", "malformed: behind the end of stream 1 came data"},
		{"stream of nobody", "  answer 200\n  frame DATA 1 3 \"x\"", "  expect answer 200\n  expect nothing", "malformed: on stream 3, which has not begun, came data"},
		{"unknown code", "", "  rst ODD", "want a code"},
		{"unknown step", "", "  dance", "there is no such step here"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root, err := parseTree("x.play", []byte(server+tc.server+relayed+tc.client))
			if err == nil {
				err = perform(root, time.Second)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the play ended with\n%v\nwant %q", err, tc.want)
			}
		})
	}
}

// TestSessionsFail plays what must fail of TLS.
func TestSessionsFail(t *testing.T) {
	secure := "server web\n" + strings.Replace(relay, `"http"`, `"https"`, 1)
	tests := []struct{ name, client, want string }{
		{"certificate", "client tls name=x.test", "certificate is valid for play.test, not x.test"},
		{"no alert", "client tls alert=unrecognized_name", "want the alert unrecognized_name"},
		{"another alert", "client tls=1.1 alert=unrecognized_name", "protocol version not supported, want the alert"},
		{"protocol", "client tls alpn=http/1.1,h2", `ALPN gave "h2", want "http/1.1"`},
		{"version", "client tls\n  session version 1.2", `session version 1.2: it is "1.3"`},
		{"resumed", "client tls resume\n  session resumed", `session resumed: it is "new"`},
		{"no session", "client\n  session resumed", "the connection is not by TLS"},
		{"certificate without host", "certificate x", "want: certificate NAME for=HOST"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root, err := parseTree("x.play", []byte(secure+tc.client+"\n"))
			if err == nil {
				err = perform(root, time.Second)
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
