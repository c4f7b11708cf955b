// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRolesContainEachOther(t *testing.T) {
	reg := newBox(quiet, nil)
	for _, c := range []struct {
		role   Role
		method string
		code   int
	}{
		{Nobody, "sys.fail", CodeUnauthorized},
		{Viewer, "sys.fail", CodeFailed},
		{Viewer, "server.drain", CodeForbidden},
		{Operator, "server.drain", CodeParams},
		{Operator, "config.commit", CodeForbidden},
		{Editor, "config.commit", CodeValidation},
		{Admin, "config.commit", CodeValidation},
	} {
		_, e := reg.Call(t.Context(), Call{Author: "ann", Role: c.role}, c.method, nil)
		if e == nil || e.Code != c.code {
			t.Errorf("%s as %s = %v, want %d", c.method, c.role, e, c.code)
		}
	}
	_, e := reg.Call(t.Context(), Call{Author: "ann", Role: Viewer}, "server.drain", nil)
	if want := "server.drain needs the role operator; ann has viewer"; e.Message != want {
		t.Errorf("error = %q, want %q", e.Message, want)
	}
}

// Every effect is in the audit log before and after, whatever comes of it, and
// no secret is.
func TestAudit(t *testing.T) {
	var log strings.Builder
	reg := newBox(quiet, func(r Record) {
		if r.Time.IsZero() || r.Done && r.Took < 0 {
			t.Errorf("record has no time: %+v", r)
		}
		fmt.Fprintf(&log, "%s %s by %s: %q %s done=%v", r.Effect, r.Method, r.Call.Author, r.Text, r.Params, r.Done)
		if r.Err != nil {
			fmt.Fprintf(&log, " %d", r.Err.Code)
		}
		log.WriteByte('\n')
	})
	for _, c := range []struct {
		method, params string
		role           Role
	}{
		{"sys.fail", `{}`, Admin},
		{"server.drain", `{"pool":"app","password":"hunter2","members":[{"name":"a"}]}`, Admin},
		{"server.drain", `{"pool":"app","pasword":"hunter2"}`, Admin},
		{"config.commit", ``, Viewer},
		{"config.commit", ``, Editor},
	} {
		reg.Call(t.Context(), Call{Author: "ann", Role: c.role}, c.method, json.RawMessage(c.params))
	}
	const want = `` +
		`runtime server.drain by ann: "drain app name=a ***" {"members":[{"name":"a"}],"password":"***","pool":"app"} done=false` + "\n" +
		`runtime server.drain by ann: "drain app name=a ***" {"members":[{"name":"a"}],"password":"***","pool":"app"} done=true` + "\n" +
		`runtime server.drain by ann: "drain app"  done=false` + "\n" +
		`runtime server.drain by ann: "drain app"  done=true -32602` + "\n" +
		`commit config.commit by ann: "commit" {} done=false` + "\n" +
		`commit config.commit by ann: "commit" {} done=true -32002` + "\n" +
		`commit config.commit by ann: "commit" {} done=false` + "\n" +
		`commit config.commit by ann: "commit" {} done=true -32021` + "\n"
	if got := log.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestSecretsAreHiddenAtAnyDepth(t *testing.T) {
	type user struct {
		Name string `json:"name"`
		Key  string `json:"key" secret:"true"`
	}
	type params struct {
		One  user            `json:"one"`
		Many []user          `json:"many"`
		By   map[string]user `json:"by"`
		Keys []string        `json:"keys" secret:"true"`
	}
	m := Method{params: mustSchema("x", typeOf[params]())}
	u := `{"key":"s","name":"n"}`
	clean, _ := m.redact(json.RawMessage(`{"one":` + u + `,"many":[` + u + `],"by":{"x":` + u + `},"keys":["s"]}`))
	h := `{"key":"***","name":"n"}`
	if want := `{"by":{"x":` + h + `},"keys":"***","many":[` + h + `],"one":` + h + `}`; string(clean) != want {
		t.Errorf("got  %s\nwant %s", clean, want)
	}
}

func TestPanicIsLoggedWithItsStack(t *testing.T) {
	var log bytes.Buffer
	reg := newBox(slog.New(slog.NewTextHandler(&log, nil)), nil)
	_, e := reg.Call(t.Context(), Call{Author: "ann", Role: Admin}, "sys.panic", nil)
	if e == nil || e.Code != CodeInternal || strings.Contains(e.Message, "oh no") {
		t.Errorf("error = %v, want an internal error that tells nothing", e)
	}
	for _, want := range []string{"oh no", "method=sys.panic", "author=ann", "api_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, &log)
		}
	}
}

func TestResultThatIsNoJSON(t *testing.T) {
	reg := New(quiet, Config{})
	Add(reg, Method{Name: "sys.odd", Purpose: "Return what has no JSON.", Role: Viewer},
		func(context.Context, Call, struct{}) (any, error) { return func() {}, nil })
	if _, e := reg.Call(t.Context(), Call{Role: Viewer}, "sys.odd", nil); e == nil || e.Code != CodeInternal {
		t.Errorf("error = %v, want an internal one", e)
	}
}

func TestMistakesInMethodsPanic(t *testing.T) {
	type plain struct {
		Pool string `json:"pool"`
	}
	good := Method{Name: "a.b", Purpose: "Do.", Role: Viewer}
	set := func(f func(*Method)) Method { m := good; f(&m); return m }
	add := func(m Method) func(*Registry) {
		return func(r *Registry) {
			Add(r, m, func(context.Context, Call, plain) (struct{}, error) { return struct{}{}, nil })
		}
	}
	for name, c := range map[string]struct {
		add  func(*Registry)
		want string
	}{
		"twice":      {func(r *Registry) { add(good)(r); add(good)(r) }, "registered twice"},
		"name":       {add(set(func(m *Method) { m.Name = "Drain" })), "a name is lower-case words"},
		"purpose":    {add(set(func(m *Method) { m.Purpose = "" })), "no purpose"},
		"role":       {add(set(func(m *Method) { m.Role = Nobody })), "no role"},
		"audit":      {add(set(func(m *Method) { m.Effect = System })), "an effect without an audit text"},
		"audit text": {add(set(func(m *Method) { m.Audit = "x {pol}" })), "audit text names {pol}"},
		"cli":        {add(set(func(m *Method) { m.CLI = &CLI{Args: []string{"pol"}} })), "command line argument pol"},
		"params": {func(r *Registry) {
			Add(r, good, func(context.Context, Call, []int) (struct{}, error) { return struct{}{}, nil })
		}, "parameters must be a struct"},
		"duration": {func(r *Registry) {
			Add(r, good, func(context.Context, Call, struct{}) (time.Duration, error) { return 0, nil })
		}, "use api.Duration"},
		"untagged": {func(r *Registry) {
			Add(r, good, func(context.Context, Call, struct{ Pool string }) (struct{}, error) { return struct{}{}, nil })
		}, "field Pool has no json name"},
		"channel": {func(r *Registry) {
			Add(r, good, func(context.Context, Call, struct {
				C chan int `json:"c"`
			}) (struct{}, error) {
				return struct{}{}, nil
			})
		}, "cannot travel as JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("panic = %s, want %q in it", got, c.want)
				}
			}()
			c.add(New(quiet, Config{}))
		})
	}
}

func TestMethodsAreSorted(t *testing.T) {
	var names []string
	for _, m := range newBox(quiet, nil).Methods() {
		names = append(names, m.Name)
	}
	if got := strings.Join(names, " "); got != "config.commit server.drain sys.fail sys.large sys.panic sys.wait" {
		t.Errorf("methods = %s", got)
	}
}

// tree is a type that contains itself, and everything else a schema can say.
type tree struct {
	Name     string         `json:"name" doc:"name of the node"`
	Children []tree         `json:"children,omitempty"`
	Left     *tree          `json:"left,omitempty"`
	Time     time.Time      `json:"time"`
	Role     Role           `json:"role"`
	Port     uint16         `json:"port"`
	Ratio    float64        `json:"ratio"`
	Blob     []byte         `json:"blob,omitzero"`
	Rest     map[string]any `json:"rest,omitempty"`
	Pair     [2]bool        `json:"pair"`
	note     int            // not exported: not in the JSON
	Skipped  func()         `json:"-"`
}

func TestSchema(t *testing.T) {
	s := struct {
		Params *Schema `json:"params"`
		Tree   *Schema `json:"tree"`
	}{newBox(quiet, nil).Method("server.drain").ParamsSchema(), mustSchema("x", reflect.TypeOf(tree{note: 1}))}
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const file = "testdata/schema.json"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s (%v)", got, want, err)
	}
	if got := strings.Join(s.Tree.Order, " "); got != "name children left time role port ratio blob rest pair" {
		t.Errorf("order = %s", got)
	}
}

func TestExitCodes(t *testing.T) {
	for code, want := range map[int]int{
		CodeParse: 2, CodeRequest: 2, CodeMethod: 2, CodeParams: 2, CodeInternal: 1, CodeFailed: 1,
		CodeUnauthorized: 5, CodeForbidden: 5, CodeThrottled: 1, CodeTooMany: 1, CodeConflict: 4,
		CodeConfirmPending: 4, CodeLocked: 4, CodeGuard: 5, CodeValidation: 1, CodeNotFound: 3,
		CodeTooLarge: 1, CodeCancelled: 1, CodeTimeout: 1,
	} {
		err := fmt.Errorf("drain: %w", Errorf(code, "x", "y"))
		if got := ExitCode(err); got != want {
			t.Errorf("ExitCode(%d) = %d, want %d", code, got, want)
		}
	}
	if ExitCode(nil) != 0 || ExitCode(errors.New("x")) != 1 {
		t.Error("ExitCode of nil or of a plain error")
	}
}

func TestProblemString(t *testing.T) {
	for want, p := range map[string]Problem{
		"box.hcl:35:9: no":          {File: "box.hcl", Line: 35, Col: 9, Message: "no", Path: "/x"},
		"box.hcl: warning: no":      {File: "box.hcl", Message: "no", Warning: true},
		"/pools/shop: no":           {Path: "/pools/shop", Message: "no"},
		"no":                        {Message: "no"},
		"35:9: warning: deprecated": {Line: 35, Col: 9, Message: "deprecated", Warning: true},
	} {
		if got := p.String(); got != want {
			t.Errorf("%+v = %q, want %q", p, got, want)
		}
	}
}
