// SPDX-License-Identifier: Apache-2.0

package http1

import "evener/firmware/message"

// checkHost is [message.CheckHost] with our reasons.
func checkHost(b []byte) (portDigits int, r Reason) {
	portDigits, fault := message.CheckHost(b)
	switch fault {
	case message.HostSound:
		return portDigits, ok
	case message.HostUserinfo:
		return 0, Userinfo
	}
	return 0, BadHost
}
