// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"evener/image"
)

// A printer tells the person what is made.
type printer struct {
	w     io.Writer
	start time.Time
}

func (p *printer) step(format string, args ...any) {
	fmt.Fprintf(p.w, "%5.1fs  %s\n", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
}

// warn tells what nobody should overlook.
func (p *printer) warn(format string, args ...any) {
	line := strings.Repeat("*", 78)
	fmt.Fprintf(p.w, "%s\n%s\n%s\n", line, fmt.Sprintf(format, args...), line)
}

func (p *printer) report(r report) {
	mib := func(n int64) float64 { return float64(n) / (1 << 20) }
	fmt.Fprintf(p.w, "\nEvener %s for %s (%s), kernel %s, signed by key %s\n", r.Version, r.Board, r.Arch, r.Kernel, r.Key)
	fmt.Fprintf(p.w, "  slot %.1f MiB of at most %.0f: kernel %.1f, initrd %.1f, program %.1f uncompressed\n",
		mib(r.PayloadSize), mib(r.PayloadLimit), mib(r.KernelSize), mib(r.InitrdSize), mib(r.ProgramSize))
	fmt.Fprintf(p.w, "  rescue system: initrd %.1f MiB\n", mib(r.RescueSize))
	for _, f := range r.Files {
		fmt.Fprintf(p.w, "  %s\n    %.1f MiB (%.1f MiB stored), sha256 %s\n", f.File, mib(f.Size), mib(f.Stored), f.SHA256)
	}
	fmt.Fprintln(p.w)
}

// add measures a file that was made.
func (r *report) add(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	m := made{File: filepath.Base(file), Size: n, Stored: n, SHA256: hex.EncodeToString(h.Sum(nil))}
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		m.Stored = sys.Blocks * 512
	}
	r.Files = append(r.Files, m)
	return nil
}

// sizes measures the parts.
func (r *report) sizes(p image.Payload, s image.Spec) error {
	for _, part := range []struct {
		file string
		size *int64
	}{{p.Kernel, &r.KernelSize}, {p.Initrd, &r.InitrdSize}, {p.RescueInitrd, &r.RescueSize}, {s.Evener, &r.ProgramSize}} {
		if part.file == "" {
			continue
		}
		st, err := os.Stat(part.file)
		if err != nil {
			return err
		}
		*part.size = st.Size()
	}
	return nil
}
