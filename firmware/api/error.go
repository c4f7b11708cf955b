// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"fmt"
	"strings"

	"evener/firmware/phrase"
)

// The codes of an [Error]. -32700 to -32600 are those of JSON-RPC 2.0.
const (
	CodeParse          = -32700 // the line is no JSON
	CodeRequest        = -32600 // the line is JSON but no request
	CodeMethod         = -32601 // no such method
	CodeParams         = -32602 // parameters do not fit the method's schema
	CodeInternal       = -32603 // a fault of the box
	CodeFailed         = -32000 // the method tried and did not succeed
	CodeUnauthorized   = -32001 // nobody has said who calls
	CodeForbidden      = -32002 // the caller's role does not suffice
	CodeThrottled      = -32003 // too many attempts; Args has retry_after_ms
	CodeTooMany        = -32004 // too many calls or connections at once
	CodeConflict       = -32010 // made on a revision that no longer runs
	CodeConfirmPending = -32011 // an earlier commit waits for its confirm
	CodeLocked         = -32012 // an upgrade is under way
	CodeGuard          = -32020 // refused for safety; can be forced
	CodeValidation     = -32021 // the configuration has mistakes; see Problems
	CodeNotFound       = -32030 // the thing named does not exist
	CodeTooLarge       = -32040 // a message over its limit
	CodeCancelled      = -32050 // the caller took the call back
	CodeTimeout        = -32051 // the method's time was over
)

// An Error is what a call returns instead of a result. Methods return one to
// choose the code; any other error becomes CodeFailed with its text.
type Error struct {
	Code     int
	Kind     string         // stable, dotted, such as guard.last_server: what programs test and translate
	Message  string         // for people: what is wrong and what would be right
	Path     string         // JSON Pointer to the parameter or the part of the configuration
	Hint     string         // what to do, such as "force"
	Args     map[string]any // the values inside Message, for translation
	Problems []Problem      // every single mistake, in the order of the text
}

// A Problem is one mistake in a text or in parameters.
type Problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"` // from 1; 0 is unknown
	Col     int    `json:"col,omitempty"`  // in bytes, from 1
	Path    string `json:"path,omitempty"` // JSON Pointer
	Message string `json:"message"`
	Warning bool   `json:"warning,omitempty"` // true does not stop the commit

	Said phrase.Words `json:"said,omitempty" says:"-"` // of the message: kind and args, for translation
}

// String returns the problem as compilers print them: file:line:col: message.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", p.Line, p.Col)
	}
	if b.Len() == 0 && p.Path != "" {
		b.WriteString(p.Path + ":")
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error returns Message alone: the problems are for the caller to list.
func (e *Error) Error() string { return e.Message }

// Errorf returns an Error with a formatted message.
func Errorf(code int, kind, format string, args ...any) *Error {
	return &Error{Code: code, Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// AsError returns err as an *Error: itself, the one it wraps, or its text under
// CodeFailed. A nil err gives nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeFailed, Kind: "failed", Message: err.Error()}
}

// The exit codes of the command line.
const (
	ExitOK       = 0
	ExitFailed   = 1
	ExitUsage    = 2
	ExitNotFound = 3
	ExitConflict = 4
	ExitRefused  = 5
)

// ExitCode returns the process exit code for the outcome of a call.
func ExitCode(err error) int {
	var e *Error
	switch {
	case err == nil:
		return ExitOK
	case !errors.As(err, &e):
		return ExitFailed
	}
	switch e.Code {
	case CodeParams, CodeMethod, CodeRequest, CodeParse:
		return ExitUsage
	case CodeNotFound:
		return ExitNotFound
	case CodeConflict, CodeConfirmPending, CodeLocked:
		return ExitConflict
	case CodeGuard, CodeForbidden, CodeUnauthorized:
		return ExitRefused
	}
	return ExitFailed
}
