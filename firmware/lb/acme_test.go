// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	pebbleca "github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"evener/firmware/certs"
)

// newPebble starts Let's Encrypt's test server, to which every name is 127.0.0.1
// and the ports 80 and 443 are those of two clusters. It returns the URL of its
// directory, and who vouches for that.
func newPebble(t *testing.T, plain, secure int) (directory string, ca []byte) {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_AUTHZREUSE", "0")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	resolver := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{A: net.IPv4(127, 0, 0, 1),
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}})
		}
		_ = w.WriteMsg(m)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = resolver.ActivateAndServe() }()
	t.Cleanup(func() { _ = resolver.Shutdown(); <-done })
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	issuer := pebbleca.New(quiet, store, "", "ecdsa", 0, 1, map[string]pebbleca.Profile{"default": {ValidityPeriod: 90 * 24 * 3600}})
	front := wfe.New(quiet, store, va.New(quiet, plain, secure, true, l.Addr().String(), store), issuer, []string{"ca.example"}, true, false, 0, 0)
	srv := httptest.NewUnstartedServer(front.Handler())
	srv.Config.ErrorLog = quiet
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL + wfe.DirectoryPath, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
}

// TestCertificatesFromACA: the CA convinces itself through the clusters' own
// listeners, and what it gives is in use without anybody's doing.
func TestCertificatesFromACA(t *testing.T) {
	for _, way := range []string{"http-01", "tls-alpn-01"} {
		t.Run(way, func(t *testing.T) {
			plain, secure := freePort(t), freePort(t)
			directory, ca := newPebble(t, plain, secure)
			b, v := newSecure(t)
			_ = v.Save(TrustItems+"pebble", ca)
			addr := "127.0.0.1:" + strconv.Itoa(secure)
			text := secureText(echoing(t), addr, `certificates = ["shop"]`, fmt.Sprintf(`
trust "pebble" {}
acme "test" {
  directory  = %q
  agree_tos  = true
  challenges = [%q]
  ca         = ["pebble"]
}
certificate "shop" {
  source = "acme"
  acme   = "test"
  names  = ["shop.example"]
}
responder "r" { status = 403 }
cluster "plain" {
  protocol  = "http"
  listen    = ["127.0.0.1:%d"]
  responder = "r"
}
`, directory, way, plain))
			mustServe(t, b, 1, text)
			if c := b.Certificates()[0]; c.ACME == nil || !c.StandIn && c.ACME.Leaf == nil {
				t.Errorf("before: %+v", c)
			}
			var last certs.Description
			for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				if c, err := shown(t, addr, "shop.example"); err == nil {
					if last = certs.Describe(c, time.Now()); !last.SelfSigned {
						break
					}
				}
			}
			status := b.Certificates()[0]
			if last.SelfSigned || strings.Join(last.Names, " ") != "shop.example" || status.StandIn || status.ACME.State != certs.ACMEIssued {
				t.Fatalf("clients get %+v; %+v", last, status.ACME)
			}
			if p := b.CertificateProblems(); len(p) > 0 {
				t.Errorf("problems: %+v", p)
			}
			// Another process finds it, and orders none.
			next := newRunning(t, Config{Loops: 1, Vault: v})
			other := fmt.Sprintf("127.0.0.1:%d", freePort(t))
			mustServe(t, next, 1, strings.Replace(text, addr, other, 1))
			if c, err := shown(t, other, "shop.example"); err != nil || certs.Fingerprint(c) != last.Fingerprint {
				t.Errorf("another process shows another certificate: %v", err)
			}
			// Without the block nothing orders any more.
			mustServe(t, b, 2, secureText(echoing(t), addr, "", ""))
			if len(b.issuers) != 0 {
				t.Error("the CA of an old configuration is still asked")
			}
		})
	}
}

// TestFailedOrdersNeedAttention: a CA that cannot be reached is no secret.
func TestFailedOrdersNeedAttention(t *testing.T) {
	b, _ := newSecure(t)
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	mustServe(t, b, 1, secureText(echoing(t), addr, `certificates = ["shop"]`, fmt.Sprintf(`
acme "test" {
  directory = "https://127.0.0.1:%d/dir"
  agree_tos = true
}
certificate "shop" {
  source = "acme"
  acme   = "test"
  names  = ["shop.example"]
}
`, freePort(t))))
	var p []CertificateProblem
	for end := time.Now().Add(30 * time.Second); len(p) == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		p = b.CertificateProblems()
	}
	if len(p) != 1 || !strings.Contains(p[0].Text, `certificate "shop" was not got, the next attempt is in`) || !strings.Contains(p[0].Text, "refused") {
		t.Errorf("problems: %+v", p)
	}
	if c, err := shown(t, addr, "shop.example"); err != nil || c.DNSNames[0] != "shop.example" {
		t.Errorf("meanwhile clients get %v, %v", c, err)
	}
}
