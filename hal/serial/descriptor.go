// SPDX-License-Identifier: Apache-2.0

package serial

import (
	"fmt"
	"reflect"

	"go.bug.st/serial"
)

// descriptors returns the descriptors that a port of the library holds: the
// line first, then both ends of the pipe that wakes its reader. The library
// keeps them to itself, so they are read from its fields; a version of it with
// other fields is an error, and a test of this package, before it is a panic.
func descriptors(p serial.Port) ([]int, error) {
	v := reflect.ValueOf(p)
	var fds []int
	for _, path := range [][]string{{"handle"}, {"closeSignal", "rd"}, {"closeSignal", "wr"}} {
		fd, err := intField(v, path)
		if err != nil {
			return nil, err
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

func intField(v reflect.Value, path []string) (int, error) {
	for _, name := range path {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if v.Kind() == reflect.Struct {
			v = v.FieldByName(name)
		}
	}
	if !v.IsValid() || !v.CanInt() {
		return 0, fmt.Errorf("this version of go.bug.st/serial has no field %v", path)
	}
	return int(v.Int()), nil
}
