// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"
	"time"
)

// crlOf makes a list of what issuer has revoked.
func crlOf(tb testing.TB, issuer *ca, next time.Time, revoked ...*x509.Certificate) []byte {
	tb.Helper()
	return crlWith(tb, issuer, &x509.RevocationList{NextUpdate: next}, revoked...)
}

func crlWith(tb testing.TB, issuer *ca, list *x509.RevocationList, revoked ...*x509.Certificate) []byte {
	tb.Helper()
	if list.Number == nil {
		list.Number = big.NewInt(1)
	}
	if list.ThisUpdate.IsZero() {
		list.ThisUpdate = list.NextUpdate.Add(-time.Hour)
	}
	for _, c := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: now.Add(-time.Hour)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, issuer.cert, issuer.key)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// A world is CAs and the clients that they have signed, valid around the real
// time since crypto/tls looks at it.
type world struct {
	root, lower, other *ca
	clients            map[string]tls.Certificate
	certs              map[string]*x509.Certificate
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clients: map[string]tls.Certificate{}, certs: map[string]*x509.Certificate{}}
	real := func(c *x509.Certificate) *x509.Certificate {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		return c
	}
	issue := func(name string, parent *ca) *ca {
		key := p256(t)
		return &ca{sign(t, real(caTemplate(name)), key, parent), key}
	}
	w.root, w.other = issue("root", nil), issue("other", nil)
	w.lower = issue("lower", w.root)
	add := func(name string, parent *ca, change func(*x509.Certificate)) {
		tmpl, key := real(client(name)), p256(t)
		change(tmpl)
		c := sign(t, tmpl, key, parent)
		w.certs[name] = c
		w.clients[name] = tls.Certificate{Certificate: [][]byte{c.Raw, w.lower.cert.Raw}, PrivateKey: key, Leaf: c}
	}
	same := func(*x509.Certificate) {}
	add("good", w.root, same)
	add("deep", w.lower, same)
	add("revoked", w.root, same)
	add("deep revoked", w.lower, same)
	add("stranger", w.other, same)
	add("expired", w.root, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	add("future", w.root, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })
	add("server", w.root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	return w
}

func TestClientCertificates(t *testing.T) {
	w := newWorld(t)
	later, past := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	fresh := [][]byte{crlOf(t, w.root, later, w.certs["revoked"]), crlOf(t, w.lower, later, w.certs["deep revoked"])}
	cas := []byte(certPEM(w.root.cert, w.lower.cert))
	onlyRoot := []byte(certPEM(w.root.cert))
	const badCertificate, certExpired, unknownCA, required = 42, 45, 48, 116
	tests := []struct {
		name   string
		cfg    ClientsConfig
		client string
		want   Reason
		alert  tls.AlertError // where certificates are required
	}{
		{"good", ClientsConfig{CAs: cas}, "good", Verified, 0},
		{"none", ClientsConfig{CAs: cas}, "", NoCertificate, required},
		{"unknown CA", ClientsConfig{CAs: cas}, "stranger", UnknownCA, unknownCA},
		{"expired", ClientsConfig{CAs: cas}, "expired", TimeExpired, certExpired},
		{"not yet valid", ClientsConfig{CAs: cas}, "future", TimeNotYet, certExpired},
		{"for servers", ClientsConfig{CAs: cas}, "server", WrongUsage, badCertificate},
		{"intermediate of the client", ClientsConfig{CAs: onlyRoot}, "deep", Verified, 0},
		{"depth 2", ClientsConfig{CAs: onlyRoot, Depth: 2}, "deep", Verified, 0},
		{"too deep", ClientsConfig{CAs: onlyRoot, Depth: 1}, "deep", TooDeep, badCertificate},
		{"an anchor shortens", ClientsConfig{CAs: cas, Depth: 1}, "deep", Verified, 0},
		{"not revoked", ClientsConfig{CAs: cas, CRLs: fresh}, "good", Verified, 0},
		{"revoked", ClientsConfig{CAs: cas, CRLs: fresh}, "revoked", Revoked, badCertificate},
		{"revoked below", ClientsConfig{CAs: cas, CRLs: fresh}, "deep revoked", Revoked, badCertificate},
		{"revoked, list expired", ClientsConfig{CAs: cas, CRLs: [][]byte{crlOf(t, w.root, past, w.certs["revoked"])}}, "revoked", Revoked, badCertificate},
		{"list expired", ClientsConfig{CAs: cas, CRLs: [][]byte{crlOf(t, w.root, past)}}, "good", CRLExpired, badCertificate},
		{"list expired, ignored", ClientsConfig{CAs: cas, CRLPolicy: CRLIgnore, CRLs: [][]byte{crlOf(t, w.root, past)}}, "good", Verified, 0},
		{"revoked, ignored", ClientsConfig{CAs: cas, CRLPolicy: CRLIgnore, CRLs: [][]byte{crlOf(t, w.root, past, w.certs["revoked"])}}, "revoked", Revoked, badCertificate},
		{"no list", ClientsConfig{CAs: []byte(certPEM(w.lower.cert)), CRLs: [][]byte{fresh[1]}}, "deep", Verified, 0},
		{"list of another", ClientsConfig{CAs: cas, CRLs: fresh[1:]}, "good", CRLMissing, badCertificate},
		{"list of another, ignored", ClientsConfig{CAs: cas, CRLPolicy: CRLIgnore, CRLs: fresh[1:]}, "good", Verified, 0},
		{"intermediate revoked", ClientsConfig{CAs: onlyRoot, CRLPolicy: CRLIgnore, CRLs: [][]byte{crlOf(t, w.root, later, w.lower.cert)}},
			"deep", Revoked, badCertificate},
	}
	set := newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("a.example"), p256(t), nil)}})
	for _, tt := range tests {
		for _, mode := range []ClientMode{ClientRequest, ClientRequire} {
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				tt.cfg.Mode = mode
				clients, err := NewClients(tt.cfg, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				c := trusting("a.example")
				c.MaxVersion = version
				if tt.client != "" {
					// Sent whatever the server asks for.
					cert := w.clients[tt.client]
					c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
				}
				got := handshake(newServer(t, ServerConfig{Set: set, Clients: clients}), c)
				name := tt.name + []string{"", ", requested", ", required"}[mode] + map[uint16]string{0x303: ", 1.2", 0x304: ", 1.3"}[version]
				if mode == ClientRequire && tt.want != Verified {
					checkRefused(t, name, got, tt.want, tt.alert, version)
					continue
				}
				if got.serverErr != nil || got.clientError != nil {
					t.Errorf("%s: handshake: %v, %v", name, got.serverErr, got.clientError)
					continue
				}
				r := clients.Check(got.server, time.Now())
				if r.Reason != tt.want || (r.Err() == nil) != (tt.want == Verified) || (r.Cert != nil) != (tt.client != "") {
					t.Errorf("%s: Check() = %v, %v, want %v", name, r.Reason, r.Err(), tt.want)
				}
			}
		}
	}
}

func checkRefused(t *testing.T, name string, got shake, want Reason, wantAlert tls.AlertError, version uint16) {
	t.Helper()
	if want == NoCertificate {
		if version == tls.VersionTLS12 {
			wantAlert = 40 // certificate_required came with 1.3
		}
	} else if r, ok := ReasonOf(got.serverErr, time.Now()); !ok || r != want {
		t.Errorf("%s: ReasonOf(%v) = %v, %t, want %v", name, got.serverErr, r, ok, want)
	}
	if a := alert(got.clientError); a != wantAlert {
		t.Errorf("%s: the client got alert %d (%v), want %d", name, a, got.clientError, wantAlert)
	}
}

func TestOneGoodChainIsEnough(t *testing.T) {
	w := newWorld(t)
	c, err := NewClients(ClientsConfig{Mode: ClientRequire, CAs: []byte(certPEM(w.root.cert, w.lower.cert)), Depth: 1}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	leaf := w.certs["deep"]
	short := []*x509.Certificate{leaf, w.lower.cert}
	long := []*x509.Certificate{leaf, w.lower.cert, w.root.cert}
	for _, tt := range []struct {
		chains [][]*x509.Certificate
		want   Reason
	}{
		{[][]*x509.Certificate{short, long}, Verified},
		{[][]*x509.Certificate{long, short}, Verified},
		{[][]*x509.Certificate{long, long}, TooDeep},
	} {
		state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: tt.chains}
		if got := c.Check(state, time.Now()); got.Reason != tt.want {
			t.Errorf("Check(chains of %d and %d) = %v, want %v", len(tt.chains[0]), len(tt.chains[1]), got.Reason, tt.want)
		}
	}
}

func TestClientResultForHeaders(t *testing.T) {
	tests := map[Reason]string{Verified: "SUCCESS", NoCertificate: "NONE", Revoked: "FAILED:revoked", CRLExpired: "FAILED:crl_expired"}
	for r, want := range tests {
		if got := (ClientResult{Reason: r}).Header(); got != want {
			t.Errorf("Header() of %v = %s, want %s", r, got, want)
		}
	}
	seen := map[string]bool{}
	for r := range NumReasons {
		if s := r.String(); s == "" || seen[s] {
			t.Errorf("reason %d is called %q", r, s)
		} else {
			seen[s] = true
		}
	}
}

func TestCRLsOfOneCA(t *testing.T) {
	root := newCA(t, "root", nil)
	key := p256(t)
	a, b, c := sign(t, client("a"), key, root), sign(t, client("b"), key, root), sign(t, client("c"), key, root)
	scope := func(der string) []pkix.Extension {
		return []pkix.Extension{{Id: oidScope, Critical: true, Value: []byte(der)}}
	}
	later := now.Add(time.Hour)
	older := crlWith(t, root, &x509.RevocationList{ThisUpdate: now.Add(-2 * time.Hour), NextUpdate: later}, a)
	newer := crlWith(t, root, &x509.RevocationList{ThisUpdate: now.Add(-time.Hour), NextUpdate: later}, b)
	users := crlWith(t, root, &x509.RevocationList{NextUpdate: later, ExtraExtensions: scope("\x30\x03\x81\x01\xff")}, a)
	onlyCAs := crlWith(t, root, &x509.RevocationList{NextUpdate: now.Add(-time.Minute), ExtraExtensions: scope("\x30\x03\x82\x01\xff")}, b)
	bundle := append(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: older}), pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: newer})...)
	tests := []struct {
		name         string
		in           [][]byte
		wantA, wantB Reason
		wantC        Reason
		warnings     string
	}{
		{"the newer counts", [][]byte{older, newer}, Verified, Revoked, Verified, ""},
		{"in any order", [][]byte{newer, older}, Verified, Revoked, Verified, ""},
		{"PEM", [][]byte{bundle}, Verified, Revoked, Verified, ""},
		{"parts add up, one expired", [][]byte{users, onlyCAs}, Revoked, Revoked, CRLExpired, "expired"},
		{"in any order too", [][]byte{onlyCAs, users}, Revoked, Revoked, CRLExpired, "expired"},
		{"one part, expired", [][]byte{onlyCAs}, CRLExpired, Revoked, CRLExpired, "expired"},
	}
	for _, tt := range slices.Repeat(tests, 5) { // maps have another order each time
		lists, warnings, err := parseCRLs(tt.in, []*x509.Certificate{root.cert}, now)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		check := func(of *x509.Certificate) Reason {
			return crls{lists: lists}.check([]*x509.Certificate{of, root.cert}, now)
		}
		got, want := []Reason{check(a), check(b), check(c)}, []Reason{tt.wantA, tt.wantB, tt.wantC}
		if !slices.Equal(got, want) || codes(warnings) != tt.warnings {
			t.Errorf("%s: a, b, c are %v, warnings %q, want %v, %q", tt.name, got, codes(warnings), want, tt.warnings)
		}
	}
}

func TestNewClientsSaysWhatWouldBeRight(t *testing.T) {
	root, other := newCA(t, "root", nil), newCA(t, "other", nil)
	leaf := sign(t, server("a.example"), p256(t), root)
	later := now.Add(time.Hour)
	ext := func(id asn1.ObjectIdentifier, der string) *x509.RevocationList {
		return &x509.RevocationList{NextUpdate: later, ExtraExtensions: []pkix.Extension{{Id: id, Critical: true, Value: []byte(der)}}}
	}
	ok := []byte(certPEM(root.cert))
	twin := newCA(t, "root", nil) // the same name, another key
	forged := crlOf(t, twin, later)
	tests := []struct {
		name string
		cfg  ClientsConfig
		want string
	}{
		{"no mode", ClientsConfig{CAs: ok}, "either requested or required"},
		{"no CA", ClientsConfig{Mode: ClientRequire}, "has no PEM block"},
		{"not a CA", ClientsConfig{Mode: ClientRequire, CAs: []byte(certPEM(leaf))}, `line 1: the certificate "a.example" is not a CA`},
		{"a key", ClientsConfig{Mode: ClientRequire, CAs: []byte(keyPEM(t, p256(t)))}, "CERTIFICATE blocks only"},
		{"depth", ClientsConfig{Mode: ClientRequire, CAs: ok, Depth: 17}, "must be 1 to 16"},
		{"CRL of another CA", ClientsConfig{Mode: ClientRequire, CAs: ok, CRLs: [][]byte{crlOf(t, other, later)}}, `no CA in the bundle has signed the CRL of "other"`},
		{"forged CRL", ClientsConfig{Mode: ClientRequire, CAs: ok, CRLs: [][]byte{forged}}, `the CRL of "root" is not signed by the CA of that name`},
		{"no CRL", ClientsConfig{Mode: ClientRequire, CAs: ok, CRLs: [][]byte{[]byte("x")}}, "CRL 1: read"},
		{"certificate as CRL", ClientsConfig{Mode: ClientRequire, CAs: ok, CRLs: [][]byte{ok}}, "a CRL is in X509 CRL blocks"},
		{"delta", ClientsConfig{Mode: ClientRequire, CAs: ok, CRLs: [][]byte{crlWith(t, root, ext(oidDelta, "\x02\x01\x01"))}}, "a delta CRL"},
		{"indirect", ClientsConfig{Mode: ClientRequire, CAs: ok, CRLs: [][]byte{crlWith(t, root, ext(oidScope, "\x30\x03\x84\x01\xff"))}}, "covers certificates of others"},
		{"some reasons", ClientsConfig{Mode: ClientRequire, CAs: ok, CRLs: [][]byte{crlWith(t, root, ext(oidScope, "\x30\x04\x83\x02\x06\x40"))}}, "some reasons only"},
		{"unknown extension", ClientsConfig{Mode: ClientRequire, CAs: ok, CRLs: [][]byte{crlWith(t, root, ext(asn1.ObjectIdentifier{1, 2, 3}, "\x05\x00"))}}, "critical extension 1.2.3"},
	}
	for _, tt := range tests {
		_, err := NewClients(tt.cfg, now)
		contains(t, tt.name, err, tt.want)
	}
	old := caTemplate("old root")
	old.NotBefore, old.NotAfter = now.Add(-2*dayLong), now.Add(-dayLong)
	c, err := NewClients(ClientsConfig{Mode: ClientRequest, CAs: []byte(certPEM(root.cert, sign(t, old, p256(t), nil)))}, now)
	if err != nil || codes(c.Warnings()) != "expired" {
		t.Errorf("NewClients with an expired CA = %v, %v, want a warning", c, err)
	}
}

// TestResumptionChecksTheClientAgain resumes a session after its client has been
// revoked.
func TestResumptionChecksTheClientAgain(t *testing.T) {
	w := newWorld(t)
	cas, later := []byte(certPEM(w.root.cert)), time.Now().Add(time.Hour)
	set := newSet(t, SetConfig{Pairs: []*Pair{pairOf(t, server("a.example"), p256(t), nil)}})
	tickets, err := NewTicketKeys(make([]byte, TicketSecretLen), TicketConfig{})
	if err != nil {
		t.Fatal(err)
	}
	serverWith := func(mode ClientMode, revoked ...*x509.Certificate) (*tls.Config, *Clients) {
		clients, err := NewClients(ClientsConfig{Mode: mode, CAs: cas, CRLs: [][]byte{crlOf(t, w.root, later, revoked...)}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return newServer(t, ServerConfig{Set: set, Clients: clients, Tickets: tickets}), clients
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c := trusting("a.example")
		c.MaxVersion, c.ClientSessionCache = version, tls.NewLRUClientSessionCache(1)
		c.Certificates = []tls.Certificate{w.clients["good"]}
		before, _ := serverWith(ClientRequire)
		if got := handshake(before, c); got.serverErr != nil {
			t.Fatal(got.serverErr)
		}
		if got := handshake(before, c); got.serverErr != nil || !got.server.DidResume {
			t.Fatalf("%x: no resumption: %v", version, got.serverErr)
		}
		asked, clients := serverWith(ClientRequest, w.certs["good"])
		if got := handshake(asked, c); !got.server.DidResume || clients.Check(got.server, time.Now()).Reason != Revoked {
			t.Errorf("%x: a resumed session of a revoked client: resumed %t, %v", version, got.server.DidResume, clients.Check(got.server, time.Now()).Reason)
		}
		after, _ := serverWith(ClientRequire, w.certs["good"])
		got := handshake(after, c)
		if r, _ := ReasonOf(got.serverErr, time.Now()); r != Revoked {
			t.Errorf("%x: a resumed session of a revoked client went on: %v", version, got.serverErr)
		}
	}
}

func TestReasonOfOtherErrors(t *testing.T) {
	if got := reasonOf(x509.CertificateInvalidError{Reason: x509.TooManyConstraints}, nil, now); got != BadCertificate {
		t.Errorf("reasonOf(constraints) = %v, want %v", got, BadCertificate)
	}
	if _, ok := ReasonOf(x509.ErrUnsupportedAlgorithm, now); ok {
		t.Error("ReasonOf(another error) = true")
	}
}
