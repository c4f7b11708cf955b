// SPDX-License-Identifier: Apache-2.0

package webuitest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Sockets hands out copies of listening sockets, as the supervisor does. Its
// zero value is ready.
type Sockets struct {
	mu   sync.Mutex // guards held
	held map[netip.AddrPort]*net.TCPListener
}

// Listen returns a copy of each address's socket.
func (s *Sockets) Listen(_ context.Context, addrs []netip.AddrPort) (list []net.Listener, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range addrs {
		l := s.held[a]
		if l == nil {
			if l, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(a)); err != nil {
				break
			}
			if s.held == nil {
				s.held = make(map[netip.AddrPort]*net.TCPListener)
			}
			s.held[a] = l
		}
		f, err := l.File()
		if err != nil {
			return nil, err
		}
		c, err := net.FileListener(f)
		f.Close()
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if err != nil {
		for _, l := range list {
			l.Close()
		}
		return nil, err
	}
	return list, nil
}

// Keep closes the sockets of other addresses.
func (s *Sockets) Keep(addrs []netip.AddrPort) error {
	keep := make(map[netip.AddrPort]bool)
	for _, a := range addrs {
		keep[a] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for a, l := range s.held {
		if !keep[a] {
			l.Close()
			delete(s.held, a)
		}
	}
	return nil
}

// FreeAddr returns an address of the loopback with a socket that s holds, so
// that nobody else can get the port.
func (s *Sockets) FreeAddr() (netip.AddrPort, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return netip.AddrPort{}, err
	}
	a := l.Addr().(*net.TCPAddr).AddrPort()
	a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		s.held = make(map[netip.AddrPort]*net.TCPListener)
	}
	s.held[a] = l
	return a, nil
}

// Certificate returns a certificate that signs itself for name and the loopback
// addresses, and its key, in PEM.
func Certificate(name string) (cert, key string, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &k.PublicKey, k)
	if err != nil {
		return "", "", err
	}
	kb, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return "", "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kb})), nil
}
