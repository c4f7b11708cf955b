// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// MaxMessage bounds what Call sends and what comes back, in bytes.
const MaxMessage = 4 << 20

// maxServing is how many questions of one peer are answered at a time.
const maxServing = 8

// ownMethods is how the names of the mirror's own questions begin.
const ownMethods = "mirror."

// ErrAway is why a Call cannot be made: there is no stream to the peer.
var ErrAway = errors.New("the mirror has no stream to it")

// A RemoteError is what the other box answered to a Call in place of a body.
type RemoteError struct {
	Peer string
	Text string
}

// Error returns the other box's words after its name.
func (e *RemoteError) Error() string { return e.Peer + ": " + e.Text }

// Call asks a peer, whose Config.Serve answers. The body and the answer have at
// most MaxMessage bytes, the method's name at most 64, and it does not begin with
// "mirror.". The error of the other side's Serve comes back as a *RemoteError;
// without a stream to the peer the error is ErrAway.
func (n *Node) Call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	if strings.HasPrefix(method, ownMethods) {
		return nil, fmt.Errorf("methods that begin with %q are the mirror's own, so %q cannot be called", ownMethods, method)
	}
	return n.call(ctx, peer, method, body)
}

func (n *Node) call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	if method == "" || len(method) > maxMethod || len(body) > MaxMessage {
		return nil, fmt.Errorf("ask %s for %.70q: a method has 1 to %d bytes and a message at most %d",
			peer, method, maxMethod, MaxMessage)
	}
	p := n.peer(peer)
	if p == nil {
		return nil, fmt.Errorf("there is no peer %q", peer)
	}
	s := p.session()
	if s == nil {
		return nil, fmt.Errorf("ask %s: %w", peer, ErrAway)
	}
	id, answer, err := s.ask()
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", peer, err)
	}
	defer s.forget(id)
	if err := s.st.write(ended(appendRequest(begun(nil, frameRequest), id, method, body))); err != nil {
		return nil, fmt.Errorf("ask %s: %w", peer, err)
	}
	select {
	case r, ok := <-answer:
		if !ok {
			return nil, fmt.Errorf("ask %s: %w", peer, ErrAway)
		}
		if r.failed {
			return nil, &RemoteError{Peer: peer, Text: clean(string(r.body))}
		}
		return r.body, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("ask %s: %w", peer, ctx.Err())
	}
}

// ask makes a place for an answer.
func (s *session) ask() (uint64, <-chan response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0, nil, ErrAway
	}
	if len(s.calls) >= maxCalls {
		return 0, nil, fmt.Errorf("%d questions wait for answers already", len(s.calls))
	}
	s.nextID++
	c := make(chan response, 1)
	s.calls[s.nextID] = c
	return s.nextID, c, nil
}

func (s *session) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, id)
}

// response hands an answer to who waits; nobody may wait any more.
func (s *session) response(payload []byte) error {
	id, failed, body, err := parseResponse(payload)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calls[id]; c != nil {
		delete(s.calls, id)
		c <- response{failed: failed, body: bytes.Clone(body)}
	}
	return nil
}

// serve answers one question of a peer on the stream that it came on.
func (n *Node) serve(ctx context.Context, p *peer, st *stream, id uint64, method string, body []byte) error {
	answer, err := n.answer(ctx, p, method, body)
	if err == nil && len(answer) > MaxMessage {
		err = fmt.Errorf("the answer to %s has %d bytes; at most %d are allowed", method, len(answer), MaxMessage)
	}
	return st.respond(id, answer, err)
}

// respond sends the answer to a question, or why there is none.
func (s *stream) respond(id uint64, answer []byte, err error) error {
	b := binary.AppendUvarint(begun(nil, frameResponse), id)
	if err != nil {
		text := err.Error()
		b = append(append(b, 1), text[:min(len(text), maxControl)]...)
	} else {
		b = append(append(b, 0), answer...)
	}
	return s.write(ended(b))
}

func (n *Node) answer(ctx context.Context, p *peer, method string, body []byte) ([]byte, error) {
	if strings.HasPrefix(method, ownMethods) {
		return n.sync.answer(ctx, p, method, body)
	}
	if n.cfg.Serve == nil {
		return nil, fmt.Errorf("this box answers no questions, so not %q", method)
	}
	return n.cfg.Serve(ctx, p.name, method, body)
}
