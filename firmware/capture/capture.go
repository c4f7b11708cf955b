// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The states of a capture.
const (
	Running = "running"
	Ending  = "ending" // packets get their comments
	Done    = "done"
)

// Why a capture has ended.
const (
	Stopped    = "stopped" // by somebody
	MaxBytes   = "bytes"
	MaxPackets = "packets"
	MaxTime    = "time"
	DiskFull   = "disk"
	EngineEnd  = "engine" // the engine ended or was replaced
	Failed     = "error"  // see Problem
)

// A Status is a capture at one moment, and what is kept of it beside its file.
type Status struct {
	ID         string        `json:"id"`
	State      string        `json:"state"`
	Reason     string        `json:"reason,omitempty"`
	Problem    string        `json:"problem,omitempty"`
	By         string        `json:"by"`
	Started    time.Time     `json:"started"`
	Ended      time.Time     `json:"ended,omitzero"`
	Interfaces []string      `json:"interfaces"`
	Filter     string        `json:"filter,omitempty"`
	Cluster    string        `json:"cluster,omitempty"`
	Snaplen    int           `json:"snaplen"`
	MaxBytes   int64         `json:"max_bytes"`
	MaxPackets int64         `json:"max_packets,omitempty"`
	MaxTime    time.Duration `json:"max_time"`
	Ring       bool          `json:"ring,omitempty"`
	Packets    uint64        `json:"packets"`
	Bytes      int64         `json:"bytes"`
	Lost       uint64        `json:"lost"`
	Joined     uint64        `json:"joined"`
}

// A count is what the kernel tells of one interface.
type count struct{ got, lost uint64 }

// ringParts is in how many files a ring is kept; the oldest is given up whole.
const ringParts = 4

// A capture takes packets until a limit or somebody ends it.
type capture struct {
	faces   []Interface
	program string // that made the file
	prefix  string // of the names of the parts
	sockets []*socket
	end     chan struct{} // closed when it is to end
	ended   sync.Once

	mu      sync.Mutex // guards all below
	status  Status
	counts  []count
	block   block
	file    *os.File
	out     *bufio.Writer
	written int64 // to the part that is written
	sizes   []int64
	parts   []string // the oldest first
	number  int      // of the next part
}

// finish ends the capture. The first reason counts.
func (c *capture) finish(reason string, err error) {
	c.ended.Do(func() {
		c.mu.Lock()
		c.status.Reason, c.status.Ended = reason, time.Now()
		if err != nil {
			c.status.Problem = err.Error()
		}
		c.mu.Unlock()
		close(c.end)
	})
}

// fault ends the capture because of an error. A full disk is a reason of its own.
func (c *capture) fault(err error) {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		c.finish(DiskFull, errors.New("the box's disk is full"))
		return
	}
	c.finish(Failed, err)
}

// begin opens the first part.
func (c *capture) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nextPart()
}

// nextPart goes on in a new file. mu is held.
func (c *capture) nextPart() error {
	if err := c.endPart(); err != nil {
		return err
	}
	name := fmt.Sprintf("%s.%06d.part", c.prefix, c.number)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	c.number++
	c.file, c.out, c.written = f, bufio.NewWriterSize(f, 64<<10), 0
	c.parts = append(c.parts, name)
	c.put(c.block.section(c.program, ""))
	for _, i := range c.faces {
		c.put(c.block.face(i, c.status.Snaplen, c.status.Filter))
	}
	if len(c.parts) > ringParts {
		c.status.Bytes -= c.sizes[0]
		err = os.Remove(c.parts[0])
		c.parts, c.sizes = c.parts[1:], c.sizes[1:]
	}
	return err
}

// endPart closes the part that is written. mu is held.
func (c *capture) endPart() error {
	if c.file == nil {
		return nil
	}
	c.sizes = append(c.sizes, c.written)
	err := errors.Join(c.out.Flush(), c.file.Close())
	c.file = nil
	return err
}

// put writes a block; an error stays in out until somebody flushes. mu is held.
func (c *capture) put(b []byte) {
	_, _ = c.out.Write(b)
	c.written += int64(len(b))
	c.status.Bytes += int64(len(b))
}

// take keeps a packet of an interface, and reports whether there may be more.
func (c *capture) take(face int, p packet) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil || !c.status.Ended.IsZero() {
		return false
	}
	size := int64(len(p.data)) + 36
	switch {
	case c.status.Ring && c.written > 0 && c.written+size > c.status.MaxBytes/ringParts:
		if err := c.nextPart(); err != nil {
			go c.fault(err)
			return false
		}
	case !c.status.Ring && c.status.Bytes+size > c.status.MaxBytes:
		go c.finish(MaxBytes, nil) // it takes mu
		return false
	}
	c.put(c.block.packet(face, p, ""))
	c.status.Packets++
	if c.status.MaxPackets > 0 && c.status.Packets >= uint64(c.status.MaxPackets) {
		go c.finish(MaxPackets, nil)
		return false
	}
	return true
}

// read takes the packets of one interface until the capture ends.
func (c *capture) read(face int) {
	s := c.sockets[face]
	for {
		p, err := s.read()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		case errors.Is(err, syscall.ENETDOWN):
			continue // it may come up again
		case err != nil:
			c.finish(Failed, fmt.Errorf("read packets of %s: %w", c.faces[face].Name, err))
			return
		case !c.take(face, p):
			return
		}
	}
}

// run takes packets until something ends it.
func (c *capture) run(changed func()) {
	var wg sync.WaitGroup
	for i := range c.sockets {
		wg.Go(func() { c.read(i) })
	}
	limit := time.NewTimer(c.status.MaxTime)
	defer limit.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-c.end:
			done = true
		case <-limit.C:
			c.finish(MaxTime, nil)
		case <-tick.C:
			c.tick()
			changed()
		}
	}
	for _, s := range c.sockets {
		s.stop()
	}
	wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count()
	for _, s := range c.sockets {
		_ = s.close() // nothing was written to it
	}
	if err := c.endPart(); err != nil && c.status.Problem == "" {
		c.status.Reason, c.status.Problem = DiskFull, fmt.Sprintf("the last packets are lost: %v", err)
	}
}

// count asks the kernel. mu is held.
func (c *capture) count() {
	c.status.Lost = 0
	for i, s := range c.sockets {
		got, lost := s.count()
		c.counts[i] = count{got, lost}
		c.status.Lost += lost
	}
}

// spare is what a capture leaves free on the disk.
const spare = 32 << 20

// tick looks after the disk once in a second.
func (c *capture) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count()
	if c.file == nil {
		return
	}
	if err := c.out.Flush(); err != nil {
		go c.fault(err)
		return
	}
	if free, err := freeSpace(c.file.Name()); err == nil && free < spare {
		go c.finish(DiskFull, fmt.Errorf("less than %d MiB are free on the box's disk", spare>>20))
	}
}

// freeSpace returns how many bytes we may still write beside the file called name.
func freeSpace(name string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(name, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// describe is the comment of the file.
func (c *capture) describe() string {
	s := fmt.Sprintf("capture %s by %s, ended: %s", c.status.ID, c.status.By, c.status.Reason)
	if c.status.Cluster != "" {
		s += ", cluster " + c.status.Cluster
	}
	return s
}

// now returns the status.
func (c *capture) now() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}
