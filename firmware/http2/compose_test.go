// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"strconv"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"

	"evener/firmware/message"
)

// TestComposition reads with the codec of others what was composed.
func TestComposition(t *testing.T) {
	var h message.Head
	h.Buf = []byte("X-Foobar CookieAcceptConnectionclose")
	field := func(name, n, value, m uint32, hop bool) {
		f := message.Field{Name: message.Span{Off: name, Len: n}, Value: message.Span{Off: value, Len: m}, Hop: hop}
		f.ID = message.FieldOf(h.Bytes(f.Name))
		h.Fields = append(h.Fields, f)
	}
	field(0, 5, 5, 3, false)
	field(9, 6, 5, 1, true)
	field(9, 6, 5, 2, true)
	field(15, 6, 0, 1, true)
	field(21, 10, 31, 5, false)
	rows := []struct {
		name    string
		compose func(c *Conn)
		want    string
	}{
		{"status 200", func(c *Conn) { c.Status(200) }, ":status=200"},
		{"status 204", func(c *Conn) { c.Status(204) }, ":status=204"},
		{"status 206", func(c *Conn) { c.Status(206) }, ":status=206"},
		{"status 304", func(c *Conn) { c.Status(304) }, ":status=304"},
		{"status 400", func(c *Conn) { c.Status(400) }, ":status=400"},
		{"status 404", func(c *Conn) { c.Status(404) }, ":status=404"},
		{"status 500", func(c *Conn) { c.Status(500) }, ":status=500"},
		{"status 503", func(c *Conn) { c.Status(503) }, ":status=503"},
		{"status 302", func(c *Conn) { c.Status(302) }, ":status=302"},
		{"length", func(c *Conn) { c.Length(1234) }, "content-length=1234"},
		{"lower case", func(c *Conn) { c.Field("X-Foo", []byte("Bar")) }, "x-foo=Bar"},
		{"static", func(c *Conn) { c.Field("Last-Modified", []byte("x")) }, "last-modified=x"},
		{"connection", func(c *Conn) {
			for _, n := range []string{"Connection", "keep-alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Host", "TE", "HTTP2-Settings"} {
				c.Field(n, []byte("x"))
			}
			c.Field("TE", []byte("trailers"))
		}, "te=trailers"},
		{"fields", func(c *Conn) { c.Fields(&h) }, "x-foo=bar cookie=b cookie=ba"},
		{"request", func(c *Conn) {
			c.Request([]byte("PUT"), "https", []byte("a:1"), []byte("/x?y"), "")
		}, ":method=PUT :scheme=https :authority=a:1 :path=/x?y"},
		{"short request", func(c *Conn) { c.Request([]byte("POST"), "http", []byte("a"), []byte("/"), "") },
			":method=POST :scheme=http :authority=a :path=/"},
		{"extended CONNECT", func(c *Conn) {
			c.Request([]byte("CONNECT"), "https", []byte("a"), []byte("/c"), "websocket")
		}, ":method=CONNECT :scheme=https :authority=a :path=/c :protocol=websocket"},
	}
	for name, i := range staticNames {
		if name == "host" || name == "transfer-encoding" {
			continue
		}
		rows = append(rows, struct {
			name    string
			compose func(c *Conn)
			want    string
		}{name + " is " + strconv.Itoa(int(i)), func(c *Conn) { c.Field(name, []byte("v")) }, name + "=v"})
	}
	l := newLab(t, false, Config{})
	l.do(get(1))
	for _, row := range rows {
		l.said = nil
		l.c.BeginHead(l.open[1])
		row.compose(l.c)
		l.c.EndHead(false)
		l.frames()
		if got, want := strings.Join(l.said, "; "), "> HEADERS 1 "+row.want; got != want {
			t.Errorf("%s: got %q, want %q", row.name, got, want)
		}
	}
}

// TestLongHeadsAreSplit composes heads around the length of one frame.
func TestLongHeadsAreSplit(t *testing.T) {
	for _, n := range []int{100, minFrame - 20, minFrame - 7, minFrame - 6, minFrame - 5, minFrame - 4, minFrame, 3*minFrame - 6, 3*minFrame - 5, 70000} {
		cfg := Config{MaxHead: 1 << 20, MaxField: 1 << 20}
		a, b := newLab(t, false, Config{}), NewClient(Prepare(cfg), NewPool())
		a.do(get(1))
		s, _ := b.Open()
		b.BeginHead(s)
		b.Request([]byte("GET"), "http", []byte("a"), []byte("/"), "")
		b.EndHead(true)
		a.c.BeginHead(a.open[1])
		a.c.Status(200)
		a.c.Field("a", []byte(strings.Repeat("x", n)))
		a.c.EndHead(true)
		in := append(appendFrame(nil, 0, typeSettings, 0, 0), a.c.Out()...)
		var ev Event
		for ev.Kind != Response {
			k, err := b.Next(1, in, &ev)
			if err != nil || k == 0 && ev.Kind == None {
				t.Fatalf("%d bytes: %v, %d left", n, err, len(in))
			}
			in = in[k:]
		}
		if v, _ := ev.Head.Lookup("a"); len(v) != n || strings.Trim(string(v), "x") != "" {
			t.Errorf("a field of %d bytes came with %d", n, len(v))
		}
	}
}

// TestHeadsBehindWhatIsSent composes heads while some of Out is sent.
func TestHeadsBehindWhatIsSent(t *testing.T) {
	for sent := range 40 {
		for _, long := range []int{0, 10, 1000, 15000, 16000, 40000} {
			l := newLab(t, false, Config{})
			l.do(get(1), begin(1), window(1, 1<<20))
			l.said = nil
			l.c.Write(l.open[1], make([]byte, 1000*sent), false)
			want := 1000 * sent
			l.outb.Write(l.c.Out()[:len(l.c.Out())*sent/41])
			l.c.Sent(len(l.c.Out()) * sent / 41)
			l.c.BeginHead(l.open[1])
			l.c.Field("x", []byte(strings.Repeat("y", long/2)))
			l.c.Field("x", []byte(strings.Repeat("y", long-long/2)))
			l.c.EndHead(true)
			l.outb.Write(l.c.Out())
			l.c.Sent(len(l.c.Out()))
			got, heads := 0, 0
			for l.outb.Len() > 0 {
				f, err := l.back.ReadFrame()
				if err != nil {
					t.Fatalf("%d KB sent, a field of %d bytes: %v", sent, long, err)
				}
				switch f := f.(type) {
				case *xhttp2.DataFrame:
					got += len(f.Data())
				case *xhttp2.HeadersFrame, *xhttp2.ContinuationFrame:
					heads++
				}
			}
			if frames := 1 + (long+10)/minFrame; got != want || heads != frames {
				t.Fatalf("%d bytes came, %d frames of a head; want %d, %d", got, heads, want, frames)
			}
		}
	}
}

// TestSmallTables gives the peer no dynamic table, and is told to have none.
func TestSmallTables(t *testing.T) {
	l := newLab(t, false, Config{HeaderTable: -1})
	update := func(l *lab) { l.enc.SetMaxDynamicTableSizeLimit(0) }
	if got, want := l.do(get(1, "x=y"), get(3, "x=y"), ack, update, get(5, "x=y")), "request 5 GET a / x=y end"; !strings.HasSuffix(got, want) {
		t.Errorf("with an update: got %q, want %q", got, want)
	}
	l = newLab(t, false, Config{HeaderTable: -1})
	if got, want := l.do(ack, get(1)), over("1", BadCompression); got != want {
		t.Errorf("without an update: got %q, want %q", got, want)
	}
	l = newLab(t, false, Config{})
	l.dec.SetAllowedMaxDynamicTableSize(0)
	l.do(settings(xhttp2.Setting{ID: settingTable, Val: 0}), get(1))
	begin(1)(l)
	if out := l.c.Out(); len(out) != frameHead+2 || out[frameHead] != 0x20 {
		t.Errorf("the first block is %x, want 20 88", out)
	}
}
