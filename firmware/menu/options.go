// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"context"
	"fmt"
	"time"
)

// optionsMenu changes the block panel of the configuration.
func optionsMenu() view {
	return &list{title: titled(tOptions), choices: func(s *state) (out []choice) {
		if s.disp.Contrast {
			out = append(out, choice{s.text(tContrast), percent(s, s.set.Contrast), func(s *state) {
				s.push(s.bright(tContrast, "contrast", s.set.Contrast, func(set *Settings) *int { return &set.Contrast }))
			}})
		}
		if s.disp.Backlight {
			out = append(out, choice{s.text(tBacklight), fmt.Sprintf("%d%%", s.set.Backlight), func(s *state) {
				s.push(s.bright(tBacklight, "backlight", s.set.Backlight, func(set *Settings) *int { return &set.Backlight }))
			}})
		}
		if s.disp.Unicode {
			out = append(out, choice{label: s.text(tLanguage), act: func(s *state) { s.push(languageMenu()) }})
		}
		return out
	}}
}

// percent writes a contrast, of which 0 is the display's own.
func percent(s *state, v int) string {
	if v == 0 {
		return s.text(tAsDisplay)
	}
	return fmt.Sprintf("%d%%", v)
}

// bright chooses a brightness that the display shows at once.
func (s *state) bright(title text, keyword string, v int, of func(*Settings) *int) view {
	return &numberEdit{title: title, v: v, low: 0, high: 100, by: 5,
		show: func(s *state, v int) string {
			if keyword == "contrast" {
				return percent(s, v)
			}
			return fmt.Sprintf("%d%%", v)
		},
		change: func(s *state, v int) {
			set := s.set
			*of(&set) = v
			s.preview = &set
		},
		then: func(s *state, v int) { s.option(keyword, v, func(set *Settings) { *of(set) = v }) }}
}

// languageMenu chooses the language.
func languageMenu() view {
	return &list{title: titled(tLanguage), choices: func(s *state) (out []choice) {
		for _, l := range []struct {
			name  string
			label text
		}{{"en", tEnglish}, {"zh-Hans", tChinese}} {
			out = append(out, choice{label: s.text(l.label), act: func(s *state) {
				s.pop()
				s.option("language", l.name, func(set *Settings) { set.Language = l.name })
			}})
		}
		return out
	}}
}

// option commits one setting. It holds at once, and the engine tells it again
// later.
func (s *state) option(keyword string, value any, apply func(*Settings)) {
	c := changing{edit: blockEdit("panel", s.set.Given, map[string]any{keyword: value}), base: s.revision(),
		comment: keyword + " of the panel, at the panel"}
	var made committed
	s.order(order{
		limit: 40 * time.Second,
		do:    func(ctx context.Context, engine, _ caller) error { return c.make(ctx, engine, &made) },
		then: func(s *state, err error) {
			if err == nil {
				apply(&s.set)
				s.set.Given = true
			}
			s.outcome(tDone, err)
		},
	})
}
