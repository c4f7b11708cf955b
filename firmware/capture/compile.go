// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/bpf"
)

// Offsets in an Ethernet frame without VLAN tag: the kernel takes the outer one off
// before it filters.
const (
	offType  = 12
	offIP    = 14
	offFlags = offIP + 6 // IPv4: flags and fragment offset
	offProto = offIP + 9
	offSrc4  = offIP + 12
	offDst4  = offIP + 16
	offNext  = offIP + 6 // IPv6: next header
	offSrc6  = offIP + 8
	offDst6  = offIP + 24
	offL4v6  = offIP + 40
	offSpa   = offIP + 14 // ARP: sender's and target's address
	offTpa   = offIP + 24
)

const (
	typeIPv4 = 0x0800
	typeARP  = 0x0806
	typeIPv6 = 0x86dd

	protoICMP  = 1
	protoTCP   = 6
	protoUDP   = 17
	protoICMP6 = 58
)

// maxProgram is the kernel's limit of instructions (BPF_MAXINSNS).
const maxProgram = 4096

// packetOutgoing is the type of a packet that leaves (PACKET_OUTGOING).
const packetOutgoing = 4

// Compile makes a program for SO_ATTACH_FILTER on a packet socket: it takes the
// first snaplen bytes of the packets that e wants. A field that a packet does not
// have equals nothing, so "not port 80" takes a packet without ports. IPv6 extension
// headers are not followed. once leaves out packets that are sent: on the loopback
// interface each of them comes back.
func Compile(e Expr, snaplen uint32, once bool) ([]bpf.Instruction, error) {
	var c compiler
	yes, no := c.label(), c.label()
	if once {
		c.emit(bpf.LoadExtension{Num: bpf.ExtType})
		c.branch(bpf.JumpNotEqual, packetOutgoing, c.here(3), no)
	}
	if e == nil {
		c.jump(yes)
	} else {
		c.gen(lower(e), yes, no)
	}
	c.place(yes)
	c.emit(bpf.RetConstant{Val: snaplen})
	c.place(no)
	c.emit(bpf.RetConstant{Val: 0})
	if len(c.code) > maxProgram {
		return nil, &FilterError{0, fmt.Sprintf("too many tests: it takes %d instructions, and the kernel allows %d", len(c.code), maxProgram)}
	}
	c.link()
	return c.code, nil
}

// A test compares a field of the packet, which must be there.
type test struct {
	load bpf.Instruction
	need uint32 // bytes that the packet must have; 0: it is no field of the packet
	mask uint32 // 0: all bits
	cond bpf.JumpTest
	val  uint32
	l4   bool // need and load count from the end of the header of IPv4
}

func (test) expr() {}

// A compiler emits instructions whose jumps name labels until they are linked.
type compiler struct {
	code   []bpf.Instruction
	labels []int       // where each label is
	jumps  map[int]int // instruction to label
}

func (c *compiler) label() int {
	c.labels = append(c.labels, -1)
	return len(c.labels) - 1
}

func (c *compiler) place(label int) { c.labels[label] = len(c.code) }

// here returns a label that lies n instructions on.
func (c *compiler) here(n int) int {
	l := c.label()
	c.labels[l] = len(c.code) + n
	return l
}

func (c *compiler) emit(list ...bpf.Instruction) { c.code = append(c.code, list...) }

func (c *compiler) jump(label int) {
	if c.jumps == nil {
		c.jumps = map[int]int{}
	}
	c.jumps[len(c.code)] = label
	c.emit(bpf.Jump{})
}

// branch jumps by a comparison of A. Conditional jumps of classic BPF reach 255
// instructions, so each leads to one that reaches all.
func (c *compiler) branch(cond bpf.JumpTest, val uint32, yes, no int) {
	c.emit(bpf.JumpIf{Cond: cond, Val: val, SkipFalse: 1})
	c.jump(yes)
	c.jump(no)
}

func (c *compiler) link() {
	for at, label := range c.jumps {
		c.code[at] = bpf.Jump{Skip: uint32(c.labels[label] - at - 1)}
	}
}

// gen emits what goes to yes if e is true, and to no otherwise.
func (c *compiler) gen(e Expr, yes, no int) {
	switch e := e.(type) {
	case and:
		middle := c.label()
		c.gen(e.a, middle, no)
		c.place(middle)
		c.gen(e.b, yes, no)
	case or:
		middle := c.label()
		c.gen(e.a, yes, middle)
		c.place(middle)
		c.gen(e.b, yes, no)
	case not:
		c.gen(e.a, no, yes)
	case test:
		c.test(e, yes, no)
	}
}

// test emits a comparison. A load beyond the packet's end would end the program,
// so the length is asked first.
func (c *compiler) test(t test, yes, no int) {
	if t.l4 {
		c.emit(bpf.LoadExtension{Num: bpf.ExtLen})
		c.branch(bpf.JumpGreaterOrEqual, offIP+20, c.here(3), no)
		c.emit(bpf.LoadMemShift{Off: offIP}, bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: t.need}, bpf.TAX{},
			bpf.LoadExtension{Num: bpf.ExtLen}, bpf.JumpIfX{Cond: bpf.JumpGreaterOrEqual, SkipTrue: 1})
		c.jump(no)
		c.emit(bpf.LoadMemShift{Off: offIP})
	} else if t.need > 0 {
		c.emit(bpf.LoadExtension{Num: bpf.ExtLen})
		c.branch(bpf.JumpGreaterOrEqual, t.need, c.here(3), no)
	}
	c.emit(t.load)
	if t.mask != 0 {
		c.emit(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: t.mask})
	}
	c.branch(t.cond, t.val, yes, no)
}

// field tests size bytes at off.
func field(off uint32, size int, cond bpf.JumpTest, val uint32) test {
	return test{load: bpf.LoadAbsolute{Off: off, Size: size}, need: off + uint32(size), cond: cond, val: val}
}

// all and some join tests.
func all(list ...Expr) Expr {
	e := list[0]
	for _, b := range list[1:] {
		e = and{e, b}
	}
	return e
}

func some(list ...Expr) Expr {
	e := list[0]
	for _, b := range list[1:] {
		e = or{e, b}
	}
	return e
}

// addressAt tests whether the address at off lies in a network.
func (p Primitive) addressAt(off uint32) Expr {
	var list []Expr
	b, bits := p.Net.Addr().AsSlice(), p.Net.Bits()
	for i := 0; i < len(b) && bits > 0; i += 4 {
		mask := uint32(0xffffffff)
		if bits < 32 {
			mask <<= 32 - bits
		}
		t := field(off+uint32(i), 4, bpf.JumpEqual, binary.BigEndian.Uint32(b[i:])&mask)
		t.mask, t.need = mask, off+uint32(len(b)) // half an address is none
		list = append(list, t)
		bits -= 32
	}
	if len(list) == 0 { // every address: but it must be there
		return field(off+uint32(len(b))-4, 4, bpf.JumpGreaterOrEqual, 0)
	}
	return all(list...)
}
