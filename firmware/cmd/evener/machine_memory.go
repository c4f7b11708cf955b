// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"evener/firmware/manage"
	"evener/firmware/supervise"
)

// freshMemory is how long a look at the memory is good: the kernel walks the page tables of
// every process of the box for it, and the engine asks for all of the machine every two
// seconds.
const freshMemory = 10 * time.Second

// A memoryLook is what the memory was used for a moment ago.
type memoryLook struct {
	mu   sync.Mutex // guards what follows
	at   time.Time  // zero: nobody has looked
	seen *manage.MachineMemory
}

// memory tells what the machine's memory was used for a moment ago, nil where the kernel
// does not say. Nobody changes what it returns.
func (m *machine) memory(ctx context.Context) *manage.MachineMemory {
	l := &m.memoryLook
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) >= freshMemory {
		// Others get it too: it is a whole look even where who asks first goes away.
		l.seen, l.at = m.lookAtMemory(context.WithoutCancel(ctx)), time.Now()
	}
	return l.seen
}

func (m *machine) lookAtMemory(ctx context.Context) *manage.MachineMemory {
	const proc = "/proc"
	total, available, err := readMeminfo(proc)
	if err != nil {
		m.log.Warn("memory of the machine not known", "err", err)
		return nil
	}
	out := &manage.MachineMemory{Total: total, Available: available,
		Processes: []manage.MachineProcess{readProcess(proc, "supervisor", os.Getpid())}}
	if m.sup == nil {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	st, err := m.sup.Status(ctx)
	if err != nil {
		m.log.Warn("memory of the roles not known", "err", err)
		return out
	}
	for _, r := range st.Roles {
		list := append([]supervise.ProcessStatus{r.ProcessStatus}, r.Draining...)
		if r.Next != nil {
			list = append(list, *r.Next)
		}
		for _, p := range list {
			if p.PID != 0 {
				out.Processes = append(out.Processes, readProcess(proc, r.Name, p.PID))
			}
		}
	}
	return out
}

// readProcess reads what one process takes. Its problem is why that is not known.
func readProcess(proc, role string, pid int) manage.MachineProcess {
	p := manage.MachineProcess{Role: role, PID: pid}
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "smaps_rollup"))
	if err == nil {
		p.PSS, err = kibibytes(string(text), "Pss")
	}
	if err != nil {
		p.Problem = err.Error()
	}
	return p
}

// readMeminfo returns MemTotal and MemAvailable of /proc/meminfo, in bytes (proc(5)).
func readMeminfo(proc string) (total, available int64, err error) {
	text, err := os.ReadFile(filepath.Join(proc, "meminfo"))
	if err != nil {
		return 0, 0, err
	}
	if total, err = kibibytes(string(text), "MemTotal"); err != nil {
		return 0, 0, err
	}
	available, err = kibibytes(string(text), "MemAvailable")
	return total, available, err
}

// kibibytes returns the bytes of a line such as "Pss:   1234 kB".
func kibibytes(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name+":")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no amount of memory: %w", strings.TrimSpace(line), err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("the kernel tells no %s", name)
}
