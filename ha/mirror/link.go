// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"
)

// Times of dialling.
const (
	dialTime  = 5 * time.Second
	greetTime = 10 * time.Second // for the handshake and both greetings
	retryMin  = 200 * time.Millisecond
	byeTime   = 200 * time.Millisecond // to say why a stream ends
)

// errUnpaired is why the streams of a peer end that SetPeers took away.
var errUnpaired = errors.New("the pairing was undone")

// goodbyeFor returns the reason to give when ctx has ended.
func goodbyeFor(ctx context.Context) string {
	if errors.Is(context.Cause(ctx), errUnpaired) {
		return byeUnpaired
	}
	return byeShutdown
}

// A link keeps this box's stream to one peer.
type link struct {
	node   *Node
	peer   *peer
	tables []*outTable
	wake   chan struct{} // a table has changed
	retry  chan struct{} // the peer has shown that it lives
}

func newLink(n *Node, p *peer) *link {
	return &link{node: n, peer: p, wake: make(chan struct{}, 1), retry: make(chan struct{}, 1)}
}

// run dials again and again until ctx ends.
func (l *link) run(ctx context.Context) {
	for i, t := range l.node.cfg.Tables {
		o := &outTable{Table: t, id: uint64(i), reader: t.Changes.attach(l.wake)}
		defer t.Changes.detach(o.reader)
		l.tables = append(l.tables, o)
	}
	l.peer.setTables(l.tables)
	pause := retryMin
	for {
		began := time.Now()
		err := l.once(ctx)
		if ctx.Err() != nil {
			return
		}
		l.peer.linkDown(l.explain(err))
		if time.Since(began) > l.node.cfg.Retry {
			pause = retryMin
		}
		if !l.rest(ctx, pause) {
			return
		}
		pause = min(2*pause, l.node.cfg.Retry)
	}
}

// rest waits for about pause; at least retryMin if the peer shows that it lives.
func (l *link) rest(ctx context.Context, pause time.Duration) bool {
	first := min(pause, retryMin)
	first = first*3/4 + rand.N(first/2+1)
	if !sleep(ctx, first, nil) {
		return false
	}
	more := pause - retryMin
	if more <= 0 {
		return true
	}
	return sleep(ctx, more*3/4+rand.N(more/2+1), l.retry)
}

// sleep waits for d or until early has something; it returns false when ctx ends.
func sleep(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-early:
	case <-ctx.Done():
		return false
	}
	return true
}

// once opens the stream and uses it until it ends.
func (l *link) once(ctx context.Context) error {
	st, protocol, answer, err := l.open(ctx)
	if err != nil {
		return err
	}
	s := newSession(l, st, answer)
	l.peer.linkUp(s, answer.Version, protocol)
	l.node.log.Info("mirror stream to peer opened", "peer", l.peer.name, "version", answer.Version, "protocol", protocol)
	err = s.run(ctx)
	l.node.log.Info("mirror stream to peer ended", "peer", l.peer.name, "err", err)
	return err
}

// open dials, shakes hands and greets.
func (l *link) open(ctx context.Context) (*stream, int, hello, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime+greetTime)
	defer cancel()
	raw, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", l.peer.address)
	if err != nil {
		return nil, 0, hello{}, err
	}
	p := &paced{Conn: raw, silence: l.node.cfg.Silence, bye: l.node.byeTime}
	p.endAt(time.Now().Add(greetTime))
	conn := tls.Client(p, tlsConfig(l.node.cfg.Identity, l.verify, alpnMirror))
	st := newStream(conn, p)
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	protocol, answer, err := l.greet(ctx, st)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		if worthAWord(err) {
			st.bye(byeRefused, err.Error())
		}
		raw.Close()
		return nil, 0, hello{}, err
	}
	p.endAt(time.Time{})
	return st, protocol, answer, nil
}

// verify pins the peer's certificate.
func (l *link) verify(_ string, f Fingerprint) error {
	if f != l.peer.fingerprint {
		return fmt.Errorf("%s shows another certificate (%.16s…) than the one it was paired with (%.16s…): "+
			"if the box was replaced or reset, remove the pairing and pair again", l.peer.name, f, l.peer.fingerprint)
	}
	return nil
}

// greet shakes hands and exchanges greetings.
func (l *link) greet(ctx context.Context, st *stream) (int, hello, error) {
	if err := st.conn.HandshakeContext(ctx); err != nil {
		return 0, hello{}, err
	}
	n := l.node
	mine := n.greeting()
	for _, t := range l.tables {
		mine.Tables = append(mine.Tables, tableHello{Name: t.Name, Epoch: t.Changes.epoch})
	}
	writeErr := st.writeJSON(frameHello, mine)
	answer, err := st.hello()
	if err != nil {
		return 0, hello{}, err // it says more than writeErr: a refusal waits to be read
	}
	if writeErr != nil {
		return 0, hello{}, writeErr
	}
	if err := n.checkGreeting(l.peer, answer); err != nil {
		return 0, hello{}, err
	}
	protocol, err := choose(n.protocolMin, n.protocolMax, answer)
	return protocol, answer, err
}

// worthAWord reports whether the other side should be told of err: it came
// neither from there nor from the network.
func worthAWord(err error) bool {
	var network net.Error
	var bye *goodbye
	return !errors.As(err, &network) && !errors.As(err, &bye) &&
		!errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed)
}

// explain returns what people should read about err.
func (l *link) explain(err error) string {
	var network net.Error
	var op *net.OpError
	switch {
	case err == nil:
		return ""
	case isTLSAlert(err):
		return fmt.Sprintf("%s refuses this box's certificate: it is not paired with this box (any more)", l.peer.name)
	case errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("%s does not answer at %s", l.peer.name, l.peer.address)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Sprintf("%s cannot be reached at %s: %v", l.peer.name, l.peer.address, op.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("%s closed the stream", l.peer.name)
	}
	return err.Error()
}
