// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const passphrase = "correct horse battery"

// cliWith is cli with something on standard input.
func (b *liveBox) cliWith(stdin string, args ...string) outcome {
	b.t.Helper()
	cmd := b.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		b.t.Fatal(err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// chain returns a certificate as clients get it, "" if it is not there.
func (b *liveBox) chain(name string) string { return b.cli("certificate", "export-chain", name).stdout }

// TestBackupMakesAnotherBoxTheSame: text, keys and users.
func TestBackupMakesAnotherBoxTheSame(t *testing.T) {
	text := "certificate \"shop\" {}\nresponder \"r\" { status = 200 }\ncluster \"c\" {\n  protocol = \"https\"\n  listen = [%q]\n" +
		"  responder = \"r\"\n  tls { certificates = [\"shop\"] }\n}\n"
	from := startLive(t, "")
	both, _, _ := certificateFiles(t, "shop.example")
	from.must("certificate", "import", "shop", both)
	file := filepath.Join(t.TempDir(), "first.hcl")
	if err := os.WriteFile(file, fmt.Appendf(nil, text+"console { listen = [] }\n", loopback(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	from.must("config", "set", file)
	from.must("config", "commit")
	if o := from.cliWith(passphrase+"\n", "user", "add", "alice", "--role", "admin"); o.code != 0 {
		t.Fatalf("user add: %s%s", o.stdout, o.stderr)
	}
	saved := filepath.Join(t.TempDir(), "box.age")
	if o := from.cliWith("short\n", "backup", saved); o.code == 0 || !strings.Contains(o.stderr, "at least 12") {
		t.Errorf("backup with a short passphrase: %d %s", o.code, o.stderr)
	}
	if o := from.cliWith(passphrase+"\n", "backup", saved); o.code != 0 {
		t.Fatalf("backup: %s", o.stderr)
	}
	if o := from.cliWith(passphrase+"\n", "backup", saved); o.code == 0 {
		t.Error("a backup was overwritten")
	}
	want, shown := from.must("config", "show"), from.chain("shop")
	if err := os.WriteFile(file, []byte("console { listen = [] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	from.must("config", "set", file) // the other box needs its port
	from.must("config", "commit")

	to := startLive(t, "engine { loops = 1 }\n")
	if o := to.cliWith("not the passphrase\n", "restore", saved); o.code != 5 || !strings.Contains(o.stderr, "passphrase") {
		t.Errorf("restore with another passphrase: %d %s", o.code, o.stderr)
	}
	if to.chain("shop") != "" || to.cli("config", "commit").code != 3 {
		t.Error("a restore that failed left something behind")
	}
	if o := to.cliWith(passphrase+"\n", "restore", "--check", saved); o.code != 0 || !strings.Contains(o.stdout, "adds     certificate/shop") || !strings.Contains(o.stdout, "it has users") {
		t.Errorf("restore --check: %d %s%s", o.code, o.stdout, o.stderr)
	}
	if to.chain("shop") != "" || to.cli("config", "commit").code != 3 {
		t.Error("a check left something behind")
	}
	o := to.cliWith(passphrase+"\n", "restore", "--users", saved)
	if o.code != 0 || !strings.Contains(o.stdout, "your candidate") {
		t.Fatalf("restore: %d %s%s", o.code, o.stdout, o.stderr)
	}
	to.await("the new engine knows alice", func() bool { return strings.Contains(to.cli("user", "list").stdout, "alice") })
	to.must("config", "commit")
	if got := to.must("config", "show"); got != want {
		t.Errorf("the restored box runs\n%s\nwant\n%s", got, want)
	}
	if got := to.chain("shop"); got != shown || got == "" {
		t.Errorf("certificate of the restored box: %q, want %q", got, shown)
	}
}
