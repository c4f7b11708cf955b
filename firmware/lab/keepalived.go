// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A Keepalived is a router of others in the place of a box.
type Keepalived struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// A KeepalivedRouter is a virtual router that it runs on the front network. Its log
// calls it by the family and the number: "v4-10".
type KeepalivedRouter struct {
	Version   int // 2 or 3
	VRID      int
	Priority  int
	Interval  time.Duration // whole seconds with version 2
	Addresses []netip.Prefix
	Virtual   bool   // a virtual MAC
	NoPreempt bool   // leave the place to who has it
	More      string // lines for the vrrp_instance
}

func (r KeepalivedRouter) name() string {
	if len(r.Addresses) > 0 && r.Addresses[0].Addr().Is6() {
		return fmt.Sprintf("v6-%d", r.VRID)
	}
	return fmt.Sprintf("v4-%d", r.VRID)
}

func (r KeepalivedRouter) text() string {
	t := fmt.Sprintf(`vrrp_instance %s {
  state BACKUP
  interface %s
  version %d
  virtual_router_id %d
  priority %d
  advert_int %g
`, r.name(), Front, r.Version, r.VRID, r.Priority, r.Interval.Seconds())
	if r.Virtual {
		t += "  use_vmac\n"
	}
	if r.NoPreempt {
		t += "  nopreempt\n"
	}
	t += "  " + r.More + "\n  virtual_ipaddress {\n"
	for _, a := range r.Addresses {
		t += "    " + a.String() + "\n"
	}
	return t + "  }\n}\n"
}

// Keepalived starts keepalived in the box's place. What it says goes to log.
func (b *Box) Keepalived(log io.Writer, routers ...KeepalivedRouter) (*Keepalived, error) {
	dir := b.State
	file := filepath.Join(dir, "keepalived.conf")
	text := "global_defs {\n  vrrp_garp_master_delay 1\n}\n"
	for _, r := range routers {
		text += r.text()
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file", file,
		"--pid", filepath.Join(dir, "keepalived.pid"), "--vrrp_pid", filepath.Join(dir, "vrrp.pid"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := b.Space.Start(cmd); err != nil {
		return nil, fmt.Errorf("start keepalived in %s: %w", b.Name, err)
	}
	k := &Keepalived{cmd: cmd, ended: make(chan struct{})}
	go func() {
		cmd.Wait() // how it ended does not matter
		close(k.ended)
	}()
	return k, nil
}

// Stop ends it in order: it gives its addresses up.
func (k *Keepalived) Stop() error { return k.end(syscall.SIGTERM) }

func (k *Keepalived) end(sig syscall.Signal) error {
	k.cmd.Process.Signal(sig) // it may be gone
	select {
	case <-k.ended:
		return nil
	case <-time.After(stopTime):
	}
	k.cmd.Process.Kill()
	<-k.ended
	return fmt.Errorf("keepalived did not end within %v", stopTime)
}
