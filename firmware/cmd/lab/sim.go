// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"evener/firmware/lab"
	"evener/firmware/manage"
)

// A simBox is one of the two boxes of `make pair`: a simulated board whose ports are
// on a network that is a folder.
type simBox struct {
	Name    string
	State   string
	Console string
	config  string
	flags   []string
	cmd     *exec.Cmd
	ended   chan struct{} // closed when it has
}

const (
	simStart = time.Minute // for both boxes to answer, and to pair
	simStop  = 20 * time.Second
)

// runSim starts a pair on loopback, pairs it, and waits for the end of ctx. It needs
// no root.
func runSim(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("lab sim", flag.ContinueOnError)
	evener := flags.String("evener", "build/evener", "the program")
	dir := flags.String("dir", "build/pair", "folder for states and logs; a pair that it has goes on")
	console := flags.Int("console", 9443, "port of the first box's console; the second has the next")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *console < 1 || *console > 65534 {
		return fmt.Errorf("-console is a port from 1 to 65534, not %d", *console)
	}
	exe, err := filepath.Abs(*evener)
	if err != nil {
		return err
	}
	boxes, err := simBoxes(*dir, *console)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(*dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	defer func() {
		for _, b := range boxes {
			err = errors.Join(err, b.stop())
		}
	}()
	for _, b := range boxes {
		if err := b.start(exe, log); err != nil {
			return err
		}
	}
	if err := bringUp(ctx, boxes); err != nil {
		return fmt.Errorf("%w; the boxes' log is %s", err, log.Name())
	}
	tellSim(out, boxes, exe, log.Name())
	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "\nending both boxes")
		return nil
	case <-boxes[0].ended:
		return fmt.Errorf("%s has ended; the boxes' log is %s", boxes[0].Name, log.Name())
	case <-boxes[1].ended:
		return fmt.Errorf("%s has ended; the boxes' log is %s", boxes[1].Name, log.Name())
	}
}

// simBoxes writes what the two boxes begin with.
func simBoxes(dir string, console int) ([]*simBox, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "lan"), 0o700); err != nil {
		return nil, err
	}
	var boxes []*simBox
	for i, name := range []string{"left", "right"} {
		b := &simBox{Name: name, State: filepath.Join(dir, name), config: filepath.Join(dir, name+".hcl"),
			Console: fmt.Sprintf("127.0.0.1:%d", console+i), flags: []string{"--lan", filepath.Join(dir, "lan")}}
		if i > 0 {
			b.flags = append(b.flags, "--no-demo-servers")
		}
		if err := os.WriteFile(b.config, []byte(simConfig(i, b.Console)), 0o600); err != nil {
			return nil, err
		}
		boxes = append(boxes, b)
	}
	return boxes, nil
}

// simConfig is what box i begins with. The first part is its own, the rest shared.
func simConfig(i int, console string) string {
	names := []string{"left", "right"}
	return fmt.Sprintf(`node {
  name   = %q
  listen = "127.0.0.1:%d"

  peer %q { address = "127.0.0.1:%d" }
}

console { listen = [%q] }
metrics { listen = "127.0.0.1:%d" }
%s`, names[i], 7460+i, names[1-i], 7460+1-i, console, 9100+i, simShared)
}

const simShared = `
# The addresses are of the simulated network: clients of this machine do not reach
# them. Two groups, so that both boxes have something to do.
group "front" {
  description = "the shop, as clients see it"
  homes       = ["left", "right"]
  interval    = "100ms"

  router "lan" {
    port      = "1"
    vrid      = 10
    addresses = ["192.0.2.10/24"]
  }

  track "pool" "shop" {}
  track "custom" "upstream" { ttl = "1d" }
}

group "back" {
  homes    = ["right", "left"]
  interval = "100ms"

  router "lan" {
    port      = "2"
    vrid      = 20
    addresses = ["198.51.100.10/24"]
  }
}

server "web1" { address = "127.0.0.1:18081" }
server "web2" { address = "127.0.0.1:18082" }
server "web3" { address = "127.0.0.1:18083" }

pool "shop" {
  member "web1" {}
  member "web2" {}
  member "web3" {}

  probe "http" {
    path     = "/health"
    interval = "2s"
  }
}

cluster "shop" {
  protocol = "http"
  listen   = ["192.0.2.10:8080"]
  pool     = "shop"

  persist "cookie" {}
}

cluster "mail" {
  protocol = "tcp"
  listen   = ["198.51.100.10:2525"]
  pool     = "shop"
}
`

func (b *simBox) start(exe string, log io.Writer) error {
	b.cmd = exec.Command(exe, append([]string{"run", "--board", "sim", "--state", b.State, "--config", b.config}, b.flags...)...)
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is the lab's, not the box's
	b.ended = make(chan struct{})
	if err := b.cmd.Start(); err != nil {
		close(b.ended)
		return fmt.Errorf("start box %s: %w", b.Name, err)
	}
	go func() {
		b.cmd.Wait() // how it ended does not matter
		close(b.ended)
	}()
	return nil
}

func (b *simBox) stop() error {
	if b.cmd == nil || b.cmd.Process == nil {
		return nil
	}
	b.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-b.ended:
		return nil
	case <-time.After(simStop):
		b.cmd.Process.Kill()
		<-b.ended
		return fmt.Errorf("box %s did not end within %v", b.Name, simStop)
	}
}

// bringUp waits until both boxes answer, and pairs them if they are not.
func bringUp(ctx context.Context, boxes []*simBox) error {
	ctx, cancel := context.WithTimeout(ctx, simStart)
	defer cancel()
	paired := true
	for _, b := range boxes {
		h, err := b.await(ctx)
		if err != nil {
			return fmt.Errorf("box %s: %w", b.Name, err)
		}
		paired = paired && h.Peers[0].Paired
	}
	if paired {
		return nil
	}
	return lab.Pair(ctx, boxes[0].box(), boxes[1].box())
}

// box is what package lab can ask.
func (b *simBox) box() *lab.Box { return &lab.Box{Name: b.Name, State: b.State} }

// await asks until the box knows its peer, or it or the time has ended.
func (b *simBox) await(ctx context.Context) (manage.HAShow, error) {
	for {
		h, err := b.box().HA(ctx)
		if err == nil && len(h.Peers) > 0 {
			return h, nil
		}
		select {
		case <-ctx.Done():
			return h, errors.Join(context.Cause(ctx), err)
		case <-b.ended:
			return h, errors.New("it has ended")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func tellSim(out io.Writer, boxes []*simBox, exe, log string) {
	fmt.Fprintln(out, "Two boxes are paired and run on a simulated network:")
	for _, b := range boxes {
		fmt.Fprintf(out, "  %-6s https://%s/standby\n", b.Name, b.Console)
	}
	fmt.Fprintf(out, `
In another terminal:

  %[1]s setup-code --state %[2]s      the code that makes the first admin of a console
  %[1]s ha show --state %[2]s         who is active, and why
  %[1]s ha switch front --state %[2]s   a planned switch
  %[1]s ha track upstream down --state %[2]s --reason "try it"
  %[1]s ha timeline --state %[2]s

The log of both is %[3]s. Ctrl-C ends them.
`, exe, boxes[0].State, log)
}
