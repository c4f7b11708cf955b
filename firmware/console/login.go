// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"
	"time"

	"evener/firmware/api"
)

// maxDelay is how long an attempt to log in is kept waiting at most. It is short: a
// stranger at the network cannot make it longer, and whoever stands here has to get in.
const maxDelay = 30 * time.Second

// login asks for an administrator's name and password.
func (s *session) login() error {
	if !s.box.stored.Users {
		s.say("The users of this box cannot be read, so nobody can log in. %s",
			"What is left is to reset the password, where that is allowed, or the box.")
		return nil
	}
	name, err := s.read("Administrator: ")
	if err != nil || name == "" {
		return err
	}
	name, err = s.verify(name)
	if err == nil && name != "" {
		s.user = name
		s.log.Warn("serial console entered", "user", name)
	}
	return err
}

// verify asks for the password of an administrator, and returns the name as the
// box has it, "" if it was wrong.
func (s *session) verify(name string) (string, error) {
	if left := s.delay(); left > 0 {
		s.say("Too many wrong ones: try again in %s.", short(left+time.Second))
		return "", nil
	}
	password, err := s.readHidden("Password: ")
	if err != nil {
		return "", err
	}
	who, err := s.check(name, password, "")
	if kind(err) == "auth.totp" {
		var code string
		if code, err = s.readHidden("Code of the second factor: "); err != nil {
			return "", err
		}
		who, err = s.check(name, password, strings.TrimSpace(code))
	}
	if err == nil {
		s.succeeded()
		return who, nil
	}
	if !s.over(err) {
		s.failed()
	}
	return "", s.told(err)
}

func kind(err error) string {
	if err == nil {
		return ""
	}
	return api.AsError(err).Kind
}

// check has the engine compare a password. If it does not answer, or makes people
// wait because somebody guesses over the network, the supervisor does.
func (s *session) check(name, password, code string) (string, error) {
	params := map[string]any{"user": name, "password": password}
	if code != "" {
		params["code"] = code
	}
	var entered struct {
		Session string `json:"session"`
		User    string `json:"user"`
		Role    string `json:"role"`
	}
	err := s.engine("auth.login", params, &entered)
	if silent(err) || kind(err) == "auth.throttled" || kind(err) == "auth.busy" {
		var out struct {
			User string `json:"user"`
		}
		err = s.supervisor("recovery.login", params, &out)
		return out.User, err
	}
	if err != nil {
		return "", err
	}
	// The session was made to compare the password; nobody has its token.
	if err := s.engine("session.revoke", map[string]any{"id": entered.Session}, nil); err != nil {
		s.log.Warn("session of the log-in not ended", "err", err)
	}
	if entered.Role != "admin" {
		return "", api.Errorf(api.CodeForbidden, "auth.role", "%s is no administrator", entered.User)
	}
	return entered.User, nil
}

// delay returns how long the next attempt has to wait.
func (c *Console) delay() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, time.Until(c.notUntil))
}

func (c *Console) failed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures++
	if n := c.failures - 2; n > 0 {
		c.notUntil = time.Now().Add(min(maxDelay, time.Second<<min(n-1, 10)))
	}
	c.log.Warn("log-in at the serial console refused", "failures", c.failures)
}

func (c *Console) succeeded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures, c.notUntil = 0, time.Time{}
}
