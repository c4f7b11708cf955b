// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"evener/firmware/api"
)

// slots is an Upgrader with two slots in memory, of which A runs.
type slots struct {
	mu      sync.Mutex // guards what follows
	show    UpgradeShow
	written []byte
	orders  []string
	err     error // of Take, once all came
}

func newSlots() *slots {
	return &slots{show: UpgradeShow{Available: true, Running: UpgradeRunning{Slot: "A", Version: "1.0.0", OK: true},
		Slots: []UpgradeSlot{{Slot: "A", Version: "1.0.0", State: SlotGood}, {Slot: "B", State: SlotEmpty}}}}
}

func (s *slots) Show() UpgradeShow {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.show
}

func (s *slots) Take(ctx context.Context, r io.Reader, _ UpgradeOrder, told func(UpgradeProgress)) (UpgradeWritten, error) {
	told(UpgradeProgress{Step: UpgradeTake, Slot: "B", Version: "1.0.1"})
	text, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.written = text; err == nil {
		err = s.err
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return UpgradeWritten{Slot: "B", Version: "1.0.1"}, err
}

func (s *slots) did(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, fmt.Sprintf(format, args...))
}

func (s *slots) done() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.orders, "; ")
}

func (s *slots) Bundle(string) (io.ReadCloser, int64, error) { return nil, 0, errors.New("none") }
func (s *slots) Stick(context.Context) (io.ReadCloser, string, int64, error) {
	return nil, "", 0, errors.New("no USB stick is plugged in")
}
func (s *slots) Activate(_ context.Context, slot string, o UpgradeOrder) error {
	s.did("activate %s by %s, downgrade %v", slot, o.By, o.Downgrade)
	return nil
}
func (s *slots) GiveUp(by, _ string) error   { s.did("give up by %s", by); return nil }
func (s *slots) Good(by, _ string) error     { s.did("good by %s", by); return nil }
func (s *slots) Note(e UpgradeEntry)         { s.did("%s: %s", e.Event, e.Reason) }
func (s *slots) SetTimes(_, _ time.Duration) {}
func (s *slots) trial(t *UpgradeTest)        { s.mu.Lock(); s.show.Trial = t; s.mu.Unlock() }

// admin is somebody who has just given the password.
func admin(author string) api.Call {
	c := by(author)
	c.Sudo = true
	return c
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20s: %s", what)
		}
	}
}

func newSlotDesk(t *testing.T) (*desk, *slots) {
	d, s := newDesk(t, ""), newSlots()
	d.cfg.Upgrades, d.cfg.UpgradeDir = s, t.TempDir()
	return d, s
}

func (d *desk) chunk(id string, at int, text string) *api.Error {
	_, err := ask[struct{}](d, admin("ann"), "upgrade.upload.chunk", args{"id": id, "offset": at, "data": base64.StdEncoding.EncodeToString([]byte(text))})
	return err
}

func TestAnUploadTakesPiecesInTheirOrder(t *testing.T) {
	d, s := newSlotDesk(t)
	u := must[UpgradeUpload](d, admin("ann"), "upgrade.upload.begin", args{"size": 10})
	refused(d, admin("bob"), "upgrade.upload.begin", args{"size": 10}, "upgrade.locked")
	refused(d, admin("ann"), "sys.restart", args{"role": "engine"}, "upgrade.locked")
	if err := d.chunk(u.ID, 0, "01234"); err != nil {
		t.Fatal(err)
	}
	if err := d.chunk(u.ID, 0, "01234"); err != nil {
		t.Errorf("a piece that was sent again: %v", err)
	}
	for _, bad := range []struct {
		at   int
		text string
		kind string
	}{{7, "7", "upgrade.offset"}, {4, "45", "upgrade.offset"}, {5, "567890", "params.offset"}, {5, "", "params.data"}} {
		if err := d.chunk(u.ID, bad.at, bad.text); err == nil || err.Kind != bad.kind {
			t.Errorf("piece %q at %d: %v, want %s", bad.text, bad.at, err, bad.kind)
		}
	}
	if err := d.chunk(u.ID, 5, "56789"); err != nil {
		t.Fatal(err)
	}
	w := must[UpgradeWritten](d, admin("ann"), "upgrade.upload.end", args{"id": u.ID})
	if w.Slot != "B" || !bytes.Equal(s.written, []byte("0123456789")) {
		t.Errorf("wrote %q as %+v, want all of it in slot B", s.written, w)
	}
	if must[UpgradeShow](d, admin("ann"), "upgrade.show", args{}).Progress != nil {
		t.Error("something goes on after the end")
	}

	s.err = api.Errorf(api.CodeFailed, "upgrade.signature", "nobody signed it")
	u = must[UpgradeUpload](d, admin("ann"), "upgrade.upload.begin", args{"size": 1})
	refused(d, admin("ann"), "upgrade.upload.end", args{"id": u.ID}, "upgrade.signature")

	u = must[UpgradeUpload](d, admin("ann"), "upgrade.upload.begin", args{"size": 10})
	must[struct{}](d, admin("ann"), "upgrade.cancel", args{})
	refused(d, admin("ann"), "upgrade.upload.end", args{"id": u.ID}, "upgrade.cancelled")
	refused(d, admin("ann"), "upgrade.upload.end", args{"id": "other"}, "not_found")
}

func TestALowerRollbackIndexIsForWhoeverIsAtTheBox(t *testing.T) {
	d, s := newSlotDesk(t)
	far := admin("ann")
	far.Session = "s1"
	refused(d, far, "upgrade.upload.begin", args{"size": 10, "downgrade": true}, "auth.local")
	refused(d, far, "upgrade.activate", args{"slot": "B", "downgrade": true}, "auth.local")
	must[UpgradeShow](d, admin("root"), "upgrade.activate", args{"slot": "B", "downgrade": true})
	if got := s.done(); got != "activate B by root, downgrade true" {
		t.Errorf("the slots were told: %s", got)
	}
}

func TestATrialLocksWhatWouldBeLost(t *testing.T) {
	d, s := newSlotDesk(t)
	refused(d, admin("ann"), "upgrade.good", args{}, "upgrade.no_trial")
	must[Draft](d, admin("ann"), "config.set", args{"text": "# another text\n"})
	s.trial(&UpgradeTest{})
	for method, p := range map[string]args{"config.commit": {}, "config.rollback": {"revision": 1}, "upgrade.upload.begin": {"size": 1}, "upgrade.fetch": {"url": "http://127.0.0.1:1/x"}} {
		if e := refused(d, admin("ann"), method, p, "upgrade.locked"); e.Code != api.CodeLocked {
			t.Errorf("%s: code %d, want %d", method, e.Code, api.CodeLocked)
		}
	}
	must[UpgradeShow](d, admin("ann"), "upgrade.activate", args{"slot": "B"})
	if got := s.done(); got != "give up by ann" {
		t.Errorf("starting the other slot told the slots: %s, want that this one is given up", got)
	}
	s.trial(nil)
	must[Committed](d, admin("ann"), "config.commit", args{})
}

func TestABundleIsFetched(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/good.evb" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, "a bundle")
	}))
	defer web.Close()
	d, s := newSlotDesk(t)
	idle := func() bool { return must[UpgradeShow](d, admin("ann"), "upgrade.show", args{}).Progress == nil }
	refused(d, admin("ann"), "upgrade.fetch", args{"url": "ftp://example.org/x"}, "params.url")
	must[UpgradeProgress](d, admin("ann"), "upgrade.fetch", args{"url": web.URL + "/good.evb"})
	eventually(t, "the bundle is written", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return string(s.written) == "a bundle"
	})
	eventually(t, "nothing goes on", idle)
	must[UpgradeProgress](d, admin("ann"), "upgrade.fetch", args{"url": web.URL + "/other.evb"})
	eventually(t, "the journal says why nothing came", func() bool { return strings.Contains(s.done(), "404 Not Found") })
	eventually(t, "nothing goes on", idle)
}

func TestMembersThatAreGone(t *testing.T) {
	for _, c := range []struct {
		name      string
		gone, now []string
		peer      []string // nil: there is none
		want      bool
	}{
		{"the peer reaches it", []string{"shop/a"}, []string{"shop/b"}, []string{"shop/a", "shop/b"}, false},
		{"the peer does not reach it either", []string{"shop/a"}, nil, []string{"shop/b"}, true},
		{"one of two is down for the peer too", []string{"shop/a", "shop/b"}, nil, []string{"shop/b"}, false},
		{"alone, the pool has another", []string{"shop/a"}, []string{"shop/b"}, nil, true},
		{"alone, the pool has none", []string{"shop/a"}, []string{"shopping/b"}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, why := goneAlone(c.gone, c.now)
			if c.peer != nil {
				ok, why = goneBeside(c.gone, c.peer, "right")
			}
			if ok != c.want {
				t.Errorf("%v with %v up, the peer has %v: %v (%s), want %v", c.gone, c.now, c.peer, ok, why, c.want)
			}
		})
	}
}

func TestTheNewerVersionIsForBothBoxes(t *testing.T) {
	old, young := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	s := &UpgradeShow{Slots: []UpgradeSlot{{Slot: "A", State: SlotGood, Created: old}, {Slot: "B", State: SlotSpare, Created: young}}}
	for name, want := range map[string]string{"": "B", "A": "A", "B": "B"} {
		if got, err := pickImage(s, name); err != nil || got.Slot != want {
			t.Errorf("pickImage(%q) = %v, %v, want slot %s", name, got.Slot, err, want)
		}
	}
	for _, c := range []struct{ runs, a, b, want string }{
		{"A", SlotGood, SlotSpare, "B"}, {"B", SlotSpare, SlotGood, "A"}, {"A", SlotGood, SlotGood, "A"}, {"B", SlotGood, SlotGood, "B"},
	} {
		same := &UpgradeShow{Running: UpgradeRunning{Slot: c.runs}, Slots: []UpgradeSlot{{Slot: "A", State: c.a, Created: old}, {Slot: "B", State: c.b, Created: old}}}
		if got, _ := pickImage(same, ""); got.Slot != c.want {
			t.Errorf("made in one second, %+v: %s is picked", c, got.Slot)
		}
	}
	s.Slots[1].State = SlotBad
	if got, _ := pickImage(s, ""); got.Slot != "A" {
		t.Errorf("beside a slot that was given up %s is picked, want A", got.Slot)
	}
	s.Slots[1].State = SlotEmpty
	if _, err := pickImage(s, "B"); err == nil {
		t.Error("an empty slot is picked by its name")
	}
}
