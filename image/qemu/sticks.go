// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"fmt"
	"strings"
)

// Plug plugs in a USB stick with an image, in QEMU's raw format, which the guest may
// write to. Its name is for [Guest.Pull], and is used once. The guest needs Config.USB.
func (g *Guest) Plug(ctx context.Context, name, image string) error {
	if strings.Contains(image, ",") {
		return noComma(image)
	}
	node := map[string]any{"driver": "raw", "node-name": name, "file": map[string]any{"driver": "file", "filename": image}}
	if err := g.mon.do(ctx, "blockdev-add", node, nil); err != nil {
		return err
	}
	return g.mon.do(ctx, "device_add", map[string]any{"driver": "usb-storage", "id": stickID(name), "bus": "usb.0", "drive": name,
		"removable": true, "serial": "evener-" + name}, nil)
}

// Pull pulls a stick out, whatever the guest does with it.
func (g *Guest) Pull(ctx context.Context, name string) error {
	if err := g.mon.do(ctx, "device_del", map[string]any{"id": stickID(name)}, nil); err != nil {
		return err
	}
	gone := func(e Event) bool { return e.Name == "DEVICE_DELETED" && e.Data["device"] == stickID(name) }
	if _, err := g.mon.wait(ctx, 0, gone); err != nil {
		return fmt.Errorf("stick %s is still there: %w", name, err)
	}
	return nil
}

func stickID(name string) string { return "usb-" + name }
