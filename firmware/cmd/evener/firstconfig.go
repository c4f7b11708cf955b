// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"evener/firmware/store"
)

const emptyConfig = "# Nothing is configured yet: see docs/manual/configuration.md.\n"

// firstRevision commits the configuration file of a box that has no revision.
func (e *engine) firstRevision() error {
	text := []byte(emptyConfig)
	comment := "empty configuration of a new box"
	if e.cfg.config != "" {
		src, err := os.ReadFile(e.cfg.config)
		if err != nil {
			return err
		}
		text, comment = src, "from "+filepath.Base(e.cfg.config)
	}
	if e.store.Running().Number != 0 {
		if e.cfg.config != "" {
			e.tellUnused(text)
		}
		return nil
	}
	_, err := e.store.CommitText(text, store.CommitOptions{Author: "box", Origin: store.Boot, Comment: comment})
	return err
}

// tellUnused says once that a file of --config is not what is served. A file that
// is an older revision is no news: somebody has moved on from it.
func (e *engine) tellUnused(text []byte) {
	for _, r := range e.store.History() {
		if old, err := e.store.Text(r.Number); err == nil && bytes.Equal(old, text) {
			return
		}
	}
	sum := sha256.Sum256(text)
	word, file := hex.EncodeToString(sum[:]), filepath.Join(e.cfg.state, "config.told")
	if told, err := os.ReadFile(file); err == nil && string(told) == word {
		return
	}
	e.log.Info("the box went on with its running revision, which differs from --config",
		"rev", e.store.Running().Number, "file", e.cfg.config,
		"compare", "evener config show | diff - "+e.cfg.config,
		"note", "a commit of the file would take back what was committed since")
	if err := os.WriteFile(file, []byte(word), 0o600); err != nil {
		e.log.Warn("not remembered that the file was told of", "err", err)
	}
}
