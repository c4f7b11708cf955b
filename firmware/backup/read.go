// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// Open unpacks what Seal has packed: see Read.
func Open(data []byte, passphrase string) (Contents, error) {
	return Read(bytes.NewReader(data), passphrase)
}

// Read unpacks the file that it reads from r. A wrong passphrase is ErrPassphrase;
// anything else that is wrong with the file is an error that says what it should
// be. It holds the contents once, and one item more.
func Read(r io.Reader, passphrase string) (Contents, error) {
	if passphrase == "" {
		return Contents{}, ErrPassphrase
	}
	key, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return Contents{}, err
	}
	key.SetMaxWorkFactor(mostWork)
	file := &capped{r, MaxFile, fmt.Errorf("a backup has at most %d MiB", MaxFile>>20)}
	sealed, err := age.Decrypt(file, key)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return Contents{}, ErrPassphrase
	} else if err != nil {
		return Contents{}, fmt.Errorf("this is no backup of a box: %w", err)
	}
	packed, err := gzip.NewReader(sealed)
	if err != nil {
		return Contents{}, damaged(err)
	}
	plain := &capped{packed, maxPlain, fmt.Errorf("it unpacks to more than %d MiB", maxPlain>>20)}
	out, err := parse(plain)
	if err != nil {
		return Contents{}, err
	}
	if _, err := io.Copy(io.Discard, sealed); err != nil { // the end of the encryption
		return Contents{}, damaged(err)
	}
	return out, nil
}

// damaged says that the file is one of ours, and not as it was.
func damaged(err error) error { return fmt.Errorf("the backup is damaged: %w", err) }

// A capped reader fails with over when there are more than left bytes.
type capped struct {
	r    io.Reader
	left int64
	over error
}

// Read fills p as far as there are bytes. encoding/json begins at the same blank
// again with each Read: many short ones would take it time in the square.
func (c *capped) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, c.over
	}
	n, err := io.ReadFull(c.r, p[:min(int64(len(p)), c.left+1)])
	if errors.Is(err, io.ErrUnexpectedEOF) && n > 0 {
		err = nil // the next one says whether that was the end
	}
	if c.left -= int64(n); c.left < 0 {
		return 0, c.over
	}
	return n, err
}

// A parser reads what is inside, part by part.
type parser struct {
	in      *json.Decoder
	out     Contents
	format  int
	said    map[string]string // digests by the manifest
	got     map[string]string // digests of what came
	members map[string]bool
}

// parse reads what is inside and compares it with the manifest.
func parse(r io.Reader) (Contents, error) {
	p := &parser{in: json.NewDecoder(r), got: map[string]string{}, members: map[string]bool{}}
	if err := p.object(); err != nil {
		return Contents{}, damaged(err)
	}
	if _, err := p.in.Token(); !errors.Is(err, io.EOF) {
		return Contents{}, damaged(errors.Join(errors.New("something follows its end"), err))
	}
	if p.format != format {
		return Contents{}, fmt.Errorf("the backup has format %d, this program reads %d: restore it with the version that made it", p.format, format)
	}
	p.got[""] = digest(p.out.Text)
	if len(p.got) != len(p.said) {
		return Contents{}, damaged(fmt.Errorf("its manifest names %d things, it has %d", len(p.said), len(p.got)))
	}
	for name, d := range p.got {
		if p.said[name] != d {
			return Contents{}, damaged(fmt.Errorf("%q is not what the manifest says", name))
		}
	}
	return p.out, nil
}

// object reads the members of the one object. Unknown ones are left out, and so is
// all that follows another format.
func (p *parser) object() error {
	if err := p.delim('{'); err != nil {
		return err
	}
	for p.in.More() {
		t, err := p.in.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if p.members[name] {
			return fmt.Errorf("it has %q twice", name)
		}
		p.members[name] = true
		if err := p.member(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return p.delim('}')
}

func (p *parser) member(name string) error {
	if p.members["format"] && p.format != format && name != "format" {
		return p.in.Decode(new(json.RawMessage))
	}
	switch name {
	case "format":
		return p.in.Decode(&p.format)
	case "digests":
		return p.in.Decode(&p.said)
	case "version":
		return p.in.Decode(&p.out.Version)
	case "hostname":
		return p.in.Decode(&p.out.Hostname)
	case "made":
		return p.in.Decode(&p.out.Made)
	case "revision":
		return p.in.Decode(&p.out.Revision)
	case "text":
		return p.in.Decode(&p.out.Text)
	case "items":
		return p.items()
	}
	return p.in.Decode(new(json.RawMessage))
}

// items reads the items one by one.
func (p *parser) items() error {
	t, err := p.in.Token()
	if t == nil && err == nil {
		return nil // null: none
	}
	if t != json.Delim('[') {
		return errors.Join(errors.New("it is no list"), err)
	}
	for size := 0; p.in.More(); {
		var i Item
		if err := p.in.Decode(&i); err != nil {
			return err
		}
		if _, twice := p.got[i.Name]; i.Name == "" || twice {
			return fmt.Errorf("it has %q twice, or without a name", i.Name)
		}
		if size += len(i.Data); size > maxRaw || len(p.out.Items) == maxItems {
			return fmt.Errorf("it has more than %d items, or %d MiB", maxItems, maxRaw>>20)
		}
		p.got[i.Name] = digest(i.Data)
		p.out.Items = append(p.out.Items, i)
	}
	return p.delim(']')
}

func (p *parser) delim(want json.Delim) error {
	t, err := p.in.Token()
	if err == nil && t != want {
		err = fmt.Errorf("%v stands where %v belongs", t, want)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
