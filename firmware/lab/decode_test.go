// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dialects are a group of each form of VRRP.
const dialects = `
group "rfc9568" {
  homes    = ["left", "right"]
  interval = "100ms"
  router "v4" {
    port      = "front"
    vrid      = 10
    addresses = ["192.0.2.10/24"]
  }
  router "v6" {
    port      = "front"
    vrid      = 10
    addresses = ["2001:db8:1::10/64"]
  }
}

group "pseudo" {
  homes    = ["left", "right"]
  interval = "100ms"
  router "v4" {
    port      = "front"
    vrid      = 11
    addresses = ["192.0.2.11/24", "192.0.2.12/24"]
    checksum  = "pseudo"
  }
}

group "old" {
  homes = ["left", "right"]
  router "v4" {
    port      = "front"
    vrid      = 12
    version   = 2
    addresses = ["192.0.2.13/24"]
  }
}
`

// A capture is what comes out of a port of a box.
type capture struct {
	cmd   *exec.Cmd
	file  string
	said  strings.Builder
	ended chan struct{}
}

// capture begins to note what a space sends on a port.
func (l *Lab) capture(t *testing.T, s *Space, port string) *capture {
	t.Helper()
	c := &capture{file: filepath.Join(t.TempDir(), s.short+".pcapng"), ended: make(chan struct{})}
	c.cmd = exec.Command("dumpcap", "-q", "-i", s.plug(port), "-f", "inbound", "-w", c.file)
	c.cmd.Stderr = &c.said
	must(t, l.Switch.Start(c.cmd))
	go func() {
		c.cmd.Wait() // stop ends it
		close(c.ended)
	}()
	t.Cleanup(c.stop)
	await(t, "the capture begins", func() error { // the file comes after the socket
		_, err := os.Stat(c.file)
		return err
	})
	return c
}

func (c *capture) stop() {
	select {
	case <-c.ended:
		return
	default:
	}
	c.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-c.ended:
	case <-time.After(stopTime):
		c.cmd.Process.Kill()
		<-c.ended
	}
}

// await waits until a packet that fits a filter is in the file. Between the two it is
// in buffers that a capture loses where it ends.
func (c *capture) await(t *testing.T, what, filter string) {
	t.Helper()
	await(t, what, func() error {
		list, err := c.match(filter)
		if err != nil || len(list) > 0 {
			return err
		}
		select {
		case <-c.ended:
			return fmt.Errorf("the capture has ended: %s: %s", c.cmd.ProcessState, c.said.String())
		default:
			return errors.New("no such packet")
		}
	})
}

// match returns the packets that fit a filter, a line for each.
func (c *capture) match(filter string, options ...string) ([]string, error) {
	args := []string{"-n", "-r", c.file, "-Y", filter, "-o", "ip.check_checksum:TRUE"}
	for _, o := range options {
		args = append(args, "-o", o)
	}
	cmd := exec.Command("tshark", args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("tshark %q: %w: %s", args, err, said.String())
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' }), nil
}

// Every packet of a box that gives addresses up and takes them is one that others can
// read, and none tells a switch that the virtual address is at a standby.
func TestPacketsAreWellFormed(t *testing.T) {
	t.Parallel()
	l := build(t, Config{Shared: dialects})
	captures := map[string]*capture{}
	for _, b := range l.Boxes {
		captures[b.Name] = l.capture(t, b.Space, Front)
	}
	left, right := l.Boxes[0], l.Boxes[1]
	must(t, l.Start(t.Context()))
	everywhere := func(want *Box) {
		t.Helper()
		await(t, want.Name+" alone has all addresses", func() (err error) {
			for _, b := range l.Boxes {
				have, e := b.addresses()
				err = errors.Join(err, e)
				for _, a := range []string{"192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13", "2001:db8:1::10"} {
					if has := strings.Contains(have, " "+a+"/"); has != (b == want) {
						err = errors.Join(err, fmt.Errorf("%s has %s: %v", b.Name, a, has))
					}
				}
			}
			return err
		})
	}
	everywhere(left)
	must(t, left.Stop())
	everywhere(right)
	must(t, left.Start())
	must(t, left.Await(t.Context()))
	everywhere(left)
	must(t, left.Stop())
	everywhere(right)
	must(t, right.Stop()) // it resigns too
	for _, b := range l.Boxes {
		c := captures[b.Name]
		for _, router := range []string{
			"ip && vrrp.virt_rtr_id == 10", "ipv6 && vrrp.virt_rtr_id == 10", "vrrp.virt_rtr_id == 11", "vrrp.virt_rtr_id == 12",
		} {
			c.await(t, b.Name+" resigns for "+router, "vrrp.prio == 0 && "+router)
		}
		c.stop()
	}
	const (
		virtual = "(eth.src[0:4] == 00:00:5e:00 && (eth.src[4] == 01 || eth.src[4] == 02))"
		rfc     = "vrrp.v3_checksum_as_in_v2:TRUE"
		pseudo  = "vrrp.v3_checksum_as_in_v2:FALSE"
	)
	for _, p := range []struct {
		name, filter, option string
		some                 bool // there are such packets, and not none
	}{
		{"advertisements of version 3 over IPv4 with a right checksum", "ip && vrrp.virt_rtr_id == 10 && vrrp.version == 3 && vrrp.checksum.status == 1", rfc, true},
		{"the same with a pseudo header", "ip && vrrp.virt_rtr_id == 11 && vrrp.version == 3 && vrrp.checksum.status == 1", pseudo, true},
		{"advertisements over IPv6 with a right checksum", "ipv6 && vrrp.virt_rtr_id == 10 && vrrp.version == 3 && vrrp.checksum.status == 1", rfc, true},
		{"advertisements of version 2 with a right checksum", "vrrp.virt_rtr_id == 12 && vrrp.version == 2 && vrrp.checksum.status == 1", rfc, true},
		{"resignations", "vrrp.prio == 0", rfc, true},
		{"announcements by ARP", "arp.isgratuitous && " + virtual, rfc, true},
		{"announcements by neighbour discovery", "icmpv6.type == 136 && icmpv6.nd.na.flag.o == 1 && icmpv6.checksum.status == 1 && ipv6.hlim == 255 && " + virtual, rfc, true},
		{"wrong checksums of VRRP without a pseudo header", "vrrp && vrrp.virt_rtr_id != 11 && vrrp.checksum.status != 1", rfc, false},
		{"wrong checksums of VRRP with one", "vrrp.virt_rtr_id == 11 && vrrp.checksum.status != 1", pseudo, false},
		{"wrong checksums of IP and ICMP", "ip.checksum.status == 0 || icmpv6.checksum.status == 0", rfc, false},
		{"malformed packets", "_ws.malformed", rfc, false},
		{"advertisements from another hardware address", "vrrp && !(ip && eth.src[0:5] == 00:00:5e:00:01) && !(ipv6 && eth.src[0:5] == 00:00:5e:00:02)", rfc, false},
		{"advertisements that a router could have forwarded", "vrrp && !(ip.ttl == 255) && !(ipv6.hlim == 255)", rfc, false},
		{"advertisements to somebody else", "vrrp && !(ip.dst == 224.0.0.18 && eth.dst == 01:00:5e:00:00:12) && !(ipv6.dst == ff02::12 && eth.dst == 33:33:00:00:00:12)", rfc, false},
		{"reports of groups and solicitations of routers from the virtual address", virtual + " && (igmp || icmpv6.type in {131, 132, 133, 143})", rfc, false},
	} {
		t.Run(p.name, func(t *testing.T) {
			for name, c := range captures {
				list, err := c.match(p.filter, p.option)
				must(t, err)
				if p.some == (len(list) == 0) {
					t.Errorf("%s has sent %d: %q", name, len(list), list[:min(len(list), 5)])
				}
			}
		})
	}
}
