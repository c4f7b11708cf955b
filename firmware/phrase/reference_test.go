// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"maps"
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
