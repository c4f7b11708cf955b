// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"encoding/binary"
	"net"

	"github.com/cilium/ebpf/asm"
)

// Fields of the kernel's struct __sk_buff and struct bpf_sock (linux/bpf.h).
const (
	skbVLANPresent = 20
	skbGSOSegs     = 164
	sockState      = 72
)

// What the kernel's headers call TC_ACT_SHOT, TCX_NEXT, TCP_TIME_WAIT and TCP_LISTEN.
const (
	actDrop     = 2
	actNext     = -1
	tcpTimeWait = 6
	tcpListen   = 10
)

// Where the program keeps what it reads, as offsets from the frame pointer.
//
// A kernel from before Linux 6.8 lets a loader without CAP_PERFMON write 8 bytes alone
// where 8 aligned bytes begin with what came out of a register: it takes all else for the
// forging of a pointer. So the aligned part of 8 bytes is written last, and once.
const (
	atEther  = -16  // Ethernet header, 14 bytes
	atIP     = -56  // IP header: 20 or 40 bytes
	atL4     = -80  // first 20 bytes of the TCP header, or 8 of the ICMP one
	atTuple  = -120 // struct bpf_sock_tuple: 12 or 36 bytes; the key of a flow
	atAddr   = -136 // address in 16 bytes, IPv4 mapped: the key of an address
	atNumber = -140 // key of the counters
	atValue  = -152 // value of a new flow
	atNew    = -168 // the new MAC addresses, 12 bytes: where to, where from
)

// Sizes of the keys above.
const (
	sizeAddr  = 16
	sizeTuple = 36
)

// What registers hold throughout. R1 to R5 are lost with every call.
const (
	skb    = asm.R6 // the packet
	offset = asm.R7 // where the header after the IP header begins
	flags  = asm.R8 // TCP's flags, or isError
)

// isError in flags says that the packet is an ICMP error about a connection.
const isError = 0x100

// TCP's flags.
const (
	flagFIN = 0x01
	flagSYN = 0x02
	flagRST = 0x04
	flagACK = 0x10
)

// A writer gathers instructions. The next one added after label carries its
// name.
type writer struct {
	list asm.Instructions
	next string
}

func (w *writer) add(list ...asm.Instruction) {
	for _, ins := range list {
		if w.next != "" {
			ins = ins.WithSymbol(w.next)
			w.next = ""
		}
		w.list = append(w.list, ins)
	}
}

// label names the next instruction.
func (w *writer) label(name string) {
	if w.next != "" { // two names for one place
		w.add(asm.Mov.Reg(asm.R0, asm.R0))
	}
	w.next = name
}

// load reads the byte, half word, ... at off of the stack into dst.
func (w *writer) load(dst asm.Register, off int16, size asm.Size) {
	w.add(asm.LoadMem(dst, asm.RFP, off, size))
}

// store writes src to off of the stack.
func (w *writer) store(off int16, src asm.Register, size asm.Size) {
	w.add(asm.StoreMem(asm.RFP, off, src, size))
}

// place makes dst point to off of the stack.
func (w *writer) place(dst asm.Register, off int32) {
	w.add(asm.Mov.Reg(dst, asm.RFP), asm.Add.Imm(dst, off))
}

// fetch copies n bytes of the packet, from offset in at, to off of the stack;
// a packet that is shorter is not for us.
func (w *writer) fetch(at asm.Register, off, n int32) {
	w.add(asm.Mov.Reg(asm.R1, skb), asm.Mov.Reg(asm.R2, at))
	w.place(asm.R3, off)
	w.add(asm.Mov.Imm(asm.R4, n), asm.FnSkbLoadBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "pass"))
}

// lookup finds the value of the key at off; R0 is nil without one.
func (w *writer) lookup(fd int, off int32) {
	w.add(asm.LoadMapPtr(asm.R1, fd))
	w.place(asm.R2, off)
	w.add(asm.FnMapLookupElem.Call())
}

// count adds the number in src, which is neither R0 nor R1 to R5, to a counter.
func (w *writer) count(fd int, counter int32, src asm.Register) {
	done := "counted " + string(rune('0'+counter))
	w.add(asm.StoreImm(asm.RFP, atNumber, int64(counter), asm.Word))
	w.lookup(fd, atNumber)
	w.add(asm.JEq.Imm(asm.R0, 0, done), asm.StoreXAdd(asm.R0, src, asm.DWord))
	w.label(done)
}

// mac reads the MAC at off of the stack into R1, as macNumber has it.
func (w *writer) mac(off int16) {
	w.load(asm.R1, off, asm.Half)
	for i := int16(1); i < 3; i++ {
		w.load(asm.R2, off+2*i, asm.Half)
		w.add(asm.LSh.Imm(asm.R2, int32(16*i)), asm.Or.Reg(asm.R1, asm.R2))
	}
}

// match jumps to target where R1 is one of the MACs.
func (w *writer) match(list []net.HardwareAddr, target string) {
	for _, m := range list {
		w.add(asm.LoadImm(asm.R2, macNumber(m), asm.DWord), asm.JEq.Reg(asm.R1, asm.R2, target))
	}
}

// macNumber is a MAC as one number.
func macNumber(m net.HardwareAddr) int64 {
	var n int64
	for i := range 3 {
		n |= int64(binary.NativeEndian.Uint16(m[2*i:])) << (16 * i)
	}
	return n
}

// zero clears n bytes of the stack.
func (w *writer) zero(off, n int16) {
	for i := int16(0); i < n; i += 4 {
		w.add(asm.StoreImm(asm.RFP, off+i, 0, asm.Word))
	}
}

// copy copies n bytes of the stack: 16 at aligned offsets, or 4.
func (w *writer) copy(from, to, n int16) {
	size := asm.DWord
	if n < 8 {
		size = asm.Word
	}
	for i := int16(0); i < n; i += int16(size.Sizeof()) {
		w.load(asm.R1, from+i, size)
		w.store(to+i, asm.R1, size)
	}
}

// net16 is v as a half word of a packet is read by this CPU.
func net16(v uint16) int32 {
	return int32(binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v)))
}
