// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"strings"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/netconf"
	"evener/firmware/pid1"
	"evener/image/slot"
)

// newest opens the newest bundle of the sticks that would be taken.
func (r *rescuer) newest(ctx context.Context, d *slot.Disk) (file io.ReadCloser, name string, err error) {
	u, err := r.upgrades(d)
	if err != nil {
		return nil, "", err
	}
	policy, refused := r.policy(u.Show()), []error{}
	best := ""
	err = r.sticks(ctx, func(stick string, files fs.FS) error {
		for _, pattern := range []string{"*", "evener/*"} {
			list, err := fs.Glob(files, pattern)
			if err != nil {
				return err
			}
			for _, n := range list {
				if !strings.EqualFold(path.Ext(n), ".evb") || strings.HasPrefix(path.Base(n), ".") {
					continue
				}
				f, v, err := openBundle(files, n, policy)
				if err != nil {
					refused = append(refused, fmt.Errorf("%s/%s: %w", stick, n, err))
					continue
				}
				if newer, err := slot.CompareVersions(v, best); file != nil && (err != nil || newer <= 0) {
					f.Close()
					continue
				}
				if file != nil {
					file.Close()
				}
				file, name, best = f, stick+"/"+n, v
			}
		}
		return ctx.Err()
	})
	if file != nil && err == nil {
		return file, name, nil
	}
	if err == nil && len(refused) == 0 {
		err = errors.New("no bundle is on a USB stick: a file that ends in .evb, in the first folder or in one called evener")
	}
	if file != nil {
		file.Close()
	}
	return nil, "", errors.Join(append(refused, err)...)
}

// openBundle opens a bundle that the policy takes, and tells its version.
func openBundle(files fs.FS, name string, p slot.Policy) (io.ReadCloser, string, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, "", err
	}
	b, err := slot.ParseBundle(f)
	if err == nil {
		err = p.Check(b.Header)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, "", err
	}
	f, err = files.Open(name) // at its begin again
	return f, b.Header.Manifest.Version, err
}

// network gives the management port an address until the function that it returns is
// called.
func (r *rescuer) network(ctx context.Context, p rescueFetch) (down func(), err error) {
	want := netconf.Desired{Port: "management"}
	switch p.Method {
	case "dhcp":
		want.Method = netconf.DHCP
	case "static":
		want.Method = netconf.Static
		if err := static(p, &want); err != nil {
			return nil, err
		}
	default:
		return nil, api.Errorf(api.CodeParams, "params.method", "the method is dhcp or static, not %q", p.Method)
	}
	if want.Interface, err = r.managementPort(); err != nil {
		return nil, err
	}
	conf := netconf.New(systemFiles("/etc/resolv.conf"), netconf.Network{}, netconf.Config{}, r.log)
	life, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	down = func() {
		end()
		<-done
	}
	setErr := conf.Set(want)
	go func() {
		defer close(done)
		guarded(r.log, "network", func() { _ = conf.Run(life) })
	}()
	limit := time.After(time.Minute)
	for {
		s := conf.Status()
		if len(s.Addresses) > 0 && (want.Method == netconf.Static || s.Lease != nil) {
			return down, nil
		}
		select {
		case <-limit:
			down()
			return nil, fmt.Errorf("%s got no address within a minute: %s", want.Interface, strings.Join(append(s.Problems, fmt.Sprint(setErr)), "; "))
		case <-ctx.Done():
			down()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func static(p rescueFetch, want *netconf.Desired) error {
	a, err := netip.ParsePrefix(p.Address)
	if err != nil {
		return api.Errorf(api.CodeParams, "params.address", "an address is written with the length of its network, such as 192.0.2.10/24, not %q", p.Address)
	}
	want.Addresses = []netip.Prefix{a}
	for _, q := range []struct {
		text string
		to   *[]netip.Addr
	}{{p.Gateway, &want.Gateways}, {p.DNS, &want.DNS}} {
		if q.text == "" {
			continue
		}
		a, err := netip.ParseAddr(q.text)
		if err != nil {
			return api.Errorf(api.CodeParams, "params.address", "%q is no address", q.text)
		}
		*q.to = []netip.Addr{a}
	}
	return nil
}

// managementPort returns the interface of the board's management port, or the first
// one that has a driver.
func (r *rescuer) managementPort() (string, error) {
	ports, rest := r.board.Assign(board.Identify(os.DirFS("/")).NICs)
	for _, a := range ports {
		if a.Found() && a.Port.Management {
			return a.NIC.Interface, nil
		}
	}
	for _, a := range ports {
		if a.Found() {
			return a.NIC.Interface, nil
		}
	}
	if len(rest) > 0 {
		return rest[0].Interface, nil
	}
	return "", errors.New("the machine has no network port with a driver")
}

// check takes the file systems out of use, has them checked and mounts them again.
func (r *rescuer) check(ctx context.Context) (out rescueLines, err error) {
	err = r.onDisk(func(*slot.Disk) error {
		_ = r.out.Close() // it is on the data partition; what comes meanwhile is kept
		if err := pid1.Unmount(r.kernel, "/", time.Second, r.log, dataMount, stateMount); err != nil {
			r.raise("log", r.out.open(boxLogFile, maxBoxLog))
			return fmt.Errorf("the file systems are in use: %w", err)
		}
		for _, label := range []string{slot.LabelState, slot.LabelData} {
			dev := partitionDevice("/", r.boot.Disk, label)
			if dev == "" {
				out.Lines = append(out.Lines, label+": the disk has no such partition")
				continue
			}
			text, status, err := r.kernel.Run(ctx, "/usr/sbin/e2fsck", "-f", "-p", dev)
			out.Lines = append(out.Lines, strings.Split(strings.TrimSpace(text), "\n")...)
			out.Lines = append(out.Lines, label+": "+fsckWords(status, err))
		}
		r.volumes(ctx)
		return nil
	})
	return out, err
}

// fsckWords says what e2fsck has found (e2fsck(8), exit code).
func fsckWords(status int, err error) string {
	switch {
	case err != nil:
		return "not checked: " + err.Error()
	case status == 0:
		return "nothing is wrong"
	case status < 4:
		return "errors were mended"
	case status&4 != 0:
		return "errors are left that cannot be mended without losing something: a factory reset makes the file system anew"
	}
	return fmt.Sprintf("not checked: e2fsck ended with %d", status)
}
