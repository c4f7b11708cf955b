// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evener/firmware/api"
	"evener/firmware/manage"
	"evener/webui"
)

func TestPagesHash(t *testing.T) {
	if got, err := pagesHash(""); err != nil {
		t.Errorf("pages in the program: %v", err)
	} else if want, _ := webui.Hash(); got != want {
		t.Errorf("pages in the program: %q, want %q", got, want)
	}
	dir := t.TempDir()
	if got, err := pagesHash(dir); got != "" || err != nil {
		t.Errorf("a folder without a build: %q, %v", got, err)
	}
	writeManifest(t, dir, "{")
	if _, err := pagesHash(dir); err == nil || !strings.Contains(err.Error(), "manifest.json") {
		t.Errorf("a damaged manifest: %v", err)
	}
}

func writeManifest(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestHelloNamesThePagesThatAreServed: else they ask for ever to be loaded anew.
func TestHelloNamesThePagesThatAreServed(t *testing.T) {
	dir, err := os.MkdirTemp("", "pages") // of its parents, too, the console's user must see
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeManifest(t, dir, `{"ui_hash":"of-the-folder"}`)
	b := startLive(t, "", "--webui-dir", dir)
	c, err := api.Dial(filepath.Join(b.state, api.EngineSocket))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var hello manage.Hello
	if err := c.Call(t.Context(), "sys.hello", struct{}{}, &hello); err != nil || hello.UIHash != "of-the-folder" {
		t.Errorf("sys.hello tells of the pages %q, %v; want those of the folder", hello.UIHash, err)
	}
}
