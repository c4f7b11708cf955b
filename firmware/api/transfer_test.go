// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A snail reads or writes a little every second.
type snail struct {
	r io.Reader
	w io.Writer
}

func (s snail) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return s.r.Read(p[:min(len(p), 70_000)])
}

func (s snail) Write(p []byte) (int, error) {
	time.Sleep(time.Second)
	return s.w.Write(p)
}

// aboard returns a client of a dock.
func aboard(t *testing.T, got *bytes.Buffer) (*Client, *spring) {
	reg, well := newDock(got, make(chan error, 8))
	c := NewClient(serve(t, reg, ServerConfig{}).dial())
	return c, well
}

func TestClientTransfers(t *testing.T) {
	const size = 3_000_000 // many times the credit
	want := bytes.Repeat([]byte("d"), size)
	for name, slow := range map[string]bool{"fast": false, "slow": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var came, got bytes.Buffer
				c, _ := aboard(t, &got)
				defer c.Close()
				var opened streamed
				r, err := c.Download(t.Context(), "dock.out", map[string]int{"bytes": size}, &opened)
				if err != nil || opened.Stream != 1 {
					t.Fatalf("Download = %+v, %v", opened, err)
				}
				var to io.Writer = &came
				var from io.Reader = bytes.NewReader(want)
				if slow {
					to, from = snail{w: to}, snail{r: from}
				}
				if _, err := io.Copy(to, r); err != nil || !bytes.Equal(came.Bytes(), want) {
					t.Errorf("%d bytes came, %v", came.Len(), err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				var taken int
				if err := c.Upload(t.Context(), "dock.in", struct{}{}, from, &taken); err != nil || taken != size || !bytes.Equal(got.Bytes(), want) {
					t.Errorf("Upload: %d of %d bytes taken, %v", taken, size, err)
				}
			})
		})
	}
}

func TestClientGivesADownloadUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, well := aboard(t, nil)
		defer c.Close()
		r, err := c.Download(t.Context(), "dock.spring", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, 1_000_000)); err != nil {
			t.Error(err)
		}
		r.Close()
		<-well.closed
		if err := c.Call(t.Context(), "sys.fail", nil, nil); AsError(err).Code == 0 {
			t.Errorf("a call after it = %v", err)
		}
	})
}

// A transfer that nobody goes on with ends by itself.
func TestIdleTransferEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, well := aboard(t, new(bytes.Buffer))
		defer c.Close()
		r, err := c.Download(t.Context(), "dock.spring", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		<-well.closed
		if _, err := io.Copy(io.Discard, r); err == nil || AsError(err).Code != CodeTimeout {
			t.Errorf("download: %v", err)
		}
		stuck, w := io.Pipe()
		go func() { time.Sleep(2 * streamIdle); w.Close() }()
		if err := c.Upload(t.Context(), "dock.in", struct{}{}, stuck, nil); AsError(err).Code != CodeTimeout {
			t.Errorf("upload: %v", err)
		}
	})
}

func TestTransfersEndWithTheirContextAndConnection(t *testing.T) {
	for name, end := range map[string]func(c *Client, cancel func()){
		"context":    func(_ *Client, cancel func()) { cancel() },
		"connection": func(c *Client, _ func()) { c.nc.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got bytes.Buffer
				c, well := aboard(t, &got)
				defer c.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r, err := c.Download(ctx, "dock.spring", nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				sent := make(chan error)
				stuck, w := io.Pipe()
				go func() { sent <- c.Upload(ctx, "dock.in", map[string]bool{"stuck": true}, stuck, nil) }()
				w.Write(make([]byte, streamWindow)) // there is no credit for more
				go w.Write(make([]byte, 1))
				synctest.Wait()
				end(c, cancel)
				if _, err := io.Copy(io.Discard, r); err == nil {
					t.Error("the download has an end")
				}
				if err := <-sent; err == nil {
					t.Error("the upload was good")
				}
				w.CloseWithError(io.ErrClosedPipe)
				stuck.Close()
				r.Close()
				<-well.closed
			})
		})
	}
}

// What comes out of place, beyond the credit or changed is no download.
func TestClientRefusesWrongPieces(t *testing.T) {
	data := func(offset, n int) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","method":"stream.data","params":{"stream":5,"offset":%d,"data":%q}}`, offset, base64.StdEncoding.EncodeToString(make([]byte, n)))
	}
	end := func(params string) string { return `{"jsonrpc":"2.0","method":"stream.end","params":` + params + `}` }
	for _, c := range []struct {
		name, want string
		lines      []string
	}{
		{"gap", "goes on at byte 11, not 10", []string{data(0, 10), data(11, 1)}},
		{"again", "goes on at byte 0, not 10", []string{data(0, 10), data(0, 10)}},
		{"flood", "more than it had credit for", []string{data(0, 200<<10), data(200<<10, 100<<10)}},
		{"changed", "not 00: get them again", []string{data(0, 10), end(`{"stream":5,"ok":true,"sha256":"00"}`)}},
		{"failed", "disk broke", []string{data(0, 10), end(`{"stream":5,"error":{"code":-32000,"message":"disk broke"}}`)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				cl := NewClient(here)
				defer cl.Close()
				in := bufio.NewReader(there)
				go func() {
					in.ReadString('\n')
					say(there, append([]string{`{"jsonrpc":"2.0","id":1,"result":{"stream":5}}`}, c.lines...)...)
					io.Copy(io.Discard, in)
				}()
				r, err := cl.Download(t.Context(), "x.download", nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // all has come
				_, err = io.Copy(io.Discard, r)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %s", err, c.want)
				}
				r.Close()
			})
		})
	}
}

// A method that opens no stream is not waited for.
func TestClientNeedsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := aboard(t, nil)
		defer c.Close()
		if _, err := c.Download(t.Context(), "server.drain", drainParams{Pool: "x"}, nil); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("Download of no stream = %v", err)
		}
	})
}
