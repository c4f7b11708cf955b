// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// The blocks of a pcapng file (draft-ietf-opsawg-pcapng) that we write, in little
// endian. gopacket 1.1.19 writes them too, but no comment of a packet
// (pcapgo.NgWriter, looked at on 2026-11-21), for which all of this is made.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockStats     = 5
	blockPacket    = 6

	linkEthernet = 1

	optEnd     = 0
	optComment = 1

	sectionHardware = 2
	sectionOS       = 3
	sectionProgram  = 4

	interfaceName       = 2
	interfaceNote       = 3
	interfaceResolution = 9
	interfaceFilter     = 11

	statsStart  = 2
	statsEnd    = 3
	statsPassed = 6
	statsLost   = 7
)

// maxOption is what of a text goes into an option, so that no length overflows.
const maxOption = 4096

// A block grows in memory and is written whole: a file that a crash ends has whole
// blocks and a torn one at the end, which trim takes off.
type block struct{ b []byte }

func (k *block) begin(kind uint32) {
	k.b = binary.LittleEndian.AppendUint32(k.b[:0], kind)
	k.b = append(k.b, 0, 0, 0, 0)
}

func (k *block) u16(v uint16) { k.b = binary.LittleEndian.AppendUint16(k.b, v) }
func (k *block) u32(v uint32) { k.b = binary.LittleEndian.AppendUint32(k.b, v) }
func (k *block) u64(v uint64) { k.b = binary.LittleEndian.AppendUint64(k.b, v) }

// time appends nanoseconds since 1970 as the format has them: the high half first.
func (k *block) time(t time.Time) {
	ns := uint64(t.UnixNano())
	k.u32(uint32(ns >> 32))
	k.u32(uint32(ns))
}

func (k *block) pad() {
	for len(k.b)%4 != 0 {
		k.b = append(k.b, 0)
	}
}

func (k *block) option(code uint16, value string) {
	if value == "" {
		return
	}
	value = value[:min(len(value), maxOption)]
	k.u16(code)
	k.u16(uint16(len(value)))
	k.b = append(k.b, value...)
	k.pad()
}

func (k *block) end() []byte {
	n := uint32(len(k.b) + 4)
	binary.LittleEndian.PutUint32(k.b[4:], n)
	k.u32(n)
	return k.b
}

// section begins a file.
func (k *block) section(program, comment string) []byte {
	k.begin(blockSection)
	k.u32(0x1a2b3c4d)
	k.u16(1)
	k.u16(0)
	k.u64(1<<64 - 1) // length not known
	k.option(optComment, comment)
	k.option(sectionOS, "Linux")
	k.option(sectionProgram, program)
	k.u32(optEnd)
	return k.end()
}

// face describes an interface; they are numbered in the order of their blocks.
func (k *block) face(i Interface, snaplen int, filter string) []byte {
	k.begin(blockInterface)
	k.u16(linkEthernet)
	k.u16(0)
	k.u32(uint32(snaplen))
	k.option(interfaceName, i.Name)
	k.option(interfaceNote, i.Note)
	k.option(interfaceResolution, "\x09") // nanoseconds
	if filter != "" {
		k.option(interfaceFilter, "\x00"+filter) // 0: a text of libpcap's language
	}
	k.u32(optEnd)
	return k.end()
}

// packet is one packet; an empty comment is none.
func (k *block) packet(face int, p packet, comment string) []byte {
	k.begin(blockPacket)
	k.u32(uint32(face))
	k.time(p.at)
	k.u32(uint32(len(p.data)))
	k.u32(uint32(p.length))
	k.b = append(k.b, p.data...)
	k.pad()
	if comment != "" {
		k.option(optComment, comment)
		k.u32(optEnd)
	}
	return k.end()
}

// stats ends what is known of an interface.
func (k *block) stats(face int, from, to time.Time, passed, lost uint64) []byte {
	k.begin(blockStats)
	k.u32(uint32(face))
	k.time(to)
	for _, o := range []struct {
		code uint16
		t    time.Time
	}{{statsStart, from}, {statsEnd, to}} {
		k.u16(o.code)
		k.u16(8)
		k.time(o.t)
	}
	for _, o := range []struct {
		code uint16
		n    uint64
	}{{statsPassed, passed}, {statsLost, lost}} {
		k.u16(o.code)
		k.u16(8)
		k.u64(o.n)
	}
	k.u32(optEnd)
	return k.end()
}

// maxBlock is the longest block that we write: a packet with its options.
const maxBlock = maxSnaplen + 2*maxOption + 64

// whole returns how many bytes of a file, which has size, are whole blocks of ours.
func whole(r io.ReaderAt, size int64) (int64, error) {
	var at int64
	var head [8]byte
	for {
		if _, err := r.ReadAt(head[:], at); errors.Is(err, io.EOF) {
			return at, nil
		} else if err != nil {
			return at, err
		}
		kind, n := binary.LittleEndian.Uint32(head[:]), int64(binary.LittleEndian.Uint32(head[4:]))
		if at == 0 && kind != blockSection || n < 12 || n%4 != 0 || n > maxBlock || at+n > size {
			return at, nil
		}
		if _, err := r.ReadAt(head[:4], at+n-4); err != nil || int64(binary.LittleEndian.Uint32(head[:])) != n {
			return at, nil
		}
		at += n
	}
}
