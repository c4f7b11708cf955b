// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bytes"

	"evener/firmware/message"
)

// consoleCookie begins the cookie that holds a session of the console (package
// webui has its name). Browsers tell hosts apart by name, not by port (RFC 6265
// section 8.5): an administrator who opens a cluster under the console's own name
// sends it along, and the members must not have it. Nor may they set it.
var consoleCookie = []byte("__Host-evener=")

// keepConsoleCookie takes the console's cookie out of the request. It may run again.
func (x *exchange) keepConsoleCookie() {
	for i := range x.req.Fields {
		f := &x.req.Fields[i]
		if f.ID != message.Cookie {
			continue
		}
		v := x.req.Bytes(f.Value)
		if !bytes.Contains(v, consoleCookie) {
			continue
		}
		if f.Value.Len = uint32(withoutCookie(v)); f.Value.Empty() {
			f.Hop = true
		}
	}
}

// withoutCookie removes the console's cookie from the value of a Cookie field, in
// place, and returns the length of what is left.
func withoutCookie(v []byte) int {
	n := 0
	for rest := v; len(rest) > 0; {
		pair := rest
		if i := bytes.IndexByte(rest, ';'); i >= 0 {
			pair = rest[:i+1]
		}
		rest = rest[len(pair):]
		if !bytes.HasPrefix(bytes.TrimLeft(pair, " \t"), consoleCookie) {
			n += copy(v[n:], pair)
		}
	}
	kept := bytes.TrimLeft(v[:n], " \t")
	n = copy(v, bytes.TrimRight(kept, "; \t"))
	return n
}

// keepConsoleSession drops what a member wants the console's cookie to be.
func (x *exchange) keepConsoleSession() {
	for i := range x.resp.Fields {
		f := &x.resp.Fields[i]
		if f.ID == message.SetCookie && bytes.HasPrefix(bytes.TrimLeft(x.resp.Bytes(f.Value), " \t"), consoleCookie) {
			f.Hop = true
		}
	}
}
