package backups

import "time"

// PollFast spares tests the wait between two looks at an operation.
func PollFast(c *Cloud) { c.poll = time.Millisecond }
