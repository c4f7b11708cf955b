// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"context"
	"fmt"
	"log/slog"

	"evener/firmware/auth"
	"evener/firmware/store"
)

// Login checks the name, the password and, where the second factor is on, the code
// of an administrator against what is on the disk. It returns the name as it is
// kept, or an *auth.Error: auth.CodeNeeded if the code is missing.
//
// Nothing is written: a recovery code that was given is still good, and whoever
// calls must delay the next attempt after one that failed.
func Login(ctx context.Context, state, user, password, code string, log *slog.Logger) (string, error) {
	v, err := store.Look(storeDir(state))
	if err != nil {
		return "", err
	}
	a, err := auth.Open(glass{v}, auth.Config{}, log)
	if err != nil {
		return "", fmt.Errorf("the users cannot be read: %w", err)
	}
	g, err := a.Login(ctx, auth.Attempt{User: user, Password: password, Code: code, Agent: "recovery"})
	if err != nil {
		return "", err
	}
	if g.User.Role != auth.Admin {
		return "", &auth.Error{Kind: auth.Denied, Msg: fmt.Sprintf("%s is no administrator", g.User.Name)}
	}
	return g.User.Name, nil
}
