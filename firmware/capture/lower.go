// SPDX-License-Identifier: Apache-2.0

package capture

import "golang.org/x/net/bpf"

// lower writes primitives as tests of fields.
func lower(e Expr) Expr {
	switch e := e.(type) {
	case and:
		return and{lower(e.a), lower(e.b)}
	case or:
		return or{lower(e.a), lower(e.b)}
	case not:
		return not{lower(e.a)}
	case Primitive:
		return e.lower()
	}
	return e
}

func (p Primitive) lower() Expr {
	switch p.Kind {
	case VLAN:
		return p.vlan()
	case Net:
		return p.address()
	case Port:
		return p.ports()
	}
	return p.protocol()
}

var (
	isIPv4 = field(offType, 2, bpf.JumpEqual, typeIPv4)
	isIPv6 = field(offType, 2, bpf.JumpEqual, typeIPv6)
	isARP  = field(offType, 2, bpf.JumpEqual, typeARP)
)

func carries4(proto uint32) Expr { return and{isIPv4, field(offProto, 1, bpf.JumpEqual, proto)} }
func carries6(next uint32) Expr  { return and{isIPv6, field(offNext, 1, bpf.JumpEqual, next)} }

// protocol tests the protocol alone.
func (p Primitive) protocol() Expr {
	switch p.Proto {
	case IP:
		return isIPv4
	case IP6:
		return isIPv6
	case ARP:
		return isARP
	case TCP:
		return or{carries4(protoTCP), carries6(protoTCP)}
	case UDP:
		return or{carries4(protoUDP), carries6(protoUDP)}
	case ICMP:
		return carries4(protoICMP)
	default:
		return carries6(protoICMP6)
	}
}

// ends joins what is true of the source and of the destination.
func (p Primitive) ends(src, dst Expr) Expr {
	switch p.Dir {
	case Src:
		return src
	case Dst:
		return dst
	case Both:
		return and{src, dst}
	}
	return or{src, dst}
}

func (p Primitive) address() Expr {
	var where Expr
	if p.Net.Addr().Is6() {
		where = and{isIPv6, p.ends(p.addressAt(offSrc6), p.addressAt(offDst6))}
	} else {
		ip := and{isIPv4, p.ends(p.addressAt(offSrc4), p.addressAt(offDst4))}
		arp := and{isARP, p.ends(p.addressAt(offSpa), p.addressAt(offTpa))}
		where = some(ip, arp)
	}
	if p.Proto == AnyProto {
		return where
	}
	return and{p.protocol(), where}
}

// ports tests TCP's and UDP's ports: of a fragment only the first has them.
func (p Primitive) ports() Expr {
	protos := []uint32{protoTCP, protoUDP}
	switch p.Proto {
	case TCP:
		protos = protos[:1]
	case UDP:
		protos = protos[1:]
	}
	var four, six []Expr
	for _, n := range protos {
		four = append(four, field(offProto, 1, bpf.JumpEqual, n))
		six = append(six, field(offNext, 1, bpf.JumpEqual, n))
	}
	whole := field(offFlags, 2, bpf.JumpEqual, 0)
	whole.mask = 0x1fff
	v4 := all(isIPv4, some(four...), whole, p.ends(p.port4(0), p.port4(2)))
	v6 := all(isIPv6, some(six...), p.ends(p.port6(0), p.port6(2)))
	switch p.Proto {
	case IP:
		return v4
	case IP6:
		return v6
	}
	return or{v4, v6}
}

// between tests whether what t loads lies in the range of ports.
func (p Primitive) between(t test) Expr {
	if p.Low == p.High {
		t.cond, t.val = bpf.JumpEqual, uint32(p.Low)
		return t
	}
	low, high := t, t
	low.cond, low.val = bpf.JumpGreaterOrEqual, uint32(p.Low)
	high.cond, high.val = bpf.JumpLessOrEqual, uint32(p.High)
	return and{low, high}
}

func (p Primitive) port4(off uint32) Expr {
	return p.between(test{load: bpf.LoadIndirect{Off: offIP + off, Size: 2}, need: offIP + off + 2, l4: true})
}

func (p Primitive) port6(off uint32) Expr {
	return p.between(test{load: bpf.LoadAbsolute{Off: offL4v6 + off, Size: 2}, need: offL4v6 + off + 2})
}

// vlan tests the tag that the kernel has taken off.
func (p Primitive) vlan() Expr {
	present := test{load: bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}, cond: bpf.JumpNotEqual}
	if p.Low != p.High {
		return present
	}
	id := test{load: bpf.LoadExtension{Num: bpf.ExtVLANTag}, mask: 0x0fff, cond: bpf.JumpEqual, val: uint32(p.Low)}
	return and{present, id}
}
