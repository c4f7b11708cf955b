// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/backup"
	"evener/firmware/certs"
	"evener/firmware/lb"
	"evener/firmware/store"
)

type backupParams struct {
	Passphrase string `json:"passphrase" secret:"true" doc:"at least 12 characters; without it nobody can read the backup"`
}

// A Backup is a box's configuration with its secrets.
type Backup struct {
	Data     string `json:"data" secret:"true" doc:"base64; a file of age, encrypted with the passphrase"`
	Revision uint64 `json:"revision" doc:"whose text it has"`
	Items    int    `json:"items" doc:"keys, certificates, authorities, users and other secrets"`
}

type restoreParams struct {
	Passphrase string `json:"passphrase" secret:"true" doc:"that the backup was made with"`
	Data       string `json:"data" secret:"true" doc:"base64"`
	Users      bool   `json:"users,omitempty" doc:"put the backup's users in place of the box's; all sessions of others end, and the engine is replaced"`
}

// Restored tells what a backup had.
type Restored struct {
	Hostname string        `json:"hostname" doc:"of the box that it was made on"`
	Version  string        `json:"version" doc:"of the program that made it"`
	Made     time.Time     `json:"made"`
	Revision uint64        `json:"revision" doc:"whose text is a candidate now"`
	Author   string        `json:"author" doc:"whose candidate it is: yours, or, where you are none of the restored users, that of their first admin"`
	Items    []string      `json:"items" doc:"what was put into the vault"`
	Problems []api.Problem `json:"problems" doc:"warnings about the candidate"`
}

func (b *Box) addBackup(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "backup.export", Purpose: "Gives out the running configuration with all keys, certificates and users, encrypted with a passphrase.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "make a backup", Timeout: time.Minute}, b.exportBackup)
	api.Add(reg, api.Method{Name: "backup.import", Purpose: "Puts a backup's text into your candidate and its keys and certificates into use, all or nothing.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "restore a backup, with users: {users}", Timeout: time.Minute}, b.importBackup)
}

// users are the items by which package auth knows who may come in. Sessions and
// throttles are not kept in backups.
var userItems = []string{usersItem, "auth/settings"}

func inBackup(name string) bool {
	return !strings.HasPrefix(name, PairItems) && (!strings.HasPrefix(name, "auth/") || slices.Contains(userItems, name))
}

func (b *Box) exportBackup(ctx context.Context, c api.Call, p backupParams) (Backup, error) {
	if err := unscoped(c, "backup"); err != nil {
		return Backup{}, err
	}
	out, err := b.backupHead()
	if err != nil {
		return Backup{}, err
	}
	for i, err := range b.backupItems(ctx, func(int, int) {}) {
		if err != nil {
			return Backup{}, apiError(err)
		}
		out.Items = append(out.Items, i)
	}
	sealed, err := backup.Seal(out, p.Passphrase)
	if err != nil {
		return Backup{}, sealError(err)
	}
	return Backup{base64.StdEncoding.EncodeToString(sealed), out.Revision, len(out.Items)}, nil
}

// sealError is what was wrong with making a backup.
func sealError(err error) error {
	switch {
	case errors.Is(err, backup.ErrShort):
		return api.Errorf(api.CodeParams, "backup.refused", "%v", err)
	case errors.Is(err, backup.ErrTooLarge), errors.Is(err, backup.ErrOneAnswer):
		return api.Errorf(api.CodeTooLarge, "backup.size", "%v", err)
	}
	if known := (*api.Error)(nil); errors.As(err, &known) {
		return known
	}
	return apiError(err)
}

func (b *Box) importBackup(ctx context.Context, c api.Call, p restoreParams) (Restored, error) {
	if err := unscoped(c, "backup"); err != nil {
		return Restored{}, err
	}
	in, err := openBackup(p.Data, p.Passphrase)
	if err != nil {
		return Restored{}, err
	}
	out, err := b.restoreBackup(c, in, p.Users)
	if err == nil {
		api.ChangeOf(ctx).After = "candidate of " + out.Author
	}
	return out, err
}

// restoreBackup puts what in has into use, or nothing of it.
func (b *Box) restoreBackup(c api.Call, in backup.Contents, users bool) (Restored, error) {
	cfg, found := Check("backup", in.Text)
	if cfg == nil {
		return Restored{}, validation(found)
	}
	items, err := usableItems(in.Items, users)
	if err == nil {
		err = b.upgradeLock()
	}
	if err != nil {
		return Restored{}, err
	}
	author, err := b.takeBackup(c, in.Text, items)
	if err != nil {
		return Restored{}, err
	}
	if users {
		b.beginRestart("engine") // it is the next engine that reads who may come in
	}
	return Restored{Hostname: in.Hostname, Version: in.Version, Made: in.Made, Revision: in.Revision, Author: author,
		Items: append([]string{}, slices.Sorted(maps.Keys(items))...), Problems: problemsOf(found)}, nil
}

// usableItems checks what a backup has for the vault.
func usableItems(list []backup.Item, users bool) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, i := range list {
		if !users && strings.HasPrefix(i.Name, "auth/") {
			continue
		}
		if err := checkBackupItem(i); err != nil {
			return nil, api.Errorf(api.CodeFailed, "backup.item", "the backup's %s cannot be used: %v; nothing was restored", i.Name, err)
		}
		out[i.Name] = i.Data
	}
	if users && out["auth/users"] == nil {
		return nil, api.Errorf(api.CodeFailed, "backup.no_users", "the backup has no users; nothing was restored")
	}
	return out, nil
}

// checkBackupItem reports an item that the box could not work with.
func checkBackupItem(i backup.Item) error {
	kind, name, _ := strings.Cut(i.Name, "/")
	var err error
	switch kind + "/" {
	case lb.ImportedItems, lb.SelfSignedItems:
		if err = checkItem(name); err == nil {
			_, err = certs.ParsePEM(i.Data, time.Now())
		}
	case lb.TrustItems:
		if err = checkItem(name); err == nil {
			_, err = trustText(i.Data)
		}
	case lb.EABItems:
		_, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(string(i.Data), "="))
	case lb.ACMEItems, alertItems: // as the packages keep them, which make up for what they cannot read
	case requestItems:
		if err = checkItem(name); err == nil {
			_, err = certs.ParseRequest(i.Data)
		}
	case "auth/":
		err = checkUserItem(i)
	default:
		if i.Name != consoleItem {
			return fmt.Errorf("this program (it may be older than the backup) knows nothing of that kind")
		}
		_, err = certs.ParsePEM(i.Data, time.Now())
	}
	return err
}

// checkUserItem asks package auth whether it could begin with an item.
func checkUserItem(i backup.Item) error {
	if !slices.Contains(userItems, i.Name) {
		return fmt.Errorf("it is no part of backups")
	}
	if !json.Valid(i.Data) {
		return fmt.Errorf("it is no JSON")
	}
	if i.Name != usersItem {
		return nil
	}
	_, _, err := usersIn(i.Data)
	return err
}

// A memory keeps documents for nobody.
type memory map[string][]byte

// Load returns a document.
func (m memory) Load(name string) ([]byte, error) { return m[name], nil }

// Save keeps one.
func (m memory) Save(name string, data []byte) error { m[name] = data; return nil }

// takeBackup makes text a candidate and puts items into use. What fails leaves the
// candidate and the vault as they were. It returns whose candidate the text is.
func (b *Box) takeBackup(c api.Call, text []byte, items map[string][]byte) (string, error) {
	b.drafts.Lock()
	defer b.drafts.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	author, err := b.restoreAuthor(c, items[usersItem])
	if err != nil {
		return "", err
	}
	had, draft, err := b.cfg.Store.Candidate(author)
	if err != nil && !errors.Is(err, store.ErrNoCandidate) {
		return "", apiError(err)
	}
	none := err != nil
	if _, err := b.cfg.Store.SetCandidate(author, text, b.cfg.Store.Running().Number); err != nil {
		return "", apiError(err)
	}
	b.draftChanged()
	if err = b.useItems(items); err == nil {
		return author, nil
	}
	var undo error
	if none {
		undo = b.cfg.Store.Discard(author)
	} else {
		_, undo = b.cfg.Store.SetCandidate(author, draft, had.Base)
	}
	if undo != nil {
		b.log.Error("candidate not put back", "err", undo)
	}
	return "", err
}

// useItems puts items into the vault and serves what the running configuration uses
// of them. What cannot be served is not kept. b.mu is held.
func (b *Box) useItems(items map[string][]byte) error {
	vault := b.cfg.Store.Vault()
	before, fresh := map[string][]byte{}, []string{}
	for name := range items {
		data, err := vault.Load(name)
		if err == nil && data != nil {
			before[name] = data
		} else if err == nil {
			fresh = append(fresh, name)
		}
	}
	if err := vault.SaveAll(items); err != nil {
		return apiError(err)
	}
	defer b.certificatesChanged()
	err := b.cfg.Balancer.Reload()
	if err == nil {
		return nil
	}
	undo := vault.SaveAll(before)
	for _, name := range fresh {
		undo = errors.Join(undo, vault.Delete(name))
	}
	if undo != nil {
		b.log.Error("restore not taken back", "err", undo)
	}
	return api.Errorf(api.CodeFailed, "backup.refused", "the keys do not fit the running configuration, and nothing was restored: %v", err)
}
