// SPDX-License-Identifier: Apache-2.0

package tlsconn

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"
	"sync"
	"testing"
)

// crypto/tls sends no key update and asks for no renegotiation. A crafter takes
// a client's connection over, by its secrets, and writes records of its own.
// Only AES-128-GCM with SHA-256 is understood.
type crafter struct {
	tb     testing.TB
	conn   net.Conn
	secret []byte // TLS 1.3: the client's traffic secret
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
	tls13  bool
}

const (
	typeAlert, typeHandshake, typeData = 21, 22, 23
	keyUpdateRequest                   = "\x18\x00\x00\x01\x01" // RFC 8446, 4.6.3
)

// A keyLog collects what tls.Config.KeyLogWriter gets.
type keyLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (k *keyLog) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(p)
}

func (k *keyLog) secret(tb testing.TB, label string) []byte {
	tb.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for line := range strings.Lines(k.text.String()) {
		if f := strings.Fields(line); f[0] == label {
			b, err := hex.DecodeString(f[2])
			if err != nil {
				tb.Fatal(err)
			}
			return b
		}
	}
	tb.Fatalf("no secret %s", label)
	return nil
}

// craft13 goes on after a handshake of TLS 1.3, as the given side.
func craft13(tb testing.TB, conn net.Conn, log *keyLog, side string) *crafter {
	c := &crafter{tb: tb, conn: conn, tls13: true}
	c.use(log.secret(tb, side+"_TRAFFIC_SECRET_0"))
	return c
}

func (c *crafter) use(secret []byte) {
	c.secret, c.seq = secret, 0
	c.aead = gcm(c.tb, expand(c.tb, secret, "key", 16))
	c.iv = expand(c.tb, secret, "iv", 12)
}

// update goes to the next generation of keys (RFC 8446, 7.2).
func (c *crafter) update() { c.use(expand(c.tb, c.secret, "traffic upd", 32)) }

// expand is HKDF-Expand-Label with an empty context (RFC 8446, 7.1).
func expand(tb testing.TB, secret []byte, label string, n int) []byte {
	tb.Helper()
	label = "tls13 " + label
	info := append([]byte{0, byte(n), byte(len(label))}, label...)
	out, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), n)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func gcm(tb testing.TB, key []byte) cipher.AEAD {
	tb.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	return aead
}

// craft12 goes on after a handshake of TLS 1.2, of which each side has sent its
// Finished under these keys. random has the hello's of client and server.
func craft12(tb testing.TB, conn net.Conn, log *keyLog, client, server []byte, isClient bool) *crafter {
	master := log.secret(tb, "CLIENT_RANDOM")
	block := prf(master, "key expansion", append(bytes.Clone(server), client...), 40)
	c := &crafter{tb: tb, conn: conn, seq: 1} // 0 was Finished
	if isClient {
		c.aead, c.iv = gcm(tb, block[:16]), block[32:36]
	} else {
		c.aead, c.iv = gcm(tb, block[16:32]), block[36:40]
	}
	return c
}

// prf is P_SHA256 (RFC 5246, 5).
func prf(secret []byte, label string, seed []byte, n int) []byte {
	sum := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	seed = append([]byte(label), seed...)
	var out []byte
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}

// seal returns one record.
func (c *crafter) seal(typ byte, plain string) []byte {
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], c.seq)
	c.seq++
	if !c.tls13 {
		nonce := append(bytes.Clone(c.iv), seq[:]...)
		aad := append(seq[:], typ, 3, 3, byte(len(plain)>>8), byte(len(plain)))
		body := c.aead.Seal(bytes.Clone(seq[:]), nonce, []byte(plain), aad)
		return append([]byte{typ, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
	}
	nonce := bytes.Clone(c.iv)
	for i, b := range seq {
		nonce[4+i] ^= b
	}
	n := len(plain) + 1 + c.aead.Overhead()
	head := []byte{typeData, 3, 3, byte(n >> 8), byte(n)}
	return c.aead.Seal(head, nonce, append([]byte(plain), typ), head)
}

func (c *crafter) write(typ byte, plain string) error {
	_, err := c.conn.Write(c.seal(typ, plain))
	return err
}

// open decrypts one record of TLS 1.3 and returns its type.
func (c *crafter) open(record []byte) (byte, string) {
	nonce := bytes.Clone(c.iv)
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], c.seq)
	c.seq++
	for i, b := range seq {
		nonce[4+i] ^= b
	}
	plain, err := c.aead.Open(nil, nonce, record[recordHeader:], record[:recordHeader])
	if err != nil {
		c.tb.Error(err)
		return 0, ""
	}
	return plain[len(plain)-1], string(plain[:len(plain)-1])
}
