// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/tlsconn"
)

func TestClientsGetTheCertificateOfTheName(t *testing.T) {
	b, v := newSecure(t)
	ca := newAuthority(t)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	v.Save(ImportedItems+"a", ca.pair(t, "a.example", x509.ExtKeyUsageServerAuth))
	v.Save(ImportedItems+"b", ca.pair(t, "b.example", x509.ExtKeyUsageServerAuth))
	more := "certificate \"a\" {}\ncertificate \"b\" {}\n"
	mustServe(t, b, 1, secureText(echoing(t), addr, `certificates = ["a", "b"]`, more))
	for name, want := range map[string]string{"a.example": "a.example", "b.example": "b.example", "c.example": "a.example"} {
		if c, err := shown(t, addr, name); err != nil || c.Subject.CommonName != want {
			t.Errorf("%s gets %v, %v, want %s", name, c, err, want)
		}
	}
	if status, body, st, err := get(t, addr, &tls.Config{RootCAs: ca.pool(), ServerName: "a.example"}); status != 200 || st.Version != tls.VersionTLS13 || !strings.Contains(body, `["https"]`) {
		t.Errorf("got %d, %q, %v", status, body, err)
	}
	mustServe(t, b, 2, secureText(echoing(t), addr, "certificates = [\"a\", \"b\"]\nstrict_sni = true\nprofile = \"modern\"", more))
	if _, err := shown(t, addr, "c.example"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("an unknown name gets %v, want a refusal", err)
	}
	if _, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: "a.example", MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("the profile modern speaks TLS 1.2")
	}
	failedBy(t, b, tlsconn.UnknownName)
	failedBy(t, b, tlsconn.NoSharedVersion)
	if n := b.Clusters()[0].Totals.Handshakes; n != 4 {
		t.Errorf("%d handshakes are counted, want 4", n)
	}
}

// TestTheFirstCertificateIsKept: what the box signs itself, it makes once.
func TestTheFirstCertificateIsKept(t *testing.T) {
	b, v := newSecure(t)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	text := secureText(echoing(t), addr, "", "")
	cfg, _ := config.Parse("x", []byte(text))
	if err := b.Reserve(cfg); err != nil {
		t.Fatal(err)
	}
	if len(v.items) != 0 {
		t.Error("trying a configuration out has kept a certificate")
	}
	mustServe(t, b, 1, text)
	first, err := shown(t, addr, "x")
	if err != nil {
		t.Fatal(err)
	}
	if first.DNSNames[0] != "box.example" || first.IPAddresses[0].String() != "127.0.0.1" || first.PublicKeyAlgorithm != x509.ECDSA {
		t.Errorf("the certificate is for %v %v, with %v", first.DNSNames, first.IPAddresses, first.PublicKeyAlgorithm)
	}
	mustServe(t, b, 2, text)
	again := newRunning(t, Config{Loops: 1, Vault: v})
	other := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	mustServe(t, again, 1, secureText(echoing(t), other, "", ""))
	for _, at := range []string{addr, other} {
		if c, err := shown(t, at, "x"); err != nil || !c.Equal(first) {
			t.Errorf("%s shows another certificate: %v", at, err)
		}
	}
	if err := b.Renew("box"); err != nil {
		t.Fatal(err)
	}
	if c, err := shown(t, addr, "x"); err != nil || c.Equal(first) {
		t.Errorf("after Renew the certificate is the same; %v", err)
	}
	named := secureText(echoing(t), addr, `certificates = ["n"]`, `certificate "n" {
  source = "self_signed"
  names  = ["N.example", "192.0.2.1"]
}`)
	mustServe(t, b, 3, named)
	n1, _ := shown(t, addr, "n.example")
	mustServe(t, b, 4, named)
	n2, _ := shown(t, addr, "n.example")
	mustServe(t, b, 5, strings.Replace(named, "N.example", "m.example", 1))
	m, _ := shown(t, addr, "m.example")
	if !n1.Equal(n2) || n1.DNSNames[0] != "n.example" || m.DNSNames[0] != "m.example" {
		t.Errorf("self-signed: %v, then %v, then with another name %v", n1.DNSNames, n2.DNSNames, m.DNSNames)
	}
}

// TestMissingCertificatesAreRefusedAtCommit: and what runs goes on without.
func TestMissingCertificatesAreRefusedAtCommit(t *testing.T) {
	b, v := newSecure(t)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	text := secureText(echoing(t), addr, "certificates = [\"shop\"]", "certificate \"shop\" {}\n")
	cfg, found := config.Parse("x.hcl", []byte(text))
	if cfg == nil {
		t.Fatal(found)
	}
	err := b.Reserve(cfg)
	if found := (config.Diagnostics{}); !errors.As(err, &found) || found[0].Range.Start.Line == 0 ||
		!strings.Contains(err.Error(), "evener certificate import shop FILE") {
		t.Errorf("Reserve = %v, want what to do, and where", err)
	}
	mustServe(t, b, 1, text)
	if c, err := shown(t, addr, "x"); err != nil || c.DNSNames[0] != "box.example" {
		t.Errorf("without its certificate the cluster shows %v, %v", c, err)
	}
	if p := b.CertificateProblems(); len(p) != 1 || !strings.Contains(p[0].Text, "was not imported") {
		t.Errorf("problems: %+v", p)
	}
	v.Save(ImportedItems+"shop", newAuthority(t).pair(t, "shop.example", x509.ExtKeyUsageServerAuth))
	if err := b.Reload(); err != nil {
		t.Fatal(err)
	}
	if c, _ := shown(t, addr, "x"); c.DNSNames[0] != "shop.example" || len(b.CertificateProblems()) != 0 {
		t.Errorf("after the import: %v, %+v", c.DNSNames, b.CertificateProblems())
	}
	auth := strings.Replace(text, "certificates = [\"shop\"]", "client_auth = \"require\"\nclient_ca = [\"corp\"]", 1) + "trust \"corp\" {}\n"
	if err := serveText(t, b, 2, auth); err == nil || !strings.Contains(err.Error(), "evener trust import corp") {
		t.Errorf("a cluster whose CAs are missing is served: %v", err)
	}
}

// TestReloadDropsNoConnection: certificates change while clients are busy.
func TestReloadDropsNoConnection(t *testing.T) {
	b, v := newSecure(t)
	ca := newAuthority(t)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	v.Save(ImportedItems+"a", ca.pair(t, "a.example", x509.ExtKeyUsageServerAuth))
	mustServe(t, b, 1, secureText(echoing(t), addr, `certificates = ["a"]`, `certificate "a" {}`))
	var stop atomic.Bool
	var asked, opened atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: ca.pool(), ServerName: "a.example"})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for r := bufio.NewReader(c); !stop.Load(); asked.Add(1) {
				io.WriteString(c, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Errorf("a connection that stood: %v", err)
					return
				}
				io.Copy(io.Discard, resp.Body)
			}
		})
		wg.Go(func() {
			for !stop.Load() {
				if _, err := shown(t, addr, "a.example"); err != nil {
					t.Errorf("a new connection: %v", err)
					return
				}
				opened.Add(1)
			}
		})
	}
	var last int64
	for i := range 10 {
		text := ca.pair(t, "a.example", x509.ExtKeyUsageServerAuth)
		last = ca.last
		v.Save(ImportedItems+"a", text)
		if err := b.Reload(); err != nil {
			t.Fatal(err)
		}
		for was, had := asked.Load(), opened.Load(); !t.Failed() && (asked.Load() < was+20 || opened.Load() < had+2); {
			time.Sleep(time.Millisecond)
		}
		if c, err := shown(t, addr, "a.example"); err != nil || c.SerialNumber.Int64() != last {
			t.Errorf("reload %d: new connections get %v, %v", i, c, err)
		}
	}
	stop.Store(true)
	wg.Wait()
}

// TestSessionsAreResumed: across generations, certificates and processes, and not
// with another secret.
func TestSessionsAreResumed(t *testing.T) {
	b, v := newSecure(t)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	origin := echoing(t)
	text := secureText(origin, addr, "", "")
	mustServe(t, b, 1, text)
	client := &tls.Config{InsecureSkipVerify: true, ServerName: "x.example", ClientSessionCache: tls.NewLRUClientSessionCache(10)}
	resumed := func(when string, want bool) {
		t.Helper()
		if _, _, st, err := get(t, addr, client); err != nil || st.DidResume != want {
			t.Errorf("%s: resumed is not %v (%v)", when, want, err)
		}
	}
	resumed("at first", false)
	resumed("again", true)
	mustServe(t, b, 2, text)
	resumed("in the next generation", true)
	next := newRunning(t, Config{Loops: 1, Vault: v, TicketSecret: make([]byte, certs.TicketSecretLen)})
	addr = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	mustServe(t, next, 2, secureText(origin, addr, "", ""))
	resumed("in another process", true)
	if err := next.UseTicketSecret([]byte(strings.Repeat("x", certs.TicketSecretLen))); err != nil {
		t.Fatal(err)
	}
	resumed("with another secret", false)
	mustServe(t, next, 3, secureText(origin, addr, "session_tickets = false", ""))
	resumed("without tickets", false)
	resumed("without tickets", false)
	if n := b.Clusters()[0].Totals.Resumed; n != 2 {
		t.Errorf("%d sessions are counted as resumed, want 2", n)
	}
}

// TestExplainFindsTheClusterByScheme: and its rules see TLS.
func TestExplainFindsTheClusterByScheme(t *testing.T) {
	b, _ := newSecure(t)
	addrs := []string{fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	mustServe(t, b, 1, fmt.Sprintf(`
responder "r" { status = 200 }
cluster "plain" {
  protocol  = "http"
  listen    = [%q]
  responder = "r"
}
cluster "secure" {
  protocol  = "https"
  listen    = [%q]
  responder = "r"
  rule "tls" {
    when      = sni("www.example.com")
    responder = "r"
  }
}
`, addrs[0], addrs[1]))
	for url, want := range map[string]string{
		"http://www.example.com/": "plain", "https://www.example.com/": "secure tls", "http://" + addrs[1] + "/": "secure", "/": "",
	} {
		a, err := b.Explain(Question{URL: url}, nil)
		got := a.Cluster
		if a.Route != nil && a.Route.Rule != "" {
			got += " " + a.Route.Rule
		}
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Explain(%s) asks %q, %v, want %q", url, got, err, want)
		}
	}
	for _, tt := range []struct {
		q    Question
		rule string
		ok   bool
	}{
		{Question{URL: "https://other.example/", SNI: "WWW.example.com."}, "tls", true},
		{Question{URL: "https://www.example.com/", SNI: "other.example"}, "", true},
		{Question{URL: "http://www.example.com/", SNI: "www.example.com"}, "", false},
		{Question{URL: "https://www.example.com/", SNI: "no name"}, "", false},
	} {
		a, err := b.Explain(tt.q, nil)
		if rule := ""; err == nil {
			if a.Route != nil {
				rule = a.Route.Rule
			}
			if rule != tt.rule || !tt.ok {
				t.Errorf("Explain(%+v) = rule %q, want %q, ok %v", tt.q, rule, tt.rule, tt.ok)
			}
		} else if tt.ok || !errors.As(err, new(*QuestionError)) {
			t.Errorf("Explain(%+v): %v", tt.q, err)
		}
	}
}
