// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// drop takes all capabilities but those from this thread.
func drop(keep ...int) error {
	var c [2]unix.CapUserData
	for _, n := range keep {
		c[n/32].Effective |= 1 << (n % 32)
	}
	c[0].Permitted, c[1].Permitted = c[0].Effective, c[1].Effective
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &c[0])
}

func TestSupportedNeedsTwoCapabilities(t *testing.T) {
	b := newBench(t)
	b.in(b.ns, func() error { return errors.Join(drop(unix.CAP_BPF, unix.CAP_NET_ADMIN), Supported()) })
	var err error
	b.in(b.ns, func() error {
		if e := drop(unix.CAP_NET_ADMIN); e != nil {
			return e
		}
		err = Supported()
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "CAP_BPF") {
		t.Errorf("Supported() = %v without CAP_BPF", err)
	}
}

func TestKeepNeedsOneCapability(t *testing.T) {
	b := newBench(t)
	b.in(b.ns, func() error {
		list := []netip.Addr{v4a, v6a}
		return errors.Join(drop(unix.CAP_NET_ADMIN, unix.CAP_DAC_OVERRIDE), b.Keep(list), b.Drop(list))
	})
	b.want("keeping and dropping", "00")
}

func TestRefusedProgramIsShownWithTheReason(t *testing.T) {
	b := newBench(t)
	err := b.try(func() error {
		k := &kernel{}
		defer k.close()
		return explain(k.attach(1, asm.Instructions{asm.LoadMem(asm.R0, asm.R10, -8, asm.DWord), asm.Mov.Reg(asm.R0, asm.R4), asm.Return()}))
	})
	if err == nil || !strings.Contains(err.Error(), "R4 !read_ok") {
		t.Errorf("err = %v, want the verifier's words in it", err)
	}
}

// What is on the wire is right: tshark looks at everything that the switch got.
func TestTsharkFindsNothingWrong(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	families(t, true, func(t *testing.T, l *lab) {
		left, right := l.boxes["left"], l.boxes["right"]
		old := l.dial()
		l.move(left, right, 0)
		fresh := l.dial()
		for _, c := range []*conn{old, fresh} {
			if err := c.echo(strings.Repeat("0123456789", 10_000)); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "frames were sent on", func() bool { return l.seen.count(forwarded(right, left)) > 50 })
		file := filepath.Join(t.TempDir(), "seen.pcap")
		l.seen.save(t, file)
		if out := complaints(t, file); out != "" {
			t.Errorf("tshark complains:\n%s", out)
		}
		l.seen.spoil()
		l.seen.save(t, file)
		if complaints(t, file) == "" {
			t.Error("tshark does not complain about a spoilt frame, so nothing was tested")
		}
	})
}

// complaints returns what tshark finds wrong in the file.
func complaints(t *testing.T, file string) string {
	t.Helper()
	cmd := exec.Command("tshark", "-n", "-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
		"-o", "tcp.desegment_tcp_streams:FALSE", // it sees everything twice, before and after right
		"-Y", `tcp.checksum.status == "Bad" || ip.checksum.status == "Bad" || icmpv6.checksum.status == "Bad" || _ws.malformed`)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, stderr.Bytes())
	}
	return string(out)
}

// spoil changes one byte of the largest frame.
func (w *watch) spoil() {
	w.mu.Lock()
	defer w.mu.Unlock()
	largest := w.frames[0]
	for _, b := range w.frames {
		if len(b) > len(largest) {
			largest = b
		}
	}
	largest[len(largest)-1] ^= 1
}
