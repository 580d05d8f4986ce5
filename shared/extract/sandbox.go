package extract

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// sandboxBytes bounds the memory of one PDFium. Books take a tenth of it.
const sandboxBytes = 512 << 20

// errMemory ends the call of a sandbox that wants more memory than it may have.
var errMemory = errors.New("the sandbox's memory is used up")

// sandbox is the memory of one PDFium. It is reserved at once, and taken from the
// system where it is used. A slice of Go's would be copied each time it grows, so
// that the process would hold it some times over.
type sandbox []byte

// allocate reserves the memory of an instance that is being started.
func (p *pdfium) allocate(_, _ uint64) experimental.LinearMemory {
	memory, err := syscall.Mmap(-1, 0, sandboxBytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(fmt.Errorf("reserve the sandbox's memory: %w", err))
	}
	p.memory = memory
	return p.memory
}

// Reallocate lets the memory grow. The runtime turns the panic into the error of
// the call that needs more.
func (s sandbox) Reallocate(size uint64) []byte {
	if size > uint64(len(s)) {
		panic(errMemory)
	}
	return s[:size]
}

// Free does nothing: an instance that is killed may be in the middle of a call.
func (s sandbox) Free() {}

// release gives the memory back. Nothing may run in it any more.
func (s sandbox) release() {
	if s != nil {
		_ = syscall.Munmap(s)
	}
}
