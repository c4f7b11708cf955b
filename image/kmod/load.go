// SPDX-License-Identifier: Apache-2.0

package kmod

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// A Loader brings modules into the running kernel. Load may be called by any
// number of goroutines; they take turns.
type Loader struct {
	Root  string // the kernel's folder of modules, such as /lib/modules/6.1.0-40-amd64
	Index *Index

	finit func(f *os.File) error // nil: finit_module(2)

	mu    sync.Mutex // guards tried
	tried map[string]error
}

// An Error is a module the kernel did not take. Err is its errno: ENODEV, for
// example, only says that the machine lacks the device.
type Error struct {
	Module string
	Err    error
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Error tells the module, the cause and what it usually means.
func (e *Error) Error() string {
	hint := ""
	switch {
	case errors.Is(e.Err, os.ErrNotExist):
		hint = ": a symbol or another module that it needs is missing, or its file"
	case errors.Is(e.Err, unix.ENOEXEC):
		hint = ": it is not for this kernel"
	case errors.Is(e.Err, unix.EKEYREJECTED), errors.Is(e.Err, unix.EPERM):
		hint = ": the kernel takes only signed modules, or takes none any more"
	}
	return fmt.Sprintf("load kernel module %s: %v%s", e.Module, e.Err, hint)
}

// OpenLoader reads the index of the running kernel's modules: dir is
// /lib/modules, in which the folder of the kernel's version lies.
func OpenLoader(dir string) (*Loader, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("ask for the kernel's version: %w", err)
	}
	root := filepath.Join(dir, unix.ByteSliceToString(u.Release[:]))
	data, err := os.ReadFile(filepath.Join(root, IndexFile))
	if err != nil {
		return nil, fmt.Errorf("index of the kernel's modules: %w", err)
	}
	x, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(root, IndexFile), err)
	}
	return &Loader{Root: root, Index: x}, nil
}

// Load loads the modules of these names or aliases and what they need. One that
// is there already is fine. It goes on after a failure and returns all of them,
// each as *Error or as a name that the index does not have. A module that was
// needed is tried only once, and its failure is told each time.
func (l *Loader) Load(names ...string) error { return errors.Join(l.load(names)...) }

func (l *Loader) load(names []string) []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tried == nil {
		l.tried = map[string]error{}
	}
	var errs []error
	for _, name := range names {
		steps, err := l.Index.steps([]string{name})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, s := range steps {
			if err := l.one(s); err != nil && !s.soft {
				errs = append(errs, err)
				break // what comes after it needs it
			}
		}
	}
	return errs
}

// For loads the modules for a device's modalias. A device that no module knows
// is no error, nor is a module that finds nothing to do with it: those for any
// processor of a kind often do not.
func (l *Loader) For(modalias string) error {
	errs := slices.DeleteFunc(l.load(l.Index.For(modalias)), func(err error) bool {
		return errors.Is(err, unix.ENODEV)
	})
	return errors.Join(errs...)
}

// one loads one module and remembers how that went, unless it failed and was
// not really needed: then it is tried again when it is.
func (l *Loader) one(s step) error {
	if err, ok := l.tried[s.module.Name]; ok {
		return err
	}
	err := l.insert(s.module)
	if err != nil {
		err = &Error{Module: s.module.Name, Err: err}
	}
	if err == nil || !s.soft {
		l.tried[s.module.Name] = err
	}
	return err
}

func (l *Loader) insert(m Module) error {
	f, err := os.Open(filepath.Join(l.Root, m.File))
	if err != nil {
		return err
	}
	defer f.Close()
	finit := l.finit
	if finit == nil {
		finit = func(f *os.File) error { return unix.FinitModule(int(f.Fd()), "", 0) }
	}
	if err := finit(f); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}
