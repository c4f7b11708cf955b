// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"evener/firmware/api"
	"evener/firmware/auth"
	"evener/firmware/certs"
)

// dial serves reg on a socket and returns a client there, which is an admin.
func dial(t *testing.T, reg *api.Registry) *api.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), api.EngineSocket)
	l, err := api.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- api.Serve(ctx, l, reg, slog.New(slog.DiscardHandler), api.ServerConfig{}) }()
	c, err := api.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	return c
}

// A watch is a topic that is followed without the box looking by itself, so
// that news come only of what is told.
type watch struct {
	t *testing.T
	f *api.Following
}

func follow(t *testing.T, c *api.Client, topic *api.Topic, params any) *watch {
	t.Helper()
	topic.Every = 0
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	f, err := c.Follow(ctx, topic.Name, params)
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{t, f}
	w.next(ctx)
	return w
}

// next waits for the next event and returns what has changed, by key.
func (w *watch) next(ctx context.Context) map[string]json.RawMessage {
	w.t.Helper()
	e, err := w.f.Next(ctx)
	if err != nil {
		w.t.Fatalf("wait for news: %v", err)
	}
	out := map[string]json.RawMessage{}
	if e.Data != nil {
		if err := json.Unmarshal(e.Data, &out); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

// tells waits until the object of a key has come or changed, or is gone.
func (w *watch) tells(key string, gone bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	for {
		if v, ok := w.next(ctx)[key]; ok && (string(v) == "null") == gone {
			return
		}
	}
}

func TestImportIsToldAtOnce(t *testing.T) {
	d := newDesk(t, deskText)
	c := dial(t, d.reg)
	w := follow(t, c, d.topics.certificates, nil)
	pair, err := certs.SelfSigned([]string{"shop.example.com"}, []netip.Addr{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pem, err := pair.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), "certificate.import", args{"name": "shop", "pem": string(pem)}, nil); err != nil {
		t.Fatal(err)
	}
	w.tells("shop", false)
	if err := c.Call(t.Context(), "certificate.remove", args{"name": "shop"}, nil); err != nil {
		t.Fatal(err)
	}
	w.tells("shop", true)
}

func TestRequestIsToldAtOnce(t *testing.T) {
	d := newDesk(t, deskText)
	c := dial(t, d.reg)
	w := follow(t, c, d.topics.requests, nil)
	for _, name := range []string{"shop", "mail"} {
		if err := c.Call(t.Context(), "certificate.request", args{"name": name, "names": []string{"www.example.com"}}, nil); err != nil {
			t.Fatal(err)
		}
		w.tells(name, false)
	}
	if err := c.Call(t.Context(), "certificate.request_remove", args{"name": "shop"}, nil); err != nil {
		t.Fatal(err)
	}
	w.tells("shop", true)

	var r CertificateRequest
	if err := c.Call(t.Context(), "certificate.request_show", args{"name": "mail"}, &r); err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), "certificate.import", args{"name": "mail", "pem": newSigner(t).sign(r.PEM)}, nil); err != nil {
		t.Fatal(err)
	}
	w.tells("mail", true)
}

func TestWhoMayComeInIsToldAtOnce(t *testing.T) {
	b := newIdentityBox(t)
	admin := b.setUp()
	c := dial(t, b.reg)
	users := follow(t, c, b.box.topics.users, nil)
	sessions := follow(t, c, b.box.topics.sessions, args{"all": true})
	tokens := follow(t, c, b.box.topics.tokens, args{"all": true})
	b.must(admin, "user.create", fmt.Sprintf(`{"name":"bob","password":%q,"role":"operator"}`, goodPassword), nil)
	users.tells("bob", false)
	in := b.login("bob")
	sessions.tells(in.Session, false)
	var made NewToken
	b.must(admin, "token.create", `{"name":"ci","role":"viewer"}`, &made)
	tokens.tells(made.ID, false)
	b.must(admin, "token.revoke", fmt.Sprintf(`{"id":%q}`, made.ID), nil)
	tokens.tells(made.ID, true)
	b.must(admin, "session.revoke", fmt.Sprintf(`{"id":%q}`, in.Session), nil)
	sessions.tells(in.Session, true)
}

func TestDraftsOfOthersAreToldIfTheyChangeSomething(t *testing.T) {
	d := newDesk(t, deskText)
	d.cfg.Auth = openAuth(t, memory{usersItem: usersDoc(t, "anna", map[string]auth.Role{"bob": auth.Editor})})
	for author, text := range map[string]string{
		"anna": deskText, "bob": deskText + "responder \"new\" {}\n", "carl": deskText + "\n# a comment\n", "root": deskText + "broken {\n",
	} {
		if _, err := d.cfg.Store.SetCandidate(author, []byte(text), 1); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.draftState(t.Context(), by("anna"), struct{}{})
	if err != nil || len(got) != 3 {
		t.Fatalf("state.candidate of anna is %+v, %v", got, err)
	}
	if s := got["own"]; s.Changes != 0 || s.Version == "" || s.Orphan {
		t.Errorf("own: %+v", s)
	}
	if s := got["other/bob"]; s.Changes != 1 || s.Version != "" || s.Orphan {
		t.Errorf("bob's: %+v", s)
	}
	if s := got["other/root"]; s.Changes != -1 || !s.Orphan {
		t.Errorf("root's: %+v", s)
	}
}
