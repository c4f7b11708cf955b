// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
)

// A pair is a small document that is replaced whole and kept in two copies,
// name.0 and name.1. Each copy has a sequence number, each save goes over the
// older one, and the newer good one counts: so one that rots on the medium
// costs the last change, not all of them.
//
//	evener 1 state 42 3f786850e387550fdab836ed7e6dc881de23001b…\n
//	payload
//
// The hash is SHA-256 over the line up to it, and the payload.
type pair struct {
	d    disk
	name string
	seq  uint64 // of payload

	payload []byte // saved last
	older   []byte // what the other copy holds, as far as known
	stale   error  // not nil: why the disk may not hold payload
}

// openPair loads the pair called name. The payload of one that was never saved
// is empty. damage lists the copies that could not be used; err is not nil if
// that leaves nothing, and the pair then is as if never saved.
func openPair(d disk, name string) (p *pair, damage []error, err error) {
	p = &pair{d: d, name: name}
	found := false
	for i := range 2 {
		b, err := d.ReadFile(p.file(uint64(i)))
		if err != nil { // going back to the older copy is worth a second try
			b, err = d.ReadFile(p.file(uint64(i)))
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil { // an unreadable sector is damage, too
			damage = append(damage, &CorruptError{p.file(uint64(i)), err.Error()})
			continue
		}
		seq, payload, why := p.parse(b)
		switch {
		case why != "":
			damage = append(damage, &CorruptError{p.file(uint64(i)), why})
		case !found || seq > p.seq:
			p.older, p.payload, p.seq, found = p.payload, payload, seq, true
		default:
			p.older = payload
		}
	}
	if len(damage) > 0 && !found {
		return p, damage, damage[0]
	}
	return p, damage, nil
}

func (p *pair) file(seq uint64) string { return fmt.Sprintf("%s.%d", p.name, seq%2) }

// parse splits a copy into its parts, or says why it cannot.
func (p *pair) parse(b []byte) (seq uint64, payload []byte, why string) {
	head, payload, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return 0, nil, "it has no first line"
	}
	var name, sum string
	if n, err := fmt.Sscanf(string(head), "evener 1 %s %d %s", &name, &seq, &sum); n != 3 || err != nil {
		return 0, nil, "its first line is not that of this version"
	}
	if name != p.name || !bytes.Equal(b, p.format(seq, payload)) {
		return 0, nil, "its checksum does not match"
	}
	return seq, payload, ""
}

func (p *pair) format(seq uint64, payload []byte) []byte {
	head := fmt.Appendf(nil, "evener 1 %s %d ", p.name, seq)
	h := sha256.New()
	h.Write(head)
	h.Write(payload)
	return append(fmt.Appendf(head, "%x\n", h.Sum(nil)), payload...)
}

// save replaces the payload. After an error the old one counts, in memory and
// on the disk; if the disk would not have that either, the error is an
// ErrUncertain and stale is set.
func (p *pair) save(payload []byte) error {
	moved, err := p.put(payload)
	if err == nil {
		return nil
	}
	if !moved {
		return err
	}
	// The other copy is untouched; this one gets what it has.
	if _, undo := p.put(p.payload); undo != nil {
		p.stale = err
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return err
}

// put writes payload over the older copy. moved is that of replace.
func (p *pair) put(payload []byte) (moved bool, err error) {
	seq := p.seq + 1
	moved, err = replace(p.d, p.file(seq), p.format(seq, payload))
	if err == nil {
		p.seq, p.older, p.payload, p.stale = seq, p.payload, payload, nil
	}
	return moved, err
}
