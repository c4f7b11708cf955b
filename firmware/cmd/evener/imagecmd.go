// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"evener/image/slot"
)

// An imageInfo is what a bundle or a disk holds.
type imageInfo struct {
	Kind       string           `json:"kind"`           // bundle or disk
	Size       int64            `json:"size,omitempty"` // of a bundle, in bytes
	Images     []imageHead      `json:"images"`         // one of a bundle, one for each slot of a disk
	Boot       *imageBoot       `json:"boot,omitempty"` // of a disk
	Partitions []slot.Partition `json:"partitions,omitempty"`
}

// An imageHead is one image.
type imageHead struct {
	Slot     slot.Name      `json:"slot,omitempty"` // empty: it is a bundle
	Problem  string         `json:"problem,omitempty"`
	GivenUp  string         `json:"given_up,omitempty"` // why the box gave it up
	Manifest *slot.Manifest `json:"manifest,omitempty"`
	SignedBy []string       `json:"signed_by"`          // keys, as the signatures name them
	Trusted  string         `json:"trusted,omitempty"`  // key by which it was verified
	Verified bool           `json:"verified,omitempty"` // the signature and all of the content are right
	header   slot.Header
}

// An imageBoot is the boot state of a disk.
type imageBoot struct {
	Problem string    `json:"problem,omitempty"`
	Order   string    `json:"order"` // AB or BA
	Good    []string  `json:"good"`
	Tries   [2]int    `json:"tries"` // of A and B
	Once    string    `json:"once,omitempty"`
	Reset   string    `json:"reset,omitempty"`
	Next    slot.Name `json:"next,omitempty"` // that starts; empty: the rescue system
}

func newImage() *cobra.Command {
	return group("image", "look into bundles and disks; no box is needed", newImageShow(), newImageVerify())
}

func newImageShow() *cobra.Command {
	return &cobra.Command{Use: "show FILE", Short: "what a bundle, an image or a disk says of itself", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			info, err := withImage(args[0], func(f *os.File) (imageInfo, error) {
				_, info, err := readBundle(f)
				return info, err
			}, func(*slot.Disk, *imageInfo) error { return nil })
			if err != nil {
				return err
			}
			return show(cmd, info, func(w io.Writer) { printImage(w, info) })
		}}
}

func newImageVerify() *cobra.Command {
	var file string
	cmd := &cobra.Command{Use: "verify FILE", Short: "check the signatures and every byte of a bundle, an image or a disk", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ks, err := readKeySet(file)
			if err != nil {
				return err
			}
			info, err := withImage(args[0], func(f *os.File) (imageInfo, error) { return verifyBundle(f, ks) },
				func(d *slot.Disk, info *imageInfo) error { return verifyDisk(cmd.Context(), d, ks, info) })
			if err != nil {
				return err
			}
			return show(cmd, info, func(w io.Writer) { printWhole(w, info) })
		}}
	cmd.Flags().StringVar(&file, "keys", "/etc/evener/keys", "the keys that count: a line ID BASE64 for each")
	return cmd
}

// readKeySet reads a set of keys.
func readKeySet(file string) (slot.Keys, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return slot.Keys{}, fmt.Errorf("%w: name the file of the keys that you trust with --keys", err)
	}
	if err != nil {
		return slot.Keys{}, err
	}
	ks, err := slot.ParseKeys(text)
	if err == nil && len(ks.List) == 0 {
		err = errors.New("there is no key in it")
	}
	if err != nil {
		return ks, fmt.Errorf("%s: %w", file, err)
	}
	return ks, nil
}

// withImage finds out what a file is, and looks at it as such.
func withImage(name string, bundle func(*os.File) (imageInfo, error), disk func(*slot.Disk, *imageInfo) error) (imageInfo, error) {
	f, err := os.Open(name)
	if err != nil {
		return imageInfo{}, err
	}
	defer f.Close()
	first := make([]byte, slot.SectorSize)
	n, err := io.ReadFull(f, first)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return imageInfo{}, err
	}
	var info imageInfo
	if bytes.HasPrefix(first[:n], []byte("EVENER BUNDLE")) {
		if _, err = f.Seek(0, io.SeekStart); err == nil {
			info, err = bundle(f)
		}
	} else if n == len(first) && first[510] == 0x55 && first[511] == 0xaa { // a disk with a partition table
		info, err = lookAtDisk(name, disk)
	} else {
		err = errors.New("it is neither a bundle (.evb) nor a disk with a partition table, or an image of one (.img)")
	}
	if err != nil {
		return info, fmt.Errorf("%s: %w", name, err)
	}
	return info, nil
}

func readBundle(f *os.File) (*slot.Bundle, imageInfo, error) {
	b, err := slot.ParseBundle(f)
	if err != nil {
		return nil, imageInfo{}, err
	}
	return b, imageInfo{Kind: "bundle", Size: b.Length, Images: []imageHead{headOf("", b.Header)}}, nil
}

func headOf(n slot.Name, h slot.Header) imageHead {
	out := imageHead{Slot: n, Manifest: &h.Manifest, SignedBy: []string{}, header: h}
	for _, s := range h.Signatures {
		out.SignedBy = append(out.SignedBy, s.Key)
	}
	return out
}

func verifyBundle(f *os.File, ks slot.Keys) (imageInfo, error) {
	b, info, err := readBundle(f)
	if err != nil {
		return info, err
	}
	k, err := b.Header.Verify(ks)
	if err != nil {
		return info, err
	}
	if _, err := io.Copy(io.Discard, b); err != nil {
		return info, err
	}
	info.Images[0].Trusted, info.Images[0].Verified = k.ID, true
	return info, nil
}

// lookAtDisk reads what lies on a disk, and has more done with it.
func lookAtDisk(name string, more func(*slot.Disk, *imageInfo) error) (imageInfo, error) {
	d, err := slot.View(name)
	if err != nil {
		return imageInfo{}, errors.New(strings.TrimPrefix(err.Error(), name+": "))
	}
	defer d.Close()
	info := imageInfo{Kind: "disk", Partitions: d.Partitions(), Boot: bootOf(d)}
	for _, n := range []slot.Name{slot.A, slot.B} {
		h, err := d.Slot(n)
		one := imageHead{Slot: n, SignedBy: []string{}}
		switch {
		case err == nil:
			one = headOf(n, h)
		case !errors.Is(err, slot.ErrEmpty):
			one.Problem = err.Error()
		}
		if f, ok := d.Fault(n); ok {
			one.GivenUp = f.Reason
		}
		info.Images = append(info.Images, one)
	}
	return info, more(d, &info)
}

func bootOf(d *slot.Disk) *imageBoot {
	s, err := d.Boot()
	c, _ := s.Choose()
	b := &imageBoot{Order: s.Order(), Good: []string{}, Tries: s.Try, Once: s.Once, Reset: s.Reset, Next: c.Slot}
	if err != nil {
		b.Problem = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	for _, n := range []slot.Name{slot.A, slot.B} {
		if s.Good(n) {
			b.Good = append(b.Good, string(n))
		}
	}
	return b
}

// verifyDisk checks what is in both slots. An empty one is no mistake, unless
// both are.
func verifyDisk(ctx context.Context, d *slot.Disk, ks slot.Keys, info *imageInfo) error {
	var errs []error
	full := 0
	if info.Boot.Problem != "" {
		errs = append(errs, errors.New(info.Boot.Problem))
	}
	for i := range info.Images {
		one := &info.Images[i]
		switch {
		case one.Problem != "":
			errs = append(errs, errors.New(one.Problem))
		case one.Manifest != nil:
			full++
			if err := d.Verify(ctx, one.Slot, ks, nil); err != nil {
				errs = append(errs, err)
				continue
			}
			k, _ := one.header.Verify(ks) // which Verify has done before
			one.Trusted, one.Verified = k.ID, true
		}
	}
	if full == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("both slots are empty"))
	}
	return errors.Join(errs...)
}

func printImage(w io.Writer, info imageInfo) {
	if b := info.Boot; b != nil {
		fmt.Fprintf(w, "boot state  order %s, good %s, tries A %d B %d, next %s\n", b.Order, dash(strings.Join(b.Good, " ")),
			b.Tries[0], b.Tries[1], cmp.Or(string(b.Next), "the rescue system"))
		if b.Problem != "" {
			fmt.Fprintln(w, "ATTENTION:", b.Problem)
		}
	}
	for _, one := range info.Images {
		if one.Slot != "" {
			fmt.Fprintf(w, "\nslot %s\n", one.Slot)
		}
		if one.GivenUp != "" {
			fmt.Fprintln(w, "given up   ", one.GivenUp)
		}
		switch {
		case one.Problem != "":
			fmt.Fprintln(w, "damaged    ", one.Problem)
		case one.Manifest == nil:
			fmt.Fprintln(w, "empty")
		default:
			printManifest(w, *one.Manifest, one.SignedBy)
		}
	}
}

func printManifest(w io.Writer, m slot.Manifest, signed []string) {
	line := func(name, value string) { fmt.Fprintf(w, "%-11s %s\n", name, value) }
	line("version", m.Version)
	line("boards", strings.Join(m.Boards, ", "))
	line("arch", m.Arch)
	line("from", cmp.Or(m.MinVersion, "any version"))
	line("rollback", fmt.Sprint(m.RollbackIndex))
	line("created", m.Created)
	line("size", fmt.Sprintf("%d bytes", m.Size))
	line("sha256", m.SHA256)
	line("signed by", dash(strings.Join(signed, ", ")))
	for _, k := range m.Keys {
		line("trusts", k)
	}
	for _, id := range m.Revoked {
		line("revokes", id)
	}
}

func printWhole(w io.Writer, info imageInfo) {
	for _, one := range info.Images {
		where := ""
		if one.Slot != "" {
			where = fmt.Sprintf("slot %s: ", one.Slot)
		}
		if one.Manifest == nil {
			fmt.Fprintln(w, where+"empty")
			continue
		}
		fmt.Fprintf(w, "%s%s is whole, and signed by %s\n", where, one.Manifest.Version, one.Trusted)
	}
}
