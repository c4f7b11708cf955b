// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"evener/firmware/message"
)

func FuzzRequest(f *testing.F) {
	for _, tc := range requestRows {
		f.Add([]byte(tc.in), uint8(0))
	}
	f.Add([]byte(typicalRequest), uint8(0xff))
	f.Fuzz(func(t *testing.T, in []byte, knobs uint8) {
		o := fuzzOptions(knobs)
		checkSplits(t, in, 1+len(in)/64, func(h *message.Head, buf []byte) (int, error) {
			return ParseRequest(h, buf, o)
		})
		var h message.Head
		n, err := ParseRequest(&h, in, o)
		if err != nil || n == 0 {
			return
		}
		checkRequestOracle(t, &h)
		checkRequestRoundTrip(t, &h)
	})
}

// fuzzOptions turns each option by one bit.
func fuzzOptions(knobs uint8) *Options {
	bit := func(i int) bool { return knobs>>i&1 != 0 }
	o := &Options{Extended: bit(0), RejectGetBody: bit(1), RejectEncodedSlash: bit(2)}
	if bit(3) {
		o.Underscore = Keep
	}
	if bit(4) {
		o.MaxHead, o.MaxField, o.MaxTarget, o.MaxFields = 200, 60, 40, 4
	}
	return o
}

// checkRequestOracle: what we accept, net/http accepts, and it sees the same
// request. Only the empty line that may stand before a request is taken away:
// ReadRequest does not skip it.
func checkRequestOracle(t *testing.T, h *message.Head) {
	t.Helper()
	head := bytes.TrimPrefix(h.Buf, []byte(crlf))
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", head, err)
	}
	if r.Method != string(h.Bytes(h.Method)) || r.Host != string(h.Bytes(h.Authority)) {
		t.Errorf("%q: %q %q, but net/http says %q %q",
			head, h.Bytes(h.Method), h.Bytes(h.Authority), r.Method, r.Host)
	}
	if r.RequestURI != string(h.Bytes(h.Target)) || r.ProtoMajor != 1 || r.ProtoMinor != int(h.Minor) {
		t.Errorf("%q: %q 1.%d, but net/http says %q %s", head, h.Bytes(h.Target), h.Minor, r.RequestURI, r.Proto)
	}
	chunked := len(r.TransferEncoding) == 1 && r.TransferEncoding[0] == "chunked"
	if chunked != (h.Body == message.Chunked) || !chunked && r.ContentLength != h.Length {
		t.Errorf("%q: body %s, but net/http says %v %d", head, body(h), r.TransferEncoding, r.ContentLength)
	}
	if r.Close == h.KeepAlive {
		t.Errorf("%q: KeepAlive %v, but net/http says Close %v", head, h.KeepAlive, r.Close)
	}
}

// rewrite writes h as it would be forwarded.
func rewrite(h *message.Head) []byte {
	out := AppendRequestLine(nil, h.Bytes(h.Method), AppendTarget(nil, h))
	out = AppendField(out, "Host", h.Bytes(h.Authority))
	out = AppendFields(out, h)
	out = AppendCookies(out, h)
	return append(appendFraming(out, h), crlf...)
}

func appendFraming(out []byte, h *message.Head) []byte {
	switch h.Body {
	case message.Length:
		out = AppendLength(out, h.Length)
	case message.Chunked:
		out = AppendField(out, "Transfer-Encoding", []byte("chunked"))
	}
	return out
}

// checkRequestRoundTrip: what is written is read again as the same, and written
// again as the same bytes.
func checkRequestRoundTrip(t *testing.T, h *message.Head) {
	t.Helper()
	out := rewrite(h)
	var again message.Head
	roomy := &Options{MaxHead: 2*len(out) + 1, MaxField: len(out), MaxFields: len(h.Fields) + 3,
		MaxTarget: len(out), Extended: true, Underscore: Keep}
	n, err := ParseRequest(&again, out, roomy)
	if err != nil || n != len(out) {
		t.Fatalf("%q was written as %q, which gives %d, %v", h.Buf, out, n, err)
	}
	if body(h) != body(&again) || h.MethodID != again.MethodID ||
		!bytes.Equal(h.Bytes(h.Authority), again.Bytes(again.Authority)) ||
		!bytes.Equal(h.Bytes(h.Query), again.Bytes(again.Query)) || h.HasQuery != again.HasQuery {
		t.Errorf("%q\n%s\nbecame %q\n%s", h.Buf, describe(h), out, describe(&again))
	}
	if twice := rewrite(&again); !bytes.Equal(twice, out) {
		t.Errorf("%q was written as %q, and then as %q", h.Buf, out, twice)
	}
}

func FuzzResponse(f *testing.F) {
	for _, tc := range responseRows {
		f.Add([]byte(tc.in), tc.req.Method == message.HEAD, tc.req.Upgrade)
	}
	f.Add([]byte(typicalAnswer), false, false)
	f.Fuzz(func(t *testing.T, in []byte, head, upgrade bool) {
		req := ReqInfo{Method: message.GET, Upgrade: upgrade}
		if head {
			req.Method = message.HEAD
		}
		checkSplits(t, in, 1+len(in)/64, func(h *message.Head, buf []byte) (int, error) {
			return ParseResponse(h, buf, nil, req)
		})
		var h message.Head
		n, err := ParseResponse(&h, in, nil, req)
		if err != nil || n == 0 {
			return
		}
		checkAnswerOracle(t, &h, req)
		checkAnswerRoundTrip(t, &h, req)
	})
}

// checkAnswerOracle: what we accept, net/http accepts and frames in the same
// way. It refuses a list of equal lengths, which we merge.
func checkAnswerOracle(t *testing.T, h *message.Head, req ReqInfo) {
	t.Helper()
	for _, f := range h.Fields {
		if f.ID == message.ContentLength && bytes.IndexByte(h.Bytes(f.Value), ',') >= 0 {
			return
		}
	}
	r := &http.Request{Method: "GET"}
	if req.Method == message.HEAD {
		r.Method = "HEAD"
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(h.Buf)), r)
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", h.Buf, err)
	}
	if resp.StatusCode != h.Status {
		t.Errorf("%q: %d, but net/http says %d", h.Buf, h.Status, resp.StatusCode)
	}
	if h.Body == message.NoBody {
		if b, err := io.ReadAll(resp.Body); len(b) != 0 || err != nil {
			t.Errorf("%q: no body, but net/http says %q, %v", h.Buf, b, err)
		}
		return
	}
	chunked := len(resp.TransferEncoding) == 1 && resp.TransferEncoding[0] == "chunked"
	if chunked != (h.Body == message.Chunked) {
		t.Errorf("%q: body %s, but net/http says %v", h.Buf, body(h), resp.TransferEncoding)
	}
	if want := h.Length; h.Body == message.Length && resp.ContentLength != want ||
		h.Body == message.UntilClose && resp.ContentLength != -1 {
		t.Errorf("%q: body %s, but net/http says %d", h.Buf, body(h), resp.ContentLength)
	}
}

func checkAnswerRoundTrip(t *testing.T, h *message.Head, req ReqInfo) {
	t.Helper()
	if h.Status == 101 {
		return // Upgrade is written by those who let it through
	}
	out := AppendStatusLine(nil, 1, h.Status, h.Bytes(h.Reason))
	out = AppendFields(out, h)
	out = append(appendFraming(out, h), crlf...)
	var again message.Head
	roomy := &Options{MaxHead: 2*len(out) + 1, MaxField: len(out), MaxFields: len(h.Fields) + 3}
	n, err := ParseResponse(&again, out, roomy, req)
	if err != nil || n != len(out) {
		t.Fatalf("%q was written as %q, which gives %d, %v", h.Buf, out, n, err)
	}
	if body(h) != body(&again) || h.Status != again.Status || forwarded(h) != forwarded(&again) {
		t.Errorf("%q\n%s\nbecame %q\n%s", h.Buf, describe(h), out, describe(&again))
	}
}

func FuzzChunks(f *testing.F) {
	for _, tc := range chunkRows {
		f.Add([]byte(tc.in), uint16(3), uint16(7))
	}
	f.Fuzz(func(t *testing.T, in []byte, i, j uint16) {
		var c, pieces, single Chunks
		data, n, end := chunks(&c, string(in))
		a, b := int(i)%(len(in)+1), int(j)%(len(in)+1)
		if d, m, e := chunks(&pieces, string(in), min(a, b), max(a, b)); d != data || e != end || end == "done" && m != n {
			t.Fatalf("%q is %q %s, but in pieces %q %s", in, data, end, d, e)
		}
		every := make([]int, len(in))
		for k := range every {
			every[k] = k
		}
		if d, _, e := chunks(&single, string(in), every...); d != data || e != end {
			t.Fatalf("%q is %q %s, but byte by byte %q %s", in, data, end, d, e)
		}
		if end == "done" {
			checkChunksOracle(t, in[:n], data)
			checkChunksRoundTrip(t, data, c.Trailer())
		}
	})
}

// checkChunksOracle: net/http gets the same data out of a body that we accept.
func checkChunksOracle(t *testing.T, in []byte, data string) {
	t.Helper()
	got, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(in)))
	if excess(in) && err != nil {
		return
	}
	if err != nil || string(got) != data {
		t.Errorf("%q is %q, but net/http says %q, %v", in, data, got, err)
	}
}

// excess reports whether in may have more framing than net/http lets pass: it
// bounds the bytes that are not data, by 16 for each chunk and 16 KiB.
func excess(in []byte) bool { return len(in) > 16<<10 }

func checkChunksRoundTrip(t *testing.T, data string, trailer []byte) {
	t.Helper()
	var out []byte
	for part := range strings.SplitSeq(data, "x") { // any way to cut it
		if len(part) != 0 {
			out = append(AppendChunkHead(out, len(part)), part...)
			out = append(out, crlf...)
		}
	}
	var h message.Head
	if trailer == nil {
		out = append(out, LastChunk...)
	} else if _, err := ParseTrailers(&h, trailer, nil); err != nil {
		return // beyond the limits for one field
	} else {
		out = AppendTrailers(out, &h)
	}
	var c Chunks
	got, n, end := chunks(&c, string(out))
	if want := strings.ReplaceAll(data, "x", ""); got != want || n != len(out) || end != "done" {
		t.Errorf("%q was written as %q, which gives %q, %d, %s", want, out, got, n, end)
	}
}
