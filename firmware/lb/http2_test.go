// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// versions returns a server and a client that speak one version of HTTP only.
func versions(v string) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(v == "http")
	p.SetHTTP2(v == "h2")
	p.SetUnencryptedHTTP2(v == "h2c")
	return p
}

// TestProtocolsOfBothSides has each kind of client reach each kind of member, and
// no client speak what its cluster does not.
func TestProtocolsOfBothSides(t *testing.T) {
	for _, server := range []string{"http", "h2", "h2c"} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Proto)
		}))
		s.Config.Protocols = versions(server)
		secure := ""
		if server == "h2" {
			s.EnableHTTP2, secure = true, "tls { verify = false }"
			s.StartTLS()
		} else {
			s.Start()
		}
		defer s.Close()
		b := newRunning(t, Config{Loops: 1, Vault: &memVault{}})
		clear, plain, tlsAddr := freePort(t), freePort(t), freePort(t)
		text := fmt.Sprintf(`
server "s" { address = %q }
pool "p" {
  protocol = %q
  member "s" {}
  %s
}
cluster "clear" {
  protocol = "http"
  listen   = ["127.0.0.1:%d"]
  pool     = "p"
  h2c      = true
}
cluster "plain" {
  protocol = "http"
  listen   = ["127.0.0.1:%d"]
  pool     = "p"
}
cluster "secure" {
  protocol = "https"
  listen   = ["127.0.0.1:%d"]
  pool     = "p"
  tls {}
}
`, s.Listener.Addr(), server, secure, clear, plain, tlsAddr)
		if err := serveText(t, b, 1, text); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"http": "HTTP/1.1", "h2": "HTTP/2.0", "h2c": "HTTP/2.0"}[server]
		for _, test := range []struct {
			client, url string
			ok          bool
		}{
			{"http", fmt.Sprintf("http://127.0.0.1:%d/", clear), true},
			{"h2c", fmt.Sprintf("http://127.0.0.1:%d/", clear), true},
			{"http", fmt.Sprintf("http://127.0.0.1:%d/", plain), true},
			{"h2c", fmt.Sprintf("http://127.0.0.1:%d/", plain), false},
			{"http", fmt.Sprintf("https://127.0.0.1:%d/", tlsAddr), true},
			{"h2", fmt.Sprintf("https://127.0.0.1:%d/", tlsAddr), true},
		} {
			tr := &http.Transport{Protocols: versions(test.client), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
			resp, err := (&http.Client{Transport: tr}).Get(test.url)
			if (err == nil) != test.ok {
				t.Errorf("%s client of %s: %v", test.client, test.url, err)
			}
			if err != nil {
				continue
			}
			body := make([]byte, 8)
			n, _ := resp.Body.Read(body)
			if string(body[:n]) != want {
				t.Errorf("%s client: the %s member was asked by %q", test.client, server, body[:n])
			}
			resp.Body.Close()
			tr.CloseIdleConnections()
		}
	}
}
