// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// root is the module's directory, as seen from this package's tests.
const root = "../.."

// A file is one file of the tree.
type file struct {
	name string // with slashes, from the module's root
	text []byte
}

// unread are directories that are not ours to judge: output, and what package
// tools unpack.
var unread = map[string]bool{".git": true, "build": true, "node_modules": true}

// files returns every file of the tree for which want is true.
func files(t *testing.T, want func(name string) bool) (all []file) {
	t.Helper()
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if unread[d.Name()] {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !want(name) {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if os.IsNotExist(err) {
			return nil // an editor's file that was there a moment ago
		}
		all = append(all, file{name, text})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// goFiles returns every Go file outside of testdata.
func goFiles(t *testing.T) []file {
	t.Helper()
	all := files(t, func(name string) bool {
		return strings.HasSuffix(name, ".go") && !strings.Contains(name, "testdata/")
	})
	if len(all) < 10 {
		t.Fatalf("only %d Go files were found under %s", len(all), root)
	}
	return all
}

func (f file) dir() string  { return path.Dir(f.name) }
func (f file) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

// generated reports whether a program wrote the file (go.dev/s/generatedcode).
func (f file) generated(t *testing.T) bool { return ast.IsGenerated(f.parse(t)) }

func (f file) parse(t *testing.T) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), f.name, f.text, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// imports returns the paths that the file imports.
func (f file) imports(t *testing.T) (paths []string) {
	t.Helper()
	for _, spec := range f.parse(t).Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatalf("%s: import %s: %v", f.name, spec.Path.Value, err)
		}
		paths = append(paths, p)
	}
	return paths
}

// absRoot returns where the tree lies on this machine.
func absRoot(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
