// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// markRecords are the first records of the table, which are changed to be seen: one
// after the other, so that none is changed anew while it waits to be sent.
const markRecords = 1024

// runtimePrompt ends each answer.
const runtimePrompt = "\n> "

// A runtimeConn is a connection with the runtime socket of HAProxy, in its
// interactive mode.
type runtimeConn struct {
	c    net.Conn
	buf  [64 << 10]byte
	text bytes.Buffer
}

func dialRuntime(socket string) (*runtimeConn, error) {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	r := &runtimeConn{c: c}
	if _, err := r.ask("prompt", 1); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return r, nil
}

// ask gives n orders, with semicolons between them, and returns the answers, each with
// a prompt behind it.
func (r *runtimeConn) ask(line string, n int) (string, error) {
	err := r.c.SetDeadline(time.Now().Add(failoverTime))
	if err == nil {
		_, err = fmt.Fprintln(r.c, line)
	}
	r.text.Reset()
	for err == nil && bytes.Count(r.text.Bytes(), []byte(runtimePrompt)) < n {
		var got int
		got, err = r.c.Read(r.buf[:])
		r.text.Write(r.buf[:got])
	}
	if err != nil {
		return "", fmt.Errorf("HAProxy's runtime socket: %w", err)
	}
	return r.text.String(), nil
}

// do gives n orders that have nothing to answer.
func (r *runtimeConn) do(line string, n int) error {
	said, err := r.ask(line, n)
	if err == nil && said != strings.Repeat(runtimePrompt, n) {
		err = fmt.Errorf("HAProxy says to %.80q: %q", line, said)
	}
	return err
}

// set changes the records that record gives the numbers from up to to.
func (r *runtimeConn) set(from, to int, record func(int) int) error {
	var line strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&line, "set table clients key %s data.gpt0 %d;", recordKey(record(i)), i+1)
	}
	return r.do(strings.TrimSuffix(line.String(), ";"), to-from)
}

func recordKey(n int) string { return fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255) }

// number asks for something and returns the number in the answer.
func (r *runtimeConn) number(order string, where *regexp.Regexp) (uint32, error) {
	said, err := r.ask(order, 1)
	if err != nil {
		return 0, err
	}
	m := where.FindStringSubmatch(said)
	if m == nil {
		return 0, fmt.Errorf("HAProxy does not tell %v to %q: %q", where, order, said)
	}
	n, err := strconv.ParseUint(m[1], 10, 32)
	return uint32(n), err
}

// What HAProxy tells of its table.
var (
	tableUsed  = regexp.MustCompile(`used:(\d+)`)
	tableMark  = regexp.MustCompile(`gpt0=(\d+)`)
	tableGiven = regexp.MustCompile(`(?s)remote,active.*?last_pushed=(\d+)`)
	tableTaken = regexp.MustCompile(`(?s)remote,active.*?last_get=(\d+)`)
)

// used returns how many records there are.
func (r *runtimeConn) used() (uint32, error) { return r.number("show table", tableUsed) }

// given returns the number of the change that the peer was sent last.
func (r *runtimeConn) given() (uint32, error) { return r.number("show peers", tableGiven) }

// taken returns the number of the peer's change that was taken last.
func (r *runtimeConn) taken() (uint32, error) { return r.number("show peers", tableTaken) }

// mark changes a record that is to be seen.
func (r *runtimeConn) mark(value uint32) error {
	return r.do(fmt.Sprintf("set table clients key %s data.gpt0 %d", recordKey(int(value%markRecords)), value), 1)
}

// without asks for marks, calls seen for those that are there, and returns the others.
func (r *runtimeConn) without(open []mark, seen func(mark)) (rest []mark, err error) {
	var line strings.Builder
	for _, m := range open[:min(len(open), driveBatch)] {
		fmt.Fprintf(&line, ";show table clients key %s", recordKey(int(m.value%markRecords)))
	}
	if line.Len() == 0 {
		return open, nil
	}
	asked := min(len(open), driveBatch)
	said, err := r.ask(line.String()[1:], asked)
	if err != nil {
		return open, err
	}
	for i, text := range strings.SplitN(said, runtimePrompt, asked+1)[:asked] {
		m := tableMark.FindStringSubmatch(text)
		if m == nil {
			return open, fmt.Errorf("HAProxy does not tell %v: %q", tableMark, text)
		}
		if m[1] == strconv.FormatUint(uint64(open[i].value), 10) {
			seen(open[i])
		} else {
			rest = append(rest, open[i])
		}
	}
	return append(rest, open[asked:]...), nil
}
