// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"net"
	"slices"

	"github.com/cilium/ebpf/asm"
)

// EtherTypes and IP protocols.
const (
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	protoICMP  = 1
	protoTCP   = 6
	protoICMP6 = 58
)

// The counters.
const (
	countPackets = iota
	countErrors
	countFlows
	countEnded
	counters
)

// A plan is what is written into the program itself. All else is in its maps.
type plan struct {
	index     int                // of the interface
	own       net.HardwareAddr   // of the interface: the source of what is sent on
	to        net.HardwareAddr   // the old box
	virtual   []net.HardwareAddr // frames to these are for us, too
	peers     []net.HardwareAddr // frames from these are never sent on
	deadline  uint64             // by the kernel's monotonic clock, in nanoseconds
	addresses int                // descriptors of the maps
	flows     int
	begun     int
	counters  int
}

// program writes the program. It is run for each packet that comes in by the
// interface, before the stack (and any macvlan) has it, and either leaves it to
// them or sends it on.
//
// Every question has the cheap answer first: most packets are none of ours.
func program(p plan) asm.Instructions {
	w := &writer{}
	w.add(asm.Mov.Reg(skb, asm.R1),
		asm.LoadMem(asm.R1, skb, skbVLANPresent, asm.Word),
		asm.JNE.Imm(asm.R1, 0, "pass"),
		asm.Mov.Imm(offset, 0))
	w.fetch(offset, atEther, 14)
	w.load(asm.R1, atEther+12, asm.Half)
	w.add(asm.JEq.Imm(asm.R1, net16(etherIPv4), "ip4"),
		asm.JEq.Imm(asm.R1, net16(etherIPv6), "ip6"))
	w.label("pass")
	w.add(asm.Mov.Imm(asm.R0, actNext), asm.Return())

	for _, f := range []family{ip4, ip6} {
		w.label(f.name)
		w.ours(p, f)
		w.tcp(f)
		w.label(f.name + " error")
		w.icmp(p, f)
		w.label(f.name + " socket")
		w.socket(p, f)
	}
	w.label("begin")
	w.begin(p)
	w.label("forward")
	w.forward(p)
	return w.list
}

// A family is what differs between IPv4 and IPv6.
type family struct {
	name     string
	size     int32 // of the header, without IPv4's options
	proto    int16 // where its fields are
	src, dst int16
	addr     int16   // bytes of an address
	icmp     int32   // protocol number of its ICMP
	errors   []int32 // types of ICMP that speak about a packet
}

var (
	ip4 = family{
		name: "ip4", size: 20, proto: 9, src: 12, dst: 16, addr: 4,
		icmp: protoICMP, errors: []int32{3, 11, 12}, // RFC 792
	}
	ip6 = family{
		name: "ip6", size: 40, proto: 6, src: 8, dst: 24, addr: 16,
		icmp: protoICMP6, errors: []int32{1, 2, 3, 4}, // RFC 4443
	}
)

// ours goes on with TCP and ICMP packets to one of the addresses.
func (w *writer) ours(p plan, f family) {
	w.add(asm.Mov.Imm(offset, 14))
	w.ip(f)
	w.load(asm.R1, atIP+f.proto, asm.Byte)
	w.add(asm.JEq.Imm(asm.R1, protoTCP, f.name+" known"), asm.JNE.Imm(asm.R1, f.icmp, "pass"))
	w.label(f.name + " known")
	w.address(p, f, f.dst)
	w.guard(p, f)
	w.load(asm.R1, atIP+f.proto, asm.Byte)
	w.add(asm.JEq.Imm(asm.R1, f.icmp, f.name+" error"))
}

// ip reads the IP header at offset, and moves offset behind it. Fragments are
// passed: only the first would show its ports.
func (w *writer) ip(f family) {
	w.fetch(offset, atIP, f.size)
	w.load(asm.R2, atIP, asm.Byte)
	w.add(asm.Mov.Reg(asm.R3, asm.R2), asm.RSh.Imm(asm.R3, 4))
	if f.addr == 16 {
		w.add(asm.JNE.Imm(asm.R3, 6, "pass"), asm.Add.Imm(offset, 40))
		return
	}
	w.add(asm.JNE.Imm(asm.R3, 4, "pass"),
		asm.And.Imm(asm.R2, 15), asm.JLT.Imm(asm.R2, 5, "pass"),
		asm.LSh.Imm(asm.R2, 2), asm.Add.Reg(offset, asm.R2))
	w.load(asm.R2, atIP+6, asm.Half)
	w.add(asm.And.Imm(asm.R2, net16(0x3fff)), asm.JNE.Imm(asm.R2, 0, "pass"))
}

// address passes packets whose address, at off of the IP header, is none of
// ours.
func (w *writer) address(p plan, f family, off int16) {
	if f.addr == 16 {
		w.copy(atIP+off, atAddr, 16)
	} else {
		w.zero(atAddr, 8)
		w.add(asm.StoreImm(asm.RFP, atAddr+8, 0, asm.Half),
			asm.StoreImm(asm.RFP, atAddr+10, 0xffff, asm.Half))
		w.copy(atIP+off, atAddr+12, 4)
	}
	w.lookup(p.addresses, atAddr)
	w.add(asm.JEq.Imm(asm.R0, 0, "pass"))
}

// guard passes what comes too late, from a box of the group, or to a MAC that
// is not ours.
func (w *writer) guard(p plan, f family) {
	w.add(asm.FnKtimeGetNs.Call(), asm.LoadImm(asm.R1, int64(p.deadline), asm.DWord),
		asm.JGE.Reg(asm.R0, asm.R1, "pass"))
	w.mac(atEther + 6)
	w.match(append([]net.HardwareAddr{p.to}, p.peers...), "pass")
	w.mac(atEther)
	w.match(append([]net.HardwareAddr{p.own}, p.virtual...), f.name+" here")
	w.add(asm.Ja.Label("pass"))
	w.label(f.name + " here")
}

// tcp reads the TCP header at offset and makes the tuple of the connection.
func (w *writer) tcp(f family) {
	w.fetch(offset, atL4, 20)
	w.load(flags, atL4+13, asm.Byte)
	w.tuple(f, f.src, f.dst, 0, 2)
	w.add(asm.Mov.Reg(asm.R1, flags), asm.And.Imm(asm.R1, flagSYN|flagACK|flagRST),
		asm.JEq.Imm(asm.R1, flagSYN, "begin"), asm.Ja.Label(f.name+" socket"))
}

// icmp reads the ICMP header at offset and the packet that it speaks about,
// which went the other way, and makes the tuple of its connection.
func (w *writer) icmp(p plan, f family) {
	inner := f.name + " inner"
	w.fetch(offset, atL4, 8)
	w.load(asm.R1, atL4, asm.Byte)
	for _, t := range f.errors {
		w.add(asm.JEq.Imm(asm.R1, t, inner))
	}
	w.add(asm.Ja.Label("pass"))
	w.label(inner)
	w.add(asm.Add.Imm(offset, 8))
	w.ip(f)
	w.load(asm.R1, atIP+f.proto, asm.Byte)
	w.add(asm.JNE.Imm(asm.R1, protoTCP, "pass"))
	w.address(p, f, f.src)
	w.fetch(offset, atL4, 8)
	w.tuple(f, f.dst, f.src, 2, 0)
	w.add(asm.Mov.Imm(flags, isError))
}

// tuple makes the tuple of the connection: far and near address in the IP
// header, far and near port in the TCP header.
func (w *writer) tuple(f family, far, near, farPort, nearPort int16) {
	if f.addr == 4 { // the rest of the flow's key
		w.zero(atTuple, sizeTuple)
	}
	w.copy(atIP+near, atTuple+f.addr, f.addr)
	w.copy(atIP+far, atTuple, f.addr)
	w.load(asm.R1, atL4+nearPort, asm.Half)
	w.store(atTuple+2*f.addr+2, asm.R1, asm.Half)
	w.load(asm.R1, atL4+farPort, asm.Half)
	w.store(atTuple+2*f.addr, asm.R1, asm.Half)
}

// socket passes packets that a socket of this box waits for. One that listens
// does not. Nor does one in TIME-WAIT: it may be left from when this box had the
// address before, and the client has used its port again since, for a connection
// with the old box. But a connection whose SYN came here is ours all the same: it
// may have been answered with a SYN cookie, which leaves no socket behind, or be in
// TIME-WAIT by now.
func (w *writer) socket(p plan, f family) {
	none := f.name + " none"
	w.add(asm.Mov.Reg(asm.R1, skb))
	w.place(asm.R2, atTuple)
	w.add(asm.Mov.Imm(asm.R3, int32(2*f.addr+4)),
		asm.Mov.Imm(asm.R4, -1), // the network namespace of the interface
		asm.Mov.Imm(asm.R5, 0), asm.FnSkcLookupTcp.Call(),
		asm.JEq.Imm(asm.R0, 0, none),
		asm.LoadMem(offset, asm.R0, sockState, asm.Word), // the headers are read by now
		asm.Mov.Reg(asm.R1, asm.R0), asm.FnSkRelease.Call(),
		asm.JEq.Imm(offset, tcpListen, none),
		asm.JNE.Imm(offset, tcpTimeWait, "pass"))
	w.label(none)
	w.lookup(p.begun, atTuple)
	w.add(asm.JEq.Imm(asm.R0, 0, "forward"), asm.Ja.Label("pass"))
}

// begin remembers the connection of a bare SYN as one of ours.
func (w *writer) begin(p plan) {
	w.zero(atValue, 4)
	w.add(asm.LoadMapPtr(asm.R1, p.begun))
	w.place(asm.R2, atTuple)
	w.place(asm.R3, atValue)
	w.add(asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call(), asm.Ja.Label("pass"))
}

// forward sends the packet to the old box, and counts it.
func (w *writer) forward(p plan) {
	for i, m := range slices.Backward(append(append([]byte{}, p.to...), p.own...)) {
		w.add(asm.StoreImm(asm.RFP, int16(atNew+i), int64(m), asm.Byte))
	}
	w.add(asm.Mov.Reg(asm.R1, skb), asm.Mov.Imm(asm.R2, 0))
	w.place(asm.R3, atNew)
	w.add(asm.Mov.Imm(asm.R4, 12), asm.Mov.Imm(asm.R5, 0), asm.FnSkbStoreBytes.Call(),
		asm.Mov.Imm(offset, 1), // what is counted, from here on
		asm.JEq.Imm(asm.R0, 0, "rewritten"),
		asm.Mov.Imm(asm.R0, actDrop), asm.Return()) // the stack would answer with a RST
	w.label("rewritten")
	w.add(asm.JNE.Imm(flags, isError, "tcp"))
	w.count(p.counters, countErrors, offset)
	w.add(asm.Ja.Label("send"))

	w.label("tcp")
	w.flow(p)
	w.add(asm.LoadMem(offset, skb, skbGSOSegs, asm.Word), asm.JNE.Imm(offset, 0, "joined"),
		asm.Mov.Imm(offset, 1))
	w.label("joined")
	w.count(p.counters, countPackets, offset)
	w.label("send")
	w.add(asm.Mov.Imm(asm.R1, int32(p.index)), asm.Mov.Imm(asm.R2, 0), asm.FnRedirect.Call(),
		asm.Return())
}

// flow counts the connection where it is new, and where it ends. Its value in
// the map is 1 from the client's first FIN or RST on.
func (w *writer) flow(p plan) {
	w.add(asm.And.Imm(flags, flagFIN|flagRST))
	w.lookup(p.flows, atTuple)
	w.add(asm.JNE.Imm(asm.R0, 0, "seen"))
	w.zero(atValue, 4)
	w.add(asm.LoadMapPtr(asm.R1, p.flows))
	w.place(asm.R2, atTuple)
	w.place(asm.R3, atValue)
	w.add(asm.Mov.Imm(asm.R4, 1), // BPF_NOEXIST
		asm.FnMapUpdateElem.Call(), asm.JNE.Imm(asm.R0, 0, "told"))
	w.count(p.counters, countFlows, offset)
	w.lookup(p.flows, atTuple)
	w.add(asm.JEq.Imm(asm.R0, 0, "told"))
	w.label("seen")
	w.add(asm.JEq.Imm(flags, 0, "told"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.Word), asm.JNE.Imm(asm.R1, 0, "told"),
		asm.StoreImm(asm.R0, 0, 1, asm.Word))
	w.count(p.counters, countEnded, offset)
	w.label("told")
}
