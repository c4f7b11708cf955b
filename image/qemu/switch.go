// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// maxFrame is the longest frame that a guest sends (virtio with merged segments).
const maxFrame = 128 << 10

// A Switch is an Ethernet of guests: what one sends all others get. QEMU's stream
// network puts the length of each frame before it, 4 bytes, the highest first.
type Switch struct {
	path string
	dir  string
	l    *net.UnixListener
	wg   sync.WaitGroup

	mu    sync.Mutex // guards what follows
	ports map[*port]bool
	over  bool
}

type port struct {
	conn net.Conn
	out  chan []byte
}

// Listen makes a switch.
func Listen() (*Switch, error) {
	dir, err := os.MkdirTemp("", "evener-switch")
	if err != nil {
		return nil, err
	}
	s := &Switch{path: filepath.Join(dir, "net"), dir: dir, ports: map[*port]bool{}}
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
		p := &port{conn, make(chan []byte, 512)}
		s.mu.Lock()
		if s.over {
			conn.Close()
		} else {
			s.ports[p] = true
			s.wg.Go(func() { s.receive(p) })
			s.wg.Go(func() { s.send(p) })
		}
		s.mu.Unlock()
	}
}

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
		s.mu.Lock()
		for other := range s.ports {
			if other == p {
				continue
			}
			select {
			case other.out <- frame:
			default: // a guest that does not read loses frames, as on a wire
			}
		}
		s.mu.Unlock()
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
