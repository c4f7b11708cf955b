// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// subscribe opens a socket by which the kernel tells that a link, address or route has
// changed. What has, is found by listing: so nothing is believed that came out of
// order or got lost.
func subscribe() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR |
			unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE})
		if err != nil {
			_ = unix.Close(fd)
		}
	}
	if err != nil {
		return -1, fmt.Errorf("listen for changes of interfaces: %w", err)
	}
	return fd, nil
}

// drain reads all news. Where the kernel had more than the socket can hold (ENOBUFS)
// some are lost, which is why the caller lists everything afterwards; the socket goes
// on. After any other error it is closed, and fds opens another one.
func (l *Linux) drain() {
	for {
		_, _, err := unix.Recvfrom(l.news, l.buf, unix.MSG_DONTWAIT)
		switch {
		case err == nil, errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOBUFS):
			l.log.Info("news of interfaces lost, all are listed", "err", err)
		case errors.Is(err, unix.EAGAIN):
			return
		default:
			l.log.Warn("news of interfaces ended, subscribed again", "err", err)
			_ = unix.Close(l.news)
			l.news = -1
			return
		}
	}
}

// again subscribes once more, and looks at what was missed.
func (l *Linux) again() (err error) {
	if l.news, err = subscribe(); err != nil {
		return err
	}
	l.waker.wake()
	return l.refresh()
}

// A view is what the kernel has at one moment.
type view struct {
	links     map[string]netlink.Link
	addresses map[int][]netlink.Addr // by index of the link
}

func look() (v view, err error) {
	v = view{links: make(map[string]netlink.Link), addresses: make(map[int][]netlink.Addr)}
	links, err := retried(netlink.LinkList)
	if err != nil {
		return v, fmt.Errorf("list the interfaces: %w", err)
	}
	for _, x := range links {
		v.links[x.Attrs().Name] = x
	}
	list, err := retried(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return v, fmt.Errorf("list the addresses: %w", err)
	}
	for _, a := range list {
		v.addresses[a.LinkIndex] = append(v.addresses[a.LinkIndex], a)
	}
	return v, nil
}

// retried asks again where the answer is not of one moment because something changed
// meanwhile. In the end a torn one is better than none: the change brings news.
func retried[T any](list func() ([]T, error)) (out []T, err error) {
	for range 5 {
		if out, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return out, err
		}
	}
	return out, nil
}

// prefixOf returns an address as we write it.
func prefixOf(a netlink.Addr) netip.Prefix {
	ip, _ := netip.AddrFromSlice(a.IP)
	bits, _ := a.Mask.Size()
	return netip.PrefixFrom(ip.Unmap(), bits)
}

// prefixes lists the addresses of a link.
func (v view) prefixes(index int) (out []netip.Prefix) {
	for _, a := range v.addresses[index] {
		out = append(out, prefixOf(a))
	}
	return out
}

// Interface tells of an interface.
func (l *Linux) Interface(name string) (Interface, error) {
	link, err := netlink.LinkByName(name)
	if _, absent := errors.AsType[netlink.LinkNotFoundError](err); absent {
		return Interface{Name: name}, nil
	}
	if err != nil {
		return Interface{}, fmt.Errorf("look at %s: %w", name, err)
	}
	a := link.Attrs()
	up := a.RawFlags&unix.IFF_UP != 0
	out := Interface{Name: name, Index: a.Index, Present: true, Up: up, Carrier: up && a.RawFlags&unix.IFF_LOWER_UP != 0, MAC: a.HardwareAddr}
	list, err := retried(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return Interface{}, fmt.Errorf("list the addresses of %s: %w", name, err)
	}
	for _, x := range list {
		out.Addresses = append(out.Addresses, prefixOf(x))
	}
	return out, nil
}

// DefaultRoutes lists the default routes of a family, whose interface is known.
func (l *Linux) DefaultRoutes(f Family) ([]DefaultRoute, error) {
	family := netlink.FAMILY_V4
	if f == IPv6 {
		family = netlink.FAMILY_V6
	}
	list, err := retried(func() ([]netlink.Route, error) {
		return netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return nil, fmt.Errorf("list the routes: %w", err)
	}
	names := make(map[int]string)
	links, err := retried(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	for _, x := range links {
		names[x.Attrs().Index] = x.Attrs().Name
	}
	var out []DefaultRoute
	for _, r := range list {
		if r.Type != unix.RTN_UNICAST || r.Dst != nil && !r.Dst.IP.IsUnspecified() {
			continue
		}
		if r.Dst != nil {
			if ones, _ := r.Dst.Mask.Size(); ones != 0 {
				continue
			}
		}
		hops := r.MultiPath
		if len(hops) == 0 {
			hops = []*netlink.NexthopInfo{{LinkIndex: r.LinkIndex, Gw: r.Gw, Flags: r.Flags}}
		}
		for _, h := range hops {
			if h.Flags&(unix.RTNH_F_DEAD|unix.RTNH_F_LINKDOWN) != 0 {
				continue // its interface has no carrier
			}
			gw, _ := netip.AddrFromSlice(h.Gw)
			out = append(out, DefaultRoute{Interface: names[h.LinkIndex], Gateway: gw.Unmap(), Metric: r.Priority})
		}
	}
	slices.SortStableFunc(out, func(a, b DefaultRoute) int { return cmp.Compare(a.Metric, b.Metric) })
	return out, nil
}
