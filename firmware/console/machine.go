// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// restart replaces the process of a role.
func (s *session) restart() error {
	var st struct {
		Roles []role `json:"roles"`
	}
	if err := s.supervisor("role.list", nil, &st); err != nil {
		return s.told(err)
	}
	for i, r := range st.Roles {
		s.say("%3d %-10s %s", i+1, r.Name, r.State)
	}
	n, err := s.choose("Which", len(st.Roles))
	if err != nil || n == 0 {
		return err
	}
	name, held := st.Roles[n-1].Name, st.Roles[n-1].Held != ""
	method := "role.restart"
	if held {
		s.say("It is held: %s", st.Roles[n-1].Held)
		method = "role.release"
	}
	if ok, err := s.yes(fmt.Sprintf("Restart %s?", clean(name)), true); err != nil || !ok {
		return err
	}
	if err := s.still(); err != nil {
		return err
	}
	if err := s.supervisor(method, map[string]any{"role": name}, nil); err != nil {
		return s.told(err)
	}
	s.say("%s starts anew; what it has begun it finishes.", name)
	return nil
}

// power ends the box, or lets it begin again.
func (s *session) power() error {
	s.say("  1 reboot\n  2 power off")
	n, err := s.choose("Which", 2)
	if err != nil || n == 0 {
		return err
	}
	word, method := "reboot", "power.reboot"
	if n == 2 {
		word, method = "off", "power.halt"
	}
	ok, err := s.typed(word, []string{"reboot the box", "switch the box off"}[n-1])
	if err != nil || !ok {
		return err
	}
	if err := s.still(); err != nil {
		return err
	}
	if err := s.supervisor(method, nil, nil); err != nil {
		return s.told(err)
	}
	s.say("The roles of the box end now.")
	return errLeave
}

// factoryReset makes the box as it was delivered.
func (s *session) factoryReset() error {
	s.ask()
	s.say("Users, revisions, drafts and all that was recorded of traffic are removed. There is no way back.")
	keys, records := false, true
	network, err := s.yes("Keep how the box is reached (name, management address, console)?", true)
	if err != nil {
		return err
	}
	trusted := s.trusted()
	if trusted {
		if keys, err = s.yes("Keep certificates and their keys?", false); err != nil {
			return err
		}
		if records, err = s.yes("Keep the audit log and the journal of events?", true); err != nil {
			return err
		}
	} else {
		s.say("Without a log-in the keys are not kept, and the audit log is.")
	}
	ok, err := s.typed(s.box.host(), "reset this box")
	if err != nil || !ok {
		return err
	}
	if trusted {
		if err := s.still(); err != nil {
			return err
		}
	}
	s.log.Warn("factory reset asked for at the serial console", "user", s.user, "network", network, "keys", keys, "records", records)
	err = s.supervisor("recovery.factory_reset", map[string]any{"network": network, "keys": keys, "records": records}, nil)
	if err != nil {
		return s.told(err)
	}
	s.say("The box is reset and starts anew.")
	return errLeave
}

// bundle writes what support needs into a file.
func (s *session) bundle() error {
	if s.cfg.Bundle == nil {
		s.say("This terminal cannot write files. Use the console's page or evener support.")
		return nil
	}
	s.say("A bundle has logs, figures and the configuration, without passwords and keys.")
	disks := []string{}
	if s.cfg.Disks != nil {
		disks = s.cfg.Disks()
	}
	for i, d := range disks {
		s.say("%3d %s", i+1, d)
	}
	if len(disks) == 0 {
		s.say("No disk is plugged in and mounted.")
	}
	dir, err := s.read("Number of the disk or path of a folder, Enter for none: ")
	if err != nil || dir == "" {
		return err
	}
	for i, d := range disks {
		if dir == fmt.Sprint(i+1) {
			dir = d
		}
	}
	if !strings.HasPrefix(dir, "/") {
		s.say("A folder is written with a slash before it, such as /media/usb.")
		return nil
	}
	if err := s.still(); err != nil {
		return err
	}
	var name string
	err = s.wait(5*time.Minute, func(ctx context.Context) (err error) {
		name, err = s.cfg.Bundle(ctx, dir)
		return err
	})
	if silent(err) {
		err = errNeedsEngine
	}
	if err != nil {
		return s.told(err)
	}
	s.say("It is in %s", name)
	return nil
}

// commands runs command lines until an empty one.
func (s *session) commands() error {
	if s.cfg.Command == nil {
		s.say("There is no command line at this terminal.")
		return nil
	}
	s.say("Commands as evener has them, without that word; help lists them. Enter alone or Ctrl-C goes back to the menu.")
	for {
		line, err := s.read("evener> ")
		if err != nil || line == "" {
			return err
		}
		args, err := Words(line)
		if err != nil {
			s.say("%v", err)
			continue
		}
		if err := s.still(); err != nil {
			return err
		}
		out := Kept{Max: maxOutput}
		err = s.wait(2*time.Minute, func(ctx context.Context) error { return s.cfg.Command(ctx, args, &out) })
		if s.over(err) {
			return err
		}
		if err := s.page(linesOf(&out)); err != nil {
			return err
		}
		if err := s.told(err); err != nil {
			return err
		}
	}
}

// maxOutput is how much of what a command line prints is kept, in bytes.
const maxOutput = 1 << 20

// linesOf returns what a command has printed.
func linesOf(out *Kept) []string {
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if out.Cut {
		lines = append(lines, fmt.Sprintf("(the rest is cut off: the serial console keeps %d bytes of what a command prints)", maxOutput))
	}
	return lines
}

// shell opens a shell of the operating system, for an administrator who has just
// given the password.
func (s *session) shell() error {
	switch {
	case s.cfg.Shell == nil || s.cfg.Local:
		s.say("There is no maintenance shell at this terminal.")
		return nil
	case !s.box.stored.Serial.Shell:
		s.say("The configuration does not allow it (serial maintenance_shell).")
		return nil
	case s.user == "":
		s.say("It needs an administrator, and this box has none yet.")
		return nil
	}
	s.say("The password of %s once more:", s.user)
	who, err := s.verify(s.user)
	if err != nil || who == "" {
		return err
	}
	begun := time.Now()
	if err := s.supervisor("serial.shell", map[string]any{"user": who, "terminal": s.cfg.Name, "event": "opened"}, nil); err != nil {
		return s.told(err)
	}
	s.say("End it with exit. That it was opened is in the audit log.")
	err = s.cfg.Shell(s.ctx, &rawInput{s, make(chan struct{})}, rawOutput{s.term})
	note := map[string]any{"user": who, "terminal": s.cfg.Name, "event": "ended after " + short(time.Since(begun))}
	if err := s.supervisor("serial.shell", note, nil); err != nil {
		s.log.Warn("end of the maintenance shell not noted", "err", err)
	}
	if s.term.broken != nil {
		return s.term.broken
	}
	return s.told(err)
}

// A rawInput gives bytes as they are typed. It ends when nothing is typed for the
// time after which people are logged out.
type rawInput struct {
	s      *session
	closed chan struct{}
}

func (r *rawInput) Read(b []byte) (int, error) {
	t := r.s.term
	if len(t.ahead) == 0 {
		idle := time.NewTimer(r.s.idle())
		defer idle.Stop()
		select {
		case more, ok := <-t.bytes:
			if !ok {
				return 0, io.EOF
			}
			t.ahead = more
		case <-idle.C:
			return 0, errIdle
		case <-r.s.ctx.Done():
			return 0, io.EOF
		case <-r.closed:
			return 0, io.EOF
		}
	}
	n := copy(b, t.ahead)
	t.ahead = t.ahead[n:]
	return n, nil
}

func (r *rawInput) Close() error {
	close(r.closed)
	return nil
}

// A rawOutput writes bytes as they come.
type rawOutput struct{ t *term }

func (o rawOutput) Write(b []byte) (int, error) {
	if err := o.t.line.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return 0, err
	}
	return o.t.line.Write(b)
}
