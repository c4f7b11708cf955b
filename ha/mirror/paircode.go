// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
)

// A transcript is what both boxes must agree on for the codes to be the same.
type transcript struct {
	exporter       []byte // binds to the TLS connection (RFC 8446 section 7.5)
	joins, began   party
	joinsN, beganN [32]byte
}

// A party is what one box says of itself.
type party struct {
	node, address string
	cert          Fingerprint
}

// fields appends each field with its length before it, so that no two lists of
// fields look alike.
func fields(label string, list ...[]byte) []byte {
	b := []byte(label)
	for _, f := range list {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

func (q party) bytes() []byte {
	return fields("box", []byte(q.node), []byte(q.address), q.cert[:])
}

// commitment is what the joining box sends before it sees the other's nonce. It
// hides the nonce and binds to it.
func (t *transcript) commitment() []byte {
	sum := sha256.Sum256(fields("evener pairing 1 commitment",
		t.exporter, t.joins.bytes(), t.began.cert[:], t.joinsN[:]))
	return sum[:]
}

// keys derives the code and the shared secret.
func (t *transcript) keys() (code string, secret [32]byte, err error) {
	salt := append(append([]byte{}, t.joinsN[:]...), t.beganN[:]...)
	prk, err := hkdf.Extract(sha256.New, t.exporter, salt)
	if err != nil {
		return "", secret, err
	}
	both := string(fields("", t.joins.bytes(), t.began.bytes()))
	digits, err := hkdf.Expand(sha256.New, prk, "evener pairing 1 code"+both, 8)
	if err != nil {
		return "", secret, err
	}
	key, err := hkdf.Expand(sha256.New, prk, "evener pairing 1 heartbeat"+both, len(secret))
	if err != nil {
		return "", secret, err
	}
	copy(secret[:], key)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(digits)%1000000), secret, nil
}

// acceptable says why another box cannot be a peer.
func (p *Pairing) acceptable(other *party) error {
	me := p.node.cfg.Node
	switch {
	case !validName(other.node):
		return errors.New("the other box has no proper node name")
	case other.node == me:
		return fmt.Errorf("both boxes are called %q: give one another node name", me)
	case other.cert == p.node.cfg.Identity.Fingerprint():
		return errors.New("both boxes have the same certificate: one is a copy of the other, and needs a new one")
	case !validAddress(other.address):
		return errors.New("the other box's address is no host:port")
	}
	for _, q := range p.node.paired() {
		if (q.Name == other.node) != (q.Fingerprint == other.cert) {
			return fmt.Errorf("%s is paired with %q under another name or certificate: unpair it there first", me, q.Name)
		}
	}
	return nil
}

// validAddress reports whether another box's address can be shown and dialled.
func validAddress(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && port != "" && len(address) <= 256 && clean(address) == address
}

// reachable returns the address that another box names, with the host that it
// came from if it listens on all of its addresses.
func reachable(address, from string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort(from, port)
	}
	return address
}
