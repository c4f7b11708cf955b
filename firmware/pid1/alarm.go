// SPDX-License-Identifier: Apache-2.0

package pid1

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// AlarmsFile is where the alarms are for the other processes of the box.
const AlarmsFile = "/run/evener/alarms.json"

// An Alarm is something that is wrong with the machine below the box and that people
// must hear of.
type Alarm struct {
	Object string `json:"object"` // what it is about: "state", "data", "clock", "modules", ...
	Text   string `json:"text"`   // what is wrong, what it costs, and what would mend it
	Grave  bool   `json:"grave"`  // the box serves with less than it should
}

// Alarms keeps alarms in memory and in a file.
type Alarms struct {
	path string

	mu   sync.Mutex // guards list and the file
	list []Alarm
}

// NewAlarms returns alarms that are kept in AlarmsFile below root.
func NewAlarms(root string) *Alarms { return &Alarms{path: filepath.Join(root, AlarmsFile)} }

// Raise adds an alarm. That the file could not be written is an error; the alarm is
// kept all the same.
func (a *Alarms) Raise(x Alarm) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, x)
	text, err := json.MarshalIndent(a.list, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(a.path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(a.path+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(a.path+".new", a.path)
}

// ReadAlarms reads what process 1 has left below root; nothing where it has left
// nothing.
func ReadAlarms(root string) ([]Alarm, error) {
	text, err := os.ReadFile(filepath.Join(root, AlarmsFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Alarm
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read %s: %w", AlarmsFile, err)
	}
	return list, nil
}
