// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of the times in /proc/PID/stat; Linux shows it to
// programs as a hundredth of a second on every architecture that we know.
const clockTick = 10 * time.Millisecond

// A process is one program that we have started, with its descendants.
type process struct {
	cmd    *exec.Cmd
	name   string
	output bytes.Buffer // written by exec until done is closed
	done   chan struct{}
}

// startOn runs a program on one processor.
func startOn(ctx context.Context, cpu int, name string, args ...string) (*process, error) {
	p := &process{name: name, done: make(chan struct{})}
	args = append([]string{"-c", strconv.Itoa(cpu), name}, args...)
	p.cmd = exec.CommandContext(ctx, "taskset", args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() { defer close(p.done); _ = p.cmd.Wait() }()
	return p, nil
}

// stop ends the process and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// died returns why a process that should run does not, or nil.
func (p *process) died() error {
	select {
	case <-p.done:
		out := strings.TrimSpace(p.output.String())
		return fmt.Errorf("%s ended (%v): %s", p.name, p.cmd.ProcessState, out[max(0, len(out)-2000):])
	default:
		return nil
	}
}

// A usage is what a process and its descendants have used and hold.
type usage struct {
	cpu time.Duration // user and system, all threads
	rss int64         // bytes
}

func (p *process) usage() (u usage, err error) {
	pids, err := descendants(p.cmd.Process.Pid)
	for _, pid := range pids {
		text, readErr := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if readErr != nil && pid == p.cmd.Process.Pid {
			return u, p.or(readErr)
		}
		if readErr != nil {
			continue // a child has ended
		}
		st, parseErr := parseStat(string(text))
		if parseErr != nil {
			return u, parseErr
		}
		u.cpu += st.cpu
		u.rss += st.rss
	}
	return u, err
}

// or returns why the process died, or err.
func (p *process) or(err error) error { return errors.Join(p.died(), err) }

// A stat is what we need of /proc/PID/stat.
type stat struct {
	parent int
	cpu    time.Duration
	rss    int64
}

// parseStat reads proc_pid_stat(5). The name in parentheses may contain
// anything, so the fields are counted from its end.
func parseStat(s string) (stat, error) {
	end := strings.LastIndexByte(s, ')')
	fields := strings.Fields(s[end+1:])
	if end < 0 || len(fields) < 22 {
		return stat{}, fmt.Errorf("stat of a process: %q is too short", s)
	}
	var n [4]int64
	for i, field := range []int{4, 14, 15, 24} { // ppid, utime, stime, rss
		var err error
		if n[i], err = strconv.ParseInt(fields[field-3], 10, 64); err != nil {
			return stat{}, fmt.Errorf("stat of a process: field %d: %w", field, err)
		}
	}
	return stat{
		parent: int(n[0]),
		cpu:    time.Duration(n[1]+n[2]) * clockTick,
		rss:    n[3] * int64(os.Getpagesize()),
	}, nil
}

// descendants returns pid and all processes below it.
func descendants(pid int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		if st, err := parseStat(string(text)); err == nil {
			children[st.parent] = append(children[st.parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all, nil
}
