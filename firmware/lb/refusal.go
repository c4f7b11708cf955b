// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"evener/firmware/http1"
	"evener/firmware/l7"
	"evener/firmware/rewrite"
	"evener/firmware/stats"
)

// refusals says in words why a request is not accepted. Reasons that only an
// answer or a body can have are not among them.
var refusals = map[http1.Reason]string{
	http1.HeadTooLarge:  "the head is longer than limits { head } allows",
	http1.TooManyFields: "the head has more fields than limits { fields } allows",
	http1.FieldTooLong:  "a field is longer than limits { field } allows",
	http1.TargetTooLong: "the target is longer than limits { uri } allows",

	http1.BareLF: "a line ends with LF alone",
	http1.BareCR: "there is a CR without LF",

	http1.BadRequestLine:     "the request line is not METHOD TARGET VERSION with one space between",
	http1.BadMethod:          "the method has characters that a method cannot have",
	http1.BadTarget:          "the target has characters that a target cannot have",
	http1.BadTargetForm:      "the target is neither a path, a URL nor * as its method needs it",
	http1.BadScheme:          "the target's scheme is not http or https",
	http1.BadEscape:          "the path has a % without two hexadecimal digits behind it",
	http1.EncodedSlash:       "the path has an encoded slash, and reject_encoded_slash is set",
	http1.Userinfo:           "the target has a user name, which does not belong there",
	http1.BadVersion:         "the version is not written HTTP/1.1",
	http1.UnsupportedVersion: "the version is not HTTP/1.0 or HTTP/1.1",
	http1.HTTP09:             "HTTP/0.9 is not spoken",
	http1.Connect:            "CONNECT is for proxies, and this is none",

	http1.SpaceBeforeFields: "the first field begins with a space",
	http1.SpaceBeforeColon:  "there is a space between a field's name and its colon",
	http1.ObsFold:           "a field goes on in a second line",
	http1.BadFieldName:      "a field's name has characters that a name cannot have",
	http1.BadFieldValue:     "a field's value has characters that a value cannot have",
	http1.UnderscoreName:    "a field's name has \"_\", and underscore is \"reject\"",
	http1.NoHost:            "there is no Host",
	http1.SeveralHosts:      "there are several Host fields",
	http1.BadHost:           "Host is no host",
	http1.BadConnection:     "Connection is malformed",
	http1.ConnectionNames:   "Connection names a field that must reach the server",
	http1.BadExpect:         "Expect asks for something other than 100-continue",

	http1.CLAndTE:    "there are both Content-Length and Transfer-Encoding",
	http1.SeveralCL:  "there are several Content-Length",
	http1.BadCL:      "Content-Length is no number",
	http1.BadTE:      "Transfer-Encoding is malformed, or chunked is not its last word",
	http1.UnknownTE:  "Transfer-Encoding has something other than chunked",
	http1.TEInHTTP10: "HTTP/1.0 has no Transfer-Encoding",
	http1.GetBody:    "the method has no use for a body, and reject_get_body is set",
}

// refusal says in words why e is refused, and by which label the statistics
// count it; both are empty if it is not.
func refusal(e *l7.Explanation) (words, label string) {
	switch {
	case e.Status == 0:
		return "", ""
	case e.Refused != nil:
		return refusals[e.Refused.Reason], e.Refused.Reason.String()
	case e.Fault != rewrite.Sound:
		return e.Fault.String(), e.Why.String()
	case e.Why == stats.OverLimit:
		return "the body is longer than limits { body } allows", e.Why.String()
	case e.Status == 405:
		return "the method is not forwarded", e.Why.String()
	}
	return e.Why.String(), e.Why.String()
}
