// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"evener/hal/serial"
)

// The pace of the conversation. The display answers within 250 ms; some USB
// models lose packets that follow one another too closely.
const (
	cfaPatience = 250 * time.Millisecond
	cfaGap      = 10 * time.Millisecond
	cfaTries    = 4
	cfaSilence  = 50 * time.Millisecond // within a packet there is none as long
)

// errRefused says that the display understood a command and does not want it.
var errRefused = errors.New("the display refuses it")

// A cfaLine is the conversation with a CrystalFontz display: one command at a
// time, each sent until it is answered, and reports in between.
type cfaLine struct {
	port    serial.Port
	report  func(typ byte, data []byte)
	answers chan cfaPacket // has room for one
	done    chan struct{}  // closed when the reader has ended
	ended   func()         // called then

	mu   sync.Mutex // held while a command is under way
	last time.Time  // when the last one ended

	errMu sync.Mutex // guards err
	err   error      // why the reader has ended
}

// newCFALine begins to listen. It calls report for each report and ended when
// the line is lost or closed.
func newCFALine(port serial.Port, report func(byte, []byte), ended func()) *cfaLine {
	l := &cfaLine{port: port, report: report, ended: ended,
		answers: make(chan cfaPacket, 1), done: make(chan struct{})}
	go l.listen()
	return l
}

// close ends the conversation and returns when nothing of it is left.
func (l *cfaLine) close() error {
	err := l.port.Close()
	<-l.done
	return err
}

func (l *cfaLine) listen() {
	defer l.ended()
	defer close(l.done)
	defer fault(l.fail)
	var dec cfaDecoder
	buf := make([]byte, 256)
	for {
		wait := time.Second
		if dec.partial() {
			wait = cfaSilence
		}
		if err := l.port.SetReadTimeout(wait); err != nil {
			l.fail(err)
			return
		}
		n, err := l.port.Read(buf)
		switch {
		case errors.Is(err, serial.ErrTimeout):
			l.take(dec.gap())
		case err != nil:
			l.fail(err)
			return
		default:
			l.take(dec.feed(buf[:n]))
		}
	}
}

func (l *cfaLine) fail(err error) {
	l.errMu.Lock()
	defer l.errMu.Unlock()
	l.err = err
}

// lost is why the line has ended.
func (l *cfaLine) lost() error {
	l.errMu.Lock()
	defer l.errMu.Unlock()
	return l.err
}

// take hands packets on. An answer that nobody has fetched is replaced: it
// belongs to a command that was given up.
func (l *cfaLine) take(packets []cfaPacket) {
	for _, p := range packets {
		switch p.typ & cfaKind {
		case cfaReport:
			l.report(p.typ, p.data)
		case cfaAnswer, cfaRefused:
			select {
			case <-l.answers:
			default:
			}
			l.answers <- p
		}
	}
}

// command sends a command, again if need be, and returns the data of its
// answer. The error wraps errRefused when the display answers that it does not
// want it; any other means that the display is lost.
func (l *cfaLine) command(ctx context.Context, cmd byte, data ...byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	packet := cfaPacket{cmd, data}.appendTo(nil)
	for range cfaTries {
		l.rest(ctx)
		answer, err := l.try(ctx, packet)
		l.last = time.Now()
		switch {
		case err == errNoAnswer:
			continue
		case err != nil:
			return nil, fmt.Errorf("command %d: %w", cmd, err)
		case answer.typ&cfaKind == cfaRefused:
			return nil, fmt.Errorf("command %d: %w", cmd, errRefused)
		}
		return answer.data, nil
	}
	return nil, fmt.Errorf("command %d: %w: sent %d times, %v each", cmd, errNoAnswer, cfaTries, cfaPatience)
}

var errNoAnswer = errors.New("no answer of the display")

// rest leaves the gap between two commands.
func (l *cfaLine) rest(ctx context.Context) {
	select {
	case <-time.After(cfaGap - time.Since(l.last)):
	case <-ctx.Done():
	}
}

// try sends a packet once and waits for its answer.
func (l *cfaLine) try(ctx context.Context, packet []byte) (cfaPacket, error) {
	select {
	case <-l.answers: // too late for the command before
	default:
	}
	if _, err := l.port.Write(packet); err != nil {
		return cfaPacket{}, err
	}
	late := time.NewTimer(cfaPatience)
	defer late.Stop()
	for {
		select {
		case a := <-l.answers:
			if a.typ&^cfaKind == packet[0] {
				return a, nil
			}
		case <-late.C:
			if len(l.answers) > 0 {
				continue // this process was late, not the display
			}
			return cfaPacket{}, errNoAnswer
		case <-ctx.Done():
			return cfaPacket{}, ctx.Err()
		case <-l.done:
			if err := l.lost(); err != nil {
				return cfaPacket{}, err
			}
			return cfaPacket{}, os.ErrClosed
		}
	}
}
