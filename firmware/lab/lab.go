// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Config says what to build. Evener and Dir are required.
type Config struct {
	Evener string    // the program
	Dir    string    // an existing folder for states, configurations and logs
	Boxes  int       // 2 to 4; 2
	Prefix string    // of the names in /run/netns, at most 8 letters; "evener"
	Log    io.Writer // what the boxes say; discarded
	Group  string    // attributes and blocks for the group, such as `interval = "100ms"`
	More   string    // blocks for every box, such as further groups and clusters
	Shared string    // blocks of every box in place of all that the lab has: group, servers, pool and clusters
}

// names of the boxes, in order.
var names = []string{"left", "right", "third", "fourth"}

// A Lab is what New has built.
type Lab struct {
	Switch    *Space
	Client    *Space // behind the router
	Neighbour *Space // in the front network
	Router    *Space
	Boxes     []*Box
	Origins   []*Origin

	cfg    Config
	spaces []*Space
}

// New builds a lab whose boxes do not run yet. What it built is taken away again
// where something fails.
func New(cfg Config) (l *Lab, err error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("the lab is made of network namespaces, which only root may make: run it as root")
	}
	if cfg.Boxes == 0 {
		cfg.Boxes = 2
	}
	if cfg.Boxes < 2 || cfg.Boxes > len(names) {
		return nil, fmt.Errorf("a lab of %d boxes: there are 2 to %d", cfg.Boxes, len(names))
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "evener"
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	l = &Lab{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if err := l.populate(); err != nil {
		return nil, err
	}
	if err := l.wire(); err != nil {
		return nil, err
	}
	for _, o := range l.Origins {
		if err := o.Serve(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// populate makes the namespaces, and who is in them.
func (l *Lab) populate() error {
	for _, p := range []struct {
		space **Space
		name  string
	}{{&l.Switch, "switch"}, {&l.Client, "client"}, {&l.Neighbour, "neighbour"}, {&l.Router, "router"}} {
		s, err := l.space(p.name)
		if err != nil {
			return err
		}
		*p.space = s
	}
	for _, name := range []string{"web1", "web2"} {
		s, err := l.space(name)
		if err != nil {
			return err
		}
		l.Origins = append(l.Origins, &Origin{Space: s, Name: name})
	}
	for i, name := range names[:l.cfg.Boxes] {
		s, err := l.space(name)
		if err != nil {
			return err
		}
		b := &Box{Space: s, Name: name, State: filepath.Join(l.cfg.Dir, name), lab: l, index: i}
		if err := os.Mkdir(b.State, 0o700); err != nil {
			return err
		}
		l.Boxes = append(l.Boxes, b)
	}
	return nil
}

func (l *Lab) space(name string) (*Space, error) {
	s, err := NewSpace(l.cfg.Prefix + "-" + name)
	if err == nil {
		s.short = name
		l.spaces = append(l.spaces, s)
	}
	return s, err
}

// Start starts all boxes and waits until each serves its management.
func (l *Lab) Start(ctx context.Context) error {
	for _, b := range l.Boxes {
		if err := b.Start(); err != nil {
			return err
		}
	}
	for _, b := range l.Boxes {
		if err := b.Await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Close stops what runs and takes the namespaces away.
func (l *Lab) Close() (err error) {
	for _, b := range l.Boxes {
		err = errors.Join(err, b.Stop())
	}
	for _, o := range l.Origins {
		o.Close()
	}
	for _, s := range slices.Backward(l.spaces) {
		err = errors.Join(err, s.Close())
	}
	l.spaces = nil
	return err
}
