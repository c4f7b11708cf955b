// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"
)

// A visitor is one client of the site: an address and the cookies that it got.
type visitor struct {
	t      *testing.T
	url    string
	cookie string
	http   *http.Client
}

// newVisitor returns a client that connects from local, such as 127.0.3.4; "" is
// any address. It opens a connection for each request.
func newVisitor(t *testing.T, listen, local string) *visitor {
	t.Helper()
	dialer := &net.Dialer{Timeout: 20 * time.Second}
	if local != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(local)}
	}
	return &visitor{t: t, url: "http://" + listen, http: &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, addr)
			}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send sends a request and returns the answer, its body closed. It keeps the
// cookie.
func (v *visitor) send(method, target string, fields http.Header) *http.Response {
	v.t.Helper()
	req, err := http.NewRequest(method, v.url+target, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for name, values := range fields {
		if name == "Host" {
			req.Host = values[0]
			continue
		}
		req.Header[name] = values
	}
	if v.cookie != "" {
		req.Header.Set("Cookie", v.cookie)
	}
	resp, err := v.http.Do(req)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, target, err)
	}
	resp.Body.Close()
	for _, c := range resp.Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
	return resp
}

// visit returns the name of the member that answers.
func (v *visitor) visit() string {
	v.t.Helper()
	resp := v.send("GET", "/", nil)
	if resp.StatusCode != 200 {
		v.t.Errorf("GET /: status %d", resp.StatusCode)
	}
	return resp.Header.Get("X-Origin")
}
