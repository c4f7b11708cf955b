// SPDX-License-Identifier: Apache-2.0

package lcd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"evener/hal/serial"
)

// Commands of Matrix Orbital modules (manuals of LK202-25, LK204-25, PK202-25
// and GLK24064-25). Each follows moCommand; everything else is text.
const (
	moCommand = 0xFE

	moAutoKeysOn  = 0x41
	moLightOn     = 0x42 // minutes, 0 is for ever
	moWrapOff     = 0x44
	moClearKeys   = 0x45
	moLightOff    = 0x46
	moGoto        = 0x47 // column, row, both from 1
	moUnderOn     = 0x4A
	moUnderOff    = 0x4B
	moDefine      = 0x4E // number, eight rows
	moAutoKeysOff = 0x4F
	moContrast    = 0x50 // 0 to 255
	moScrollOff   = 0x52
	moBlinkOn     = 0x53
	moBlinkOff    = 0x54
	moOutputOff   = 0x56 // number: the output is high
	moOutputOn    = 0x57 // number: the output is pulled low
	moClear       = 0x58
	moVFDLight    = 0x59 // 0 to 3
	moReadVersion = 0x36
	moReadType    = 0x37
	moKeyMode     = 0x7E // 1: codes for down and up
	moBrightness  = 0x99 // 0 to 255
)

// What a module says of its buffer while flow control is on.
const (
	moBufferFull  = 0xFE
	moBufferReady = 0xFF
)

// moLongest is the most bytes that a module may still wait for when we find it
// in the middle of a command that a process before us did not finish: the
// parameters of moDefine.
const moLongest = 9

// A moLink is the line to a module: commands, keys, and the two questions that
// a module answers.
type moLink struct {
	stream
	letters letterKeys
	want    atomic.Int32 // the answer that is waited for; anyByte or noByte
	answers chan byte    // has room for one
	flow    chan bool    // has room for one: the module's buffer is almost full, or has room again
	id      byte
}

const (
	noByte  = -1
	anyByte = 256
)

// moAnswer is how long a module may take to answer.
const moAnswer = 500 * time.Millisecond

func (m *moLink) start(port serial.Port, speed int) {
	m.answers, m.flow = make(chan byte, 1), make(chan bool, 1)
	m.want.Store(noByte)
	m.stream.start(port, speed, m.receive)
}

// receive sorts what comes in: an answer, a word about the buffer, a key.
func (m *moLink) receive(in []byte) {
	for _, b := range in {
		want := m.want.Load()
		switch {
		case b == moBufferFull || b == moBufferReady:
			select {
			case <-m.flow: // is out of date
			default:
			}
			m.flow <- b == moBufferFull
		case want == anyByte || want == int32(b):
			if m.want.CompareAndSwap(want, noByte) {
				m.answers <- b
			}
		default:
			m.keys.put(m.letters.read(b)...)
		}
	}
}

// ask sends a question and returns the answer. want is the byte that is
// expected, or anyByte while no keys are sent. The turn to send is
// the caller's.
func (m *moLink) ask(ctx context.Context, question byte, want int32) (byte, error) {
	select {
	case <-m.answers: // came too late for the last question
	default:
	}
	m.want.Store(want)
	defer m.want.Store(noByte)
	if err := m.put(moCommand, question); err != nil {
		return 0, err
	}
	b, err := m.await(ctx, m.answers, moAnswer)
	if errors.Is(err, serial.ErrTimeout) {
		err = fmt.Errorf("no Matrix Orbital display answers (is the speed right?): %w", err)
	}
	return b, err
}

// identify brings the module to the begin of a command, stops its keys and asks
// what it is.
func (m *moLink) identify(ctx context.Context) (id, version byte, err error) {
	m.lock()
	defer m.unlock()
	// Spaces complete whatever command was begun, and are text otherwise. The
	// screen is cleared anyhow.
	quiet := append(bytes.Repeat([]byte{' '}, moLongest), moCommand, moAutoKeysOff, moCommand, moClearKeys)
	if err := m.put(quiet...); err != nil {
		return 0, 0, err
	}
	if err := m.pause(100 * time.Millisecond); err != nil { // for keys on their way
		return 0, 0, err
	}
	for range 3 {
		if id, err = m.ask(ctx, moReadType, anyByte); err == nil {
			break
		}
		if !errors.Is(err, serial.ErrTimeout) {
			return 0, 0, err
		}
	}
	if err != nil {
		return 0, 0, err
	}
	m.id = id
	version, err = m.ask(ctx, moReadVersion, anyByte)
	return id, version, err
}

// setLetters gives the link the keys before the module may send any.
func (m *moLink) setLetters(keys map[byte]Key) { m.letters.keys = keys }

// Check asks the module for its type, which it must remember.
func (m *moLink) Check() error {
	m.lock()
	defer m.unlock()
	var err error
	for range 2 {
		if _, err = m.ask(context.Background(), moReadType, int32(m.id)); !errors.Is(err, serial.ErrTimeout) {
			return err
		}
	}
	return err
}

// send sends one command or more.
func (m *moLink) send(p ...byte) error {
	m.lock()
	defer m.unlock()
	return m.put(p...)
}

// moSettle is how long a module may take to carry out what it was told at first.
const moSettle = 10 * time.Millisecond

// settle sends commands and waits until the module has carried them out.
func (m *moLink) settle(p ...byte) error {
	m.lock()
	defer m.unlock()
	if err := m.put(p...); err != nil {
		return err
	}
	return m.pause(moSettle)
}

// lamp returns the commands that make lamp n show c. The lamps of the 1U
// modules hang on two outputs each, and the half whose output is pulled low is
// dark: green on the odd outputs, red on the even (found out with an
// LK204-7T-1U by the author of the public library lk204).
func lamp(n int, c Colour) []byte {
	half := func(output int, lit bool) []byte {
		if lit {
			return []byte{moCommand, moOutputOff, byte(output)}
		}
		return []byte{moCommand, moOutputOn, byte(output)}
	}
	return append(half(2*n+1, c == Green || c == Amber), half(2*n+2, c == Red || c == Amber)...)
}

// lampsOff returns the commands that make n lamps dark: when power comes they
// are amber.
func lampsOff(n int) (out []byte) {
	for i := range n {
		out = append(out, lamp(i, Off)...)
	}
	return out
}

// moVersion is a firmware version: 0x57 is 5.7.
func moVersion(v byte) string { return fmt.Sprintf("%d.%d", v>>4, v&0xF) }
