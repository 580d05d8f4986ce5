package postgres

import "syscall"

// endWithParent has the server end when this process does, even if that is killed.
func endWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGQUIT }
