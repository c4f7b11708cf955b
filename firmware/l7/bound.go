// SPDX-License-Identifier: Apache-2.0

package l7

import "evener/firmware/message"

// Where connections to members are not shared (tcp_mux), each client of HTTP/1
// keeps the one that it has used: a member may tie something to a connection, such
// as the login of NTLM. The streams of an HTTP/2 client are no one's order, and
// get a connection for each request.

// bind keeps s for the client alone, if the client stays.
func (x *exchange) bind(s *serverConn) bool {
	if !x.keep || x.c.stream != nil {
		return false
	}
	x.c.unbind()
	x.c.bound, s.bound = s, x.c
	return true
}

// unbind closes the connection that is kept for c.
func (c *clientConn) unbind() {
	if s := c.bound; s != nil {
		c.bound, s.bound = nil, nil
		s.close()
	}
}

// boundServer takes the connection that is kept for the client, if it goes to up.
func (x *exchange) boundServer(up *Upstream) *serverConn {
	s := x.c.bound
	if s == nil {
		return nil
	}
	if s.up != up || x.fresh || (!x.req.MethodID.Idempotent() || x.up.framing != message.NoBody) && !s.quiet() {
		x.c.unbind()
		return nil
	}
	x.c.bound, s.bound = nil, nil
	return s
}
