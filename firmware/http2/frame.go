// SPDX-License-Identifier: Apache-2.0

package http2

import (
	"encoding/binary"
	"strconv"
)

// An ErrCode tells the peer why a stream or the connection ends (RFC 9113
// section 7).
type ErrCode uint32

const (
	NoError ErrCode = iota
	ProtocolError
	InternalError
	FlowControlError
	SettingsTimeout
	StreamClosedError
	FrameSizeError
	RefusedStreamError
	Cancel
	CompressionError
	ConnectError
	EnhanceYourCalm
	InadequateSecurity
	HTTP11Required
)

var errCodes = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR",
	"SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM",
	"CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// String returns the name of the RFC, a number for an unknown code.
func (e ErrCode) String() string {
	if int(e) < len(errCodes) {
		return errCodes[e]
	}
	return "0x" + strconv.FormatUint(uint64(e), 16)
}

// Frame types (RFC 9113 section 6).
const (
	typeData uint8 = iota
	typeHeaders
	typePriority
	typeReset
	typeSettings
	typePush
	typePing
	typeGoAway
	typeWindow
	typeContinuation
)

// Flags. END_STREAM and ACK share a bit: no type has both.
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// Settings (RFC 9113 section 6.5.2, RFC 8441, RFC 9218).
const (
	settingTable        = 0x1
	settingPush         = 0x2
	settingMaxStreams   = 0x3
	settingWindow       = 0x4
	settingMaxFrame     = 0x5
	settingMaxHead      = 0x6
	settingConnect      = 0x8
	settingNoPriorities = 0x9
)

// Sizes.
const (
	frameHead   = 9
	minFrame    = 1 << 14
	maxFrame    = 1<<24 - 1
	firstWindow = 65535 // before SETTINGS say otherwise
	maxWindow   = 1<<31 - 1
	firstTable  = 4096
	maxID       = 1<<31 - 1
)

// preface is what a client's connection begins with (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Preface returns the 24 bytes that a client's connection begins with, for those
// who tell protocols apart by their first bytes.
func Preface() string { return preface }

// appendFrame appends the head of a frame with n bytes.
func appendFrame(dst []byte, n int, typ, flags uint8, id uint32) []byte {
	return append(dst, byte(n>>16), byte(n>>8), byte(n), typ, flags,
		byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
}

func appendSetting(dst []byte, id uint16, v int) []byte {
	dst = binary.BigEndian.AppendUint16(dst, id)
	return binary.BigEndian.AppendUint32(dst, uint32(v))
}
