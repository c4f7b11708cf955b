// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoImage tells that no image of a board has been built.
var ErrNoImage = errors.New("there is no image")

// Newest returns the newest of the files that `make image` has left in dir for a board,
// or for an architecture, such as "evener-1.2.0-qemu-x86_64.img" for "qemu-x86_64" and
// ".img". It fails with [ErrNoImage] if there is none.
func Newest(dir, board, ending string) (string, error) {
	list, err := filepath.Glob(filepath.Join(dir, "evener-*-"+board+ending))
	if err != nil {
		return "", err
	}
	var newest string
	var at time.Time
	for _, name := range list {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(at) {
			newest, at = name, info.ModTime()
		}
	}
	if newest == "" {
		return "", fmt.Errorf("%w (%s) of %s in %s", ErrNoImage, ending, board, dir)
	}
	return newest, nil
}

// Overlay makes an overlay over an image, which must not change as long as the
// overlay is used.
func Overlay(ctx context.Context, image, overlay string) error {
	image, err := filepath.Abs(image)
	if err != nil {
		return err
	}
	format, err := imageFormat(image)
	if err != nil {
		return err
	}
	return qemuImg(ctx, "create", "-q", "-f", "qcow2", "-F", format, "-b", image, overlay)
}

// Flatten writes what a guest sees on an overlay into a raw image.
func Flatten(ctx context.Context, overlay, image string) error {
	return qemuImg(ctx, "convert", "-f", "qcow2", "-O", "raw", overlay, image)
}

func qemuImg(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "qemu-img", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("qemu-img %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// imageFormat tells qcow2 from a raw image by its first bytes.
func imageFormat(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if string(magic) == "QFI\xfb" {
		return "qcow2", nil
	}
	return "raw", nil
}
