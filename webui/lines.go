// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	maxSend    = 1 << 20          // one line to the engine, as it takes
	maxAnswer  = 17 << 20         // one line from the engine: a result of 16 MiB and what is around it
	lineRead   = 16 << 10         // is read at a time: what the engine sends together goes on together
	engineWait = 20 * time.Second // for the engine to take a line; it gives up on us after 10
)

// A lineReader reads the engine's lines. It holds at most its piece of a long
// one.
type lineReader struct {
	in   *bufio.Reader
	buf  []byte
	size int // of a piece, at most
}

func newLineReader(r io.Reader, size int) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(r, lineRead), size: size}
}

// next returns the next piece of a line, without its newline, and whether the
// line ends with it. The piece is good until the next call.
func (l *lineReader) next() (piece []byte, last bool, err error) {
	if cap(l.buf) > 32<<10 {
		l.buf = nil // a long line is no reason to hold its memory while nothing comes
	}
	l.buf = l.buf[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		l.buf = append(l.buf, part...)
		switch {
		case err == nil:
			return l.buf[:len(l.buf)-1], true, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		case len(l.buf) >= l.size:
			return l.buf, false, nil
		}
	}
}

// waiting reports whether another whole line has come already.
func (l *lineReader) waiting() bool {
	b, _ := l.in.Peek(l.in.Buffered())
	return bytes.IndexByte(b, '\n') >= 0
}

// whole returns a copy of the next line, which may have max bytes.
func (l *lineReader) whole(max int) ([]byte, error) {
	var line []byte
	for {
		piece, last, err := l.next()
		line = append(line, piece...)
		switch {
		case err != nil:
			return nil, err
		case len(line) > max:
			return nil, fmt.Errorf("the engine sent a line of more than %d bytes", max)
		case last:
			return line, nil
		}
	}
}

// sendLine writes a whole line to the engine, or closes nc: nobody may write
// behind half a line.
func sendLine(nc net.Conn, line []byte) error {
	nc.SetWriteDeadline(time.Now().Add(engineWait))
	_, err := nc.Write(line)
	if err != nil {
		nc.Close()
	}
	return err
}
