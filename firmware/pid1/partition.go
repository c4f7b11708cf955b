// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// struct blkpg_ioctl_arg and struct blkpg_partition of linux/blkpg.h.
type (
	blkpgArg struct {
		op, flags, length int32
		_                 int32
		data              unsafe.Pointer
	}
	blkpgPartition struct {
		start, length int64 // bytes
		number        int32
		names         [128]byte // not used
	}
)

const (
	blkpg       = 0x1269 // BLKPG, _IO(0x12, 105)
	blkpgResize = 3      // BLKPG_RESIZE_PARTITION
)

// ResizePartition tells the kernel that a partition of the disk f has another length,
// while others of that disk are in use. start must be what it is.
func ResizePartition(f *os.File, number int, start, length int64) error {
	p := blkpgPartition{start: start, length: length, number: int32(number)}
	arg := blkpgArg{op: blkpgResize, length: int32(unsafe.Sizeof(p)), data: unsafe.Pointer(&p)}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var no unix.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, no = unix.Syscall(unix.SYS_IOCTL, fd, blkpg, uintptr(unsafe.Pointer(&arg)))
	})
	runtime.KeepAlive(&p)
	if err == nil && no != 0 {
		err = no
	}
	if err != nil {
		return fmt.Errorf("resize partition %d: %w", number, err)
	}
	return nil
}
