// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"encoding/xml"
	"image"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"evener/firmware/api"
	"github.com/boombuler/barcode/qr"
)

// TestSourceGivesBrokenTextsToo: whoever edits as text must get back what was
// saved, with all of its mistakes.
func TestSourceGivesBrokenTextsToo(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	if s := must[SourceText](d, ann, "config.source", args{}); s.Text != deskText || s.On != "running" || s.Base != 1 || s.Version != "" {
		t.Errorf("without a candidate the source is %+v", s)
	}
	const broken = "pool \"shop\" {\n"
	c := must[Checked](d, ann, "config.set", args{"text": broken, "base": 1, "draft": true})
	if s := must[SourceText](d, ann, "config.source", args{}); s.Text != broken || s.On != "candidate" || s.Base != 1 || s.Version != c.Version {
		t.Errorf("the source of a broken candidate is %+v, want version %s", s, c.Version)
	}
	if s := must[SourceText](d, ann, "config.source", args{"on": "running"}); s.Text != deskText {
		t.Errorf("the running source is %q", s.Text)
	}
	refused(d, by("bob"), "config.source", args{"on": "candidate"}, "config.no_candidate")
}

func TestCompareTellsRevisionsApart(t *testing.T) {
	d := newDesk(t, deskText)
	ann := by("ann")
	must[Draft](d, ann, "config.edit", args{"base": 1, "edits": []args{{"op": "patch", "path": "pool/shop", "set": args{"queue": 3}}}})
	must[Committed](d, ann, "config.commit", args{})
	got := must[Compared](d, ann, "config.compare", args{"from": 1})
	if got.From != 1 || got.To != 2 || len(got.Changes) != 1 || got.Changes[0].Before != "1024" || got.Changes[0].After != "3" {
		t.Errorf("from 1 to what runs: %+v", got)
	}
	if got := must[Compared](d, ann, "config.compare", args{"from": 2, "to": 1}); len(got.Changes) != 1 || got.Changes[0].After != "1024" {
		t.Errorf("from 2 to 1: %+v", got)
	}
	if got := must[Compared](d, ann, "config.compare", args{"from": 2, "to": 2}); got.Changes == nil || len(got.Changes) != 0 {
		t.Errorf("from 2 to 2: %+v", got)
	}
	refused(d, ann, "config.compare", args{"from": 9}, "not_found")
}

func TestFormatKeepsMeaningAndRefusesBrokenTexts(t *testing.T) {
	d := newDesk(t, deskText)
	if got := must[Formatted](d, by("ann"), "config.format", args{"text": "server \"a\"   {\naddress=\"127.0.0.1:1\"\n}"}); got.Text != "server \"a\" {\n  address = \"127.0.0.1:1\"\n}\n" {
		t.Errorf("format gives %q", got.Text)
	}
	if e := refused(d, by("ann"), "config.format", args{"text": "server {{"}, "config.invalid"); len(e.Problems) == 0 {
		t.Errorf("a broken text gives %+v", e)
	}
}

// TestTryAsksMembersThatAreNotServed: the questions of a text reach the server
// though nothing of the text runs.
func TestTryAsksMembersThatAreNotServed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	d := newDesk(t, deskText)
	text := `server "new" { address = "` + l.Addr().String() + `" }
pool "new" {
  member "new" {}
  probe "tcp" {}
}
`
	got := must[Probed](d, by("ann"), "probe.try", args{"text": text, "member": "new/new"})
	if len(got.Exchanges) != 1 || got.Exchanges[0].Outcome != "good" || got.Exchanges[0].Address != l.Addr().String() {
		t.Errorf("a server that listens: %+v", got)
	}
	l.Close()
	got = must[Probed](d, by("ann"), "probe.try", args{"text": text, "member": "new/new"})
	if len(got.Exchanges) != 1 || got.Exchanges[0].Outcome != "bad" {
		t.Errorf("a server that is gone: %+v", got)
	}
	if s := must[SourceText](d, by("ann"), "config.source", args{}); s.Text != deskText {
		t.Errorf("a trial has changed the text to %q", s.Text)
	}
	refused(d, by("ann"), "probe.try", args{"text": "pool {", "member": "new/new"}, "config.invalid")
	narrow := by("ann")
	narrow.Scope = map[string]string{"team": "shop"}
	refused(d, narrow, "probe.try", args{"text": text, "member": "new/new"}, "auth.scope")
	operator := by("ann")
	operator.Role = api.Operator
	refused(d, operator, "probe.try", args{"text": text, "member": "new/new"}, "auth.role")
}

// TestQRSaysWhatItWasGiven compares the picture, module by module, with what the
// encoder says, and takes care that it is well-formed and harmless.
func TestQRSaysWhatItWasGiven(t *testing.T) {
	const text = "otpauth://totp/Evener:ann%3Cscript%3E?issuer=Evener&secret=JBSWY3DPEHPK3PXP"
	svg, err := qrSVG(text)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(svg, "script") || xml.Unmarshal([]byte(svg), new(struct{})) != nil {
		t.Errorf("the picture is no plain SVG: %s", svg)
	}
	dark := map[image.Point]bool{}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h1v1h-1z`).FindAllStringSubmatch(svg, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		dark[image.Pt(x, y)] = true
	}
	want, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r, _, _, _ := want.At(x, y).RGBA()
			if (r == 0) != dark[image.Pt(x+4, y+4)] {
				t.Fatalf("module %d,%d is wrong", x, y)
			}
			if r == 0 {
				n++
			}
		}
	}
	if n != len(dark) || n < 200 {
		t.Errorf("%d dark modules, %d drawn", n, len(dark))
	}
}
