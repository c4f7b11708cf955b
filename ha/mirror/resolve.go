// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The mirror's own questions.
const (
	methodRevision = "mirror.revision" // statement → statement
	methodText     = "mirror.text"     // hash → text
	methodPut      = "mirror.put"      // JSON put, newline, text → nothing
)

// A put asks the other box to commit a text.
type put struct {
	Expect  string `json:"expect"` // hash of the text that it replaces
	Hash    string `json:"hash"`   // of the text that follows
	Author  string `json:"author"`
	Comment string `json:"comment"`
}

// encode returns v as JSON in one line; the types that are given always can be.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// answer answers a peer's question about configurations.
func (s *revisionSync) answer(ctx context.Context, p *peer, method string, body []byte) ([]byte, error) {
	if s.rev == nil {
		return nil, errors.New("this box compares no configurations")
	}
	switch method {
	case methodRevision:
		return s.answerRevision(ctx, p.name, body)
	case methodText:
		mine, err := s.rev.Repository.Current(ctx)
		if err == nil && TextHash(mine.Text) != string(body) {
			err = ErrChanged
		}
		return []byte(mine.Text), err
	case methodPut:
		return nil, s.answerPut(ctx, p.name, body)
	}
	return nil, fmt.Errorf("this box does not know the question %q: its software may be older", method)
}

func (s *revisionSync) answerRevision(ctx context.Context, peer string, body []byte) ([]byte, error) {
	theirs, err := parseStatement(body)
	if err != nil {
		return nil, err
	}
	before := s.said(peer)
	mine, say, err := s.mine(ctx, peer)
	if err != nil {
		return nil, err
	}
	if err := s.judge(peer, view{mine, say, theirs}); err != nil {
		s.problem(peer, err)
	}
	if before.Hash != theirs.Hash || s.shouldTake(peer, mine) {
		s.kick()
	}
	return encode(say), nil
}

// answerPut commits what a person decided on the other box.
func (s *revisionSync) answerPut(ctx context.Context, peer string, body []byte) error {
	head, text, ok := bytes.Cut(body, []byte("\n"))
	var q put
	if err := json.Unmarshal(head, &q); err != nil || !ok {
		return fmt.Errorf("read what is to be committed: it is not as it should be (%v)", err)
	}
	if TextHash(string(text)) != q.Hash {
		return errors.New("the text did not arrive as it was sent")
	}
	defer s.kick()
	return s.apply(ctx, Take{
		Expect: q.Expect, Text: string(text), Peer: peer,
		Author: clip(clean(q.Author), maxWords), Comment: clip(clean(q.Comment), maxWords),
	})
}

// apply commits a text on this box.
func (s *revisionSync) apply(ctx context.Context, t Take) error {
	s.applyMu.Lock()
	defer s.applyMu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, applyTime)
	defer cancel()
	if err := s.rev.Repository.Apply(ctx, t); err != nil {
		return err
	}
	s.node.log.Info("configuration of peer committed", "peer", t.Peer, "author", t.Author)
	return nil
}

// fetch returns the text of a peer that has the hash.
func (s *revisionSync) fetch(ctx context.Context, peer, hash string) (string, error) {
	s.mu.Lock()
	p := s.of(peer)
	text, have := p.text, p.textOf == hash
	s.mu.Unlock()
	if have {
		return text, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	b, err := s.node.call(ctx, peer, methodText, []byte(hash))
	if err != nil {
		return "", err
	}
	if text = string(b); TextHash(text) != hash {
		return "", fmt.Errorf("%s sent another text than it said", peer)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.text, p.textOf = text, hash
	return text, nil
}

// takeWhole commits a peer's text here, in place of mine. A refusal is kept, and
// told to the peer when boxes compare next.
func (s *revisionSync) takeWhole(ctx context.Context, peer string, mine Revision, theirs statement, who, comment string) error {
	text, err := s.fetch(ctx, peer, theirs.Hash)
	if err != nil {
		return err
	}
	was := TextHash(mine.Text)
	err = s.apply(ctx, Take{Expect: was, Text: text, Peer: peer, Author: who, Comment: comment})
	if err == nil || errors.Is(err, ErrChanged) || ctx.Err() != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.of(peer)
	p.refused = refusal{theirs: theirs.Hash, mine: was, number: mine.Number, why: err.Error()}
	p.status.RefusedHere = err.Error()
	return err
}

// Compare asks a peer and returns how its shared configuration differs from this
// box's.
func (n *Node) Compare(ctx context.Context, peer string) (Comparison, error) {
	s := n.sync
	v, err := s.fresh(ctx, peer)
	if err != nil {
		return Comparison{}, err
	}
	c := Comparison{State: v.state(), Mine: v.say.Hash, Theirs: v.theirs.Hash}
	if c.State == InSync {
		return c, nil
	}
	_, c.Objects, err = s.diff(ctx, peer, v.mine, v.theirs.Hash)
	return c, err
}

// fresh compares with a peer now.
func (s *revisionSync) fresh(ctx context.Context, peer string) (view, error) {
	if s.rev == nil {
		return view{}, errors.New("this box compares no configurations")
	}
	return s.exchange(ctx, peer)
}

// Resolve carries out what a person decided: "theirs" commits the peer's text (or
// its objects) here, "mine" commits ours there. It returns when that is done, or
// with the refusal of the box that should commit. What is replaced stays in that
// box's list of revisions.
func (n *Node) Resolve(ctx context.Context, peer string, r Resolution) error {
	if r.Take != "mine" && r.Take != "theirs" {
		return fmt.Errorf(`take "mine" or "theirs", not %q`, r.Take)
	}
	s := n.sync
	v, err := s.fresh(ctx, peer)
	if err != nil {
		return err
	}
	mine, theirs := v.mine, v.theirs
	if r.Theirs != "" && r.Theirs != theirs.Hash {
		return fmt.Errorf("%s: %w: look at the differences again", peer, ErrChanged)
	}
	if TextHash(mine.Text) == theirs.Hash {
		return nil
	}
	defer s.kick()
	if r.Take == "mine" {
		return s.give(ctx, peer, mine, theirs, r)
	}
	comment := fmt.Sprintf("taken from %s (its revision %d, of %s)", peer, theirs.Number, theirs.Who)
	if len(r.Objects) == 0 {
		return s.takeWhole(ctx, peer, mine, theirs, r.Who, comment)
	}
	text, err := s.fetch(ctx, peer, theirs.Hash)
	if err != nil {
		return err
	}
	merged, err := s.rev.Objects.Merge(mine.Text, text, r.Objects)
	if err != nil {
		return fmt.Errorf("take %s of %s: %w", names(r.Objects), peer, err)
	}
	return s.apply(ctx, Take{
		Expect: TextHash(mine.Text), Text: merged, Peer: peer, Author: r.Who, Comment: comment + ": " + names(r.Objects),
	})
}

// give has a peer commit this box's text, or its objects.
func (s *revisionSync) give(ctx context.Context, peer string, mine Revision, theirs statement, r Resolution) error {
	text := mine.Text
	comment := fmt.Sprintf("given by %s (its revision %d, of %s)", s.node.cfg.Node, mine.Number, mine.Who)
	if len(r.Objects) > 0 {
		into, err := s.fetch(ctx, peer, theirs.Hash)
		if err != nil {
			return err
		}
		if text, err = s.rev.Objects.Merge(into, mine.Text, r.Objects); err != nil {
			return fmt.Errorf("give %s to %s: %w", names(r.Objects), peer, err)
		}
		comment += ": " + names(r.Objects)
	}
	ctx, cancel := context.WithTimeout(ctx, applyTime)
	defer cancel()
	head := encode(put{Expect: theirs.Hash, Hash: TextHash(text), Author: r.Who, Comment: comment})
	_, err := s.node.call(ctx, peer, methodPut, append(append(head, '\n'), text...))
	if remote := (*RemoteError)(nil); errors.As(err, &remote) && remote.Text == ErrChanged.Error() {
		return fmt.Errorf("%s: %w: look at the differences again", peer, ErrChanged)
	}
	return err
}

// names lists objects for people.
func names(objects []Object) string {
	var b strings.Builder
	for i, o := range objects {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %q", o.Block, o.Name)
	}
	return clip(b.String(), maxWords/2)
}
