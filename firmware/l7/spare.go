// SPDX-License-Identifier: Apache-2.0

package l7

// spares holds what a loop has done with, to be used again.
type spares[T any] struct{ free []*T }

// maxSpare bounds what each kind keeps.
const maxSpare = 1024

// take returns one that was given, or a new one.
func (s *spares[T]) take() *T {
	n := len(s.free)
	if n == 0 {
		return new(T)
	}
	t := s.free[n-1]
	s.free = s.free[:n-1]
	return t
}

func (s *spares[T]) give(t *T) {
	if len(s.free) < maxSpare {
		s.free = append(s.free, t)
	}
}

func (w *Worker) takeExchange() *exchange {
	x := w.spare.take()
	x.w = w
	return x
}

func (w *Worker) giveExchange(x *exchange) {
	if x.edits != nil {
		x.edits.Reset()
		w.spareEdits.give(x.edits)
	}
	x.reset()
	w.spare.give(x)
}

// takeStream returns a stream of a client that is not in use.
func (w *Worker) takeStream() *streamClient {
	sc := w.streams.take()
	sc.owner, sc.gone = sc, false
	return sc
}

func (w *Worker) giveStream(sc *streamClient) {
	*sc = streamClient{s: sc.s.memory()}
	sc.gone = true
	w.streams.give(sc)
}

// takeServer returns a stream to a member that is not in use.
func (w *Worker) takeServer() *streamServer {
	ss := w.servers.take()
	ss.owner, ss.gone = ss, false
	return ss
}

func (w *Worker) giveServer(ss *streamServer) {
	*ss = streamServer{s: ss.s.memory()}
	ss.gone = true
	w.servers.give(ss)
}

// memory returns an unused stream with the memory of s.
func (s *stream) memory() stream { return stream{trailer: s.trailer[:0], tail: s.tail[:0]} }
