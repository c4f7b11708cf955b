// SPDX-License-Identifier: Apache-2.0

package manage

// passive reports whether the box has failover groups, and is on standby for all.
func (h *HAShow) passive() bool {
	homes := 0
	for _, g := range h.Groups {
		switch {
		case g.Base == 0: // other boxes have it
		case g.State != HABackup:
			return false
		default:
			homes++
		}
	}
	return homes > 0
}
