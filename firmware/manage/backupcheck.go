// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/backup"
)

type checkBackupParams struct {
	Passphrase string `json:"passphrase" secret:"true" doc:"that the backup was made with"`
	Data       string `json:"data" secret:"true" doc:"base64"`
	Users      bool   `json:"users,omitempty" doc:"as if its users should be restored too"`
}

// A CheckedBackup tells what restoring a backup would do.
type CheckedBackup struct {
	Hostname string        `json:"hostname" doc:"of the box that it was made on"`
	Version  string        `json:"version" doc:"of the program that made it"`
	Made     time.Time     `json:"made"`
	Revision uint64        `json:"revision" doc:"whose text it has"`
	Text     string        `json:"text" doc:"of the configuration"`
	Added    []string      `json:"added" doc:"items that the vault does not have"`
	Replaced []string      `json:"replaced" doc:"items that the vault has already"`
	Users    bool          `json:"users" doc:"it has users"`
	Problems []api.Problem `json:"problems" doc:"warnings about the configuration"`
}

func (b *Box) addBackupCheck(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "backup.check", Purpose: "Opens a backup and tells what restoring it would do; nothing changes.",
		Role: api.Admin, Sudo: true, Timeout: time.Minute}, b.checkBackup)
}

func (b *Box) checkBackup(_ context.Context, c api.Call, p checkBackupParams) (CheckedBackup, error) {
	if err := unscoped(c, "backup"); err != nil {
		return CheckedBackup{}, err
	}
	in, err := openBackup(p.Data, p.Passphrase)
	if err != nil {
		return CheckedBackup{}, err
	}
	return b.compareBackup(in, p.Users)
}

// compareBackup tells what restoring in would do.
func (b *Box) compareBackup(in backup.Contents, users bool) (CheckedBackup, error) {
	cfg, found := Check("backup", in.Text)
	if cfg == nil {
		return CheckedBackup{}, validation(found)
	}
	items, err := usableItems(in.Items, users)
	if err != nil {
		return CheckedBackup{}, err
	}
	out := CheckedBackup{Hostname: in.Hostname, Version: in.Version, Made: in.Made, Revision: in.Revision, Text: string(in.Text),
		Added: []string{}, Replaced: []string{}, Problems: problemsOf(found),
		Users: slices.ContainsFunc(in.Items, func(i backup.Item) bool { return i.Name == "auth/users" })}
	have := b.cfg.Store.Vault().Items("")
	for _, name := range slices.Sorted(maps.Keys(items)) {
		if _, ok := have[name]; ok {
			out.Replaced = append(out.Replaced, name)
		} else {
			out.Added = append(out.Added, name)
		}
	}
	return out, nil
}

// openBackup opens what a caller sent.
func openBackup(text, passphrase string) (backup.Contents, error) {
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return backup.Contents{}, api.Errorf(api.CodeParams, "params.data", "data must be a backup in base64: %v", err)
	}
	in, err := backup.Open(data, passphrase)
	return in, openError(err)
}

// openError is what was wrong with opening a backup.
func openError(err error) error {
	switch {
	case errors.Is(err, backup.ErrPassphrase):
		return api.Errorf(api.CodeForbidden, "backup.passphrase", "%v", err)
	case err != nil:
		return api.Errorf(api.CodeParams, "backup.damaged", "%v", err)
	}
	return nil
}
