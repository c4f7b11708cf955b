// SPDX-License-Identifier: Apache-2.0

package image

import "encoding/binary"

// tinyKernel is what Linux's boot protocol for x86 calls a kernel: it writes "<" and
// its command line to the first serial port, and resets the machine. It starts where
// a BIOS boot loader calls a kernel, and at its EFI handover entry.
func tinyKernel() []byte {
	const setup = 2 * 512 // real-mode part: the first sector and one more
	b := make([]byte, setup+4096)
	le := binary.LittleEndian
	b[0x1f1] = setup/512 - 1
	le.PutUint32(b[0x1f4:], 4096/16) // size of the rest in paragraphs
	le.PutUint16(b[0x1fe:], 0xaa55)
	copy(b[0x200:], []byte{0xeb, 0x66}) // a jump: the header ends at 0x268
	copy(b[0x202:], "HdrS")
	le.PutUint16(b[0x206:], 0x020c) // version of the protocol
	b[0x211] = 1                    // loaded at 1 MiB
	le.PutUint32(b[0x214:], 0x100000)
	le.PutUint32(b[0x22c:], 0x7fffffff)                   // highest address of an initrd
	le.PutUint32(b[0x230:], 0x200000)                     // alignment
	b[0x234] = 1                                          // can be moved
	b[0x235] = 21                                         // least alignment, as a power of two
	le.PutUint16(b[0x236:], 1|8)                          // a 64-bit kernel with a 64-bit EFI handover
	le.PutUint32(b[0x238:], 2047)                         // longest command line
	le.PutUint64(b[0x258:], 0x1000000)                    // where it likes to be
	le.PutUint32(b[0x260:], 0x100000)                     // memory it needs
	le.PutUint32(b[0x264:], 0x10)                         // handover entry; the 64-bit one is 0x200 behind
	copy(b[setup:], []byte{0xe9, 0x0d, 0x02, 0x00, 0x00}) // jmp 0x212
	copy(b[setup+0x210:], tinyCode)
	return b
}

// tinyCode means the same in 32 and 64 bits.
var tinyCode = []byte{
	0x89, 0xd6, // mov esi, edx: EFI passes the parameters there
	0x8b, 0x9e, 0x28, 0x02, 0x00, 0x00, // 212: mov ebx, [esi+0x228], the command line
	0xb1, '<', // mov cl, '<'
	0x66, 0xba, 0xfd, 0x03, // 21a: mov dx, 0x3fd
	0xec, 0xa8, 0x20, 0x74, 0xfb, // wait until the port takes a byte
	0x66, 0xba, 0xf8, 0x03, 0x88, 0xc8, 0xee, // out 0x3f8, cl
	0x8a, 0x0b, 0x83, 0xc3, 0x01, // mov cl, [ebx]; add ebx, 1
	0x84, 0xc9, 0x75, 0xe7, // until it is zero: jnz 21a
	0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, 0xfb,
	0x66, 0xba, 0xf8, 0x03, 0xb0, '\n', 0xee,
	0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x40, 0x74, 0xfb, // wait until all is sent
	0x66, 0xba, 0xf9, 0x0c, // mov dx, 0xcf9, the chipset's reset
	0xb0, 0x02, 0xee, 0xb0, 0x06, 0xee,
	0xf4, 0xeb, 0xfd, // hlt, for ever
}
