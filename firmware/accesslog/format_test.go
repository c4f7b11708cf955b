// SPDX-License-Identifier: Apache-2.0

package accesslog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func fullRecord() (*Record, []string) {
	r := &Record{
		Time: 1_700_000_000_123_456_789, Total: 12_345_678, Queue: 0, Connect: 250_999, FirstByte: 9_000_000_001,
		BytesIn: 78, BytesOut: 1234, Generation: 7, Cluster: 1, Rule: 2, Pool: 3, Member: 4,
		Status: 200, Retries: 1, Protocol: HTTP11, Persist: PersistValid, Reason: Completed,
	}
	r.SetClient(netip.MustParseAddrPort("[2001:db8::7]:51234"))
	r.Method.SetString("GET")
	r.Host.SetString("shop.example.com")
	r.Path.SetString(`/a?b="c"`)
	r.RequestID.SetString("0123456789abcdef")
	r.Referer.SetString("https://example.com/ü")
	r.UserAgent.SetString("curl/8.14\x1b[2J")
	return r, []string{"shop", "api", "web", "web1"}
}

func lineOf(t *testing.T, name string, fields []string, r *Record, names []string) string {
	t.Helper()
	f, err := newFormat(name, fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(f.append(nil, r, names))
}

func TestLines(t *testing.T) {
	full, names := fullRecord()
	empty := &Record{Connect: -1, FirstByte: -1, Reason: ClientAbort}
	v4 := &Record{Status: 503, Reason: NoMember}
	v4.SetClient(netip.MustParseAddrPort("[::ffff:192.0.2.9]:80"))
	v4.Method.SetString("G T")
	v4.Path.SetString("/x y\" 200 1 \"\n\\")
	tests := []struct {
		name, format string
		fields       []string
		r            *Record
		want         string
	}{
		{"all there is", "", nil, full, `{"time":"2023-11-14T22:13:20.123456Z","client":"2001:db8::7","client_port":51234,` +
			`"cluster":"shop","rule":"api","pool":"web","member":"web1","protocol":"HTTP/1.1","method":"GET",` +
			`"host":"shop.example.com","path":"/a?b=\"c\"","status":200,"reason":"completed","bytes_in":78,"bytes_out":1234,` +
			`"duration_seconds":0.012345,"queue_seconds":0.000000,"connect_seconds":0.000250,"first_byte_seconds":9.000000,` +
			`"retries":1,"persist":"valid","generation":7,"request_id":"0123456789abcdef",` +
			`"referer":"https://example.com/ü","user_agent":"curl/8.14\u001b[2J"}`},
		{"what is not known", "json", nil, empty, `{"time":"1970-01-01T00:00:00.000000Z","client":null,"client_port":null,` +
			`"cluster":null,"rule":null,"pool":null,"member":null,"protocol":null,"method":null,"host":null,"path":null,` +
			`"status":null,"reason":"client_abort","bytes_in":0,"bytes_out":0,"duration_seconds":0.000000,` +
			`"queue_seconds":0.000000,"connect_seconds":null,"first_byte_seconds":null,"retries":0,"persist":"none",` +
			`"generation":0,"request_id":null,"referer":null,"user_agent":null}`},
		{"fields in the order asked for", "json", []string{"status", "client"}, full, `{"status":200,"client":"2001:db8::7"}`},
		{"combined", "combined", nil, full, `2001:db8::7 - - [14/Nov/2023:22:13:20 +0000] "GET /a?b=\x22c\x22 HTTP/1.1" ` +
			`200 1234 "https://example.com/\xc3\xbc" "curl/8.14\x1b[2J"`},
		{"combined, nothing known", "combined", nil, empty, `- - - [01/Jan/1970:00:00:00 +0000] "-" - 0 "-" "-"`},
		{"combined, forged", "combined", nil, v4, `192.0.2.9 - - [01/Jan/1970:00:00:00 +0000] ` +
			`"G\x20T /x\x20y\x22\x20200\x201\x20\x22\x0a\x5c -" 503 0 "-" "-"`},
		{"combined, more fields", "combined", []string{"duration_seconds", "pool", "rule", "connect_seconds"}, v4,
			`192.0.2.9 - - [01/Jan/1970:00:00:00 +0000] "G\x20T /x\x20y\x22\x20200\x201\x20\x22\x0a\x5c -" 503 0 "-" "-"` +
				` duration_seconds="0.000000" pool="-" rule="-" connect_seconds="0.000000"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lineOf(t, tt.format, tt.fields, tt.r, names); got != tt.want+"\n" {
				t.Errorf("line\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestFormatsRefused(t *testing.T) {
	for _, tt := range []struct {
		format string
		fields []string
		want   string
	}{
		{"text", nil, `"text"`},
		{"json", []string{"status", "Status"}, `no field "Status"; the fields are time, client,`},
		{"combined", []string{"status", "status"}, `"status" is there twice`},
	} {
		if _, err := newFormat(tt.format, tt.fields); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("newFormat(%q, %q): %v, want an error about %s", tt.format, tt.fields, err, tt.want)
		}
	}
}

func TestTextsAreCutVisibly(t *testing.T) {
	var r Record
	r.Method.SetString(strings.Repeat("A", 32))
	r.Path.SetString(strings.Repeat("a", 255) + "ü")
	r.UserAgent.Set(bytes.Repeat([]byte{0xbf}, 200)) // no rune begins here
	var got struct{ Method, Path, UserAgent string }
	line := lineOf(t, "json", []string{"method", "path", "user_agent"}, &r, nil)
	if err := json.Unmarshal([]byte(strings.Replace(line, "user_agent", "UserAgent", 1)), &got); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("A", 32); got.Method != want {
		t.Errorf("method = %q, want %q", got.Method, want)
	}
	if want := strings.Repeat("a", 255) + "..."; got.Path != want {
		t.Errorf("path = %q, want %q", got.Path, want)
	}
	if want := strings.Repeat("\uFFFD", 128) + "..."; got.UserAgent != want {
		t.Errorf("user agent = %q, want %q", got.UserAgent, want)
	}
}

func FuzzJSONEscaping(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/", "\x00\x1f\x7f", "\u0080\u009b\u00a0", "\u2028\u2029", "\xff\xc3", "\xed\xa0\x80", "😀\ufffd"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		line := append(appendJSON([]byte{'"'}, s), '"')
		var got string
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q is no JSON string: %v", line, err)
		}
		if want := string([]rune(string(s))); got != want { // each invalid byte is U+FFFD
			t.Errorf("%q reads as %q, want %q", line, got, want)
		}
		if !utf8.Valid(line) {
			t.Errorf("%q is not UTF-8", line)
		}
		for _, r := range string(line) {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
				t.Errorf("%q holds %U", line, r)
			}
		}
	})
}

var quoted = regexp.MustCompile(`^(?:[ !#-\[\]-~]|\\x[0-9a-f]{2})*$`)

func FuzzCombinedEscaping(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add([]byte("\" 200 1 \"\r\n\\x22 \xff"))
	f.Fuzz(func(t *testing.T, s []byte) {
		got := appendQuoted(nil, s, 0x20)
		if !quoted.Match(got) {
			t.Fatalf("%q can end its string or its line", got)
		}
		back, err := strconv.Unquote(`"` + string(got) + `"`) // \xHH means the same in Go
		if err != nil || back != string(s) {
			t.Errorf("%q reads as %q, %v, want %q", got, back, err, s)
		}
		if line := appendQuoted(nil, s, 0x21); bytes.ContainsRune(line, ' ') {
			t.Errorf("%q has a space", line)
		}
	})
}

// FuzzRecordLine checks whole lines: JSON is one object with all fields, combined is
// what its readers expect.
func FuzzRecordLine(f *testing.F) {
	f.Add([]byte("GET"), []byte("/"), []byte("curl"), uint16(200), int64(5))
	combined := regexp.MustCompile(`^\S+ - - \[[^\]]+\] "(-|\S+ \S+ \S+|\S+  \S+)" (-|\d+) (-|\d+) "([^"]*)" "([^"]*)"\n$`)
	f.Fuzz(func(t *testing.T, method, path, agent []byte, status uint16, d int64) {
		r := &Record{Status: status, Total: d, BytesIn: d, BytesOut: d, Cluster: Name(status), Protocol: HTTP2}
		r.Method.Set(method)
		r.Path.Set(path)
		r.UserAgent.Set(agent)
		var got map[string]any
		line := lineOf(t, "json", nil, r, []string{string(agent)})
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if len(got) != len(fields) || strings.Count(line, "\n") != 1 {
			t.Errorf("%q has %d fields, want %d and one line", line, len(got), len(fields))
		}
		if line := lineOf(t, "combined", nil, r, nil); !combined.MatchString(line) {
			t.Errorf("%q is not the combined format", line)
		}
	})
}

// TestManualListsFields compares the page with the code, both ways and in order.
func TestManualListsFields(t *testing.T) {
	text, err := os.ReadFile("../../docs/manual/accesslog.md")
	if err != nil {
		t.Fatal(err)
	}
	list := func(re string) (names []string) {
		for _, m := range regexp.MustCompile(re).FindAllStringSubmatch(string(text), -1) {
			names = append(names, strings.Join(m[1:], " "))
		}
		return names
	}
	if got, want := list("(?m)^\\| `([a-z_]+)` \\| (?:text|number|seconds)"), Fields(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the manual has the fields\n%v, want\n%v", got, want)
	}
	var reasons []string
	for i, name := range reasonNames {
		reasons = append(reasons, fmt.Sprint(i, " ", name))
	}
	if got := list("(?m)^\\| (\\d+) \\| `([a-z_]+)` \\|"); fmt.Sprint(got) != fmt.Sprint(reasons) {
		t.Errorf("the manual has the reasons\n%v, want\n%v", got, reasons)
	}
	for _, names := range [][]string{persistNames[:], protocolNames[1:]} {
		if want := "`" + strings.Join(names, " ") + "`"; !strings.Contains(string(text), want) {
			t.Errorf("the manual has no list %s", want)
		}
	}
	full, names := fullRecord()
	for _, line := range []string{lineOf(t, "json", nil, full, names), lineOf(t, "combined", nil, full, names)} {
		if !strings.Contains(string(text), line) {
			t.Errorf("the manual's example is not\n%s", line)
		}
	}
}
