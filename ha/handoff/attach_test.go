// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// withoutTCX has the kernel of a test be as those before Linux 6.6 are.
func withoutTCX(t *testing.T) {
	attachTCX = func(link.TCXOptions) (link.Link, error) { return nil, ebpf.ErrNotSupported }
	t.Cleanup(func() { attachTCX = link.AttachTCX })
}

func TestOlderKernelsHandOffByTrafficControl(t *testing.T) {
	withoutTCX(t)
	t.Run("what is sent on", TestWhatIsSentOn)
	t.Run("moves", TestConnectionsOutliveTheMoveOfTheirAddress)
	t.Run("back and forth", TestSwitchesBackAndForthWhileTransfersRun)
}

func TestFilterGoesWithItsReceiver(t *testing.T) {
	withoutTCX(t)
	b := newBench(t)
	b.in(b.ns, func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		count := func() int {
			list, e := netlink.FilterList(lo, netlink.HANDLE_MIN_INGRESS)
			err = errors.Join(err, e)
			return len(list)
		}
		var held [2]*kernel
		for i := range held { // two groups have the same interface
			k, e := load(plan{index: lo.Attrs().Index, own: make([]byte, 6), to: make([]byte, 6)}, nil)
			if e != nil {
				return e
			}
			held[i] = k
		}
		if n := count(); n != 2 {
			t.Errorf("two receivers have %d filters", n)
		}
		err = errors.Join(err, held[0].close())
		if n := count(); n != 1 {
			t.Errorf("one receiver has %d filters", n)
		}
		err = errors.Join(err, held[1].close())
		if n := count(); n != 0 {
			t.Errorf("%d filters are left", n)
		}
		return err
	})
}

func TestSupportedNeedsNoMoreOnOlderKernels(t *testing.T) {
	withoutTCX(t)
	b := newBench(t)
	b.in(b.ns, func() error { return errors.Join(drop(unix.CAP_BPF, unix.CAP_NET_ADMIN), Supported()) })
	var err error
	b.in(b.ns, func() error {
		if e := drop(unix.CAP_BPF); e != nil {
			return e
		}
		err = Supported()
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
		t.Errorf("Supported() = %v without CAP_NET_ADMIN", err)
	}
}
