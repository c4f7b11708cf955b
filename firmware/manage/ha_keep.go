// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// keptConnections is how many connections a rehearsal holds open over a takeover.
const keptConnections = 8

// A heldConn is one of them.
type heldConn struct {
	net.Conn
	in *bufio.Reader
}

// hold opens connections of HTTP that each have had an answer. A target of TCP alone
// has none: a connection that says nothing proves nothing.
func hold(ctx context.Context, t lossTarget) (out []*heldConn) {
	if t.Path == "" {
		return nil
	}
	for range keptConnections {
		c, err := (&net.Dialer{Timeout: probeTimeout}).DialContext(ctx, "tcp", t.Address)
		if err != nil {
			continue
		}
		if t.TLS {
			c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: t.Host, NextProtos: []string{"http/1.1"}})
		}
		h := &heldConn{c, bufio.NewReader(c)}
		if h.asks(t) != nil {
			c.Close()
			continue
		}
		out = append(out, h)
	}
	return out
}

// asks has one exchange on the connection.
func (h *heldConn) asks(t lossTarget) error {
	host := t.Host
	if host == "" {
		host = t.Address
	}
	if err := h.SetDeadline(time.Now().Add(probeTimeout)); err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+host+t.Path, nil)
	if err != nil {
		return err
	}
	if err := req.Write(h); err != nil {
		return err
	}
	resp, err := http.ReadResponse(h.in, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.Close {
		return io.EOF
	}
	return nil
}

// release asks once more on each connection, closes it, and counts.
func release(list []*heldConn, t lossTarget) (kept, broken int) {
	answered := make(chan bool, len(list))
	for _, h := range list {
		go func() {
			defer h.Close()
			answered <- h.asks(t) == nil
		}()
	}
	for range list {
		if <-answered {
			kept++
		} else {
			broken++
		}
	}
	return kept, broken
}
