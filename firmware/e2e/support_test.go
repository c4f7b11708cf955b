// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"archive/tar"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/firmware/manage"
)

const plantedText = `
metrics {
  listen = "127.0.0.1:%d"
  token  = "planted-metrics-token"
}
panel { pin = "739154" }
server "web1" { address = %q }
pool "shop" {
  member "web1" {}
  probe "http" {
    path = "/health?key=planted-probe-key"
  }
  probe "simple" { send = "AUTH planted-probe-password" }
}
cluster "shop" {
  protocol = "http"
  listen   = ["127.0.0.1:%d"]
  pool     = "shop"
  persist "cookie" { age = "8h" }
  rule "secret" {
    when = header("X-Api-Key", "planted-rule-key") || cookie("session", "planted-rule-cookie")
    pool = "shop"
    request_headers = ["set Authorization planted-operation-token"]
  }
}
`

// Secrets of all kinds are put into a box, and none is in its bundle.
func TestSupportBundleHasNoSecret(t *testing.T) {
	o := newOrigin(t, "web1")
	port := freePort(t)
	b := start(t, setup{config: fmt.Sprintf(plantedText, freePort(t), o.addr, port)})
	secrets := []string{"planted-metrics-token", "739154", "planted-probe", "planted-rule-key", "planted-rule-cookie", "planted-operation", "PRIVATE KEY"}

	key, certificate := plantCertificate(t)
	ask[json.RawMessage](b, "certificate.import", map[string]any{"name": "planted", "pem": certificate, "force": true})
	secrets = append(secrets, key)
	ask[json.RawMessage](b, "user.create", map[string]any{"name": "ann", "password": "planted password of ann", "role": "admin"})
	token := ask[struct {
		Token  string `json:"token"`
		Secret string `json:"secret"`
	}](b, "token.create", map[string]any{"name": "robot", "role": "viewer"})
	ask[json.RawMessage](b, "alert.secret", map[string]any{"name": "mail", "value": "planted-mail-password"})
	secrets = append(secrets, "planted password", "planted-mail-password", "evt_")
	if token.Token == "" && token.Secret == "" {
		t.Fatalf("no token was made: %+v", token)
	}
	// What a client sends can stand in the log and in the list of connections.
	req, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d/?access_token=planted-query-token", port), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", "session=planted-client-cookie")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
	}
	secrets = append(secrets, "planted-query-token", "planted-client-cookie")
	// And what an editor has tried and given up is in a draft or an older revision.
	b.commit(strings.Replace(fmt.Sprintf(plantedText, freePort(t), o.addr, port), "planted-rule-key", "planted-later-key", 1))
	b.await("a second is recorded", func() bool { return strings.Contains(b.cli("show", "blackbox").stdout, "requests") })

	file := filepath.Join(t.TempDir(), "bundle.tar.gz")
	b.must("support-bundle", file)
	secrets = append(secrets, "planted-later-key")
	files := unpack(t, file)
	for name, text := range files {
		for _, s := range secrets {
			if at := strings.Index(text, s); at >= 0 {
				t.Errorf("%s holds %q: …%s…", name, s, text[max(0, at-60):min(len(text), at+len(s)+20)])
			}
		}
	}
	for _, want := range []string{"configuration.hcl", "sys.info.json", "pool.list.json", "log.jsonl", "events.jsonl", "audit.jsonl", "metrics.txt",
		"goroutines.txt", "system.txt", "blackbox.json", "certificate.list.json", "manifest.json"} {
		if len(files[want]) < 10 {
			t.Errorf("%s is missing or empty", want)
		}
	}
	for name, want := range map[string]string{"configuration.hcl": o.addr, "certificate.list.json": "planted", "audit.jsonl": "user.create", "goroutines.txt": "goroutine profile"} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q: %s", name, want, files[name])
		}
	}
}

// plantCertificate returns a line of a private key, and the PEM of it with its
// certificate.
func plantCertificate(t *testing.T) (line, text string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "planted"}, DNSNames: []string{"planted.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	k := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return strings.Split(k, "\n")[1], k + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
}

func unpack(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for in := tar.NewReader(zip); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(h.Name)] = string(b)
	}
}

// The recording of a crash can be read, with and without an engine.
func TestBlackBoxSurvivesTheEngine(t *testing.T) {
	s := newSite(t, newOrigins(t, "web1")...)
	b := start(t, setup{config: s.text()})
	b.usable("shop")
	recorded := func() bool {
		var box manage.BlackBox
		if b.call("blackbox.read", nil, &box) != nil {
			return false // there is none while an engine begins one
		}
		for _, f := range box.Frames {
			if f.Second != nil {
				return true
			}
		}
		return false
	}
	b.await("a second is recorded", recorded)
	old := b.info().PID
	b.killEngine()
	b.await("the crash is kept", func() bool {
		var box manage.BlackBox
		return b.call("blackbox.read", nil, &box) == nil && len(box.Crashes) == 1
	})
	crash := ask[manage.BlackBox](b, "blackbox.read", map[string]any{"crash": 1})
	if first := crash.Frames[0]; !crash.Crashed || first.Start == nil || first.Start.PID != old {
		t.Errorf("the recording begins with %+v, crashed %t", first, crash.Crashed)
	}
	b.await("a second is recorded", recorded)
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	if out := b.must("show", "blackbox"); !strings.Contains(out, "recording ended") || !strings.Contains(out, "crash at") {
		t.Errorf("without an engine: %s", out)
	}
	if o := b.cli("show", "blackbox", "--crash", "2"); o.code != 3 {
		t.Errorf("a crash that was not: %+v", o)
	}
}
