// SPDX-License-Identifier: Apache-2.0

// Command lab builds a pair of boxes with clients and servers in network
// namespaces, says how to play with it, and takes it down on Ctrl-C. `make lab`
// runs it, as root. `lab sim`, which `make pair` runs, needs no root: its two boxes
// are simulated boards on loopback, on a network that is a folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"evener/firmware/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	if len(args) > 0 && args[0] == "sim" {
		return runSim(ctx, args[1:], out)
	}
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	evener := flags.String("evener", "build/evener", "the program")
	dir := flags.String("dir", "build/lab", "folder for states and logs; what is in it is removed first")
	boxes := flags.Int("boxes", 2, "how many boxes, 2 to 4")
	interval := flags.String("interval", "100ms", "of advertisements")
	if err := flags.Parse(args); err != nil {
		return err
	}
	exe, err := filepath.Abs(*evener)
	if err != nil {
		return err
	}
	if *dir, err = filepath.Abs(*dir); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(*dir), os.MkdirAll(*dir, 0o700)); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(*dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	l, err := lab.New(lab.Config{Evener: exe, Dir: *dir, Boxes: *boxes, Log: log, Group: fmt.Sprintf("interval = %q", *interval)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.Start(ctx); err != nil {
		return fmt.Errorf("%w; the boxes' log is %s", err, log.Name())
	}
	if err := l.Pair(ctx); err != nil {
		return fmt.Errorf("%w; the boxes' log is %s", err, log.Name())
	}
	fmt.Fprint(out, l.Drawing())
	tell(out, l, exe, log.Name())
	<-ctx.Done()
	fmt.Fprintln(out, "\ntaking the lab down")
	return nil
}

// tell says what can be done now.
func tell(out io.Writer, l *lab.Lab, exe, log string) {
	left := l.Boxes[0]
	fmt.Fprintf(out, `
The boxes are paired and run. In another terminal, as root:

  ip netns exec %[1]s curl -si http://192.0.2.10/            a request of the client
  %[2]s ha show --state %[3]s         what a box says of its groups and peers
  %[2]s ha switch front --state %[3]s   a planned switch
  ip netns exec %[4]s ip link set front-left down       pull a cable
  kill -9 $(ip netns pids %[5]s)                            the power goes

The log of all boxes is %[6]s. Ctrl-C takes the lab down.
`, l.Client.Name, exe, left.State, l.Switch.Name, left.Space.Name, log)
}
