// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
)

var (
	errNoHTTP2   = errors.New("the server does not speak HTTP/2 (h2 was not negotiated by ALPN)")
	errConnAgain = errors.New("the connection is of no more use")
)

// speaksHTTP2 reports whether q asks by HTTP/2.
func (q question) speaksHTTP2() bool { return q.HTTP2 || q.Type == GRPC }

// roundTrip makes one request by HTTP/2 over conn, and no other: neither redirects nor
// proxies nor further connections. What is behind the head comes by resp.Body, before
// end is called.
func (q question) roundTrip(ctx context.Context, conn *wire, req *http.Request) (resp *http.Response, end func(), err error) {
	raw := net.Conn(conn)
	if q.Secure {
		secured := conn.Conn.(*tls.Conn)
		if secured.ConnectionState().NegotiatedProtocol != "h2" {
			return nil, nil, &shakeError{bad(Handshake, "%v", errNoHTTP2)}
		}
		raw = secured // net/http looks at what was negotiated
	}
	left := 1
	dial := func(context.Context, string, string) (net.Conn, error) {
		if left--; left < 0 {
			return nil, errConnAgain
		}
		return raw, nil
	}
	tr := &http.Transport{
		DialContext: dial, DialTLSContext: dial, Protocols: new(http.Protocols),
		DisableCompression: true, MaxResponseHeaderBytes: maxHead,
	}
	tr.Protocols.SetHTTP2(q.Secure)
	tr.Protocols.SetUnencryptedHTTP2(!q.Secure)
	resp, err = tr.RoundTrip(req.WithContext(ctx))
	if err != nil {
		tr.CloseIdleConnections()
		return nil, nil, err
	}
	return resp, func() { resp.Body.Close(); tr.CloseIdleConnections() }, nil
}

// requestTo returns a request to q's server.
func (q question) requestTo(method, path, content string) (*http.Request, error) {
	scheme := "http://"
	if q.Secure {
		scheme = "https://"
	}
	req, err := http.NewRequest(method, scheme+q.host()+path, strings.NewReader(content))
	if err != nil {
		return nil, err
	}
	if content == "" {
		req.Body, req.GetBody = http.NoBody, nil
	}
	req.Header.Set("User-Agent", "evener-health")
	return req, nil
}

// probe2 is probe for a server that speaks HTTP/2.
func (p httpProber) probe2(ctx context.Context, t *transcript) Result {
	req, err := p.requestTo(p.Method, p.Path, "")
	if err != nil {
		return bad(Failed, "make request: %v", err)
	}
	req.Header.Set("Accept", "*/*")
	conn, err := p.dial(ctx, t)
	if err != nil {
		return p.unconnected(ctx, err)
	}
	defer conn.Close()
	t.notef("HTTP/2: %s %s, authority %s", p.Method, p.Path, p.host())
	resp, end, err := p.roundTrip(ctx, conn, req)
	if e, ok := errors.AsType[*shakeError](err); ok {
		return e.result
	}
	if err != nil {
		return p.broken(ctx, "wait for the answer", err)
	}
	defer end()
	t.notef("HTTP/2: status %s", resp.Status)
	return p.judge(ctx, resp)
}
