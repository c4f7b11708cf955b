// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"sync"
	"time"

	"evener/hal/watchdog"
)

// An armedDog is the watchdog that the first program has armed. It is fed until the
// machine's devices are opened, which then feed it for reasons of their own.
type armedDog struct {
	file *os.File
	dev  watchdog.Device

	once sync.Once
	quit chan struct{}
	done chan struct{}
}

// maxPrepare is how long the machine may take until its devices are opened: checking a
// large disk after a power cut is the longest of it.
const maxPrepare = 35 * time.Minute

// adoptDog takes over the watchdog whose descriptor number is in text, and feeds it. It
// returns nil where there is none.
func adoptDog(text string) *armedDog {
	fd, err := descriptor(text)
	if err != nil {
		return nil
	}
	d := &armedDog{file: os.NewFile(uintptr(fd), "/dev/watchdog0"), quit: make(chan struct{}), done: make(chan struct{})}
	d.dev = watchdog.Adopt(d.file)
	go d.feed()
	return d
}

func (d *armedDog) feed() {
	defer close(d.done)
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	end := time.After(maxPrepare)
	for {
		_ = d.dev.KeepAlive() // where it fails the machine starts again
		select {
		case <-tick.C:
		case <-end:
			return
		case <-d.quit:
			_ = d.dev.KeepAlive()
			return
		}
	}
}

// handOver ends the feeding and returns the watchdog, nil if there is none.
func (d *armedDog) handOver() *os.File {
	if d == nil {
		return nil
	}
	d.once.Do(func() {
		close(d.quit)
		<-d.done
	})
	return d.file
}
