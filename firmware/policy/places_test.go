// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// topLevel is all that may lie at the top of the tree.
var topLevel = []string{
	"firmware", "webui", "board", "hal", "ha", "image", "buildroot", "docs", "examples", ".ci",
	"go.mod", "go.sum", "README.md", "LICENSE", "Makefile", ".gitignore", ".gitattributes",
	".git", "build", // not in the repository
}

func TestTopLevelIsTidy(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(topLevel, e.Name()) {
			t.Errorf("%s: does not belong at the top of the tree; output goes to build/, packages into their part", e.Name())
		}
	}
}

func TestNoCatchAllPackages(t *testing.T) {
	refused := []string{"util", "utils", "common", "helpers", "helper", "misc", "internal", "pkg"}
	for _, f := range goFiles(t) {
		for part := range strings.SplitSeq(f.dir(), "/") {
			if slices.Contains(refused, part) {
				t.Errorf("%s: a folder %s says nothing; name the idea, or put the code beside its only user", f.name, part)
			}
		}
	}
}

// machinePaths match paths that exist on somebody's machine only.
var machinePaths = []*regexp.Regexp{
	regexp.MustCompile(`/home/[a-z][a-z0-9_-]*/`),
	regexp.MustCompile(`/Users/[A-Za-z]`),
	regexp.MustCompile(`/root/(go|src|\.)`),
}

// registries returns the hosts of package registries: the public ones, and
// those that this machine is set up to use.
func registries() (hosts []string) {
	// In pieces, because this file is part of the tree.
	for _, h := range [][2]string{{"proxy.golang", "org"}, {"sum.golang", "org"}, {"registry.npmjs", "org"},
		{"registry.yarnpkg", "com"}, {"registry.npmmirror", "com"}, {"files.pythonhosted", "org"}, {"goproxy", "io"}, {"goproxy", "cn"}} {
		hosts = append(hosts, h[0]+"."+h[1])
	}
	for _, name := range []string{"GOPROXY", "GOSUMDB", "NPM_CONFIG_REGISTRY", "npm_config_registry", "PIP_INDEX_URL"} {
		for _, s := range strings.FieldsFunc(os.Getenv(name), func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
			if u, err := url.Parse(s); err == nil && u.Hostname() != "" && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" {
				hosts = append(hosts, u.Hostname())
			}
		}
	}
	return hosts
}

func TestNoFileNamesAMachineOrRegistry(t *testing.T) {
	here, hosts := absRoot(t), registries()
	for _, f := range files(t, func(string) bool { return true }) {
		if bytes.IndexByte(f.text, 0) >= 0 {
			continue // not text
		}
		for _, host := range hosts {
			if bytes.Contains(f.text, []byte(host)) {
				t.Errorf("%s: names the package registry %s; every machine has its own settings for that: leave it out", f.name, host)
			}
		}
		if len(filepath.ToSlash(here)) > 4 && regexp.MustCompile(regexp.QuoteMeta(here)+`\b`).Match(f.text) {
			t.Errorf("%s: names the directory in which this tree lies; write the path from the top of the tree", f.name)
		}
		for _, p := range machinePaths {
			if m := p.Find(f.text); m != nil && f.name != "firmware/policy/places_test.go" {
				t.Errorf("%s: names a path of one machine, %q; write it relative, or use an environment variable", f.name, m)
			}
		}
	}
}
