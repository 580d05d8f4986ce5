// Package simulation plays a school day in numbers: students' calls arrive at
// functions that have only so many instances, at a database that has only so many
// processors and connections, and at a model with a budget. It tells what breaks
// first, and what it takes to serve them all.
//
// It is a discrete-event simulation of every call. What it simplifies:
//
//   - Times of service are drawn from exponential distributions around their means.
//   - All instances of a function share one queue for each of their resources, as if
//     the platform balanced them perfectly.
//   - A call computes first, then asks the database, then the model.
//   - A student whose call fails leaves the activity, and the visit if it was the
//     sign-in, and doesn't try again.
package simulation

import (
	"time"

	"aksio.app/scripts/internal/schoolday"
)

// Config is what a day is played with.
type Config struct {
	Day       []schoolday.Visit
	Students  int
	Functions map[string]Function // by id
	Platform  Platform
	Seed      uint64
	Progress  func(share float64) // told now and then how much of the day was played; may be nil
}

// Function is what the catalogue allows a function, and what one call of it takes.
type Function struct {
	CPU          float64 // of one instance; less than one counts as one
	Concurrency  int     // calls that one instance serves at once
	MinInstances int
	MaxInstances int
	Timeout      time.Duration // how long a call may await something
	Background   bool          // nobody waits for it: its calls queue as long as it takes
	Cost         Cost
}

// Cost is what one call takes, on the average.
type Cost struct {
	CPU        time.Duration // of one processor of the function
	Database   time.Duration // of one processor of the database
	Trips      float64       // round trips to the database
	Start      time.Duration // of the function's process, beside what the platform takes
	Model      time.Duration // what the model's answers take
	ModelCalls float64
	Tokens     float64 // sent to the model and received
}

// Platform is what all functions share.
type Platform struct {
	DatabaseCores       int
	DatabaseConnections int           // that functions may open altogether
	Pool                int           // connections of one instance
	RoundTrip           time.Duration // between function and database
	AcquireWait         time.Duration // how long a call waits for a connection before it is refused

	TokensPerMinute   float64       // of the model's provider
	RequestsPerMinute float64       // the same
	ModelWait         time.Duration // how long a call waits for the provider's budget before it fails

	InstanceStart time.Duration // until a function's process begins
	IdleInstance  time.Duration // how long an unused instance is kept
	IdleClose     time.Duration // how long an unused connection is kept
	QueueWait     time.Duration // how long the platform keeps a call for which no instance has room
	Utilization   float64       // of processors and places at which the platform adds an instance

	PerAddress map[string]Rate // what one address may call at most, by function
	School     int             // students behind one address
}

// Rate allows Count calls at once, which come back evenly over Per.
type Rate struct {
	Count int
	Per   time.Duration
}

// Patience is how long a caller waits in queues, all together, before the wait
// counts as a failure of the platform.
const (
	Patience           = time.Second
	BackgroundPatience = time.Minute
)

// Cause is what a call waited for or was refused for.
type Cause int

// The causes. Those from DatabaseCPU on aren't one function's own.
const (
	ColdStart          Cause = iota // the first instance, which starts
	Scaling                         // an instance that could have been added, and wasn't yet
	CPU                             // the processors of the function's instances, of which there are as many as may be
	Places                          // their concurrency
	Pool                            // their connections to the database
	DatabaseCPU                     // the database's processors
	DatabaseConnection              // a connection that the database still grants
	Model                           // the model's budget
	Address                         // the limit of one address
	causes
)

// Shared reports whether all functions share what is short.
func (c Cause) Shared() bool { return c == DatabaseCPU || c == DatabaseConnection || c == Model }

func (c Cause) String() string {
	return [causes]string{
		"cold start", "instances that are added", "processors of the instances", "places of the instances", "connections of the instances",
		"processors of the database", "connections of the database", "budget of the model", "limit of an address",
	}[c]
}
