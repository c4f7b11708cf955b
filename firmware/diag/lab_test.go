// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"os"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

func writeFile(name, text string) error { return os.WriteFile(name, []byte(text), 0o644) }

// openEchoFor is an echo without a socket, with the number 7.
func openEchoFor(six bool) (*echo, error) {
	if six {
		return &echo{raw: true, id: 7, proto: 58, reply: ipv6.ICMPTypeEchoReply}, nil
	}
	return &echo{raw: true, id: 7, proto: 1, reply: ipv4.ICMPTypeEchoReply}, nil
}
