// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/gorilla/websocket"
)

// errEngine is the end of the engine's connection in the middle of a line.
var errEngine = errors.New("the engine has closed its connection")

// pump carries the engine's lines to the browser.
func (c *socket) pump(in *lineReader) {
	for {
		part, last, err := in.next()
		if err != nil {
			c.end(closeRestart, "the engine restarts")
			return
		}
		c.wire.cork(last && in.waiting())
		switch err = c.deliver(in, part, last); {
		case errors.Is(err, errEngine):
			c.end(closeRestart, "the engine restarts")
			return
		case err != nil:
			c.end(closeSlow, "the browser does not take what is sent")
			return
		}
	}
}

// deliver writes one line, of which part is the first piece.
func (c *socket) deliver(in *lineReader, part []byte, last bool) error {
	if last {
		if n, ok := special(part); ok {
			return c.deliverSpecial(n, part)
		}
		if len(part) <= piece {
			return c.write(websocket.TextMessage, part)
		}
	}
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	w, err := c.ws.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	for {
		for len(part) > 0 {
			n := min(len(part), piece)
			err := c.put(func() error {
				_, err := w.Write(part[:n])
				return err
			})
			if err != nil {
				return err
			}
			part = part[n:]
		}
		if last {
			return c.put(w.Close)
		}
		if part, last, err = in.next(); err != nil {
			return errEngine
		}
	}
}

// write writes a short message.
func (c *socket) write(kind int, msg []byte) error {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	return c.put(func() error { return c.ws.WriteMessage(kind, msg) })
}

// put lets write put one piece on the wire; the caller has the turn.
func (c *socket) put(write func() error) error {
	c.pen <- struct{}{}
	defer func() { <-c.pen }()
	c.ws.SetWriteDeadline(time.Now().Add(pieceWait))
	return write()
}

// A special line is a notification of the engine that the console acts on.
type specialLine struct {
	Method string `json:"method"`
	Params struct {
		chunk
		Kind string `json:"kind"`
	} `json:"params"`
}

// special says whether line is one. Most lines are dismissed without being read.
func special(line []byte) (n specialLine, ok bool) {
	if !bytes.Contains(line, []byte(`"stream.data"`)) && !bytes.Contains(line, []byte(`"session.end"`)) {
		return n, false
	}
	var head struct {
		Method string `json:"method"`
	}
	if json.Unmarshal(line, &head) != nil || head.Method != "stream.data" && head.Method != "session.end" {
		return n, false // the words stand in somebody's text
	}
	return n, json.Unmarshal(line, &n) == nil
}

// deliverSpecial writes a piece of a stream as binary message, and ends the
// connection of a session that has ended.
func (c *socket) deliverSpecial(n specialLine, line []byte) error {
	if n.Method == "stream.data" {
		return c.write(websocket.BinaryMessage, n.Params.chunk.frame())
	}
	err := c.write(websocket.TextMessage, line)
	c.end(closeSession, n.Params.Kind)
	return err
}
