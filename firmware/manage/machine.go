// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"

	"evener/firmware/api"
)

// A Machine is the API of the supervisor, which has the devices of the box: panel,
// lamps, watchdog, power. An error of a method is an *api.Error, one of the kind
// "unreachable" where the supervisor does not answer.
type Machine interface {
	Call(ctx context.Context, method string, params, result any) error
}

// askMachine calls a method of the supervisor.
func (b *Box) askMachine(ctx context.Context, method string, params, result any) error {
	if b.cfg.Machine == nil {
		return api.Errorf(api.CodeFailed, "unreachable", "the engine does not know its supervisor")
	}
	return b.cfg.Machine.Call(ctx, method, params, result)
}
