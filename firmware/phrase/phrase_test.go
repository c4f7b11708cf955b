// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A sample fills the arguments of a pattern; sentences get one that is known.
func (p *Phrase) sample() (text string, values map[string]string) {
	values = map[string]string{}
	text = p.literals[0]
	for i, a := range p.args {
		v := fmt.Sprintf("x%dz", i)
		if a.sentence {
			v = "the process is gone"
			if p.domain == was {
				v = "disabled"
			}
		}
		if only[p.Kind] != nil {
			v = "word"
			if a.sentence {
				v = map[bool]string{false: "cookie", true: `the certificate "word"`}[p.Kind == "cert.titles"]
			}
		}
		values[a.name] = v
		text += v + p.literals[i+1]
	}
	return text, values
}

// lookUp asks what a text says where p could stand.
func (p *Phrase) lookUp(text string) (Said, bool) {
	switch p.domain {
	case done:
		return Did(text)
	case was:
		return state(text)
	case mistake:
		s, ok := Mistake("", text)["message"]
		return s, ok
	}
	return Of(text)
}

// A sentence is taken for what it is, with its arguments, whatever else it looks like.
func TestEveryPhraseIsRecognised(t *testing.T) {
	for i := range phrases() {
		p := &phrases()[i]
		text, values := p.sample()
		s, ok := p.lookUp(text)
		if !ok || s.Kind != p.Kind {
			t.Errorf("%q is taken for %q, want %q", text, s.Kind, p.Kind)
			continue
		}
		for name, want := range values {
			got := s.Args[name]
			if inner, ok := got.(Said); ok {
				got = inner.Text
			}
			if got != want {
				t.Errorf("Of(%q): %s = %q, want %q", text, name, got, want)
			}
		}
	}
}

func TestKindsAndPatternsAreThereOnce(t *testing.T) {
	kinds, patterns := map[string]bool{}, map[string]string{}
	for i := range phrases() {
		p := &phrases()[i]
		if kinds[p.Kind] {
			t.Errorf("%s is there twice", p.Kind)
		}
		kinds[p.Kind] = true
		bare := argument.ReplaceAllString(p.Pattern, "{}")
		if was := patterns[p.domain+" "+bare]; was != "" {
			t.Errorf("%s and %s are the same: %q", was, p.Kind, p.Pattern)
		}
		patterns[p.domain+" "+bare] = p.Kind
		names := p.Args()
		slices.Sort(names)
		if len(slices.Compact(names)) != len(p.args) {
			t.Errorf("%s: an argument stands twice in %q", p.Kind, p.Pattern)
		}
		for j := 1; j < len(p.args); j++ {
			if p.literals[j] == "" {
				t.Errorf("%s: nothing is between two arguments of %q", p.Kind, p.Pattern)
			}
		}
	}
}

func TestSentencesInsideOthersAreRecognised(t *testing.T) {
	tests := []struct{ text, want string }{
		{"down since 2026-11-21 10:00:00 UTC: connect 192.0.2.1:80: connection refused (2 of 3)",
			`member.down_since{time=2026-11-21 10:00:00 why=probe.connect{address=192.0.2.1:80 why=join.counted{need=3 run=2 what=os.refused{}}}}`},
		{"connect [2001:db8::1]:443: no connection within 2s", `probe.connect{address=[2001:db8::1]:443 why=probe.no_connection{limit=2s}}`},
		{"this box cannot be upgraded here: the box was not started from a slot", `upgrade.unavailable{why=upgrade.not_from_slot{}}`},
		{"port lan1: no interface is this port: eth7 is looked for", `group.port{port=lan1 why=port.looked_for{what=eth7}}`},
		{"certificate: something that nobody knows", `probe.certificate{why=something that nobody knows}`},
		{"save certificate/a: write /var/lib/x: no space left on device", `store.save{item=certificate/a why=file.write{error=os.no_space{} file=/var/lib/x}}`},
		{`the key must be rsa-2048 or rsa-4096, not "x"`, `cert.request_key_type{choices=list.or{last=rsa-4096 list=rsa-2048} value=x}`},
		{`two certificates have the same key: the certificate "a" (until 2027-01-01) and the certificate "b" (until 2027-02-01); leave only the newer one`,
			`cert.same_key{one=cert.title_until{day=2027-01-01 name=a} other=cert.title_until{day=2027-02-01 name=b}}`},
		{`Get "http://no.such/x": dial tcp: lookup no.such on 192.0.2.53:53: no such host`,
			`http.get{error=net.dial_name{error=net.no_host_on{name=no.such server=192.0.2.53:53} network=tcp} url=http://no.such/x}`},
		{"the client is kept on web1 by its cookie; the answer sets a cookie",
			`tester.kept_sets{kept=tester.kept{member=web1 what=tester.cookie{}}}`},
		{"the client is not known yet: web1 keeps no clients", `tester.not_known{why=tester.keeps_none{member=web1}}`},
		{"default route v4: there is none (-50)", `track.part{cause=cause.route{name=v4} detail=track.no_route{} weight=50}`},
		{"custom upstream: the line is cut (-60)", `track.custom{name=upstream weight=60 why=the line is cut}`},
		{"group front: right is not seen by heartbeat now", `group.about{group=front why=order.not_seen{node=right}}`},
		{"mail server 192.0.2.25:25: dial failed: dial tcp 192.0.2.25:25: connect: connection refused",
			`alert.mail{error=net.dial_failed{error=net.dial{address=192.0.2.25:25 error=net.connect{error=os.refused{}} network=tcp}} server=192.0.2.25:25}`},
		{"port of somebody", ""},
		{`shop: listen on 192.0.2.1:443: address already in use by cluster "x"; stop it or change listen`,
			`join.about{object=shop why=listen.taken{address=192.0.2.1:443 who=cluster "x"}}`},
		{"rebalance by ann", `order.reason{reason=order.rebalance{} user=ann}`},
		// Errors that were found together.
		{"line 1: a second private key; leave only the one of the certificate\n\"a b\" is an address; a host name is needed\nodd words",
			`join.two{first=certificate.line{line=1 why=cert.second_key{}} then=join.two{first=cert.host_address{name=a b} then=odd words}}`},
		{"odd words\nand others", ""},
		{"the log: the process is gone\nodd words", `join.two{first=join.about{object=the log why=role.gone{}} then=odd words}`},
		{"new disk", ""},
		{"mine: the box; theirs", ""}, // join.* count only what is known
		{"", ""},
		{strings.Repeat("x", 5000) + " has no candidate", ""},
	}
	for _, tt := range tests {
		s, _ := Of(tt.text)
		if got := spell(s); got != tt.want {
			t.Errorf("Of(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func spell(s Said) string {
	if s.Kind == "" {
		return ""
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(s.Args)) {
		v := s.Args[name]
		if inner, ok := v.(Said); ok {
			v = spell(inner)
		}
		list = append(list, fmt.Sprintf("%s=%v", name, v))
	}
	return s.Kind + "{" + strings.Join(list, " ") + "}"
}

type part struct {
	Why  string `json:"why"`
	Said Words  `json:"said,omitempty" says:"why"`
}

type whole struct {
	Problems []string        `json:"problems"`
	Parts    []part          `json:"parts"`
	ByName   map[string]part `json:"by_name"`
	One      *part           `json:"one"`
	None     *part           `json:"none"`
	Said     Words           `json:"said,omitempty" says:"problems"`
}

func TestFillFindsEverySentence(t *testing.T) {
	known := part{Why: "link down"}
	v := whole{Problems: []string{"mine", "no interface"}, Parts: []part{{Why: "mine"}, known},
		ByName: map[string]part{"a": known}, One: &part{Why: "link down"}}
	Fill(&v)
	got, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	const down = `{"why":"link down","said":{"why":{"kind":"group.link_down"}}}`
	want := `{"problems":["mine","no interface"],"parts":[{"why":"mine"},` + down + `],"by_name":{"a":` + down + `},"one":` + down +
		`,"none":null,"said":{"problems.1":{"kind":"group.no_interface"}}}`
	if string(got) != want {
		t.Errorf("Fill made\n%s\nwant\n%s", got, want)
	}
}

func TestArgsOfWhoAndWhatAreNoSentences(t *testing.T) {
	w := Args(map[string]any{"by": "start", "reason": "start", "n": 3, "pool": "an unknown user", "user": "an unknown user"})
	if want := (Words{"reason": {Kind: "group.start"}, "user": {Kind: "who.unknown"}}); !reflect.DeepEqual(w, want) {
		t.Errorf("Args = %v, want %v: a user may be called start", w, want)
	}
	for text, kind := range map[string]string{"it is reverted unless confirmed within 2m0s": "store.confirm_within", "no comment": "store.no_comment", "start": "", "new disk": ""} {
		if got := Args(map[string]any{"comment": text})["comment"].Kind; got != kind {
			t.Errorf("the comment %q is taken for %q, want %q", text, got, kind)
		}
	}
}

// A text that somebody has made for it costs no more than another.
func TestATextOfManyPartsIsGivenUp(t *testing.T) {
	text := strings.Repeat("x: y; ", 500) + "z"
	m := matcher{tables: []table{byStart()[""]}, left: maxTexts}
	if s, _, ok := m.of(text); ok || m.left != 0 {
		t.Errorf("of(%.20q…) = %v with %d texts left, want it given up", text, s, m.left)
	}
}

func BenchmarkOf(b *testing.B) {
	const text = "down since 2026-11-21 10:00:00 UTC: connect 192.0.2.1:80: connection refused (2 of 3)"
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			if !find(text).ok {
				b.Fatal("not known")
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			if _, ok := Of(text); !ok {
				b.Fatal("not known")
			}
		}
	})
}
