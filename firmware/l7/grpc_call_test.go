// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// A letter is a message of a call; rawCodec sends it as it is.
type letter string

type rawCodec struct{}

func (rawCodec) Name() string                  { return "raw" }
func (rawCodec) Marshal(v any) ([]byte, error) { return []byte(*v.(*letter)), nil }
func (rawCodec) Unmarshal(b []byte, v any) error {
	*v.(*letter) = letter(b)
	return nil
}

// echoCalls answers each message of a stream with itself, and ends with a status
// of its own where it is asked to.
var echoCalls = grpc.ServiceDesc{
	ServiceName: "test.Echo", HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{{StreamName: "Talk", ServerStreams: true, ClientStreams: true,
		Handler: func(_ any, s grpc.ServerStream) error {
			for {
				var m letter
				switch err := s.RecvMsg(&m); {
				case err == io.EOF:
					return nil
				case err != nil:
					return err
				case m == "fail":
					return status.Error(codes.NotFound, "no such thing")
				}
				if err := s.SendMsg(&m); err != nil {
					return err
				}
			}
		}}},
}

// talk opens a stream in both directions.
func talk(ctx context.Context, t *testing.T, c *grpc.ClientConn) grpc.ClientStream {
	t.Helper()
	s, err := c.NewStream(ctx, &echoCalls.Streams[0], "/test.Echo/Talk")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCallsOfGRPC has a client and a server that others wrote talk through the
// box: messages of any size in turn on one stream, statuses, deadlines, and what
// the box says itself.
func TestCallsOfGRPC(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(rawCodec{}))
	server.RegisterService(&echoCalls, nil)
	go server.Serve(ln)
	defer server.Stop()
	b := muxBox(t, ln.Addr(), true, nil)
	b.streamMember(false)
	c, err := grpc.NewClient("passthrough:///"+b.addr, grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	s := talk(ctx, t, c)
	for i, size := range []int{0, 1, 100, 20_000, 1 << 20, 3, 100_000} {
		want := letter(strings.Repeat(fmt.Sprint(i), size))
		if err := s.SendMsg(&want); err != nil {
			t.Fatal(err)
		}
		var got letter
		if err := s.RecvMsg(&got); err != nil || got != want {
			t.Fatalf("message %d: got %d bytes, %v, want %d", i, len(got), err, size)
		}
	}
	_ = s.CloseSend()
	if err := s.RecvMsg(new(letter)); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}

	s = talk(ctx, t, c)
	fail := letter("fail")
	_ = s.SendMsg(&fail)
	if err := s.RecvMsg(new(letter)); status.Code(err) != codes.NotFound || status.Convert(err).Message() != "no such thing" {
		t.Errorf("the server's status came as %v", err)
	}

	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := talk(short, t, c).RecvMsg(new(letter)); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("after the deadline: %v", err)
	}
	b.eventually("the server is free", func() bool { return b.svc.Stats.Slot(0).Active.Value() == 0 })

	server.Stop()
	err = talk(ctx, t, c).RecvMsg(new(letter))
	if status.Code(err) != codes.Unavailable || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a server: %v, want Unavailable", err)
	}
	c.Close()
	b.noneLeft()
}
