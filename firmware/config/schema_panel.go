// SPDX-License-Identifier: Apache-2.0

package config

var panelBlocks = []Block{{
	Name: "panel", Max: 1, Local: true, field: "Panel",
	Purpose: "The display and the keys on the front of the box. Without the block they work with the defaults.",
	Keywords: []Keyword{
		{Name: "mode", Kind: KindString, OneOf: []string{"full", "read-only", "off"}, Default: "full",
			Purpose: "What the panel is for: everything that its menu has, to look at alone, or nothing."},
		{Name: "pin", Kind: KindString, check: checkPIN, Unset: "the menu opens without one",
			Purpose: "The digits that open the menu, 4 to 8 of them."},
		{Name: "language", Kind: KindString, OneOf: []string{"en", "zh-Hans"}, Default: "en",
			Purpose: "The language of the panel. A display that has no Chinese characters stays with English."},
		{Name: "rotate", Kind: KindDuration, Min: "2s", Max: "1m", Default: "5s",
			Purpose: "How long each page of the status is shown before the next."},
		{Name: "backlight", Kind: KindInt, Min: "0", Max: "100", Default: "100",
			Purpose: "How bright the display is, in percent, where that can be set."},
		{Name: "contrast", Kind: KindInt, Min: "0", Max: "100", Default: "0",
			Purpose: "The contrast of the display in percent, where that can be set; 0 leaves it as the display has it."},
		{Name: "idle", Kind: KindDuration, Min: "10s", Max: "1h", Default: "1m",
			Purpose: "How long after the last key the menu gives way to the status, and asks for the PIN again."},
	},
}}
