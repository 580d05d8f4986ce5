// Package child starts programs that don't outlive this process.
package child

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Start starts the program and calls ended, with what Wait returns, when it has ended.
// On Linux the program gets the signal when this process ends, even if that is killed.
func Start(cmd *exec.Cmd, signal syscall.Signal, ended func(error)) error {
	// Its own group, so that Ctrl-C doesn't reach it before those who use it.
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	endWithParent(cmd.SysProcAttr, signal)
	started := make(chan error)
	go func() {
		// To Linux the parent is the thread, which is kept as long as the program runs.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended(cmd.Wait())
		}
	}()
	return <-started
}
