// SPDX-License-Identifier: Apache-2.0

package http1

// A Reason names one cause for refusing a message. Its String is a metric label
// and does not change between releases.
type Reason uint8

// The reasons. The first group speaks of limits, then come the lines, the
// request line, the fields, the framing, the status line and the chunks.
const (
	ok Reason = iota // not a reason: the message is sound so far

	HeadTooLarge
	TooManyFields
	FieldTooLong
	TargetTooLong

	BareLF
	BareCR

	BadRequestLine
	BadMethod
	BadTarget
	BadTargetForm
	BadScheme
	BadEscape
	EncodedSlash
	Userinfo
	BadVersion
	UnsupportedVersion
	HTTP09
	Connect

	SpaceBeforeFields
	SpaceBeforeColon
	ObsFold
	BadFieldName
	BadFieldValue
	UnderscoreName
	NoHost
	SeveralHosts
	BadHost
	BadConnection
	ConnectionNames
	BadExpect

	CLAndTE
	SeveralCL
	BadCL
	BadTE
	UnknownTE
	TEInHTTP10
	GetBody

	BadStatusLine
	BadStatus
	UnaskedUpgrade
	BadUpgrade

	BadChunkSize
	BadChunkExtension
	LongChunkExtension
	BadChunkEnd
	TrailersTooLarge

	numReasons
	more = numReasons // not a reason: the message is not complete yet
)

// reasons holds the label of each reason and the status that answers a request
// which has this fault.
var reasons = [numReasons]struct {
	name   string
	status int
}{
	HeadTooLarge:  {"head_too_large", 431},
	TooManyFields: {"too_many_fields", 431},
	FieldTooLong:  {"field_too_long", 431},
	TargetTooLong: {"target_too_long", 414},

	BareLF: {"bare_lf", 400},
	BareCR: {"bare_cr", 400},

	BadRequestLine:     {"bad_request_line", 400},
	BadMethod:          {"bad_method", 400},
	BadTarget:          {"bad_target", 400},
	BadTargetForm:      {"bad_target_form", 400},
	BadScheme:          {"bad_scheme", 400},
	BadEscape:          {"bad_escape", 400},
	EncodedSlash:       {"encoded_slash", 400},
	Userinfo:           {"userinfo", 400},
	BadVersion:         {"bad_version", 400},
	UnsupportedVersion: {"unsupported_version", 505},
	HTTP09:             {"http_09", 400},
	Connect:            {"connect", 405},

	SpaceBeforeFields: {"space_before_fields", 400},
	SpaceBeforeColon:  {"space_before_colon", 400},
	ObsFold:           {"obs_fold", 400},
	BadFieldName:      {"bad_field_name", 400},
	BadFieldValue:     {"bad_field_value", 400},
	UnderscoreName:    {"underscore_name", 400},
	NoHost:            {"no_host", 400},
	SeveralHosts:      {"several_hosts", 400},
	BadHost:           {"bad_host", 400},
	BadConnection:     {"bad_connection", 400},
	ConnectionNames:   {"connection_names", 400},
	BadExpect:         {"bad_expect", 417},

	CLAndTE:    {"cl_and_te", 400},
	SeveralCL:  {"several_cl", 400},
	BadCL:      {"bad_cl", 400},
	BadTE:      {"bad_te", 400},
	UnknownTE:  {"unknown_te", 501},
	TEInHTTP10: {"te_in_http10", 400},
	GetBody:    {"get_body", 400},

	BadStatusLine:  {"bad_status_line", 502},
	BadStatus:      {"bad_status", 502},
	UnaskedUpgrade: {"unasked_upgrade", 502},
	BadUpgrade:     {"bad_upgrade", 502},

	BadChunkSize:       {"bad_chunk_size", 400},
	BadChunkExtension:  {"bad_chunk_extension", 400},
	LongChunkExtension: {"long_chunk_extension", 400},
	BadChunkEnd:        {"bad_chunk_end", 400},
	TrailersTooLarge:   {"trailers_too_large", 431},
}

// String returns the label of r.
func (r Reason) String() string {
	if r == ok || r >= numReasons {
		return "unknown"
	}
	return reasons[r].name
}

// Reasons returns every Reason, for those who register a counter for each.
func Reasons() []Reason {
	all := make([]Reason, 0, numReasons)
	for r := ok + 1; r < numReasons; r++ {
		all = append(all, r)
	}
	return all
}

// An Error is the refusal of a message. The connection that it came on cannot be
// used any more: what follows on it has no known meaning. Errors are static
// values; compare Reason, not the pointer.
type Error struct {
	Status int // to answer the client with: the client's fault, or 502 for an answer
	Reason Reason
}

// Error returns the label of the reason.
func (e *Error) Error() string { return "http1: " + e.Reason.String() }

// requestErrors and answerErrors hold one Error for each reason, so that a
// refusal costs no memory.
var requestErrors, answerErrors = func() (req, ans [numReasons]Error) {
	for i := range req {
		r := Reason(i)
		req[i] = Error{Status: reasons[i].status, Reason: r}
		ans[i] = Error{Status: 502, Reason: r}
	}
	return req, ans
}()
