// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/bpf"
)

// The limits of a capture. What is over them is refused.
const (
	maxSnaplen     = 256 << 10
	minBytes       = 64 << 10
	largestCapture = 512 << 20
	longestCapture = 24 * time.Hour
	maxRunning     = 4
	maxKept        = 32
	keepFor        = 7 * 24 * time.Hour

	// perByte is how much disk a byte of the limit may take for a moment: the
	// parts, and the file with comments, which is at most twice as long.
	perByte = 3
)

// Config says where captures are kept. A zero field takes the default named beside
// it.
type Config struct {
	Dir     string        // made, with mode 0700, if it is not there; required
	Program string        // name and version, for the files
	Disk    int64         // 2 GiB: what all captures may take
	Source  Source        // nil: no packet gets a comment
	Changed func()        // called from any goroutine when something has changed; nil: nobody
	Settle  time.Duration // 500ms: how long records of exchanges may be on their way
}

// A Request is what a capture is to take. A zero field takes the default named
// beside it.
type Request struct {
	Interfaces []Interface
	Filter     Expr   // nil: everything
	Text       string // of the filter, for people
	Cluster    string // for people
	By         string
	Snaplen    int           // 256 KiB: of each packet
	MaxBytes   int64         // 32 MiB
	MaxPackets int64         // no limit
	MaxTime    time.Duration // 5m
	Ring       bool          // go on at MaxBytes, and give up the oldest packets
}

// ErrLimit is wrapped by errors that say that there is no room for a capture.
var ErrLimit = errors.New("no room for the capture")

// ErrNotFound says that there is no capture of that id.
var ErrNotFound = errors.New("there is no such capture")

// ErrBusy says that a capture still runs.
var ErrBusy = errors.New("the capture still runs: stop it first")

// A Folder keeps captures.
type Folder struct {
	cfg Config
	log *slog.Logger
	wg  sync.WaitGroup // captures that run or end

	mu        sync.Mutex // guards all below
	done      map[string]Status
	running   map[string]*capture
	ready     bool   // Run has the folder for itself
	last      string // id that was given last
	number    int    // of ids within that second
	exchanges exchanges
	unwatch   func() // while captures run
}

// check replaces zero fields and says what is out of its limits.
func (r *Request) check() error {
	r.Snaplen = cmp.Or(r.Snaplen, maxSnaplen)
	r.MaxBytes = cmp.Or(r.MaxBytes, 32<<20)
	r.MaxTime = cmp.Or(r.MaxTime, 5*time.Minute)
	switch {
	case len(r.Interfaces) == 0:
		return errors.New("no interface to capture from")
	case len(r.Interfaces) > maxInterfaces:
		return fmt.Errorf("a capture takes %d interfaces at most", maxInterfaces)
	case r.Snaplen < 64 || r.Snaplen > maxSnaplen:
		return fmt.Errorf("snaplen must be 64 to %d bytes, not %d", maxSnaplen, r.Snaplen)
	case r.MaxBytes < minBytes || r.MaxBytes > largestCapture:
		return fmt.Errorf("max_bytes must be %d to %d, not %d", minBytes, largestCapture, r.MaxBytes)
	case r.MaxPackets < 0:
		return fmt.Errorf("max_packets must be at least 1, not %d", r.MaxPackets)
	case r.MaxTime < time.Second || r.MaxTime > longestCapture:
		return fmt.Errorf("max_time must be 1s to %v, not %v", longestCapture, r.MaxTime)
	}
	return nil
}

// Start begins a capture.
func (f *Folder) Start(r Request) (Status, error) {
	if err := r.check(); err != nil {
		return Status{}, err
	}
	c := &capture{faces: r.Interfaces, program: f.cfg.Program, end: make(chan struct{}), counts: make([]count, len(r.Interfaces))}
	for _, i := range r.Interfaces {
		program, err := Compile(r.Filter, uint32(r.Snaplen), i.Loop)
		if err == nil {
			err = c.open(i, program, r.Snaplen)
		}
		if err != nil {
			c.closeSockets()
			return Status{}, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.room(r.MaxBytes)
	if err == nil {
		f.fill(c, r)
		err = c.begin()
	}
	if err != nil {
		c.closeSockets()
		return Status{}, err
	}
	f.watch()
	f.running[c.status.ID] = c
	status := c.now()
	f.wg.Go(func() { f.carry(c) })
	return status, nil
}

func (c *capture) open(i Interface, program []bpf.Instruction, snaplen int) error {
	s, err := openSocket(i.Index, program, snaplen)
	if err != nil {
		return fmt.Errorf("capture on %s: %w", i.Name, err)
	}
	c.sockets = append(c.sockets, s)
	return nil
}

func (c *capture) closeSockets() {
	for _, s := range c.sockets {
		_ = s.close() // nothing was written to it
	}
}

// fill gives c its id and what it is to do. mu is held.
func (f *Folder) fill(c *capture, r Request) {
	now := time.Now()
	id := now.UTC().Format("20060102-150405")
	if id == f.last {
		f.number++
	} else {
		f.last, f.number = id, 1
	}
	c.status = Status{ID: fmt.Sprintf("%s-%d", id, f.number), State: Running, By: r.By, Started: now, Filter: r.Text, Cluster: r.Cluster,
		Snaplen: r.Snaplen, MaxBytes: r.MaxBytes, MaxPackets: r.MaxPackets, MaxTime: r.MaxTime, Ring: r.Ring}
	for _, i := range r.Interfaces {
		c.status.Interfaces = append(c.status.Interfaces, i.Name)
	}
	c.prefix = filepath.Join(f.cfg.Dir, c.status.ID)
}

// room says why there can be no capture of so many bytes. mu is held.
func (f *Folder) room(bytes int64) error {
	if !f.ready {
		return errors.New("captures are not ready: the engine has just begun, or is about to end")
	}
	used := int64(0)
	for _, s := range f.done {
		used += s.Bytes
	}
	for _, c := range f.running {
		used += perByte * c.status.MaxBytes // which does not change
	}
	free, err := freeSpace(f.cfg.Dir)
	switch {
	case err != nil:
		return err
	case len(f.running) >= maxRunning:
		return fmt.Errorf("%w: %d run already; stop one first", ErrLimit, maxRunning)
	case len(f.done)+len(f.running) >= maxKept:
		return fmt.Errorf("%w: %d are kept already; delete one first", ErrLimit, maxKept)
	case used+perByte*bytes > f.cfg.Disk:
		return fmt.Errorf("%w: captures may take %d MiB, of which %d are in use, and this one may take %d for a moment; "+
			"delete one, or give a smaller max_bytes", ErrLimit, f.cfg.Disk>>20, used>>20, perByte*bytes>>20)
	case perByte*bytes+spare > free:
		return fmt.Errorf("%w: %d MiB are free on the box's disk, and it may take %d and leaves %d; give a smaller max_bytes",
			ErrLimit, free>>20, perByte*bytes>>20, spare>>20)
	}
	return nil
}

// watch begins to hear of exchanges if nobody does. mu is held.
func (f *Folder) watch() {
	if f.cfg.Source == nil || f.unwatch != nil {
		return
	}
	stop, err := f.cfg.Source.Watch(func(e Exchange) {
		f.mu.Lock()
		f.exchanges.add(e)
		f.mu.Unlock()
	})
	if err != nil {
		f.log.Warn("capture without comments", "err", err)
		return
	}
	f.unwatch = stop
}

// List returns all captures, the newest first.
func (f *Folder) List() []Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Status, 0, len(f.done)+len(f.running))
	for _, s := range f.done {
		out = append(out, s)
	}
	for _, c := range f.running {
		out = append(out, c.now())
	}
	slices.SortFunc(out, func(a, b Status) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(b.ID, a.ID))
	})
	return out
}

// Stop ends a capture; that it has ended is no mistake. Its file is there a moment
// later, when its state is Done.
func (f *Folder) Stop(id string) (Status, error) {
	f.mu.Lock()
	c, s := f.running[id], f.done[id]
	f.mu.Unlock()
	switch {
	case c != nil:
		c.finish(Stopped, nil)
		return c.now(), nil
	case s.ID == "":
		return s, ErrNotFound
	}
	return s, nil
}

// Delete removes a capture that has ended.
func (f *Folder) Delete(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running[id] != nil {
		return ErrBusy
	}
	if _, ok := f.done[id]; !ok {
		return ErrNotFound
	}
	return f.remove(id)
}

// remove deletes the files of a capture. mu is held.
func (f *Folder) remove(id string) error {
	base := filepath.Join(f.cfg.Dir, id)
	for _, name := range []string{base + ".pcapng", base + ".json"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	delete(f.done, id)
	return nil
}

// Open opens the file of a capture that has ended.
func (f *Folder) Open(id string) (*os.File, Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.done[id]
	switch {
	case f.running[id] != nil:
		return nil, s, ErrBusy
	case !ok:
		return nil, s, ErrNotFound
	}
	file, err := os.Open(filepath.Join(f.cfg.Dir, id+".pcapng"))
	return file, s, err
}
