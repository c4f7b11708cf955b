// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A chain is what nftables do with the packets of one interface.
type chain struct {
	name, device string
	refuse       []netip.Addr // accept nothing for these but who asks where they are
	leave        bool         // else: let nothing out from which switches learn a standby's MAC
}

// chainsOf lists the chains that the stations need. They hang on single interfaces,
// not on the machine, so that other traffic pays nothing for them.
func (l *Linux) chainsOf() (out []chain) {
	for i, s := range l.stations {
		device := s.cfg.Interface
		if s.cfg.MAC != nil {
			device = newEntry(s.cfg).Virtual
			if s.virtual != 0 {
				out = append(out, chain{name: "out-" + device, device: device, leave: true})
			}
		}
		if s.cfg.Refuse && s.link().Index != 0 {
			c := chain{name: fmt.Sprintf("in-%d-%s", i, device), device: device}
			if e := l.journal.find(s.cfg); e != nil {
				for _, p := range e.Addresses {
					c.refuse = append(c.refuse, p.Addr())
				}
			}
			out = append(out, c)
		}
	}
	return out
}

// filter puts the chains into our table of nftables, all at once, if they are not
// there. The caller holds l.mu.
func (l *Linux) filter() error {
	chains := l.chainsOf()
	text := fmt.Sprint(chains)
	for _, s := range l.stations {
		text += fmt.Sprint(" ", s.parent, s.virtual) // a chain ends with its interface
	}
	if text == l.chains || l.chains == "" && len(chains) == 0 {
		return nil
	}
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("filter what virtual MACs send: %w", err)
	}
	table := &nftables.Table{Family: nftables.TableFamilyNetdev, Name: l.journal.Table}
	c.AddTable(table) // so that it can be removed
	c.DelTable(table)
	if len(chains) > 0 {
		c.AddTable(table)
	}
	for _, x := range chains {
		x.add(c, table)
	}
	if err := c.Flush(); err != nil {
		if errors.Is(err, os.ErrPermission) {
			err = fmt.Errorf("this process needs CAP_NET_ADMIN: %w", err)
		}
		return fmt.Errorf("filter what virtual MACs send (needs nftables with netdev egress, CONFIG_NETFILTER_EGRESS): %w", err)
	}
	l.chains = text
	return nil
}

func (x chain) add(c *nftables.Conn, table *nftables.Table) {
	hook, accept := nftables.ChainHookIngress, nftables.ChainPolicyAccept
	if x.leave {
		hook = nftables.ChainHookEgress
	}
	to := c.AddChain(&nftables.Chain{Name: x.name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: hook,
		Priority: nftables.ChainPriorityFilter, Device: x.device, Policy: &accept})
	rule := func(parts ...[]expr.Any) {
		c.AddRule(&nftables.Rule{Table: table, Chain: to, Exprs: join(parts...)})
	}
	drop, pass := end(expr.VerdictDrop), end(expr.VerdictAccept)
	if x.leave {
		rule(protocol(unix.ETH_P_IP), field(expr.PayloadBaseNetworkHeader, 9, []byte{unix.IPPROTO_IGMP}), drop)
		// Reports and the end of membership, router solicitations.
		for _, kind := range []byte{131, 132, 133, 143} {
			rule(icmp6(kind), drop)
		}
		return
	}
	for _, kind := range []byte{135, 136} {
		rule(icmp6(kind), pass)
	}
	for _, a := range x.refuse {
		if a.Is4() {
			rule(protocol(unix.ETH_P_IP), field(expr.PayloadBaseNetworkHeader, 16, a.AsSlice()), drop)
		} else {
			rule(protocol(unix.ETH_P_IPV6), field(expr.PayloadBaseNetworkHeader, 24, a.AsSlice()), drop)
		}
	}
}

func join(parts ...[]expr.Any) (out []expr.Any) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// protocol matches the type of the frame.
func protocol(etherType uint16) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(etherType)},
	}
}

// field matches bytes of a header.
func field(base expr.PayloadBase, offset uint32, is []byte) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: base, Offset: offset, Len: uint32(len(is))},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: is},
	}
}

// icmp6 matches a type of ICMPv6, behind extension headers too.
func icmp6(kind byte) []expr.Any {
	return join(protocol(unix.ETH_P_IPV6), []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_ICMPV6}},
	}, field(expr.PayloadBaseTransportHeader, 0, []byte{kind}))
}

func end(kind expr.VerdictKind) []expr.Any {
	return []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: kind}}
}

// removeTable removes a table of ours, if it is there.
func removeTable(name string) error {
	c, err := nftables.New()
	if err == nil {
		table := &nftables.Table{Family: nftables.TableFamilyNetdev, Name: name}
		c.AddTable(table)
		c.DelTable(table)
		err = c.Flush()
	}
	if err != nil {
		return fmt.Errorf("remove table %s of nftables: %w", name, err)
	}
	return nil
}

// ourLink reports whether an interface has a name as those with virtual MACs.
func ourLink(name string) bool {
	return len(name) > 6 && name[0] == 'v' && name[5] == '-' && strings.Trim(name[1:5], "0123456789abcdef") == ""
}
