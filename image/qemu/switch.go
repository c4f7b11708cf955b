// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// maxFrame is the longest frame that a guest sends (virtio with merged segments).
const maxFrame = 128 << 10

// A Switch is an Ethernet of guests. As real ones do it learns where an address was last
// heard, and sends frames for it there alone; all others get the rest. QEMU's stream
// network puts the length of each frame before it, 4 bytes, the highest first.
type Switch struct {
	path string
	dir  string
	l    *net.UnixListener
	wg   sync.WaitGroup

	mu    sync.Mutex // guards what follows
	ports map[*port]bool
	heard map[address]*port
	over  bool
}

// An address is one of Ethernet.
type address [6]byte

// A port carries frames with their length before them, as QEMU does.
type port struct {
	conn io.ReadWriteCloser
	out  chan []byte
}

// Listen makes a switch.
func Listen() (*Switch, error) {
	dir, err := os.MkdirTemp("", "evener-switch")
	if err != nil {
		return nil, err
	}
	s := &Switch{path: filepath.Join(dir, "net"), dir: dir, ports: map[*port]bool{}, heard: map[address]*port{}}
	if s.l, err = listenUnix(s.path); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.wg.Go(s.accept)
	return s, nil
}

func (s *Switch) accept() {
	for {
		conn, err := s.l.Accept()
		if err != nil {
			return
		}
		s.join(conn)
	}
}

func (s *Switch) join(conn io.ReadWriteCloser) {
	p := &port{conn, make(chan []byte, 512)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		conn.Close()
		return
	}
	s.ports[p] = true
	s.wg.Go(func() { s.receive(p) })
	s.wg.Go(func() { s.send(p) })
}

// Plug connects a cable that is no guest's, such as that of a tap device: each Read of it
// is a frame, and each Write takes one. The switch closes it when it ends.
func (s *Switch) Plug(cable io.ReadWriteCloser) { s.join(&tap{cable: cable}) }

// A tap puts the length before each frame, and takes it off.
type tap struct {
	cable io.ReadWriteCloser
	buf   [4 + maxFrame]byte
	rest  []byte // of the frame that was read, not given yet
}

func (t *tap) Read(b []byte) (int, error) {
	if len(t.rest) == 0 {
		n, err := t.cable.Read(t.buf[4:])
		if err != nil {
			return 0, err
		}
		binary.BigEndian.PutUint32(t.buf[:4], uint32(n))
		t.rest = t.buf[:4+n]
	}
	n := copy(b, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// Write takes a whole frame with its length, as send has it.
func (t *tap) Write(b []byte) (int, error) {
	n, err := t.cable.Write(b[4:])
	return 4 + n, err
}

func (t *tap) Close() error { return t.cable.Close() }

// receive hands the frames of p to the other ports until p is gone.
func (s *Switch) receive(p *port) {
	defer s.drop(p)
	var head [4]byte
	for {
		if _, err := io.ReadFull(p.conn, head[:]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > maxFrame {
			return
		}
		frame := make([]byte, 4+n)
		copy(frame, head[:])
		if _, err := io.ReadFull(p.conn, frame[4:]); err != nil {
			return
		}
		s.hand(p, frame)
	}
}

// header is the shortest frame: two addresses and a type.
const header = 14

// hand hands a frame with its length to where it is for.
func (s *Switch) hand(from *port, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var to *port // nil: all
	if len(frame) >= 4+header {
		s.heard[address(frame[10:16])] = from
		to = s.heard[address(frame[4:10])] // groups never send
	}
	for p := range s.ports {
		if p == from || to != nil && p != to {
			continue
		}
		select {
		case p.out <- frame:
		default: // a guest that does not read loses frames, as on a wire
		}
	}
}

// send writes frames to p. A guest that is frozen keeps it waiting, and loses
// what does not fit in p.out.
func (s *Switch) send(p *port) {
	for frame := range p.out {
		if _, err := p.conn.Write(frame); err != nil {
			p.conn.Close() // half a frame may have gone: receive ends the port
		}
	}
}

func (s *Switch) drop(p *port) {
	p.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ports, p)
	maps.DeleteFunc(s.heard, func(_ address, at *port) bool { return at == p })
	close(p.out)
}

// Close ends the network. Guests see frames no more.
func (s *Switch) Close() error {
	s.mu.Lock()
	s.over = true
	for p := range s.ports {
		p.conn.Close()
	}
	s.mu.Unlock()
	err := s.l.Close()
	s.wg.Wait()
	return errors.Join(err, os.RemoveAll(s.dir))
}
