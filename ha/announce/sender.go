// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/mdlayher/packet"
)

// A Sender puts frames on one interface. It hears nothing.
type Sender struct {
	name string
	conn *packet.Conn
}

// Open returns a sender for the interface called name, which may be down still. It
// needs CAP_NET_RAW.
func Open(name string) (*Sender, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("announce on %s: %w", name, err)
	}
	conn, err := packet.Listen(link, packet.Raw, 0, nil) // 0: of no protocol frames come in
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("announce on %s: this process needs CAP_NET_RAW: %w", name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("announce on %s: %w", name, err)
	}
	return &Sender{name: name, conn: conn}, nil
}

// Send sends frames in their order. The error is that of the first which could not
// be sent; the others are tried all the same.
func (s *Sender) Send(frames ...Frame) error {
	var first error
	for _, f := range frames {
		if len(f) < headerLen {
			return fmt.Errorf("announce on %s: a frame has %d bytes at least, this one %d", s.name, headerLen, len(f))
		}
		to := &packet.Addr{HardwareAddr: net.HardwareAddr(f[:6])}
		if _, err := s.conn.WriteTo(f, to); err != nil && first == nil {
			first = fmt.Errorf("announce on %s: %w", s.name, err)
		}
	}
	return first
}

// Close gives the socket back.
func (s *Sender) Close() error { return s.conn.Close() }
