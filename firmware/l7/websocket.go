// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"crypto/sha1"
	"encoding/base64"

	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/stats"
)

// A WebSocket begins with GET and Upgrade in HTTP/1.1 (RFC 6455), and with an
// extended CONNECT in HTTP/2 (RFC 8441). Where the two sides differ, the exchange
// asks the one way and answers the other.

// acceptGUID is what RFC 6455 section 1.3 appends to the key.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

const (
	keyField    = "sec-websocket-key"
	acceptField = "sec-websocket-accept"
)

// appendAccept appends the proof that a server has understood the key.
func appendAccept(dst, key []byte) []byte {
	sum := sha1.Sum(append(append(make([]byte, 0, 80), key...), acceptGUID...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// makeKey makes the key that a member of HTTP/1.1 gets for a client of HTTP/2,
// which has none.
func (x *exchange) makeKey() {
	var b [16]byte
	for i := range b {
		b[i] = byte(x.w.random.Uint32())
	}
	base64.StdEncoding.Encode(x.wsKey[:], b[:])
}

// switched reports whether the answer begins the tunnel that was asked for. bad
// says that it claims to and cannot be believed, or that its meaning would be
// another one for the client.
func (x *exchange) switched() (ok, bad bool) {
	h := &x.resp
	switch {
	case !x.upgrade:
		return false, h.Status == 101
	case x.s.stream != nil:
		return h.Status/100 == 2, false
	case h.Status != 101:
		return false, x.req.HTTP2 && h.Status/100 == 2
	case !h.Websocket:
		return false, true
	case x.req.HTTP2:
		got, _ := h.Lookup(acceptField)
		return true, string(got) != string(appendAccept(nil, x.wsKey[:]))
	}
	return true, false
}

// askedBy returns the method that the member sees.
func (x *exchange) askedBy() message.Method {
	if x.upgrade {
		return message.GET
	}
	return x.req.MethodID
}

// hide marks the fields called name, so that they do not go on.
func hide(h *message.Head, name string) {
	for i := range h.Fields {
		if f := &h.Fields[i]; message.EqualFold(h.Bytes(f.Name), name) {
			f.Hop = true
		}
	}
}

// tunnelAnswer tells the client, in its own protocol, that the tunnel stands.
func (x *exchange) tunnelAnswer() {
	c := x.c
	x.status = 101
	if c.stream != nil {
		x.status = 200
		hide(&x.resp, acceptField)
		x.resp.Status, x.resp.Body = 200, message.NoBody
		x.streamAnswer()
		return
	}
	out := http1.AppendStatusLine(c.compose(), 1, 101, x.switchReason())
	out = http1.AppendFields(out, &x.resp)
	out = append(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	if x.s.stream != nil {
		key, _ := x.req.Lookup(keyField)
		out = append(out, "Sec-WebSocket-Accept: "...)
		out = append(appendAccept(out, key), "\r\n"...)
	}
	out = append(out, "\r\n"...)
	c.keep(out)
	x.headBytes = len(out)
}

func (x *exchange) switchReason() []byte {
	if x.s.stream != nil {
		return nil
	}
	return x.resp.Bytes(x.resp.Reason)
}

// canTunnel reports whether the member takes a WebSocket on a stream; if not, it
// answers the client.
func (x *exchange) canTunnel() bool {
	if !x.upgrade || x.s.stream == nil || x.s.stream.mux.h2.ExtendedConnect() {
		return true
	}
	x.dropServer(stats.ErrProtocol)
	x.fail(502, stats.BadAnswer)
	return false
}
