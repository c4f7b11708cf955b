// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
)

// reused makes a request and reports whether it went by a connection that stood.
func reused(t *testing.T, tr *http.Transport, url string) (body string, again bool) {
	t.Helper()
	req, _ := http.NewRequest("GET", url, nil)
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { again = i.Reused }}
	resp, err := tr.RoundTrip(req.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
	if err != nil {
		t.Errorf("%s: %v", url, err)
		return "", again
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s: %v", url, err)
	}
	return string(b), again
}

// A commit leaves the connections of clients alone, unless it changes what they have
// agreed on by TLS.
func TestCommitsAndConnectionsOfClients(t *testing.T) {
	a := newAuthority(t)
	origin := echoing(t)
	more := "certificate \"one\" {}\ncertificate \"two\" {}\ntrust \"ca\" {}\n"
	const both = `certificates = ["one", "two"]`
	for _, test := range []struct {
		name, before, after, renew string
		drains                     bool
	}{
		{"nothing", both, both, "", false},
		{"a certificate is renewed", both, both, "one", false},
		{"another certificate goes", both, `certificates = ["one"]`, "", false},
		{"its certificate goes", both, `certificates = ["two"]`, "", true},
		{"strict_sni", both, both + "\nstrict_sni = true", "", true},
		{"profile", both, both + "\nprofile = \"modern\"", "", true},
		{"client_auth", both, both + "\nclient_auth = \"request\"\nclient_ca = [\"ca\"]", "", true},
		{"http2", both, both + "\nhttp2 = false", "", true},
		{"session_tickets", both, both + "\nsession_tickets = false", "", false},
	} {
		b, v := newSecure(t)
		for _, name := range []string{"one", "two"} {
			_ = v.Save("certificate/"+name, a.pair(t, name+".example", x509.ExtKeyUsageServerAuth))
		}
		_ = v.Save("trust/ca", a.pem)
		addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
		mustServe(t, b, 1, secureText(origin, addr, test.before, more))
		tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "one.example"}}
		tr.Protocols.SetHTTP1(true)
		tr.Protocols.SetHTTP2(true)
		reused(t, tr, "https://"+addr)
		if test.renew != "" {
			_ = v.Save("certificate/"+test.renew, a.pair(t, test.renew+".example", x509.ExtKeyUsageServerAuth))
		}
		mustServe(t, b, 2, secureText(origin, addr, test.after, more))
		b.each(func(*unit) {}) // the loops have sent what the commit made due
		b.each(func(*unit) {})
		again := true
		for range 3 { // the client may not have read GOAWAY when it asks first
			_, ok := reused(t, tr, "https://"+addr)
			again = again && ok
		}
		if again == test.drains {
			t.Errorf("%s: the connection goes on: %v, want %v", test.name, again, !test.drains)
		}
		tr.CloseIdleConnections()
	}
}

// What runs at a member ends there over every commit. Connections stay, unless it
// changes how the member is spoken to.
func TestCommitsAndConnectionsToMembers(t *testing.T) {
	arrived, let := make(chan struct{}, 1), make(chan struct{}, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			arrived <- struct{}{}
			<-let
		}
		fmt.Fprintf(w, "%s %s %s", r.Host, r.Proto, r.RemoteAddr)
	})
	start := func(secure bool) string {
		s := httptest.NewUnstartedServer(handler)
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetHTTP1(true)
		s.Config.Protocols.SetHTTP2(secure)
		s.Config.Protocols.SetUnencryptedHTTP2(!secure)
		if s.EnableHTTP2 = secure; secure {
			s.StartTLS()
		} else {
			s.Start()
		}
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	plain, secure, other := start(false), start(true), start(false)
	text := func(addr, protocol, more string, port int) string {
		return fmt.Sprintf(`
server "s" { address = %q }
server "t" { address = %q }
pool "p" {
  protocol = %q
  %s
}
cluster "c" {
  protocol = "http"
  listen   = ["127.0.0.1:%d"]
  pool     = "p"
}
`, addr, other, protocol, more, port)
	}
	const s, unsure = "member \"s\" {}", "\n  tls {\n verify = false\n"
	for _, test := range []struct {
		name                                string
		addr1, protocol1, more1             string
		addr2, protocol2, more2, wantProto2 string
		stays                               bool
	}{
		{"nothing", plain, "h2c", s, plain, "h2c", s, "HTTP/2.0", true},
		{"another policy", plain, "h2c", s, plain, "h2c", s + "\npolicy = \"least_connections\"", "HTTP/2.0", true},
		{"another protocol", plain, "h2c", s, plain, "http", s, "HTTP/1.1", false},
		{"another protocol, back", plain, "http", s, plain, "h2c", s, "HTTP/2.0", false},
		{"to TLS", plain, "h2c", s, secure, "h2", s + unsure + "}", "HTTP/2.0", false},
		{"other TLS", secure, "h2", s + unsure + "}", secure, "h2", s + unsure + "server_name = \"a.example\"\n}", "HTTP/2.0", false},
		{"another member", plain, "h2c", s, plain, "h2c", "member \"t\" {}", "HTTP/2.0", false},
	} {
		b := newRunning(t, Config{Loops: 1, Vault: &memVault{}})
		port := freePort(t)
		url := fmt.Sprintf("http://127.0.0.1:%d", port)
		mustServe(t, b, 1, text(test.addr1, test.protocol1, test.more1, port))
		tr := &http.Transport{}
		first, _ := reused(t, tr, url+"/first")
		slow := make(chan string)
		go func() { got, _ := reused(t, tr, url+"/slow"); slow <- got }()
		<-arrived
		mustServe(t, b, 2, text(test.addr2, test.protocol2, test.more2, port))
		if test.protocol1 == "http" {
			first = "" // the slow one has its connection
		}
		next, _ := reused(t, tr, url+"/next")
		if !strings.Contains(next, test.wantProto2) || (next == first) != test.stays {
			t.Errorf("%s: the next was answered by %q, the first by %q", test.name, next, first)
		}
		let <- struct{}{}
		if got := <-slow; got == "" || first != "" && got != first {
			t.Errorf("%s: what ran was answered by %q, want %q", test.name, got, first)
		}
		tr.CloseIdleConnections()
	}
}
