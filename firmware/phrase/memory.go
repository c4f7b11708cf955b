// SPDX-License-Identifier: Apache-2.0

package phrase

import "sync"

// What is remembered: so many texts twice, and none that is longer.
const (
	maxRemembered = 1024
	maxLength     = 300 // bytes
)

// A memory keeps what texts say that were asked for lately. Pages that show a box live
// ask for the same texts of the same servers every second. When one half is full the
// older one is forgotten.
type memory struct {
	mu           sync.Mutex
	newer, older map[string]meaning
}

// A meaning is what [Of] returns. Nobody changes it.
type meaning struct {
	said Said
	ok   bool
}

// of returns what find says of text, without asking it where that is known.
func (m *memory) of(text string, find func(string) meaning) meaning {
	if len(text) > maxLength {
		return find(text)
	}
	m.mu.Lock()
	known, late := m.newer[text]
	ok := late
	if !ok {
		known, ok = m.older[text]
	}
	m.mu.Unlock()
	if !ok {
		known = find(text)
	}
	if !late {
		m.keep(text, known)
	}
	return known
}

// keep remembers a text as one that was asked for just now.
func (m *memory) keep(text string, said meaning) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.newer == nil || len(m.newer) >= maxRemembered {
		m.newer, m.older = make(map[string]meaning), m.newer
	}
	m.newer[text] = said
}
