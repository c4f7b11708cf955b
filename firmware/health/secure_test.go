// SPDX-License-Identifier: Apache-2.0

package health

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

// secureServer answers requests over TLS, and tells the Host that it was asked
// for and whether the box has shown a certificate.
func secureServer(t *testing.T, cert tls.Certificate) netip.AddrPort {
	t.Helper()
	return serve(t, func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert})
		defer s.Close()
		r, err := http.ReadRequest(bufio.NewReader(s))
		if err != nil {
			return
		}
		shown := "shows none"
		if len(s.ConnectionState().PeerCertificates) > 0 {
			shown = "shows one"
		}
		body := "ok " + r.Host + " " + shown
		io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
	})
}

// Probes that ask over TLS check the certificate first; what they ask is seen in
// the transcript in the clear.
func TestProbesOverTLS(t *testing.T) {
	cert, roots := certificate(t, "shop.example", time.Now().Add(100*time.Hour))
	trusting := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	showing := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	for _, tt := range []struct {
		name string
		p    ProbeConfig
		want Outcome
		text string
	}{
		{"http", ProbeConfig{Type: HTTP, TLS: trusting, ServerName: "shop.example", Expect: "ok shop.example shows none"}, Good, "status 200"},
		{"http with a certificate", ProbeConfig{Type: HTTP, TLS: showing, ServerName: "shop.example", Expect: "shows one"}, Good, "status 200"},
		{"http with a host", ProbeConfig{Type: HTTP, TLS: trusting, ServerName: "shop.example", Host: "a.example", Expect: "ok a.example"}, Good, "status 200"},
		{"acv", ProbeConfig{Type: ACV, TLS: trusting, ServerName: "shop.example", Send: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", Expect: "ok x"}, Good, "found"},
		{"tcp", ProbeConfig{Type: TCP, TLS: trusting, ServerName: "shop.example"}, Good, "TLS handshake"},
		{"another name", ProbeConfig{Type: TCP, TLS: trusting, ServerName: "other.example"}, Bad, "not other.example"},
		{"unknown authority", ProbeConfig{Type: HTTP, TLS: &tls.Config{RootCAs: x509.NewCertPool()}, ServerName: "shop.example"}, Bad, "unknown authority"},
		{"no verification", ProbeConfig{Type: HTTP, SkipVerify: true, Expect: "shows none"}, Good, "status 200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.p.Secure = true
			r, x := put(t, tt.p, secureServer(t, cert))
			if r.Outcome != tt.want || !strings.Contains(r.Detail, tt.text) {
				t.Errorf("%v: %s, want %v with %q", r.Outcome, r.Detail, tt.want, tt.text)
			}
			if tt.p.Type == HTTP && tt.want == Good && !strings.HasPrefix(x.Sent, "GET / HTTP/1.1") {
				t.Errorf("the transcript says that %q was sent", x.Sent)
			}
		})
	}
}

func TestSecureProbesAreCompared(t *testing.T) {
	a := ProbeConfig{Type: HTTP, Secure: true, TLS: &tls.Config{}, TLSID: "a"}
	same := a
	same.TLS = &tls.Config{ServerName: "x"}
	other, plain := a, a
	other.TLSID, plain.TLS = "b", nil
	if !a.equal(same) || a.equal(other) || a.equal(plain) {
		t.Errorf("equal(same, other, plain) = %v, %v, %v; want true, false, false", a.equal(same), a.equal(other), a.equal(plain))
	}
	if err := (ProbeConfig{Type: Agent, Secure: true}).Check(); err == nil {
		t.Error("an agent probe over TLS is taken")
	}
}
