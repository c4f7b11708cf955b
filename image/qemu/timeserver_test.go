// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// A timeServer tells the time of this machine (RFC 5905, section 7.3), or something else.
type timeServer struct {
	ahead time.Duration // by how much it lies
	vague time.Duration // the error that it admits
	unset bool          // it says that it has no time itself

	conn net.PacketConn
	wg   sync.WaitGroup
}

// listens begins to serve at a port of this machine, and returns where a guest finds it.
func (s *timeServer) listens(t testing.TB) string {
	t.Helper()
	var err error
	if s.conn, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.wg.Go(s.serve)
	t.Cleanup(s.close)
	return fmt.Sprintf("10.0.2.2:%d", s.conn.LocalAddr().(*net.UDPAddr).Port)
}

func (s *timeServer) close() {
	s.conn.Close()
	s.wg.Wait()
}

func (s *timeServer) serve() {
	buf := make([]byte, 512)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if n >= ntpSize {
			_, _ = s.conn.WriteTo(s.answer(buf[:n], time.Now().Add(s.ahead)), from)
		}
	}
}

const ntpSize = 48 // bytes of a packet without extensions

func (s *timeServer) answer(question []byte, now time.Time) []byte {
	const version, server, stratum = 4 << 3, 4, 2
	a := make([]byte, ntpSize)
	a[0], a[1], a[2], a[3] = version|server, stratum, 6, 0xec // asked every 2^6 s, exact to 2^-20 s
	if s.unset {
		a[0] |= 3 << 6
	}
	be := binary.BigEndian
	be.PutUint32(a[8:], uint32(s.vague.Seconds()*(1<<16))) // root dispersion
	copy(a[12:], "TEST")
	be.PutUint64(a[16:], ntpTime(now.Add(-time.Minute))) // when it was set
	copy(a[24:32], question[40:48])
	be.PutUint64(a[32:], ntpTime(now))
	be.PutUint64(a[40:], ntpTime(now))
	return a
}

// ntpTime is a time in seconds since 1900, and 2^-32 of them.
func ntpTime(t time.Time) uint64 {
	const from1900 = 2208988800
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}
