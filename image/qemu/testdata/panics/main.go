// SPDX-License-Identifier: Apache-2.0

// Command panics is a version of the firmware that crashes as process 1.
package main

func main() { panic("this version is broken") }
