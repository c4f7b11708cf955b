// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What the origin serves: smallBody at / and everywhere else, mebibyte at
// /large.
const (
	smallBody = "twenty-three bytes here"
	mebibyte  = 1 << 20
)

// An origin is the servers behind every proxy: nginx on two ports for HTTP, and
// this program for TCP.
type origin struct {
	*process
	http []int
	tcp  net.Listener
}

func startOrigin(ctx context.Context, dir string) (*origin, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	root := filepath.Join(dir, "origin")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(root, "large"), bytes.Repeat([]byte("evener!\n"), mebibyte/8), 0o644); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "origin.conf")
	text := nginxHead(dir) + fmt.Sprintf("keepalive_timeout 120s; keepalive_requests 100000000; sendfile on;\n"+
		"server { listen 127.0.0.1:%d backlog=4096; listen 127.0.0.1:%d backlog=4096; root %s;\n"+
		"location = /large { } location / { return 200 %q; } } }", ports[0], ports[1], root, smallBody)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	o := &origin{http: ports}
	if o.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	go serveTCP(o.tcp)
	if o.process, err = startOn(ctx, loadCPU, "nginx", "-p", dir, "-c", file, "-e", "stderr"); err != nil {
		return nil, err
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err = checkHTTP(fmt.Sprintf("127.0.0.1:%d", ports[1]))
		if err == nil {
			return o, nil
		}
		if dead := o.died(); dead != nil || time.Now().After(end) {
			o.stop()
			return nil, fmt.Errorf("the origin does not serve: %w", o.or(err))
		}
	}
}

func (o *origin) stop() {
	o.tcp.Close()
	o.process.stop()
}

// tcpPort returns the port of the TCP service.
func (o *origin) tcpPort() int { return o.tcp.Addr().(*net.TCPAddr).Port }

// The TCP service answers each message of messageSize bytes with as many, or
// with a mebibyte if it begins with an L.
const messageSize = 100

func serveTCP(ln net.Listener) {
	large := []byte(strings.Repeat("evener!\n", mebibyte/8))
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			message := make([]byte, messageSize)
			for {
				if _, err := io.ReadFull(c, message); err != nil {
					return
				}
				reply := message
				if message[0] == 'L' {
					reply = large
				}
				if _, err := c.Write(reply); err != nil {
					return
				}
			}
		}()
	}
}

func checkTCP(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	return exchange(c, make([]byte, messageSize), make([]byte, messageSize))
}

// exchange sends a message and reads a reply as long as into.
func exchange(c net.Conn, message, into []byte) error {
	if _, err := c.Write(message); err != nil {
		return err
	}
	_, err := io.ReadFull(c, into)
	return err
}
