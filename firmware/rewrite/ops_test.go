// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"strings"
	"testing"

	"evener/firmware/message"
)

var opTests = []struct {
	name   string
	fields []string
	ops    []Op
	want   string
}{
	{"add", []string{"X-A: 1"}, []Op{{Add, "X-A", "2"}}, "X-A: 1\nX-A: 2\n"},
	{"set", []string{"x-a: 1", "B: b", "X-A: 2"}, []Op{{Set, "X-A", "$client_ip"}}, "B: b\nX-A: 192.0.2.7\n"},
	{"set what was not there", nil, []Op{{Set, "X-A", "3"}}, "X-A: 3\n"},
	{"set if absent", []string{"X-A: 1"}, []Op{{SetIfAbsent, "x-a", "2"}, {SetIfAbsent, "X-B", "3"}}, "X-A: 1\nX-B: 3\n"},
	{"set if absent, hidden before", []string{"X-A: 1"}, []Op{{Remove, "X-A", ""}, {SetIfAbsent, "x-a", "2"}}, "x-a: 2\n"},
	{"append", []string{"Via: 1.1 a", "B: b", "Via: 1.1 b"}, []Op{{Append, "Via", "1.1 c"}}, "B: b\nVia: 1.1 a, 1.1 b, 1.1 c\n"},
	{"append to nothing", nil, []Op{{Append, "X-A", "a"}, {Append, "X-A", "b"}}, "X-A: a, b\n"},
	{"append to an empty one", []string{"X-A: "}, []Op{{Append, "X-A", "a"}}, "X-A: a\n"},
	{"append nothing", []string{"X-A: 1", "X-A: 2"}, []Op{{Append, "X-A", "$member"}}, "X-A: 1\nX-A: 2\n"},
	{"remove", []string{"X-A: 1", "User-Agent: u", "x-a: 2"}, []Op{{Remove, "X-A", ""}, {Remove, "user-agent", ""}}, ""},
	{"remove what was added", nil, []Op{{Add, "X-A", "1"}, {Add, "X-B", "1"}, {Remove, "x-A", ""}}, "X-B: 1\n"},
	{"remove by prefix", []string{"X-Int-A: 1", "x-int-: 2", "X-In: 3"}, []Op{{Add, "X-Int-C", "c"}, {Remove, "X-INT-*", ""}}, "X-In: 3\n"},
	{"a prefix leaves what is protected", []string{"Expect: 100-continue", "Extra: e"}, []Op{{Remove, "E*", ""}}, "Expect: 100-continue\n"},
	{"empty value removes", []string{"X-Client-Cert: spoofed"}, []Op{{Set, "X-Client-Cert", "$client_cert_subject"}}, ""},
	{"empty value adds nothing", nil, []Op{{Add, "X-A", "$member"}, {SetIfAbsent, "X-A", "$member"}}, ""},
	{"blanks around", nil, []Op{{Set, "X-A", "$rule"}}, "X-A: a  b\n"},
	{"values as received", []string{"X-A: 1"}, []Op{{Set, "X-A", "2"}, {Set, "X-B", "$header_x_a"}}, "X-A: 2\nX-B: 1\n"},
	{"own value", []string{"X-A: 1"}, []Op{{Set, "X-A", "<$header_x_a>"}}, "X-A: <1>\n"},
	{"one cookie", []string{"Cookie: a=b"}, []Op{{Append, "Cookie", "c=d"}}, "Cookie: a=b; c=d\n"},
	{"several cookies", []string{"Cookie: a=b", "Cookie: c=d"}, []Op{{Append, "Cookie", "e=f"}}, "Cookie: a=b; c=d; e=f\n"},
	{"several cookies removed", []string{"Cookie: a=b", "Cookie: c=d"}, []Op{{Remove, "Cookie", ""}, {Set, "X-C", "$header_cookie"}}, "X-C: a=b\n"},
	{"cookies by prefix", []string{"Cookie: a=b", "Cookie: c=d", "Co: x"}, []Op{{Remove, "Co*", ""}}, ""},
	{"cookies left alone", []string{"Cookie: a=b", "Cookie: c=d"}, []Op{{Remove, "X", ""}}, "Cookie: a=b; c=d\n"},
	{"not sent before, not appended to", []string{"Connection: x", "Content-Length: 5"}, []Op{{Add, "X-A", "1"}, {Remove, "Con*", ""}}, "X-A: 1\n"},
	{"in the order of the text", nil, []Op{{Set, "X-B", "1"}, {Set, "X-A", "1"}, {Set, "X-B", "2"}}, "X-A: 1\nX-B: 2\n"},
}

// source is what the tests' operations see of an exchange.
func source(h *message.Head) *stub {
	return &stub{h, map[Kind]string{ClientIP: "192.0.2.7", Rule: " a\r\nb\t\n"}}
}

func TestOperations(t *testing.T) {
	var c Changes
	for _, tt := range opTests {
		h := request{host: "a", target: "/", fields: tt.fields}.head()
		before, src := sent(h, &Changes{}), source(h)
		o := compileOps(t, Requests, tt.ops...)
		c.Reset()
		for _, try := range []string{"first", "second"} {
			if f := o.Apply(h, &c, src); f != Sound {
				t.Errorf("%s: Apply = %v", tt.name, f)
			}
			if got := sent(h, &c); got != tt.want {
				t.Errorf("%s, %s time: sent\n%swant\n%s", tt.name, try, got, tt.want)
			}
			c.Undo(h)
			if got := sent(h, &c); got != before {
				t.Errorf("%s: after Undo, sent\n%swant\n%s", tt.name, got, before)
			}
		}
	}
}

func TestClusterBeforeRule(t *testing.T) {
	h := request{host: "a", target: "/", fields: []string{"X-A: 1"}}.head()
	var c Changes
	cluster := compileOps(t, Requests, Op{Append, "X-A", "cluster"}, Op{Set, "X-B", "cluster"})
	rule := compileOps(t, Requests, Op{Append, "X-A", "rule"}, Op{Remove, "X-B", ""})
	for _, o := range []*Ops{cluster, nil, rule} {
		if f := o.Apply(h, &c, source(h)); f != Sound {
			t.Errorf("Apply = %v", f)
		}
	}
	if got, want := sent(h, &c), "X-A: 1, cluster, rule\n"; got != want {
		t.Errorf("sent\n%swant\n%s", got, want)
	}
}

func TestSetHost(t *testing.T) {
	tests := []struct {
		name, value, want string
		fault             Fault
	}{
		{"constant", "inner.example:8080", "inner.example:8080", Sound},
		{"of a field", "$header_x_host", "x.example", Sound},
		{"made of one", "$header_x_host:81", "x.example:81", Sound},
		{"that is none", "$header_x_bad", "", BadHost},
		{"empty", "$sni", "", BadHost},
		{"with a line break", "a$rule", "", BadHost},
	}
	for _, tt := range tests {
		h := request{host: "www", target: "/", fields: []string{"X-Host: x.example", "X-Bad: a b@c"}}.head()
		var c Changes
		f := compileOps(t, Requests, Op{Set, "host", tt.value}).Apply(h, &c, source(h))
		if got := string(c.Extra.Bytes(c.Extra.Authority)); got != tt.want || f != tt.fault {
			t.Errorf("%s: authority %q, %v, want %q, %v", tt.name, got, f, tt.want, tt.fault)
		}
		if got := string(h.Bytes(h.Authority)); got != "www" {
			t.Errorf("%s: the request's own authority became %q", tt.name, got)
		}
	}
}

func TestExtraIsBounded(t *testing.T) {
	h := request{host: "a", target: "/", fields: []string{"X-A: " + strings.Repeat("a", 30<<10)}}.head()
	var c Changes
	o := compileOps(t, Requests, Op{Set, "X-B", "$header_x_a"}, Op{Set, "X-C", "$header_x_a"}, Op{Set, "X-D", "$header_x_a"})
	if f := o.Apply(h, &c, source(h)); f != TooLarge {
		t.Errorf("Apply = %v, want %v", f, TooLarge)
	}
	c.Reset()
	if got := cap(c.Extra.Buf); got > keepBuf {
		t.Errorf("%d bytes are kept, want at most %d", got, keepBuf)
	}
}

func TestOperationErrors(t *testing.T) {
	tests := []struct {
		direction Direction
		op        Op
		want      string
	}{
		{Requests, Op{Set, "", "x"}, "the name of the field is empty"},
		{Requests, Op{Set, "X A", "x"}, `"X A" is not the name of a field`},
		{Requests, Op{Set, ":path", "x"}, "rewrite the URL for the path"},
		{Requests, Op{Remove, "*", ""}, "would remove every field"},
		{Requests, Op{Remove, "X-*-A", ""}, "only at the end"},
		{Requests, Op{Remove, "X*Y*", ""}, "only at the end"},
		{Requests, Op{Add, "X-*", "x"}, "only remove takes the beginning"},
		{Requests, Op{Remove, "Host", ""}, "set it, do not remove it"},
		{Requests, Op{Set, "Host", "a b"}, `"a b" is no host`},
		{Answers, Op{Set, "host", "a"}, "an answer has no Host"},
		{Requests, Op{Set, "content-length", "0"}, "written by the box"},
		{Answers, Op{Remove, "Transfer-Encoding", ""}, "written by the box"},
		{Requests, Op{Add, "Connection", "x"}, "belongs to one connection"},
		{Requests, Op{Add, "TE", "trailers"}, "belongs to one connection"},
		{Requests, Op{Remove, "Upgrade", ""}, "WebSocket"},
		{Answers, Op{Remove, "Trailer", ""}, "by who sends them"},
		{Requests, Op{Set, "Expect", "100-continue"}, "the client waits"},
		{Requests, Op{Append, "User-Agent", "x"}, "may occur only once"},
		{Answers, Op{Add, "Location", "/"}, "may occur only once"},
		{Answers, Op{Append, "Set-Cookie", "a=b"}, "add a further one"},
		{Requests, Op{Add, "Cookie", "a=b"}, "append to it"},
		{Requests, Op{Remove, "X-A", "x"}, "has no value"},
		{Requests, Op{Set, "X-A", ""}, "the value is empty"},
		{Requests, Op{Set, "X-A", " x"}, `write "x"`},
		{Requests, Op{Set, "X-A", "$nope"}, "unknown variable"},
		{Requests, Op{Set, "X-A", "a\nb"}, "control character"},
	}
	for _, tt := range tests {
		o, problems := CompileOps(tt.direction, []Op{{Set, "X-Sound", "x"}, tt.op})
		if o != nil || len(problems) != 1 || problems[0].Op != 1 || !strings.Contains(problems[0].Msg, tt.want) {
			t.Errorf("CompileOps(%v) = %v, want one problem with %q", tt.op, problems, tt.want)
		}
	}
	bad := Op{Set, "a b", "$nope"}
	if _, problems := CompileOps(Requests, []Op{bad, bad}); len(problems) != 4 || problems[2].Op != 1 || !problems[3].Value {
		t.Errorf("CompileOps of two mistakes twice = %v", problems)
	}
}

func TestEveryProtectedFieldIsRefused(t *testing.T) {
	for id := range protected {
		for _, a := range []Action{Add, Set, SetIfAbsent, Append, Remove} {
			op := Op{a, id.String(), "x"}
			if a == Remove {
				op.Value = ""
			}
			if o, _ := CompileOps(Answers, []Op{op}); o != nil {
				t.Errorf("%s %s was accepted", a, id)
			}
		}
	}
}

func TestApplyDoesNotAllocate(t *testing.T) {
	h := request{host: "a", target: "/a?b", fields: []string{
		"User-Agent: u", "X-Int-A: 1", "Cookie: a", "Cookie: b", "X-A: 1", "Forwarded: for=1.2.3.4"}}.head()
	o := compileOps(t, Requests,
		Op{Set, "Host", "$(hostname):81"}, Op{Set, "X-Client", "$client_ip:$header_user_agent"}, Op{Remove, "X-Int-*", ""},
		Op{Append, "X-A", "$method$path$query"}, Op{Append, "Cookie", "c=d"}, Op{SetIfAbsent, "X-B", "$protocol"}, Op{Add, "X-B", "2"})
	src := source(h)
	var c Changes
	if allocs := testing.AllocsPerRun(100, func() {
		c.Undo(h)
		if f := o.Apply(h, &c, src); f != Sound {
			t.Fatal(f)
		}
		c.Do(h, Set, "X-Request-Id", []byte("0123"))
		Forwarded{Host: h.Bytes(h.Authority), Proto: "http"}.Apply(h, &c, true)
	}); allocs != 0 {
		t.Errorf("%v allocations per Apply, want 0", allocs)
	}
}

// FuzzOps applies operations to fields with values of all kinds. What is sent
// has sound names and values and only the fields that it may have.
func FuzzOps(f *testing.F) {
	f.Add(uint8(1), "X-A", "$header_x_b", "a\r\nb: c", "X-B")
	f.Add(uint8(3), "Cookie", "$(header:cookie); a=b", "c=d", "Cookie")
	f.Add(uint8(4), "C*", "", "c=d", "Cookie")
	f.Add(uint8(1), "host", "$rule:80", "[::1]", "Host")
	f.Fuzz(func(t *testing.T, action uint8, name, value, received, field string) {
		o, _ := CompileOps(Requests, []Op{{Action(action % 5), name, value}, {Append, "X-Z", "z$header_x_b"}})
		if o == nil || !isToken(field) || message.EndOfValue([]byte(received), 0) != len(received) {
			return
		}
		h := request{host: "h", target: "/", fields: []string{field + ": " + received, "X-B: b", field + ": 2"}}.head()
		before := sent(h, &Changes{})
		var c Changes
		if fault := o.Apply(h, &c, everywhere(received+"\r\n\x00")); fault == Sound {
			for _, x := range c.Extra.Fields {
				v := c.Extra.Bytes(x.Value)
				if !isToken(string(c.Extra.Bytes(x.Name))) || message.EndOfValue(v, 0) != len(v) || len(v) == 0 {
					t.Fatalf("the field %q: %q is sent", c.Extra.Bytes(x.Name), v)
				}
				if protected[x.ID] != "" || x.ID == message.Host || message.FieldOf(c.Extra.Bytes(x.Name)) != x.ID {
					t.Fatalf("%q is sent as %v", c.Extra.Bytes(x.Name), x.ID)
				}
			}
			if a := c.Extra.Bytes(c.Extra.Authority); len(a) > 0 {
				if _, bad := message.CheckHost(a); bad != message.HostSound {
					t.Fatalf("the authority is %q", a)
				}
			}
		}
		c.Undo(h)
		if got := sent(h, &c); got != before {
			t.Fatalf("after Undo %q is sent, want %q", got, before)
		}
	})
}

func ExampleOps() {
	ops, problems := CompileOps(Requests, []Op{
		{Set, "X-Client", "$client_ip over $protocol"},
		{Remove, "X-Internal-*", ""},
	})
	if ops == nil {
		fmt.Println(problems)
		return
	}
	req := request{host: "www.example.com", target: "/", fields: []string{"X-Internal-Role: admin"}}.head()
	var c Changes // of the exchange, used again and again
	c.Reset()
	if fault := ops.Apply(req, &c, source(req)); fault != Sound {
		fmt.Println(fault)
		return
	}
	fmt.Print(sent(req, &c))
	// Output: X-Client: 192.0.2.7 over HTTP/1.1
}
