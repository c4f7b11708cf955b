// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// An intake is the life of one stream from a peer.
type intake struct {
	node   *Node
	peer   *peer
	st     *stream
	tables []inTable // as the peer counts them
	frames uint64    // data frames that were applied
	batch  []Change
	slots  chan struct{} // questions being answered
}

// An inTable is a table as one peer sends it.
type inTable struct {
	table     *Table // nil: this box has no such table
	epoch     uint64
	filling   bool // a snapshot is coming
	following bool // it has come, or was not needed
	seq       uint64
}

// A cursor is how far a peer's changes of a table are applied.
type cursor struct{ epoch, seq uint64 }

// newIntake looks up the tables that the peer offers, and says in the answer's
// tables how far each is applied.
func newIntake(n *Node, p *peer, st *stream, h hello) (*intake, []tableHello) {
	in := &intake{node: n, peer: p, st: st, slots: make(chan struct{}, maxServing)}
	var known []tableHello
	for _, offer := range h.Tables {
		t := inTable{table: n.table(offer.Name), epoch: offer.Epoch}
		if t.table != nil {
			at := p.cursor(offer.Name)
			if at.epoch == offer.Epoch {
				t.following, t.seq = at.epoch != 0, at.seq
			} else {
				at = cursor{}
			}
			known = append(known, tableHello{Name: offer.Name, Epoch: at.epoch, Seq: at.seq})
		}
		in.tables = append(in.tables, t)
	}
	return in, known
}

// run applies what the peer sends until the stream or ctx ends.
func (in *intake) run(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { cancel(orEnded(in.read(ctx, &wg))) })
	wg.Go(func() { cancel(orEnded(in.st.beat(ctx, in.node.cfg.Heartbeat))) })
	<-ctx.Done()
	err := context.Cause(ctx)
	switch {
	case errors.Is(err, errReplaced):
		in.st.bye(byeReplaced, "")
	case parent.Err() != nil:
		in.st.bye(goodbyeFor(parent), "")
	case worthAWord(err):
		in.st.bye(byeRefused, err.Error())
	}
	in.st.conn.NetConn().Close()
	wg.Wait()
	return err
}

// read handles frame after frame. Answers to questions are given by goroutines
// of wg.
func (in *intake) read(ctx context.Context, wg *sync.WaitGroup) error {
	for {
		kind, payload, err := in.st.in.next()
		if err != nil {
			return err
		}
		switch kind {
		case frameBegin, frameSnapshot, frameSnapshotEnd, frameDelta:
			err = in.data(kind, payload)
		case frameHeartbeat:
			err = in.echo(payload)
		case frameRequest:
			err = in.request(ctx, wg, payload)
		case frameGoodbye:
			return parseGoodbye(payload)
		default:
			err = fmt.Errorf("a frame of kind %d came, which does not belong here", kind)
		}
		if err != nil {
			return err
		}
	}
}

// data applies a data frame and acknowledges it.
func (in *intake) data(kind byte, payload []byte) error {
	id, rest, err := cutUvarint(payload)
	if err != nil {
		return err
	}
	if id >= uint64(len(in.tables)) || in.tables[id].table == nil {
		return fmt.Errorf("a frame is for table %d, which was not agreed on", id)
	}
	t := &in.tables[id]
	switch kind {
	case frameBegin:
		in.begin(t)
	case frameSnapshot:
		if !t.filling {
			return errors.New("a part of a snapshot came without its beginning")
		}
		err = in.apply(t, rest)
	case frameSnapshotEnd:
		err = in.endSnapshot(t, rest)
	case frameDelta:
		err = in.delta(t, rest)
	}
	if err != nil {
		return err
	}
	in.frames++
	return in.st.writeNumbers(frameAck, in.frames)
}

func (in *intake) begin(t *inTable) {
	t.filling, t.following, t.seq = true, false, 0
	in.peer.setCursor(t.table.Name, cursor{})
	in.peer.setFault(t.table.Name, "") // what was refused comes again, or is gone
	if r, ok := t.table.Records.(Replacer); ok {
		r.SnapshotBegin(in.peer.name)
	}
}

func (in *intake) endSnapshot(t *inTable, rest []byte) error {
	seq, _, err := cutUvarint(rest)
	if err != nil {
		return err
	}
	if !t.filling {
		return errors.New("a snapshot ends that has not begun")
	}
	if r, ok := t.table.Records.(Replacer); ok {
		r.SnapshotEnd(in.peer.name)
	}
	t.filling, t.following, t.seq = false, true, max(t.seq, seq)
	in.peer.setCursor(t.table.Name, cursor{t.epoch, t.seq})
	return nil
}

// delta applies changes. Those that come while a snapshot does count only once it
// is whole.
func (in *intake) delta(t *inTable, rest []byte) error {
	if !t.filling && !t.following {
		return errors.New("changes came before a snapshot")
	}
	if len(rest) < 8 {
		return errCut
	}
	seq := binary.BigEndian.Uint64(rest)
	if seq < t.seq {
		return fmt.Errorf("change %d came after change %d", seq, t.seq)
	}
	if err := in.apply(t, rest[8:]); err != nil {
		return err
	}
	t.seq = seq
	if t.following {
		in.peer.setCursor(t.table.Name, cursor{t.epoch, seq})
	}
	return nil
}

// apply hands records to the table. What the table does not want is shown and
// does not end the stream.
func (in *intake) apply(t *inTable, b []byte) (err error) {
	in.batch, err = parseChanges(in.batch[:0], b)
	if err != nil || len(in.batch) == 0 {
		return err
	}
	in.peer.received.Add(uint64(len(in.batch)))
	if err := t.table.Records.Apply(in.peer.name, in.batch); err != nil {
		in.peer.setFault(t.table.Name, err.Error())
	}
	return nil
}

// echo sends a heartbeat back with the time here.
func (in *intake) echo(payload []byte) error {
	_, rest, err := cutUvarint(payload)
	if err != nil {
		return err
	}
	there, _, err := cutUvarint(rest)
	if err != nil {
		return err
	}
	return in.st.writeNumbers(frameHeartbeat, there, uint64(time.Now().UnixNano()))
}

// request answers a question, or refuses it when too many are being answered.
func (in *intake) request(ctx context.Context, wg *sync.WaitGroup, payload []byte) error {
	id, method, body, err := parseRequest(payload)
	if err != nil {
		return err
	}
	select {
	case in.slots <- struct{}{}:
	default:
		return in.st.respond(id, nil, fmt.Errorf("%s answers %d questions of %s at a time, so not one more",
			in.node.cfg.Node, maxServing, in.peer.name))
	}
	body = bytes.Clone(body)
	wg.Go(func() {
		defer func() { <-in.slots }()
		// An error of writing ends the stream by its reader too.
		_ = in.node.serve(ctx, in.peer, in.st, id, method, body)
	})
	return nil
}

// want asks the peer for snapshots of the tables that all boxes share.
func (in *intake) want() {
	for id, t := range in.tables {
		if t.table == nil {
			continue
		}
		if _, replaces := t.table.Records.(Replacer); !replaces {
			_ = in.st.writeNumbers(frameWant, uint64(id)) // the reader notices too
		}
	}
}
