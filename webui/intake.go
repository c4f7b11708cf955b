// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"errors"
	"io"
	"net"

	"github.com/gorilla/websocket"
)

// errFlood is what ends a connection with too many control frames.
var errFlood = errors.New("too many control frames")

// intake carries the browser's messages to the engine until the connection
// ends, and says whether the browser has closed it by the rules.
func (c *socket) intake(known bool) (closed bool) {
	rates := c.s.unknown
	c.ws.SetReadLimit(bodyUnknown)
	if known {
		rates = c.s.messages
		c.ws.SetReadLimit(bodyKnown)
	}
	within := false // a message: then a pong is no reason for more time
	control := func(answer func() error) error {
		if rates.take(c.who().counted()) > 0 {
			return errFlood
		}
		if !within {
			c.await(pongWait)
		}
		return answer()
	}
	c.ws.SetPongHandler(func(string) error { return control(func() error { return nil }) })
	c.ws.SetPingHandler(func(text string) error {
		return control(func() error {
			_ = c.control(websocket.PongMessage, []byte(text)) // a dead connection ends by itself
			return nil
		})
	})
	for {
		within = false
		c.await(pongWait)
		kind, r, err := c.ws.NextReader()
		if err == nil {
			within = true
			c.await(messageWait)
			err = c.take(rates, kind, r)
		}
		if err != nil {
			return c.lost(err)
		}
	}
}

// lost ends the connection after an error of reading.
func (c *socket) lost(err error) (closed bool) {
	var ne net.Error
	var ce *websocket.CloseError
	switch {
	case errors.As(err, &ce):
		c.end(websocket.CloseNormalClosure, "")
		return true
	case errors.Is(err, websocket.ErrReadLimit): // the library has told the client
		c.end(websocket.CloseMessageTooBig, "the message is too long")
	case errors.Is(err, errFlood):
		c.end(websocket.ClosePolicyViolation, "too many control frames")
	case errors.As(err, &ne) && ne.Timeout():
		c.end(closeSlow, "nothing came from the browser in time")
	default:
		c.end(websocket.CloseProtocolError, "the connection broke")
	}
	return false
}

// take reads one message and passes it on. Its error is one of reading.
func (c *socket) take(rates *limiter, kind int, r io.Reader) error {
	if c.ctx.Err() != nil { // only the answer to our farewell matters
		_, err := io.Copy(io.Discard, r)
		return err
	}
	if rates.wait(c.ctx, c.who().counted()) != nil {
		return nil
	}
	msg, release, err := c.readAll(r)
	defer release()
	if err != nil || c.ctx.Err() != nil {
		return err
	}
	var q request
	var f *fault
	if kind == websocket.BinaryMessage {
		var k chunk
		if k, f = readChunk(msg); f == nil {
			q = k.request(c.who())
		}
	} else {
		q, f = readRequest(msg, c.who())
	}
	if f != nil {
		return c.refuse(q, f)
	}
	line := q.line()
	if len(line) > maxSend {
		return c.refuse(q, faultf(codeTooLarge, "message.size", "a request may have %d bytes", maxSend))
	}
	if sendLine(c.engine, line) != nil {
		c.end(closeRestart, "the engine restarts")
	}
	return nil
}

// readAll reads a message. Beyond smallMessage it takes one of the places for
// large ones, so that many clients who send slowly hold little.
func (c *socket) readAll(r io.Reader) (msg []byte, release func(), err error) {
	release = func() {}
	msg, err = io.ReadAll(io.LimitReader(r, smallMessage))
	if err != nil || len(msg) < smallMessage {
		return msg, release, err
	}
	select {
	case c.s.big <- struct{}{}:
		release = func() { <-c.s.big }
	case <-c.ctx.Done():
		return nil, release, nil
	}
	c.await(messageWait)
	rest, err := io.ReadAll(r)
	return append(msg, rest...), release, err
}

// refuse answers a message that does not go to the engine.
func (c *socket) refuse(q request, f *fault) error {
	if f.kind() == "json.utf8" { // RFC 6455 section 8.1
		c.end(websocket.CloseInvalidFramePayloadData, f.Message)
		return nil
	}
	if c.write(websocket.TextMessage, answerLine(q.ID, f)) != nil {
		c.end(closeSlow, "the browser does not take what is sent")
	}
	return nil
}
