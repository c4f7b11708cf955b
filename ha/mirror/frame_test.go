// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"
)

func TestFramesAreReadBack(t *testing.T) {
	long := bytes.Repeat([]byte{'x'}, maxDataFrame+5)
	var b []byte
	for _, f := range []struct {
		kind    byte
		payload []byte
	}{{frameAck, []byte{1}}, {frameOptional, long[5:]}, {frameGoodbye, nil}, {frameRequest, long}, {frameAck, []byte{2}}} {
		b = append(b, ended(append(begun(nil, f.kind), f.payload...))...)
	}
	f := frameReader{r: iotest.OneByteReader(bytes.NewReader(b))}
	for _, want := range []struct {
		kind byte
		size int
	}{{frameAck, 1}, {frameGoodbye, 0}, {frameRequest, len(long)}, {frameAck, 1}} {
		kind, payload, err := f.next()
		if kind != want.kind || len(payload) != want.size || err != nil {
			t.Errorf("next() = kind %d, %d bytes, %v; want %+v", kind, len(payload), err, want)
		}
	}
	if cap(f.buf) > maxDataFrame {
		t.Errorf("%d bytes are held after a long message has passed", cap(f.buf))
	}
	if _, _, err := f.next(); err != io.EOF {
		t.Errorf("next() at the end = %v, want EOF", err)
	}
}

// A length is no reason to take memory: only what comes is.
func TestMemoryGrowsWithWhatComes(t *testing.T) {
	head := binary.BigEndian.AppendUint32(nil, MaxMessage)
	f := frameReader{r: io.MultiReader(bytes.NewReader(append(head, frameRequest)), bytes.NewReader(make([]byte, 100)))}
	if _, _, err := f.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("next() of a cut frame = %v", err)
	}
	if cap(f.buf) > maxDataFrame {
		t.Errorf("%d bytes were taken for 100", cap(f.buf))
	}
}

func TestLimitsOfFrames(t *testing.T) {
	for _, kind := range []byte{frameHello, frameSnapshot, frameDelta, frameAck, frameGoodbye, frameRequest, frameOptional, 255} {
		for over := range 2 {
			size := limitOf(kind) + over
			b := append(binary.BigEndian.AppendUint32(nil, uint32(size)+1), kind)
			f := frameReader{r: io.MultiReader(bytes.NewReader(b), io.LimitReader(zeros{}, int64(size)))}
			_, _, err := f.next()
			if kind >= frameOptional && over == 0 {
				if err != io.EOF {
					t.Errorf("kind %d of %d bytes: %v, want to skip it", kind, size, err)
				}
			} else if (err != nil) != (over == 1) {
				t.Errorf("kind %d of %d bytes: %v", kind, size, err)
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, frameAck, 1, 0, 0, 0, 1, 200, 0, 0, 0, 1, frameGoodbye})
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{255, 255, 255, 255, frameRequest})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := frameReader{r: bytes.NewReader(b)}
		total := 0
		for {
			kind, payload, err := r.next()
			if err != nil {
				break
			}
			if kind >= frameOptional || len(payload) > limitOf(kind) {
				t.Fatalf("a frame of kind %d with %d bytes came through", kind, len(payload))
			}
			total += headerSize + len(payload)
		}
		if total > len(b) {
			t.Fatalf("%d bytes of frames came out of %d", total, len(b))
		}
	})
}

func FuzzChanges(f *testing.F) {
	f.Add(appendChange(appendChange(nil, "key", []byte("value"), false), "gone", nil, true))
	f.Add(appendChange(nil, "k", nil, false))
	f.Add([]byte{0})
	f.Add([]byte{1, 'k', 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parseChanges(nil, b)
		if err != nil {
			return
		}
		var again []byte
		for _, c := range list {
			if len(c.Key) == 0 || len(c.Key) > MaxKey || len(c.Value) > MaxValue || (c.Deleted && c.Value != nil) {
				t.Fatalf("change %+v is not within the limits", c)
			}
			again = appendChange(again, c.Key, c.Value, c.Deleted)
		}
		if len(again) > len(b) { // numbers may have been longer than needed
			t.Fatalf("%x is written as %x", b, again)
		}
		list2, err := parseChanges(nil, again)
		if err != nil || !slices.EqualFunc(list, list2, func(a, b Change) bool {
			return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) && a.Deleted == b.Deleted
		}) {
			t.Fatalf("%x comes back as %+v, %v", again, list2, err)
		}
	})
}

func FuzzMessages(f *testing.F) {
	f.Add(appendRequest(nil, 7, "echo", []byte("body")))
	f.Add([]byte{1, 0, 'x'})
	f.Add([]byte{1, 1, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, method, body, err := parseRequest(b); err == nil {
			i2, m2, b2, err := parseRequest(appendRequest(nil, id, method, body))
			if err != nil || i2 != id || m2 != method || !bytes.Equal(b2, body) || method == "" {
				t.Fatalf("%x comes back as %d %q %x, %v", b, i2, m2, b2, err)
			}
		}
		if _, _, body, err := parseResponse(b); err == nil && len(body) >= len(b) {
			t.Fatalf("%x has a body of %d bytes", b, len(body))
		}
	})
}

func FuzzHello(f *testing.F) {
	good, _ := json.Marshal(hello{Min: 1, Max: 2, Node: "left", Version: "1", Boot: 5, Tables: []tableHello{{"a", 1, 2}}})
	f.Add(good)
	f.Add([]byte(`{"min":1,"max":1,"node":"a","news":[1,{}]}`))
	f.Add([]byte(`{"min":0}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if g := parseGoodbye(b); g.Error() == "" {
			t.Fatal("a goodbye without words")
		}
		h, err := parseHello(b)
		if err != nil {
			return
		}
		if !validName(h.Node) || h.Min < 1 || h.Max < h.Min || len(h.Tables) > maxTables {
			t.Fatalf("%s is accepted", b)
		}
		if p, err := choose(1, 3, h); err == nil && (p < h.Min || p > h.Max || p > 3) {
			t.Fatalf("protocol %d is chosen for %d to %d", p, h.Min, h.Max)
		}
	})
}

func FuzzStatement(f *testing.F) {
	f.Add(encode(statement{Hash: TextHash("a"), Base: TextHash("b"), Number: 3, Who: "x"}))
	f.Add([]byte(`{"hash":"zz"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseStatement(b)
		if err != nil {
			return
		}
		if !validHash(s.Hash) || len(s.Comment) > maxWords {
			t.Fatalf("%s is accepted", b)
		}
		if again, err := parseStatement(encode(s)); err != nil || again.Hash != s.Hash || again.Serial != s.Serial {
			t.Fatalf("%s comes back as %+v, %v", b, again, err)
		}
	})
}

func TestWordsOfOthersCanBePrinted(t *testing.T) {
	evil := "a\x1b[2Jb\nc\u202e\u0000"
	for name, got := range map[string]string{
		"goodbye":   parseGoodbye(encode(goodbye{Text: evil})).Text,
		"statement": must(parseStatement(encode(statement{Hash: TextHash(""), Who: evil, Comment: "\x07", Refused: "\r"}))).Who,
		"version":   must(parseHello(encode(hello{Min: 1, Max: 1, Node: "a", Version: evil}))).Version,
	} {
		if got != "a [2Jb c  " {
			t.Errorf("%s: %q", name, got)
		}
	}
	if g := parseGoodbye(encode(goodbye{Text: string(make([]byte, 9999))})); len(g.Text) > maxWords {
		t.Errorf("a goodbye of %d bytes", len(g.Text))
	}
}

// must returns v; a test that gives an error here fails by its empty value.
func must[T any](v T, _ error) T { return v }

func TestNodeNames(t *testing.T) {
	for name, want := range map[string]bool{
		"left": true, "box-1.example": true, "": false, "a b": false, "ä": false, `a"`: false, `a\`: false, "a\n": false,
		fmt.Sprintf("%064d", 1): true, fmt.Sprintf("%065d", 1): false,
	} {
		if got := validName(name); got != want {
			t.Errorf("validName(%q) = %v, want %v", name, got, want)
		}
	}
}
