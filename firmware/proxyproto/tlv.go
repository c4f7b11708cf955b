// SPDX-License-Identifier: Apache-2.0

package proxyproto

import "encoding/binary"

// A Type says what a TLV holds. Those from 0xe0 to 0xef are for applications.
type Type uint8

// The registered types (section 2.2), and within TypeSSL the subtypes.
const (
	TypeALPN      Type = 0x01
	TypeAuthority Type = 0x02
	TypeCRC32C    Type = 0x03
	TypeNoop      Type = 0x04
	TypeUniqueID  Type = 0x05
	TypeSSL       Type = 0x20
	TypeNetNS     Type = 0x30

	SubtypeVersion    Type = 0x21
	SubtypeCN         Type = 0x22
	SubtypeCipher     Type = 0x23
	SubtypeSigAlg     Type = 0x24
	SubtypeKeyAlg     Type = 0x25
	SubtypeGroup      Type = 0x26
	SubtypeSigScheme  Type = 0x27
	SubtypeClientCert Type = 0x28
)

// maxUniqueID is the length of a unique ID in bytes (section 2.2.5).
const maxUniqueID = 128

// A ClientFlags says what the client did in TLS (section 2.2.6).
type ClientFlags uint8

// The flags that there are.
const (
	ClientTLS         ClientFlags = 1 << iota // connected with TLS
	ClientCertConn                            // presented a certificate on this connection
	ClientCertSession                         // presented a certificate in this TLS session
)

// Parts are what a header tells beside the addresses.
type Parts uint8

// The parts.
const (
	PartAuthority Parts = 1 << iota
	PartTLS             // the client's version, cipher and whether it has shown a certificate
	PartCN              // with PartTLS: whose certificate
	PartALPN
	PartUniqueID
	PartChecksum
)

// Only leaves nothing in h but p and the addresses; the checksum is there with its
// part. A part that h has not stays away.
func (h *Header) Only(p Parts) {
	if p&PartAuthority == 0 {
		h.Authority = nil
	}
	if p&PartTLS == 0 {
		h.TLS = TLS{}
	}
	if p&PartCN == 0 {
		h.TLS.CN = nil
	}
	if p&PartALPN == 0 {
		h.ALPN = nil
	}
	if p&PartUniqueID == 0 {
		h.UniqueID = nil
	}
	h.Checksum = p&PartChecksum != 0
}

// TLS is what a sender says of the client's TLS connection (section 2.2.6), if
// Present. The names are those of the sender's TLS library.
type TLS struct {
	Present   bool
	Client    ClientFlags
	Verify    uint32 // 0: the client presented a certificate, and it was verified
	Version   []byte // such as "TLSv1.3"
	CN        []byte // common name of the client's certificate
	Cipher    []byte // such as "TLS_AES_128_GCM_SHA256"
	SigAlg    []byte // that signed the sender's certificate
	KeyAlg    []byte // of the sender's certificate
	Group     []byte // of the key exchange
	SigScheme []byte // of the handshake
}

// Verified reports whether the client has proved to be who CN says.
func (t *TLS) Verified() bool {
	return t.Present && t.Client&(ClientCertConn|ClientCertSession) != 0 && t.Verify == 0
}

// field returns where the value of a subtype is kept, nil if it is not.
func (t *TLS) field(sub Type) *[]byte {
	switch sub {
	case SubtypeVersion:
		return &t.Version
	case SubtypeCN:
		return &t.CN
	case SubtypeCipher:
		return &t.Cipher
	case SubtypeSigAlg:
		return &t.SigAlg
	case SubtypeKeyAlg:
		return &t.KeyAlg
	case SubtypeGroup:
		return &t.Group
	case SubtypeSigScheme:
		return &t.SigScheme
	}
	return nil
}

// field returns where the value of a type is kept, nil if it is not.
func (h *Header) field(t Type) *[]byte {
	switch t {
	case TypeALPN:
		return &h.ALPN
	case TypeAuthority:
		return &h.Authority
	case TypeUniqueID:
		return &h.UniqueID
	case TypeNetNS:
		return &h.NetNS
	}
	return nil
}

// The length of what stands before a value, and before the subtypes of TypeSSL:
// flags and the result of the verification.
const (
	tlvHead = 1 + 2
	sslHead = 1 + 4
)

// nextTLV cuts the first TLV from b; !ok if it is not whole. The value cannot
// be appended to and is never nil.
func nextTLV(b []byte) (t Type, value, rest []byte, ok bool) {
	if len(b) < tlvHead {
		return 0, nil, nil, false
	}
	end := tlvHead + int(binary.BigEndian.Uint16(b[1:]))
	if len(b) < end {
		return 0, nil, nil, false
	}
	return Type(b[0]), b[tlvHead:end:end], b[end:], true
}

// Why TLVs are refused.
const (
	errTLVLength = MalformedError("a TLV does not end where its surroundings end")
	errTLVTwice  = MalformedError("a TLV is there twice")
	errTLVValue  = MalformedError("a TLV has a value of impossible length")
	errChecksum  = MalformedError("the checksum is wrong")
)

// readTLVs fills in the fields from h.tlvs, the end of header. What it has a
// field for may be there only once, as receivers would differ in which one
// holds.
func (h *Header) readTLVs(header []byte) error {
	for rest := h.tlvs; len(rest) > 0; {
		t, value, after, ok := nextTLV(rest)
		if !ok {
			return errTLVLength
		}
		rest = after
		switch t {
		case TypeCRC32C:
			if h.Checksum {
				return errTLVTwice
			}
			if len(value) != 4 {
				return errTLVValue
			}
			at := len(header) - len(after) - len(value)
			if binary.BigEndian.Uint32(value) != checksum(header, at) {
				return errChecksum
			}
			h.Checksum = true
		case TypeSSL:
			if err := h.TLS.read(value); err != nil {
				return err
			}
		default:
			if err := set(h.field(t), value); err != nil {
				return err
			}
		}
	}
	if len(h.UniqueID) > maxUniqueID {
		return errTLVValue
	}
	return nil
}

// read fills t from the value of a TypeSSL.
func (t *TLS) read(value []byte) error {
	if t.Present {
		return errTLVTwice
	}
	if len(value) < sslHead {
		return errTLVValue
	}
	t.Present = true
	t.Client = ClientFlags(value[0])
	t.Verify = binary.BigEndian.Uint32(value[1:])
	for rest := value[sslHead:]; len(rest) > 0; {
		sub, value, after, ok := nextTLV(rest)
		if !ok {
			return errTLVLength
		}
		rest = after
		if err := set(t.field(sub), value); err != nil {
			return err
		}
	}
	return nil
}

// set stores a value where there is a place for it, once.
func set(field *[]byte, value []byte) error {
	if field == nil {
		return nil
	}
	if *field != nil {
		return errTLVTwice
	}
	*field = value
	return nil
}
