// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// imageOf returns the newest image of a board that `make image` has left in build,
// or in $EVENER_IMAGES.
func imageOf(t testing.TB, board, ending string) string {
	t.Helper()
	name, err := Newest(images(), board, ending)
	if errors.Is(err, ErrNoImage) {
		t.Skipf("%v: make image BOARD=%s", err, board)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func images() string {
	if dir := os.Getenv("EVENER_IMAGES"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "build")
}

// A box is a guest that runs an image.
type box struct {
	*Guest
	t      testing.TB
	ctx    context.Context
	places *Places
}

// limit bounds what a guest may take for a test, on a machine that does much else.
const limit = 15 * time.Minute

// boot starts a guest, with a place of its own unless places are given.
func boot(t testing.TB, places *Places, cfg Config) *box {
	t.Helper()
	return bootAs(t, t.Name(), places, cfg)
}

// bootAs starts a guest whose serial line is recorded under a name.
func bootAs(t testing.TB, name string, places *Places, cfg Config) *box {
	t.Helper()
	needs(t, Programs(cfg.Arch)...)
	if places == nil {
		var err error
		if places, err = Take(t.Context(), 1); err != nil { // after as long as the others take
			t.Fatal(err)
		}
		t.Cleanup(places.Free)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	var record io.Writer
	if dir := os.Getenv("EVENER_SERIAL_LOGS"); dir != "" { // for people who look for a fault
		f, err := os.OpenFile(filepath.Join(dir, filepath.Base(name)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		record = f
	}
	g, err := Start(ctx, places, cfg, record, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return &box{g, t, ctx, places}
}

// expect waits for one of the patterns.
func (b *box) expect(patterns ...string) (int, []string) {
	b.t.Helper()
	which, match, err := b.Serial().Expect(b.ctx, patterns...)
	if err != nil {
		b.t.Fatal(err)
	}
	return which, match
}

// answer waits for a question and types the answer.
func (b *box) answer(question, answer string) {
	b.t.Helper()
	if err := b.Serial().Answer(b.ctx, question, answer); err != nil {
		b.t.Fatal(err)
	}
}
