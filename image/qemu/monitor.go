// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"
)

// An Event is something that happened to the guest's machine, as QEMU's machine
// protocol (QMP) tells it: RESET, SHUTDOWN, WATCHDOG, NIC_RX_FILTER_CHANGED...
type Event struct {
	Name string
	Data map[string]any // such as reason: "guest-reset"
}

// maxEvents is how many events are remembered.
const maxEvents = 1000

// A monitor speaks QMP: one JSON object a line, an answer to each command in
// order, events between them (QEMU docs/interop/qmp-spec.txt).
type monitor struct {
	conn    net.Conn
	answers chan answer
	done    chan struct{}

	turn sync.Mutex // a command at a time

	mu     sync.Mutex // guards what follows
	events []Event
	fresh  chan struct{} // closed when an event has come, or the end
	over   error
}

type answer struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
	Event string         `json:"event"`
	Data  map[string]any `json:"data"`
	QMP   any            `json:"QMP"`
}

func newMonitor(ctx context.Context, conn net.Conn) (*monitor, error) {
	m := &monitor{conn: conn, answers: make(chan answer, 1), done: make(chan struct{}), fresh: make(chan struct{})}
	go m.read()
	if err := m.do(ctx, "qmp_capabilities", nil, nil); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *monitor) read() {
	defer close(m.done)
	dec := json.NewDecoder(m.conn)
	for {
		var a answer
		err := dec.Decode(&a)
		m.mu.Lock()
		switch {
		case err != nil:
			m.over = err
		case a.Event != "" && len(m.events) < maxEvents:
			m.events = append(m.events, Event{a.Event, a.Data})
		}
		close(m.fresh)
		m.fresh = make(chan struct{})
		m.mu.Unlock()
		if err != nil {
			return
		}
		if a.Return != nil || a.Error != nil {
			m.answers <- a
		}
	}
}

// do runs a command.
func (m *monitor) do(ctx context.Context, command string, args map[string]any, result any) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	req := map[string]any{"execute": command}
	if args != nil {
		req["arguments"] = args
	}
	line, err := json.Marshal(req)
	if err != nil {
		return err
	}
	if err := m.conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	if _, err := m.conn.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("tell QEMU to %s: %w", command, err)
	}
	select {
	case a := <-m.answers:
		if a.Error != nil {
			return fmt.Errorf("QEMU refuses %s: %s", command, a.Error.Desc)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(a.Return, result)
	case <-m.done:
		return fmt.Errorf("QEMU has ended before it did %s", command)
	case <-ctx.Done():
		m.conn.Close() // a late answer would be taken for that of the next command
		return fmt.Errorf("QEMU has not done %s: %w", command, context.Cause(ctx))
	}
}

// wait waits for the first event from the n-th on that good says is the one, and
// returns the number of the next.
func (m *monitor) wait(ctx context.Context, n int, good func(Event) bool) (int, error) {
	for {
		m.mu.Lock()
		for ; n < len(m.events); n++ {
			if good(m.events[n]) {
				m.mu.Unlock()
				return n + 1, nil
			}
		}
		over, fresh := m.over, m.fresh
		m.mu.Unlock()
		if over != nil {
			return n, fmt.Errorf("QEMU has ended: %w", over)
		}
		select {
		case <-fresh:
		case <-ctx.Done():
			return n, fmt.Errorf("what was waited for has not happened to the guest: %w", context.Cause(ctx))
		}
	}
}

func (m *monitor) close() {
	m.conn.Close()
	<-m.done
}
