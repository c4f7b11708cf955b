// SPDX-License-Identifier: Apache-2.0

package http2

import "evener/firmware/message"

// staticKnown has the index in the static table (RFC 7541 appendix A) of the
// names that have a FieldID, 0 for those that are not in it.
var staticKnown = func() (t [256]uint8) {
	for name, i := range staticNames {
		if id := message.FieldByName(name); id != message.OtherField {
			t[id] = i
		}
	}
	return t
}()

// staticNames are the names of the static table, each with its first index.
var staticNames = map[string]uint8{
	"accept-charset": 15, "accept-encoding": 16, "accept-language": 17, "accept-ranges": 18,
	"accept": 19, "access-control-allow-origin": 20, "age": 21, "allow": 22,
	"authorization": 23, "cache-control": 24, "content-disposition": 25,
	"content-encoding": 26, "content-language": 27, "content-length": 28,
	"content-location": 29, "content-range": 30, "content-type": 31, "cookie": 32,
	"date": 33, "etag": 34, "expect": 35, "expires": 36, "from": 37, "host": 38,
	"if-match": 39, "if-modified-since": 40, "if-none-match": 41, "if-range": 42,
	"if-unmodified-since": 43, "last-modified": 44, "link": 45, "location": 46,
	"max-forwards": 47, "proxy-authenticate": 48, "proxy-authorization": 49, "range": 50,
	"referer": 51, "refresh": 52, "retry-after": 53, "server": 54, "set-cookie": 55,
	"strict-transport-security": 56, "transfer-encoding": 57, "user-agent": 58, "vary": 59,
	"via": 60, "www-authenticate": 61,
}

// staticName returns the index of a name in the static table, 0 if it is not in
// it: by its id, or by its letters, which are then mostly lower case.
func staticName[S string | []byte](id message.FieldID, name S) uint8 {
	if id != message.OtherField {
		return staticKnown[id]
	}
	if len(name) > len("access-control-allow-origin") {
		return 0
	}
	return staticNames[string(name)]
}
