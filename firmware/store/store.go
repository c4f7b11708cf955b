// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where a Store is and how much it keeps. Only Dir is required; a
// zero field takes the default named beside it.
type Config struct {
	Dir  string           // made if it is not there; mode 0700
	Keep int              // 200 revisions
	Now  func() time.Time // time.Now

	// Boot names this boot of the machine: what is handed over within one does
	// not outlive it. The default is the kernel's boot_id.
	Boot string
}

// A Store is an open directory of revisions. Its methods may be called from
// many goroutines. Readers never wait for the disk: they load a snapshot that
// no one will change.
type Store struct {
	cfg  Config
	disk disk

	state   atomic.Pointer[state]
	runtime atomic.Pointer[map[string]json.RawMessage]
	items   atomic.Pointer[map[string]Item]

	mu       sync.Mutex // serialises writers and guards the rest
	lock     io.Closer
	closed   bool
	states   *pair
	runtimes *pair
	secrets  *pair
	vaults   *pair
	keys     map[string][]secret

	events events
}

// Open opens the store in cfg.Dir, or makes a new one in which nothing runs. It
// returns a *LockedError if another process has it open and a *CorruptError if
// neither copy of the revisions can be read. A revision that was pending is
// reverted unless it was handed over (see the package's introduction); this and
// damage that could be mended is in [Store.Events].
func Open(cfg Config) (*Store, error) {
	d, err := openDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if cfg.Boot == "" {
		b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
		if err != nil {
			return nil, fmt.Errorf("open store: name this boot: %w", err)
		}
		cfg.Boot = strings.TrimSpace(string(b))
	}
	return open(d, cfg)
}

// open is Open on any disk.
func open(d disk, cfg Config) (*Store, error) {
	if cfg.Keep == 0 {
		cfg.Keep = 200
	}
	if cfg.Keep < 1 {
		return nil, fmt.Errorf("open store: Keep must be 1 or more, not %d", cfg.Keep)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	lock, err := d.Lock("lock")
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{cfg: cfg, disk: d, lock: lock}
	if err := s.load(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("open store %s: %w", cfg.Dir, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resume()
	s.sweep()
	s.sweepVault()
	return s, nil
}

// load reads the documents. Damage to what can be made anew, the runtime area and
// the keys, or imported anew, does not keep the box from starting.
func (s *Store) load() error {
	for _, dir := range []string{"texts", "vault"} {
		if err := s.disk.Mkdir(dir); err != nil { // made durable by the first save
			return err
		}
	}
	var damage, more []error
	var err error
	if s.states, damage, err = openPair(s.disk, "state"); err != nil {
		return err
	}
	st, err := decodeState(s.states.payload)
	if err != nil {
		return &CorruptError{s.states.file(s.states.seq), err.Error()}
	}
	s.state.Store(st)
	runtime := make(map[string]json.RawMessage)
	s.runtimes, more = openLoose(s.disk, "runtime", &runtime)
	s.runtime.Store(&runtime)
	damage = append(damage, more...)
	s.secrets, more = openLoose(s.disk, "secrets", &s.keys)
	damage = append(damage, more...)
	items := make(map[string]Item)
	s.vaults, more = openLoose(s.disk, "vault", &items)
	s.items.Store(&items)
	damage = append(damage, more...)
	for _, err := range damage {
		s.emit(Event{Kind: Damaged, Origin: Boot, Running: st.Running,
			Why: err.Error() + "; the copy before it counts, or nothing where there is none"})
	}
	return nil
}

// openLoose opens the pair called name and decodes it into v, which stays empty
// if nothing can be read.
func openLoose[T any](d disk, name string, v *T) (*pair, []error) {
	p, damage, err := openPair(d, name)
	if err == nil && len(p.payload) > 0 {
		if err := json.Unmarshal(p.payload, v); err != nil {
			damage = append(damage, &CorruptError{p.file(p.seq), err.Error()})
		}
	}
	return p, damage
}

// resume decides what becomes of a revision that was pending when the store was
// last open.
func (s *Store) resume() {
	st := s.state.Load()
	if st.Window == nil {
		return
	}
	now := s.cfg.Now()
	h := st.Handover
	if h == nil || h.Boot != s.cfg.Boot {
		s.revert(Settlement{Origin: Boot, Time: wall(now),
			Why: "the box restarted before the commit was confirmed"})
		return
	}
	w := window{Left: st.Window.Left, asOf: h.Time}.at(now)
	if w.Left == 0 {
		s.revert(timeout(now))
		return
	}
	next := st.clone()
	next.Window, next.Handover = &w, nil
	if err := s.save(next); err != nil {
		// A handover that cannot be taken off the disk would hold a second time.
		s.revert(Settlement{Origin: Boot, Time: wall(now),
			Why: "the handover of the unconfirmed commit could not be taken: " + err.Error()})
	}
}

// sweep removes texts that nothing needs. It is a matter of space only: an
// error leaves the file for the next time.
func (s *Store) sweep() {
	keep := s.state.Load().texts()
	if older, err := decodeState(s.states.older); err == nil {
		for h := range older.texts() {
			keep[h] = true
		}
	}
	if names, err := s.disk.List("texts"); err == nil {
		for _, n := range names {
			if !keep[n] {
				_ = s.disk.Remove("texts/" + n)
			}
		}
	}
}

// save writes next to the disk and, if that succeeded, publishes it.
func (s *Store) save(next *state) error {
	if s.closed {
		return ErrClosed
	}
	b, err := next.encode()
	if err != nil {
		return err
	}
	if err := s.states.save(b); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	s.state.Store(next)
	return nil
}

// putText makes sure that b is on the disk and returns its hash.
func (s *Store) putText(b []byte) (string, error) {
	if s.closed {
		return "", ErrClosed
	}
	sum := sha256.Sum256(b)
	hash := hex.EncodeToString(sum[:])
	if s.state.Load().texts()[hash] {
		if _, err := s.readText(hash); err == nil {
			return hash, nil
		}
	}
	if _, err := replace(s.disk, "texts/"+hash, b); err != nil {
		return "", fmt.Errorf("save text: %w", err)
	}
	return hash, nil
}

// readText returns the text with the given hash.
func (s *Store) readText(hash string) ([]byte, error) {
	name := "texts/" + hash
	b, err := s.disk.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &CorruptError{name, "it is missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("read text: %w", err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != hash {
		return nil, &CorruptError{name, "its checksum does not match"}
	}
	return b, nil
}

// Running returns the revision that runs, or one with number 0 if none does.
func (s *Store) Running() Revision {
	st := s.state.Load()
	return st.revision(st.Running)
}

// Revision returns the description of revision n, or a *NotFoundError.
func (s *Store) Revision(n uint64) (Revision, error) {
	r := s.state.Load().revision(n)
	if r.Number == 0 {
		return r, &NotFoundError{n}
	}
	return r, nil
}

// Text returns the text of revision n, a *NotFoundError, or a *CorruptError if
// what is on the disk is not what was committed.
func (s *Store) Text(n uint64) ([]byte, error) {
	r, err := s.Revision(n)
	if err != nil {
		return nil, err
	}
	return s.readText(r.SHA256)
}

// History returns the revisions that are kept, the newest first.
func (s *Store) History() []Revision {
	rs := slices.Clone(s.state.Load().Revisions)
	slices.Reverse(rs)
	return rs
}

// Unsaved returns nil, or why the disk does not hold yet what the store says:
// an automatic revert on a full disk, for one. Tick tries again.
func (s *Store) Unsaved() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.states.stale, s.runtimes.stale, s.secrets.stale, s.vaults.stale)
}

// Close lets another process open the store. A revision that is pending will be
// reverted by the next Open.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close()
}

func (s *Store) close() error {
	if s.closed {
		return ErrClosed
	}
	s.closed = true
	return s.lock.Close()
}

// Handover is Close for a process that makes room for its successor: the window
// of a pending revision goes on under an Open within the same boot. After an
// error the store is still open.
func (s *Store) Handover() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.state.Load(); st.Window != nil {
		now := s.cfg.Now()
		w := st.Window.at(now)
		next := st.clone()
		next.Window, next.Handover = &w, &handover{Boot: s.cfg.Boot, Time: wall(now)}
		if err := s.save(next); err != nil {
			return fmt.Errorf("hand over: %w", err)
		}
	}
	return s.close()
}
