// SPDX-License-Identifier: Apache-2.0

// Package certs holds all that the box knows about key pairs: taking them in,
// showing them, choosing one for a client, the rules of the handshake, the
// certificates of clients, the keys of session tickets, and getting
// certificates from a CA by ACME.
//
// It does not know listeners, the text of the configuration, or how the store
// keeps a key on the disk: the caller hands in bytes, checked values and the
// time, and gets a *tls.Config. It opens no socket, except that ACME speaks to
// its CA over HTTPS.
//
// # From bytes to a handshake
//
//	ParsePEM, ParsePKCS12, SelfSigned, ACME  ->  *Pair     a key and its chain, checked
//	Pairs                                    ->  *Set      which pair a client gets
//	ParseProfile                             ->  Profile   versions, suites, key exchanges
//	NewClients                               ->  *Clients  who may come, by certificate
//	NewTicketKeys                            ->  *TicketKeys
//	all of these, by NewServer               ->  *tls.Config
//
// Everything on this way is immutable once made, so a reload makes new values
// and swaps one pointer. A connection keeps the configuration that its handshake
// began with; nothing is dropped. Only Challenges and ACME change with time; who
// looks a challenge up takes no lock.
//
// # What is refused
//
// A pair with an RSA key below 2048 bits, a curve other than P-256 and P-384,
// a signature by MD5 or SHA-1, a key that belongs to another certificate, or a
// chain that does not lead on from its leaf is an error: the handshake would fail
// or be unsafe. What only might not work is a [Warning]: an expired certificate
// (a backup may be restored years later), an intermediate that is missing, names
// that browsers do not read. Inputs are bounded before they are parsed.
//
// No profile can be made to hold a weak cipher suite, SSL, or TLS 1.0 and 1.1:
// see [Profile].
//
// # Keys
//
// The private key of a Pair leaves it in two ways only: for the handshake, by
// [Pair.Certificate], and for the store, by [Pair.MarshalPEM]. A Pair prints,
// logs and describes itself without the key.
package certs
