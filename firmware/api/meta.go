// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// A meta is what a request says beside its parameters.
type meta struct {
	Origin string `json:"origin,omitempty"` // cli, api, console, panel or serial
	Key    string `json:"key,omitempty"`    // calls with the same key are one
	Lang   string `json:"lang,omitempty"`   // BCP 47

	// Of the console, which passes on the calls of others.
	Token  string `json:"token,omitempty"` // of a session or for the API; "": none
	Remote string `json:"remote,omitempty"`
	Agent  string `json:"agent,omitempty"` // User-Agent
	Auto   bool   `json:"auto,omitempty"`  // nobody is at it: a page asks by itself
}

// The longest values, in bytes.
const (
	maxKey    = 128
	maxToken  = 512
	maxRemote = 64
	maxAgent  = 200 // what is longer is cut
)

var langForm = regexp.MustCompile(`^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8}){0,4}$`)

// decodeMeta reads the meta member of a request.
func decodeMeta(b json.RawMessage) (m meta, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || b[0] != '{' {
		return meta{}, fmt.Errorf("meta is an object of strings: origin, key, lang; of the console token, remote and agent too, and auto, which is true or false")
	}
	switch m.Origin {
	case "", "cli", "api", "console", "panel", "serial":
	default:
		return meta{}, fmt.Errorf("meta.origin must be cli, api, console, panel or serial, not %q", m.Origin)
	}
	for _, v := range []struct {
		name, value string
		most        int
	}{{"key", m.Key, maxKey}, {"token", m.Token, maxToken}, {"remote", m.Remote, maxRemote}} {
		if len(v.value) > v.most {
			return meta{}, fmt.Errorf("meta.%s has %d bytes; it may have %d", v.name, len(v.value), v.most)
		}
	}
	if m.Lang != "" && !langForm.MatchString(m.Lang) {
		return meta{}, fmt.Errorf("meta.lang must be a language tag such as zh-Hans, not %.40q", m.Lang)
	}
	m.Agent = cut(m.Agent, maxAgent)
	return m, nil
}

// cut returns the first characters of s, most bytes at the most.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
