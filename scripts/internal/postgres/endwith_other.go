//go:build !linux

package postgres

import "syscall"

// endWithParent does nothing: only Linux can. A server that was left behind is ended by hand.
func endWithParent(*syscall.SysProcAttr) {}
