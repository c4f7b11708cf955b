// SPDX-License-Identifier: Apache-2.0

package http2

// A Reason names one cause for refusing a message, a stream or a connection. Its
// String is a metric label and does not change between releases.
type Reason uint8

// The reasons. The first group ends a connection, the second is that of the
// budgets and does too, the third resets a stream, the fourth makes a message
// malformed, which resets its stream, and the last refuses a request with an
// answer (and resets the stream of an answer that has this fault).
const (
	ok Reason = iota // not a reason: all is sound so far

	BadPreface         // the connection does not begin as HTTP/2
	FrameTooLarge      // a frame is longer than we announced
	BadFrameSize       // a frame has not the length of its type
	BadPadding         // the padding is longer than the frame
	BadStreamID        // a stream number that the type or the role does not allow
	IdleStream         // a frame on a stream that was never begun
	ClosedStream       // a head on a stream that has ended
	NotContinued       // a head was interrupted by another frame
	Uncontinued        // CONTINUATION without a head
	BadSetting         // a setting has a forbidden value
	BadInitialWindow   // SETTINGS_INITIAL_WINDOW_SIZE makes a window larger than 2^31-1
	BadCompression     // a header block cannot be decoded
	PushPromise        // a push, which we never allow
	ZeroIncrement      // WINDOW_UPDATE of 0 for the connection
	ConnWindowOverflow // WINDOW_UPDATE beyond 2^31-1 for the connection
	ConnFlow           // DATA beyond the connection's window

	ResetFlood        // too many streams reset unanswered
	QueueFlood        // too many answers to control frames wait unread
	ContinuationFlood // too many CONTINUATION frames
	BlockFlood        // a header block far beyond the limit of a head
	PingFlood         // too many PING
	SettingsFlood     // too many SETTINGS
	EmptyFlood        // too many DATA frames of nothing
	PriorityFlood     // too many PRIORITY frames or others without effect
	WindowFlood       // too many WINDOW_UPDATE

	RefusedStream        // more streams at once than we announced
	StreamFlow           // DATA beyond the stream's window
	StreamClosed         // a frame on a stream whose sender has ended or reset it
	StreamZeroIncrement  // WINDOW_UPDATE of 0 for a stream
	StreamWindowOverflow // WINDOW_UPDATE beyond 2^31-1 for a stream
	SelfDependency       // a stream with a priority that depends on itself
	PrioritySize         // PRIORITY of another length than 5

	BadFieldName    // empty, upper case or no token
	BadFieldValue   // a control byte, or white space around
	BadPseudo       // unknown, twice, missing or misplaced
	ConnectionField // Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade
	BadTE           // TE other than trailers
	BadMethod       // no token
	BadTarget       // a byte that no target has, or no path
	BadHost         // :authority or Host is no host[:port]
	Userinfo        // :authority or Host has a user
	NoHost          // neither :authority nor Host
	SeveralHosts    // Host twice
	HostDiffers     // :authority and Host are not equal
	BadCL           // Content-Length is no number
	SeveralCL       // Content-Length twice, or with different values
	BodyLength      // more or less DATA than Content-Length says
	BadTrailers     // a second head that does not end the stream
	BadProtocol     // :protocol that was not offered or without CONNECT
	BadStatus       // :status is not 100 to 599, or 101
	NoAnswer        // DATA before the head of the answer, or an end without one

	HeadTooLarge
	TooManyFields
	FieldTooLong
	TargetTooLong
	BadScheme // neither http nor https
	BadEscape
	EncodedSlash
	UnderscoreName
	GetBody
	BadExpect

	numReasons
)

// reasons holds the label of each reason, the code of the GOAWAY or RST_STREAM
// that it means, and for a request that is answered instead the status.
var reasons = [numReasons]struct {
	name   string
	code   ErrCode
	status int
}{
	BadPreface:         {"bad_preface", ProtocolError, 0},
	FrameTooLarge:      {"frame_too_large", FrameSizeError, 0},
	BadFrameSize:       {"bad_frame_size", FrameSizeError, 0},
	BadPadding:         {"bad_padding", ProtocolError, 0},
	BadStreamID:        {"bad_stream_id", ProtocolError, 0},
	IdleStream:         {"idle_stream", ProtocolError, 0},
	ClosedStream:       {"closed_stream", StreamClosedError, 0},
	NotContinued:       {"not_continued", ProtocolError, 0},
	Uncontinued:        {"uncontinued", ProtocolError, 0},
	BadSetting:         {"bad_setting", ProtocolError, 0},
	BadInitialWindow:   {"bad_initial_window", FlowControlError, 0},
	BadCompression:     {"bad_compression", CompressionError, 0},
	PushPromise:        {"push_promise", ProtocolError, 0},
	ZeroIncrement:      {"zero_increment", ProtocolError, 0},
	ConnWindowOverflow: {"conn_window_overflow", FlowControlError, 0},
	ConnFlow:           {"conn_flow", FlowControlError, 0},

	ResetFlood:        {"reset_flood", EnhanceYourCalm, 0},
	QueueFlood:        {"queue_flood", EnhanceYourCalm, 0},
	ContinuationFlood: {"continuation_flood", EnhanceYourCalm, 0},
	BlockFlood:        {"block_flood", EnhanceYourCalm, 0},
	PingFlood:         {"ping_flood", EnhanceYourCalm, 0},
	SettingsFlood:     {"settings_flood", EnhanceYourCalm, 0},
	EmptyFlood:        {"empty_flood", EnhanceYourCalm, 0},
	PriorityFlood:     {"priority_flood", EnhanceYourCalm, 0},
	WindowFlood:       {"window_flood", EnhanceYourCalm, 0},

	RefusedStream:        {"refused_stream", RefusedStreamError, 0},
	StreamFlow:           {"stream_flow", FlowControlError, 0},
	StreamClosed:         {"stream_closed", StreamClosedError, 0},
	StreamZeroIncrement:  {"stream_zero_increment", ProtocolError, 0},
	StreamWindowOverflow: {"stream_window_overflow", FlowControlError, 0},
	SelfDependency:       {"self_dependency", ProtocolError, 0},
	PrioritySize:         {"priority_size", FrameSizeError, 0},

	BadFieldName:    {"bad_field_name", ProtocolError, 0},
	BadFieldValue:   {"bad_field_value", ProtocolError, 0},
	BadPseudo:       {"bad_pseudo", ProtocolError, 0},
	ConnectionField: {"connection_field", ProtocolError, 0},
	BadTE:           {"bad_te", ProtocolError, 0},
	BadMethod:       {"bad_method", ProtocolError, 0},
	BadTarget:       {"bad_target", ProtocolError, 0},
	BadHost:         {"bad_host", ProtocolError, 0},
	Userinfo:        {"userinfo", ProtocolError, 0},
	NoHost:          {"no_host", ProtocolError, 0},
	SeveralHosts:    {"several_hosts", ProtocolError, 0},
	HostDiffers:     {"host_differs", ProtocolError, 0},
	BadCL:           {"bad_cl", ProtocolError, 0},
	SeveralCL:       {"several_cl", ProtocolError, 0},
	BodyLength:      {"body_length", ProtocolError, 0},
	BadTrailers:     {"bad_trailers", ProtocolError, 0},
	BadProtocol:     {"bad_protocol", ProtocolError, 0},
	BadStatus:       {"bad_status", ProtocolError, 0},
	NoAnswer:        {"no_answer", ProtocolError, 0},

	HeadTooLarge:   {"head_too_large", Cancel, 431},
	TooManyFields:  {"too_many_fields", Cancel, 431},
	FieldTooLong:   {"field_too_long", Cancel, 431},
	TargetTooLong:  {"target_too_long", Cancel, 414},
	BadScheme:      {"bad_scheme", ProtocolError, 400},
	BadEscape:      {"bad_escape", ProtocolError, 400},
	EncodedSlash:   {"encoded_slash", ProtocolError, 400},
	UnderscoreName: {"underscore_name", ProtocolError, 400},
	GetBody:        {"get_body", ProtocolError, 400},
	BadExpect:      {"bad_expect", ProtocolError, 417},
}

// String returns the label of r, "none" for the zero Reason.
func (r Reason) String() string {
	switch {
	case r == ok:
		return "none"
	case r >= numReasons:
		return "unknown"
	}
	return reasons[r].name
}

// Code returns the error code that tells the peer of r.
func (r Reason) Code() ErrCode { return reasons[r].code }

// Status returns the status that a request with the fault r is answered with,
// 0 if its stream or connection ends instead.
func (r Reason) Status() int { return reasons[r].status }

// Reasons returns every Reason, for those who register a counter for each.
func Reasons() []Reason {
	all := make([]Reason, 0, numReasons)
	for r := ok + 1; r < numReasons; r++ {
		all = append(all, r)
	}
	return all
}

// A ConnError is the end of a connection by us: the GOAWAY that says so is in
// [Conn.Out], nothing that comes from the peer is read any more. They are static
// values; compare Reason, not the pointer.
type ConnError struct {
	Code   ErrCode
	Reason Reason // zero after [Conn.GoAway]
}

// Error returns the label of the reason.
func (e *ConnError) Error() string { return "http2: " + e.Reason.String() }

// connErrors holds one ConnError for each reason, so that a refusal costs no
// memory.
var connErrors = func() (all [numReasons]ConnError) {
	for i := range all {
		all[i] = ConnError{Code: reasons[i].code, Reason: Reason(i)}
	}
	return all
}()
