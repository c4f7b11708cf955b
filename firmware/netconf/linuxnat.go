// SPDX-License-Identifier: Apache-2.0

package netconf

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

// natTable is our own table of nftables, one of each family. It has one chain, and
// each rule says in its comment what it is, which is read back.
const (
	natTable = "evener_nat"
	natChain = "out"
)

func natFamily(v6 bool) nftables.TableFamily {
	if v6 {
		return nftables.TableFamilyIPv6
	}
	return nftables.TableFamilyIPv4
}

// nat lists what our tables have. Who lacks the right to look, or a kernel without
// nftables, has none.
func nat() (out []NAT, err error) {
	conn, err := nftables.New()
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	for _, v6 := range []bool{false, true} {
		tables, err := conn.ListTablesOfFamily(natFamily(v6))
		if noTables(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the tables of nftables: %w", err)
		}
		for _, t := range tables {
			if t.Name == natTable {
				list, err := natRules(conn, t, v6)
				if err != nil {
					return nil, err
				}
				out = append(out, list...)
			}
		}
	}
	return out, nil
}

// noTables reports whether err is of who lacks the right to look, of a kernel without
// nftables, or of one without netlink for packet filters at all, as the rescue system's.
func noTables(err error) bool {
	for _, e := range []error{unix.EPERM, unix.EOPNOTSUPP, unix.EINVAL, unix.EPROTONOSUPPORT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// natRules reads one table. What somebody has done to it cannot be read, and so is
// not what is wanted.
func natRules(conn *nftables.Conn, t *nftables.Table, v6 bool) (out []NAT, err error) {
	strange := NAT{From: everywhere(v6), Out: "?"}
	list, err := conn.GetRules(t, &nftables.Chain{Name: natChain, Table: t})
	if errors.Is(err, unix.ENOENT) {
		return []NAT{strange}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the rules of NAT: %w", err)
	}
	for _, r := range list {
		var n NAT
		text, _ := userdata.GetString(r.UserData, userdata.TypeComment)
		if json.Unmarshal([]byte(text), &n) != nil || !n.From.IsValid() || n.From.Addr().Is4() == v6 || len(r.Exprs) != len(natExprs(n)) {
			n = strange
		}
		out = append(out, n)
	}
	if len(out) == 0 {
		out = append(out, strange)
	}
	return out, nil
}

// putNAT makes the table of a family what s says, in one transaction.
func putNAT(s Step) error {
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	table := &nftables.Table{Name: natTable, Family: natFamily(s.V6)}
	conn.AddTable(table) // so that there is one to delete
	conn.DelTable(table)
	if len(s.NAT) > 0 {
		conn.AddTable(table)
		chain := conn.AddChain(&nftables.Chain{Name: natChain, Table: table, Type: nftables.ChainTypeNAT,
			Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource})
		for _, n := range s.NAT {
			text, err := json.Marshal(n)
			if err != nil {
				return err
			}
			conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: natExprs(n), UserData: userdata.AppendString(nil, userdata.TypeComment, string(text))})
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("write the table %s of nftables: %w", natTable, err)
	}
	return nil
}

// natExprs is n in the language of nftables: oifname, saddr, then masquerade or snat.
func natExprs(n NAT) []expr.Any {
	face := make([]byte, unix.IFNAMSIZ)
	copy(face, n.Out)
	out := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: face},
	}
	offset, size := uint32(12), uint32(4) // of the source in the header of IPv4 (RFC 791)
	if !n.From.Addr().Is4() {
		offset, size = 8, 16 // of IPv6 (RFC 8200)
	}
	if n.From.Bits() > 0 {
		out = append(out,
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: size, Mask: net.CIDRMask(n.From.Bits(), int(size)*8), Xor: make([]byte, size)},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: n.From.Addr().AsSlice()})
	}
	if !n.To.IsValid() {
		return append(out, &expr.Masq{})
	}
	return append(out, &expr.Immediate{Register: 1, Data: n.To.AsSlice()},
		&expr.NAT{Type: expr.NATTypeSourceNAT, Family: natProto(n.To), RegAddrMin: 1})
}

func natProto(a netip.Addr) uint32 {
	if a.Is4() {
		return unix.NFPROTO_IPV4
	}
	return unix.NFPROTO_IPV6
}
