// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evener/firmware/api"
)

const backupPassphrase = "correct horse battery"

// onSocket serves d, with a spool, on a Unix socket.
func onSocket(t *testing.T, d *desk) *api.Client {
	t.Helper()
	dir := t.TempDir()
	var err error
	if d.spool, err = newSpool(filepath.Join(dir, "spool")); err != nil {
		t.Fatal(err)
	}
	l, err := api.Listen(filepath.Join(dir, api.EngineSocket))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	admin := func(net.Conn) (api.Call, error) {
		return api.Call{Author: "ann", Origin: "cli", Role: api.Admin, Sudo: true}, nil
	}
	go func() { ended <- api.Serve(ctx, l, d.reg, d.log, api.ServerConfig{Identify: admin}) }()
	c, err := api.Dial(filepath.Join(dir, api.EngineSocket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		spoolEmpty(t, d)
	})
	return c
}

// spoolEmpty wants nothing left of any transfer.
func spoolEmpty(t *testing.T, d *desk) {
	t.Helper()
	if left, err := os.ReadDir(d.spool.dir); err != nil || len(left) != 0 || len(d.spool.slot) != 0 {
		t.Errorf("left in the spool: %v, %d slots, %v", left, len(d.spool.slot), err)
	}
}

// keep puts n items of 8 KiB into the vault of d.
func keep(t *testing.T, d *desk, n int) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for i := range n {
		raw := make([]byte, 6<<10)
		rand.Read(raw)
		all[fmt.Sprintf("eab/ca%d", i)] = []byte(base64.RawURLEncoding.EncodeToString(raw))
	}
	if err := d.cfg.Store.Vault().SaveAll(all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLargeBackupGoesFromBoxToBox(t *testing.T) {
	from := newDesk(t, "console { listen = [] }\n")
	all := keep(t, from, 900) // 5 MiB, whatever gzip does
	var info BackupDownload
	r, err := onSocket(t, from).Download(t.Context(), "backup.download", map[string]string{"passphrase": backupPassphrase}, &info)
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(r)
	if err != nil || int64(len(file)) != info.Bytes || info.Items < len(all) || info.Revision != 1 || len(file) < 5<<20 {
		t.Fatalf("%d bytes of %+v: %v", len(file), info, err)
	}
	if _, e := ask[Backup](from, api.Call{Author: "ann", Role: api.Admin, Sudo: true}, "backup.export", map[string]string{"passphrase": backupPassphrase}); e == nil || !strings.Contains(e.Message, "backup.download") {
		t.Errorf("export of a large backup = %v, want the way that works", e)
	}

	to := newDesk(t, "engine { loops = 1 }\n")
	c := onSocket(t, to)
	upload := func(p backupUploadParams, data []byte, result any) error {
		return c.Upload(t.Context(), "backup.upload", p, bytes.NewReader(data), result)
	}
	for name, u := range map[string]struct {
		p    backupUploadParams
		data []byte
		kind string
	}{
		"other passphrase": {backupUploadParams{Passphrase: "not the passphrase"}, file, "backup.passphrase"},
		"cut":              {backupUploadParams{Passphrase: backupPassphrase}, file[:len(file)-100], "backup.damaged"},
		"nothing":          {backupUploadParams{Passphrase: backupPassphrase}, nil, "backup.damaged"},
		"no users":         {backupUploadParams{Passphrase: backupPassphrase, Users: true}, file, "backup.no_users"},
	} {
		if err := upload(u.p, u.data, nil); err == nil || api.AsError(err).Kind != u.kind {
			t.Errorf("%s: %v, want %s", name, err, u.kind)
		}
	}
	var found CheckedBackup
	if err := upload(backupUploadParams{Passphrase: backupPassphrase, Check: true}, file, &found); err != nil || len(found.Added)+len(found.Replaced) != info.Items || found.Text != "console { listen = [] }\n" {
		t.Errorf("check = %d items, %q, %v", len(found.Added), found.Text, err)
	}
	if n := len(to.cfg.Store.Vault().Items("eab/")); n != 0 {
		t.Fatalf("%d items were kept of what was not restored", n)
	}
	var done Restored
	if err := upload(backupUploadParams{Passphrase: backupPassphrase}, file, &done); err != nil || len(done.Items) != info.Items {
		t.Fatalf("restore = %d items, %v", len(done.Items), err)
	}
	for name, want := range all {
		if got, err := to.cfg.Store.Vault().Load(name); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s came as %d bytes, %v", name, len(got), err)
		}
	}
}

// What is cut in the middle leaves no file, and no place taken.
func TestCutTransfersLeaveNothing(t *testing.T) {
	d := newDesk(t, "console { listen = [] }\n")
	keep(t, d, 300)
	for range 2 * maxSpooled {
		c := onSocket(t, d)
		ctx, cancel := context.WithCancel(t.Context())
		r, err := c.Download(ctx, "backup.download", map[string]string{"passphrase": backupPassphrase}, nil)
		if err != nil {
			t.Fatal(err)
		}
		in, out := io.Pipe()
		sent := make(chan error)
		go func() {
			sent <- c.Upload(ctx, "backup.upload", backupUploadParams{Passphrase: backupPassphrase}, in, nil)
		}()
		out.Write(make([]byte, 100_000))
		if _, err := d.spool.file(); err == nil || api.AsError(err).Kind != "too_many.transfers" {
			t.Errorf("a third file: %v", err)
		}
		cancel()
		out.CloseWithError(io.ErrUnexpectedEOF)
		if err := <-sent; err == nil {
			t.Error("an upload that was cut is good")
		}
		r.Close()
		c.Close()
		<-waitFree(d)
	}
}

// waitFree is closed when no transfer has a file.
func waitFree(d *desk) chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range maxSpooled {
			d.spool.slot <- struct{}{}
		}
		for range maxSpooled {
			<-d.spool.slot
		}
	}()
	return done
}

func TestFullDiskEndsATransfer(t *testing.T) {
	d := newDesk(t, "console { listen = [] }\n")
	keep(t, d, 3)
	c := onSocket(t, d)
	d.spool.make = func(dir, pattern string) (*os.File, error) {
		full := filepath.Join(dir, "transfer-full")
		if err := os.Symlink("/dev/full", full); err != nil {
			return nil, err
		}
		return os.OpenFile(full, os.O_RDWR, 0)
	}
	if _, err := c.Download(t.Context(), "backup.download", map[string]string{"passphrase": backupPassphrase}, nil); err == nil || api.AsError(err).Kind != "disk.full" {
		t.Errorf("download: %v", err)
	}
	err := c.Upload(t.Context(), "backup.upload", backupUploadParams{Passphrase: backupPassphrase}, bytes.NewReader(make([]byte, 1<<20)), nil)
	if err == nil || api.AsError(err).Kind != "disk.full" {
		t.Errorf("upload: %v", err)
	}
}

func TestSpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "transfer-1"), []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := newSpool(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.file()
	if err != nil {
		t.Fatal(err)
	}
	if st, err := f.f.Stat(); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file: %v, %v", st.Mode(), err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("the spool has %v, %v", list, err)
	}
	f.size = 64<<20 - 1
	if _, err := f.Write([]byte("ab")); err == nil || api.AsError(err).Kind != "backup.size" {
		t.Errorf("Write beyond the limit = %v", err)
	}
	f.Close()
	f.Close()
	if len(s.slot) != 0 {
		t.Error("the file's place is still taken")
	}
}

// Where a method opens a stream is no place for single requests: webui refuses
// such names there.
func TestStreamMethodsAreNamedSo(t *testing.T) {
	for _, m := range New(Config{}, slog.New(slog.DiscardHandler)).Methods().Methods() {
		s := m.ResultSchema()
		named := strings.HasSuffix(m.Name, ".download") || strings.HasSuffix(m.Name, ".upload") || strings.HasSuffix(m.Name, ".bundle")
		if streams := s.Properties["stream"] != nil; streams != named || streams && m.REST != nil {
			t.Errorf("%s: it opens a stream: %v; its name says so: %v; resource: %v", m.Name, streams, named, m.REST)
		}
	}
}
