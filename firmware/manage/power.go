// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"

	"evener/firmware/api"
)

// addPower registers what ends the machine. The supervisor does it, once the answer has left:
// as after a power cut, a commit that waits for its confirm is taken back at the next start.
func (b *Box) addPower(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "sys.reboot", Purpose: "Drains the roles and reboots the machine; a simulated box starts anew.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "reboot"},
		endsMachine(func(ctx context.Context) error { return b.askMachine(ctx, "power.reboot", struct{}{}, nil) }))
	api.Add(reg, api.Method{Name: "sys.halt", Purpose: "Drains the roles and switches the machine off, which somebody at the box has to switch on again; a simulated box ends.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "power off"},
		endsMachine(func(ctx context.Context) error { return b.askMachine(ctx, "power.halt", struct{}{}, nil) }))
}

// endsMachine is a method for who has the rights to all of the box.
func endsMachine(order func(context.Context) error) func(context.Context, api.Call, struct{}) (struct{}, error) {
	return func(ctx context.Context, c api.Call, _ struct{}) (struct{}, error) {
		if err := unscoped(c, "the machine"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, order(ctx)
	}
}
