// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"unicode/utf8"
)

// Lengths of passwords.
const (
	minPassword = 10   // characters
	maxPassword = 1024 // bytes
)

// product is what passwords must not be.
const product = "evener"

// ownChars is how many characters a password must have beside the user's name and
// the product's.
const ownChars = 6

// CheckPassword returns what is wrong with a new password of the user called name, or
// nil. The error does not hold the password.
func CheckPassword(name, password string) error {
	switch {
	case !utf8.ValidString(password):
		return errorf(Invalid, "the password must be text in UTF-8")
	case utf8.RuneCountInString(password) < minPassword:
		return errorf(Invalid, "the password must have at least %d characters", minPassword)
	case len(password) > maxPassword:
		return errorf(Invalid, "the password may have %d bytes at most", maxPassword)
	}
	left := strings.ReplaceAll(strings.ToLower(password), product, "")
	if name = strings.ToLower(name); len(name) >= 3 {
		left = strings.ReplaceAll(left, name, "")
	}
	if utf8.RuneCountInString(left) < ownChars {
		return errorf(Invalid, "the password must have at least %d characters beside the user's name and the word %s", ownChars, product)
	}
	return nil
}
