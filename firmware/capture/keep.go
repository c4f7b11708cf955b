// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Open returns the folder of captures. It serves once [Folder.Run] has begun.
func Open(cfg Config, log *slog.Logger) (*Folder, error) {
	cfg.Disk = cmp.Or(cfg.Disk, 2<<30)
	cfg.Settle = cmp.Or(cfg.Settle, 500*time.Millisecond)
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	f := &Folder{cfg: cfg, log: log, done: map[string]Status{}, running: map[string]*capture{}}
	return f, os.MkdirAll(cfg.Dir, 0o700)
}

// Run carries captures until ctx ends; then it ends them and waits until their files
// are whole. It begins when no other process has the folder: an engine that is
// replaced may still be completing files. What a crash has left unfinished is made
// whole then, as far as it goes, and what is too old is removed.
func (f *Folder) Run(ctx context.Context) error {
	lock, err := f.lock(ctx)
	if lock == nil {
		return err
	}
	defer lock.Close()
	f.mu.Lock()
	err = f.sweep()
	f.ready = err == nil
	f.mu.Unlock()
	if err != nil {
		return err
	}
	f.cfg.Changed()
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for f.expire(time.Now()); ; {
		select {
		case now := <-tick.C:
			f.expire(now)
		case <-ctx.Done():
			f.mu.Lock()
			f.ready = false
			for _, c := range f.running {
				go c.finish(EngineEnd, nil)
			}
			f.mu.Unlock()
			f.wg.Wait()
			return nil
		}
	}
}

// lock waits until the folder is ours. It returns nil when ctx ends before.
func (f *Folder) lock(ctx context.Context) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(f.cfg.Dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return file, nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return nil, errors.Join(fmt.Errorf("lock %s: %w", file.Name(), err), file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, file.Close()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// carry runs a capture and makes its file.
func (f *Folder) carry(c *capture) {
	c.run(f.cfg.Changed)
	c.mu.Lock()
	c.status.State = Ending
	c.mu.Unlock()
	f.cfg.Changed()
	open := f.open()
	if f.cfg.Source != nil {
		time.Sleep(f.cfg.Settle) // for records that are on their way
	}
	f.mu.Lock()
	list := append(slices.Clone(f.exchanges.list), open...)
	lost := f.exchanges.lost
	f.mu.Unlock()
	f.complete(c, newBook(list), lost)
	status := c.now()
	status.State = Done
	f.log.Info("capture ended", "capture", status.ID, "reason", status.Reason, "packets", status.Packets)
	f.mu.Lock()
	delete(f.running, status.ID)
	f.done[status.ID] = status
	unwatch := f.unwatch
	if len(f.running) > 0 {
		unwatch = nil
	} else {
		f.unwatch, f.exchanges = nil, exchanges{}
	}
	f.mu.Unlock()
	if unwatch != nil {
		unwatch()
	}
	f.cfg.Changed()
}

func (f *Folder) open() []Exchange {
	if f.cfg.Source == nil {
		return nil
	}
	return f.cfg.Source.Open()
}

// complete makes one file of the parts of c, whose run has ended. Where there is no
// room for it, the newest part alone is kept, without comments.
func (f *Folder) complete(c *capture, b *book, lost uint64) {
	name := c.prefix + ".pcapng"
	a, size, err := f.write(c, name+".tmp", b)
	if err == nil {
		err = os.Rename(name+".tmp", name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.status
	if err == nil {
		s.Packets, s.Joined, s.Bytes = a.packets, a.joined, size
		switch {
		case a.unjoined > 0:
			s.addProblem(fmt.Sprintf("%d packets have no comment: comments may not more than double a file", a.unjoined))
		case lost > 0:
			s.addProblem(fmt.Sprintf("%d exchanges were too many to remember: their packets have no comment", lost))
		}
	} else {
		s.addProblem(fmt.Sprintf("packets have no comments: %v", err))
		if n := len(c.parts); n > 0 {
			err = os.Rename(c.parts[n-1], name)
			if st, statErr := os.Stat(name); statErr == nil {
				s.Bytes = cutTorn(name, st.Size())
			}
			if c.parts = c.parts[:n-1]; n > 1 {
				s.addProblem("only the newest part of the ring is kept")
			}
		}
		f.log.Error("capture not completed", "capture", s.ID, "err", err)
	}
	for _, part := range c.parts {
		_ = os.Remove(part) // the next start tries again
	}
	noted := *s
	noted.State = Done
	if err := f.note(noted); err != nil {
		f.log.Error("capture not noted", "capture", s.ID, "err", err)
	}
}

func (s *Status) addProblem(text string) {
	if s.Problem != "" {
		s.Problem += "; "
	}
	s.Problem += text
}

// cutTorn takes off a torn block at the end of a file and returns its size.
func cutTorn(name string, size int64) int64 {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return size
	}
	defer f.Close()
	if n, err := whole(f, size); err == nil && n < size && f.Truncate(n) == nil {
		return n
	}
	return size
}

// write assembles the file called name and returns its size.
func (f *Folder) write(c *capture, name string, b *book) (a *assembly, size int64, err error) {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, 0, err
	}
	a, err = c.assemble(out, b)
	if st, statErr := out.Stat(); statErr == nil {
		size = st.Size()
	}
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		os.Remove(name)
	}
	return a, size, err
}

// note writes what is kept of a capture beside its file.
func (f *Folder) note(s Status) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	name := filepath.Join(f.cfg.Dir, s.ID+".json")
	if err := os.WriteFile(name+".tmp", b, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}

// sweep reads what is there, and completes what a crash has left.
func (f *Folder) sweep() error {
	entries, err := os.ReadDir(f.cfg.Dir)
	if err != nil {
		return err
	}
	parts := map[string][]string{}
	for _, e := range entries { // in the order of the names
		name := filepath.Join(f.cfg.Dir, e.Name())
		id, kind, _ := strings.Cut(e.Name(), ".")
		switch {
		case strings.HasSuffix(kind, "tmp"):
			os.Remove(name)
		case strings.HasSuffix(kind, ".part"):
			parts[id] = append(parts[id], name)
		case kind == "pcapng":
			f.done[id] = f.remember(id, name)
		}
	}
	for id, list := range parts {
		if s, ok := f.done[id]; ok && s.State == Done { // the crash came while they were removed
			for _, name := range list {
				os.Remove(name)
			}
			continue
		}
		f.recover(id, list)
	}
	return nil
}

// remember reads what was noted of a capture.
func (f *Folder) remember(id, name string) Status {
	s := Status{ID: id, State: Done, Reason: EngineEnd, Interfaces: []string{}, Problem: "what was noted of it is lost"}
	st, err := os.Stat(name)
	if err == nil {
		s.Started, s.Ended, s.Bytes = st.ModTime(), st.ModTime(), st.Size()
	}
	b, err := os.ReadFile(strings.TrimSuffix(name, ".pcapng") + ".json")
	var noted Status
	if err == nil && json.Unmarshal(b, &noted) == nil && noted.ID == id {
		noted.Bytes = s.Bytes
		return noted
	}
	return s
}

// recover completes a capture of an engine that has crashed. What it was about is in
// the parts themselves.
func (f *Folder) recover(id string, parts []string) {
	c := &capture{program: f.cfg.Program, prefix: filepath.Join(f.cfg.Dir, id), parts: parts}
	last := parts[len(parts)-1]
	c.status = Status{ID: id, Reason: EngineEnd, Problem: "the engine crashed while it ran", Snaplen: maxSnaplen, Interfaces: []string{}}
	if st, err := os.Stat(last); err == nil {
		c.status.Started, c.status.Ended = st.ModTime(), st.ModTime()
	}
	if at, err := time.Parse("20060102-150405", id[:min(15, len(id))]); err == nil {
		c.status.Started = at
	}
	c.faces, c.status.Filter = facesOf(parts[0])
	for _, i := range c.faces {
		c.status.Interfaces = append(c.status.Interfaces, i.Name)
	}
	f.complete(c, nil, 0)
	c.status.State = Done
	f.done[id] = c.status
}

// expire removes what is too old.
func (f *Folder) expire(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, s := range f.done {
		if now.Sub(s.Ended) < keepFor {
			continue
		}
		if err := f.remove(id); err != nil {
			f.log.Warn("old capture not removed", "capture", id, "err", err)
		}
	}
}
