// SPDX-License-Identifier: Apache-2.0

package input

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Key is a switch on the box.
type Key struct {
	Device string // name of the input device, or its beginning
	Code   string // KEY_POWER, KEY_RESTART, KEY_RESET or KEY_SLEEP
	Use    string // power or reset
}

// A Press says that a key was pressed, or let go.
type Press struct {
	Use  string
	Down bool
	Held time.Duration // of a key that was let go
}

// A Status is a key and whether it can be heard.
type Status struct {
	Key
	Found   bool
	Presses int // since the start
	Problem string
}

// Keys are the keys of a box.
type Keys struct {
	root string
	keys []Key
	log  *slog.Logger
	out  chan Press

	mu     sync.Mutex // guards what follows
	status []Status
	since  map[string]time.Time // of keys that are down, by use
}

// New returns the keys below root, "/" or a recorded tree. Run opens them.
func New(root string, keys []Key, log *slog.Logger) *Keys {
	k := &Keys{root: root, keys: keys, log: log, out: make(chan Press, 16), since: map[string]time.Time{}}
	for _, key := range keys {
		k.status = append(k.status, Status{Key: key})
	}
	return k
}

// Presses returns what is pressed. Of what nobody reads, the newest is dropped.
func (k *Keys) Presses() <-chan Press { return k.out }

// Press does as if somebody had pressed a key for a moment, or let it go. The
// simulated board has no others.
func (k *Keys) Press(use string, down bool) { k.heard(use, down, time.Now()) }

// State returns the keys that the board names.
func (k *Keys) State() []Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.status)
}

// Find returns the keys whose devices are there now.
func (k *Keys) Find() (out []Key) {
	for _, keys := range k.find() {
		for _, key := range keys {
			if !slices.Contains(out, key) {
				out = append(out, key)
			}
		}
	}
	return out
}

// rescan is how long a device that is not there is left alone.
const rescan = 5 * time.Second

// Run hears the keys until ctx ends. Devices that come later, or come back, are
// found within seconds.
func (k *Keys) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	var mu sync.Mutex // guards open
	open := map[string]bool{}
	ticker := time.NewTicker(rescan)
	defer ticker.Stop()
	for {
		for path, keys := range k.find() {
			mu.Lock()
			busy := open[path]
			open[path] = true
			mu.Unlock()
			if busy {
				continue
			}
			wg.Go(func() {
				defer func() {
					if v := recover(); v != nil { // the keys are not worth the rest of the process
						k.log.Error("key not heard any more", "device", path, "err", v, "stack", string(debug.Stack()))
					}
					mu.Lock()
					defer mu.Unlock()
					delete(open, path)
				}()
				k.hear(ctx, path, keys)
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// find returns the device files of the keys, with the keys that each may have.
func (k *Keys) find() map[string][]Key {
	names, _ := filepath.Glob(filepath.Join(k.root, "sys/class/input/event*/device/name"))
	out := map[string][]Key{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		text := strings.TrimSpace(string(b[:min(len(b), 256)]))
		file := filepath.Join(k.root, "dev/input", filepath.Base(filepath.Dir(filepath.Dir(name))))
		for _, key := range k.keys {
			if strings.HasPrefix(text, key.Device) {
				out[file] = append(out[file], key)
			}
		}
	}
	return out
}

// hear reads one device until it is gone or ctx ends.
func (k *Keys) hear(ctx context.Context, path string, keys []Key) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		k.found(keys, false, err.Error())
		return
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { f.Close() })
	defer stop()
	problem := ""
	if err := grab(f); err != nil {
		problem = fmt.Sprintf("other programs hear it too: %v", err)
	}
	k.found(keys, true, problem)
	err = k.read(f, keys)
	if ctx.Err() != nil {
		return
	}
	k.found(keys, false, "its device is gone: "+err.Error())
	k.log.Warn("key not heard any more", "device", path, "err", err)
}

// grab takes the device for this program (EVIOCGRAB).
func grab(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	e := raw.Control(func(fd uintptr) { err = unix.IoctlSetInt(int(fd), 0x40044590, 1) })
	return errors.Join(e, err)
}

func (k *Keys) read(f *os.File, keys []Key) error {
	buf := make([]byte, 64*eventSize)
	left := 0
	for {
		n, err := f.Read(buf[left:])
		if err != nil {
			return err
		}
		events, rest := decode(buf[:left+n])
		left = copy(buf, rest)
		for _, e := range events {
			for _, key := range keys {
				// A key that is held repeats with value 2, for as long as it is.
				if e.typ == evKey && e.code == codes[key.Code] && (e.value == pressed || e.value == released) {
					k.heard(key.Use, e.value == pressed, e.at)
				}
			}
		}
	}
}

// found notes whether keys can be heard.
func (k *Keys) found(keys []Key, ok bool, problem string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, s := range k.status {
		if slices.Contains(keys, s.Key) {
			k.status[i].Found, k.status[i].Problem = ok, problem
			delete(k.since, s.Use) // nobody will hear of its release
		}
	}
}

// heard passes a press on. A release without a press, after a program has grabbed
// the device late, is none.
func (k *Keys) heard(use string, down bool, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	since, was := k.since[use]
	if down == was {
		return
	}
	p := Press{Use: use, Down: down}
	if down {
		k.since[use] = at
	} else {
		delete(k.since, use)
		p.Held = max(at.Sub(since), 0)
	}
	for i, s := range k.status {
		if s.Use == use && down {
			k.status[i].Presses++
		}
	}
	select {
	case k.out <- p:
	default:
		k.log.Warn("key pressed, and nobody listens", "key", use)
	}
}
