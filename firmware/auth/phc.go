// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// A Cost is what one hash of argon2id takes. The zero Cost is 19 MiB, 2 passes and 1
// thread: the OWASP Password Storage Cheat Sheet's first choice. RFC 9106's own
// second choice takes 64 MiB and four threads, which a small box needs for traffic.
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

var defaultCost = Cost{Memory: 19 << 10, Passes: 2, Threads: 1}

// Bounds of what is believed of a stored hash: a damaged one must not take the box's
// memory.
const (
	maxMemory  = 256 << 10 // KiB
	maxPasses  = 16
	maxThreads = 16
	saltLen    = 16
	keyLen     = 32
)

// A phc is a password's hash with all that is needed to make it again, as the PHC
// string format writes it: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
type phc struct {
	cost      Cost
	salt, key []byte
}

var phcForm = base64.RawStdEncoding.Strict()

// hashPassword makes a hash with a new salt. It takes the memory and time of c.
func hashPassword(password string, c Cost) phc {
	p := phc{cost: c, salt: make([]byte, saltLen)}
	rand.Read(p.salt)
	p.key = p.derive(password)
	return p
}

// nobodys returns a hash of no password that is known. Checking it takes the memory and
// time of c, making it neither, so that a start of the box does not wait for it.
func nobodys(c Cost) phc {
	p := phc{cost: c, salt: make([]byte, saltLen), key: make([]byte, keyLen)}
	rand.Read(p.salt)
	rand.Read(p.key)
	return p
}

func (p phc) derive(password string) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.cost.Passes, p.cost.Memory, p.cost.Threads, keyLen)
}

// verify says whether p is password's hash. It takes the memory and time of p.cost.
func (p phc) verify(password string) bool {
	return subtle.ConstantTimeCompare(p.derive(password), p.key) == 1
}

// String returns the PHC string.
func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.Memory, p.cost.Passes, p.cost.Threads,
		phcForm.EncodeToString(p.salt), phcForm.EncodeToString(p.key))
}

// MarshalText returns the PHC string.
func (p phc) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a PHC string.
func (p *phc) UnmarshalText(b []byte) (err error) {
	*p, err = parsePHC(string(b))
	return err
}

// parsePHC reads what String writes, and nothing else: there is one text only for
// each hash. Its errors do not hold the text.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(s) > 256 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errorf(Invalid, "a stored password must be $argon2id$v=19$m=…,t=…,p=…$salt$hash")
	}
	var p phc
	numbers := strings.Split(parts[3], ",")
	if len(numbers) != 3 {
		return phc{}, errorf(Invalid, "a stored password must have m, t and p")
	}
	var v [3]uint32
	for i, bound := range []struct {
		name     string
		min, max uint64
	}{{"m=", 8, maxMemory}, {"t=", 1, maxPasses}, {"p=", 1, maxThreads}} {
		text, ok := strings.CutPrefix(numbers[i], bound.name)
		n, err := strconv.ParseUint(text, 10, 32)
		if !ok || err != nil || n < bound.min || n > bound.max || strconv.FormatUint(n, 10) != text {
			return phc{}, errorf(Invalid, "a stored password must have %s%d to %d", bound.name, bound.min, bound.max)
		}
		v[i] = uint32(n)
	}
	p.cost = Cost{v[0], v[1], uint8(v[2])}
	if p.cost.Memory < 8*uint32(p.cost.Threads) {
		return phc{}, errorf(Invalid, "a stored password must have 8 KiB for each thread")
	}
	var err1, err2 error
	p.salt, err1 = phcForm.DecodeString(parts[4])
	p.key, err2 = phcForm.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(p.salt) != saltLen || len(p.key) != keyLen || strings.ContainsAny(s, "\r\n") {
		return phc{}, errorf(Invalid, "a stored password must have %d bytes of salt and %d of hash in base64", saltLen, keyLen)
	}
	return p, nil
}
