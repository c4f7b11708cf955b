// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"fmt"
	"slices"
	"strings"

	"evener/firmware/message"
)

// protected says of fields that no operation may touch why, and what would be
// right. The codecs write these anew, or the exchange depends on them.
var protected = map[message.FieldID]string{
	message.ContentLength:      "the length of a body is written by the box",
	message.TransferEncoding:   "the framing of a body is written by the box",
	message.Connection:         "it belongs to one connection; what it names is not forwarded anyway",
	message.KeepAlive:          "it belongs to one connection and is not forwarded anyway",
	message.ProxyConnection:    "it belongs to one connection and is not forwarded anyway",
	message.ProxyAuthenticate:  "it belongs to one connection and is not forwarded anyway",
	message.ProxyAuthorization: "it belongs to one connection and is not forwarded anyway",
	message.Upgrade:            "it belongs to one connection; WebSocket is let through by the attribute for it",
	message.HTTP2Settings:      "it belongs to one connection and is not forwarded anyway",
	message.TE:                 "it belongs to one connection; trailers are asked for where they can pass",
	message.Trailer:            "trailers are announced by who sends them",
	message.Expect:             "the server would answer to it, and the client waits for that",
}

// once are the fields of which a message has at most one line, and that are no
// lists: what would be added to them could not be read.
var once = []string{
	"age", "authorization", "content-location", "content-range", "content-type", "date", "etag", "expires",
	"from", "if-modified-since", "if-range", "if-unmodified-since", "last-modified", "location", "max-forwards",
	"origin", "referer", "retry-after", "server", "strict-transport-security", "user-agent",
}

// checkName checks the name of a field that op would change and says what is
// wrong with it, "" if nothing is.
func checkName(d Direction, op Op) string {
	name := strings.ToLower(op.Name)
	id := message.FieldByName(name)
	switch {
	case name == "":
		return "the name of the field is empty"
	case name[0] == ':':
		return fmt.Sprintf("%s is no field: set Host for the authority, rewrite the URL for the path", op.Name)
	case strings.HasSuffix(name, "*"):
		return checkPrefix(op)
	case strings.Contains(name, "*"):
		return fmt.Sprintf(`%q: a "*" stands only at the end of a name`, op.Name)
	case !isToken(name):
		return fmt.Sprintf("%q is not the name of a field: letters, digits and !#$%%&'+-.^_`|~ only", op.Name)
	case id == message.Host:
		return checkHostOp(d, op.Action)
	case protected[id] != "":
		return fmt.Sprintf("%s may not be changed: %s", op.Name, protected[id])
	case op.Action == Add && id == message.Cookie:
		return "a request has one Cookie field: append to it"
	case op.Action == Append && id == message.SetCookie:
		return fmt.Sprintf("%s is no list: add a further one", op.Name)
	case (op.Action == Append || op.Action == Add) && slices.Contains(once, name):
		return fmt.Sprintf("%s may occur only once and is no list: set it", op.Name)
	}
	return ""
}

// checkPrefix checks a name that ends with "*".
func checkPrefix(op Op) string {
	prefix := strings.TrimSuffix(op.Name, "*")
	switch {
	case op.Action != Remove:
		return fmt.Sprintf("%q: only remove takes the beginning of a name", op.Name)
	case prefix == "":
		return `"*" would remove every field: write the beginning of the names, such as "X-Internal-*"`
	case !isToken(prefix) || strings.Contains(prefix, "*"):
		return fmt.Sprintf(`%q: a "*" stands only at the end of a name`, op.Name)
	}
	return ""
}

func checkHostOp(d Direction, a Action) string {
	switch {
	case d == Answers:
		return "an answer has no Host"
	case a != Set:
		return fmt.Sprintf("a request has one Host: set it, do not %s it", a)
	}
	return ""
}

// A fieldName is the name of a field as operations look for it.
type fieldName struct {
	text   string // as written; of a prefix, without "*"
	id     message.FieldID
	prefix bool
}

func newFieldName(text string) fieldName {
	if p, ok := strings.CutSuffix(text, "*"); ok {
		return fieldName{text: p, prefix: true}
	}
	return fieldName{text: text, id: message.FieldByName(text)}
}

// is reports whether f of h is called n. A prefix never finds a protected
// field.
func (n *fieldName) is(h *message.Head, f *message.Field) bool {
	if !n.prefix {
		return f.ID == n.id && (n.id != message.OtherField || message.EqualFold(h.Bytes(f.Name), n.text))
	}
	name := h.Bytes(f.Name)
	return len(name) >= len(n.text) && message.EqualFold(name[:len(n.text)], n.text) &&
		f.ID != message.Host && protected[f.ID] == ""
}
