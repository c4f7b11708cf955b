// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"evener/firmware/api"
)

// boxLogFile has what all processes of an appliance log; its predecessor has ".1" behind
// its name.
const boxLogFile = boxData + "/log/box.log"

// maxLogTail is how much of the log goes out at once, in bytes.
const maxLogTail = 4 << 20

type logTail struct {
	Bytes int `json:"bytes,omitempty" doc:"at most, of the end; 65536"`
}

type logText struct {
	Text string `json:"text"`
}

// addLog registers a method that sends the end of the box's log, which only root may
// read. name is "" where there is none.
func addLog(name string) func(reg *api.Registry) {
	return func(reg *api.Registry) {
		api.Add(reg, api.Method{Name: "log.tail", Purpose: "Sends the end of what all processes of the box have logged.", Role: api.Admin},
			func(_ context.Context, _ api.Call, p logTail) (logText, error) {
				if name == "" {
					return logText{}, api.Errorf(api.CodeNotFound, "log.none", "the processes of this box log to the standard error of whoever has started it")
				}
				n := int64(64 << 10)
				if p.Bytes > 0 {
					n = min(int64(p.Bytes), maxLogTail)
				}
				text, err := lastOf(name, n)
				return logText{string(text)}, err
			})
	}
}

// lastOf returns the last n bytes of a log and its predecessor.
func lastOf(name string, n int64) ([]byte, error) {
	newer, _, err := endOfFile(name, n)
	if err != nil {
		return nil, err
	}
	if rest := n - int64(len(newer)); rest > 0 {
		older, _, err := endOfFile(name+".1", rest)
		if err != nil {
			return nil, err
		}
		newer = append(older, newer...)
	}
	return newer, nil
}

// endOfFile returns the last n bytes of a file, nothing of one that is not there, and
// whether there is more before them.
func endOfFile(name string, n int64) (end []byte, more bool, err error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, false, err
	}
	end, err = io.ReadAll(io.NewSectionReader(f, max(0, size-n), min(n, size)))
	return end, size > n, err
}
