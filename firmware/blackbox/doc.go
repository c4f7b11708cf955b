// SPDX-License-Identifier: Apache-2.0

// Package blackbox keeps the last minutes of what happened and of a few counters in
// a file of fixed size, so that they can be read after a crash, without an engine.
//
// A frame is handed to the kernel as soon as it is made: a killed or crashed
// process loses nothing but the second under way. The disk is told to keep it
// every five seconds: a power cut loses up to about that, and a torn frame is left
// out, for each has a checksum. The file is as long as it will ever be from the
// beginning, so a full disk does not end the recording.
//
// A recording that does not end with [Stop] is that of a crash. The next [Open]
// keeps it aside, so that going on does not write over it.
package blackbox
