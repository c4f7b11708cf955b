// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"evener/firmware/pool"
	"evener/firmware/stats"
	"evener/firmware/tlsconn"
)

func TestClientCertificates(t *testing.T) {
	b, v := newSecure(t)
	ca, other := newAuthority(t), newAuthority(t)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	v.Save(TrustItems+"corp", ca.pem)
	headers := "client_ca = [\"corp\"]\nverified_header = \"X-Verify\"\nsubject_header = \"X-Subject\"\n"
	rule := "trust \"corp\" {}\n"
	good := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{keyPair(t, ca.pair(t, "alice", x509.ExtKeyUsageClientAuth))}}
	bad := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{keyPair(t, other.pair(t, "mallory", x509.ExtKeyUsageClientAuth))}}
	// The hint about acceptable CAs would keep the client from showing this one.
	bad.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &bad.Certificates[0], nil }
	none := &tls.Config{InsecureSkipVerify: true}
	spoof := []string{"X-Verify: SUCCESS", "x-subject: CN=root"}
	for _, tt := range []struct {
		auth   string
		client *tls.Config
		want   string // of the body, "" for a failed handshake
	}{
		{"require", good, `["SUCCESS"] ["CN=alice"] ["https"]`},
		{"require", bad, ""},
		{"require", none, ""},
		{"request", good, `["SUCCESS"] ["CN=alice"] ["https"]`},
		{"request", bad, `["FAILED:unknown_ca"] ["CN=mallory"] ["https"]`},
		{"request", none, `["NONE"] [] ["https"]`},
	} {
		mustServe(t, b, 1, secureText(echoing(t), addr, fmt.Sprintf("client_auth = %q\n", tt.auth)+headers, rule))
		_, body, _, err := get(t, addr, tt.client, spoof...)
		if body != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v, want %q", tt.auth, body, err, tt.want)
		}
	}
	failedBy(t, b, tlsconn.CertUnknownCA)
	failedBy(t, b, tlsconn.CertMissing)
}

// TestRevokedClientsAreRefused: and said to be revoked, not just bad.
func TestRevokedClientsAreRefused(t *testing.T) {
	b, v := newSecure(t)
	ca := newAuthority(t)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	alice := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{keyPair(t, ca.pair(t, "alice", x509.ExtKeyUsageClientAuth))}}
	revoked := ca.last
	bob := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{keyPair(t, ca.pair(t, "bob", x509.ExtKeyUsageClientAuth))}}
	_ = v.Save(TrustItems+"corp", append(bytes.Clone(ca.pem), ca.list(t, time.Now().Add(time.Hour), revoked)...))
	settings := "client_auth = \"require\"\nclient_ca = [\"corp\"]\ncrl = [\"corp\"]\n"
	mustServe(t, b, 1, secureText(echoing(t), addr, settings, "trust \"corp\" {}\n"))
	if _, body, _, err := get(t, addr, alice); err == nil {
		t.Errorf("a revoked client gets %q", body)
	}
	if status, _, _, err := get(t, addr, bob); status != 200 {
		t.Errorf("another client gets %d, %v", status, err)
	}
	failedBy(t, b, tlsconn.CertRevoked)
	_ = v.Save(TrustItems+"corp", append(bytes.Clone(ca.pem), ca.list(t, time.Now().Add(-time.Hour))...))
	if err := b.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := get(t, addr, bob); err == nil {
		t.Error("with an expired list a client is let in")
	}
	if p := b.CertificateProblems(); len(p) != 1 || !strings.Contains(p[0].Text, "the revocation list of CN=test CA has expired 1h") {
		t.Errorf("problems: %+v", p)
	}
	mustServe(t, b, 2, secureText(echoing(t), addr, settings+"expired_crl = \"ignore\"\n", "trust \"corp\" {}\n"))
	if status, _, _, err := get(t, addr, bob); status != 200 {
		t.Errorf("with an expired list that is ignored a client gets %d, %v", status, err)
	}
	other := newAuthority(t)
	_ = v.Save(TrustItems+"corp", append(bytes.Clone(ca.pem), other.list(t, time.Now().Add(time.Hour))...))
	if err := b.Reload(); err == nil {
		t.Error("a list that none of the CAs has signed is taken")
	}
	if status, _, _, err := get(t, addr, bob); status != 200 {
		t.Errorf("after a reload that was refused a client gets %d, %v", status, err)
	}
}

func TestRulesSeeTLS(t *testing.T) {
	b, v := newSecure(t)
	ca := newAuthority(t)
	v.Save(TrustItems+"corp", ca.pem)
	secure, plain := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	text := fmt.Sprintf(`
responder "yes" {
  status = 200
  body   = "yes"
}
responder "tls" {
  status = 200
  body   = "tls"
}
responder "no" {
  status = 200
  body   = "no"
}
trust "corp" {}
cluster "s" {
  protocol  = "https"
  listen    = [%q]
  responder = "no"
  rule "alice" {
    when      = client_cert()
    responder = "yes"
  }
  rule "any" {
    when      = tls() && tls_version("1.3")
    responder = "tls"
  }
  tls {
    client_auth = "request"
    client_ca   = ["corp"]
  }
}
cluster "p" {
  protocol  = "http"
  listen    = [%q]
  responder = "no"
  rule "any" {
    when      = tls()
    responder = "tls"
  }
}
`, secure, plain)
	mustServe(t, b, 1, text)
	known := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{keyPair(t, ca.pair(t, "alice", x509.ExtKeyUsageClientAuth))}}
	if _, body, _, err := get(t, secure, known); body != "yes" {
		t.Errorf("a known client gets %q, %v", body, err)
	}
	if _, body, _, err := get(t, secure, &tls.Config{InsecureSkipVerify: true}); body != "tls" {
		t.Errorf("an unknown client gets %q, %v", body, err)
	}
	resp, err := http.Get("http://" + plain + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "no" {
		t.Errorf("a client in the clear gets %q", body)
	}
}

// TestMembersAreVerified: one whose certificate is not good gets no request.
func TestMembersAreVerified(t *testing.T) {
	b, v := newSecure(t)
	ca, other := newAuthority(t), newAuthority(t)
	v.Save(TrustItems+"ours", ca.pem)
	v.Save(TrustItems+"theirs", other.pem)
	v.Save(ImportedItems+"box", ca.pair(t, "the box", x509.ExtKeyUsageClientAuth))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "sni %q, client %d", r.TLS.ServerName, len(r.TLS.PeerCertificates))
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{keyPair(t, ca.pair(t, "web.example", x509.ExtKeyUsageServerAuth))},
		ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	defer s.Close()
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	text := func(tls string) string {
		return fmt.Sprintf(`
trust "ours" {}
trust "theirs" {}
certificate "box" {}
server "s" { address = %q }
pool "p" {
  member "s" {}
  tls {
%s
  }
  probe "http" {
    host     = "web.example"
    interval = "1s"
    fall     = 1
  }
}
cluster "c" {
  protocol = "http"
  listen   = [%q]
  pool     = "p"
}
`, s.Listener.Addr(), tls, addr)
	}
	for i, tt := range []struct {
		tls    string
		status int
		body   string
		health pool.Health
	}{
		{"ca = [\"ours\"]\nserver_name = \"web.example\"", 200, `sni "web.example", client 0`, pool.Up},
		{"ca = [\"ours\"]\nserver_name = \"web.example\"\ncertificate = \"box\"", 200, `sni "web.example", client 1`, pool.Up},
		{"ca = [\"theirs\"]\nserver_name = \"web.example\"", 502, "", pool.Down},
		{"ca = [\"ours\"]", 502, "", pool.Down},
		{"verify = false", 200, `sni "", client 0`, pool.Up},
	} {
		mustServe(t, b, uint64(i+1), text(tt.tls))
		var got pool.Health
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if got = b.Pools()[0].Members[0].Health; got == tt.health {
				break
			}
		}
		if got != tt.health {
			t.Errorf("%s: the probe says %v, want %v", tt.tls, got, tt.health)
		}
		if tt.status != 200 {
			mustServe(t, b, uint64(i+1), strings.Replace(text(tt.tls), "member \"s\" {}", "member \"s\" { dont_probe = true }", 1))
		}
		resp, err := http.Get("http://" + addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.status || tt.body != "" && string(body) != tt.body {
			t.Errorf("%s: %d %q, want %d %q", tt.tls, resp.StatusCode, body, tt.status, tt.body)
		}
	}
	if n := b.registry.Member("p", "s").Sum().Errors[stats.ErrTLS]; n == 0 {
		t.Error("no error of the member is counted as one of TLS")
	}
}
