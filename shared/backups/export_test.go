package backups

import (
	"io"
	"time"
)

// PollFast spares tests the wait between two looks at an operation.
func PollFast(c *Cloud) { c.poll = time.Millisecond }

// DrillFast spares tests the wait between two looks at a scratch server.
func DrillFast(d *Driller) { d.poll = time.Millisecond }

// ReadDump is read.
func ReadDump(dump io.Reader) (tables map[string]Table, roles []string, err error) {
	held, err := read(dump)
	return held.tables, held.roles, err
}

// ReadManifest is decode.
func ReadManifest(stored io.Reader) (Manifest, error) { return decode(stored) }
