// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"evener/firmware/lb"
	"evener/firmware/store"
)

// mirroredItems begin the names of what the vault shares with other boxes: that
// which objects of the shared configuration name, and the keys that certificates of
// theirs are to come for.
var mirroredItems = []string{lb.ImportedItems, lb.SelfSignedItems, lb.TrustItems, lb.EABItems, lb.ACMEItems, alertItems, requestItems}

// A wireItem is an item of the vault between boxes.
type wireItem struct {
	Time time.Time `json:"time"` // when it was saved
	Data []byte    `json:"data"`
}

// sharedItems returns what the vault shares.
func (b *Box) sharedItems() map[string]store.Item {
	out := map[string]store.Item{}
	vault := b.cfg.Store.Vault()
	for _, prefix := range mirroredItems {
		for name, item := range vault.Items(prefix) {
			out[name] = item
		}
	}
	return out
}

func isShared(name string) bool {
	for _, prefix := range mirroredItems {
		if strings.HasPrefix(name, prefix) && len(name) > len(prefix) {
			return true
		}
	}
	return false
}

// certificateMirror carries certificates with their keys, authorities, accounts and
// passwords of alerts.
func (b *Box) certificateMirror() *MirrorTable {
	t := &MirrorTable{Name: "certificates"}
	t.Snapshot = func(_ context.Context, yield func(key, value []byte) bool) error {
		for name, item := range b.sharedItems() {
			value, err := b.wireItem(name, item)
			if err != nil {
				return err
			}
			if !yield([]byte(name), value) {
				break
			}
		}
		return nil
	}
	t.Apply = func(_ string, changes []MirrorChange) error {
		taken, acme := false, false
		err := t.each(changes, func(c MirrorChange) error {
			ok, err := b.takeItem(string(c.Key), c)
			taken, acme = taken || ok, acme || ok && strings.HasPrefix(string(c.Key), lb.ACMEItems)
			return err
		})
		if taken {
			b.useTaken(acme)
		}
		return err
	}
	return t
}

func (b *Box) wireItem(name string, item store.Item) ([]byte, error) {
	data, err := b.cfg.Store.Vault().Load(name)
	if err != nil {
		return nil, err
	}
	return json.Marshal(wireItem{item.Time, data})
}

// takeItem keeps an item of another box if it was saved later than this box's.
func (b *Box) takeItem(name string, c MirrorChange) (bool, error) {
	if !isShared(name) {
		return false, fmt.Errorf("this version shares nothing called %q", name)
	}
	vault := b.cfg.Store.Vault()
	have, known := vault.Items(name)[name]
	if c.Deleted {
		return false, vault.Delete(name)
	}
	var w wireItem
	if err := json.Unmarshal(c.Value, &w); err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	if len(w.Data) == 0 || known && !w.Time.After(have.Time) {
		return false, nil
	}
	if old, err := vault.Load(name); err == nil && string(old) == string(w.Data) {
		return false, nil
	}
	return true, vault.Save(name, w.Data)
}

// useTaken serves with what the vault has now. What does not fit is a problem of the
// certificates, and they stay as they were.
func (b *Box) useTaken(acme bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.certificatesChanged()
	var err error
	if acme {
		err = b.cfg.Balancer.ReloadIssuers()
	} else {
		err = b.cfg.Balancer.Reload()
	}
	if err != nil {
		b.log.Error("certificates of another box not in use", "err", err)
		return
	}
	if b.cfg.Mirror != nil {
		b.cfg.Mirror.SharedChanged() // what was refused for want of them may be served now
	}
}

// tellItems tells peers what has changed in the vault since told, and returns what
// is there now.
func (b *Box) tellItems(told map[string]string) map[string]string {
	t := b.standby.tables.certificates
	now := map[string]string{}
	for name, item := range b.sharedItems() {
		now[name] = item.SHA256
		if told == nil || told[name] == item.SHA256 {
			continue
		}
		if value, err := b.wireItem(name, item); err == nil {
			t.put([]byte(name), value)
		}
	}
	for name := range told {
		if _, ok := now[name]; !ok {
			t.remove([]byte(name))
		}
	}
	return now
}
