// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"encoding/json"
	"maps"
)

// maxSettings is the size of a user's settings, in bytes of JSON.
const maxSettings = 16 << 10

// A settingsDoc has the settings of users, by id. One that is in use is never changed.
type settingsDoc struct {
	Version int                        `json:"version"`
	Users   map[string]json.RawMessage `json:"users"`
}

func (a *Auth) loadSettings() {
	doc := &settingsDoc{Version: formatVersion, Users: map[string]json.RawMessage{}}
	if err := a.load(settingsName, &doc.Version, doc); err != nil || doc.Users == nil {
		a.log.Warn("settings of users begin anew", "err", err)
		doc = &settingsDoc{Version: formatVersion, Users: map[string]json.RawMessage{}}
	}
	a.settings.Store(doc)
}

// Settings returns what the console keeps for a user, a JSON object.
func (a *Auth) Settings(name string) (json.RawMessage, error) {
	u, err := a.users.Load().named(name)
	if err != nil {
		return nil, err
	}
	if s := a.settings.Load().Users[u.ID]; s != nil {
		return s, nil
	}
	return json.RawMessage("{}"), nil
}

// SetSettings keeps a JSON object for a user, in place of the one before.
func (a *Auth) SetSettings(name string, settings json.RawMessage) error {
	var object map[string]json.RawMessage
	if len(settings) > maxSettings || json.Unmarshal(settings, &object) != nil || object == nil {
		return errorf(Invalid, "settings must be a JSON object of %d bytes at most", maxSettings)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, settings); err != nil {
		return err
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	users := a.users.Load()
	u, err := users.named(name)
	if err != nil {
		return err
	}
	next := &settingsDoc{Version: formatVersion, Users: maps.Clone(a.settings.Load().Users)}
	maps.DeleteFunc(next.Users, func(id string, _ json.RawMessage) bool { return users.byID(id) == nil })
	next.Users[u.ID] = compact.Bytes()
	if err := a.save(settingsName, next); err != nil {
		return err
	}
	a.settings.Store(next)
	return nil
}
