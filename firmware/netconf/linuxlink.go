// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
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
		if x.AdInfo != nil && !zero(x.AdInfo.PartnerMac) {
			b.Partner = x.AdInfo.PartnerMac.String()
		}
	}
	return b
}

var hashes = map[Hash]netlink.BondXmitHashPolicy{HashMAC: netlink.BOND_XMIT_HASH_POLICY_LAYER2,
	HashIP: netlink.BOND_XMIT_HASH_POLICY_LAYER2_3, HashFlow: netlink.BOND_XMIT_HASH_POLICY_LAYER3_4}

func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// joined adds to the bonds which of their ports carry packets: with LACP those that
// take part in the aggregation that the bond has chosen.
func joined(links []netlink.Link, by map[string]Link) {
	for _, x := range links {
		slave, ok := x.Attrs().Slave.(*netlink.BondSlave)
		if !ok {
			continue
		}
		for _, y := range links {
			bond, is := y.(*netlink.Bond)
			if !is || bond.Index != x.Attrs().MasterIndex || bond.Mode != netlink.BOND_MODE_802_3AD || bond.AdInfo == nil {
				continue
			}
			if slave.MiiStatus == netlink.BondLinkUp && int(slave.AggregatorId) == bond.AdInfo.AggregatorId {
				b := by[bond.Name].Bond
				b.Active = append(b.Active, x.Attrs().Index)
			}
		}
	}
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
	attrs.Name, attrs.Index = s.Interface, s.Index
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
