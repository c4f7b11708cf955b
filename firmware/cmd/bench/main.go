// SPDX-License-Identifier: Apache-2.0

// Command bench compares Evener with HAProxy and nginx, and a pair of boxes with
// keepalived, on this machine, in one run, with equal features. It knows how to
// start them and how to load them, and nothing of how Evener works.
//
// The proxies run on processor 0, everything else (origin, clients, this
// program) on processor 1, on loopback. All proxies of a case stay up while the
// load goes from one to the next, round by round; a result is the median of the
// rounds. What counts is the processor time of the proxy's processes, from
// /proc/PID/stat, because on two processors the load costs more than the proxy
// and a rate would say more about it. Only ratios between columns mean anything.
//
// What needs two boxes is measured in the lab of network namespaces, as root, on both
// processors, beside keepalived with HAProxy: there times count, and rounds are 20
// by default.
//
//	bench [-evener build/evener] [-out build/bench.json]
//	CASE=http1-keepalive ROUNDS=5 DURATION=5s bench
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Options are what the person at the keyboard may choose.
type options struct {
	evener   string        // the program to measure
	out      string        // the JSON file
	only     string        // one case; empty: all
	rounds   int           // of load on each proxy
	duration time.Duration // of one round on one proxy
	dir      string        // for configurations and state

	failovers int // rounds of what needs two boxes
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is main without the process.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	if setup := os.Getenv(nodeEnv); setup != "" {
		return runNode(ctx, setup, os.Stdin, stdout)
	}
	o := options{only: os.Getenv("CASE"), rounds: 5, duration: 5 * time.Second, failovers: 20}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&o.evener, "evener", "build/evener", "the Evener `program` to measure")
	fs.StringVar(&o.out, "out", "build/bench.json", "`file` for the results")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := fromEnv(&o); err != nil {
		return err
	}
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	if err := requirePrograms("haproxy", "nginx", "wrk", "h2load", "taskset"); err != nil {
		return err
	}
	if err := moveTo(loadCPU); err != nil {
		return err
	}
	if o.dir, err = os.MkdirTemp("", "evener-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.dir)
	if err := os.Chmod(o.dir, 0o755); err != nil { // a worker may have another user
		return err
	}
	rows, err := measure(ctx, o, chosen, stdout)
	printTable(stdout, rows) // what there is, even after an error
	return errors.Join(err, writeJSON(o.out, rows))
}

// measure runs the cases one after the other.
func measure(ctx context.Context, o options, chosen []benchCase, progress io.Writer) ([]row, error) {
	origin, err := startOrigin(ctx, o.dir)
	if err != nil {
		return nil, err
	}
	defer origin.stop()
	id, err := newIdentity(o.dir)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	var rows []row
	for _, c := range chosen {
		fmt.Fprintf(progress, "%s: %s\n", c.name, c.what)
		l := &lab{ctx: ctx, options: o, origin: origin, identity: id, progress: progress}
		got, err := c.run(l)
		l.close()
		if ctx.Err() != nil {
			return rows, ctx.Err()
		}
		if err != nil {
			return rows, fmt.Errorf("%s: %w", c.name, err)
		}
		rows = append(rows, got...)
	}
	return rows, nil
}

func fromEnv(o *options) (err error) {
	if s := os.Getenv("ROUNDS"); s != "" {
		if o.rounds, err = strconv.Atoi(s); err != nil || o.rounds < 1 {
			return fmt.Errorf("ROUNDS must be a number of 1 or more, not %q", s)
		}
		o.failovers = o.rounds
	}
	if s := os.Getenv("DURATION"); s != "" {
		if o.duration, err = time.ParseDuration(s); err != nil || o.duration < 100*time.Millisecond {
			return fmt.Errorf("DURATION must be 100ms or more, such as 5s, not %q", s)
		}
	}
	return nil
}

func choose(name string) ([]benchCase, error) {
	if name == "" {
		return cases, nil
	}
	i := slices.IndexFunc(cases, func(c benchCase) bool { return c.name == name })
	if i < 0 {
		var names []string
		for _, c := range cases {
			names = append(names, c.name)
		}
		return nil, fmt.Errorf("CASE: no case %q; there are: %s", name, strings.Join(names, ", "))
	}
	return cases[i : i+1], nil
}

func requirePrograms(names ...string) error {
	// haproxy and nginx live where only root's PATH leads.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	var missing []string
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("not installed: %s; apt-get install haproxy nginx wrk nghttp2-client util-linux", strings.Join(missing, ", "))
	}
	return nil
}

// Where things run.
const (
	proxyCPU = 0
	loadCPU  = 1
)

// movedEnv tells this program that it is on its processor already.
const movedEnv = "EVENER_BENCH_MOVED"

// moveTo runs this program anew on one processor, so that every thread of it
// and everything that it starts is there.
func moveTo(cpu int) error {
	if os.Getenv(movedEnv) != "" {
		return nil
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return fmt.Errorf("read the processors: %w", err)
	}
	if !set.IsSet(proxyCPU) || !set.IsSet(cpu) {
		return errors.New("two processors are needed, 0 for the proxy and 1 for the load")
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		return err
	}
	args := append([]string{"taskset", "-c", strconv.Itoa(cpu), exe}, os.Args[1:]...)
	return unix.Exec(taskset, args, append(os.Environ(), movedEnv+"=1"))
}
