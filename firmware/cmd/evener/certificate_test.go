// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/firmware/certs"
	"evener/firmware/manage"
)

// certificateFiles writes a self-signed certificate for name: together, and apart
// from its key.
func certificateFiles(t *testing.T, name string) (both, chain, key string) {
	t.Helper()
	p, err := certs.SelfSigned([]string{name}, []netip.Addr{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	leaf, rest := pem.Decode(text)
	dir := t.TempDir()
	write := func(file string, data []byte) string {
		file = filepath.Join(dir, file)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("both.pem", text), write("chain.pem", pem.EncodeToMemory(leaf)), write("key.pem", rest)
}

// nameShown returns the first name of the certificate that clients of addr get.
func nameShown(t *testing.T, addr string) string {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].DNSNames[0]
}

func TestCommandsOfCertificates(t *testing.T) {
	origin, _ := silentOrigin(t)
	addr := loopback(t)
	plain := fmt.Sprintf(adminText, origin, loopback(t), loopback(t))
	secure := plain + fmt.Sprintf(`
certificate "shop" {}
cluster "s" {
  protocol  = "https"
  listen    = [%q]
  responder = "r"
  tls { certificates = ["shop"] }
}
`, addr)
	b := startLive(t, plain)
	both, chain, key := certificateFiles(t, "one.example")
	_, _, foreign := certificateFiles(t, "foreign.example")
	file := filepath.Join(t.TempDir(), "secure.hcl")
	if err := os.WriteFile(file, []byte(secure), 0o600); err != nil {
		t.Fatal(err)
	}
	b.outcomes([]wantedOutcome{
		{"check " + file, 0, "a commit will need it on the box: evener certificate import shop FILE"},
		{"config set " + file, 0, "it was not imported"},
		{"config commit", 1, "evener certificate import shop FILE"},
		{"certificate import shop " + chain, 1, "key"},
		{"certificate import shop " + chain + " --key " + foreign, 1, "key"},
		{"certificate import -x " + both, 2, ""},
		{"certificate import sh/op " + both, 2, "must be 1 to"},
		{"certificate import shop " + both + " --password-file x", 2, "is for --pkcs12"},
		{"certificate import shop " + both + " --pkcs12", 1, "PKCS#12"},
		{"certificate show shop", 3, "there is no certificate"},
		{"certificate import shop " + chain + " --key " + key, 0, "nothing uses it yet"},
		{"certificate list", 0, "one.example"},
		{"config commit", 0, "revision 2 runs"},
		{"certificate list", 0, `cluster "s"`},
		{"certificate remove shop", 5, "is used in revision 2"},
		{"certificate remove nothing", 3, "there are shop"},
		{"certificate renew shop", 1, "import its successor"},
		{"certificate renew nothing", 3, "there are shop"},
		{"certificate rotate-tickets", 0, "sessions begin anew"},
		{"status", 0, "revision 2"},
	})
	if got := nameShown(t, addr); got != "one.example" {
		t.Errorf("clients get the certificate of %s", got)
	}
	second, _, _ := certificateFiles(t, "two.example")
	b.outcomes([]wantedOutcome{{"certificate import shop " + second, 0, `new connections get it: cluster "s"`}})
	if got := nameShown(t, addr); got != "two.example" {
		t.Errorf("after the import clients get the certificate of %s", got)
	}
	b.must("restart", "engine")
	if got := nameShown(t, addr); got != "two.example" {
		t.Errorf("after a restart clients get the certificate of %s", got)
	}
	b.must("config", "rollback", "1")
	b.outcomes([]wantedOutcome{
		{"certificate list", 0, "two.example"},
		{"config rollback 2", 0, "revision 4 runs"},
	})
	if got := nameShown(t, addr); got != "two.example" {
		t.Errorf("after going back and forth clients get the certificate of %s", got)
	}
	b.must("config", "rollback", "1")
	b.outcomes([]wantedOutcome{
		{"certificate remove shop", 0, "removed"},
		{"config rollback 2", 1, "evener certificate import shop FILE"},
	})
}

// TestKeysAreShownNowhere looks for a key in all that the box says and writes.
func TestKeysAreShownNowhere(t *testing.T) {
	origin, _ := silentOrigin(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, loopback(t), loopback(t)))
	both, _, key := certificateFiles(t, "one.example")
	b.must("certificate", "import", "shop", both)
	b.cli("certificate", "import", "sh/op", both) // refused, after it was sent
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Split(string(text), "\n")[1]
	said := b.printed()
	for _, command := range []string{"certificate list", "certificate show shop", "certificate export-chain shop", "show log", "config show --defaults", "metrics"} {
		said += b.must(strings.Split(command, " ")...)
		said += b.must(append(strings.Split(command, " "), "-o", "json")...)
	}
	if !strings.Contains(said, "BEGIN CERTIFICATE") || !strings.Contains(said, "import certificate shop") {
		t.Error("what was to be searched is not there")
	}
	if strings.Contains(said, secret) || strings.Contains(said, "PRIVATE KEY") {
		t.Errorf("the key is shown")
	}
	err = filepath.WalkDir(b.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		info, _ := d.Info()
		if strings.Contains(string(data), secret) && (filepath.Base(filepath.Dir(path)) != "vault" || info.Mode().Perm() != 0o600) {
			t.Errorf("%s, mode %v, holds the key", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCommandsOfTrusts(t *testing.T) {
	origin, _ := silentOrigin(t)
	b := startLive(t, fmt.Sprintf(adminText, origin, loopback(t), loopback(t))+"certificate \"box\" { source = \"self_signed\" }\n")
	both, chain, _ := certificateFiles(t, "leaf.example")
	b.outcomes([]wantedOutcome{
		{"trust import corp " + both, 1, "a trust has certificates"},
		{"trust import corp " + chain, 0, ""}, // a server's own signature
		{"trust remove corp", 0, ""},
		{"trust import corp /dev/null", 1, ""},
		{"trust import corp", 2, ""},
		{"trust remove corp", 3, "there are none"},
		{"trust list", 0, "TRUST"},
		{"certificate eab x /dev/null", 2, "base64url"},
	})
	if list := result[manage.Certificates](b, "show", "certificates"); len(list.Certificates) != 1 || list.Certificates[0].Name != "box" {
		t.Errorf("the certificates are %+v", list)
	}
	cmd := b.command("__complete", "--state", b.state, "certificate", "show", "")
	cmd.Args = cmd.Args[:len(cmd.Args)-2] // --state comes first here
	if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "box\n") {
		t.Errorf("completion gives %q, %v", out, err)
	}
}
