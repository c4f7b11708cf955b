// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A grpcProber asks by the health checking protocol of gRPC, grpc.health.v1: method
// Check of one service, or of the server as a whole.
// https://github.com/grpc/grpc/blob/master/doc/health-checking.md
type grpcProber struct{ question }

// grpcHead is what stands before a message: whether it is compressed, and its length.
const grpcHead = 1 + 4

// maxGRPC is how much of an answer is read; the message itself has two bytes.
const maxGRPC = 1 << 10

func (p grpcProber) probe(ctx context.Context, t *transcript) Result {
	req, err := p.requestTo("POST", "/grpc.health.v1.Health/Check", string(p.message()))
	if err != nil {
		return bad(Failed, "make request: %v", err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("TE", "trailers")
	conn, err := p.dial(ctx, t)
	if err != nil {
		return p.unconnected(ctx, err)
	}
	defer conn.Close()
	t.notef("gRPC: grpc.health.v1.Health/Check of %q, authority %s", p.Service, p.host())
	resp, end, err := p.roundTrip(ctx, conn, req)
	if e, ok := errors.AsType[*shakeError](err); ok {
		return e.result
	}
	if err != nil {
		return p.broken(ctx, "wait for the answer", err)
	}
	defer end()
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/grpc") {
		return bad(Status, "status %s with content of type %q: that is no gRPC", resp.Status, resp.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxGRPC))
	if err != nil {
		return p.broken(ctx, "read the answer", err)
	}
	code, text := resp.Trailer.Get("Grpc-Status"), resp.Trailer.Get("Grpc-Message")
	if code == "" {
		code, text = resp.Header.Get("Grpc-Status"), resp.Header.Get("Grpc-Message")
	}
	if code != "0" {
		return bad(Status, "grpc-status %q %s", code, text)
	}
	return serving(body)
}

// message returns the HealthCheckRequest: field 1 is the service.
func (p grpcProber) message() []byte {
	var b []byte
	if p.Service != "" {
		b = binary.AppendUvarint(append(b, 1<<3|2), uint64(len(p.Service)))
		b = append(b, p.Service...)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(b))), b...)
}

// servingWords are the values of ServingStatus.
var servingWords = [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}

// serving judges a HealthCheckResponse with what stands before it.
func serving(b []byte) Result {
	if len(b) < grpcHead || b[0] != 0 || uint64(binary.BigEndian.Uint32(b[1:])) != uint64(len(b)-grpcHead) {
		return bad(Syntax, "the answer is not one message without compression")
	}
	status, err := firstVarint(b[grpcHead:])
	if err != nil {
		return bad(Syntax, "the answer is no HealthCheckResponse: %v", err)
	}
	word := fmt.Sprint(status)
	if status < uint64(len(servingWords)) {
		word = servingWords[status]
	}
	if status != 1 {
		return bad(Mismatch, "the server says %s", word)
	}
	return good("the server says %s", word)
}

var errProtobuf = errors.New("it is cut off or malformed")

// firstVarint returns field 1 of a message of Protocol Buffers, a varint; 0 if it is
// not there, which is its default. Other fields are skipped; of several the last holds.
func firstVarint(b []byte) (value uint64, err error) {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, errProtobuf
		}
		b = b[n:]
		skip := uint64(0)
		switch tag & 7 {
		case 0:
			v, n := binary.Uvarint(b)
			if n <= 0 {
				return 0, errProtobuf
			}
			if tag>>3 == 1 {
				value = v
			}
			skip = uint64(n)
		case 1:
			skip = 8
		case 5:
			skip = 4
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)) {
				return 0, errProtobuf
			}
			skip = uint64(n) + size
		default:
			return 0, errProtobuf
		}
		if skip > uint64(len(b)) {
			return 0, errProtobuf
		}
		b = b[skip:]
	}
	return value, nil
}
