package backups

import "time"

// PollFast spares tests the wait between two looks at an operation.
func PollFast(c *Cloud) { c.poll = time.Millisecond }

// DrillFast spares tests the wait between two looks at a scratch server.
func DrillFast(d *Driller) { d.poll = time.Millisecond }

// ReadDump is read.
var ReadDump = read
