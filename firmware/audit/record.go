// SPDX-License-Identifier: Apache-2.0

// Package audit keeps who did what: an append-only log of JSON
// lines in a folder, in which each record holds the hash of the one before it.
// Whoever changes, removes or inserts a record breaks the chain at that place,
// and [Log.Verify] says where.
//
// The chain has no key: somebody who may write the folder can write all of it
// anew. Send the records to another host too (package alert) where that matters.
//
// It knows nothing of methods, users or transports; package manage writes to it.
package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Record is one thing that was done, or tried. Seq, Prev and Hash are set by
// the log, and Time where it is zero. Secrets must be redacted by the caller.
// Fields are cut to [MaxField] bytes.
type Record struct {
	Seq      uint64    `json:"seq"`  // from 1, without gaps
	Prev     string    `json:"prev"` // hash of the record before, in hex; zeros before the first
	Time     time.Time `json:"time"` // UTC
	User     string    `json:"user,omitempty"`
	Origin   string    `json:"origin,omitempty"`  // cli, api, console, web, panel, serial; box: the box itself
	Remote   string    `json:"remote,omitempty"`  // address or process of the caller
	Session  string    `json:"session,omitempty"` // id, never a token
	Method   string    `json:"method"`            // such as server.drain
	Object   string    `json:"object,omitempty"`  // path, such as pool/shop/member/web2
	What     string    `json:"what,omitempty"`    // in words, such as "drain shop/web2"
	Before   string    `json:"before,omitempty"`
	After    string    `json:"after,omitempty"`
	Revision uint64    `json:"revision,omitempty"` // of the configuration, after it
	Outcome  string    `json:"outcome"`            // ok, or the kind of the error
	Message  string    `json:"message,omitempty"`  // of the error
	Note     string    `json:"note,omitempty"`     // why, in the words of who did it
	Hash     string    `json:"-"`                  // SHA-256 of the line without it, in hex; last in the line
}

// OK is the outcome of what was done.
const OK = "ok"

// Methods of records that the log writes by itself; their origin is "box".
const (
	MethodBegun  = "audit.begun"  // the log was made
	MethodTorn   = "audit.torn"   // a last line that was not whole was cut off
	MethodBroken = "audit.broken" // the last line is damaged; it was left, the chain goes on after the last good one
	MethodLost   = "audit.lost"   // records were not written, because the disk was full or slow
	MethodPruned = "audit.pruned" // the oldest file was removed
)

// MaxField is what is kept of one field, in bytes.
const MaxField = 4096

// maxLine bounds a line: 13 fields, each byte of which may need six in JSON.
const maxLine = 13*6*MaxField + 1024

// zeros is what the first record has in place of a hash.
var zeros = strings.Repeat("0", 2*sha256.Size)

const (
	hashBegin = `,"hash":"`
	hashEnd   = `"}`
	hashPart  = len(hashBegin) + 2*sha256.Size + len(hashEnd)
)

// MarshalJSON writes r with its hash, as the log has it.
func (r Record) MarshalJSON() ([]byte, error) {
	line, err := r.body()
	if err != nil {
		return nil, err
	}
	return withHash(line, r.Hash), nil
}

// UnmarshalJSON reads what MarshalJSON has written, without checking the hash.
func (r *Record) UnmarshalJSON(b []byte) error {
	type plain Record
	v := struct {
		*plain
		Hash string `json:"hash"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	r.Hash = v.Hash
	return nil
}

// body returns the canonical bytes of r: one JSON object without the hash.
func (r Record) body() ([]byte, error) {
	type plain Record
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(plain(r)); err != nil {
		return nil, fmt.Errorf("write record %d: %w", r.Seq, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func withHash(body []byte, hash string) []byte {
	out := append([]byte(nil), body[:len(body)-1]...)
	return append(append(append(out, hashBegin...), hash...), hashEnd...)
}

// seal appends the line of r to dst and sets r's hash.
func seal(dst []byte, r *Record) ([]byte, error) {
	body, err := r.body()
	if err != nil {
		return dst, err
	}
	sum := sha256.Sum256(body)
	r.Hash = hex.EncodeToString(sum[:])
	return append(append(dst, withHash(body, r.Hash)...), '\n'), nil
}

var (
	errForm = errors.New("it is no record: a record is a JSON object that ends with its hash")
	errHash = errors.New("its hash is not that of its bytes")
)

// parseLine reads a line without its newline. It is strict: a line that it
// takes is, byte for byte, one that seal has written or somebody who computed
// its hash anew.
func parseLine(line []byte) (Record, error) {
	n := len(line) - hashPart
	if n < 2 || line[0] != '{' || string(line[n:n+len(hashBegin)]) != hashBegin ||
		string(line[len(line)-len(hashEnd):]) != hashEnd {
		return Record{}, errForm
	}
	hash := string(line[n+len(hashBegin) : len(line)-len(hashEnd)])
	body := append(append(make([]byte, 0, n+1), line[:n]...), '}')
	sum := sha256.Sum256(body)
	if hex.EncodeToString(sum[:]) != hash {
		return Record{}, errHash
	}
	type plain Record
	var r plain
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Record{}, fmt.Errorf("it is no record: %w", err)
	}
	if d.InputOffset() != int64(len(body)) {
		return Record{}, errForm
	}
	r.Hash = hash
	return Record(r), nil
}

// cut bounds the fields of r.
func (r *Record) cut() {
	for _, f := range []*string{&r.User, &r.Origin, &r.Remote, &r.Session, &r.Method, &r.Object, &r.What,
		&r.Before, &r.After, &r.Outcome, &r.Message, &r.Note} {
		if len(*f) > MaxField {
			*f = strings.ToValidUTF8((*f)[:MaxField-len("…")], "") + "…"
		}
	}
}
