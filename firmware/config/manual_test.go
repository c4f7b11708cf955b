// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const manual = "../../docs/manual/"

// pages are those that describe the table, with their blocks.
var pages = []string{"configuration.md", "pools.md", "clusters.md", "responders.md", "tls.md", "console.md", "alerts.md", "network.md", "panel.md", "serial.md", "upgrade.md", "ha.md"}

// prose are the sections that describe no block.
var prose = []string{"Words", "Pages", "The text", "Several people", "Mistakes", "First steps", "Where keys are",
	"Which certificate a client gets", "Expiry", "Certificates by themselves", "Certificates of clients", "Sessions",
	"What is sent", "Kinds of events", "The forms", "Changing the address from afar", "What the box leaves alone", "The clock", "Another machine with the address", "Rights", "Ports for traffic", "VLANs and bonds", "Routes", "NAT",
	"Status", "Menu", "Changing the address", "Where it is", "First set-up", "Who may do what", "The menu", "When the engine does not answer",
	"What a bundle is, and what is checked", "Ways to bring one", "Starting it: the trial", "Both boxes of a pair", "Keys", "On the simulated board",
	"Shared and local blocks", "What is mirrored", "Split networks", "How fast",
	"A certificate from a request", "The command line", "Languages"}

// A section is what stands below one heading of a page.
type section struct {
	page, title string
	level       int // of the heading, 2 or 3
	text        string
}

func sections(t *testing.T, page string) (head string, out []section) {
	t.Helper()
	fenced := false
	for line := range strings.Lines(string(read(t, manual+page))) {
		fenced = fenced != strings.HasPrefix(line, "```")
		marks, title, ok := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case !fenced && ok && (marks == "##" || marks == "###"):
			out = append(out, section{page: page, title: title, level: len(marks)})
		case len(out) > 0:
			out[len(out)-1].text += line
		default:
			head += line
		}
	}
	return head, out
}

// facts is what the manual must say of a block.
func (b *Block) facts() string {
	in := "the top"
	if len(b.In) > 0 {
		in = "`" + strings.Join(b.In, "`, `") + "`"
	}
	if len(b.Only) > 0 {
		in += " with " + blockBy(b) + " " + oneOf(b.Only)
	}
	label := "none"
	if b.Label != "" {
		label = b.Label
	}
	if len(b.Labels) > 0 {
		label += ", " + oneOf(b.Labels)
	}
	many := "any number"
	if b.Max > 0 {
		many = fmt.Sprintf("at most %d", b.Max)
	}
	return fmt.Sprintf("%s\n\n- **Where:** %s\n- **Label:** %s\n- **How many:** %s\n", b.Purpose, in, label, many)
}

// blockBy names what the Only of a block speaks of.
func blockBy(b *Block) string {
	for _, outer := range Schema() {
		if slices.Contains(b.In, outer.Name) {
			return outer.By
		}
	}
	return ""
}

// facts is what the manual must say of a keyword.
func (k *Keyword) facts(b *Block) string {
	where := "`" + b.title() + "`"
	if len(k.Only) > 0 {
		where += " with " + b.By + " " + oneOf(k.Only)
	}
	value := string(k.Kind)
	list := k.Kind.element() != ""
	switch {
	case k.Ref != "" && list:
		value = "list of names of " + k.Ref + " blocks"
	case k.Ref != "":
		value = "name of a " + k.Ref
	case len(k.OneOf) > 0 && list:
		value = "list of " + oneOf(k.OneOf)
	case len(k.OneOf) > 0:
		value = oneOf(k.OneOf)
	}
	if k.Min != "" {
		value += ", " + k.Min + " to " + k.Max
	}
	def := "none: " + k.Unset
	switch {
	case k.Required:
		def = "none: it must be given"
	case k.Default != "":
		def = "`" + k.DefaultText(k.Default) + "`"
	}
	for sel, text := range k.DefaultFor {
		def += fmt.Sprintf("; `%s` for %s %q", k.DefaultText(text), b.By, sel)
	}
	return fmt.Sprintf("%s\n\n- **Where:** %s\n- **Value:** %s\n- **Default:** %s\n", k.Purpose, where, value, def)
}

// want returns the facts of a section by its title, or "" if the table has none.
func want(title string) string {
	for i := range language {
		b := &language[i]
		if title == b.title() {
			return b.facts()
		}
		keyword, ok := strings.CutPrefix(title, b.title()+" ")
		if k := b.keyword(keyword); ok && k != nil {
			return k.facts(b)
		}
	}
	return ""
}

func TestManualHasTheFactsOfTheTable(t *testing.T) {
	if *update {
		writeFacts(t)
	}
	documented := make(map[string]bool)
	for _, page := range pages {
		_, list := sections(t, page)
		for _, s := range list {
			if slices.Contains(prose, s.title) {
				continue
			}
			facts := want(s.title)
			rest, ok := strings.CutPrefix(strings.TrimLeft(s.text, "\n"), facts)
			switch {
			case facts == "":
				t.Errorf("%s: %s is documented, and does not exist", page, s.title)
			case documented[s.title]:
				t.Errorf("%s: %s is documented twice", page, s.title)
			case !ok:
				t.Errorf("%s: %s must begin with:\n%s\nit is:\n%.400s", page, s.title, facts, s.text)
			case len(strings.TrimSpace(rest)) < 40:
				t.Errorf("%s: %s does not say when to choose it", page, s.title)
			case s.level == 3 && (!strings.Contains(rest, "```hcl") || !strings.Contains(rest, "See also: ")):
				t.Errorf("%s: %s lacks an example or a see also", page, s.title)
			}
			documented[s.title] = true
		}
	}
	for _, b := range Schema() {
		for _, name := range append([]string{b.title()}, titles(b)...) {
			if !documented[name] {
				t.Errorf("%s is not documented", name)
			}
		}
	}
}

func titles(b Block) (out []string) {
	for _, k := range b.Keywords {
		out = append(out, b.title()+" "+k.Name)
	}
	return out
}

// oldFacts are the facts of an earlier table, or the place for them.
var oldFacts = regexp.MustCompile(`^\n*(FACTS\n|[^\n]+\n\n(- \*\*[^\n]*\n){3})`)

// writeFacts puts the facts of the table into the manual.
func writeFacts(t *testing.T) {
	for _, page := range pages {
		head, list := sections(t, page)
		for _, s := range list {
			text := s.text
			if facts := want(s.title); facts != "" {
				text = "\n" + facts + oldFacts.ReplaceAllString(text, "")
			}
			head += strings.Repeat("#", s.level) + " " + s.title + "\n" + text
		}
		if err := os.WriteFile(manual+page, []byte(head), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var links = regexp.MustCompile(`\]\(([a-z_]*\.md)?(#[a-z0-9_-]+)?\)`)

func TestManualLinksLeadSomewhere(t *testing.T) {
	anchors := make(map[string]bool)
	for _, page := range pages {
		_, list := sections(t, page)
		for _, s := range list {
			anchors[page+"#"+strings.ReplaceAll(strings.ToLower(s.title), " ", "-")] = true
		}
	}
	for _, page := range pages {
		for _, m := range links.FindAllStringSubmatch(string(read(t, manual+page)), -1) {
			to := m[1]
			if to == "" {
				to = page
			}
			if m[2] != "" && !anchors[to+m[2]] {
				t.Errorf("%s: %s leads nowhere", page, m[0])
			}
			if !slices.Contains(pages, to) && !slices.Contains([]string{"rules.md", "accesslog.md", "metrics.md", "cli.md", "audit.md", "hardware.md", "diagnostics.md", "backup.md", "users.md", "api.md", "appliance.md"}, to) {
				t.Errorf("%s: there is no page %s", page, to)
			}
		}
	}
}

var fences = regexp.MustCompile("(?ms)^```hcl *([a-z_ ]*)\n(.*?)^```$")

func TestManualExamplesParse(t *testing.T) {
	files, err := filepath.Glob(manual + "*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		for _, m := range fences.FindAllStringSubmatch(string(read(t, file)), -1) {
			src := []byte(surround(m[1], m[2]))
			if cfg, diags := Parse("example", src); cfg == nil {
				t.Errorf("%s: %v in the example:\n%s", filepath.Base(file), diags, src)
			}
			n++
		}
	}
	if n < 100 {
		t.Errorf("%d examples were found, want at least 100", n)
	}
}

// surround makes a fragment a whole configuration. The words after "hcl" say
// which block it is from, and that block's selector; without them, a text that
// begins with a rule or a condition is a fragment too.
func surround(context, text string) string {
	block, sel, _ := strings.Cut(strings.TrimSpace(context), " ")
	if block == "pool" && sel == "tls" {
		block = "pool tls"
	}
	switch {
	case block == "" && strings.HasPrefix(text, "rule "):
		block = "cluster"
	case block == "" && strings.HasPrefix(text, "when "):
		block, text = "cluster", eachCondition(text)
	case block == "":
		return text
	}
	wrap := func(head, text string) string { return head + " {\n" + text + "}\n" }
	set := func(line string) string { // unless the fragment has it
		if strings.Contains("\n"+text, "\n"+strings.Fields(line)[0]+" ") {
			return ""
		}
		return line + "\n"
	}
	const members = "member \"web1\" {}\nmember \"web2\" {}\n"
	pool, cluster, rest := members, "", ""
	switch block {
	case "engine", "metrics", "access_log", "console", "system", "panel", "serial", "upgrade", "node":
		rest = wrap(block, text)
	case "peer", "group", "announce", "router", "track":
		rest = pair(block, sel, text, wrap, set)
	case "port", "bond", "vlan", "route", "route_rule", "nat", "forwarding":
		rest = front(block, text, wrap, set)
	case "management":
		rest = wrap(block, set(`method = "static"`)+text)
	case "responder", "server", "certificate", "acme", "trust", "syslog", "mail", "alert":
		rest = wrap(block+` "x"`, text)
	case "pool":
		pool = text + members
	case "custom":
		pool = "policy = \"custom\"\n" + members + wrap("custom", text)
	case "member":
		pool = wrap(`member "web1"`, text)
	case "probe":
		pool = members + wrap(fmt.Sprintf("probe %q", sel), text)
	case "persist":
		cluster = wrap(fmt.Sprintf("persist %q", sel), text)
	case "rule":
		cluster = wrap(`rule "x"`, set(`when = method("GET")`)+text)
	case "timeouts", "limits", "rewrite", "compress":
		cluster = wrap(block, text)
		if sel != "" {
			cluster = fmt.Sprintf("protocol = %q\n", sel) + cluster
		}
	case "tls":
		cluster = "protocol = \"https\"\n" + wrap(block, text)
	case "pool tls":
		pool = wrap("tls", text) + members
	case "cluster":
		protocol := max(sel, "http") // the others sort behind it
		cluster = set(fmt.Sprintf("protocol = %q", protocol)) + set(`listen = ["192.0.2.1:80"]`) + set(`pool = "shop"`) + text
	}
	if block != "cluster" {
		if !strings.HasPrefix(cluster, "protocol") {
			cluster = "protocol = \"http\"\n" + cluster
		}
		cluster = "listen = [\"192.0.2.1:80\"]\npool = \"shop\"\n" + cluster
	}
	return "server \"web1\" { address = \"192.0.2.11:80\" }\nserver \"web2\" { address = \"192.0.2.12:80\" }\n" +
		wrap(`pool "shop"`, pool) + wrap(`pool "api"`, members) + wrap(`cluster "shop"`, cluster) + rest +
		"responder \"sorry\" {}\nresponder \"moved\" { redirect = \"/\" }\n" +
		"certificate \"shop\" {}\ncertificate \"shop-rsa\" {}\ntrust \"corp\" {}\n" +
		"acme \"letsencrypt\" { agree_tos = true }\n" +
		"syslog \"siem\" { address = \"192.0.2.9:514\" }\nmail \"ops\" {\nserver = \"192.0.2.25:25\"\nfrom = \"a@example.com\"\nto = [\"b@example.com\"]\n}\n"
}

// front is surround for the blocks of ports, and of the ways between networks.
func front(block, text string, wrap func(head, text string) string, set func(line string) string) string {
	switch block {
	case "port":
		return wrap(`port "lan1"`, text)
	case "bond":
		return wrap(`bond "bond0"`, set(`ports = ["lan3", "lan4"]`)+text)
	case "vlan":
		return wrap(`port "lan1"`, "mtu = 9000\n"+wrap(`vlan "100"`, text))
	case "route":
		text = set(`to = ["10.20.0.0/16"]`) + text
		if !strings.Contains(text, "via ") && !strings.Contains(text, "port ") {
			text += "via = \"192.0.2.1\"\n"
		}
		text = wrap(`route "x"`, text)
	case "route_rule":
		text = wrap(`route_rule "x"`, set(`table = 100`)+set(`from = ["10.0.0.0/8"]`)+text)
	case "nat":
		text = wrap(`nat "x"`, set(`from = ["10.0.0.0/8"]`)+set(`out = "lan1"`)+text)
	case "forwarding":
		text = wrap("forwarding", text)
	}
	return wrap(`port "lan1"`, "addresses = [\"192.0.2.2/24\"]\n") + text
}

// pair is surround for what stands in the blocks node and group.
func pair(block, sel, text string, wrap func(head, text string) string, set func(line string) string) string {
	const router = "port = \"lan1\"\nvrid = 9\naddresses = [\"192.0.2.1/24\"]\n"
	homes := "homes = [\"left\", \"right\"]\n"
	switch block {
	case "peer":
		return wrap("node", "listen = \"10.255.0.1:7460\"\n"+wrap(`peer "right"`, text))
	case "group":
		return wrap(`group "x"`, set(strings.TrimSpace(homes))+text+wrap(`router "x"`, router))
	case "announce":
		homes += wrap("announce", text) + wrap(`router "x"`, router)
	case "router":
		homes += wrap(`router "x"`, set(`port = "lan1"`)+set(`vrid = 9`)+set(`addresses = ["192.0.2.1/24"]`)+text)
	default:
		homes += wrap(fmt.Sprintf("track %q %q", sel, "shop"), text)
	}
	return wrap(`group "x"`, homes)
}

// eachCondition makes a rule of every "when" in text.
func eachCondition(text string) string {
	var b strings.Builder
	for i, when := range strings.Split("\n"+text, "\nwhen ")[1:] {
		fmt.Fprintf(&b, "rule \"r%d\" {\nwhen %s\n}\n", i, when)
	}
	return b.String()
}
