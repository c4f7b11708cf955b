// SPDX-License-Identifier: Apache-2.0

package console

import "slices"

// resetPassword lets somebody in who has lost the password, as far as the
// configuration allows it.
func (s *session) resetPassword() error {
	s.ask()
	b := &s.box
	switch {
	case !b.known:
		return s.told(b.storedErr)
	case b.stored.Users && b.stored.Setup:
		return s.showSetup()
	case s.trusted() || b.stored.Serial.PasswordReset:
	case !b.stored.Serial.Known:
		s.say("The configuration cannot be read, so it is not known whether that is allowed without a log-in. %s", wayOut)
		return nil
	default:
		s.say("The configuration refuses that without a log-in (serial password_reset). %s", wayOut)
		return nil
	}
	s.say("This is written into the audit log.")
	if !b.stored.Users {
		return s.resetUsers()
	}
	return s.newPassword()
}

const wayOut = "Log in, or reset the box: that takes its users, its configuration and its keys."

// newPassword asks for whom and for what.
func (s *session) newPassword() error {
	admins := s.box.stored.Administrators
	for i, name := range admins {
		s.say("%3d %s", i+1, name)
	}
	n, err := s.choose("Whose password", len(admins))
	if err != nil || n == 0 {
		return err
	}
	user := admins[n-1]
	password, err := s.readHidden("New password of " + clean(user) + ": ")
	if err != nil {
		return err
	}
	again, err := s.readHidden("Once more: ")
	if err != nil {
		return err
	}
	if password != again {
		s.say("The two differ: nothing was changed.")
		return nil
	}
	off, err := s.yes("Turn the second factor of this user off too, if there is one?", false)
	if err != nil {
		return err
	}
	if err := s.setPassword(user, password, off); err != nil {
		return s.told(err)
	}
	s.log.Warn("password reset at the serial console", "user", user, "by", s.user)
	s.say("The password of %s is changed; all sessions of that user have ended.", user)
	return nil
}

// setPassword changes a password, by the supervisor if the engine is silent.
func (s *session) setPassword(user, password string, off bool) error {
	byEngine, err := s.eitherChanges("user.set_password", map[string]any{"name": user, "password": password}, nil,
		"recovery.password", map[string]any{"user": user, "password": password, "totp_off": off}, nil)
	if err != nil || !byEngine {
		return err
	}
	if off && s.hasTOTP(user) {
		if err := s.change("user.reset_totp", map[string]any{"name": user}, nil); err != nil {
			return err
		}
	}
	if err := s.engine("throttle.clear", map[string]any{"key": user}, nil); err != nil && s.over(err) {
		return err
	}
	return nil
}

// hasTOTP reports whether the second factor of a user is on.
func (s *session) hasTOTP(user string) bool {
	var list struct {
		Users []struct {
			Name string `json:"name"`
			TOTP bool   `json:"totp"`
		} `json:"users"`
	}
	if s.engine("user.list", nil, &list) != nil {
		return false
	}
	return slices.ContainsFunc(list.Users, func(u struct {
		Name string `json:"name"`
		TOTP bool   `json:"totp"`
	}) bool {
		return u.Name == user && u.TOTP
	})
}

// resetUsers begins anew with users that are damaged.
func (s *session) resetUsers() error {
	s.say("The users of this box cannot be read. They can be set aside, to begin anew with a set-up code; configuration and keys stay.")
	ok, err := s.typed("anew", "begin anew with the users")
	if err != nil || !ok {
		return err
	}
	var out struct {
		Code string `json:"code"`
	}
	if _, err := s.eitherChanges("user.reset", nil, &out, "recovery.reset_users", nil, &out); err != nil {
		return s.told(err)
	}
	s.say("The users are set aside. The console makes the first administrator with the set-up code %s", out.Code)
	return nil
}
