// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Linux is the kernel with the files that programs read.
type Linux struct {
	Resolver string // "/etc/resolv.conf"
	Zone     string // "/etc/localtime"

	// Name gives the machine its name, where somebody else has the right to; nil:
	// this process does, with CAP_SYS_ADMIN.
	Name func(string) error
}

func (l Linux) resolver() string { return orElse(l.Resolver, "/etc/resolv.conf") }
func (l Linux) zone() string     { return orElse(l.Zone, "/etc/localtime") }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Read tells what there is.
func (l Linux) Read() (State, error) {
	s := State{Interfaces: make(map[string]Link)}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return s, err
	}
	s.Boot = strings.TrimSpace(string(boot))
	if s.HostName, err = os.Hostname(); err != nil {
		return s, err
	}
	links, err := retried(netlink.LinkList)
	if err != nil {
		return s, fmt.Errorf("list the interfaces: %w", err)
	}
	for _, x := range links {
		s.Interfaces[x.Attrs().Name] = linkOf(x)
	}
	if err := joined(links, s.Interfaces); err != nil {
		return s, err
	}
	addresses, err := retried(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return s, fmt.Errorf("list the addresses: %w", err)
	}
	for _, a := range addresses {
		s.Addresses = append(s.Addresses, Address{Index: a.LinkIndex, Prefix: prefix(a.IPNet), Duplicate: a.Flags&unix.IFA_F_DADFAILED != 0})
	}
	if s.Routes, err = routes(); err != nil {
		return s, err
	}
	if s.Rules, err = rules(); err != nil {
		return s, err
	}
	if s.NAT, err = nat(); err != nil {
		return s, err
	}
	s.Forward = forwarding()
	if s.Resolver, err = readFile(l.resolver()); err != nil {
		return s, err
	}
	if s.Zone, err = readFile(l.zone()); err != nil {
		return s, err
	}
	s.Lacks, err = lacks()
	if l.Name != nil {
		s.Lacks = slices.DeleteFunc(s.Lacks, func(right string) bool { return right == "CAP_SYS_ADMIN" })
	}
	return s, err
}

// retried asks again where the answer is not of one moment because something
// changed meanwhile. In the end a torn one is better than none: it is looked at
// again soon.
func retried[T any](list func() ([]T, error)) (out []T, err error) {
	for range 5 {
		if out, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return out, err
		}
	}
	return out, nil
}

func prefix(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	ip, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(ip.Unmap(), bits)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// lacks lists the rights that this process has not.
func lacks() (out []string, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return nil, fmt.Errorf("ask for the rights of this process: %w", err)
	}
	for _, c := range []struct {
		bit  uint
		name string
	}{{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {unix.CAP_NET_RAW, "CAP_NET_RAW"}, {unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}} {
		if data[c.bit/32].Effective&(1<<(c.bit%32)) == 0 {
			out = append(out, c.name)
		}
	}
	return out, nil
}

// Do takes one step. What is so already is no error.
func (l Linux) Do(s Step) error {
	switch s.Kind {
	case LinkUp, LinkDown, SetMTU, AddBond, RemoveBond, ChangeBond, AddMember, RemoveMember, RemoveVLAN:
		return changeLink(s)
	case AddAddress, RemoveAddress:
		return changeAddress(s)
	case AddRoute, RemoveRoute:
		return changeRoute(s)
	case AddVLAN:
		return addVLAN(s)
	case AddRule, RemoveRule:
		return changeRule(s)
	case PutNAT:
		return putNAT(s)
	case SetForward:
		return setForwarding(s)
	case SetHostName:
		if l.Name != nil {
			return l.Name(s.Name)
		}
		return unix.Sethostname([]byte(s.Name))
	case PutResolver:
		return putFile(l.resolver(), s.File)
	}
	if s.File.Link != "" {
		if _, err := os.Stat(s.File.Link); err != nil {
			return fmt.Errorf("this machine has no data for that time zone: %w", err)
		}
	}
	return putFile(l.zone(), s.File)
}

func addVLAN(s Step) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = s.Name, s.Index
	err := netlink.LinkAdd(&netlink.Vlan{LinkAttrs: attrs, VlanId: s.VLAN, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("this kernel has no VLANs: its module 8021q is missing: %w", err)
	}
	return err
}

func changeAddress(s Step) error {
	link := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: s.Index, Name: s.Interface}}
	address := &netlink.Addr{IPNet: ipNet(s.Address)}
	if s.Kind == AddAddress {
		err := netlink.AddrAdd(link, address)
		switch {
		case errors.Is(err, unix.EEXIST):
			return nil
		case s.Address.Addr().Is6() && errors.Is(err, unix.EACCES):
			return fmt.Errorf("IPv6 is switched off on it (sysctl net.ipv6.conf.%s.disable_ipv6): %w", s.Interface, err)
		}
		return err
	}
	if s.Address.Addr().Is4() {
		defer promote(s.Interface)()
	}
	if err := netlink.AddrDel(link, address); !errors.Is(err, unix.EADDRNOTAVAIL) && !errors.Is(err, unix.ENODEV) {
		return err
	}
	return nil
}

// promote makes the kernel keep the other addresses of a network when its first one
// goes: they may be somebody else's. It returns what restores the setting.
func promote(iface string) (restore func()) {
	file := "/proc/sys/net/ipv4/conf/" + iface + "/promote_secondaries"
	was, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(was)) == "1" || os.WriteFile(file, []byte("1"), 0) != nil {
		return func() {} // where it cannot be set, what is missing then comes with the next look
	}
	return func() { _ = os.WriteFile(file, was, 0) }
}
