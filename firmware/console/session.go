// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/support"
)

// A session is one person at a terminal, from the banner to the log-out.
type session struct {
	*Console
	ctx  context.Context
	term *term
	user string // administrator who has logged in; "": nobody
	box  state  // as it was asked last

	typedAt time.Time       // when something was typed while f of wait ran
	secrets support.Secrets // what is not shown; it learns from what it has seen
}

// run shows the banner, and the menu to who wants it.
func (s *session) run() error {
	s.ask()
	s.term.redraw = s.banner
	s.banner()
	if !s.cfg.Local {
		for {
			_, err := s.term.readLine(s.ctx, "Press Enter for the menu. ", 0, false)
			if err == nil {
				break
			}
			if !errors.Is(err, errBack) && !errors.Is(err, errLeave) {
				return err
			}
		}
		s.ask()
	}
	if s.box.known && s.box.stored.Setup && !s.cfg.Rescue {
		if err := s.offerInstall(); err != nil && err != errBack {
			return s.left(err)
		}
		if err := s.offerSetup(); err != nil && err != errBack {
			return s.left(err)
		}
	}
	return s.left(s.menu())
}

// left says why the dialogue is over.
func (s *session) left(err error) error {
	switch err {
	case errIdle:
		s.say("\nNothing was typed for %s: you are logged out.", short(s.idle()))
	case errLeave:
		s.say("Logged out.")
	}
	return err
}

// idle returns how long nothing may be typed.
func (s *session) idle() time.Duration {
	if n := s.box.stored.Serial.Idle; n > 0 {
		return time.Duration(n) * time.Second
	}
	return 10 * time.Minute
}

// say writes lines, wrapped. Whatever is not ours goes through clean.
func (s *session) say(format string, args ...any) {
	for i, a := range args {
		switch v := a.(type) {
		case string:
			args[i] = clean(v)
		case error:
			args[i] = clean(s.secrets.Text(v.Error()))
		}
	}
	for _, line := range strings.Split(fmt.Sprintf(format, args...), "\n") {
		for _, part := range wrap(line, strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " ")))) {
			s.term.print(part + "\n")
		}
	}
}

// read asks for a line.
func (s *session) read(prompt string) (string, error) {
	line, err := s.term.readLine(s.ctx, prompt, s.idle(), false)
	return strings.TrimSpace(line), err
}

// readHidden asks for a line that is not shown.
func (s *session) readHidden(prompt string) (string, error) {
	return s.term.readLine(s.ctx, prompt, s.idle(), true)
}

// yes asks a question that Enter answers with otherwise.
func (s *session) yes(question string, otherwise bool) (bool, error) {
	hint := " [y/N] "
	if otherwise {
		hint = " [Y/n] "
	}
	for {
		line, err := s.read(question + hint)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(line) {
		case "":
			return otherwise, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
		s.say("Type y or n.")
	}
}

// typed asks for a word that is not typed by mistake.
func (s *session) typed(word, what string) (bool, error) {
	line, err := s.read(fmt.Sprintf("Type %s to %s, or Enter to leave it: ", clean(word), what))
	if err != nil {
		return false, err
	}
	if line != word {
		s.say("Nothing was done.")
	}
	return line == word, nil
}

// choose asks for one of n things by its number; 0 is none.
func (s *session) choose(prompt string, n int) (int, error) {
	return s.number(fmt.Sprintf("%s (1 to %d, Enter for none): ", prompt, n), n, nil)
}

// number asks until one of n things is named by its number, or by its word where there
// are words. 0 is Enter.
func (s *session) number(prompt string, n int, words []string) (int, error) {
	for {
		line, err := s.read(prompt)
		if err != nil || line == "" || line == "0" {
			return 0, err
		}
		if i := slices.Index(words, strings.ToLower(line)); i >= 0 {
			return i + 1, nil
		}
		if i, err := strconv.Atoi(line); err == nil && i >= 1 && i <= n {
			return i, nil
		}
		if words != nil {
			s.say("Type a number of 1 to %d, or %s.", n, strings.Join(words, " or "))
			continue
		}
		s.say("There is no %s here.", line)
	}
}

// masked hides the secrets in a line of a configuration, of a difference between
// two, or of anything else.
func (s *session) masked(line string) string {
	mark := ""
	if line != "" && strings.ContainsAny(line[:1], "+-") {
		mark, line = line[:1], line[1:]
	}
	return mark + s.secrets.Config(line)
}

// page shows lines without secrets, a screen at a time.
func (s *session) page(lines []string) error {
	shown := 0
	for _, line := range lines {
		for _, part := range wrap(clean(s.masked(line)), "    ") {
			if shown == screenful {
				more, err := s.read("-- Enter for more, q to stop -- ")
				if err != nil || more != "" {
					return err
				}
				shown = 0
			}
			s.term.print(part + "\n")
			shown++
		}
	}
	return nil
}

// wait runs f until it is done, the terminal hangs up, or Ctrl-C is typed: then
// f's context ends and the error is errBack. What else is typed meanwhile comes
// to the next prompt.
func (s *session) wait(limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(s.ctx, limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.guard(func() error { return f(ctx) }) }()
	for {
		select {
		case err := <-done:
			return err
		case b, ok := <-s.term.bytes:
			if !ok {
				cancel()
				<-done
				return &lostError{"the terminal hung up", s.term.failed}
			}
			if err := s.typeAhead(b); err != nil {
				cancel()
				<-done
				return err
			}
		}
	}
}

// typeAhead keeps what is typed while no prompt waits for it. The error is errBack
// if Ctrl-C is in it.
func (s *session) typeAhead(b []byte) error {
	s.typedAt = time.Now()
	if bytes.IndexByte(b, keyBack) >= 0 {
		s.term.ahead = nil
		s.term.print("^C\n")
		return errBack
	}
	if room := maxAhead - len(s.term.ahead); room > 0 {
		s.term.ahead = append(s.term.ahead, b[:min(room, len(b))]...)
	}
	return nil
}

// pause looks whether something that shows text for long may go on showing: not after
// Ctrl-C, nor when nothing was typed for too long, nor when the terminal is gone.
func (s *session) pause() error {
	select {
	case b, ok := <-s.term.bytes:
		if !ok {
			return &lostError{"the terminal hung up", s.term.failed}
		}
		if err := s.typeAhead(b); err != nil {
			return err
		}
	default:
	}
	switch {
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case s.term.broken != nil:
		return s.term.broken
	case time.Since(s.typedAt) >= s.idle():
		s.term.ahead = nil // it is not for who comes next
		return errIdle
	}
	return nil
}

// guard runs f. The process that holds the dialogue holds the box together: a fault
// in a command must not end it.
func (c *Console) guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			c.log.Error("fault in the serial console", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("this version of the box has a fault here: %v", v)
		}
	}()
	return f()
}

// told shows what went wrong, with every single mistake, and returns nil: the
// dialogue goes on. If the terminal is what went wrong it returns err.
func (s *session) told(err error) error {
	if err == nil || s.over(err) {
		return err
	}
	if errors.Is(err, errUnsure) {
		s.say("It is not known whether it was done: the engine takes too long. See Status.")
		return nil
	}
	s.say("It was not done: %v", err)
	for _, p := range api.AsError(err).Problems {
		s.say("  %s", p.String())
	}
	return nil
}

// over reports whether err ends the dialogue, or at least what goes on in it.
func (s *session) over(err error) bool {
	return err == errBack || err == errLeave || err == errIdle || errors.As(err, new(*lostError)) || s.ctx.Err() != nil
}

// short writes a duration without what is zero: 10m, 1h30m.
func short(d time.Duration) string {
	s := d.Round(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
