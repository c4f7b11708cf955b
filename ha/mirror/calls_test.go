// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCallIsAnswered(t *testing.T) {
	release := make(chan struct{})
	left, right := pair(t, func(c *Config) {
		c.Serve = func(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
			switch method {
			case "echo":
				return append([]byte(peer+" says "), body...), nil
			case "wait":
				select {
				case <-release:
				case <-ctx.Done():
				}
				return nil, nil
			case "long":
				return make([]byte, MaxMessage+1), nil
			}
			return nil, errors.New("no such method")
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := left.Call(ctx, "right", "echo", []byte("hello"))
	if err != nil || string(got) != "left says hello" {
		t.Errorf("Call(echo) = %q, %v", got, err)
	}
	big := []byte(strings.Repeat("x", MaxMessage))
	if got, err := right.Call(ctx, "left", "echo", big[:MaxMessage-100]); err != nil || len(got) < MaxMessage-100 {
		t.Errorf("Call(echo, 4 MiB) = %d bytes, %v", len(got), err)
	}
	var remote *RemoteError
	for method, body := range map[string][]byte{"other": nil, "long": nil} {
		if _, err := left.Call(ctx, "right", method, body); !errors.As(err, &remote) {
			t.Errorf("Call(%s) = %v, want a RemoteError", method, err)
		}
	}
	for method, body := range map[string][]byte{"": nil, "mirror.put": nil, "echo": append(big, 'x')} {
		if _, err := left.Call(ctx, "right", method, body); err == nil || errors.As(err, &remote) {
			t.Errorf("Call(%q) = %v, want a refusal here", method, err)
		}
	}
	if _, err := left.Call(ctx, "nobody", "echo", nil); err == nil {
		t.Error("a box that is no peer was asked")
	}

	in := right.peer("left").intake()
	eventually(t, "right is at no question", func() bool { return len(in.slots) == 0 }) // an answer arrives before its place is free
	answers := make(chan error, maxServing+1)
	for range maxServing + 1 {
		go func() { _, err := left.Call(ctx, "right", "wait", nil); answers <- err }()
	}
	if err := <-answers; !errors.As(err, &remote) {
		t.Errorf("one question too many: %v, want a RemoteError", err)
	}
	close(release)
	for range maxServing {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	right.end()
	eventually(t, "a call to who is away fails", func() bool {
		_, err := left.Call(ctx, "right", "echo", nil)
		return errors.Is(err, ErrAway)
	})
}

func TestCallEndsWithTheStream(t *testing.T) {
	asked := make(chan struct{})
	left, right := pair(t, func(c *Config) {
		c.Serve = func(ctx context.Context, _, _ string, _ []byte) ([]byte, error) {
			close(asked)
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	failed := make(chan error)
	go func() { _, err := left.Call(context.Background(), "right", "wait", nil); failed <- err }()
	<-asked
	right.end()
	select {
	case err := <-failed:
		if err == nil {
			t.Error("a call was answered by a box that has ended")
		}
	case <-time.After(patience):
		t.Error("a call waits for a box that has ended")
	}
}
