// SPDX-License-Identifier: Apache-2.0

package l4

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"evener/firmware/balance"
	"evener/firmware/stats"
)

// certificate is one that is good for no name.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// sayTLS is say behind TLS.
func sayTLS(cert tls.Certificate, name string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		io.WriteString(s, name+"\n")
	}
}

func newSNIBox(t *testing.T, fallback bool) *box {
	cert := certificate(t)
	return newBox(t, "tcp", "127.0.0.1:0", members(member("own", serve(t, say("own")))), func(b *box) {
		shop := members(member("shop", serve(t, sayTLS(cert, "shop"))))
		any := members(member("any", serve(t, sayTLS(cert, "any"))))
		b.svc.Names = NewNames([]Name{
			{"shop.test", b.route(b.newPool("shop", shop), balance.RoundRobin)},
			{"*.test", b.route(b.newPool("any", any), balance.RoundRobin)},
		})
		if !fallback {
			b.svc.Default = nil
		}
	})
}

func TestServerNameChoosesThePool(t *testing.T) {
	b := newSNIBox(t, true)
	for _, test := range []struct{ name, want string }{
		{"shop.test", "shop"}, {"SHOP.test", "shop"}, {"x.test", "any"}, {"x.shop.test", "any"},
	} {
		c := tls.Client(b.dial(), &tls.Config{ServerName: test.name, InsecureSkipVerify: true})
		if got := line(t, c); got != test.want {
			t.Errorf("%s went to %s, want %s", test.name, got, test.want)
		}
		c.Close()
	}
	b.gone()
	b.wantLog(`"host":"shop.test"`, `"pool":"any"`)
}

func TestWhatHasNoServerNameGoesToTheClustersOwnPool(t *testing.T) {
	b := newSNIBox(t, true)
	other := clientHello(t, &tls.Config{ServerName: "other.example"})
	for _, first := range []string{"GET / HTTP/1.1\r\n", "x", string(other)} {
		c := b.dial()
		for i := range len(first) { // byte by byte: nothing may be lost
			if _, err := c.Write([]byte{first[i]}); err != nil {
				t.Fatal(err)
			}
		}
		c.CloseWrite()
		got, err := io.ReadAll(c)
		if err != nil || string(got) != "own\n"+first {
			t.Errorf("%.5q: got %q, %v", first, got, err)
		}
	}
	half := b.dial()
	half.Write(other[:100])
	half.CloseWrite()
	if got, err := io.ReadAll(half); err != nil || string(got) != "own\n"+string(other[:100]) {
		t.Errorf("half a hello: got %q, %v", got, err)
	}
}

func TestWithoutAPoolOfItsOwnTheClusterCloses(t *testing.T) {
	b := newSNIBox(t, false)
	c := b.dial()
	io.WriteString(c, "x")
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("client read %v, want a reset", err)
	}
	b.gone()
	if got := b.totals().Aborts[stats.NoMember]; got != 1 {
		t.Errorf("no_member %d, want 1", got)
	}
}

func TestSilentClientsOfServerNamesAreNotWaitedForForever(t *testing.T) {
	b := newSNIBox(t, true)
	b.do(func() { b.svc.Timeouts.ClientHead = 500 * time.Millisecond })
	c := b.dial()
	c.Write([]byte{recordHandshake})
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("client read %v, want a reset", err)
	}
	b.gone()
	if got := b.totals().Aborts[stats.ClientTimeout]; got != 1 {
		t.Errorf("client_timeout %d, want 1", got)
	}
}

func TestConnectionsFinishOnTheirGeneration(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("old", serve(t, say("old")))), nil)
	old := b.w.gen
	c := b.dial()
	line(t, c)
	svc := *b.svc
	svc.Default = b.route(b.newPool("new", members(member("new", serve(t, say("new"))))), balance.RoundRobin)
	now := b.use(&svc, b.port)
	if got := line(t, b.dial()); got != "new" {
		t.Errorf("the new generation serves %s", got)
	}
	if old.Exchanges() != 1 || now.Exchanges() != 1 {
		t.Errorf("old generation has %d, new one %d; want 1, 1", old.Exchanges(), now.Exchanges())
	}
	io.WriteString(c, "still there\n")
	if got := line(t, c); got != "still there" {
		t.Errorf("read %q", got)
	}
	c.Close()
	b.eventually("the old generation has ended", func() bool { return old.Exchanges() == 0 })
}

func TestDrainLetsConnectionsFinish(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, say("a")))), nil)
	c := b.dial()
	line(t, c)
	b.do(b.w.Drain)
	late := b.dial() // it waits in the listening socket's queue, for another process
	io.WriteString(c, "still there\n")
	if got := line(t, c); got != "still there" {
		t.Errorf("read %q", got)
	}
	if got := b.totals().Accepted; got != 1 {
		t.Errorf("accepted %d, want 1", got)
	}
	late.Close()
	c.Close()
	b.gone()
}

func TestCloseAllResets(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, say("a")))), nil)
	c := b.dial()
	line(t, c)
	b.do(b.w.CloseAll)
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("client read %v, want a reset", err)
	}
	if got := b.totals().Aborts[stats.Shutdown]; got != 1 || b.open() != 0 {
		t.Errorf("shutdown %d, open %d; want 1, 0", got, b.open())
	}
}

func TestStopListeningTakesNoMore(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, say("a")))), nil)
	line(t, b.dial())
	b.do(func() { b.w.StopListening(b.port) })
	b.dial()
	b.do(func() {})
	if got := b.totals().Accepted; got != 1 {
		t.Errorf("accepted %d, want 1", got)
	}
}

func TestNothingStaysOpen(t *testing.T) {
	before, list := descriptors(t)
	t.Run("run", func(t *testing.T) {
		list := members(member("dead", refused(t)), member("a", serve(t, echo)))
		b := newBox(t, "tcp", "127.0.0.1:0", list, nil)
		u := newBox(t, "udp", "127.0.0.1:0", members(member("a", echoUDP(t, ""))), nil)
		newBox(t, "udp", "127.0.0.1:0", members(member("a", echoUDP(t, ""))), nil) // without flows
		for i := range 20 {
			c := b.dial()
			go c.Write(make([]byte, 1<<20))
			io.ReadFull(c, make([]byte, 1+i*10_000))
			if i%2 == 0 {
				c.SetLinger(0)
			}
			c.Close()
			ask(t, dialUDPTest(t, u.addr), "x")
		}
		b.gone()
	})
	if after, now := descriptors(t); after != before {
		t.Errorf("%d before:\n%s%d after:\n%s", before, list, after, now)
	}
}

func TestSteadyRelayAllocatesNothing(t *testing.T) {
	b := newBox(t, "tcp", "127.0.0.1:0", members(member("a", serve(t, echo))), nil)
	c := b.dial()
	msg := make([]byte, 100)
	talk := func() {
		if _, err := c.Write(msg); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, msg); err != nil {
			t.Fatal(err)
		}
	}
	if n := allocations(2000, talk); n > 0.05 {
		t.Errorf("an exchange of 100 bytes makes %v allocations, want none", n)
	}
}
