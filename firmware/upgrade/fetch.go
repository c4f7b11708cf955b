// SPDX-License-Identifier: Apache-2.0

package upgrade

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// StallLimit is how long a web server may send nothing, before its answer or in it, until
// [Fetch] gives it up.
const StallLimit = time.Minute

// Fetch asks a web server for a bundle, by an address of http or https. The reader ends
// with an error when ctx ends, and when nothing has come for [StallLimit]; a server that
// is slow is waited for. It must be closed.
func Fetch(ctx context.Context, address string) (io.ReadCloser, error) {
	return fetch(ctx, address, StallLimit)
}

func fetch(ctx context.Context, address string, limit time.Duration) (io.ReadCloser, error) {
	at, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancelCause(ctx)
	f := &fetched{ctx: ctx, end: end, limit: limit}
	f.stall = time.AfterFunc(limit, func() {
		end(fmt.Errorf("%s has sent nothing for %v, and is given up", at.Host, limit))
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, f.over(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, f.over(err)
	}
	f.stall.Stop()
	f.body = resp.Body
	if resp.StatusCode != http.StatusOK {
		return nil, f.over(fmt.Errorf("%s answers %s", at.Host, resp.Status))
	}
	return f, nil
}

// A fetched is the body of an answer. Only the waiting for it counts as stalling.
type fetched struct {
	ctx   context.Context
	end   context.CancelCauseFunc
	body  io.ReadCloser // nil: no answer yet
	limit time.Duration
	stall *time.Timer
}

// over ends what came to nothing, and returns why.
func (f *fetched) over(err error) error {
	err = f.why(err)
	f.Close()
	return err
}

// why is err, or what has ended the request.
func (f *fetched) why(err error) error {
	if cause := context.Cause(f.ctx); cause != nil {
		return cause
	}
	return err
}

func (f *fetched) Read(p []byte) (int, error) {
	f.stall.Reset(f.limit)
	n, err := f.body.Read(p)
	f.stall.Stop()
	if err != nil && err != io.EOF {
		err = f.why(err)
	}
	return n, err
}

func (f *fetched) Close() error {
	f.stall.Stop()
	f.end(context.Canceled)
	if f.body == nil {
		return nil
	}
	return f.body.Close()
}
