// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// A Prober asks on a network whether other machines have addresses.
type Prober interface {
	// Probe returns who has those of the list that somebody has. It takes a second
	// at most.
	Probe(ctx context.Context, iface string, list []netip.Addr) (map[netip.Addr]net.HardwareAddr, error)
}

// How often and how long is asked. RFC 5227, section 1.1, gives up to seven seconds
// to networks that take long to come up; nobody wants to wait for them at each
// commit, and what answers later is found by the checks that follow.
const (
	probes     = 3
	probePause = 200 * time.Millisecond
	probeWait  = 400 * time.Millisecond // after the last one
)

// Probe asks by ARP (RFC 5227). What is no Ethernet has nobody to ask. It needs
// CAP_NET_RAW.
func (Network) Probe(ctx context.Context, iface string, list []netip.Addr) (map[netip.Addr]net.HardwareAddr, error) {
	link, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("ask for other machines on %s: %w", iface, err)
	}
	if len(link.HardwareAddr) != 6 {
		return nil, nil
	}
	own, err := ownMACs()
	if err != nil {
		return nil, err
	}
	conn, err := packet.Listen(link, packet.Raw, etherARP, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for other machines on %s: %w", iface, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	found := make(map[netip.Addr]net.HardwareAddr)
	for i := range probes {
		for _, a := range list {
			frame := appendProbe(nil, link.HardwareAddr, a)
			if _, err := conn.WriteTo(frame, &packet.Addr{HardwareAddr: broadcast}); err != nil {
				return nil, fmt.Errorf("ask for other machines on %s: %w", iface, err)
			}
		}
		wait := probePause
		if i == probes-1 {
			wait = probeWait
		}
		if err := claims(conn, time.Now().Add(wait), list, own, found); err != nil {
			return nil, fmt.Errorf("hear other machines on %s: %w", iface, err)
		}
		if ctx.Err() != nil || len(found) == len(list) {
			break
		}
	}
	return found, ctx.Err()
}

// claims notes who of others has an address of the list, until the time is over.
func claims(conn *packet.Conn, until time.Time, list []netip.Addr, own []net.HardwareAddr, found map[netip.Addr]net.HardwareAddr) error {
	if err := conn.SetReadDeadline(until); err != nil {
		return err
	}
	b := make([]byte, 2048)
	for len(found) < len(list) {
		n, _, err := conn.ReadFrom(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case errors.Is(err, unix.ENETDOWN):
			return nil // the link went; it is asked again when it is back
		case err != nil:
			return err
		}
		a, mac, ok := parseClaim(b[:n])
		mine := func(m net.HardwareAddr) bool { return bytes.Equal(m, mac) }
		if ok && slices.Contains(list, a) && !slices.ContainsFunc(own, mine) {
			found[a] = mac
		}
		if time.Now().After(until) { // a flood of others' frames
			return nil
		}
	}
	return nil
}

// ownMACs lists those of this machine. It may have two ports in one network, and
// then answers itself for an address that it moves from one to the other.
func ownMACs() (out []net.HardwareAddr, err error) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	for _, l := range links {
		if len(l.HardwareAddr) == 6 {
			out = append(out, l.HardwareAddr)
		}
	}
	return out, nil
}
