// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"log/slog"
	"testing"
)

func TestRunRefusesMistakesAndASecondRun(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	c := New(Config{Targets: []Target{{Pool: "shop", Member: "web1"}}}, log)
	if err := c.Run(t.Context()); err == nil {
		t.Error("Run with a target without address succeeded")
	}
	c = New(Config{}, log)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run(ctx); err != nil {
		t.Errorf("Run = %v", err)
	}
	if err := c.Run(ctx); err == nil {
		t.Error("second Run succeeded")
	}
}
