// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A spring gives bytes without end, and notes that it was closed.
type spring struct{ closed chan struct{} }

func (s *spring) Read(p []byte) (int, error) {
	select {
	case <-s.closed:
		return 0, errors.New("closed")
	default:
	}
	return copy(p, bytes.Repeat([]byte("w"), len(p))), nil
}

func (s *spring) Close() error {
	close(s.closed)
	return nil
}

type streamed struct {
	Stream int `json:"stream"`
}

// newDock is a box with streams: of n bytes, without end, and into got.
func newDock(got *bytes.Buffer, took chan<- error) (*Registry, *spring) {
	reg, well := newBox(quiet, nil), &spring{make(chan struct{})}
	Add(reg, Method{Name: "dock.out", Purpose: "Send bytes.", Role: Viewer},
		func(ctx context.Context, _ Call, p struct {
			Bytes int `json:"bytes"`
		}) (streamed, error) {
			n, err := OpenDownload(ctx, io.NopCloser(bytes.NewReader(bytes.Repeat([]byte("d"), p.Bytes))))
			return streamed{n}, err
		})
	Add(reg, Method{Name: "dock.spring", Purpose: "Send bytes without end.", Role: Viewer},
		func(ctx context.Context, _ Call, _ struct{}) (streamed, error) {
			n, err := OpenDownload(ctx, well)
			return streamed{n}, err
		})
	Add(reg, Method{Name: "dock.in", Purpose: "Take bytes.", Role: Viewer},
		func(ctx context.Context, _ Call, p struct {
			Stuck bool `json:"stuck,omitempty"`
		}) (streamed, error) {
			n, err := OpenUpload(ctx, func(ctx context.Context, r io.Reader) (any, error) {
				if p.Stuck {
					<-ctx.Done()
				}
				n, err := io.Copy(got, r)
				took <- err
				return n, err
			}, nil)
			return streamed{n}, err
		})
	return reg, well
}

// tell sends a notification.
func tell(nc net.Conn, method, params string) {
	say(nc, fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":%s}`, method, params))
	synctest.Wait()
}

// drain reads stream.data until want bytes came or something else does, which it
// returns.
func drain(t *testing.T, in *bufio.Reader, want int) (n int, other string) {
	t.Helper()
	for n < want || want < 0 {
		text := line(t, in)
		raw, ok := strings.CutPrefix(text, "stream.data ")
		if !ok {
			return n, text
		}
		var p streamNote
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			t.Fatal(err)
		}
		if p.Offset != uint64(n) {
			t.Fatalf("offset %d after %d bytes", p.Offset, n)
		}
		n += len(p.Data)
	}
	return n, ""
}

func sumOfBytes(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func TestDownloadStopsWithoutCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, _ := newDock(nil, nil)
		nc := serve(t, reg, ServerConfig{}).dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		wantLine(t, ask(t, nc, in, "dock.out", `{"bytes":600000}`), `{"stream":1}`)
		if n, _ := drain(t, in, streamWindow); n != streamWindow {
			t.Fatalf("%d bytes came, want %d", n, streamWindow)
		}
		time.Sleep(time.Minute)
		say(nc, call(2, "sys.fail")) // nothing else comes
		expect(t, in, "2 -32000")
		tell(nc, "stream.credit", `{"stream":1,"bytes":1000000}`)
		var end string
		total := streamWindow
		for end == "" {
			text := line(t, in)
			if raw, ok := strings.CutPrefix(text, "stream.data "); ok {
				var p streamNote
				if err := json.Unmarshal([]byte(raw), &p); err != nil {
					t.Fatal(err)
				}
				total += len(p.Data)
				continue
			}
			end = text
		}
		wantLine(t, end, `stream.end {"stream":1,"ok":true,"sha256":"`+sumOfBytes(bytes.Repeat([]byte("d"), 600000))+`"}`)
		if total != 600000 {
			t.Errorf("%d bytes came, want 600000", total)
		}
	})
}

// A download ends when its client gives up, and with its connection.
func TestDownloadEnds(t *testing.T) {
	for name, end := range map[string]func(nc net.Conn){
		"given up": func(nc net.Conn) { tell(nc, "stream.end", `{"stream":1}`) },
		"closed":   func(nc net.Conn) { nc.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg, well := newDock(nil, nil)
				nc := serve(t, reg, ServerConfig{}).dial()
				in := bufio.NewReader(nc)
				ask(t, nc, in, "dock.spring", `{}`)
				drain(t, in, streamWindow)
				end(nc)
				<-well.closed
				if name == "given up" {
					wantLine(t, line(t, in), `stream.end {"stream":1,"error":{"code":-32050,"message":"the client has ended the transfer","data":{"kind":"cancelled","said":{"message":{"kind":"call.transfer_ended"}}}}}`)
				}
				nc.Close()
			})
		})
	}
}

// Whose answer is never read leaves nothing open.
func TestDownloadOfNobodyIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, well := newDock(nil, nil)
		nc := serve(t, reg, ServerConfig{}).dial()
		say(nc, call(1, "sys.fail"))
		synctest.Wait()
		say(nc, call(2, "dock.spring"))
		synctest.Wait()
		nc.Close()
		<-well.closed
	})
}

func TestUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got bytes.Buffer
		took := make(chan error, 1)
		reg, _ := newDock(&got, took)
		nc := serve(t, reg, ServerConfig{}).dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		wantLine(t, ask(t, nc, in, "dock.in", `{}`), `{"stream":1}`)
		piece, sent, credit := bytes.Repeat([]byte("u"), 32<<10), 0, streamWindow
		for sent < 40*len(piece) {
			for credit >= len(piece) && sent < 40*len(piece) {
				data, _ := json.Marshal(streamNote{Stream: 1, Offset: uint64(sent), Data: piece})
				tell(nc, "stream.data", string(data))
				sent, credit = sent+len(piece), credit-len(piece)
			}
			if sent == 40*len(piece) {
				break
			}
			var p streamNote
			if err := json.Unmarshal([]byte(strings.TrimPrefix(line(t, in), "stream.credit ")), &p); err != nil || p.Bytes == 0 {
				t.Fatalf("no credit: %+v %v", p, err)
			}
			credit += p.Bytes
		}
		sum := sumOfBytes(bytes.Repeat([]byte("u"), sent))
		tell(nc, "stream.end", `{"stream":1,"ok":true,"sha256":"`+sum+`"}`)
		for {
			text := line(t, in)
			if strings.HasPrefix(text, "stream.credit ") {
				continue
			}
			wantLine(t, text, `stream.end {"stream":1,"ok":true,"sha256":"`+sum+`","result":1310720}`)
			break
		}
		if err := <-took; err != nil || got.Len() != sent {
			t.Errorf("took %d bytes of %d: %v", got.Len(), sent, err)
		}
	})
}

func TestUploadFaults(t *testing.T) {
	data := func(offset, n int) string {
		b, _ := json.Marshal(streamNote{Stream: 1, Offset: uint64(offset), Data: make([]byte, n)})
		return string(b)
	}
	for _, c := range []struct {
		name, params string
		notes        [][2]string
		want         string
	}{
		{"over the credit", `{"stuck":true}`, [][2]string{{"stream.data", data(0, 200<<10)}, {"stream.data", data(200<<10, 100<<10)}}, `had credit for 57344 bytes; 102400 came`},
		{"out of place", `{}`, [][2]string{{"stream.data", data(5, 10)}}, `goes on at byte 0, not 5`},
		{"after the end", `{"stuck":true}`, [][2]string{{"stream.end", `{"stream":1}`}, {"stream.data", data(0, 1)}}, `it takes no more bytes`},
		{"checksum", `{}`, [][2]string{{"stream.data", data(0, 1)}, {"stream.end", `{"stream":1,"sha256":"00"}`}}, `not 00: send them again`},
		{"given up", `{}`, [][2]string{{"stream.data", data(0, 1)}, {"stream.end", `{"stream":1,"error":{"message":"x"}}`}}, `the client has ended the transfer`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took := make(chan error, 1)
				reg, _ := newDock(new(bytes.Buffer), took)
				nc := serve(t, reg, ServerConfig{}).dial()
				defer nc.Close()
				in := bufio.NewReader(nc)
				ask(t, nc, in, "dock.in", c.params)
				for _, n := range c.notes {
					tell(nc, n[0], n[1])
				}
				if got := line(t, in); !strings.HasPrefix(got, `stream.end {"stream":1,"error":`) || !strings.Contains(got, c.want) {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if err := <-took; err == nil {
					t.Error("the reader has not told")
				}
			})
		})
	}
}

func TestStreamLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, _ := newDock(nil, nil)
		nc := serve(t, reg, ServerConfig{}).dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		for range maxStreams {
			ask(t, nc, in, "dock.out", `{"bytes":1000000}`)
			drain(t, in, streamWindow)
		}
		say(nc, `{"jsonrpc":"2.0","id":9,"method":"dock.out","params":{"bytes":1}}`)
		expect(t, in, "9 -32004")
		say(nc, `{"jsonrpc":"2.0","id":9,"method":"dock.out","params":{"bytes":1},"meta":{"key":"k"}}`)
		expect(t, in, "9 -32600")
		tell(nc, "stream.credit", `{"stream":77,"bytes":1}`) // gone: no mistake
		say(nc, `{"jsonrpc":"2.0","method":"stream.credit","params":{"stream":1,"bytes":-1}}`)
		expect(t, in, "null -32600")
	})
	if _, err := OpenDownload(t.Context(), io.NopCloser(strings.NewReader(""))); err == nil {
		t.Error("a stream without a connection opens")
	}
}

// Progress is told as it comes, ten times a second at most, and never after the
// answer.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := newBox(quiet, nil)
		Add(reg, Method{Name: "sys.work", Purpose: "Work.", Role: Viewer},
			func(ctx context.Context, _ Call, _ struct{}) (struct{}, error) {
				for i := range int64(20) {
					Progress(ctx, i, 20, "work.step")
					wait(ctx, 50*time.Millisecond)
				}
				return struct{}{}, nil
			})
		nc := serve(t, reg, ServerConfig{}).dial()
		defer nc.Close()
		in := bufio.NewReader(nc)
		say(nc, call(1, "sys.work"))
		n := 0
		for {
			text := line(t, in)
			if !strings.HasPrefix(text, "$/progress ") {
				wantLine(t, text, `{}`)
				break
			}
			if n == 0 {
				wantLine(t, text, `$/progress {"id":1,"done":0,"total":20,"note":"work.step"}`)
			}
			n++
		}
		if n != 10 {
			t.Errorf("%d reports, want 10", n)
		}
		Progress(t.Context(), 1, 1, "") // of no call: nothing happens
	})
}
