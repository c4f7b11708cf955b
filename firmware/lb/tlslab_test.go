// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/certs"
	"evener/firmware/tlsconn"
)

// A memVault keeps in memory.
type memVault struct {
	mu    sync.Mutex // guards items
	items map[string][]byte
}

func (v *memVault) Load(name string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.items[name], nil
}

func (v *memVault) Save(name string, data []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.items == nil {
		v.items = map[string][]byte{}
	}
	v.items[name] = data
	return nil
}

// An authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	last int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{last: 1}
	a.key, a.cert, a.pem = sign(t, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}, nil)
	return a
}

func sign(t *testing.T, c *x509.Certificate, by *authority) (*ecdsa.PrivateKey, *x509.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(100*24*time.Hour)
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// pair returns PEM of a certificate for name, which may be an address, and its key.
func (a *authority) pair(t *testing.T, name string, usage x509.ExtKeyUsage) []byte {
	t.Helper()
	a.last++
	c := &x509.Certificate{SerialNumber: big.NewInt(a.last), Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{usage}}
	if ip := net.ParseIP(name); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{name}
	}
	key, _, text := sign(t, c, a)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
}

// list returns a revocation list in PEM that ends at next.
func (a *authority) list(t *testing.T, next time.Time, revoked ...int64) []byte {
	t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: next.Add(-2 * time.Hour), NextUpdate: next}
	for _, serial := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: l.ThisUpdate})
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func keyPair(t *testing.T, text []byte) tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair(text, text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newSecure returns a running balancer with a vault and a secret for tickets.
func newSecure(t *testing.T) (*Balancer, *memVault) {
	v := &memVault{}
	return newRunning(t, Config{Loops: 2, Vault: v, TicketSecret: make([]byte, certs.TicketSecretLen), Host: "box.example"}), v
}

// echoing answers with the fields that the box may set.
func echoing(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q %q %q", r.Header["X-Verify"], r.Header["X-Subject"], r.Header["X-Forwarded-Proto"])
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// secureText is a configuration with an https cluster.
func secureText(origin, listen, tls, more string) string {
	return fmt.Sprintf(`
server "s" { address = %q }
pool "p" {
  member "s" {}
}
cluster "c" {
  protocol  = "https"
  listen    = [%q]
  pool      = "p"
  client_ip = true
  tls {
%s
  }
}
%s
`, origin, listen, tls, more)
}

func mustServe(t *testing.T, b *Balancer, number uint64, text string) {
	t.Helper()
	if err := serveText(t, b, number, text); err != nil {
		t.Fatal(err)
	}
}

// shown returns the certificate that a client gets who asks for name.
func shown(t *testing.T, addr, name string) (*x509.Certificate, error) {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: name})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// failedBy waits until one handshake with clients is counted as failed for r; who
// was refused knows it first.
func failedBy(t *testing.T, b *Balancer, r tlsconn.Reason) {
	t.Helper()
	var n uint64
	for end := time.Now().Add(10 * time.Second); n != 1 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		n = b.Clusters()[0].Totals.HandshakeFailed[r]
	}
	if n != 1 {
		t.Errorf("%d handshakes failed by %v, want 1", n, r)
	}
}

// get asks over TLS and returns status and body.
func get(t *testing.T, addr string, cfg *tls.Config, fields ...string) (int, string, *tls.ConnectionState, error) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	req, _ := http.NewRequest("GET", "https://"+addr+"/", nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), resp.TLS, err
}
