// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"evener/firmware/config"
)

// The console words the language of the configuration in other languages by the names
// of its blocks and keywords, and in English as the table does.
func TestEveryKeywordIsTranslated(t *testing.T) {
	kinds, blocks, help, without := map[string][]string{}, map[string][]string{}, map[string][]string{}, map[string][]string{}
	under := func(s string) string { return strings.ReplaceAll(s, " ", "_") }
	for _, b := range config.Schema() {
		title := b.Title
		if title == "" {
			title = b.Name
		}
		blocks[under(title)] = nil
		for _, k := range b.Keywords {
			name := b.Name + "_" + k.Name
			if k.Name == "description" || k.Name == "labels" {
				name = "any_" + k.Name
			}
			kinds[under(string(k.Kind))], help[name] = nil, nil
			if k.Unset != "" {
				without[name] = nil
			}
		}
	}
	compare(t, "zh-Hans/reference.json block.", blocks, texts(t, "zh-Hans", "reference", "block."))
	compare(t, "zh-Hans/reference.json kind.", kinds, texts(t, "zh-Hans", "reference", "kind."))
	compare(t, "zh-Hans/blocks.json without.", without, texts(t, "zh-Hans", "blocks", "without."))

	// What forms have too is with their texts.
	all, rest := texts(t, "zh-Hans", "blocks", "help."), texts(t, "zh-Hans", "reference", "help.")
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		if all[name] != "" {
			t.Errorf("the help of %s is in blocks.json and in reference.json", name)
		}
		all[name] = rest[name]
	}
	compare(t, "zh-Hans/blocks.json and reference.json help.", help, all)
}

// The console names every block, and knows which have a label: it reads the paths of
// all others as blocks within blocks.
func TestTheConsoleKnowsEveryBlock(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("..", "..", "webui", "src", "paths.ts"))
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string) map[string]string {
		out := map[string]string{}
		m := regexp.MustCompile(`const ` + name + ` = new Set\(\[(.*)\]\)`).FindSubmatch(source)
		if m == nil {
			t.Fatalf("paths.ts has no set called %s", name)
		}
		for word := range strings.SplitSeq(string(m[1]), ", ") {
			out[strings.Trim(word, `"`)] = word
		}
		return out
	}
	all, labelled, twice := map[string][]string{}, map[string][]string{}, []string{}
	for _, b := range config.Schema() {
		all[b.Name] = nil
		if b.Label != "" {
			labelled[b.Name] = nil
		}
		if b.Second != "" {
			twice = append(twice, b.Name)
		}
	}
	compare(t, "en/changes.json type.", all, texts(t, "en", "changes", "type."))
	compare(t, "labelled of webui/src/paths.ts", labelled, set("labelled"))
	if got := slices.Sorted(maps.Keys(set("twice"))); !slices.Equal(got, twice) {
		t.Errorf("twice of webui/src/paths.ts has %v, the language %v", got, twice)
	}
}
