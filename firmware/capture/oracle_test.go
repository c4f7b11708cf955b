// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"net/netip"

	"golang.org/x/net/bpf"
)

// A frame is what the oracle knows of a packet: a frame of Ethernet, and the tag
// that was taken off it.
type frame struct {
	data   []byte
	tagged bool
	vlan   uint16
	out    bool
}

// at returns n bytes at off, nil if the frame does not have them.
func (f frame) at(off, n int) []byte {
	if off+n > len(f.data) {
		return nil
	}
	return f.data[off : off+n]
}

func (f frame) number(off, n int) int {
	b := f.at(off, n)
	if b == nil {
		return -1
	}
	v := 0
	for _, c := range b {
		v = v<<8 | int(c)
	}
	return v
}

// wants is the slow and obvious meaning of a filter.
func (f frame) wants(e Expr) bool {
	switch e := e.(type) {
	case nil:
		return true
	case and:
		return f.wants(e.a) && f.wants(e.b)
	case or:
		return f.wants(e.a) || f.wants(e.b)
	case not:
		return !f.wants(e.a)
	}
	p := e.(Primitive)
	switch p.Kind {
	case Alone:
		return f.is(p.Proto)
	case VLAN:
		return f.tagged && (p.Low == 0 && p.High == 4095 || f.vlan == p.Low)
	case Net:
		src, dst := f.addresses(p.Net.Addr().Is4())
		return (p.Proto == AnyProto || f.is(p.Proto)) && ends(p.Dir, src.IsValid() && p.Net.Contains(src), dst.IsValid() && p.Net.Contains(dst))
	}
	if p.Proto != AnyProto && !f.is(p.Proto) || !f.is(TCP) && !f.is(UDP) {
		return false
	}
	at := 54
	if f.is(IP) {
		if n := f.number(20, 2); n < 0 || n&0x1fff != 0 {
			return false
		}
		if len(f.data) < 34 {
			return false
		}
		at = 14 + 4*int(f.data[14]&15)
	}
	in := func(n int) bool { return n >= int(p.Low) && n <= int(p.High) }
	return ends(p.Dir, in(f.number(at, 2)), in(f.number(at+2, 2)))
}

func ends(d Dir, src, dst bool) bool {
	switch d {
	case Src:
		return src
	case Dst:
		return dst
	case Both:
		return src && dst
	}
	return src || dst
}

func (f frame) is(p Proto) bool {
	v4, v6 := f.number(12, 2) == 0x0800, f.number(12, 2) == 0x86dd
	carries := func(n int) bool { return v4 && f.number(23, 1) == n || v6 && f.number(20, 1) == n }
	switch p {
	case IP:
		return v4
	case IP6:
		return v6
	case ARP:
		return f.number(12, 2) == 0x0806
	case TCP:
		return carries(6)
	case UDP:
		return carries(17)
	case ICMP:
		return v4 && carries(1)
	case ICMP6:
		return v6 && carries(58)
	}
	return true
}

func (f frame) addresses(four bool) (src, dst netip.Addr) {
	get := func(off, n int) netip.Addr { a, _ := netip.AddrFromSlice(f.at(off, n)); return a }
	switch {
	case four && f.is(IP):
		return get(26, 4), get(30, 4)
	case four && f.is(ARP):
		return get(28, 4), get(38, 4)
	case !four && f.is(IP6):
		return get(22, 16), get(38, 16)
	}
	return src, dst
}

// passes runs a program as the kernel would. The virtual machine of x/net knows no
// extension but the length, so what the others load stands in their places.
func (f frame) passes(program []bpf.Instruction) (int, error) {
	p := make([]bpf.Instruction, len(program))
	for i, in := range program {
		if e, ok := in.(bpf.LoadExtension); ok && e.Num != bpf.ExtLen {
			v := uint32(0)
			switch {
			case e.Num == bpf.ExtType && f.out:
				v = packetOutgoing
			case e.Num == bpf.ExtVLANTagPresent && f.tagged:
				v = 1
			case e.Num == bpf.ExtVLANTag:
				v = uint32(f.vlan) | 0x2000 // with a priority
			}
			in = bpf.LoadConstant{Dst: bpf.RegA, Val: v}
		}
		p[i] = in
	}
	vm, err := bpf.NewVM(p)
	if err != nil {
		return 0, err
	}
	return vm.Run(f.data)
}
