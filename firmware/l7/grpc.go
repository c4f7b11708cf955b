// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"bytes"
	"strconv"

	"evener/firmware/http1"
	"evener/firmware/message"
)

// The numbers of gRPC's statuses that the box has a use for.
const (
	grpcUnknown           = 2
	grpcPermissionDenied  = 7
	grpcResourceExhausted = 8
	grpcUnimplemented     = 12
	grpcInternal          = 13
	grpcUnavailable       = 14
	grpcUnauthenticated   = 16
)

// grpcStatus translates a status of HTTP as gRPC's clients do where they get no
// other (grpc/doc/http-grpc-status-mapping.md), and 413 to what it means there.
func grpcStatus(status int) int {
	switch status {
	case 400:
		return grpcInternal
	case 401:
		return grpcUnauthenticated
	case 403:
		return grpcPermissionDenied
	case 404, 405:
		return grpcUnimplemented
	case 413:
		return grpcResourceExhausted
	case 429, 502, 503, 504:
		return grpcUnavailable
	}
	return grpcUnknown
}

// isGRPC reports whether the request is a call of gRPC, whose client looks for
// the result in grpc-status only.
func (x *exchange) isGRPC() bool {
	v, ok := x.req.Get(message.ContentType)
	const grpc = "application/grpc"
	return ok && x.c.stream != nil && bytes.HasPrefix(v, []byte(grpc)) &&
		(len(v) == len(grpc) || v[len(grpc)] == '+' || v[len(grpc)] == ';')
}

// appendGRPC appends an answer that has nothing but the result of the call
// ("Trailers-Only"). What the box says of itself needs no escaping.
func appendGRPC(dst []byte, status int, date []byte) []byte {
	dst = http1.AppendStatusLine(dst, 1, 200, nil)
	dst = http1.AppendField(dst, "Date", date)
	dst = append(dst, "Content-Type: application/grpc\r\nGrpc-Status: "...)
	dst = strconv.AppendInt(dst, int64(grpcStatus(status)), 10)
	dst = append(dst, "\r\nGrpc-Message: "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http1.StatusText(status)...)
	return append(dst, "\r\n\r\n"...)
}
