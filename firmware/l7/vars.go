// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"net/netip"
	"strconv"
	"time"

	"evener/firmware/message"
	"evener/firmware/reactor"
	"evener/firmware/rewrite"
)

// AppendVar appends the value that a variable has for the exchange.
func (x *exchange) AppendVar(dst []byte, v rewrite.Var) []byte {
	switch v.Kind {
	case rewrite.ClientIP:
		return x.c.peer.Addr().Unmap().AppendTo(dst)
	case rewrite.ClientPort:
		return strconv.AppendUint(dst, uint64(x.c.peer.Port()), 10)
	case rewrite.Scheme:
		return append(dst, protoOf(x.c.secure)...)
	case rewrite.ListenIP:
		return x.listenAddr().Addr().Unmap().AppendTo(dst)
	case rewrite.ListenPort:
		return strconv.AppendUint(dst, uint64(x.listenAddr().Port()), 10)
	case rewrite.RequestID:
		if x.hasRequestID() {
			id, _ := x.req.Get(message.XRequestID)
			return append(dst, id...)
		}
		return append(dst, x.ownRequestID()...)
	case rewrite.TimeUnix:
		return strconv.AppendInt(dst, x.w.wall()/int64(time.Second), 10)
	case rewrite.TimeUnixMS:
		return strconv.AppendInt(dst, x.w.wall()/int64(time.Millisecond), 10)
	case rewrite.Cluster, rewrite.Rule, rewrite.Pool, rewrite.Member:
		return x.appendPlace(dst, v.Kind)
	case rewrite.Header:
		if !x.trusted && (forwarding(v.Field) || v.Field == message.XRequestID && x.svc.RequestID) {
			return dst
		}
	}
	if s := x.c.secured; s != nil {
		dst = s.appendVar(dst, v.Kind)
	}
	return v.AppendFrom(dst, &x.req)
}

// appendPlace appends the name of where the request is or goes.
func (x *exchange) appendPlace(dst []byte, k rewrite.Kind) []byte {
	switch {
	case k == rewrite.Cluster:
		return append(dst, x.svc.Cluster...)
	case x.route == nil:
		return dst
	case k == rewrite.Rule:
		return append(dst, x.route.Rule...)
	case x.route.Pool == nil:
		return dst
	case k == rewrite.Pool:
		return append(dst, x.route.Pool.Name()...)
	case x.member >= 0 && (x.live != nil || x.answered):
		return append(dst, x.route.View.Set().Snapshot().Members[x.member].Name...)
	}
	return dst
}

// listenAddr returns the address at which the client's connection was accepted.
func (x *exchange) listenAddr() netip.AddrPort {
	c := x.c.root()
	switch {
	case c.local.IsValid():
		return c.local
	case c.port == nil:
		return netip.AddrPort{}
	case c.port.Addr.IsValid() && !c.port.Addr.Addr().IsUnspecified():
		return c.port.Addr
	}
	return reactor.LocalAddr(c.fd)
}

// appendVar appends the value of a variable that tells of the client's TLS; it is
// empty for others. What a certificate says is known if it was verified.
func (s *Secured) appendVar(dst []byte, k rewrite.Kind) []byte {
	switch k {
	case rewrite.TLSVersion:
		return append(dst, s.Version...)
	case rewrite.TLSCipher:
		return append(dst, s.Cipher...)
	case rewrite.SNI:
		return append(dst, s.ServerName...)
	case rewrite.ClientCertVerified:
		return append(dst, s.Verify...)
	}
	if !s.Verified {
		return dst
	}
	switch k {
	case rewrite.ClientCertSubject:
		return append(dst, s.Subject...)
	case rewrite.ClientCertIssuer:
		return append(dst, s.Issuer...)
	case rewrite.ClientCertSerial:
		return append(dst, s.Serial...)
	case rewrite.ClientCertFingerprint:
		return append(dst, s.Fingerprint...)
	case rewrite.ClientCertPEM:
		return append(dst, s.PEM...)
	}
	return dst
}
