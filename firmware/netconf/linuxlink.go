// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// linkOf reads what netlink tells of one interface.
func linkOf(x netlink.Link) Link {
	a := x.Attrs()
	link := Link{Index: a.Index, Up: a.RawFlags&unix.IFF_UP != 0, Carrier: a.RawFlags&unix.IFF_LOWER_UP != 0, MTU: a.MTU, Master: a.MasterIndex}
	switch x := x.(type) {
	case *netlink.Vlan:
		if x.VlanProtocol == netlink.VLAN_PROTOCOL_8021Q && a.NetNsID < 0 {
			link.Parent, link.VLAN = a.ParentIndex, x.VlanId
		}
	case *netlink.Bond:
		link.Bond = bondOf(x)
	}
	return link
}

func bondOf(x *netlink.Bond) *BondState {
	b := &BondState{Mode: otherMode, Monitor: time.Duration(x.Miimon) * time.Millisecond}
	switch x.Mode {
	case netlink.BOND_MODE_ACTIVE_BACKUP:
		b.Mode = ActiveBackup
		if x.ActiveSlave > 0 {
			b.Active = []int{x.ActiveSlave}
		}
	case netlink.BOND_MODE_802_3AD:
		b.Mode, b.Hash, b.Fast = LACP, otherHash, x.LacpRate == netlink.BOND_LACP_RATE_FAST
		for hash, policy := range hashes {
			if x.XmitHashPolicy == policy {
				b.Hash = hash
			}
		}
	}
	return b
}

var hashes = map[Hash]netlink.BondXmitHashPolicy{HashMAC: netlink.BOND_XMIT_HASH_POLICY_LAYER2,
	HashIP: netlink.BOND_XMIT_HASH_POLICY_LAYER2_3, HashFlow: netlink.BOND_XMIT_HASH_POLICY_LAYER3_4}

// Bits of the state of a port in LACP (IEEE 802.1AX-2020, section 6.4.2.3).
const (
	lacpDistributing = 1 << 5 // it may send packets
	lacpDefaulted    = 1 << 6 // nobody at the other end has said anything
)

// joined adds to the bonds with LACP which of their ports carry packets, and who
// answers at the other end.
func joined(links []netlink.Link, by map[string]Link) error {
	for _, y := range links {
		bond, is := y.(*netlink.Bond)
		if !is || bond.Mode != netlink.BOND_MODE_802_3AD {
			continue
		}
		b, answered := by[bond.Name].Bond, false
		for _, x := range links {
			slave, ok := x.Attrs().Slave.(*netlink.BondSlave)
			if !ok || x.Attrs().MasterIndex != bond.Index || slave.MiiStatus != netlink.BondLinkUp {
				continue
			}
			if slave.AdActorOperPortState&lacpDistributing != 0 {
				b.Active = append(b.Active, x.Attrs().Index)
			}
			answered = answered || slave.AdActorOperPortState&lacpDefaulted == 0
		}
		if answered {
			mac, err := partnerOf(bond.Index)
			if err != nil {
				return fmt.Errorf("ask the bond %s for its other end: %w", bond.Name, err)
			}
			b.Partner = mac
		}
	}
	return nil
}

// partnerOf asks the kernel for the MAC address of the other end of LACP, which the
// library does not read: it lies within IFLA_LINKINFO, IFLA_INFO_DATA and
// IFLA_BOND_AD_INFO.
func partnerOf(bond int) (string, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, 0)
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(bond)
	req.AddData(msg)
	answers, err := req.Execute(unix.NETLINK_ROUTE, 0)
	if errors.Is(err, unix.ENODEV) || len(answers) == 0 {
		return "", nil // it has gone meanwhile
	}
	if err != nil {
		return "", err
	}
	data := answers[0][min(nl.DeserializeIfInfomsg(answers[0]).Len(), len(answers[0])):]
	for _, kind := range []uint16{unix.IFLA_LINKINFO, nl.IFLA_INFO_DATA, nl.IFLA_BOND_AD_INFO, nl.IFLA_BOND_AD_INFO_PARTNER_MAC} {
		attrs, err := nl.ParseRouteAttr(data)
		if err != nil {
			return "", err
		}
		data = nil
		for _, a := range attrs {
			if a.Attr.Type&^unix.NLA_F_NESTED == kind {
				data = a.Value
			}
		}
	}
	if len(data) != 6 || bytes.Equal(data, make([]byte, 6)) {
		return "", nil
	}
	return net.HardwareAddr(data).String(), nil
}

// changeLink makes, changes and removes links.
func changeLink(s Step) error {
	device := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: s.Index, Name: s.Interface}}
	switch s.Kind {
	case LinkUp:
		return netlink.LinkSetUp(device)
	case LinkDown:
		return netlink.LinkSetDown(device)
	case SetMTU:
		err := netlink.LinkSetMTU(device, s.MTU)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ERANGE) {
			return fmt.Errorf("the hardware cannot have packets of %d bytes, or what the VLAN is on does not: %w", s.MTU, err)
		}
		return err
	case AddMember:
		return netlink.LinkSetMasterByIndex(device, s.Master)
	case RemoveMember:
		return netlink.LinkSetNoMaster(device)
	case AddBond:
		err := netlink.LinkAdd(bondLink(s))
		if errors.Is(err, unix.EOPNOTSUPP) {
			return fmt.Errorf("this kernel has no bonds: its module bonding is missing: %w", err)
		}
		return err
	case ChangeBond:
		b := bondLink(s)
		b.Mode, b.LacpRate = -1, -1
		return netlink.LinkModify(b)
	}
	err := netlink.LinkDel(device) // RemoveBond, RemoveVLAN
	if errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

func bondLink(s Step) *netlink.Bond {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = s.Interface // with an index besides, the kernel takes it for a new name, which it refuses while the bond is on
	b := netlink.NewLinkBond(attrs)
	b.Miimon = int(s.Bond.Monitor.Milliseconds())
	b.Mode = netlink.BOND_MODE_ACTIVE_BACKUP
	if s.Bond.Mode == LACP {
		b.Mode, b.XmitHashPolicy, b.LacpRate = netlink.BOND_MODE_802_3AD, hashes[s.Bond.Hash], netlink.BOND_LACP_RATE_SLOW
		if s.Bond.Fast {
			b.LacpRate = netlink.BOND_LACP_RATE_FAST
		}
	}
	return b
}
