//go:build !linux

package child

import "syscall"

// endWithParent does nothing: only Linux can.
func endWithParent(*syscall.SysProcAttr, syscall.Signal) {}
