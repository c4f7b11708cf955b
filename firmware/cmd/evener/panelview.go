// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// What a terminal obeys (ECMA-48; the private modes are those of xterm).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // the alternate screen, without a cursor
	leaveScreen = "\x1b[0m\x1b[?25h\x1b[?1049l"
	homeScreen  = "\x1b[H"
	clearRight  = "\x1b[K\r\n"
	clearBelow  = "\x1b[J"
)

// rawTerminal lets f give each key at once, and returns what takes that back.
func rawTerminal(f *os.File) (restore func(), err error) {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's mode: %w", err)
	}
	raw := *before
	raw.Iflag &^= unix.ICRNL | unix.IXON | unix.ISTRIP | unix.INLCR | unix.IGNCR
	raw.Lflag &^= unix.ICANON | unix.ECHO | unix.ISIG | unix.IEXTEN
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &raw); err != nil {
		return nil, fmt.Errorf("change the terminal's mode: %w", err)
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, before) }, nil
}

// A panelView draws the panel in a terminal and presses its keys.
type panelView struct {
	state string
	out   io.Writer

	mu     sync.Mutex // guards what follows
	screen manage.PanelScreen
	lost   string // why the box does not answer; "" where it does
	said   string // what has become of the last press
	waits  string // what the keyboard waits for
	drawn  string
}

// run draws until somebody quits or ctx ends, and leaves the terminal as it was.
func (v *panelView) run(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	io.WriteString(v.out, enterScreen)
	defer io.WriteString(v.out, leaveScreen)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { v.follow(ctx) })
	codes := make(chan []byte)
	go func() { // ends with the process: a read of a terminal cannot be called off
		defer close(codes)
		for {
			buf := make([]byte, 64)
			n, err := in.Read(buf)
			if n > 0 {
				select {
				case codes <- buf[:n]:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	keys := newKeyboard(func(p manage.PanelPress) { v.press(ctx, p) })
	defer func() {
		cancel() // also a press that is under way
		keys.close()
	}()
	v.draw()
	for {
		select {
		case <-ctx.Done():
			return nil
		case code, ok := <-codes:
			if !ok || keys.take(code, time.Now()) {
				return nil
			}
			v.hint(keys.hint())
		case now := <-keys.due():
			keys.tick(now)
			v.hint(keys.hint())
		}
	}
}

// press does to a key what the keyboard wants, and tells if that fails.
func (v *panelView) press(ctx context.Context, p manage.PanelPress) {
	call := ctx
	if p.Action == "up" { // must not get lost
		call = context.WithoutCancel(ctx)
	}
	s, err := pressPanel(call, v.state, p)
	v.mu.Lock()
	if v.said = ""; err != nil && ctx.Err() == nil {
		v.said = err.Error()
	} else if err == nil {
		v.screen = s
	}
	v.mu.Unlock()
	v.draw()
}

// follow keeps the screen as it is, also over a restart of the box.
func (v *panelView) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := v.followOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		v.mu.Lock()
		v.lost = err.Error()
		v.mu.Unlock()
		v.draw()
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (v *panelView) followOnce(ctx context.Context) error {
	c, err := api.Dial(filepath.Join(v.state, api.SupervisorSocket))
	if err != nil {
		return err
	}
	defer c.Close()
	f, err := c.Follow(ctx, "state.panel", nil)
	if err != nil {
		return err
	}
	objects := api.Objects{}
	for {
		e, err := f.Next(ctx)
		if err != nil {
			return err
		}
		if _, err := objects.Apply(e); err != nil {
			return err
		}
		raw, err := json.Marshal(objects["panel"])
		if err != nil {
			return err
		}
		var s manage.PanelScreen
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("read the screen of the panel: %w", err)
		}
		v.mu.Lock()
		v.screen, v.lost = s, ""
		v.mu.Unlock()
		v.draw()
	}
}

// hint shows what the keyboard waits for.
func (v *panelView) hint(text string) {
	v.mu.Lock()
	v.waits = text
	v.mu.Unlock()
	v.draw()
}

// draw writes the panel where it differs from what is there.
func (v *panelView) draw() {
	v.mu.Lock()
	defer v.mu.Unlock()
	text := v.text()
	if text == v.drawn {
		return
	}
	v.drawn = text
	io.WriteString(v.out, text)
}

// text is the whole picture. The caller has v.mu.
func (v *panelView) text() string {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+clearRight, args...) }
	b.WriteString(homeScreen)
	line("")
	edge := "+" + strings.Repeat("-", v.screen.Cols+2) + "+"
	line("%s", edge)
	for i, l := range v.screen.Lines {
		l = printable(l)
		if c := v.screen.Cursor; c.On && c.Row == i {
			l = underline(l, c.Col)
		}
		line("| %s |", l)
	}
	line("%s", edge)
	if len(v.screen.LEDs) == 2 {
		line("%s box   %s alarm", lamp(v.screen.LEDs[0]), lamp(v.screen.LEDs[1]))
	}
	line("")
	for _, l := range panelRemarks(v.screen) {
		if !strings.HasPrefix(l, "lamps:") {
			line("%.76s", printable(l))
		}
	}
	switch {
	case v.lost != "":
		line("%.76s", "the box does not answer: "+printable(v.lost))
	case v.said != "":
		line("%.76s", printable(v.said))
	}
	line("%s", v.waits)
	line("arrows, Enter, Escape: the keys    h KEY: hold it 5 s    q: end")
	b.WriteString(clearBelow)
	return b.String()
}

// underline marks the column of a line that somebody edits.
func underline(l string, col int) string {
	r := []rune(l)
	if col < 0 || col >= len(r) {
		return l
	}
	return string(r[:col]) + "\x1b[7m" + string(r[col]) + "\x1b[0m" + string(r[col+1:])
}

// lamp draws a lamp, for eyes that see no colours too.
func lamp(colour string) string {
	code := map[string]string{"green": "32", "amber": "33", "red": "31"}[colour]
	if code == "" {
		return "( ) off  "
	}
	return fmt.Sprintf("\x1b[1;%sm(*)\x1b[0m %-5s", code, colour)
}
