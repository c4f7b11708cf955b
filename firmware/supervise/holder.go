// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A busyError says that somebody else has an address. Its cause would say so once
// more, and is not printed.
type busyError struct {
	spec  ListenSpec
	by    string
	cause error
}

func (e *busyError) Error() string {
	return fmt.Sprintf("listen on %s: address already in use by %s; stop it or change listen", e.spec, e.by)
}

func (e *busyError) Unwrap() error { return e.cause }

// holder names the program that keeps others from listening on s, as far as this
// process may see it.
func holder(s ListenSpec) string {
	for _, table := range []string{s.Network, s.Network + "6"} {
		text, err := os.ReadFile("/proc/thread-self/net/" + table)
		if err != nil {
			continue
		}
		for line := range bytes.Lines(text) {
			other, inode, ok := parseSocket(line, s.Network)
			if !ok || !s.overlaps(other) {
				continue
			}
			if name := owner(inode); name != "" {
				return name
			}
		}
	}
	return "another program"
}

// The states of sockets that take clients, in the kernel's tables.
const (
	stateListening = "0A" // tcp
	stateUnbound   = "07" // udp, not connected
)

// parseSocket reads a line of /proc/net/tcp, tcp6, udp or udp6; ok is false if it
// is no socket that takes clients.
//
//	sl  local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...
//	 0: 0100007F:1F90 00000000:0000 0A ...
func parseSocket(line []byte, network string) (s ListenSpec, inode string, ok bool) {
	f := strings.Fields(string(line))
	want := stateListening
	if network == "udp" {
		want = stateUnbound
	}
	if len(f) < 10 || f[3] != want {
		return s, "", false
	}
	host, port, _ := strings.Cut(f[1], ":")
	addr, err := parseHex(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil {
		return s, "", false
	}
	return ListenSpec{Network: network, Addr: netip.AddrPortFrom(addr.Unmap(), uint16(n))}, f[9], true
}

// parseHex reads an address as the kernel prints it: words of 32 bits in the
// byte order of the machine, which is little on all that this runs on.
func parseHex(s string) (netip.Addr, error) {
	var out []byte
	for ; len(s) >= 8; s = s[8:] {
		word, err := strconv.ParseUint(s[:8], 16, 32)
		if err != nil {
			return netip.Addr{}, err
		}
		out = append(out, byte(word), byte(word>>8), byte(word>>16), byte(word>>24))
	}
	addr, ok := netip.AddrFromSlice(out)
	if !ok || s != "" {
		return netip.Addr{}, fmt.Errorf("%d bytes are no address", len(out))
	}
	return addr, nil
}

// owner names the process that has the socket open, "" if it cannot be seen.
func owner(inode string) string {
	want := "socket:[" + inode + "]"
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != want {
			continue
		}
		pid := strings.Split(link, "/")[2]
		if name, err := os.ReadFile("/proc/" + pid + "/comm"); err == nil {
			return fmt.Sprintf("%s (process %s)", bytes.TrimSpace(name), pid)
		}
		return "process " + pid
	}
	return ""
}
