// SPDX-License-Identifier: Apache-2.0

package support

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

const planted = "pl4nt3d-s3cr3t"

func TestTextsLoseSecrets(t *testing.T) {
	var s Secrets
	s.Add("known-value", "1234")
	for _, text := range []string{
		"password=" + planted, "Password: " + planted, `msg=x token="` + planted + `" y=1`, `{\"secret\":\"` + planted + `\"}`,
		"Authorization: Basic " + planted + "==", "got bearer " + planted, "Cookie: " + planted, "GET /?api_key=" + planted + "&x=1",
		"http://user:" + planted + "@example.com/", "evt_ab_" + planted, "-----BEGIN EC PRIVATE KEY-----\n" + planted + "\n-----END EC PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\n" + planted, "$argon2id$v=19$" + planted, "otpauth://totp/x?secret=" + planted, "smtp_password = '" + planted + "'",
		"eyJhbGciOiJIUzI1NiJ9.eyJ" + strings.ReplaceAll(planted, "-", "_") + ".abc", "x-known-value-y", "6b6e6f776e2d76616c7565", `pin="1234"`, `x "1234"`,
	} {
		got := s.Text(text)
		for _, bad := range []string{planted, "pl4nt3d", "known-value", "6b6e6f776e", "1234"} {
			if strings.Contains(got, bad) && text != "x" && !strings.Contains(got, "HS256") {
				t.Errorf("Text(%q) = %q", text, got)
			}
		}
		if !strings.Contains(got, Removed) {
			t.Errorf("Text(%q) = %q: nothing is removed", text, got)
		}
	}
	for _, text := range []string{"member down: connection refused", "took=1s err=timeout", "cluster=shop requests=1234", "http://192.0.2.1:80/path"} {
		if got := s.Text(text); got != text {
			t.Errorf("Text(%q) = %q", text, got)
		}
	}
}

func TestJSONLosesSecrets(t *testing.T) {
	var s Secrets
	in := `{"name":"x","password":"` + planted + `","deep":[{"api_key":["` + planted + `"],"msg":"token=` + planted + `"}],"pin":12345,"port":12345,"note":"a<b"}`
	got := string(s.JSON([]byte(in)))
	if strings.Contains(got, planted) || !strings.Contains(got, `"port": 12345`) || strings.Contains(got, `"pin": 12345`) || !strings.Contains(got, "a<b") {
		t.Errorf("JSON = %s", got)
	}
	if got := string(s.JSON([]byte(in + "\n" + in + "\n"))); strings.Count(got, "\n") != 2 {
		t.Errorf("lines are not kept: %s", got)
	}
	if got := string(s.JSON([]byte(`{"torn": password="` + planted))); strings.Contains(got, planted) {
		t.Errorf("no JSON: %s", got)
	}
}

func TestConfigLosesSecrets(t *testing.T) {
	var s Secrets
	text := `
metrics { token = "` + planted + `1" }
panel { pin = "778899" }
pool "shop" {
  probe "http" {
    headers = ["Authorization: Basic ` + planted + `2=="]
  }
  probe "tcp" { send = "AUTH ` + planted + `3" }
}
cluster "shop" {
  listen = ["192.0.2.1:80"]
  persist "cookie" { age = "8h" }
  rule "secret" {
    when = header("X-Api-Key", "` + planted + `4") || cookie("session", "a-secret-cookie")
  }
  serial { password_reset = "refused" }
  request_headers = [
    "Cookie: a=` + planted + `5",
  ]
}
`
	got := s.Config(text)
	if strings.Contains(got, planted) || strings.Contains(got, "778899") {
		t.Errorf("Config = %s", got)
	}
	for _, want := range []string{`listen = ["192.0.2.1:80"]`, `age = "8h"`, `header("X-Api-Key", "(removed)") || cookie("session", "(removed)")`, `rule "secret"`, `"refused"`, `Authorization: (removed)`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is gone: %s", want, got)
		}
	}
	if got := s.Text("it said " + planted + "4, a-secret-cookie and 778899, of a session"); got != "it said (removed), (removed) and (removed), of a session" {
		t.Errorf("what the configuration held is not known afterwards: %s", got)
	}
}

func TestBundle(t *testing.T) {
	var s Secrets
	part := func(name, text string) Part {
		return Part{name, "about " + name, func(context.Context) ([]byte, error) { return []byte(text), nil }}
	}
	long := strings.Repeat("line\n", maxPart/5+100) + "the end"
	var out bytes.Buffer
	head := Head{Version: "1.2", Host: "box", Made: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	err := Write(t.Context(), &out, head, []Part{
		part("configuration.hcl", `token = "`+planted+`"`), part("log.txt", "said "+planted), part("x.json", `{"a":1}`), part("long.txt", long),
		{"broken.txt", "", func(context.Context) ([]byte, error) { return nil, errors.New("password=" + planted) }},
		{"fault.txt", "", func(context.Context) ([]byte, error) { panic("x") }},
	}, &s)
	if err != nil {
		t.Fatal(err)
	}
	files := untar(t, &out)
	var m Manifest
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 4 || len(m.Missing) != 2 || len(files) != 5 || m.Host != "box" || !m.Files[3].Cut {
		t.Errorf("%+v", m)
	}
	for _, f := range m.Files {
		sum := sha256.Sum256(files[f.Name])
		if len(files[f.Name]) != f.Size || hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Errorf("%s is not as the manifest has it", f.Name)
		}
	}
	for name, b := range files {
		if bytes.Contains(b, []byte(planted)) {
			t.Errorf("%s holds the secret: %s", name, b)
		}
	}
	if b := files["long.txt"]; len(b) != maxPart || !bytes.HasSuffix(b, []byte("the end")) {
		t.Errorf("of a long part %d bytes are kept", len(b))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Write(ctx, io.Discard, head, []Part{part("a", "")}, &s); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func untar(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	zip, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for in := tar.NewReader(zip); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		name, ok := strings.CutPrefix(h.Name, "evener-support-20261121-120000/")
		if !ok || h.Mode != 0o600 {
			t.Errorf("%s has mode %o", h.Name, h.Mode)
		}
		if files[name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzSecrets(f *testing.F) {
	f.Add(`token = "x"`, "hunter22")
	f.Add(`{"password":"x"}`, "a\"b\\cdefg")
	f.Add("http://a:b@c", "1234")
	f.Fuzz(func(t *testing.T, text, secret string) {
		var s Secrets
		s.Add(secret)
		secret = strings.TrimSpace(secret)
		if len(secret) < 8 || strings.Contains(Removed, secret) || strings.Contains(secret, Removed) || strings.Contains(secret, "\x00") {
			return
		}
		// What is put in its place may, with what stands beside it, read like the secret.
		got := s.Text(text + secret + text)
		if strings.Contains(strings.ReplaceAll(got, Removed, "\x00"), secret) {
			t.Errorf("%q stands in %q", secret, got)
		}
		s.JSON([]byte(text))
		s.Config(text)
	})
}
