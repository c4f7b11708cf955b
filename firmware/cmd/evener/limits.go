// SPDX-License-Identifier: Apache-2.0

package main

import "golang.org/x/sys/unix"

// descriptorLimit raises the limit of open descriptors as far as it goes and
// returns how many client connections fit: each may need a second descriptor
// towards a member, and some are kept for everything else.
func descriptorLimit() int {
	const reserve = 512
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 64
	}
	if l.Cur < l.Max {
		l.Cur = l.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &l)
	}
	return max((int(min(l.Cur, 1<<24))-reserve)/2, 64)
}
