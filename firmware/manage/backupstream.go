// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"time"

	"evener/firmware/api"
	"evener/firmware/backup"
)

// A BackupDownload is a backup whose bytes follow.
type BackupDownload struct {
	Stream   int    `json:"stream" doc:"its bytes: a file of age, encrypted with the passphrase"`
	Name     string `json:"name" doc:"for the file"`
	Bytes    int64  `json:"bytes"`
	Revision uint64 `json:"revision" doc:"whose text it has"`
	Items    int    `json:"items" doc:"keys, certificates, authorities, users and other secrets"`
}

type backupUploadParams struct {
	Passphrase string `json:"passphrase" secret:"true" doc:"that the backup was made with"`
	Users      bool   `json:"users,omitempty" doc:"put the backup's users in place of the box's, as backup.import does"`
	Check      bool   `json:"check,omitempty" doc:"tell what it would do, and change nothing"`
}

// A BackupUpload is where the bytes of a backup go.
type BackupUpload struct {
	Stream int `json:"stream" doc:"for the file's bytes; its end has a CheckedBackup with check, else a Restored"`
}

func (b *Box) addBackupStreams(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "backup.download", Purpose: "Sends the running configuration with all keys, certificates and users, encrypted with a passphrase.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "make a backup", Timeout: 5 * time.Minute}, b.downloadBackup)
	api.Add(reg, api.Method{Name: "backup.upload", Purpose: "Takes a backup, and restores it all or nothing, or only checks it.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "open an upload of a backup, with users: {users}, check only: {check}"}, b.uploadBackup)
}

// backupHead is a backup of the running revision without its items.
func (b *Box) backupHead() (backup.Contents, error) {
	running := b.cfg.Store.Running()
	text, err := b.cfg.Store.Text(running.Number)
	if err != nil {
		return backup.Contents{}, apiError(err)
	}
	out := backup.Contents{Version: b.cfg.Version, Made: time.Now().UTC().Truncate(time.Second), Revision: running.Number, Text: text}
	if out.Hostname, err = os.Hostname(); err != nil {
		b.log.Warn("box has no name", "err", err)
	}
	return out, nil
}

// backupItems gives what a backup has of the vault, one at a time. told is called
// after each with how many of how many that were.
func (b *Box) backupItems(ctx context.Context, told func(done, total int)) iter.Seq2[backup.Item, error] {
	vault := b.cfg.Store.Vault()
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(vault.Items(""))), func(name string) bool { return !inBackup(name) })
	return func(yield func(backup.Item, error) bool) {
		for i, name := range names {
			data, err := vault.Load(name)
			if err == nil {
				err = ctx.Err()
			}
			if data == nil && err == nil {
				continue // it was removed meanwhile
			}
			if !yield(backup.Item{Name: name, Data: data}, err) || err != nil {
				return
			}
			told(i+1, len(names))
		}
	}
}

func (b *Box) downloadBackup(ctx context.Context, c api.Call, p backupParams) (BackupDownload, error) {
	if err := unscoped(c, "backup"); err != nil {
		return BackupDownload{}, err
	}
	head, err := b.backupHead()
	if err != nil {
		return BackupDownload{}, err
	}
	file, err := b.spool.file()
	if err != nil {
		return BackupDownload{}, err
	}
	items := 0
	err = backup.Write(file, head, b.backupItems(ctx, func(done, total int) {
		items++
		api.Progress(ctx, int64(done), int64(total), "backup.pack")
	}), p.Passphrase)
	if err == nil {
		err = file.rewind()
	}
	if err != nil {
		file.Close()
		return BackupDownload{}, sealError(err)
	}
	out := BackupDownload{Name: fmt.Sprintf("%s-%s-r%d.age", fileWord(head.Hostname), head.Made.Format(time.DateOnly), head.Revision),
		Bytes: file.size, Revision: head.Revision, Items: items}
	out.Stream, err = api.OpenDownload(ctx, file)
	return out, err
}

// fileWord is a host's name as the beginning of a file's.
func fileWord(host string) string {
	word := []byte(host)
	for i, c := range word {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' && i > 0) {
			word[i] = '_'
		}
	}
	if len(word) == 0 {
		return "evener"
	}
	return string(word)
}

func (b *Box) uploadBackup(ctx context.Context, c api.Call, p backupUploadParams) (BackupUpload, error) {
	if err := unscoped(c, "backup"); err != nil {
		return BackupUpload{}, err
	}
	file, err := b.spool.file()
	if err != nil {
		return BackupUpload{}, err
	}
	stream, err := api.OpenUpload(ctx, func(_ context.Context, r io.Reader) (any, error) {
		defer file.Close()
		return b.takeUpload(c, p, file, r)
	}, func() { file.Close() })
	if err != nil {
		file.Close()
	}
	return BackupUpload{stream}, err
}

// takeUpload takes a file's bytes from r and does with them what p says. What came
// of a restore is recorded: the call itself has ended before.
func (b *Box) takeUpload(c api.Call, p backupUploadParams, file *spooled, r io.Reader) (result any, err error) {
	if !p.Check {
		defer func() {
			rec := api.Record{Time: time.Now(), Method: "backup.upload", Effect: api.System, Call: c, Done: true, Err: api.AsError(err),
				Text: fmt.Sprintf("restore a backup, with users: %v", p.Users)}
			if r, ok := result.(Restored); ok && err == nil {
				rec.Change.After = "candidate of " + r.Author
			}
			b.audit(rec)
		}()
	}
	if _, err := io.Copy(file, r); err != nil {
		return nil, err
	}
	if err := file.rewind(); err != nil {
		return nil, err
	}
	b.unpacking.Lock() // a backup is held whole
	defer b.unpacking.Unlock()
	in, err := backup.Read(file, p.Passphrase)
	if err := openError(err); err != nil {
		return nil, err
	}
	if p.Check {
		return b.compareBackup(in, p.Users)
	}
	return b.restoreBackup(c, in, p.Users)
}
