// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// maxPath is the longest path of a Unix socket (sun_path of unix(7), with its
// final zero).
const maxPath = 107

// lines are sockets that QEMU connects to when it starts, by name. It is that way
// round, so that nothing is lost of what comes first.
type lines map[string]*net.UnixListener

func listen(dir string, names []string) (lines, error) {
	l := lines{}
	for _, name := range names {
		u, err := listenUnix(filepath.Join(dir, name))
		if err != nil {
			l.close()
			return nil, err
		}
		l[name] = u
	}
	return l, nil
}

// listenUnix takes the place of a socket that was left.
func listenUnix(path string) (*net.UnixListener, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("the path of a socket has %d characters at most, which %s exceeds: choose a shorter folder", maxPath, path)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}

// accept waits for the one connection of a line.
func (l lines) accept(ctx context.Context, name string) (net.Conn, error) {
	u := l[name]
	stop := context.AfterFunc(ctx, func() { _ = u.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	conn, err := u.Accept()
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return conn, err
}

func (l lines) close() {
	for _, u := range l {
		u.Close()
	}
}
