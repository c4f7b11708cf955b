// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"evener/firmware/config"
	"evener/firmware/durable"
	"evener/firmware/store"
)

// Keep says what a factory reset leaves.
type Keep struct {
	Network bool `json:"network,omitempty" doc:"keep the blocks system, management and console of the configuration"`
	Keys    bool `json:"keys,omitempty" doc:"keep certificates with their keys and what is trusted"`
	Records bool `json:"records,omitempty" doc:"keep the audit log and the journal of events"`
}

// The names that a factory reset uses.
const (
	resetDir  = "store.reset" // beside the store: the new one before they change places, the old one after
	freshMark = "fresh.json"  // in a new store: what of the state has to go yet
)

// A mark says what a reset store has to do yet. It lies in that store.
type mark struct {
	Keep
	Notes []json.RawMessage `json:"notes,omitempty"` // for Finish, from those who have asked
	Left  []string          `json:"left,omitempty"`  // all that has to go yet, after a first attempt
}

// ErrUnfinished is in the error of a factory reset that has happened but has left
// something behind: [Finish] tries again to remove it.
var ErrUnfinished = errors.New("the box is reset, but not all that is old could be removed")

// FactoryReset makes the state that of a box as it was delivered, but for what keep
// says. Users, their tokens and sessions, revisions and drafts go in any case. note
// is kept for the one who calls [Finish]; it may be nil. It is refused with a
// *store.LockedError while a process has the store; until it returns, none gets it.
//
// A new store is written beside the old one, then the two change places in one
// step, then what is old is removed. A power cut before that step changes nothing;
// after it, Finish goes on, and errors are an ErrUnfinished. Call Finish before
// anything uses the state again.
func FactoryReset(state string, keep Keep, note json.RawMessage) error {
	old, fresh := storeDir(state), filepath.Join(state, resetDir)
	if exists(old) {
		lock, err := store.Lock(old)
		if err != nil {
			return fmt.Errorf("factory reset: %w; nothing was changed", err)
		}
		defer lock.Close()
	}
	m := mark{Keep: keep}
	// Of one that was cut short. What it cannot remove this one cannot either, and says so.
	_ = Finish(state, func(before json.RawMessage) { m.Notes = append(m.Notes, before) })
	if note != nil {
		m.Notes = append(m.Notes, note)
	}
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("factory reset: %w", err)
	}
	if err := prepare(state, fresh, m); err != nil {
		return errors.Join(fmt.Errorf("factory reset: %w; nothing was changed", err), os.RemoveAll(fresh))
	}
	lock, err := store.Lock(fresh)
	if err != nil {
		return errors.Join(fmt.Errorf("factory reset: %w; nothing was changed", err), os.RemoveAll(fresh))
	}
	defer lock.Close()
	if err := exchange(fresh, old); err != nil {
		return errors.Join(fmt.Errorf("factory reset: exchange %s and %s: %w; nothing was changed", fresh, old, err), os.RemoveAll(fresh))
	}
	_, err = wipe(state, m)
	if err = errors.Join(durable.SyncDir(state), err); err != nil {
		return fmt.Errorf("factory reset: %w: %w", ErrUnfinished, err)
	}
	return nil
}

// exchange puts fresh in the place of old in one step.
func exchange(fresh, old string) error {
	if !exists(old) {
		return os.Rename(fresh, old)
	}
	return unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, old, unix.RENAME_EXCHANGE)
}

// prepare writes the store that a reset box begins with.
func prepare(state, fresh string, m mark) error {
	keep := m.Keep
	var v *store.View
	if keep.Network || keep.Keys {
		var err error
		if v, err = store.Look(storeDir(state)); err != nil {
			return fmt.Errorf("what should be kept cannot be read (reset without keeping it): %w", err)
		}
	}
	s, err := store.Open(store.Config{Dir: fresh})
	if err != nil {
		return err
	}
	defer s.Close()
	if keep.Keys {
		if err := copyKeys(v, s.Vault()); err != nil {
			return err
		}
	}
	if keep.Network {
		text, err := networkText(v)
		if err != nil {
			return err
		}
		if _, err := s.CommitText(text, store.CommitOptions{Author: "box", Origin: store.Boot,
			Comment: "what a factory reset has kept of the network"}); err != nil {
			return err
		}
	}
	return m.write(fresh)
}

// write puts the mark into the store in dir. A power cut leaves the old one or the
// new one.
func (m mark) write(dir string) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(dir, freshMark), text, 0o600)
}

// copyKeys copies what is no user and no password.
func copyKeys(v *store.View, to store.Vault) error {
	kept := map[string][]byte{}
	for _, name := range v.Names() {
		if strings.HasPrefix(name, "auth/") || strings.HasPrefix(name, "alert/") {
			continue
		}
		data, err := v.Load(name)
		if err != nil {
			return fmt.Errorf("%s cannot be kept: %w", name, err)
		}
		kept[name] = data
	}
	return to.SaveAll(kept)
}

// networkText returns what of the running configuration says how the box is
// reached.
func networkText(v *store.View) ([]byte, error) {
	src, err := v.Text(v.Running().Number)
	if err != nil {
		return nil, fmt.Errorf("the network cannot be kept: %w", err)
	}
	root, found := config.Objects(src)
	if found.HasErrors() {
		return nil, fmt.Errorf("the network cannot be kept, because the configuration has mistakes: %w", found)
	}
	var parts []string
	for _, name := range []string{"system", "management", "console"} {
		if o := root.Find(config.Path{{Block: name}}); o != nil {
			parts = append(parts, strings.TrimSpace(o.Text)+"\n")
		}
	}
	text := []byte(strings.Join(parts, "\n"))
	if o := root.Find(config.Path{{Block: "console"}}); o != nil && o.Attrs["certificate"] != "" {
		// Its block is not kept; the box shows a certificate of its own then.
		if text, found = config.Edit(text, config.Path{{Block: "console"}}, "certificate", ""); found.HasErrors() {
			return nil, found
		}
	}
	if _, found := config.Parse("network", text); found.HasErrors() {
		return nil, fmt.Errorf("the network cannot be kept: %w", found)
	}
	return text, nil
}

// Finish goes on with a factory reset that was cut short, by a power cut for one,
// and hands to told, once and after the records are gone that are to go, what
// those who had asked have left there. Where there was no reset it does nothing. It
// must be called before anything uses the state. A box may start all the same after
// an error: what could not be removed is tried again at the next call, and nothing
// but that.
func Finish(state string, told func(note json.RawMessage)) error {
	name := filepath.Join(storeDir(state), freshMark)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) { // not begun, or cut short before anything had changed
		if err := remove(filepath.Join(state, resetDir)); err != nil {
			return fmt.Errorf("remove what is left of a factory reset: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("finish a factory reset: %w", err)
	}
	var m mark
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("finish a factory reset: read %s: %w", name, err)
	}
	left, failed := wipe(state, m)
	if failed != nil && left == nil {
		return fmt.Errorf("finish a factory reset: %w", failed) // nothing of it was seen
	}
	for _, note := range m.Notes {
		told(note)
	}
	if failed != nil {
		m.Left, m.Notes = left, nil
		return fmt.Errorf("finish a factory reset: %w", errors.Join(failed, m.write(storeDir(state))))
	}
	if err := errors.Join(os.Remove(name), durable.SyncDir(storeDir(state))); err != nil {
		return fmt.Errorf("finish a factory reset: %w", err)
	}
	return nil
}

// wipe removes all of the state that a reset box does not have, and goes on over
// what it cannot remove, whose names it returns. What holds the running supervisor
// together stays.
func wipe(state string, m mark) (left []string, err error) {
	stay := []string{"store", "box.lock", "console.pty"}
	if m.Records {
		stay = append(stay, "audit", "audit.waiting", "events")
	}
	names, err := os.ReadDir(state)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, n := range names {
		if slices.Contains(stay, n.Name()) || n.Type() == fs.ModeSocket || m.Left != nil && !slices.Contains(m.Left, n.Name()) {
			continue
		}
		if err := remove(filepath.Join(state, n.Name())); err != nil {
			left, failed = append(left, n.Name()), append(failed, err)
		}
	}
	return left, errors.Join(append(failed, durable.SyncDir(state))...)
}

var removeAll = os.RemoveAll // tests put one in its place that fails

// remove removes path with all below it. Where something is mounted there, it is
// enough that it is empty; so it is for a link to a folder, as an appliance has them for
// what lies on its data partition. The link of somebody else, who may write into the
// state, is followed nowhere.
func remove(path string) error {
	if st, err := os.Lstat(path); err == nil && st.Mode()&fs.ModeSymlink != 0 && ours(st) {
		if names, err := os.ReadDir(path); err == nil {
			var errs []error
			for _, n := range names {
				errs = append(errs, removeAll(filepath.Join(path, n.Name())))
			}
			return errors.Join(errs...)
		}
	}
	err := removeAll(path)
	if errors.Is(err, unix.EBUSY) {
		if names, look := os.ReadDir(path); look == nil && len(names) == 0 {
			return nil
		}
	}
	return err
}

// ours reports whether a file is this process's user's.
func ours(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}
