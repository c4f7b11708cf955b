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

	"golang.org/x/sys/unix"

	"evener/firmware/config"
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

// FactoryReset makes the state that of a box as it was delivered, but for what keep
// says. Users, their tokens and sessions, revisions and drafts go in any case. No
// process may use the state meanwhile.
//
// A new store is written beside the old one, then the two change places in one
// step, then what is old is removed. A power cut before that step changes nothing;
// after it, [Finish] goes on. Call Finish before anything uses the state again.
func FactoryReset(state string, keep Keep) error {
	fresh := filepath.Join(state, resetDir)
	if err := Finish(state); err != nil { // one that was cut short
		return err
	}
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("factory reset: %w", err)
	}
	if err := prepare(state, fresh, keep); err != nil {
		return errors.Join(fmt.Errorf("factory reset: %w; nothing was changed", err), os.RemoveAll(fresh))
	}
	old := storeDir(state)
	var err error
	if exists(old) {
		err = unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, old, unix.RENAME_EXCHANGE)
	} else {
		err = os.Rename(fresh, old)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("factory reset: exchange %s and %s: %w; nothing was changed", fresh, old, err), os.RemoveAll(fresh))
	}
	if err := syncDir(state); err != nil {
		return fmt.Errorf("factory reset: %w", err)
	}
	return wipe(state, keep)
}

// prepare writes the store that a reset box begins with.
func prepare(state, fresh string, keep Keep) error {
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
	mark, err := json.Marshal(keep)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(fresh, freshMark), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(mark)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(fresh))
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

// Finish goes on with a factory reset that was cut short, by a power cut for one.
// Where there was none it does nothing. It must be called before anything uses
// the state.
func Finish(state string) error {
	mark := filepath.Join(storeDir(state), freshMark)
	text, err := os.ReadFile(mark)
	if errors.Is(err, fs.ErrNotExist) { // not begun, or cut short before anything had changed
		if err := os.RemoveAll(filepath.Join(state, resetDir)); err != nil {
			return fmt.Errorf("remove what is left of a factory reset: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("finish a factory reset: %w", err)
	}
	var keep Keep
	if err := json.Unmarshal(text, &keep); err != nil {
		return fmt.Errorf("finish a factory reset: read %s: %w", mark, err)
	}
	if err := wipe(state, keep); err != nil {
		return err
	}
	if err := os.Remove(mark); err != nil {
		return fmt.Errorf("finish a factory reset: %w", err)
	}
	return syncDir(storeDir(state))
}

// wipe removes all of the state that a reset box does not have. What holds the
// running supervisor together stays.
func wipe(state string, keep Keep) error {
	stay := []string{"store", "box.lock", "console.pty"}
	if keep.Records {
		stay = append(stay, "audit", "events")
	}
	names, err := os.ReadDir(state)
	if err != nil {
		return fmt.Errorf("factory reset: %w", err)
	}
	for _, n := range names {
		if slices.Contains(stay, n.Name()) || n.Type() == fs.ModeSocket {
			continue
		}
		if err := os.RemoveAll(filepath.Join(state, n.Name())); err != nil {
			return fmt.Errorf("factory reset: %w", err)
		}
	}
	return syncDir(state)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
