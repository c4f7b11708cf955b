// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/lb"
	"evener/firmware/persist"
	"evener/firmware/stats"
	"evener/firmware/store"
)

// anywhere listens on free ports, whatever address it is asked for.
type anywhere struct {
	mu   sync.Mutex
	open map[lb.Spec]int
}

func (a *anywhere) Acquire(specs []lb.Spec) ([][]int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out [][]int
	for _, s := range specs {
		if _, ok := a.open[s]; !ok {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return nil, err
			}
			if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
				return nil, err
			}
			if err := unix.Listen(fd, 16); err != nil {
				return nil, err
			}
			a.open[s] = fd
		}
		out = append(out, []int{a.open[s]})
	}
	return out, nil
}

func (a *anywhere) Keep(specs []lb.Spec) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	keep := make(map[lb.Spec]bool)
	for _, s := range specs {
		keep[s] = true
	}
	for s, fd := range a.open {
		if !keep[s] {
			unix.Close(fd)
			delete(a.open, s)
		}
	}
	return nil
}

type nowhere struct{}

func (nowhere) Use(*config.Metrics) error { return nil }

type noLog struct{}

func (noLog) Use(*config.AccessLog) error { return nil }

// A desk is a box on which people work.
type desk struct {
	*Box
	t   *testing.T
	reg *api.Registry
}

// newDesk returns a box that serves text as revision 1.
func newDesk(t *testing.T, text string) *desk {
	t.Helper()
	st, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	registry := stats.NewRegistry(stats.Config{Loops: 1})
	sockets := &anywhere{open: map[lb.Spec]int{}}
	balancer, err := lb.New(lb.Config{Loops: 1, Sockets: sockets, State: st, Registry: registry, Keys: []persist.Key{{ID: 1, Secret: [32]byte{1}}}}, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := balancer.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait(); sockets.Keep(nil); st.Close() })
	if _, err := st.CommitText([]byte(text), store.CommitOptions{Author: "first", Origin: store.Boot}); err != nil {
		t.Fatal(err)
	}
	box := New(Config{Store: st, Balancer: balancer, Registry: registry, Metrics: nowhere{}, Access: noLog{}}, log)
	d := &desk{Box: box, t: t, reg: box.Methods()}
	box.Start()
	if err := box.unserved.get(); err != nil {
		t.Fatal(err)
	}
	return d
}

// by is a call of an editor.
func by(author string) api.Call {
	return api.Call{Author: author, Origin: "console", Role: api.Admin, Remote: "192.0.2.7:51000"}
}

// ask calls a method and returns its result, or its error.
func ask[R any](d *desk, c api.Call, method string, params any) (R, *api.Error) {
	d.t.Helper()
	var out R
	raw, err := json.Marshal(params)
	if err != nil {
		d.t.Fatal(err)
	}
	answer, e := d.reg.Call(d.t.Context(), c, method, raw)
	if e != nil {
		return out, e
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		d.t.Fatal(err)
	}
	return out, nil
}

// must is ask for what succeeds.
func must[R any](d *desk, c api.Call, method string, params any) R {
	d.t.Helper()
	out, e := ask[R](d, c, method, params)
	if e != nil {
		d.t.Fatalf("%s: %v %v", method, e, e.Problems)
	}
	return out
}

// refused is ask for what fails with an error of the kind.
func refused(d *desk, c api.Call, method string, params any, kind string) *api.Error {
	d.t.Helper()
	_, e := ask[json.RawMessage](d, c, method, params)
	if e == nil || e.Kind != kind {
		d.t.Fatalf("%s gives %v, want the error %s", method, e, kind)
	}
	return e
}

type args = map[string]any

const deskText = `# the shop of shop.example.com

server "web1" { address = "127.0.0.1:1" } # rack 4
server "web2" { address = "127.0.0.1:2" }
server "api1" { address = "127.0.0.1:3" }

pool "shop" {
  labels = { team = "shop" }
  member "web1" {}
  # the slow one
  member "web2" { weight = 50 }
}

pool "api" {
  labels = { team = "api" }
  member "api1" {}
}

cluster "shop" {
  labels   = { team = "shop" }
  protocol = "http"
  listen   = ["127.0.0.1:8081"]
  pool     = "shop"

  # partners
  rule "api" {
    when = path_prefix("/api")
    pool = "api"
  }

  test "api" {
    request = "GET /api/x"
    expect { pool = "api" }
  }
}
`

func TestFormsPatchTheText(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	first := must[Draft](d, ann, "config.patch", args{"base": 1, "path": "pool/shop/member/web2", "set": args{"weight": 20}})
	if first.Base != 1 || first.Version == "" || len(first.Problems) != 1 { // round_robin and weights
		t.Errorf("draft = %+v", first)
	}
	second := must[Draft](d, ann, "config.edit", args{"version": first.Version, "edits": []args{
		{"op": "insert", "path": "cluster/shop", "before": "rule/api", "type": "rule", "label": "static",
			"set": args{"when": `path_prefix("/s")`, "pool": "shop"}},
		{"op": "rename", "path": "server/web2", "label": "slow"},
		{"op": "move", "path": "server/web1"},
	}})
	text := must[Text](d, ann, "config.candidate", args{}).Text
	want := strings.NewReplacer(`server "web1" { address = "127.0.0.1:1" } # rack 4`+"\n", "", "weight = 50", "weight = 20", `"web2"`, `"slow"`,
		`server "api1" { address = "127.0.0.1:3" }`+"\n", `server "api1" { address = "127.0.0.1:3" }`+"\n\n"+`server "web1" { address = "127.0.0.1:1" } # rack 4`+"\n",
		"  # partners\n", "  rule \"static\" {\n    pool = \"shop\"\n    when = path_prefix(\"/s\")\n  }\n\n  # partners\n").Replace(deskText)
	if text != want {
		t.Errorf("the candidate is:\n%s\nwant:\n%s", text, want)
	}
	e := refused(d, ann, "config.patch", args{"version": first.Version, "path": "pool/shop", "set": args{"queue": 1}}, "config.stale")
	if e.Code != api.CodeConflict || e.Args["current"] != second.Version || e.Args["author"] != "ann" {
		t.Errorf("a stale write gives %+v", e)
	}
	refused(d, ann, "config.patch", args{"path": "pool/shop", "set": args{"queue": 1}}, "params.base")
	refused(d, ann, "config.edit", args{"version": second.Version, "edits": []args{
		{"op": "patch", "path": "pool/shop", "set": args{"queue": 1}}, {"op": "remove", "path": "pool/none"}}}, "config.edit")
	if got := must[Text](d, ann, "config.candidate", args{}).Text; got != want {
		t.Errorf("half of a list of edits was done:\n%s", got)
	}
	broken := must[Draft](d, ann, "config.patch", args{"version": second.Version, "path": "pool/shop", "set": args{"policy": "none"}})
	if !strings.Contains(string(mustJSON(t, broken.Problems)), "policy must be") {
		t.Errorf("a draft with a mistake has the problems %v", broken.Problems)
	}
	if o := must[ObjectText](d, ann, "config.object", args{"path": "pool/shop"}); o.Attrs["policy"] != `"none"` || string(o.Values) != "null" && o.Values != nil {
		t.Errorf("the object with a mistake = %+v", o)
	}
	refused(d, ann, "config.commit", args{}, "config.invalid")
	if o := must[ObjectText](d, ann, "config.object", args{"path": "pool/shop", "on": "running"}); !strings.Contains(string(o.Values), `"queue":1024`) || o.Line != 7 {
		t.Errorf("the running object = %+v", o)
	}
	if l := must[Language](d, ann, "config.language", args{}); len(l.Blocks) < 10 {
		t.Errorf("the language has %d blocks", len(l.Blocks))
	}
	must[ConfigValues](d, ann, "config.values", args{"on": "running"})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTwoAdminsMergeOrDecide(t *testing.T) {
	d := newDesk(t, deskText)
	ann, bob := by("ann"), by("bob")
	must[Draft](d, ann, "config.patch", args{"base": 1, "path": "pool/shop/member/web2", "set": args{"weight": 20}})
	must[Draft](d, bob, "config.patch", args{"base": 1, "path": "pool/shop/member/web2", "set": args{"weight": 30}})
	must[Draft](d, bob, "config.patch", args{"base": 1, "path": "pool/api", "set": args{"queue": 7}})
	must[Committed](d, bob, "config.commit", args{"comment": "less for web2"})
	e := refused(d, ann, "config.commit", args{}, "config.conflict")
	if e.Args["author"] != "bob" || e.Args["comment"] != "less for web2" || !strings.Contains(string(mustJSON(t, e.Args["changes"])), "weight 50 -\\u003e 30") {
		t.Errorf("the conflict is %+v", e.Args)
	}
	if e := refused(d, by("carl"), "config.patch", args{"base": 1, "path": "pool/api", "set": args{"queue": 8}}, "config.conflict"); e.Args["running"] != uint64(2) {
		t.Errorf("a form that is old gives %+v", e.Args)
	}
	r := must[Rebased](d, ann, "config.rebase", args{})
	if r.Done || len(r.Conflicts) != 1 || r.Conflicts[0].Author != "bob" || r.Conflicts[0].Revision != 2 || r.Conflicts[0].Path != "pool/shop/member/web2" {
		t.Fatalf("rebase = %+v", r)
	}
	review := must[Review](d, ann, "config.review", args{})
	if len(review.Conflicts) != 1 || review.Base != 1 || review.Running != 2 {
		t.Errorf("the review has %+v", review)
	}
	// What bob has set elsewhere does not look as if ann took it back.
	if len(review.Changes) != 1 || review.Changes[0].Text != "pool shop: member web2 weight 30 -> 20" || strings.Contains(review.Text, "queue") {
		t.Errorf("the review shows %+v\n%s", review.Changes, review.Text)
	}
	if n, err := d.countChanges("ann", 2); n != 1 {
		t.Errorf("ann's draft of one change counts %d, %v", n, err)
	}
	r = must[Rebased](d, ann, "config.rebase", args{"resolve": args{"pool/shop/member/web2": args{"take": "mine"}}})
	if !r.Done || r.Base != 2 || len(r.Changes) != 1 || r.Changes[0].Text != "pool shop: member web2 weight 30 -> 20" {
		t.Fatalf("resolved rebase = %+v", r)
	}
	must[Committed](d, ann, "config.commit", args{"version": r.Version})
	text := must[Text](d, ann, "config.text", args{}).Text
	if !strings.Contains(text, "weight = 20") || !strings.Contains(text, "queue = 7") || !strings.Contains(text, "# the slow one") {
		t.Errorf("what runs is:\n%s", text)
	}
}

func TestReviewAndTestsGuardTheCommit(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	must[Draft](d, ann, "config.edit", args{"base": 1, "edits": []args{
		{"op": "patch", "path": "cluster/shop/rule/api", "set": args{"pool": "shop"}},
		{"op": "insert", "type": "console", "hcl": args{"listen": `["127.0.0.1:9555"]`, "allow": `["198.51.100.0/24"]`}},
	}})
	r := must[Review](d, ann, "config.review", args{})
	kinds := make(map[string]bool)
	for _, w := range r.Warnings {
		kinds[w.Kind] = true
	}
	for _, k := range []string{"lockout.console_moved", "lockout.allow", "tests.failed", "lint.no_probe"} {
		if !kinds[k] {
			t.Errorf("the review lacks the warning %s: %v", k, r.Warnings)
		}
	}
	if !r.Confirm.Advised || len(r.Changes) != 2 || !strings.Contains(r.Text, "+console {") || len(r.Tests) != 1 || r.Tests[0].Passed {
		t.Errorf("the review is %+v", r)
	}
	e := refused(d, ann, "config.commit", args{}, "guard.tests")
	if len(e.Problems) != 1 || !strings.Contains(e.Problems[0].Message, `pool is "shop", expected "api"`) {
		t.Errorf("failing tests are told as %+v", e)
	}
	refused(d, ann, "config.commit", args{"force": true, "confirm_s": 10}, "params.confirm_s")
	c := must[Committed](d, ann, "config.commit", args{"force": true, "confirm_s": 30})
	if c.Pending == nil || c.Pending.Author != "ann" || len(c.URLs) != 1 || c.URLs[0] != "https://127.0.0.1:9555" || c.Handover != "" {
		t.Errorf("the commit gives %+v", c)
	}
	must[Draft](d, by("bob"), "config.patch", args{"base": 2, "path": "pool/api", "set": args{"queue": 7}})
	if e := refused(d, by("bob"), "config.commit", args{"force": true}, "config.confirm_pending"); e.Args["author"] != "ann" {
		t.Errorf("a commit while one waits gives %+v", e.Args)
	}
	left := c.Pending.Deadline
	if c = must[Committed](d, ann, "config.extend", args{}); c.Pending.Deadline.Sub(left).Minutes() < 4.9 {
		t.Errorf("extended from %v to %v, want 5 minutes", left, c.Pending.Deadline)
	}
	state, err := d.confirmState(t.Context(), ann, struct{}{})
	if err != nil || state["pending"].Author != "ann" {
		t.Errorf("state.confirm = %v, %v", state, err)
	}
	must[Committed](d, ann, "config.revert", args{})
	drafts, err := d.draftState(t.Context(), by("bob"), struct{}{})
	if err != nil || drafts["own"].Base != 2 || drafts["own"].Running != 1 {
		t.Errorf("state.candidate = %+v, %v", drafts, err)
	}
	back := must[Committed](d, ann, "config.rollback", args{"revision": 2, "as_candidate": true})
	if back.Draft == nil || back.Revision.Number != 1 {
		t.Errorf("a rollback as a candidate gives %+v", back)
	}
	tested := must[Tested](d, ann, "config.test", args{"on": "running"})
	if tested.Failed != 0 || len(tested.Tests) != 1 {
		t.Errorf("the running tests give %+v", tested)
	}
}

func TestScopeIsEnforced(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	ann.Role, ann.Scope = api.Editor, map[string]string{"team": "shop"}
	for _, c := range []struct {
		edit    args
		outside string // "": it may be committed
	}{
		{args{"op": "patch", "path": "pool/shop", "set": args{"queue": 3}}, ""},
		{args{"op": "patch", "path": "pool/api", "set": args{"queue": 3}}, "pool/api"},
		{args{"op": "patch", "path": "server/web1", "set": args{"address": "127.0.0.1:9"}}, "server/web1"},
		{args{"op": "patch", "path": "pool/shop", "set": args{"labels": args{"team": "api"}}}, "pool/shop"},
		{args{"op": "patch", "path": "pool/api", "set": args{"labels": args{"team": "shop"}}}, "pool/api"},
		{args{"op": "patch", "path": "engine", "set": args{"drain_timeout": "5s"}}, "engine"},
		{args{"op": "insert", "type": "pool", "label": "new", "set": args{"labels": args{"team": "shop", "x": "y"}}}, ""},
		{args{"op": "insert", "type": "pool", "label": "new2"}, "pool/new2"},
	} {
		running := d.cfg.Store.Running().Number
		must[Draft](d, ann, "config.edit", args{"base": running, "edits": []args{c.edit}})
		review := must[Review](d, ann, "config.review", args{})
		if review.Outside != c.outside {
			t.Errorf("%v: the review says %q, want %q", c.edit, review.Outside, c.outside)
		}
		if c.outside == "" {
			must[Committed](d, ann, "config.commit", args{})
			continue
		}
		if e := refused(d, ann, "config.commit", args{}, "auth.scope"); e.Args["object"] != c.outside {
			t.Errorf("%v: outside is %v, want %s", c.edit, e.Args["object"], c.outside)
		}
		must[struct{}](d, ann, "config.discard", args{})
	}
	refused(d, ann, "config.rollback", args{"revision": 99}, "not_found")
	must[Member](d, ann, "server.quiesce", args{"member": "shop/web1"})
	refused(d, ann, "server.quiesce", args{"member": "api/api1", "force": true}, "auth.scope")
	refused(d, ann, "server.weight", args{"member": "api/api1", "weight": 3}, "auth.scope")
	refused(d, ann, "persist.clear", args{}, "auth.scope")
	refused(d, ann, "alert.test", args{"name": "ops"}, "auth.scope")
	must[Cleared](d, ann, "persist.clear", args{"cluster": "shop"})
}
