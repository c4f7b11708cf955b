// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"go/format"
	"strings"
	"testing"
)

const header = "// SPDX-License-Identifier: Apache-2.0\n"

// Lines that a file may have.
const (
	longFile    = 400 // more need an entry in longFiles
	longestFile = 600
)

// longFiles are the files above longFile lines, each with the reason why it
// would be worse in two.
var longFiles = map[string]string{}

func TestGoFilesBeginWithTheLicence(t *testing.T) {
	for _, f := range goFiles(t) {
		if !bytes.HasPrefix(f.text, []byte(header)) && !f.generated(t) {
			t.Errorf("%s: the first line must be %q", f.name, strings.TrimSpace(header))
		}
	}
}

func TestGoFilesAreFormatted(t *testing.T) {
	for _, f := range goFiles(t) {
		want, err := format.Source(f.text)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		if !bytes.Equal(f.text, want) {
			t.Errorf("%s: not formatted; run make fmt", f.name)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range goFiles(t) {
		n := bytes.Count(f.text, []byte("\n"))
		switch reason, listed := longFiles[f.name]; {
		case f.generated(t):
		case n > longestFile:
			t.Errorf("%s: %d lines; at most %d are allowed: split it by idea", f.name, n, longestFile)
		case n > longFile && !listed:
			t.Errorf("%s: %d lines; split it by idea, or give the reason in longFiles "+
				"(firmware/policy/files_test.go)", f.name, n)
		case n > longFile && reason == "":
			t.Errorf("%s: its entry in longFiles has no reason", f.name)
		case n > longFile:
			seen[f.name] = true
		}
	}
	for name := range longFiles {
		if !seen[name] {
			t.Errorf("%s: not longer than %d lines any more; remove it from longFiles", name, longFile)
		}
	}
}

func TestPackagesHaveOneDoc(t *testing.T) {
	type found struct {
		name string // of the package
		docs []string
	}
	packages := map[string]*found{}
	for _, f := range goFiles(t) {
		parsed := f.parse(t)
		if strings.HasSuffix(parsed.Name.Name, "_test") {
			continue
		}
		p := packages[f.dir()]
		if p == nil {
			p = &found{name: parsed.Name.Name}
			packages[f.dir()] = p
		}
		if parsed.Doc == nil {
			continue
		}
		p.docs = append(p.docs, f.name)
		want := "Package " + p.name + " "
		if p.name == "main" {
			want = "Command " + f.dir()[strings.LastIndexByte(f.dir(), '/')+1:] + " "
		}
		if !strings.HasPrefix(parsed.Doc.Text(), want) {
			t.Errorf("%s: the package's documentation must begin with %q; a comment that is not "+
				"documentation needs an empty line before the package clause", f.name, want)
		}
	}
	for dir, p := range packages {
		switch len(p.docs) {
		case 0:
			t.Errorf("%s: the package has no documentation; say what it is for and what it refuses to know", dir)
		case 1:
		default:
			t.Errorf("%s: the package is documented in %s; keep one", dir, strings.Join(p.docs, " and "))
		}
	}
}
