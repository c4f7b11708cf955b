// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// attach attaches a program, before others at the ingress of an interface, until it is
// closed. The link holds it: when this process ends, so does the program.
func attach(index int, prog *ebpf.Program) (io.Closer, error) {
	l, err := attachTCX(link.TCXOptions{
		Interface: index, Program: prog, Attach: ebpf.AttachTCXIngress, Anchor: link.Head(),
	})
	if errors.Is(err, ebpf.ErrNotSupported) {
		return attachFilter(index, prog)
	}
	return l, err
}

var attachTCX = link.AttachTCX // tests have none, as kernels before Linux 6.6

// filterPriority puts the filter before those that others have made without choosing.
const filterPriority = 1

// filters counts those of this process, so that each has a handle of its own.
var filters atomic.Uint32

// A filter is a program that the traffic control of a kernel before Linux 6.6 runs. If
// this process dies it stays, and passes everything after its limit; the next process
// puts its own in its place.
type filter struct {
	h *netlink.Handle // in the network namespace where it was made
	f *netlink.BpfFilter
}

func attachFilter(index int, prog *ebpf.Program) (io.Closer, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	q := &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}}
	if err := h.QdiscAdd(q); err != nil && !errors.Is(err, unix.EEXIST) { // it stays: others may use it by then
		h.Close()
		return nil, fmt.Errorf("before Linux 6.6 that needs its traffic control (CONFIG_NET_SCH_INGRESS): %w", err)
	}
	f := &netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: index, Parent: netlink.HANDLE_MIN_INGRESS, Handle: filters.Add(1),
			Protocol: unix.ETH_P_ALL, Priority: filterPriority},
		Fd: prog.FD(), Name: "handoff", DirectAction: true,
	}
	if err := h.FilterReplace(f); err != nil {
		h.Close()
		return nil, fmt.Errorf("before Linux 6.6 that needs filters of its traffic control (CONFIG_NET_CLS_BPF): %w", err)
	}
	return &filter{h, f}, nil
}

// Close takes the filter away.
func (f *filter) Close() error {
	err := f.h.FilterDel(f.f)
	f.h.Close()
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT) { // it went with its interface
		return nil
	}
	return err
}
