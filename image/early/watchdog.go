// SPDX-License-Identifier: Apache-2.0

package early

import (
	"os"
	"sync"
	"time"
)

// WatchdogEnv names the variable with the number of the watchdog's descriptor.
const WatchdogEnv = "EVENER_WATCHDOG"

// WatchdogTimeout is what the watchdog is asked for: the next program has that long
// until it feeds for the first time.
const WatchdogTimeout = 60 * time.Second

const (
	feedEvery  = 2 * time.Second
	maxFeeding = 5 * time.Minute // with a slow disk that is waited for, and checked
)

// A Watchdog is an armed one.
type Watchdog interface {
	Feed() error
	Descriptor() int // stays open over an exec
}

// A feeder feeds a watchdog until it is stopped. A nil one has nothing to feed.
type feeder struct {
	dog  Watchdog
	once sync.Once
	quit chan struct{}
	done chan struct{}
}

// guard arms the watchdog, if the kernel has one, and feeds it from now on.
func (p *Program) guard() {
	const path = "/dev/watchdog0"
	if _, err := os.Stat(p.path(path)); err != nil {
		return
	}
	dog, err := p.Watchdog(p.path(path))
	if err != nil {
		p.say("evener: the watchdog is not used: %v", err)
		return
	}
	f := &feeder{dog: dog, quit: make(chan struct{}), done: make(chan struct{})}
	p.dog = f
	go f.run()
}

func (f *feeder) run() {
	defer close(f.done)
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	end := time.After(maxFeeding)
	for {
		_ = f.dog.Feed() // one that takes nothing ends the box, as it should
		select {
		case <-tick.C:
		case <-end:
			return
		case <-f.quit:
			_ = f.dog.Feed()
			return
		}
	}
}

// stop feeds once more and no longer.
func (f *feeder) stop() {
	if f == nil {
		return
	}
	f.once.Do(func() {
		close(f.quit)
		<-f.done
	})
}
