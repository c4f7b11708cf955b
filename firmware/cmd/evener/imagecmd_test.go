// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evener/image/slot"
	"evener/image/slottest"
)

func TestImageCommandsLookIntoBundlesAndDisks(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	m, payload := slottest.Manifest("1.4.0", 70_000)
	m.MinVersion, m.RollbackIndex = "1.2", 3
	whole := slottest.Bundle(t, m, payload)
	bad := bytes.Clone(whole)
	bad[len(bad)-1] ^= 1
	d := slottest.New(t, slot.State{First: slot.A}.With(slot.A, true, 0).With(slot.B, false, 3))
	d.Put(t, slot.A, slottest.Header(t, m), payload)
	disk := filepath.Join(dir, "disk.img")
	if err := d.Save(disk); err != nil {
		t.Fatal(err)
	}
	keys, others := write("keys", []byte(slottest.Keys(1).String())), write("others", []byte(slottest.Keys(2).String()))
	bundle, broken, text := write("a.evb", whole), write("b.evb", bad), write("c.txt", []byte("hello"))
	id := slottest.Keys(1).List[0].ID
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"show", bundle}, 0, "rollback    3"},
		{[]string{"show", bundle}, 0, "from        1.2"},
		{[]string{"show", disk}, 0, "boot state  order AB, good A, tries A 0 B 3, next A"},
		{[]string{"show", disk}, 0, "slot B\nempty"},
		{[]string{"show", text}, 1, "neither a bundle (.evb) nor a disk"},
		{[]string{"verify", bundle, "--keys", keys}, 0, "1.4.0 is whole, and signed by " + id},
		{[]string{"verify", disk, "--keys", keys}, 0, "slot A: 1.4.0 is whole, and signed by " + id + "\nslot B: empty"},
		{[]string{"verify", disk, "--keys", keys, "-o", "json"}, 0, `"verified": true`},
		{[]string{"verify", broken, "--keys", keys}, 1, "SHA-256 is not that of its manifest"},
		{[]string{"verify", bundle, "--keys", others}, 1, id + " is not known here"},
		{[]string{"verify", disk, "--keys", others}, 1, "slot A: no signature by a trusted key"},
		{[]string{"verify", bundle, "--keys", text}, 1, `"hello" is not the name of a key`},
		{[]string{"verify", bundle, "--keys", filepath.Join(dir, "none")}, 1, "name the file of the keys that you trust with --keys"},
	} {
		var out bytes.Buffer
		cmd := newRoot()
		cmd.SetArgs(append([]string{"image"}, tt.args...))
		cmd.SetOut(&out)
		code := 0
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			code = exitCode(err)
			out.WriteString(err.Error())
		}
		if code != tt.code || !strings.Contains(out.String(), tt.want) {
			t.Errorf("evener image %s: code %d\n%s\nwant %d and ...%s", strings.Join(tt.args, " "), code, out.String(), tt.code, tt.want)
		}
	}
}
